use http::StatusCode;
use serde_json::{Value, json};

use super::kit::{Kit, mk_request};

const A_B: &str = "/v1/namespaces/default/variables/a/b";

#[tokio::test]
async fn a_variable_is_asserted_shown_and_deleted() {
    let kit = Kit::new().await;
    assert_eq!(kit.get(A_B).await.problem(), "no-such-variable");
    assert_eq!(
        kit.put(A_B, r#"{"value":"v"}"#).await.status,
        StatusCode::CREATED
    );
    let again = kit.put(A_B, r#"{"value":"w"}"#).await;
    assert_eq!(again.status, StatusCode::OK);
    let shown = kit.get(A_B).await.json();
    assert_eq!(shown["assertions"], json!([again.json()["assertion"]]));
    assert_eq!(shown["assertions"][0]["kind"], "durable");
    assert_eq!(shown["assertions"][0]["value"], "w");
    assert_eq!(kit.delete(A_B).await.status, StatusCode::NO_CONTENT);
    assert_eq!(kit.delete(A_B).await.status, StatusCode::NOT_FOUND);
    assert_eq!(kit.get(A_B).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_owner_asserts_live_unless_the_kind_says_otherwise() {
    let kit = Kit::new().await;
    let owner = json!({"namespace": "default", "name": "pod", "uid": "1"});
    for (kind, expected) in [
        (Value::Null, "live"),
        ("ready".into(), "ready"),
        ("durable".into(), "durable"),
    ] {
        let body = json!({"owner": owner, "kind": kind}).to_string();
        kit.put(A_B, body).await;
        let assertions = kit.get(A_B).await.json()["assertions"].clone();
        let assertions = assertions.as_array().unwrap();
        let is_expected = |a: &&Value| a["kind"] == expected && a["owner"] == owner;
        assert_eq!(
            assertions.iter().filter(is_expected).count(),
            1,
            "{expected}"
        );
    }
}

#[tokio::test]
async fn an_assertion_with_a_ttl_says_when_it_expires() {
    let kit = Kit::new().await;
    let assertion = kit.put(A_B, r#"{"ttl":"1h"}"#).await.json()["assertion"].clone();
    let moment = |member: &str| -> crate::life::Timestamp {
        assertion[member].as_str().unwrap().parse().unwrap()
    };
    let hour = std::time::Duration::from_hours(1);
    assert_eq!(moment("expires").since(moment("since")), hour);
}

#[tokio::test]
async fn a_slash_in_a_name_is_plain_or_percent_encoded() {
    for path in ["a/b", "a%2Fb", "a%2fb", "/a//b/", "%61/b"] {
        let kit = Kit::new().await;
        kit.put(&format!("/v1/namespaces/default/variables/{path}"), "")
            .await;
        assert_eq!(kit.get(A_B).await.json()["name"], "a/b", "{path}");
    }
}

#[tokio::test]
async fn lists_by_namespace_and_prefix() {
    let kit = mk_listed().await;
    for (uri, names) in [
        ("/v1/variables", ["a", "a/b", "a-b", "a"].as_slice()),
        ("/v1/variables?prefix=a/b", &["a/b"]),
        ("/v1/namespaces/default/variables", &["a", "a/b", "a-b"]),
        ("/v1/namespaces/default/variables?prefix=a", &["a", "a/b"]),
        (
            "/v1/namespaces/default/variables?prefix=%2F",
            &["a", "a/b", "a-b"],
        ),
        ("/v1/namespaces/empty/variables", &[]),
    ] {
        let list = kit.get(uri).await.json();
        let mut listed: Vec<_> = list["variables"]
            .as_array()
            .unwrap()
            .iter()
            .map(|v| v["name"].as_str().unwrap())
            .collect();
        let mut names = names.to_vec();
        listed.sort_unstable();
        names.sort_unstable();
        assert_eq!(listed, names, "{uri}");
    }
}

#[tokio::test]
async fn a_tree_has_a_branch_for_each_segment() {
    let kit = mk_listed().await;
    let tree = kit
        .get("/v1/namespaces/default/variables?tree=true")
        .await
        .json()["tree"]
        .clone();
    assert_eq!(tree["a"]["variable"]["name"], "a");
    assert_eq!(tree["a"]["children"]["b"]["variable"]["name"], "a/b");
    assert_eq!(tree["a-b"]["variable"]["name"], "a-b");
    let all = kit.get("/v1/variables?tree=true").await.json()["tree"].clone();
    assert_eq!(all["default"]["children"], tree);
    assert_eq!(
        all["other"]["children"]["a"]["variable"]["namespace"],
        "other"
    );
}

#[tokio::test]
async fn head_answers_as_get_does_without_a_body() {
    let kit = mk_listed().await;
    for (uri, status) in [
        (A_B, StatusCode::OK),
        ("/v1/variables", StatusCode::OK),
        ("/?variable=a", StatusCode::OK),
        ("/?variable=x", StatusCode::NOT_FOUND),
        ("/healthz", StatusCode::OK),
    ] {
        let reply = kit.send(mk_request("HEAD", uri, "")).await;
        assert_eq!(reply.status, status, "{uri}");
        assert!(reply.body.is_empty(), "{uri}");
    }
}

async fn mk_listed() -> Kit {
    let kit = Kit::new().await;
    for path in [
        "default/variables/a",
        "default/variables/a/b",
        "default/variables/a-b",
        "other/variables/a",
    ] {
        kit.put(&format!("/v1/namespaces/{path}"), "").await;
    }
    kit
}
