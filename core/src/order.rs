//! The order in which Helm, Argo CD, kapp and Flux apply objects.
//!
//! Pure. All apply the pods of an object with it. Helm, Argo CD and kapp go by annotations of the
//! object itself.

pub mod argo;
pub mod flux;
pub mod helm;
pub mod kapp;

use std::fmt;

use serde_json::Value;

/// A tool that applies objects in an order.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Installer {
    /// Argo CD: phases, and waves in each. It goes on once everything applied is healthy.
    Argo,
    /// Helm: hooks before and after everything else.
    Helm,
}

/// What is done with a release.
#[derive(Clone, Copy, Debug, Eq, PartialEq, strum::Display)]
#[strum(serialize_all = "lowercase")]
pub enum Operation {
    /// It is applied for the first time.
    Install,
    /// It was applied before.
    Upgrade,
}

/// When an installer applies an object in one operation. A later stage is greater.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Stage {
    /// A phase and a wave of Argo CD.
    Argo(argo::Step),
    /// A hook of Helm, or everything else.
    Helm(helm::Step),
}

impl Installer {
    /// Returns when an object is applied; `None` if the operation does not apply it.
    pub fn stage(self, object: &Value, operation: Operation) -> Option<Stage> {
        match self {
            Self::Argo => argo::step(object).map(Stage::Argo),
            Self::Helm => helm::step(object, operation).map(Stage::Helm),
        }
    }
}

/// Prints the installer's name.
impl fmt::Display for Installer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Argo => "Argo CD",
            Self::Helm => "Helm",
        })
    }
}

impl Stage {
    /// Returns whether its objects are hooks.
    pub fn is_of_hooks(&self) -> bool {
        match self {
            Self::Argo(step) => step.phase != argo::Phase::Sync,
            Self::Helm(step) => *step != helm::Step::Main,
        }
    }
}

/// Prints what is applied, such as `sync wave 5` or `the hook migrate (weight 3)`.
impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Argo(step) => step.fmt(f),
            Self::Helm(helm::Step::After(weight, name) | helm::Step::Before(weight, name)) => {
                write!(f, "the hook {name} (weight {weight})")
            }
            Self::Helm(helm::Step::Main) => f.write_str("everything that is no hook"),
        }
    }
}

/// Returns whether an object is a hook, in either notation, that is deleted once it has succeeded.
pub fn is_deleted_on_success(object: &Value) -> bool {
    deletes_on_success(object).is_some()
}

/// Returns the annotation by which a hook is deleted once it has succeeded.
pub(crate) fn deletes_on_success(object: &Value) -> Option<&'static str> {
    let deletes = |key, policy: &str| {
        let policies = annotation(object, key)?;
        list(policies).any(|it| it == policy).then_some(key)
    };
    deletes(helm::DELETE_POLICY, "hook-succeeded")
        .or_else(|| deletes(argo::DELETE_POLICY, "hooksucceeded"))
}

/// Returns whether an annotation or a label gives an object a place in the order of an installer.
pub(crate) fn is_placed(object: &Value) -> bool {
    let fields = ["/metadata/annotations", "/metadata/labels"];
    let fields = fields
        .into_iter()
        .filter_map(|it| object.pointer(it)?.as_object());
    let mut keys = fields.flat_map(|fields| fields.keys());
    keys.any(|key| MARKS.iter().any(|mark| key.contains(mark)))
}

/// What the keys of the installers have in common.
const MARKS: [&str; 4] = [
    ".toolkit.fluxcd.io/",
    "argocd.argoproj.io/",
    "helm.sh/hook",
    "kapp.k14s.io/",
];

/// Returns the value of an annotation of the object itself.
pub(crate) fn annotation<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    object
        .get("metadata")?
        .get("annotations")?
        .get(key)?
        .as_str()
}

/// Returns the items of a list in an annotation, in lower case.
fn list(value: &str) -> impl Iterator<Item = String> {
    value
        .split(',')
        .map(|item| item.trim().to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[expect(
        clippy::needless_pass_by_value,
        reason = "json!(...) reads better without a &"
    )]
    fn mk(annotations: Value) -> Value {
        json!({"metadata": {"name": "x", "annotations": annotations}})
    }

    #[test]
    fn a_key_of_any_installer_places_an_object() {
        for key in [
            "helm.sh/hook",
            "argocd.argoproj.io/sync-wave",
            "kapp.k14s.io/change-rule.1",
        ] {
            assert!(is_placed(&mk(json!({key: "1"}))), "{key}");
        }
        let label = json!({"metadata": {"labels": {"helm.toolkit.fluxcd.io/name": "db"}}});
        assert!(is_placed(&label));
        assert!(!is_placed(&mk(
            json!({"helm.sh/chart": "db", "depends-on": "a"})
        )));
    }

    #[test]
    fn hooks_stand_around_everything_else_by_weight_and_name() {
        let stage = |annotations, operation| Installer::Helm.stage(&mk(annotations), operation);
        let before = stage(json!({"helm.sh/hook": "pre-install"}), Operation::Install);
        let light =
            json!({"helm.sh/hook": "post-install, post-upgrade", "helm.sh/hook-weight": "-1"});
        let after = stage(light, Operation::Install);
        let late = stage(json!({"helm.sh/hook": "post-install"}), Operation::Install);
        let main = stage(json!({}), Operation::Install);
        assert!(before < main && main < after && after < late);
        assert_eq!(
            stage(json!({"helm.sh/hook": "pre-install"}), Operation::Upgrade),
            None
        );
        assert_eq!(after.unwrap().to_string(), "the hook x (weight -1)");
    }

    #[test]
    fn waves_count_within_phases_and_the_weight_of_helm_is_one() {
        let stage = |annotations| Installer::Argo.stage(&mk(annotations), Operation::Install);
        let pre = stage(json!({
            "argocd.argoproj.io/hook": "PreSync", "argocd.argoproj.io/sync-wave": "7",
        }));
        let first = stage(json!({"argocd.argoproj.io/sync-wave": "-1"}));
        let main = stage(json!({}));
        let weighed = stage(json!({"helm.sh/hook": "post-install", "helm.sh/hook-weight": "4"}));
        assert!(pre < first && first < main && main < weighed);
        assert_eq!(weighed.unwrap().to_string(), "PostSync wave 4");
        assert_eq!(stage(json!({"argocd.argoproj.io/hook": "Skip"})), None);
    }
}
