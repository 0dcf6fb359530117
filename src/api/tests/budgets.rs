use http::StatusCode;

use super::kit::{Kit, Making, WAIT, mk_wait};
use crate::{api::Settings, memory::StoreMemory};

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
        let reply = kit.put(variable, " ".repeat(5000)).await;
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
async fn an_answer_takes_room_until_it_is_sent() {
    let kit = mk_kit(StoreMemory {
        answers: 1024,
        ..StoreMemory::default()
    })
    .await;
    let variable = "/v1/namespaces/default/variables/a";
    kit.put(variable, format!(r#"{{"value":"{}"}}"#, "x".repeat(400)))
        .await;
    let unread = kit.get(variable).await;
    assert_eq!(unread.status, StatusCode::OK);
    let refused = kit.get(variable).await;
    assert_eq!(refused.problem(), "memory-exhausted");
    let detail = refused.json()["detail"].clone();
    assert_eq!(detail, "unread answers take 1 KiB, the limit");
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
