//! What happens between two rounds of admission, when other webhooks have had their turn.

use serde_json::{Value, json};

use super::{admit, admitted, assert_nothing_to_do, cluster};
use crate::injection::{Collision, Decision, Refusal, SkipReason};

fn mk_pod(annotations: &Value) -> Value {
    json!({
        "metadata": {"name": "app", "namespace": "shop", "annotations": annotations},
        "spec": {"containers": [{"name": "app", "image": "app"}]}
    })
}

/// Admits `pod` and returns it as it is then.
fn round(pod: &Value) -> Value {
    serde_json::from_str(&admitted(&pod.to_string(), &cluster())).unwrap()
}

fn operations(pod: &Value) -> Vec<String> {
    match admit(&pod.to_string(), &cluster()).unwrap().decision {
        Decision::Skip(SkipReason::AlreadyInjected) => Vec::new(),
        Decision::Skip(reason) => panic!("skipped: {reason}"),
        Decision::Patch(patch) => {
            let patch = serde_json::to_value(patch).unwrap();
            let print = |operation: &Value| {
                format!("{} {}", operation["op"], operation["path"]).replace('"', "")
            };
            patch.as_array().unwrap().iter().map(print).collect()
        }
    }
}

fn push(pod: &mut Value, list: &str, element: Value) {
    pod["spec"][list].as_array_mut().unwrap().push(element);
}

fn insert_first(pod: &mut Value, list: &str, element: Value) {
    pod["spec"][list].as_array_mut().unwrap().insert(0, element);
}

#[test]
fn a_late_sidecar_gets_just_its_client() {
    let mut pod = round(&mk_pod(&json!({"oncue.dev/inject": "client"})));
    push(&mut pod, "containers", json!({"name": "late"}));
    assert_eq!(operations(&pod), ["add /spec/containers/1/volumeMounts"]);
    assert_nothing_to_do(&round(&pod).to_string(), &cluster());
}

#[test]
fn the_marker_stays_when_a_container_comes_in_front_of_the_first() {
    let mut pod = round(&mk_pod(&json!({"signals": "a/$(CONTAINER)"})));
    insert_first(&mut pod, "containers", json!({"name": "mesh"}));
    assert_eq!(operations(&pod), [""; 0]);
}

#[test]
fn a_name_keeps_its_container_when_another_comes_in_front_of_the_first() {
    for key in ["depends-on", "signals-on-init", "signals-on-ready"] {
        let mut pod = round(&mk_pod(&json!({key: "up/$(CONTAINER)"})));
        insert_first(&mut pod, "containers", json!({"name": "mesh"}));
        assert_eq!(operations(&pod), [""; 0], "{key}");
    }
}

#[test]
fn ours_moves_back_before_a_mesh_that_came_in_front() {
    let mut pod = round(&mk_pod(&json!({"depends-on": "a"})));
    insert_first(&mut pod, "initContainers", json!({"name": "istio-init"}));
    assert_eq!(
        operations(&pod),
        [
            "remove /spec/initContainers/1",
            "add /spec/initContainers/0"
        ]
    );
    assert_nothing_to_do(&round(&pod).to_string(), &cluster());
}

#[test]
fn ours_stays_behind_a_native_proxy_and_behind_what_redirects_nothing() {
    let proxy = json!({"name": "istio-proxy", "restartPolicy": "Always"});
    let other = json!({"name": "vault-agent-init"});
    for in_front in [proxy, other] {
        let mut pod = round(&mk_pod(&json!({"depends-on": "a"})));
        insert_first(&mut pod, "initContainers", in_front);
        assert_eq!(operations(&pod), [""; 0]);
    }
}

#[test]
fn what_was_lost_between_two_rounds_comes_back_alone() {
    let mut pod = round(&mk_pod(&json!({"depends-on": "a", "signals": "b"})));
    pod["spec"]["volumes"] = json!([]);
    pod["spec"]["containers"][0]["lifecycle"] = json!({});
    assert_eq!(
        operations(&pod),
        [
            "add /spec/volumes/-",
            "add /spec/containers/0/lifecycle/postStart"
        ]
    );
}

#[test]
fn our_container_comes_back_where_another_webhook_dropped_it() {
    let mut pod = round(&mk_pod(&json!({"depends-on": "a", "signals": "b"})));
    pod["spec"]["initContainers"] = json!([]);
    assert_eq!(operations(&pod), ["add /spec/initContainers/0"]);
    assert_nothing_to_do(&round(&pod).to_string(), &cluster());
}

#[test]
fn what_looks_like_ours_is_refused_where_the_next_round_would_remove_it() {
    let mount = json!({"volumeMounts": [{"name": "oncue", "mountPath": "/oncue"}]});
    let command = json!(["/oncue/oncue-client", "create", "--marker", "--", "warm"]);
    let marker = json!({"lifecycle": {"postStart": {"exec": {"command": command}}}});
    for (container, expected) in [
        (mount, "spec.containers[1].volumeMounts[0]"),
        (
            marker,
            "spec.containers[1].lifecycle.postStart.exec.command",
        ),
    ] {
        let mut pod = mk_pod(&json!({"signals": "a"}));
        push(&mut pod, "containers", container.clone());
        let refusal = admit(&pod.to_string(), &cluster()).unwrap_err().refusal;
        let Refusal::Collision(Collision::Mount { path, .. }) = &refusal else {
            panic!("{refusal}");
        };
        assert_eq!(path, expected);
        assert!(refusal.to_string().contains("take it out"), "{refusal}");

        let mut pod = round(&mk_pod(&json!({"signals": "a"})));
        push(&mut pod, "containers", container);
        assert_nothing_to_do(&round(&pod).to_string(), &cluster());
    }
}

#[test]
fn what_looks_like_ours_stays_where_it_belongs() {
    let mut pod = mk_pod(&json!({"signals": "a"}));
    pod["spec"]["containers"][0]["volumeMounts"] =
        json!([{"name": "oncue", "mountPath": "/oncue"}]);
    assert_nothing_to_do(&round(&pod).to_string(), &cluster());
}

#[test]
fn what_goes_with_a_dropped_container_goes_once_nobody_needs_it() {
    let mut pod = round(&mk_pod(&json!({"depends-on": "a", "signals": "b"})));
    pod["spec"]["initContainers"] = json!([]);
    pod["metadata"]["annotations"] = json!({
        "oncue.dev/injected": pod["metadata"]["annotations"]["oncue.dev/injected"],
        "signals-on-ready": "c"
    });
    let pod = round(&pod);
    assert_eq!(pod["spec"]["volumes"], json!([]));
    assert_eq!(pod["spec"]["containers"][0]["lifecycle"], json!({}));
}

#[test]
fn a_record_without_a_container_makes_nothing_ours() {
    let mut pod = mk_pod(&json!({"depends-on": "a", "depends-on-mode": "gate"}));
    pod["spec"]["volumes"] = json!([{"name": "oncue", "configMap": {"name": "own"}}]);
    let mounts = json!([{"name": "oncue", "mountPath": "/oncue"}]);
    pod["spec"]["containers"][0]["volumeMounts"] = mounts;
    let mut pod = round(&pod);
    assert_eq!(operations(&pod), [""; 0]);
    pod["metadata"]["annotations"]["depends-on-mode"] = json!("init");
    let refusal = admit(&pod.to_string(), &cluster()).unwrap_err().refusal;
    assert!(matches!(refusal, Refusal::Collision(_)), "{refusal}");
}

#[test]
fn the_marker_moves_with_its_container() {
    let mut pod = mk_pod(&json!({"signals": "a", "signals-container": "app"}));
    let hook = json!({"postStart": {"exec": {"command": ["warm", "up"]}}});
    pod["spec"]["containers"][0]["lifecycle"] = hook.clone();
    push(&mut pod, "containers", json!({"name": "other"}));
    let mut pod = round(&pod);
    pod["metadata"]["annotations"]["signals-container"] = json!("other");
    let pod = round(&pod);
    let [app, other] = [0, 1].map(|index| &pod["spec"]["containers"][index]);
    assert_eq!(app["lifecycle"], hook);
    assert_eq!(app["volumeMounts"], json!([]));
    let marker = json!(["/oncue/oncue-client", "create", "--marker"]);
    assert_eq!(other["lifecycle"]["postStart"]["exec"]["command"], marker);
    assert_eq!(other["volumeMounts"][0]["mountPath"], "/oncue");
    assert_nothing_to_do(&pod.to_string(), &cluster());
}

#[test]
fn what_is_no_longer_asked_for_goes() {
    let mut pod = round(&mk_pod(&json!({"depends-on": "a", "signals": "b"})));
    pod["metadata"]["annotations"]["depends-on-mode"] = json!("gate");
    pod["metadata"]["annotations"]["signals"] = json!("");
    let pod = round(&pod);
    assert_eq!(pod["spec"]["initContainers"], json!([]));
    assert_eq!(pod["spec"]["volumes"], json!([]));
    assert_eq!(pod["spec"]["containers"][0]["lifecycle"], json!({}));
    let gates = json!([{"name": "oncue.dev/depends-on"}]);
    assert_eq!(pod["spec"]["schedulingGates"], gates);
    assert_nothing_to_do(&pod.to_string(), &cluster());
}

#[test]
fn our_volume_keeps_no_node_and_leaves_the_list_of_those_as_it_was() {
    let key = "cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes";
    for (before, during, after) in [
        (json!("cache,tmp"), "cache,tmp,oncue", json!("cache,tmp")),
        (json!("cache,oncue"), "cache,oncue", json!("cache")),
        (json!(null), "oncue", json!(null)),
    ] {
        let mut pod = round(&mk_pod(&json!({"depends-on": "a", key: before})));
        assert_eq!(pod["metadata"]["annotations"][key], during);
        pod["metadata"]["annotations"]["depends-on-mode"] = json!("gate");
        let pod = round(&pod);
        assert_eq!(pod["metadata"]["annotations"][key], after);
        assert_nothing_to_do(&pod.to_string(), &cluster());
    }
}

#[test]
fn a_pod_without_our_container_keeps_its_list() {
    let key = "cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes";
    let annotations = json!({"depends-on": "a", "depends-on-mode": "gate", key: "oncue"});
    let pod = round(&mk_pod(&annotations));
    assert_eq!(pod["metadata"]["annotations"][key], "oncue");
    assert_nothing_to_do(&pod.to_string(), &cluster());
}

#[test]
fn another_position_moves_ours() {
    let mut pod = mk_pod(&json!({"depends-on": "a"}));
    pod["spec"]["initContainers"] = json!([{"name": "s", "restartPolicy": "Always"}]);
    let mut pod = round(&pod);
    assert_eq!(pod["spec"]["initContainers"][0]["name"], "oncue-wait");
    pod["metadata"]["annotations"]["depends-on-position"] = json!("after-sidecars");
    let pod = round(&pod);
    assert_eq!(pod["spec"]["initContainers"][1]["name"], "oncue-wait");
}

#[test]
fn other_settings_replace_ours() {
    let pod = round(&mk_pod(&json!({"depends-on": "a"})));
    let mut settings = cluster();
    settings.run_as_user = "1000".parse().ok();
    let pod: Value = serde_json::from_str(&admitted(&pod.to_string(), &settings)).unwrap();
    let init = pod["spec"]["initContainers"].as_array().unwrap();
    assert_eq!(init.len(), 1);
    assert_eq!(init[0]["securityContext"]["runAsUser"], 1000);
}

#[test]
fn our_name_without_a_hash_is_not_ours() {
    let mut pod = round(&mk_pod(&json!({"depends-on": "a"})));
    pod["spec"]["initContainers"][0]["env"] = json!([]);
    let refusal = admit(&pod.to_string(), &cluster()).unwrap_err().refusal;
    assert!(matches!(refusal, Refusal::Collision(_)), "{refusal}");
    assert_eq!(refusal.status(), 422);
}

#[test]
fn a_second_container_with_our_name_is_refused_wherever_it_is() {
    let asked = json!({"depends-on": "a", "signals": "b"});
    let injected = round(&mk_pod(&asked));
    let ours = injected["spec"]["initContainers"][0].clone();
    let stranger = json!({"name": "oncue-wait", "image": "own"});
    for (pod, list, element, path) in [
        (mk_pod(&asked), "containers", &stranger, "containers[1]"),
        (
            mk_pod(&asked),
            "initContainers",
            &stranger,
            "initContainers[0]",
        ),
        (injected.clone(), "containers", &stranger, "containers[1]"),
        (injected.clone(), "containers", &ours, "containers[1]"),
        (
            injected.clone(),
            "initContainers",
            &stranger,
            "initContainers[1]",
        ),
        (
            injected.clone(),
            "initContainers",
            &ours,
            "initContainers[1]",
        ),
    ] {
        let mut pod = pod;
        if pod["spec"][list].is_null() {
            pod["spec"][list] = json!([]);
        }
        push(&mut pod, list, element.clone());
        assert_taken(&pod, path);
        // Also once the pod asks for nothing that needs our container.
        pod["metadata"]["annotations"]["depends-on-mode"] = json!("gate");
        pod["metadata"]["annotations"]["signals"] = json!("");
        if pod["metadata"]["annotations"]["oncue.dev/injected"].is_string() {
            assert_taken(&pod, path);
        }
    }
    let mut pod = injected;
    insert_first(&mut pod, "initContainers", stranger);
    assert_taken(&pod, "initContainers[1]");
}

fn assert_taken(pod: &Value, path: &str) {
    let refusal = admit(&pod.to_string(), &cluster()).unwrap_err().refusal;
    assert_eq!((refusal.status(), refusal.label()), (422, "collision"));
    let expected = format!("spec.{path}: the name \"oncue-wait\" is taken");
    assert!(refusal.to_string().starts_with(&expected), "{refusal}");
}
