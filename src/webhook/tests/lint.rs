//! What is said of workloads, through the router.

use super::*;
use crate::webhook::lint::MAX_OBJECT;

fn mk_deployment(annotations: &Value) -> Value {
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {
            "replicas": 1,
            "template": {
                "metadata": {"annotations": annotations},
                "spec": {"containers": [{"name": "main", "image": "web"}]},
            },
        },
    })
}

fn broken() -> Value {
    mk_deployment(&json!({"depends-on": "a, b c"}))
}

fn mk_lint_review(object: &Value) -> Value {
    let mut review = mk_review(object);
    let request = &mut review["request"];
    request["kind"] = json!({"group": "apps", "version": "v1", "kind": object["kind"]});
    request["name"] = json!("web");
    review
}

fn mk_update(before: &Value, after: &Value) -> Value {
    let mut review = mk_lint_review(after);
    review["request"]["operation"] = json!("UPDATE");
    review["request"]["oldObject"] = before.clone();
    review
}

async fn lint_with(strictness: Strictness, review: &Value) -> Value {
    let context = Context {
        strictness,
        ..mk_context(settings())
    };
    let app = router(context, WebhookMemory::default());
    lint_by(app, review).await
}

async fn lint_by(app: Router, review: &Value) -> Value {
    let request = Request::post("/lint?timeout=5s")
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(review.to_string()))
        .unwrap();
    let response = send(app, request).await.response();
    assert_eq!(response["uid"], review["request"]["uid"]);
    assert_eq!(response.get("patch"), None);
    response
}

async fn lint(review: &Value) -> Value {
    lint_with(Strictness::Warn, review).await
}

fn warnings(response: &Value) -> Vec<&str> {
    let warnings = response["warnings"].as_array();
    warnings
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}

#[tokio::test]
async fn what_is_right_is_let_in_without_a_word() {
    let right = mk_deployment(&json!({"depends-on": "a"}));
    let response = lint(&mk_lint_review(&right)).await;
    assert_eq!(response["allowed"], true);
    assert_eq!(response["auditAnnotations"], json!({"outcome": "clean"}));
    let told = warnings(&response);
    assert!(told.is_empty(), "{told:?}");
}

#[tokio::test]
async fn a_wrong_annotation_is_warned_of_by_place_column_and_what_would_be_right() {
    let response = lint(&mk_lint_review(&broken())).await;
    assert_eq!(response["allowed"], true);
    assert_eq!(response["auditAnnotations"], json!({"outcome": "warned"}));
    let [warning] = warnings(&response)[..] else {
        panic!("{response}")
    };
    let begin = "spec.template.metadata.annotations[depends-on]: column 6: in \"b c\": \"c\" was not \
                 expected here: a term ends at a comma";
    assert!(warning.starts_with(begin), "{warning}");
    assert!(warning.chars().count() <= 256, "{warning}");
}

#[tokio::test]
async fn an_annotation_on_the_workload_itself_is_told_where_it_belongs() {
    let mut misplaced = mk_deployment(&json!({}));
    misplaced["metadata"]["annotations"] = json!({"depends-on": "a"});
    let response = lint(&mk_lint_review(&misplaced)).await;
    assert_eq!(
        warnings(&response),
        [
            "metadata.annotations[depends-on]: depends-on on the Deployment itself is not read: move \
          it to spec.template.metadata.annotations"
        ]
    );
}

#[tokio::test]
async fn where_it_is_strict_errors_deny_and_warnings_stand_beside_them() {
    let annotations = json!({
        "depends-on": "a b", "signals": "c d", "oncue.dev/release": "now",
    });
    let review = mk_lint_review(&mk_deployment(&annotations));
    let response = lint_with(Strictness::Deny, &review).await;
    assert_eq!(response["allowed"], false);
    assert_eq!(response["status"]["code"], 422);
    let message = response["status"]["message"].as_str().unwrap();
    for part in [
        "annotations[depends-on]: column",
        "annotations[signals]: column",
    ] {
        assert!(message.contains(part), "{message}");
    }
    let told = warnings(&response);
    assert!(
        told[0].contains("annotations[oncue.dev/release]"),
        "{told:?}"
    );
    assert_eq!(response["auditAnnotations"]["reason"], "lint");
}

#[tokio::test]
async fn strictness_lets_in_what_is_only_warned_of() {
    let review = mk_lint_review(&mk_deployment(&json!({"oncue.dev/release": "now"})));
    let response = lint_with(Strictness::Deny, &review).await;
    assert_eq!(response["allowed"], true);
    assert_eq!(warnings(&response).len(), 1, "{response}");
}

#[tokio::test]
async fn every_kind_that_makes_pods_is_looked_at() {
    let template = broken()["spec"]["template"].clone();
    for (version, kind) in [
        ("apps/v1", "DaemonSet"),
        ("apps/v1", "ReplicaSet"),
        ("apps/v1", "StatefulSet"),
        ("batch/v1", "Job"),
        ("batch/v1", "CronJob"),
        ("v1", "ReplicationController"),
    ] {
        let spec = match kind {
            "CronJob" => json!({"jobTemplate": {"spec": {"template": template}}}),
            _ => json!({"template": template}),
        };
        let object = json!({
            "apiVersion": version, "kind": kind,
            "metadata": {"name": "web", "namespace": "shop"}, "spec": spec,
        });
        let response = lint(&mk_lint_review(&object)).await;
        let told = warnings(&response);
        assert!(
            told[0].contains("metadata.annotations[depends-on]"),
            "{kind}: {told:?}"
        );
    }
}

#[tokio::test]
async fn an_update_that_changes_nothing_of_ours_is_silent_and_never_denied() {
    let mut scaled = broken();
    scaled["spec"]["replicas"] = json!(3);
    scaled["spec"]["template"]["metadata"]["annotations"]["restartedAt"] = json!("now");
    let review = mk_update(&broken(), &scaled);
    for strictness in [Strictness::Warn, Strictness::Deny] {
        let response = lint_with(strictness, &review).await;
        assert_eq!(response["allowed"], true);
        assert_eq!(response["auditAnnotations"]["reason"], "unchanged");
        assert_eq!(response.get("warnings"), None);
    }
}

/// Adds what makes the object's text longer than is looked at, and nothing of ours.
fn enlarge(mut object: Value) -> Value {
    let long = "x".repeat(MAX_OBJECT);
    object["spec"]["template"]["spec"]["containers"][0]["args"] = json!([long]);
    object
}

#[tokio::test]
async fn what_is_too_large_to_be_looked_at_is_let_in_and_says_so() {
    let review = mk_lint_review(&enlarge(broken()));
    let response = lint_with(Strictness::Deny, &review).await;
    assert_eq!(response["allowed"], true);
    assert_eq!(response["auditAnnotations"]["reason"], "too-large");
    let told = warnings(&response);
    assert!(told[0].contains("of more than 256 KiB"), "{told:?}");
    assert!(told[0].chars().count() <= 256, "{told:?}");
}

#[tokio::test]
async fn what_was_too_large_to_be_looked_at_was_never_told() {
    let response = lint(&mk_update(&enlarge(broken()), &broken())).await;
    assert_eq!(warnings(&response).len(), 1, "{response}");
}

#[tokio::test]
async fn linting_never_takes_the_memory_that_pods_are_admitted_with() {
    let memory = WebhookMemory {
        linting: 1024,
        ..WebhookMemory::default()
    };
    let app = router(mk_context(settings()), memory);
    let request = Request::post("/lint")
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(mk_lint_review(&broken()).to_string()))
        .unwrap();
    let reply = send(app.clone(), request).await;
    assert_eq!(reply.status, StatusCode::SERVICE_UNAVAILABLE);
    let reply = send(app, mk_request(waiting_review().to_string())).await;
    assert_eq!(reply.status, StatusCode::OK);
}

#[tokio::test]
async fn an_update_of_an_annotation_or_of_what_it_names_is_told() {
    let other = mk_deployment(&json!({"depends-on": "x, b c"}));
    let response = lint(&mk_update(&broken(), &other)).await;
    assert_eq!(warnings(&response).len(), 1, "{response}");

    let named = mk_deployment(&json!({"signals": "a", "signals-container": "main"}));
    let mut renamed = named.clone();
    renamed["spec"]["template"]["spec"]["containers"][0]["name"] = json!("other");
    let response = lint(&mk_update(&named, &renamed)).await;
    let told = warnings(&response);
    assert!(told[0].contains("[signals-container]"), "{told:?}");
}

#[tokio::test]
async fn what_goes_away_or_belongs_to_another_is_let_in_without_a_word() {
    let mut deleted = broken();
    deleted["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
    let mut owned = broken();
    owned["metadata"]["ownerReferences"] = json!([{"kind": "Wide", "controller": true}]);
    let service = json!({
        "apiVersion": "v1", "kind": "Service",
        "metadata": {"name": "web", "annotations": {"depends-on": "a b"}},
    });
    let pod = mk_pod(&json!({"depends-on": "a b"}));
    let mut wide = mk_lint_review(&json!({"apiVersion": "v1", "kind": "Node"}));
    wide["request"]["namespace"] = json!("");
    let mut deletion = mk_lint_review(&broken());
    deletion["request"]["object"] = Value::Null;
    deletion["request"]["operation"] = json!("DELETE");
    for (review, reason) in [
        (mk_lint_review(&deleted), "deleting"),
        (mk_lint_review(&owned), "owned"),
        (mk_lint_review(&service), "other-kind"),
        (mk_lint_review(&pod), "other-kind"),
        (wide, "other-kind"),
        (deletion, "other-operation"),
    ] {
        let response = lint_with(Strictness::Deny, &review).await;
        assert_eq!(response["allowed"], true, "{reason}");
        assert_eq!(response["auditAnnotations"]["reason"], reason);
        assert_eq!(response.get("warnings"), None, "{reason}");
    }
}

#[tokio::test]
async fn what_needs_a_controller_is_told_while_none_runs() {
    let object = mk_deployment(&json!({"signals-on-ready": "a"}));
    let response = lint(&mk_lint_review(&object)).await;
    let told = warnings(&response);
    assert!(told[0].contains("[signals-on-ready]"), "{told:?}");
}

#[tokio::test]
async fn what_is_no_review_is_a_400() {
    let request = Request::post("/lint")
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from("nonsense"))
        .unwrap();
    let reply = send(app(), request).await;
    assert_eq!(reply.status, StatusCode::BAD_REQUEST);
    let mut without = mk_lint_review(&broken());
    without["request"]["object"] = Value::Null;
    let request = Request::post("/lint")
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(without.to_string()))
        .unwrap();
    let reply = send(app(), request).await;
    assert_eq!(reply.status, StatusCode::BAD_REQUEST);
    assert!(reply.text().contains("request.object is missing"));
}

#[tokio::test]
async fn keys_are_named_with_the_prefix_that_is_read() {
    let annotations = json!({"cue.example/depends-on": "a b", "cue.example/injekt": "client"});
    let review = mk_lint_review(&mk_deployment(&annotations));
    let response = lint_by(app_with_prefix(), &review).await;
    let [term, key] = &warnings(&response)[..] else {
        panic!("{response}")
    };
    let place = "spec.template.metadata.annotations[cue.example/depends-on]: column 3: ";
    assert!(term.starts_with(place), "{term}");
    assert!(key.ends_with("did you mean cue.example/inject?"), "{key}");
}
