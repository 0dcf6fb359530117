//! Flux: a Kustomization or a `HelmRelease` is applied once those are ready that it depends on.
//!
//! Which objects it applies is known from the labels that Flux gives them, in a cluster and with
//! `flux build`.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use crate::workload::text;

/// The units that Flux applies, and what each depends on.
#[derive(Debug, Default)]
pub struct FluxOrder<'v> {
    units: HashMap<Unit<'v>, &'v Value>,
}

/// A Kustomization or a `HelmRelease`.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Unit<'v> {
    kind: UnitKind,
    namespace: &'v str,
    name: &'v str,
}

#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, strum::Display)]
enum UnitKind {
    HelmRelease,
    Kustomization,
}

impl<'v> FluxOrder<'v> {
    /// Reads the units among objects.
    pub fn new(objects: impl IntoIterator<Item = &'v Value>) -> Self {
        let units = objects.into_iter().filter_map(|object| {
            let kind = UnitKind::of(object)?;
            let name = text(object, "/metadata/name")?;
            let namespace = text(object, "/metadata/namespace").unwrap_or_default();
            let unit = Unit {
                kind,
                namespace,
                name,
            };
            Some((unit, object))
        });
        Self {
            units: units.collect(),
        }
    }

    /// Returns two units of which Flux applies the first, with `late`, once the second is ready,
    /// which `early` is a part of and which waits for it.
    pub fn is_later(&self, late: &'v Value, early: &'v Value) -> Option<[Unit<'v>; 2]> {
        let late: Vec<_> = self.above(late).into_iter().map(|(unit, _)| unit).collect();
        let mut part = early;
        for (unit, object) in self.above(early) {
            if !waits_for(object, part) {
                return None;
            }
            if let Some(late) = late.iter().find(|late| self.depends(**late, unit)) {
                return Some([*late, unit]);
            }
            part = object;
        }
        None
    }

    /// Returns the unit that applies an object, the one that applies that, and so on.
    fn above(&self, object: &'v Value) -> Vec<(Unit<'v>, &'v Value)> {
        let mut found: Vec<(Unit<'v>, &'v Value)> = Vec::new();
        let mut part = object;
        while let Some(unit) = owner(part)
            && let Some(object) = self.units.get(&unit).copied()
            && !found.iter().any(|(it, _)| *it == unit)
        {
            found.push((unit, object));
            part = object;
        }
        found
    }

    fn depends(&self, late: Unit<'v>, early: Unit<'v>) -> bool {
        let mut seen = HashSet::new();
        let mut rest = vec![late];
        while let Some(unit) = rest.pop() {
            let object = self.units.get(&unit).copied();
            for on in object
                .into_iter()
                .flat_map(|object| unit.depends_on(object))
            {
                if on == early {
                    return true;
                }
                if seen.insert(on) {
                    rest.push(on);
                }
            }
        }
        false
    }
}

impl UnitKind {
    fn of(object: &Value) -> Option<Self> {
        let group = text(object, "/apiVersion")?.split_once('/')?.0;
        match (group, text(object, "/kind")?) {
            ("helm.toolkit.fluxcd.io", "HelmRelease") => Some(Self::HelmRelease),
            ("kustomize.toolkit.fluxcd.io", "Kustomization") => Some(Self::Kustomization),
            _ => None,
        }
    }
}

impl<'v> Unit<'v> {
    fn depends_on(self, object: &'v Value) -> impl Iterator<Item = Self> {
        let list = object.pointer("/spec/dependsOn").and_then(Value::as_array);
        list.into_iter().flatten().filter_map(move |on| {
            Some(Self {
                name: text(on, "/name")?,
                namespace: text(on, "/namespace").unwrap_or(self.namespace),
                ..self
            })
        })
    }
}

/// Prints as `kubectl` names objects: `Kustomization/apps`.
impl std::fmt::Display for Unit<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.kind, self.name)
    }
}

/// Returns whether an object orders others by `dependsOn`.
pub fn has_order(object: &Value) -> bool {
    UnitKind::of(object).is_some() && object.pointer("/spec/dependsOn").is_some()
}

/// Returns the unit whose labels an object has.
fn owner(object: &Value) -> Option<Unit<'_>> {
    let labels = object.pointer("/metadata/labels")?;
    let unit = |kind, prefix: &str| {
        let label = |key| {
            labels
                .get(format!("{prefix}.toolkit.fluxcd.io/{key}"))?
                .as_str()
        };
        Some(Unit {
            kind,
            name: label("name")?,
            namespace: label("namespace")?,
        })
    };
    unit(UnitKind::HelmRelease, "helm").or_else(|| unit(UnitKind::Kustomization, "kustomize"))
}

/// Returns whether a unit is ready only once a part of it is.
fn waits_for(unit: &Value, part: &Value) -> bool {
    let is_true = |pointer| unit.pointer(pointer) == Some(&Value::Bool(true));
    if UnitKind::of(unit) == Some(UnitKind::HelmRelease) {
        return !is_true("/spec/install/disableWait");
    }
    let checks = unit.pointer("/spec/healthChecks").and_then(Value::as_array);
    let is_checked = |check: &Value| {
        ["kind", "name"].iter().all(|key| {
            let own = text(
                part,
                if *key == "kind" {
                    "/kind"
                } else {
                    "/metadata/name"
                },
            );
            check.get(key).and_then(Value::as_str) == own
        })
    };
    is_true("/spec/wait") || checks.into_iter().flatten().any(is_checked)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn kustomization(name: &str, on: &[&str], spec: &Value) -> Value {
        let mut object = json!({
            "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
            "metadata": {"name": name, "namespace": "flux"}, "spec": spec,
        });
        let on: Vec<_> = on.iter().map(|name| json!({"name": name})).collect();
        object["spec"]["dependsOn"] = on.into();
        object
    }

    fn part_of(name: &str) -> Value {
        json!({"kind": "Deployment", "metadata": {"name": "d", "labels": {
            "kustomize.toolkit.fluxcd.io/name": name,
            "kustomize.toolkit.fluxcd.io/namespace": "flux",
        }}})
    }

    #[test]
    fn a_unit_comes_later_than_all_that_it_depends_on() {
        let first = kustomization("first", &[], &json!({"wait": true}));
        let second = kustomization("second", &["first"], &json!({}));
        let third = kustomization("third", &["second"], &json!({}));
        let order = FluxOrder::new([&first, &second, &third]);
        let [first, second, third, other] = ["first", "second", "third", "x"].map(part_of);
        let told = |late, early| {
            let units = order.is_later(late, early);
            units.map(|units| units.map(|it| it.to_string()).join(" after "))
        };
        let after = |late: &str| Some(format!("Kustomization/{late} after Kustomization/first"));
        assert_eq!(told(&third, &first), after("third"));
        assert_eq!(told(&second, &first), after("second"));
        assert_eq!(told(&first, &third), None);
        assert_eq!(told(&third, &other), None);
        // Nothing waits until all of it is ready.
        assert_eq!(told(&third, &second), None);
    }

    #[test]
    fn a_release_that_a_kustomization_applies_is_a_part_of_both() {
        let mut infra = kustomization(
            "infra",
            &[],
            &json!({"healthChecks": [
                {"kind": "HelmRelease", "name": "db", "namespace": "flux"},
            ]}),
        );
        let apps = kustomization("apps", &["infra"], &json!({}));
        let mut release = json!({
            "apiVersion": "helm.toolkit.fluxcd.io/v2", "kind": "HelmRelease",
            "metadata": {"name": "db", "namespace": "flux", "labels": {
                "kustomize.toolkit.fluxcd.io/name": "infra",
                "kustomize.toolkit.fluxcd.io/namespace": "flux",
            }}, "spec": {},
        });
        let web = part_of("apps");
        let db = json!({"kind": "StatefulSet", "metadata": {"name": "db", "labels": {
            "helm.toolkit.fluxcd.io/name": "db", "helm.toolkit.fluxcd.io/namespace": "flux",
        }}});
        let is_later = |infra: &Value, release: &Value| {
            let order = FluxOrder::new([infra, &apps, release]);
            order.is_later(&web, &db).is_some()
        };
        assert!(is_later(&infra, &release));
        release["spec"]["install"] = json!({"disableWait": true});
        assert!(!is_later(&infra, &release));
        release["spec"]["install"] = json!({});
        infra["spec"]["healthChecks"] = json!([]);
        assert!(!is_later(&infra, &release));
    }
}
