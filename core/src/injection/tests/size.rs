//! Pods of a size that no file should hold.

use serde_json::json;

use super::{admitted, assert_nothing_to_do, cluster};

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
        r#"{{"metadata":{{"annotations":{{"blob":"{blob}","depends-on":"a"}}}},
            "spec":{{"containers":[{{"name":"app","image":"app"}}]}}}}"#
    );
    assert!(pod.len() > 3 << 20);
    let patched = admitted(&pod, &cluster());
    assert!(patched.contains(&blob));
    assert_nothing_to_do(&patched, &cluster());
}
