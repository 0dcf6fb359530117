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

/// Follows the pages of a list, and returns the names on each.
async fn pages(kit: &Kit, uri: &str) -> Vec<Vec<String>> {
    let mut pages = Vec::new();
    let mut next = uri.to_owned();
    loop {
        let list = kit.get(&next).await.json();
        let variables = list["variables"].as_array().unwrap().iter();
        let names = variables.flat_map(|variable| {
            let assertions = variable["assertions"].as_array().unwrap().len();
            let name = variable["name"].as_str().unwrap().to_owned();
            std::iter::repeat_n(name, assertions)
        });
        pages.push(names.collect());
        match list["continue"].as_str() {
            Some(token) => next = format!("{uri}&continue={token}"),
            None => return pages,
        }
    }
}

#[tokio::test]
async fn a_list_comes_in_pages_and_a_long_variable_goes_on_on_the_next() {
    let kit = Kit::new().await;
    for owner in ["1", "2", "3"] {
        let body = json!({"owner": {"namespace": "default", "name": owner, "uid": "u"}});
        kit.put("/v1/namespaces/default/variables/b", body.to_string())
            .await;
    }
    for name in ["a", "c"] {
        kit.put(&format!("/v1/namespaces/default/variables/{name}"), "")
            .await;
    }
    for uri in [
        "/v1/variables?limit=2",
        "/v1/namespaces/default/variables?limit=2",
    ] {
        let expected = [vec!["a", "b"], vec!["b", "b"], vec!["c"]];
        assert_eq!(pages(&kit, uri).await, expected, "{uri}");
    }
    let shown = kit
        .get("/v1/namespaces/default/variables/b?limit=2")
        .await
        .json();
    let token = shown["continue"].as_str().unwrap();
    let rest = format!("/v1/namespaces/default/variables/b?limit=2&continue={token}");
    let rest = kit.get(&rest).await.json();
    assert_eq!(shown["assertions"].as_array().unwrap().len(), 2);
    assert_eq!(rest["assertions"].as_array().unwrap().len(), 1);
    assert_eq!(rest["continue"], Value::Null);
}

#[tokio::test]
async fn a_page_is_bounded_in_bytes() {
    let kit = Kit::new().await;
    let value = json!({"value": "x".repeat(4096)}).to_string();
    for number in 0..100 {
        let variable = format!("/v1/namespaces/default/variables/{number:03}");
        kit.put(&variable, value.clone()).await;
    }
    let reply = kit.get("/v1/variables?limit=1000").await;
    assert!(reply.body.len() < 256 * 1024, "{}", reply.body.len());
    let pages = pages(&kit, "/v1/variables?limit=1000").await;
    assert!(pages.len() > 2);
    assert_eq!(pages.concat().len(), 100);
}
