use http::StatusCode;
use serde_json::json;

use super::kit::{Kit, WAIT, mk_wait};

#[tokio::test]
async fn a_wrong_name_is_refused_with_its_rule() {
    let kit = Kit::new().await;
    let long = "x".repeat(256);
    for (name, rule) in [
        ("a/../b", "must not be \"..\""),
        ("a/%2E%2E/b", "must not be \"..\""),
        (long.as_str(), "at most 255 bytes, this one has 256"),
        ("", "must not be empty"),
        ("%2F", "must not be empty"),
        ("a%00b", "'\\0' is not allowed"),
        ("%C3%A9", "'\u{e9}' is not allowed"),
        ("a%20b", "' ' is not allowed"),
        ("a%252Fb", "'%' is not allowed"),
    ] {
        let uri = format!("/v1/namespaces/default/variables/{name}");
        for reply in [
            kit.get(&uri).await,
            kit.put(&uri, "").await,
            kit.delete(&uri).await,
        ] {
            assert_eq!(
                (reply.status, &*reply.problem()),
                (StatusCode::BAD_REQUEST, "invalid-name"),
                "{name}"
            );
            assert!(
                reply.json()["rule"].as_str().unwrap().contains(rule),
                "{name}: {reply:?}"
            );
        }
        let reply = kit.get(&format!("/?variable={name}")).await;
        assert_eq!(reply.problem(), "invalid-query", "{name}");
        assert!(
            reply.json()["rule"].as_str().unwrap().contains(rule),
            "{name}: {reply:?}"
        );
    }
    let reply = kit.get("/v1/namespaces/default/variables/%FF").await;
    assert_eq!(reply.problem(), "invalid-name");
}

#[tokio::test]
async fn a_wrong_namespace_is_refused_with_its_rule() {
    let kit = Kit::new().await;
    for path in ["A/variables", "a.b/variables/x", "-/watch", "a%2Fb/waiters"] {
        let reply = kit.get(&format!("/v1/namespaces/{path}")).await;
        assert_eq!(reply.problem(), "invalid-namespace", "{path}");
    }
}

#[tokio::test]
async fn a_wrong_body_is_refused_with_its_place() {
    let kit = Kit::new().await;
    let long = format!(r#"{{"value":"{}"}}"#, "x".repeat(4097));
    let variable = "/v1/namespaces/default/variables/a";
    for (uri, body, rule) in [
        (
            variable,
            long.as_str(),
            "a value has at most 4096 bytes, this one has 4097",
        ),
        (variable, r#"{"value":7}"#, "invalid type: integer `7`"),
        (variable, r#"{"vlaue":"v"}"#, "unknown field `vlaue`"),
        (variable, r#"{"ttl":"5"}"#, "is not a duration"),
        (variable, r#"{"ttl":"-5m"}"#, "is not a duration"),
        (
            variable,
            r#"{"kind":"lively"}"#,
            "unknown variant `lively`, expected one of `durable`, `live`, `ready`",
        ),
        (
            variable,
            r#"{"owner":["default","pod","1"]}"#,
            "expected a JSON object",
        ),
        (
            variable,
            r#"{"owner":{"namespace":"default","name":"pod"}}"#,
            "missing field `uid`",
        ),
        (
            variable,
            r#"{"owner":{"namespace":"default","name":"","uid":"1"}}"#,
            "1 to 253 bytes",
        ),
        (
            variable,
            r#"{"owner":{"namespace":"default","name":"web\u200b","uid":"1"}}"#,
            "no white space, control, zero-width or bidi characters",
        ),
        (
            variable,
            r#"{"owner":{"namespace":"default","name":"../nodes","uid":"1"}}"#,
            "is not the name of a pod",
        ),
        (
            WAIT,
            r#"{"terms":[],"waiter":{"namespace":"default","name":"Web","uid":"1"}}"#,
            "is not the name of a pod",
        ),
        (
            WAIT,
            r#"{"terms":[],"waiter":{"namespace":"default","name":"\u202ebew","uid":"1"}}"#,
            "no white space, control, zero-width or bidi characters",
        ),
        (variable, "[]", "expected a JSON object"),
        (variable, "{", "EOF while parsing"),
        ("/", "", "missing field `variable`"),
        ("/", r#"{"variable":"a/../b"}"#, "must not be \"..\""),
        (
            "/",
            r#"{"variable":"a","name":"b"}"#,
            "unknown field `name`",
        ),
        (
            "/",
            r#"{"variable":"a","variable":"b"}"#,
            "duplicate field `variable`",
        ),
        ("/", "variable=a", "expected value"),
        (WAIT, "", "missing field `terms`"),
        (WAIT, r#"{"terms":"a"}"#, "expected a sequence"),
        (WAIT, r#"{"terms":[],"since":"yesterday"}"#, "is not a time"),
    ] {
        let reply = if uri == variable {
            kit.put(uri, body.to_owned()).await
        } else {
            kit.post(uri, body.to_owned()).await
        };
        assert_eq!(reply.problem(), "invalid-body", "{body}");
        let problem = reply.json();
        assert!(
            problem["rule"].as_str().unwrap().contains(rule),
            "{body}: {problem}"
        );
        assert_eq!(problem["line"], 1, "{body}");
        assert!(problem["column"].is_u64(), "{body}");
    }
    assert_eq!(kit.store.stats().variables, 0);
}

#[tokio::test]
async fn without_an_owner_only_durable_can_be_asserted() {
    let kit = Kit::new().await;
    let variable = "/v1/namespaces/default/variables/a";
    let reply = kit.put(variable, r#"{"kind":"live"}"#).await;
    assert_eq!(reply.problem(), "invalid-body");
    assert!(
        reply.json()["detail"]
            .as_str()
            .unwrap()
            .contains("needs an owner")
    );
    assert_eq!(
        kit.put(variable, r#"{"kind":"durable"}"#).await.status,
        StatusCode::CREATED
    );
}

#[tokio::test]
async fn a_pod_signals_in_its_own_namespace_only() {
    let kit = Kit::new().await;
    let owner = r#"{"owner":{"namespace":"default","name":"pod","uid":"1"}}"#;
    let reply = kit.put("/v1/namespaces/shop/variables/a", owner).await;
    assert_eq!(
        (reply.status, &*reply.problem()),
        (StatusCode::UNPROCESSABLE_ENTITY, "foreign-owner")
    );
    let detail = reply.json()["detail"].to_string();
    assert!(
        detail.contains("the owner is in the namespace default, and the variable in shop"),
        "{detail}"
    );
    assert_eq!(kit.store.stats().variables, 0);
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused() {
    let kit = Kit::new().await;
    let limit = 64 * 1024;
    for uri in ["/", WAIT] {
        let reply = kit.post(uri, " ".repeat(limit + 1)).await;
        assert_eq!(
            (reply.status, &*reply.problem()),
            (StatusCode::PAYLOAD_TOO_LARGE, "body-too-large")
        );
    }
    let create = r#"{"variable":"a"}"#;
    let padded = create.to_owned() + &" ".repeat(limit - create.len());
    assert_eq!(kit.post("/", padded).await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn a_wrong_term_is_refused_with_term_column_and_rule() {
    let kit = Kit::new().await;
    let reply = kit.post(WAIT, mk_wait(&["a/b", "a b"], None)).await;
    let problem = reply.json();
    assert_eq!(reply.problem(), "invalid-term");
    assert_eq!(
        (&problem["term"], &problem["column"]),
        (&json!("a b"), &json!(3))
    );
    assert!(
        problem["rule"]
            .as_str()
            .unwrap()
            .contains("was not expected here")
    );
}

#[tokio::test]
async fn what_the_store_cannot_judge_is_refused() {
    let kit = Kit::new().await;
    for (term, rule) in [
        ("tcp://redis:6379", "made by the client"),
        ("?http://web/ready within 5s", "made by the client"),
        ("a/$(POD_NAME)", "is not filled in"),
        ("job:migrate", "watches no objects"),
    ] {
        let reply = kit.post(WAIT, mk_wait(&["a", term], None)).await;
        assert_eq!(
            (reply.status, &*reply.problem()),
            (StatusCode::BAD_REQUEST, "unjudged-term"),
            "{term}"
        );
        assert!(
            reply.json()["rule"].as_str().unwrap().contains(rule),
            "{term}: {reply:?}"
        );
    }
}

#[tokio::test]
async fn too_many_terms_are_refused() {
    let kit = Kit::new().await;
    let terms = ["a"; 257];
    assert_eq!(
        kit.post(WAIT, mk_wait(&terms[1..], None)).await.status,
        StatusCode::OK
    );
    assert_eq!(
        kit.post(WAIT, mk_wait(&terms, None)).await.problem(),
        "too-many-terms"
    );
}

#[tokio::test]
async fn an_unknown_parameter_is_refused_by_name() {
    let kit = Kit::new().await;
    for uri in [
        "/?variable=a&namepsace=x",
        "/v1/variables?prefx=a",
        "/v1/namespaces/default/variables/a?ttl=5m",
        "/v1/namespaces/default/watch?tree=true",
        "/v1/waiters?namespace=x",
    ] {
        let reply = kit.get(uri).await;
        assert_eq!(reply.problem(), "invalid-query", "{uri}");
        assert!(
            reply.json()["rule"]
                .as_str()
                .unwrap()
                .contains("unknown field"),
            "{uri}"
        );
    }
}

#[tokio::test]
async fn unknown_paths_and_methods_are_problems() {
    let kit = Kit::new().await;
    for uri in [
        "/v2",
        "/v1",
        "/v1/namespaces/default",
        "/metrics/",
        "/index.html",
    ] {
        let reply = kit.get(uri).await;
        assert_eq!(
            (reply.status, &*reply.problem()),
            (StatusCode::NOT_FOUND, "no-such-path"),
            "{uri}"
        );
    }
    for (uri, allow) in [
        ("/", "GET,HEAD,POST"),
        (WAIT, "POST"),
        ("/v1/namespaces/a/variables/b", "GET,HEAD,PUT,DELETE"),
    ] {
        let reply = kit.send(super::kit::mk_request("PATCH", uri, "")).await;
        assert_eq!(reply.problem(), "method-not-allowed", "{uri}");
        assert_eq!(reply.header("allow"), allow, "{uri}");
    }
}
