//! The webhook's protocol, through its router.

use std::{
    convert::Infallible,
    pin::{Pin, pin},
    task::{self, Poll},
};

use axum::{
    body::{Body, Bytes, HttpBody, to_bytes},
    http::{HeaderMap, Request, StatusCode, header},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use futures_util::{FutureExt, StreamExt, stream};
use hyper::body::{Frame, SizeHint};
use serde_json::{Value, json};
use tokio::time::{Instant, pause};
use tower::ServiceExt;

use super::*;
use crate::{
    injection::{Controller, Image, Settings, StoreAddress},
    language::{Keys, annotation::BareKeys},
    net::Peer,
};

fn settings() -> Settings {
    Settings::new(
        Image::new("registry.example/oncue-client:1"),
        StoreAddress::new("http://oncue-store:9999"),
    )
}

fn mk_context(settings: Settings) -> Context {
    Context {
        settings: settings.into(),
        strictness: Strictness::Warn,
        metrics: WebhookMetrics::default(),
    }
}

fn app() -> Router {
    router(mk_context(settings()), WebhookMemory::default())
}

/// Reads keys with a prefix of its own alone.
fn app_with_prefix() -> Router {
    let settings = Settings {
        keys: Keys::new("cue.example", BareKeys::Ignored).unwrap(),
        ..settings()
    };
    router(mk_context(settings), WebhookMemory::default())
}

fn app_with_budget(bytes: usize) -> Router {
    let memory = WebhookMemory {
        bodies: bytes,
        ..WebhookMemory::default()
    };
    router(mk_context(settings()), memory)
}

struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Reply {
    fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    fn response(&self) -> Value {
        assert_eq!(self.status, StatusCode::OK, "{}", self.text());
        let review: Value = serde_json::from_slice(&self.body).unwrap();
        assert_eq!(review["apiVersion"], "admission.k8s.io/v1");
        assert_eq!(review["kind"], "AdmissionReview");
        review["response"].clone()
    }
}

async fn send(app: Router, request: Request<Body>) -> Reply {
    let response = app.oneshot(request).await.unwrap();
    let (head, body) = response.into_parts();
    Reply {
        status: head.status,
        headers: head.headers,
        body: to_bytes(body, usize::MAX).await.unwrap().to_vec(),
    }
}

fn mk_request(body: impl Into<Body>) -> Request<Body> {
    Request::post("/mutate?timeout=10s")
        .header(header::CONTENT_TYPE, "application/json")
        .body(body.into())
        .unwrap()
}

async fn post(body: impl Into<Body>) -> Reply {
    send(app(), mk_request(body)).await
}

fn mk_pod(annotations: &Value) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"generateName": "web-", "annotations": annotations},
        "spec": {"containers": [{"name": "main", "image": "web"}]},
    })
}

fn mk_review(pod: &Value) -> Value {
    json!({
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": "705ab4f5-6393-11e8-b7cc-42010a800002",
            "kind": {"group": "", "version": "v1", "kind": "Pod"},
            "resource": {"group": "", "version": "v1", "resource": "pods"},
            "namespace": "shop",
            "operation": "CREATE",
            "userInfo": {"username": "admin"},
            "object": pod,
            "oldObject": null,
            "dryRun": false,
            "options": {"apiVersion": "meta.k8s.io/v1", "kind": "CreateOptions"},
        },
    })
}

fn waiting_review() -> Value {
    mk_review(&mk_pod(&json!({"depends-on": "first/container"})))
}

async fn review(review: &Value) -> Value {
    post(review.to_string()).await.response()
}

/// Returns `pod` with the patch of `response`.
fn apply(response: &Value, mut pod: Value) -> Value {
    let patch = STANDARD.decode(response["patch"].as_str().unwrap());
    let patch: json_patch::Patch = serde_json::from_slice(&patch.unwrap()).unwrap();
    json_patch::patch(&mut pod, &patch).unwrap();
    pod
}

#[tokio::test]
async fn an_annotated_pod_is_let_in_with_a_patch() {
    let response = review(&waiting_review()).await;
    assert_eq!(response["uid"], "705ab4f5-6393-11e8-b7cc-42010a800002");
    assert_eq!(response["allowed"], true);
    assert_eq!(response["patchType"], "JSONPatch");
    assert_eq!(response["auditAnnotations"], json!({"outcome": "injected"}));

    let pod = apply(&response, waiting_review()["request"]["object"].take());
    assert_eq!(pod["spec"]["initContainers"][0]["name"], "oncue-wait");
}

#[tokio::test]
async fn a_patched_pod_is_let_in_without_another_patch() {
    let response = review(&waiting_review()).await;
    let pod = apply(&response, waiting_review()["request"]["object"].take());

    let response = review(&mk_review(&pod)).await;
    assert_eq!(response["allowed"], true);
    assert_eq!(response.get("patch"), None);
    assert_eq!(
        response["auditAnnotations"],
        json!({"outcome": "skipped", "reason": "already-injected"})
    );
}

#[tokio::test]
async fn a_pod_that_asks_nothing_is_let_in_as_it_is() {
    let response = review(&mk_review(&mk_pod(&json!({})))).await;
    assert_eq!(response["allowed"], true);
    assert_eq!(response.get("patch"), None);
    assert_eq!(response.get("patchType"), None);
    assert_eq!(response.get("status"), None);
    assert_eq!(response.get("warnings"), None);
}

#[tokio::test]
async fn a_wrong_annotation_is_denied_by_key_term_and_column() {
    let annotations = json!({"depends-on": "a, b/../c", "signals": "x y"});
    let response = review(&mk_review(&mk_pod(&annotations))).await;
    assert_eq!(response["allowed"], false);
    assert_eq!(response.get("patch"), None);
    assert_eq!(response["status"]["code"], 422);
    assert_eq!(response["status"]["reason"], "Invalid");
    assert_eq!(response["status"]["status"], "Failure");
    let message = response["status"]["message"].as_str().unwrap();
    for part in ["depends-on", "b/../c", "column 4", "signals"] {
        assert!(message.contains(part), "{message}");
    }
    assert_eq!(
        response["auditAnnotations"],
        json!({"outcome": "denied", "reason": "annotations"})
    );
}

#[tokio::test]
async fn keys_are_named_with_the_prefix_that_is_read() {
    let annotations = json!({
        "cue.example/depends-on": "a b", "cue.example/inject": "perhaps",
        "cue.example/release": "now", "cue.example/signls": "c",
    });
    let review = mk_review(&mk_pod(&annotations)).to_string();
    let reply = send(app_with_prefix(), mk_request(review)).await;
    let response = reply.response();
    let message = response["status"]["message"].as_str().unwrap();
    assert!(message.starts_with("cue.example/depends-on: "), "{message}");
    assert!(message.contains("; cue.example/inject: "), "{message}");
    assert_eq!(
        response["warnings"],
        json!([
            "cue.example/release releases only the existing pod whose uid it names: remove it from \
             manifests",
            "cue.example/signls is not a key of oncue: did you mean cue.example/signals?",
        ])
    );
}

#[tokio::test]
async fn warnings_reach_the_caller() {
    let annotations = json!({"depends-on": "a", "oncue.dev/injekt": "client"});
    let response = review(&mk_review(&mk_pod(&annotations))).await;
    assert_eq!(response["allowed"], true);
    let warnings = response["warnings"].as_array().unwrap();
    assert!(
        warnings
            .iter()
            .any(|w| w.as_str().unwrap().contains("injekt")),
        "{warnings:?}"
    );
}

#[tokio::test]
async fn a_term_about_a_secret_that_nobody_may_read_is_a_warning() {
    let pod = mk_pod(&json!({"depends-on": "secret:s"}));
    for (reads_secrets, expected) in [(true, 0), (false, 1)] {
        let settings = Settings {
            controller: Controller::Present,
            reads_secrets,
            ..settings()
        };
        let app = router(mk_context(settings), WebhookMemory::default());
        let reply = send(app, mk_request(mk_review(&pod).to_string())).await;
        let response = reply.response();
        let warnings = response["warnings"].as_array();
        assert_eq!(warnings.map_or(0, Vec::len), expected, "{response}");
        if let Some(warnings) = warnings {
            let warning = warnings[0].as_str().unwrap();
            assert!(warning.starts_with("secret:s: "), "{warning}");
            assert!(warning.contains("controller.secrets"), "{warning}");
        }
    }
}

#[tokio::test]
async fn warnings_stand_beside_a_denial() {
    let annotations = json!({"depends-on": "a b", "depends-on-timeuot": "5m"});
    let response = review(&mk_review(&mk_pod(&annotations))).await;
    assert_eq!(response["allowed"], false);
    let warning = response["warnings"][0].as_str().unwrap();
    assert!(warning.contains("depends-on-timeuot"), "{warning}");
}

#[tokio::test]
async fn more_than_a_pod_can_have_is_denied_and_not_left_to_the_failure_policy() {
    let annotations = json!({"depends-on": "a, ".repeat(100_000)});
    let response = review(&mk_review(&mk_pod(&annotations))).await;
    assert_eq!(response["status"]["code"], 422);
    assert_eq!(response["auditAnnotations"]["reason"], "too-large");
}

#[tokio::test]
async fn a_dry_run_is_answered_like_any_other() {
    let mut dry = waiting_review();
    dry["request"]["dryRun"] = json!(true);
    assert_eq!(review(&dry).await, review(&waiting_review()).await);
}

#[tokio::test]
async fn other_kinds_and_operations_are_let_in_as_they_are() {
    let mut deployment = waiting_review();
    deployment["request"]["kind"] = json!({"group": "apps", "version": "v1", "kind": "Deployment"});
    let mut update = waiting_review();
    update["request"]["operation"] = json!("UPDATE");
    let mut delete = waiting_review();
    delete["request"]["operation"] = json!("DELETE");
    delete["request"]["object"] = Value::Null;
    for (review_of, reason) in [
        (deployment, "other-kind"),
        (update, "other-operation"),
        (delete, "other-operation"),
    ] {
        let response = review(&review_of).await;
        assert_eq!(response["allowed"], true);
        assert_eq!(response.get("patch"), None);
        assert_eq!(response["auditAnnotations"]["reason"], reason);
    }
}

#[tokio::test]
async fn strings_may_be_escaped() {
    let body = waiting_review()
        .to_string()
        .replace("AdmissionReview", r"\u0041dmissionReview")
        .replace("705ab4f5", r"\u00370\u0035ab4f5")
        .replace("\"shop\"", r#""sh\u006fp""#);
    let response = post(body).await.response();
    assert_eq!(response["uid"], "705ab4f5-6393-11e8-b7cc-42010a800002");
    assert!(response["patch"].is_string());
}

#[tokio::test]
async fn what_is_no_review_is_a_400_that_says_why() {
    let without = |pointer: &str, field: &str| {
        let mut review = waiting_review();
        let object = review.pointer_mut(pointer).unwrap().as_object_mut();
        object.unwrap().remove(field);
        review.to_string()
    };
    let with = |pointer: &str, value: Value| {
        let mut review = waiting_review();
        *review.pointer_mut(pointer).unwrap() = value;
        review.to_string()
    };
    for (body, reason) in [
        (String::new(), "not JSON"),
        ("nonsense".to_owned(), "not JSON"),
        (waiting_review().to_string()[..300].to_owned(), "not JSON"),
        ("[]".to_owned(), "not an AdmissionReview"),
        ("{}".to_owned(), "not an AdmissionReview"),
        (with("/kind", json!("Pod")), "not an AdmissionReview"),
        (with("/request", json!(3)), "not an AdmissionReview"),
        (without("", "request"), "has no request"),
        (without("/request", "uid"), "uid"),
        (without("/request", "object"), "request.object is missing"),
        (
            with("/request/object", Value::Null),
            "request.object is missing",
        ),
        (with("/request/object", json!("pod")), "pod"),
        (with("/request/object/spec", json!([])), "spec"),
        (with("/request/namespace", json!("")), "request.namespace"),
        (
            with("/request/namespace", json!("../x")),
            "request.namespace",
        ),
        (
            with("/apiVersion", json!("admission.k8s.io/v1beta1")),
            "v1beta1 is not supported: expected admission.k8s.io/v1",
        ),
    ] {
        let reply = post(body.clone()).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{body}");
        assert!(reply.text().contains(reason), "{}: {body}", reply.text());
    }
}

#[tokio::test]
async fn a_pod_without_containers_is_left_to_the_api_server() {
    for spec in [
        json!(null),
        json!({}),
        json!({"containers": null}),
        json!({"containers": []}),
    ] {
        let mut pod = mk_pod(&json!({"depends-on": "a"}));
        pod["spec"] = spec;
        let response = review(&mk_review(&pod)).await;
        assert_eq!(response["allowed"], true, "{response}");
        assert!(response["patch"].is_null(), "{response}");
        let audited = &response["auditAnnotations"];
        assert_eq!(
            audited,
            &json!({"outcome": "ignored", "reason": "incomplete"})
        );
    }
}

#[tokio::test]
async fn bytes_that_are_no_text_are_a_400() {
    let mut body = waiting_review().to_string().into_bytes();
    let position = body.windows(4).position(|w| w == b"shop").unwrap();
    body[position] = 0xff;
    assert_eq!(post(body).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_deeply_nested_body_is_a_400() {
    let body = "[".repeat(1_000_000);
    assert_eq!(post(body).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn expects_json() {
    for content_type in [None, Some("text/plain"), Some("application/yaml")] {
        let mut request = mk_request(waiting_review().to_string());
        request.headers_mut().remove(header::CONTENT_TYPE);
        if let Some(value) = content_type {
            let value = header::HeaderValue::from_static(value);
            request.headers_mut().insert(header::CONTENT_TYPE, value);
        }
        let reply = send(app(), request).await;
        assert_eq!(reply.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
        assert!(reply.text().contains("application/json"));
    }
}

#[tokio::test]
async fn takes_a_content_type_with_parameters() {
    let mut request = mk_request(waiting_review().to_string());
    let value = header::HeaderValue::from_static("Application/JSON; charset=utf-8");
    request.headers_mut().insert(header::CONTENT_TYPE, value);
    send(app(), request).await.response();
}

#[tokio::test]
async fn expects_a_post() {
    let request = Request::get("/mutate").body(Body::empty()).unwrap();
    let reply = send(app(), request).await;
    assert_eq!(reply.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(reply.headers[header::ALLOW], "POST");
}

#[tokio::test]
async fn takes_an_object_of_three_mebibytes() {
    let mut pod = mk_pod(&json!({"depends-on": "a"}));
    pod["spec"]["containers"][0]["args"] = json!(["x".repeat(3 << 20)]);
    let response = review(&mk_review(&pod)).await;
    assert!(response["patch"].is_string());
}

#[tokio::test]
async fn a_body_over_the_limit_is_a_413() {
    let reply = post("x".repeat(MAX_BODY + 1)).await;
    assert_eq!(reply.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(reply.text().contains("7340032 bytes"), "{}", reply.text());
}

#[tokio::test]
async fn a_body_over_the_limit_is_a_413_without_a_declared_length_too() {
    let chunk = || Ok::<_, std::io::Error>("x".repeat(MAX_BODY / 2 + 1));
    let chunks = futures_util::stream::iter([chunk(), chunk()]);
    let reply = post(Body::from_stream(chunks)).await;
    assert_eq!(reply.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn more_bodies_than_fit_are_a_503() {
    let reply = send(app_with_budget(1024), mk_request("x".repeat(4096))).await;
    assert_eq!(reply.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(reply.headers[header::RETRY_AFTER], "1");
}

/// A body that is announced and does not come.
struct Stalled(u64);

impl HttpBody for Stalled {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut task::Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Pending
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0)
    }
}

#[tokio::test]
async fn a_body_that_does_not_come_takes_nothing_from_others() {
    let app = app_with_budget(80 * 1024);
    let stalled = Body::new(Stalled(75 * 1024));
    let mut stalled = pin!(send(app.clone(), mk_request(stalled)));
    assert!((&mut stalled).now_or_never().is_none());
    let reply = send(app, mk_request(waiting_review().to_string())).await;
    assert!(reply.response()["patch"].is_string());
}

#[tokio::test]
async fn answers_keep_their_room_until_they_are_taken() {
    let memory = WebhookMemory {
        answers: 90 * 1024,
        ..WebhookMemory::default()
    };
    let app = router(mk_context(settings()), memory);
    let ask = async |last: u8| {
        let mut request = mk_request(waiting_review().to_string());
        let peer = Peer::at(([10, 0, 0, last], 50_000).into());
        request.extensions_mut().insert(peer);
        app.clone().oneshot(request).await.unwrap()
    };
    let mut untaken = Vec::new();
    let refused = loop {
        let response = ask(1).await;
        match response.status() {
            StatusCode::OK => untaken.push(response),
            _ => break response,
        }
    };
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(ask(2).await.status(), StatusCode::OK);
    for response in untaken {
        to_bytes(response.into_body(), usize::MAX).await.unwrap();
    }
    assert_eq!(ask(1).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn an_error_quotes_no_more_than_its_beginning() {
    let long = "x".repeat(100_000);
    let mut review = waiting_review();
    review["request"]["namespace"] = json!(long);
    let odd = json!({"apiVersion": long, "kind": "AdmissionReview"});
    for body in [json!(long), review, odd] {
        let reply = post(body.to_string()).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST);
        assert!(reply.body.len() < 1100, "{} bytes", reply.body.len());
    }
}

#[tokio::test]
async fn an_id_that_is_too_long_to_repeat_is_refused() {
    let mut review = waiting_review();
    review["request"]["uid"] = json!("x".repeat(1025));
    let reply = post(review.to_string()).await;
    assert_eq!(reply.status, StatusCode::BAD_REQUEST);
    assert!(
        reply
            .text()
            .contains("request.uid is longer than 1024 bytes")
    );
}

#[tokio::test]
async fn bodies_that_one_address_sends_slowly_leave_room_for_another() {
    let app = app_with_budget(400 * 1024);
    let from = |last: u8, body: Body| {
        let mut request = mk_request(body);
        let peer = Peer::at(([10, 0, 0, last], 50_000).into());
        request.extensions_mut().insert(peer);
        Box::pin(send(app.clone(), request))
    };
    let mut stalled = Vec::new();
    let refused = loop {
        let piece = stream::iter([Ok::<_, Infallible>("x".repeat(4096))]);
        let body = Body::from_stream(piece.chain(stream::pending()));
        let mut sent = from(1, body);
        match (&mut sent).now_or_never() {
            Some(reply) => break reply,
            None => stalled.push(sent),
        }
    };
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(stalled.len(), 8);
    let reply = from(2, waiting_review().to_string().into()).await;
    assert!(reply.response()["patch"].is_string());
}

#[tokio::test]
async fn the_callers_deadline_is_ours() {
    for (query, seconds) in [("?timeout=3s", 3), ("", 10), ("?timeout=5m", 30)] {
        let never = futures_util::stream::pending::<Result<String, std::io::Error>>();
        let request = Request::post(format!("/mutate{query}"))
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from_stream(never))
            .unwrap();
        pause();
        let start = Instant::now();
        let reply = send(app(), request).await;
        assert_eq!(reply.status, StatusCode::GATEWAY_TIMEOUT);
        assert_eq!(start.elapsed().as_secs(), seconds, "{query}");
        tokio::time::resume();
    }
}

#[tokio::test]
async fn counts_by_outcome_and_reason() {
    let metrics = WebhookMetrics::default();
    let context = Context {
        metrics: metrics.clone(),
        ..mk_context(settings())
    };
    let app = router(context, WebhookMemory::default());
    for body in [waiting_review().to_string(), "nonsense".to_owned()] {
        send(app.clone(), mk_request(body)).await;
    }
    let mut registry = prometheus_client::registry::Registry::default();
    metrics.register(&mut registry);
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
    for line in [
        r#"requests_total{path="mutate",outcome="injected",reason=""} 1"#,
        r#"requests_total{path="mutate",outcome="rejected",reason="not-json"} 1"#,
        r#"duration_seconds_count{path="mutate"} 2"#,
        "patch_bytes_count 1",
        "in_flight 0",
    ] {
        assert!(text.contains(line), "{line} in {text}");
    }
}

mod lint;
