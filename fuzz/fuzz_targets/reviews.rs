//! Any review gets an answer without an internal error, a second admission of a pod changes nothing,
//! and a workload of such pods can be linted.
#![no_main]

use libfuzzer_sys::{arbitrary, arbitrary::Arbitrary, fuzz_target};
use oncue::{
    injection::{self, Controller, Decision, Image, Proof, Settings, StoreAddress, Target},
    language::Namespace,
    webhook::{Strictness, answer, lint},
};
use serde_json::{Value, json};

#[derive(Arbitrary, Debug)]
enum Input<'a> {
    Pod {
        annotations: Vec<(Key<'a>, &'a str)>,
        label: &'a str,
        spec: &'a str,
        restart_policy: Restart,
    },
    Review(&'a [u8]),
}

#[derive(Arbitrary, Debug)]
enum Key<'a> {
    DependsOn,
    Inject,
    Mode,
    Other(&'a str),
    Position,
    Resources,
    Signals,
    SignalsContainer,
    SignalsOnInit,
    SignalsOnSuccess,
    SignalsOnWait,
    Timeout,
}

#[derive(Arbitrary, Debug)]
enum Restart {
    Always,
    Never,
}

impl Key<'_> {
    fn text(&self) -> &str {
        match self {
            Self::DependsOn => "depends-on",
            Self::Inject => "oncue.dev/inject",
            Self::Mode => "depends-on-mode",
            Self::Other(key) => key,
            Self::Position => "depends-on-position",
            Self::Resources => "oncue.dev/resources",
            Self::Signals => "signals",
            Self::SignalsContainer => "signals-container",
            Self::SignalsOnInit => "signals-on-init",
            Self::SignalsOnSuccess => "signals-on-success",
            Self::SignalsOnWait => "signals-on-wait",
            Self::Timeout => "depends-on-timeout",
        }
    }
}

fn settings() -> Settings {
    let mut settings = Settings::new(
        Image::new("client:1"),
        StoreAddress::new("https://store:9999"),
    );
    settings.controller = Controller::Present;
    settings.proof = Proof::Token;
    settings
}

/// A pod with two containers and a sidecar, merged with `spec` if that is an object.
fn pod(
    annotations: &[(Key<'_>, &str)],
    label: &str,
    spec: &str,
    restart_policy: &Restart,
) -> Value {
    let annotations: serde_json::Map<_, _> = annotations
        .iter()
        .map(|(key, value)| (key.text().to_owned(), Value::from(*value)))
        .collect();
    let mut pod = json!({
        "metadata": {"annotations": annotations, "labels": {"app": label}},
        "spec": {
            "restartPolicy": format!("{restart_policy:?}"),
            "initContainers": [{"name": "proxy", "restartPolicy": "Always"}],
            "containers": [{"name": "app"}, {"name": "side"}],
        },
    });
    if let Ok(Value::Object(more)) = serde_json::from_str(spec) {
        pod["spec"]
            .as_object_mut()
            .expect("it is an object")
            .extend(more);
    }
    pod
}

/// An update of a Deployment whose template is `pod`.
fn review_of_workload(pod: &Value) -> Vec<u8> {
    let workload = |replicas: u8| {
        json!({
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": pod["metadata"],
            "spec": {"replicas": replicas, "template": pod},
        })
    };
    let review = json!({
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": "1", "operation": "UPDATE", "namespace": "default",
            "kind": {"group": "apps", "version": "v1", "kind": "Deployment"},
            "object": workload(1), "oldObject": workload(2),
        },
    });
    review.to_string().into_bytes()
}

fuzz_target!(|input: Input<'_>| {
    let settings = settings();
    match input {
        Input::Review(bytes) => {
            for answer in [
                answer(bytes, &settings),
                lint(bytes, &settings, Strictness::Warn),
            ] {
                assert!(!answer.status.is_server_error(), "{}", answer.status);
            }
        }
        Input::Pod {
            annotations,
            label,
            spec,
            restart_policy,
        } => {
            let mut pod = pod(&annotations, label, spec, &restart_policy);
            let review = review_of_workload(&pod);
            let answer = lint(&review, &settings, Strictness::Deny);
            assert!(!answer.status.is_server_error(), "{}", answer.status);
            let namespace = Namespace::default();
            let target = Target {
                namespace: &namespace,
                name: None,
            };
            let admit = |pod: &Value| injection::inject(&pod.to_string(), &target, &settings);
            let Ok(first) = admit(&pod) else { return };
            if let Decision::Patch(patch) = first.decision {
                let patch = patch.to_json_patch();
                json_patch::patch(&mut pod, &patch).expect("a patch of ours applies");
                let second = admit(&pod).expect("what was let in is let in again");
                assert!(matches!(second.decision, Decision::Skip(_)), "{pod}");
            }
        }
    }
});
