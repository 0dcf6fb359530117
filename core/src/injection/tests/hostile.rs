//! Invalid and unusual pods.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Identity, admit, admitted, assert_nothing_to_do, cluster, laptop};
use crate::injection::{Decision, Injection, Refusal, Refused, SkipReason};

fn refused(pod: &str) -> String {
    let refusal = admit(pod, &cluster()).unwrap_err().refusal;
    assert!(matches!(refusal, Refusal::Pod(_)), "{refusal}");
    refusal.to_string()
}

#[test]
fn a_wrong_type_is_named_with_its_path() {
    for (pod, expected) in [
        (
            r#"{"spec":{"containers":[{"name":"a"},{"name":5}]}}"#,
            "at spec.containers[1].name: invalid type: integer `5`, expected a string",
        ),
        (
            r#"{"metadata":{"annotations":{"depends-on":["a"]}}}"#,
            "at metadata.annotations.depends-on: invalid type: sequence, expected a string",
        ),
        (
            r#"{"spec":{"containers":[{"resources":{"limits":{"cpu":"much"}}}]}}"#,
            "at spec.containers[0].resources.limits.cpu: \"much\" is not a quantity",
        ),
        (
            r#"{"spec":{"volumes":{}}}"#,
            "at spec.volumes: invalid type: map, expected a list",
        ),
        (
            r#"{"spec":{"hostNetwork":"yes"}}"#,
            "at spec.hostNetwork: invalid type",
        ),
        (
            r#"{"kind":"Deployment"}"#,
            "at kind: it is \"Deployment\" where Pod was expected",
        ),
        (
            "[]",
            "at its top level: invalid type: sequence, expected an object",
        ),
        ("", "at its top level: EOF while parsing"),
        ("{}x", "at its top level: trailing characters"),
        (r#"{"spec":"#, "EOF while parsing"),
    ] {
        let error = refused(pod);
        assert!(error.contains(expected), "{pod}: {error}");
    }
}

#[test]
fn a_pod_without_containers_is_incomplete() {
    for spec in [
        "null",
        "{}",
        r#"{"containers":null}"#,
        r#"{"containers":[]}"#,
    ] {
        let pod = format!(r#"{{"metadata":{{"annotations":{{"depends-on":"a"}}}},"spec":{spec}}}"#);
        let refusal = admit(&pod, &cluster()).unwrap_err().refusal;
        assert!(matches!(refusal, Refusal::Incomplete(_)), "{refusal}");
        let expected = "spec.containers: a pod has at least one container";
        assert!(refusal.to_string().contains(expected), "{refusal}");
    }
}

#[test]
fn depth_overflows_no_stack() {
    for (open, close) in [("[", "]"), (r#"{"a":"#, "}")] {
        let deep = format!("{}1{}", open.repeat(1 << 18), close.repeat(1 << 18));
        for pod in [
            deep.clone(),
            format!(r#"{{"spec":{{"future":{deep}}}}}"#),
            format!(r#"{{"spec":{{"initContainers":[{{"env":{deep}}}]}}}}"#),
            format!(
                r#"{{"spec":{{"containers":[{{"lifecycle":{{"postStart":{{"x":{deep}}}}}}}]}}}}"#
            ),
        ] {
            match admit(&pod, &cluster()) {
                Ok(injection) => assert!(matches!(
                    injection.decision,
                    Decision::Skip(SkipReason::NothingAsked)
                )),
                Err(refused) => assert_eq!(refused.refusal.status(), 400),
            }
        }
    }
}

#[test]
fn a_list_without_end_is_refused_before_it_fills_the_memory() {
    let containers = "{},".repeat(1 << 20);
    let terms = "a,".repeat(1 << 20);
    for (pod, expected) in [
        (
            format!(r#"{{"spec":{{"containers":[{containers}{{}}]}}}}"#),
            "spec.containers: there are more than 20000 elements",
        ),
        (
            format!(r#"{{"metadata":{{"annotations":{{"depends-on":"{terms}"}}}}}}"#),
            "metadata.annotations: oncue's have 2097162 bytes, but Kubernetes allows 262144 for",
        ),
    ] {
        let refusal = admit(&pod, &cluster()).unwrap_err().refusal;
        assert_eq!(refusal.status(), 422);
        let message = refusal.to_string();
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn unknown_keys_never_deny_a_pod_however_many_there_are() {
    let keys = (0..1000).map(|n| (format!("oncue.dev/x{n}"), json!("")));
    let mut annotations: serde_json::Map<_, _> = keys.collect();
    annotations.insert("depends-on".to_owned(), json!("a"));
    let spec = json!({"containers": [{"name": "app"}]});
    let pod = json!({"metadata": {"annotations": annotations}, "spec": spec});
    let injection = admit(&pod.to_string(), &cluster()).unwrap();
    assert!(matches!(injection.decision, Decision::Patch(_)));
    assert_eq!(injection.warnings.len(), 16);
}

#[test]
fn a_denial_is_short_enough_to_read() {
    let terms = "job:x, ".repeat(10_000);
    let spec = json!({"containers": [{"name": "app"}]});
    let pod = json!({"metadata": {"annotations": {"depends-on": terms}}, "spec": spec});
    let message = admit(&pod.to_string(), &laptop()).unwrap_err().to_string();
    assert!(message.len() < 2000, "{}", message.len());
    assert!(message.ends_with("; and 9993 more like these"), "{message}");
}

#[test]
fn the_last_of_two_equal_keys_wins() {
    let pod = r#"{
        "spec": {"containers": []},
        "metadata": {"annotations": {"depends-on": "a"}},
        "metadata": {"annotations": {"oncue.dev/inject": "client", "signals": "b"}},
        "spec": {"containers": [{"name": "x", "name": "app"}]}
    }"#;
    let injection = admit(pod, &cluster()).unwrap();
    assert!(injection.annotations.depends_on.is_empty());
    let Decision::Patch(patch) = injection.decision else {
        panic!("it asks for something");
    };
    assert!(
        patch
            .into_json()
            .contains(r#"\"signals-container\":\"app\""#)
    );
}

#[test]
fn the_last_of_two_equal_labels_wins() {
    let pod = r#"{
        "metadata": {
            "annotations": {"depends-on": "a/$(labels['v'])"},
            "labels": {"v": "1", "w": "3", "v": "2"}
        },
        "spec": {"containers": [{"name": "app"}]}
    }"#;
    let injection = admit(pod, &cluster()).unwrap();
    assert_eq!(injection.annotations.depends_on[0].value.to_string(), "a/2");
}

#[test]
fn null_counts_as_absent() {
    let pod = json!({
        "metadata": {"labels": null, "annotations": {"depends-on": "a", "signals": "b", "x": null}},
        "spec": {
            "containers": [{"name": "app", "lifecycle": null, "volumeMounts": null}],
            "initContainers": null, "volumes": null, "imagePullSecrets": null, "os": null,
            "securityContext": null, "restartPolicy": null, "nodeSelector": null
        }
    });
    let patched = admitted(&pod.to_string(), &cluster());
    assert_nothing_to_do(&patched, &cluster());
}

/// JSON that looks like a pod here and there.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        prop_oneof![
            ".{0,8}",
            "[a-z]{1,3}",
            "Always|windows|oncue|oncue-wait|/oncue|false"
        ]
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 64, 6, |inner| {
        let key = prop_oneof![
            "metadata|spec|annotations|labels|containers|initContainers|volumes|name|env|value",
            "depends-on|signals|signals-container|oncue.dev/inject|lifecycle|postStart|exec|command",
            "volumeMounts|mountPath|resources|limits|requests|cpu|memory|restartPolicy|ONCUE_HASH"
        ];
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::vec((key, inner), 0..6)
                .prop_map(|members| members.into_iter().collect::<serde_json::Map<_, _>>().into()),
        ]
    })
}

prop_compose! {
    fn any_container(name: &'static str)(
        hook in proptest::option::of(prop_oneof![
            9 => proptest::collection::vec("[ -~]{1,6}", 1..4),
            1 => Just(["/oncue/oncue-client", "create", "--marker"].map(str::to_owned).to_vec()),
        ]),
        mounts in proptest::option::of(prop_oneof![
            9 => Just(json!([{"name": "data", "mountPath": "/data"}])),
            1 => Just(json!([{"name": "oncue", "mountPath": "/oncue"}])),
        ]),
        sidecar in any::<bool>(),
        cpu in proptest::option::of(1u32..4000),
    ) -> Value {
        let mut container = json!({"name": name, "image": "image"});
        if let Some(command) = hook {
            container["lifecycle"] = json!({"postStart": {"exec": {"command": command}}});
        }
        if let Some(mounts) = mounts {
            container["volumeMounts"] = mounts;
        }
        if sidecar && name.starts_with("init") {
            container["restartPolicy"] = json!("Always");
        }
        if let Some(cpu) = cpu {
            container["resources"] = json!({"limits": {"cpu": format!("{cpu}m"), "memory": "48Mi"}});
        }
        container
    }
}

prop_compose! {
    fn any_pod()(
        depends_on in proptest::option::of("[a-z]{1,4}(, [a-z]{1,4}/\\$\\((POD_NAME|POD_UID|NODE_NAME)\\))?"),
        signals in proptest::option::of("[a-z]{1,4}=(\\$\\$\\([A-Z]{1,3}\\)|\\$\\((POD_NAME|NODE_NAME)\\)\\$?)"),
        inject in prop_oneof![Just("true"), Just("client")],
        position in prop_oneof![Just("first"), Just("after-sidecars")],
        extra in proptest::option::of(("[ -~]{0,9}", ".{0,9}")),
        labels in proptest::option::of("[a-z]{0,3}"),
        init in proptest::option::of((any_container("init-a"), any_container("init-b"))),
        containers in (any_container("app"), any_container("other")),
        future in any_json(),
    ) -> Value {
        let mut annotations = json!({"oncue.dev/inject": inject, "depends-on-position": position});
        for (key, value) in [("depends-on", depends_on), ("signals", signals)] {
            if let Some(value) = value {
                annotations[key] = json!(value);
            }
        }
        if let Some((key, value)) = extra {
            annotations[format!("x/{key}")] = json!(value);
        }
        let mut pod = json!({
            "metadata": {"namespace": "shop", "annotations": annotations},
            "spec": {"containers": [containers.0, containers.1], "future": future}
        });
        if let Some(label) = labels {
            pod["metadata"]["labels"] = json!({"l": label});
        }
        if let Some((a, b)) = init {
            pod["spec"]["initContainers"] = json!([a, b]);
        }
        pod
    }
}

proptest! {
    #[test]
    fn any_text_is_answered(text in ".*") {
        let _ = admit(&text, &cluster());
    }

    #[test]
    fn any_json_is_answered(value in any_json()) {
        let _ = admit(&value.to_string(), &cluster());
    }

    #[test]
    fn any_pod_is_injected_once(pod in any_pod()) {
        let pod = pod.to_string();
        match Identity::of(&pod).admit(&pod, &cluster()) {
            Ok(Injection { decision: Decision::Patch(patch), .. }) => {
                assert_nothing_to_do(&super::raw::patched(&pod, &patch), &cluster());
            }
            Ok(_) => {}
            Err(Refused { refusal, .. }) => {
                prop_assert!(matches!(refusal, Refusal::Collision(_)), "{}", refusal);
                prop_assert!(pod.contains("\"/oncue"), "{}", refusal);
            }
        }
    }
}
