//! What does not go together: a pod, what it asks for, and what the installation can do.

use super::{
    Target as Created,
    hook::Hook,
    pod::{Container, Spec},
    settings::Controller,
};
use crate::language::{
    AnnotationError, Located, ObjectDemand, ObjectKind, ObjectTerm, Placeholder,
    Placeholder::NodeName,
    PodAnnotations, Target, Term,
    annotation::{Fault, Key, Mode},
    condition::MAX_TOGETHER,
    object::{FieldPath, FieldStep},
};

const OPENS_NO_GATES: &str =
    "the controller of this installation opens no gates: use init, which is the default";

const NEEDS_CONTROLLER: &str = "it needs the controller, which this installation does not run";

/// Returns everything that `asked` cannot have in this pod and this installation.
pub(crate) fn conflicts(
    asked: &PodAnnotations,
    spec: &Spec<'_>,
    controller: Controller,
) -> Vec<AnnotationError> {
    let mut errors = Vec::new();
    if asked.mode == Mode::Init {
        errors.extend(more_than_one_request_may_have(asked));
    }
    match controller {
        Controller::Absent => errors.extend(without_controller(asked)),
        Controller::Present => {}
        Controller::WithoutGates => errors.extend(gate(asked, OPENS_NO_GATES)),
    }
    if asked.mode == Mode::Gate {
        errors.extend(behind_a_gate(asked, spec));
    }
    if spec.restarts_for_ever() {
        errors.extend(without_an_end(asked));
    }
    errors
}

const OWN_CLAIM: &str = "the pod uses this claim itself, and a claim that binds when its pod is scheduled never binds \
     behind a gate: leave the term out, because the scheduler waits for the claim, or use \
     depends-on-mode: init";

/// Refuses a gate that waits until a claim of the pod's own is bound. Admission does not know
/// whether it binds before the pod is scheduled; if it does, the scheduler waits for it anyway.
pub(crate) fn own_claims(
    asked: &PodAnnotations,
    spec: &Spec<'_>,
    created: &Created<'_>,
) -> Vec<AnnotationError> {
    if asked.mode != Mode::Gate {
        return Vec::new();
    }
    let unnamed = Placeholder::PodName.to_string();
    let name = created.name.filter(|name| !name.is_empty());
    let claims: Vec<_> = spec.claims(name.unwrap_or(&unnamed)).collect();
    let is_own = |object: &ObjectTerm| {
        let is_here = object.namespace_in(created.namespace).as_ref() == Some(created.namespace);
        let name = object.which.name().map(ToString::to_string);
        is_here && waits_for_binding(object) && name.is_some_and(|name| claims.contains(&name))
    };
    let errors = refused_terms(asked, |term| match &term.target {
        Target::Object(object) => is_own(object).then_some(OWN_CLAIM),
        Target::Below { .. } | Target::Probe(_) | Target::Variable { .. } => None,
    });
    errors.collect()
}

/// Returns whether a term asks for what a claim gets when it is bound.
fn waits_for_binding(object: &ObjectTerm) -> bool {
    object.kind == ObjectKind::PersistentVolumeClaim
        && match &object.demand {
            ObjectDemand::Condition(_) => false,
            ObjectDemand::Field { path, .. } => is_set_by_binding(path),
            ObjectDemand::Rule => true,
        }
}

fn is_set_by_binding(path: &FieldPath) -> bool {
    let steps = path.steps().iter().map(|step| match step {
        FieldStep::Index(_) => "",
        FieldStep::Member(name) => name,
    });
    let names: Vec<_> = steps.collect();
    match *names {
        ["status", ..] | ["spec", "volumeName"] => true,
        ["metadata", "annotations", key] => SET_BY_BINDING.contains(&key),
        _ => false,
    }
}

/// The annotations of a claim by which the scheduler, the provisioner and the controller of volumes
/// bind it.
const SET_BY_BINDING: [&str; 5] = [
    "pv.kubernetes.io/bind-completed",
    "pv.kubernetes.io/bound-by-controller",
    "volume.beta.kubernetes.io/storage-provisioner",
    "volume.kubernetes.io/selected-node",
    "volume.kubernetes.io/storage-provisioner",
];

/// Refuses `signals` if neither a marker nor a controller would signal.
pub(crate) fn unsignalled(
    asked: &PodAnnotations,
    signaller: &Container<'_>,
    controller: Controller,
) -> Option<AnnotationError> {
    let Hook::Foreign(handler) = Hook::of(signaller) else {
        return None;
    };
    if asked.signals.is_empty() || controller != Controller::Absent {
        return None;
    }
    let rule = format!(
        "container {} has a postStart hook of the kind {handler}, behind which oncue cannot signal, \
         and this installation runs no controller that would: make the hook an exec, or name \
         another container with signals-container",
        signaller.name(),
    );
    Some(AnnotationError::refused(Key::Signals, &rule))
}

fn without_controller(asked: &PodAnnotations) -> Vec<AnnotationError> {
    let objects = refused_terms(asked, |term| {
        matches!(term.target, Target::Object(_)).then_some(NEEDS_CONTROLLER)
    });
    let needing = [
        Key::SignalsOnReady,
        Key::SignalsOnSuccess,
        Key::SignalsOnFailure,
    ];
    objects
        .chain(gate(asked, NEEDS_CONTROLLER))
        .chain(refused_signals(asked, needing, NEEDS_CONTROLLER))
        .collect()
}

fn gate(asked: &PodAnnotations, rule: &'static str) -> Option<AnnotationError> {
    (asked.mode == Mode::Gate).then(|| AnnotationError::value(Key::DependsOnMode, "gate", &rule))
}

fn behind_a_gate(asked: &PodAnnotations, spec: &Spec<'_>) -> Vec<AnnotationError> {
    let terms = refused_terms(asked, |term| {
        if term.probe().is_some() {
            Some("a gate waits before the pod has a network: probes need depends-on-mode: init")
        } else if term.needs_node() {
            Some(
                "a gate waits before the pod has a node: $(NODE_NAME) and on node need \
                 depends-on-mode: init",
            )
        } else {
            None
        }
    });
    let node = spec.node_name().map(|_| {
        let rule = "the pod has a spec.nodeName and is never scheduled: use init";
        AnnotationError::value(Key::DependsOnMode, "gate", &rule)
    });
    terms.chain(signals_with_node(asked)).chain(node).collect()
}

fn signals_with_node(asked: &PodAnnotations) -> impl Iterator<Item = AnnotationError> {
    let signals = asked.signals_on_wait.iter();
    let with_node = signals.filter(|it| it.value.placeholders().any(|it| *it == NodeName));
    with_node.map(|Located { value, at }| AnnotationError {
        key: Key::SignalsOnWait,
        fault: Fault::RefusedTerm {
            at: *at,
            term: value.to_string(),
            rule:
                "a gate waits before the pod has a node: $(NODE_NAME) needs depends-on-mode: init"
                    .to_owned(),
        },
    })
}

/// Points at the first term that is too many for the client's request: probes are not in it.
fn more_than_one_request_may_have(asked: &PodAnnotations) -> Option<AnnotationError> {
    let is_judged = |term: &&Located<Term>| term.value.probe().is_none();
    let mut judged = asked.depends_on.iter().filter(is_judged);
    let count = judged.clone().count();
    let Located { value, at } = judged.nth(MAX_TOGETHER)?;
    let fault = Fault::RefusedTerm {
        at: *at,
        term: value.to_string(),
        rule: format!(
            "{count} terms besides probes are more than the {MAX_TOGETHER} that a pod may wait for: \
             count variables with name/*>=N, or wait for one that stands for many"
        ),
    };
    Some(AnnotationError {
        key: Key::DependsOn,
        fault,
    })
}

fn without_an_end(asked: &PodAnnotations) -> impl Iterator<Item = AnnotationError> {
    let rule = "a pod with restartPolicy Always never ends: it goes with OnFailure and Never";
    refused_signals(asked, [Key::SignalsOnSuccess, Key::SignalsOnFailure], rule)
}

fn refused_terms(
    asked: &PodAnnotations,
    rule: impl Fn(&Term) -> Option<&'static str>,
) -> impl Iterator<Item = AnnotationError> {
    asked.depends_on.iter().filter_map(move |located| {
        let Located { value, at } = located;
        let fault = Fault::RefusedTerm {
            at: *at,
            term: value.to_string(),
            rule: rule(value)?.to_owned(),
        };
        Some(AnnotationError {
            key: Key::DependsOn,
            fault,
        })
    })
}

fn refused_signals<const N: usize>(
    asked: &PodAnnotations,
    keys: [Key; N],
    rule: &'static str,
) -> impl Iterator<Item = AnnotationError> {
    let lists = asked.all_signals().into_iter();
    lists
        .filter(move |(key, list)| keys.contains(key) && !list.is_empty())
        .map(move |(key, _)| AnnotationError::refused(key, &rule))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::Keys;

    fn refused(annotations: &[(&str, &str)], spec: &str, controller: Controller) -> Vec<String> {
        let annotations = annotations.iter().copied();
        let reading = PodAnnotations::read(&Keys::default(), annotations);
        let asked = reading.annotations.unwrap();
        let spec: Spec<'_> = serde_json::from_str(spec).unwrap();
        let errors = conflicts(&asked, &spec, controller);
        errors.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn says_what_needs_the_controller() {
        let annotations = [
            ("depends-on", "a, job:migrate"),
            ("depends-on-mode", "gate"),
            ("signals-on-ready", "r"),
        ];
        let errors = refused(&annotations, "{}", Controller::Absent);
        assert_eq!(
            errors,
            [
                format!("depends-on: column 4: in \"job:migrate\": {NEEDS_CONTROLLER}"),
                format!("depends-on-mode: \"gate\" is not right: {NEEDS_CONTROLLER}"),
                format!("signals-on-ready: {NEEDS_CONTROLLER}"),
            ]
        );
        let errors = refused(&annotations, "{}", Controller::Present);
        assert!(errors.is_empty(), "{errors:?}");
    }

    #[test]
    fn a_gate_is_refused_while_nobody_opens_it() {
        let annotations = [("depends-on", "a, job:m"), ("depends-on-mode", "gate")];
        let errors = refused(&annotations, "{}", Controller::WithoutGates);
        let expected = format!("depends-on-mode: \"gate\" is not right: {OPENS_NO_GATES}");
        assert_eq!(errors, [expected]);
        let errors = refused(&annotations[..1], "{}", Controller::WithoutGates);
        assert!(errors.is_empty(), "{errors:?}");
    }

    #[test]
    fn a_gate_knows_no_node_and_no_network() {
        let annotations = [
            (
                "depends-on",
                "cni/$(NODE_NAME), tcp://h:1, a, daemonset:cni on node",
            ),
            ("depends-on-mode", "gate"),
            ("signals-on-wait", "x, y/$(NODE_NAME)"),
            ("signals-on-init", "z/$(NODE_NAME)"),
        ];
        let errors = refused(&annotations, r#"{"nodeName":"n"}"#, Controller::Present);
        assert_eq!(errors.len(), 5, "{errors:?}");
        assert!(errors[0].starts_with("depends-on: column 1: in \"cni/$(NODE_NAME)\": a gate"));
        assert!(errors[1].starts_with("depends-on: column 19: in \"tcp://h:1\": a gate"));
        let on_node = "depends-on: column 33: in \"daemonset:cni on node\": a gate waits";
        assert!(errors[2].starts_with(on_node), "{errors:?}");
        let on_wait = "signals-on-wait: column 4: in \"y/$(NODE_NAME)\": a gate waits before";
        assert!(errors[3].starts_with(on_wait), "{errors:?}");
        assert!(errors[4].contains("spec.nodeName"));
    }

    #[test]
    fn a_gate_does_not_wait_until_a_claim_of_the_pods_own_is_bound() {
        let spec = r#"{"volumes":[
            {"name":"data","persistentVolumeClaim":{"claimName":"orders"}},
            {"name":"scratch","ephemeral":{"volumeClaimTemplate":{}}},
            {"name":"tmp","emptyDir":{}}
        ]}"#;
        let spec: Spec<'_> = serde_json::from_str(spec).unwrap();
        let shop: crate::language::Namespace = "shop".parse().unwrap();
        for (term, mode, name, is_refused) in [
            ("pvc:orders", "gate", Some("app"), true),
            ("pvc:orders@shop", "gate", None, true),
            ("?pvc:orders{.status.phase}=Bound", "gate", None, true),
            ("pvc:orders{.spec.volumeName}", "gate", None, true),
            (
                "pvc:orders{.metadata.annotations['pv.kubernetes.io/bind-completed']}=yes",
                "gate",
                None,
                true,
            ),
            (
                "pvc:orders{.metadata.annotations['team']}",
                "gate",
                None,
                false,
            ),
            ("pvc:app-scratch", "gate", Some("app"), true),
            ("pvc:$(POD_NAME)-scratch", "gate", None, true),
            ("pvc:app-tmp", "gate", Some("app"), false),
            ("pvc:orders@till", "gate", None, false),
            ("pvc:orders{.spec.storageClassName}", "gate", None, false),
            ("pvc:orders-old", "gate", None, false),
            ("configmap:orders", "gate", None, false),
            ("pvc:orders", "init", Some("app"), false),
        ] {
            let annotations = [("depends-on", term), ("depends-on-mode", mode)];
            let reading = PodAnnotations::read(&Keys::default(), annotations);
            let created = Created {
                namespace: &shop,
                name,
            };
            let errors = own_claims(&reading.annotations.unwrap(), &spec, &created);
            assert_eq!(!errors.is_empty(), is_refused, "{term}");
        }
    }

    #[test]
    fn no_more_terms_than_one_request_may_have() {
        let of = |count: usize| {
            let terms: Vec<_> = (1..=count).map(|n| format!("v{n}, tcp://h:{n}")).collect();
            let annotations = [("depends-on", &*terms.join("\n"))];
            refused(&annotations, "{}", Controller::Absent)
        };
        assert!(of(256).is_empty(), "{:?}", of(256));
        let errors = of(258);
        assert_eq!(errors.len(), 1, "{errors:?}");
        let expected = "in \"v257\": 258 terms besides probes are more than the 256 that";
        assert!(errors[0].contains(expected), "{errors:?}");
    }

    #[test]
    fn what_never_ends_has_no_end_to_signal() {
        let annotations = [("signals-on-success", "s"), ("signals-on-failure", "f")];
        let present = Controller::Present;
        for (spec, count) in [
            ("{}", 2),
            (r#"{"restartPolicy":"Always"}"#, 2),
            (r#"{"restartPolicy":"OnFailure"}"#, 0),
            (r#"{"restartPolicy":"Never"}"#, 0),
        ] {
            assert_eq!(refused(&annotations, spec, present).len(), count, "{spec}");
        }
    }
}
