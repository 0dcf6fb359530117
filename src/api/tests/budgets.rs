use http::StatusCode;

use super::kit::{Kit, Making};
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
