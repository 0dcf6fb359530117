use http::{StatusCode, header::CONTENT_TYPE};

use super::kit::{Kit, mk_request};

#[tokio::test]
async fn a_variable_exists_once_it_was_created() {
    let kit = Kit::new().await;
    let question = "/?variable=a/path/my/variable";
    let body = r#"{"variable":"a/path/my/variable"}"#;
    assert_eq!(kit.get(question).await.status, StatusCode::NOT_FOUND);
    assert_eq!(kit.post("/", body).await.status, StatusCode::CREATED);
    assert_eq!(kit.post("/", body).await.status, StatusCode::OK);
    assert_eq!(kit.get(question).await.status, StatusCode::OK);
}

#[tokio::test]
async fn the_body_is_json_whatever_its_content_type_says() {
    for content_type in [
        "application/x-www-form-urlencoded",
        "text/plain",
        "nonsense",
    ] {
        let kit = Kit::new().await;
        let mut request = mk_request("POST", "/", r#"{"variable":"a/b"}"#);
        request
            .headers_mut()
            .insert(CONTENT_TYPE, content_type.parse().unwrap());
        assert_eq!(
            kit.send(request).await.status,
            StatusCode::CREATED,
            "{content_type}"
        );
    }
}

#[tokio::test]
async fn both_spellings_of_the_namespace_are_taken_in_the_query_and_the_body() {
    for (uri, body) in [
        ("/?namespace=x", r#"{"variable":"a"}"#),
        ("/?config=x", r#"{"variable":"a"}"#),
        ("/", r#"{"variable":"a","namespace":"x"}"#),
        ("/", r#"{"variable":"a","config":"x"}"#),
        (
            "/?config=x",
            r#"{"variable":"a","namespace":"x","config":null}"#,
        ),
    ] {
        let kit = Kit::new().await;
        assert_eq!(
            kit.post(uri, body).await.status,
            StatusCode::CREATED,
            "{uri} {body}"
        );
        for (uri, status) in [
            ("/?variable=a&namespace=x", StatusCode::OK),
            ("/?variable=a&config=x", StatusCode::OK),
            ("/?variable=a&config=x&namespace=x", StatusCode::OK),
            ("/?variable=a", StatusCode::NOT_FOUND),
        ] {
            assert_eq!(kit.get(uri).await.status, status, "{uri}");
        }
    }
}

#[tokio::test]
async fn two_spellings_with_different_values_are_refused() {
    let kit = Kit::new().await;
    for (uri, body) in [
        ("/?namespace=x&config=y", r#"{"variable":"a"}"#),
        ("/?namespace=x", r#"{"variable":"a","config":"y"}"#),
        ("/?config=x", r#"{"variable":"a","config":"y"}"#),
        ("/", r#"{"variable":"a","namespace":"x","config":"y"}"#),
    ] {
        let reply = kit.post(uri, body).await;
        assert_eq!(reply.problem(), "namespaces-differ", "{uri} {body}");
    }
    let reply = kit.get("/?variable=a&namespace=x&config=y").await;
    assert_eq!(reply.problem(), "namespaces-differ");
    assert_eq!(kit.store.stats().variables, 0);
}

#[tokio::test]
async fn creating_keeps_the_value_and_makes_it_permanent() {
    let kit = Kit::new().await;
    let variable = "/v1/namespaces/default/variables/a";
    kit.put(variable, r#"{"value":"v","ttl":"5m"}"#).await;
    let mut permanent = kit.get(variable).await.json();
    let assertion = permanent["assertions"][0].as_object_mut().unwrap();
    assertion.remove("expires").unwrap();
    assert_eq!(
        kit.post("/", r#"{"variable":"a"}"#).await.status,
        StatusCode::OK
    );
    assert_eq!(kit.get(variable).await.json(), permanent);
}

#[tokio::test]
async fn answers_with_the_name_in_canonical_form() {
    let reply = Kit::new()
        .await
        .post("/", r#"{"variable":"//a///b/"}"#)
        .await;
    let expected = serde_json::json!({"variable": "a/b", "namespace": "default"});
    assert_eq!(reply.json(), expected);
}
