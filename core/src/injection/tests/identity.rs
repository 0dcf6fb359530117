//! The token by which the store knows a pod.

use serde_json::{Value, json};

use super::{admit, admitted, assert_nothing_to_do, cluster, with_tokens};
use crate::injection::{Collision, Decision, Proof, Refusal, Settings};

fn mk_pod(annotations: &Value) -> Value {
    json!({
        "metadata": {"name": "app", "namespace": "shop", "annotations": annotations},
        "spec": {"containers": [{"name": "app", "image": "app"}, {"name": "other"}]}
    })
}

fn round(pod: &Value, settings: &Settings) -> Value {
    let pod = admitted(&pod.to_string(), settings);
    assert_nothing_to_do(&pod, settings);
    serde_json::from_str(&pod).unwrap()
}

fn operations(pod: &Value, settings: &Settings) -> Vec<String> {
    let Decision::Patch(patch) = admit(&pod.to_string(), settings).unwrap().decision else {
        return Vec::new();
    };
    let patch = serde_json::to_value(patch).unwrap();
    let print = |it: &Value| format!("{} {}", it["op"], it["path"]).replace('"', "");
    patch.as_array().unwrap().iter().map(print).collect()
}

/// Returns the names of the elements of a list.
fn names(list: &Value) -> Vec<&str> {
    let list = list.as_array().into_iter().flatten();
    list.map(|element| element["name"].as_str().unwrap())
        .collect()
}

#[test]
fn only_our_container_and_that_of_the_marker_get_the_token() {
    let pod = round(
        &mk_pod(&json!({"depends-on": "a", "signals": "b"})),
        &with_tokens(),
    );
    let spec = &pod["spec"];
    assert_eq!(names(&spec["volumes"]), ["oncue", "oncue-token"]);
    let source = json!({"serviceAccountToken":
        {"audience": "oncue", "expirationSeconds": 3600, "path": "token"}});
    assert_eq!(spec["volumes"][1]["projected"]["sources"], json!([source]));
    let token = json!({"name": "oncue-token", "mountPath": "/var/run/secrets/oncue.dev",
                       "readOnly": true});
    let wait = &spec["initContainers"][0];
    for container in [wait, &spec["containers"][0]] {
        let mounts = container["volumeMounts"].as_array().unwrap();
        assert_eq!(mounts.last(), Some(&token), "{container}");
    }
    assert_eq!(spec["containers"][1]["volumeMounts"], Value::Null);
    let variable = json!({"name": "ONCUE_TOKEN_FILE", "value": "/var/run/secrets/oncue.dev/token"});
    assert!(
        wait["env"].as_array().unwrap().contains(&variable),
        "{wait}"
    );
}

#[test]
fn a_late_sidecar_gets_its_mounts_alone() {
    let settings = with_tokens();
    let mut pod = round(&mk_pod(&json!({"oncue.dev/inject": "client"})), &settings);
    let containers = pod["spec"]["containers"].as_array_mut().unwrap();
    containers.push(json!({"name": "late"}));
    containers.push(json!({"name": "later", "volumeMounts": []}));
    let added = [
        "add /spec/containers/2/volumeMounts",
        "add /spec/containers/3/volumeMounts/-",
        "add /spec/containers/3/volumeMounts/-",
    ];
    assert_eq!(operations(&pod, &settings), added);
    let pod = round(&pod, &settings);
    let mounts = &pod["spec"]["containers"][2]["volumeMounts"];
    assert_eq!(names(mounts), ["oncue", "oncue-token"]);
}

#[test]
fn a_token_that_another_webhook_dropped_comes_back_alone() {
    let settings = with_tokens();
    let mut pod = round(&mk_pod(&json!({"signals": "b"})), &settings);
    pod["spec"]["volumes"].as_array_mut().unwrap().pop();
    let app = &mut pod["spec"]["containers"][0];
    app["volumeMounts"].as_array_mut().unwrap().pop();
    let added = [
        "add /spec/volumes/-",
        "add /spec/containers/0/volumeMounts/-",
    ];
    assert_eq!(operations(&pod, &settings), added);
}

#[test]
fn a_pod_from_before_gets_its_token_and_loses_it_without_identity() {
    let annotations = json!({"depends-on": "a", "signals": "b"});
    let before = round(&mk_pod(&annotations), &cluster());
    let with = round(&before, &with_tokens());
    assert_eq!(names(&with["spec"]["volumes"]), ["oncue", "oncue-token"]);
    assert_eq!(names(&with["spec"]["initContainers"]), ["oncue-wait"]);
    assert_eq!(round(&with, &cluster()), before);
}

#[test]
fn a_pod_shows_how_it_proves_who_it_is() {
    let waits = mk_pod(&json!({"depends-on": "a"}));
    assert_eq!(Proof::of_pod(&waits), None);
    let proof = |settings: &Settings| Proof::of_pod(&round(&waits, settings));
    assert_eq!(proof(&cluster()), Some(Proof::None));
    assert_eq!(proof(&with_tokens()), Some(Proof::Token));
    let gated = mk_pod(&json!({"depends-on": "a", "depends-on-mode": "gate"}));
    assert_eq!(Proof::of_pod(&round(&gated, &cluster())), None);
}

#[test]
fn the_token_goes_with_what_needed_it() {
    let settings = with_tokens();
    let asked = json!({"depends-on": "a", "signals": "b"});
    let injected = round(&mk_pod(&asked), &settings);
    let mut without_container = injected.clone();
    without_container["spec"]["initContainers"] = json!([]);
    let mut without_record = injected.clone();
    let annotations = without_record["metadata"]["annotations"].as_object_mut();
    annotations.unwrap().remove("oncue.dev/injected");
    for mut pod in [injected, without_container, without_record] {
        pod["metadata"]["annotations"]["depends-on-mode"] = json!("gate");
        pod["metadata"]["annotations"]["signals"] = json!("");
        // Another volume in front of ours.
        let volumes = pod["spec"]["volumes"].as_array_mut().unwrap();
        volumes.insert(0, json!({"name": "data", "emptyDir": {}}));
        volumes.insert(2, json!({"name": "more", "emptyDir": {}}));
        let pod = round(&pod, &settings);
        assert_eq!(names(&pod["spec"]["volumes"]), ["data", "more"]);
        assert_eq!(pod["spec"]["containers"][0]["volumeMounts"], json!([]));
    }
}

#[test]
fn a_volume_of_the_pods_own_with_our_name_stays_where_no_token_is_needed() {
    let mut pod = mk_pod(&json!({"signals": "b"}));
    pod["spec"]["volumes"] = json!([{"name": "oncue-token", "emptyDir": {}}]);
    let mount = json!({"name": "oncue-token", "mountPath": "/var/run/secrets/oncue.dev"});
    pod["spec"]["containers"][1]["volumeMounts"] = json!([mount]);
    let injected = round(&pod, &cluster());
    assert_eq!(
        names(&injected["spec"]["volumes"]),
        ["oncue-token", "oncue"]
    );
    for pod in [pod, injected] {
        let refusal = admit(&pod.to_string(), &with_tokens()).unwrap_err().refusal;
        let Refusal::Collision(Collision::Volume { path, name }) = refusal else {
            panic!("{refusal}");
        };
        assert_eq!((&*path, name), ("spec.volumes[0]", "oncue-token"));
    }
}

#[test]
fn a_mount_like_ours_in_another_container_is_refused_before_we_would_take_it_out() {
    let mut pod = mk_pod(&json!({"signals": "b"}));
    let mount = json!({"name": "oncue-token", "mountPath": "/var/run/secrets/oncue.dev"});
    pod["spec"]["containers"][1]["volumeMounts"] = json!([mount]);
    let refusal = admit(&pod.to_string(), &with_tokens()).unwrap_err().refusal;
    assert!(refusal.to_string().contains("take it out"), "{refusal}");
    assert!(refusal.to_string().contains("containers[1]"), "{refusal}");
}
