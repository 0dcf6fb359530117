//! Pods of a size that no file should hold.

use serde_json::{Value, json};

use super::{admit, admitted, assert_nothing_to_do, cluster};
use crate::injection::annotations::MAX_BYTES;

#[test]
fn two_thousand_environment_variables_are_left_alone() {
    let env: Vec<_> = (0..2000)
        .map(|n| json!({"name": format!("VARIABLE_{n}"), "value": "x".repeat(50)}))
        .collect();
    let pod = json!({
        "metadata": {"annotations": {"depends-on": "a", "signals": "b"}},
        "spec": {"containers": [{"name": "app", "image": "app", "env": env}]}
    });
    let patched = admitted(&pod.to_string(), &cluster());
    assert!(patched.contains(&serde_json::to_string(&env).unwrap()));
    assert_nothing_to_do(&patched, &cluster());
}

#[test]
fn as_many_labels_as_names_that_ask_for_them_are_found() {
    let signals: Vec<_> = (0..9000).map(|n| format!("a/$(labels['x{n}'])")).collect();
    let labels = (0..20_000).map(|n| (format!("x{}", 19_999 - n), json!("v")));
    let pod = json!({
        "metadata": {
            "annotations": {"signals": signals.join(",")},
            "labels": labels.collect::<serde_json::Map<_, _>>()
        },
        "spec": {"containers": [{"name": "app", "image": "app"}]}
    });
    assert!(admitted(&pod.to_string(), &cluster()).contains("\"--mark=a/v\""));
}

#[test]
fn three_mebibytes_are_a_pod_like_any_other() {
    let blob = "\\u0041 \\\"quoted\\\"".repeat(3 << 16);
    let pod = format!(
        r#"{{"metadata":{{"annotations":{{"depends-on":"a"}}}},
            "spec":{{"containers":[{{"name":"app","image":"app","args":["{blob}"]}}]}}}}"#
    );
    assert!(pod.len() > 3 << 20);
    let patched = admitted(&pod, &cluster());
    assert!(patched.contains(&blob));
    assert_nothing_to_do(&patched, &cluster());
}

/// Returns a pod whose annotations have as many bytes in keys and values.
fn with_annotations_of(bytes: usize) -> String {
    let asked = ["depends-on", "a"];
    let filler = bytes - asked.concat().len() - "filler".len();
    let annotations = json!({asked[0]: asked[1], "filler": "\n".repeat(filler)});
    let spec = json!({"containers": [{"name": "app"}]});
    json!({"metadata": {"annotations": annotations}, "spec": spec}).to_string()
}

/// Returns how many bytes the keys and values of a pod's annotations have.
fn bytes_of_annotations(pod: &str) -> usize {
    let pod: Value = serde_json::from_str(pod).unwrap();
    let annotations = pod["metadata"]["annotations"].as_object().unwrap();
    let bytes = |(key, value): (&String, &Value)| key.len() + value.as_str().unwrap().len();
    annotations.iter().map(bytes).sum()
}

#[test]
fn a_pod_without_room_for_what_is_added_is_refused_with_that_reason() {
    let added = bytes_of_annotations(&admitted(&with_annotations_of(1000), &cluster())) - 1000;
    let most = MAX_BYTES - added;
    let full = admitted(&with_annotations_of(most), &cluster());
    assert_eq!(bytes_of_annotations(&full), MAX_BYTES);
    assert_nothing_to_do(&full, &cluster());

    let refusal = admit(&with_annotations_of(most + 1), &cluster());
    let refusal = refusal.unwrap_err().refusal;
    assert_eq!((refusal.status(), refusal.label()), (422, "too-large"));
    assert_eq!(
        refusal.to_string(),
        format!(
            "metadata.annotations: the pod's own have {} bytes and oncue adds {added}, but \
             Kubernetes allows 262144 together: shorten depends-on or signals, or remove others",
            most + 1
        )
    );
}

#[test]
fn a_record_that_is_replaced_counts_once() {
    let added = bytes_of_annotations(&admitted(&with_annotations_of(1000), &cluster())) - 1000;
    let full = admitted(&with_annotations_of(MAX_BYTES - added), &cluster());
    // Another image makes another hash of the same length.
    let mut settings = cluster();
    settings.image.reference = "oncue-client:other".to_owned();
    let replaced = admitted(&full, &settings);
    assert_ne!(replaced, full);
    assert_eq!(bytes_of_annotations(&replaced), MAX_BYTES);
}
