//! How a waiting pod stands to its release.

use serde_json::Value;

use crate::{
    dependent_pod::DependentPod,
    gates::GatedPod,
    injection::{Controller, Settings},
    language::Owner,
};

/// How a waiting pod stands to its release.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Standing {
    /// It was released, and still waits.
    Released(Owner),
    /// Nothing would act on its release.
    Stuck {
        pod: Owner,
        /// Why, and what to do about it.
        reason: String,
    },
    /// Nobody has released it.
    Waits(Owner),
}

impl Standing {
    /// Reads a pod's JSON; `None` if the pod does not wait.
    pub(super) fn of(pod: &Value, settings: &Settings) -> Option<Self> {
        let DependentPod {
            id, waits, release, ..
        } = DependentPod::read(pod, &settings.keys)?;
        waits.then(|| match (obstacle(pod, &id, settings), release) {
            (Some(reason), _) => Self::Stuck { pod: id, reason },
            (None, Ok(Some(_))) => Self::Released(id),
            (None, Ok(None) | Err(_)) => Self::Waits(id),
        })
    }
}

fn obstacle(pod: &Value, id: &Owner, settings: &Settings) -> Option<String> {
    let label = settings.managed_label();
    let labels = pod.pointer("/metadata/labels");
    let value = labels.and_then(|labels| labels.get(&label)?.as_str());
    if value != Some("true") {
        let Owner {
            namespace, name, ..
        } = id;
        return Some(format!(
            "it has lost the label by which the controller finds it: restore it with `kubectl label \
             pod {name} -n {namespace} --overwrite {label}=true`"
        ));
    }
    let is_gated = GatedPod::read(pod, &settings.keys).is_ok_and(|it| it.gate.is_some());
    let opens_no_gates = settings.controller == Controller::WithoutGates;
    (is_gated && opens_no_gates).then(|| NO_GATES.to_owned())
}

const NO_GATES: &str = "it is behind a scheduling gate, and by its settings the controller opens \
    none: set controller.gates, or recreate the pod with depends-on-mode: init";

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::injection::{Image, StoreAddress};

    fn shown(pod: &Value, controller: Controller) -> String {
        let settings = Settings {
            controller,
            ..Settings::new(Image::new("client"), StoreAddress::new("http://store"))
        };
        match Standing::of(pod, &settings) {
            None => "does not wait".to_owned(),
            Some(Standing::Released(_)) => "released".to_owned(),
            Some(Standing::Stuck { reason, .. }) => reason,
            Some(Standing::Waits(_)) => "waits".to_owned(),
        }
    }

    #[test]
    fn a_release_that_nothing_would_act_on_says_what_to_do() {
        let plain = json!({
            "metadata": {
                "namespace": "shop", "name": "web", "uid": "u",
                "creationTimestamp": "2026-11-27T10:00:00Z",
                "labels": {"oncue.dev/managed": "true"},
                "annotations": {"oncue.dev/injected": r#"{"hash":"h","depends-on":["a"]}"#},
            },
            "spec": {},
            "status": {"phase": "Pending"},
        });
        let with = |pointer: &str, value: Value| {
            let mut pod = plain.clone();
            *pod.pointer_mut(pointer).unwrap() = value;
            pod
        };
        let gated = with(
            "/spec",
            json!({"schedulingGates": [{"name": "oncue.dev/depends-on"}]}),
        );
        let mut released = plain.clone();
        released["metadata"]["annotations"]["oncue.dev/release"] =
            json!(r#"{"uid":"u","reason":"why"}"#);
        let unlabelled = with("/metadata/labels", json!({"oncue.dev/managed": "yes"}));
        let label = "kubectl label pod web -n shop --overwrite oncue.dev/managed=true";
        for (pod, controller, expected) in [
            (&plain, Controller::Present, "waits"),
            (&plain, Controller::WithoutGates, "waits"),
            (&released, Controller::Present, "released"),
            (&unlabelled, Controller::Present, label),
            (&gated, Controller::Present, "waits"),
            (&gated, Controller::WithoutGates, "set controller.gates"),
            (
                &with("/status", json!({"phase": "Failed"})),
                Controller::Present,
                "does not wait",
            ),
        ] {
            let standing = shown(pod, controller);
            assert!(standing.contains(expected), "{standing}: {expected}");
        }
    }
}
