//! What the log says of changes and refusals, and what nothing ever says.

use std::sync::Arc;

use axum::http::StatusCode;
use serde_json::json;

use super::{
    access::{Guarded, LATER},
    kit::{Kit, Making},
};
use crate::{captured_log::Log, identity::fake::mk_token, memory::Budget, store::Memory};

/// Returns the audit lines.
fn audit(log: &Log) -> Vec<String> {
    let text = log.text();
    let lines = text.lines().filter(|it| it.contains("oncue::audit"));
    lines.map(str::to_owned).collect()
}

const FIRST: &str = "/v1/namespaces/shop/variables/first/up";

#[track_caller]
fn assert_line(line: &str, parts: &[&str]) {
    for part in parts {
        assert!(line.contains(part), "{part} in {line}");
    }
}

#[tokio::test]
async fn each_change_and_each_refusal_is_one_line_with_who_what_where_and_outcome() {
    let guarded = Guarded::new().await;
    let (pod, operator) = (
        guarded.api.pod_token(("shop", "web"), LATER),
        guarded.operator_token(),
    );
    let log = Log::default();
    let logging = log.start();
    let put = format!("PUT {FIRST}");
    guarded.send(&put, (&pod, "")).await;
    guarded.send(&put, (&pod, "")).await;
    guarded.send(&put, (&pod, r#"{"value":"v"}"#)).await;
    guarded
        .send(&format!("DELETE {FIRST}"), (&operator, ""))
        .await;
    guarded
        .send("PUT /v1/namespaces/till/variables/a", (&pod, ""))
        .await;
    guarded
        .send("GET /v1/namespaces/shop/variables/a", ("bad", ""))
        .await;
    guarded
        .send("GET /v1/namespaces/shop/variables", (&pod, ""))
        .await;
    drop(logging);
    let lines = audit(&log);
    assert_eq!(lines.len(), 5, "{lines:#?}");
    let by_pod = ["who=pod shop/web", "from=10.0.0.7:50000"];
    assert_line(&lines[0], &by_pod);
    let what = [r#"action="assert""#, "namespace=shop", "name=first/up"];
    assert_line(&lines[0], &what);
    assert_line(&lines[0], &[r#"owner="web""#, r#"outcome="created""#]);
    assert_line(&lines[1], &[r#"outcome="changed""#]);
    let user = "who=operator system:serviceaccount:oncue-system:oncue-operator";
    assert_line(&lines[2], &[user, r#"credential="JTI=7""#]);
    assert_line(&lines[2], &[r#"action="delete""#, r#"outcome="deleted""#]);
    assert_line(&lines[3], &by_pod);
    let refused = [r#"what="assert in till""#, r#"reason="other-namespace""#];
    assert_line(&lines[3], &refused);
    let route = r#"what="GET /v1/namespaces/{namespace}/variables/{*name}""#;
    assert_line(&lines[4], &["who=anonymous", route, r#"reason="not-jwt""#]);
}

#[tokio::test]
async fn refusals_do_not_flood_the_log_and_hide_no_change() {
    let guarded = Guarded::new().await;
    let log = Log::default();
    let logging = log.start();
    for _ in 0..5_000 {
        guarded.refuse().await;
    }
    let operator = guarded.operator_token();
    guarded.send(&format!("PUT {FIRST}"), (&operator, "")).await;
    let metrics = guarded.send("GET /metrics", (&operator, "")).await;
    drop(logging);
    assert!(log.text().len() < 512 << 10, "{}", log.text().len());
    let lines = audit(&log);
    assert_line(lines.last().unwrap(), &[r#"outcome="created""#]);
    let metrics = String::from_utf8(metrics.body.to_vec()).unwrap();
    let left_out = r#"oncue_store_audit_lines_left_out_total{kind="refusal"} "#;
    let left_out = metrics.lines().find_map(|it| it.strip_prefix(left_out));
    let left_out: usize = left_out.unwrap().parse().unwrap();
    assert_eq!(left_out + lines.len() - 1, 5_000);
}

#[tokio::test]
async fn changes_that_fail_say_why_and_do_not_flood_the_log() {
    let full = Memory::new(Budget {
        total: 0,
        per_namespace: 0,
    });
    let kit = Kit::of(Making {
        backend: Arc::new(full),
        ..Making::default()
    })
    .await;
    let log = Log::default();
    let logging = log.start();
    for _ in 0..5_000 {
        let reply = kit.put(FIRST, "").await;
        assert_eq!(reply.status, StatusCode::INSUFFICIENT_STORAGE);
    }
    drop(logging);
    assert!(log.text().len() < 512 << 10, "{}", log.text().len());
    let lines = audit(&log);
    let why = [r#"outcome="failed""#, r#"reason="storage-full""#];
    assert_line(&lines[0], &why);
    assert_line(&lines[0], &["did not change a variable", "name=first/up"]);
}

/// The tokens are accepted, refused, forged, cut off and in the wrong place; the values are good and
/// bad. Nothing that is written anywhere holds a part of them.
#[tokio::test]
async fn tokens_and_values_are_never_printed() {
    let guarded = Guarded::new().await;
    let pod = guarded.api.pod_token(("shop", "web"), LATER);
    let operator = guarded.operator_token();
    let deleted = guarded.api.pod_token(("shop", "web"), LATER);
    guarded.api.forget(&deleted);
    let forged = mk_token(&json!({"aud": "oncue", "exp": LATER, "n": "forged"}).to_string());
    let secret = "hunter2-the-value";
    let too_large = secret.repeat(1_000);
    let log = Log::default();
    let logging = log.start();
    let mut answers = String::new();
    let bodies = [
        json!({"value": secret}).to_string(),
        json!({"value": too_large}).to_string(),
        json!({"value": {"nested": secret}}).to_string(),
        format!(r#"{{"value":"{secret}"#),
    ];
    for token in [
        &pod,
        &deleted,
        &forged,
        &operator,
        &format!("{pod}.x"),
        &pod[..40].to_owned(),
    ] {
        for body in &bodies {
            for line in [
                &format!("PUT {FIRST}"),
                "PUT /v1/namespaces/till/variables/a",
            ] {
                let reply = guarded.send(line, (token, body)).await;
                if !reply.status.is_success() {
                    answers.push_str(&String::from_utf8_lossy(&reply.body));
                }
            }
        }
        // A token that someone took for a name, and one in the query.
        for line in [
            format!("GET /v1/namespaces/shop/variables/{token}"),
            format!("GET /v1/identity?token={token}"),
            format!("GET /v1/namespaces/{token}/waiters"),
        ] {
            guarded.send(&line, ("bad", "")).await;
        }
    }
    guarded.api.set_down(true);
    let unknown = guarded.api.pod_token(("shop", "db"), LATER);
    guarded.send("GET /v1/identity", (&unknown, "")).await;
    guarded.api.set_down(false);
    let metrics = guarded.send("GET /metrics", (&operator, "")).await;
    answers.push_str(&String::from_utf8_lossy(&metrics.body));
    let debugged = format!("{:?}", guarded.kit.store);
    answers.push_str(&debugged);
    drop(logging);

    let log = log.text();
    assert!(log.contains("oncue::audit"), "{log}");
    for token in [&pod, &operator, &deleted, &forged, &unknown] {
        for part in token.split('.').skip(1) {
            assert!(
                !log.contains(&part[..20.min(part.len())]),
                "{part} in {log}"
            );
            assert!(!answers.contains(part), "{part} in {answers}");
        }
    }
    assert!(!log.contains(secret), "{log}");
    assert!(!answers.contains(secret), "{answers}");
}
