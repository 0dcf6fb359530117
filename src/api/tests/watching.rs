use std::{collections::VecDeque, time::Duration};

use axum::body::Body;
use http_body_util::BodyExt;
use serde_json::Value;
use tokio::time::Instant;
use tower::ServiceExt;

use super::kit::{Kit, Making, mk_request};
use crate::memory::StoreMemory;
use crate::{net::Phase, store::Limits};

const WATCH: &str = "/v1/namespaces/default/watch?prefix=a";

/// The lines of a watch, of which several may come at once.
struct Lines {
    body: Body,
    read: VecDeque<Value>,
}

impl Lines {
    async fn of(kit: &Kit) -> Self {
        let request = mk_request("GET", WATCH, "");
        let Ok(response) = kit.router.clone().oneshot(request).await;
        Self {
            body: response.into_body(),
            read: VecDeque::new(),
        }
    }

    /// Returns the type and the name of the next line; none if there are no more.
    async fn next(&mut self) -> Option<(String, String)> {
        while self.read.is_empty() {
            let frame = self.body.frame().await?.unwrap().into_data().unwrap();
            let lines = serde_json::Deserializer::from_slice(&frame).into_iter();
            self.read.extend(lines.map(Result::unwrap));
        }
        let event = self.read.pop_front()?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        Some((text(&event["type"]), text(&event["name"])))
    }
}

async fn put(kit: &Kit, path: &str, body: &'static str) {
    kit.put(&format!("/v1/namespaces/{path}"), body).await;
}

#[tokio::test]
async fn begins_with_the_present_state_and_a_bookmark() {
    let kit = Kit::new().await;
    put(&kit, "default/variables/a/b", "").await;
    put(&kit, "default/variables/x", "").await;
    let reply = kit.get(WATCH).await;
    let lines: Vec<Value> = reply
        .body
        .split(|b| *b == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect();
    let types: Vec<_> = lines.iter().map(|line| &line["type"]).collect();
    assert_eq!(types, ["ADDED", "BOOKMARK"]);
    assert_eq!(lines[0]["name"], "a/b");
    assert_eq!(lines[0]["revision"], lines[1]["revision"]);
}

#[tokio::test]
async fn tells_every_change_in_its_scope() {
    let kit = Kit::new().await;
    let mut lines = Lines::of(&kit).await;
    assert_eq!(lines.next().await.unwrap().0, "BOOKMARK");
    put(&kit, "default/variables/a", "").await;
    put(&kit, "default/variables/x", "").await;
    put(&kit, "other/variables/a", "").await;
    put(&kit, "default/variables/a", r#"{"value":"v"}"#).await;
    kit.delete("/v1/namespaces/default/variables/a").await;
    for kind in ["ADDED", "MODIFIED", "DELETED"] {
        assert_eq!(
            lines.next().await.unwrap(),
            (kind.to_owned(), "a".to_owned())
        );
    }
}

#[tokio::test(start_paused = true)]
async fn sends_a_bookmark_every_30_seconds() {
    let kit = Kit::new().await;
    let mut lines = Lines::of(&kit).await;
    let begin = Instant::now();
    for seconds in [0, 30, 60] {
        assert_eq!(lines.next().await.unwrap().0, "BOOKMARK");
        assert_eq!(begin.elapsed(), Duration::from_secs(seconds));
    }
}

#[tokio::test]
async fn ends_when_the_watcher_reads_too_slowly() {
    let limits = Limits {
        watch_backlog: 1400,
        ..Limits::within(1000, StoreMemory::default())
    };
    let kit = Kit::of(Making {
        limits,
        ..Making::default()
    })
    .await;
    let mut lines = Lines::of(&kit).await;
    lines.next().await;
    for name in ["a/1", "a/2", "a/3"] {
        put(&kit, &format!("default/variables/{name}"), "").await;
    }
    assert_eq!(lines.next().await, None);
}

#[tokio::test]
async fn ends_when_the_process_drains() {
    let kit = Kit::new().await;
    let mut lines = Lines::of(&kit).await;
    lines.next().await;
    kit.trigger.advance(Phase::Draining);
    assert_eq!(lines.next().await, None);
}

#[tokio::test]
async fn who_comes_when_enough_watch_is_told_to_come_later() {
    let limits = Limits {
        watchers: 1,
        ..Limits::within(1000, StoreMemory::default())
    };
    let kit = Kit::of(Making {
        limits,
        ..Making::default()
    })
    .await;
    let _watched = Lines::of(&kit).await;
    let reply = kit.get(WATCH).await;
    assert_eq!(reply.problem(), "too-many-watchers");
    assert!(!reply.header("retry-after").is_empty());
    assert_eq!(reply.header("connection"), "close");
}
