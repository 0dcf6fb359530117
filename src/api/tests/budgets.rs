use std::convert::Infallible;

use axum::body::Body;
use futures_util::{FutureExt, StreamExt, stream};
use http::StatusCode;

use super::kit::{Kit, Making, WAIT, mk_request, mk_wait};
use crate::{api::Settings, memory::StoreMemory, net::Peer};

async fn mk_kit(memory: StoreMemory) -> Kit {
    let settings = Settings {
        memory,
        ..Settings::default()
    };
    Kit::of(Making {
        settings,
        ..Making::default()
    })
    .await
}

#[tokio::test]
async fn a_body_without_room_is_refused_and_leaves_none_behind() {
    let kit = mk_kit(StoreMemory {
        bodies: 4096,
        ..StoreMemory::default()
    })
    .await;
    let variable = "/v1/namespaces/default/variables/a";
    for _ in 0..3 {
        let reply = kit.put(variable, " ".repeat(9000)).await;
        assert_eq!(
            (reply.status, &*reply.problem()),
            (StatusCode::SERVICE_UNAVAILABLE, "memory-exhausted")
        );
        assert!(!reply.header("retry-after").is_empty());
        let detail = reply.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.starts_with("request bodies take 4 KiB"), "{detail}");
    }
    let reply = kit.put(variable, " ".repeat(4000)).await;
    assert_eq!(reply.status, StatusCode::CREATED);
}

#[tokio::test]
async fn bodies_that_one_address_sends_slowly_leave_room_for_another_whatever_they_name() {
    let kit = mk_kit(StoreMemory {
        bodies: 256 << 10,
        ..StoreMemory::default()
    })
    .await;
    let from = |last: u8, uri: &str, body: Body| {
        let mut request = mk_request("PUT", uri, body);
        let peer = Peer::at(([10, 0, 0, last], 50_000).into());
        request.extensions_mut().insert(peer);
        Box::pin(kit.send(request))
    };
    let mut stalled = Vec::new();
    let refused = loop {
        let uri = format!("/v1/namespaces/n{}/variables/a", stalled.len());
        let piece = stream::iter([Ok::<_, Infallible>(" ".repeat(30_000))]);
        let body = Body::from_stream(piece.chain(stream::pending()));
        let mut sent = from(1, &uri, body);
        match (&mut sent).now_or_never() {
            Some(reply) => break reply,
            None => stalled.push(sent),
        }
    };
    let detail = refused.json()["detail"].as_str().unwrap().to_owned();
    assert!(
        detail.starts_with("request bodies from your address take "),
        "{detail}"
    );
    let body = Body::from(" ".repeat(20_000));
    let reply = from(2, "/v1/namespaces/shop/variables/a", body).await;
    assert_eq!(reply.status, StatusCode::CREATED);
}

#[tokio::test]
async fn an_answer_takes_room_until_it_is_sent() {
    let kit = mk_kit(StoreMemory {
        answers: 16 << 10,
        ..StoreMemory::default()
    })
    .await;
    let variable = "/v1/namespaces/default/variables/a";
    kit.put(variable, format!(r#"{{"value":"{}"}}"#, "x".repeat(4096)))
        .await;
    let unread = kit.get(variable).await;
    assert_eq!(unread.status, StatusCode::OK);
    let refused = kit.get(variable).await;
    assert_eq!(refused.problem(), "memory-exhausted");
    let detail = refused.json()["detail"].clone();
    assert_eq!(detail, "unread answers take 16 KiB, the limit");
    let small = kit.get("/?variable=a").await;
    assert_eq!(small.status, StatusCode::OK, "small answers need no room");
    drop(unread);
    assert_eq!(kit.get(variable).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_problem_quotes_the_beginning_of_a_request_alone() {
    let kit = Kit::new().await;
    let term = format!("a b{}", "x".repeat(60_000));
    let reply = kit.post(WAIT, mk_wait(&[&term], None)).await;
    assert_eq!(reply.problem(), "invalid-term");
    assert!(reply.body.len() < 8192, "{}", reply.body.len());
}

#[tokio::test]
async fn a_page_of_a_tree_ends_early_if_the_names_are_deep() {
    let kit = Kit::new().await;
    for i in 0..40 {
        let name = format!("x{i:02}{}", "/a".repeat(50));
        let path = format!("/v1/namespaces/default/variables/{name}");
        assert_eq!(
            kit.put(&path, String::new()).await.status,
            StatusCode::CREATED
        );
    }
    let list = "/v1/namespaces/default/variables";
    let tree = kit.get(&format!("{list}?tree=true")).await.json();
    let shown = tree["tree"].as_object().unwrap().len();
    assert!((1..40).contains(&shown), "{shown}");
    assert!(tree["continue"].is_string());
}

#[tokio::test]
async fn a_list_goes_on_only_from_its_own_pages() {
    let kit = Kit::new().await;
    for path in [
        "a/variables/x",
        "a/variables/y",
        "b/variables/x",
        "b/variables/y",
    ] {
        kit.put(&format!("/v1/namespaces/{path}"), String::new())
            .await;
    }
    let first = kit.get("/v1/namespaces/b/variables?limit=1").await.json();
    let token = first["continue"].as_str().unwrap();
    for (path, status) in [
        ("b/variables", StatusCode::OK),
        ("a/variables", StatusCode::BAD_REQUEST),
        ("a/variables/x", StatusCode::BAD_REQUEST),
        ("b/variables/y", StatusCode::BAD_REQUEST),
    ] {
        let reply = kit
            .get(&format!("/v1/namespaces/{path}?continue={token}"))
            .await;
        assert_eq!(reply.status, status, "{path}");
    }
}
