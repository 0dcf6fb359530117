use std::{path::PathBuf, sync::Arc, time::Duration};

use futures_util::future::{self, BoxFuture, FutureExt};
use http::StatusCode;
use tokio::sync::watch;

use super::kit::{Kit, Making, WAIT, mk_wait};
use crate::{
    language::Namespace,
    memory::Budget,
    store::{
        Backend, Committed, Feed, Memory, Mutation, Refusal, Staleness, StoreError, Variables,
    },
};

/// Keeps nothing, and says why.
#[derive(Debug)]
struct Failing(StoreError);

impl Backend for Failing {
    fn start(&self, feed: Arc<dyn Feed>) -> BoxFuture<'_, Result<(), StoreError>> {
        feed.reset(&Variables::default());
        future::ready(Ok(())).boxed()
    }

    fn commit(&self, _mutation: Mutation) -> BoxFuture<'_, Result<Committed, StoreError>> {
        future::ready(Err(self.0.clone())).boxed()
    }
}

#[tokio::test]
async fn a_change_that_is_not_kept_is_a_problem() {
    let path = PathBuf::from("/data/store");
    for (error, status, code) in [
        (
            StoreError::Closed,
            StatusCode::SERVICE_UNAVAILABLE,
            "store-unavailable",
        ),
        (
            StoreError::Full { path: path.clone() },
            StatusCode::INSUFFICIENT_STORAGE,
            "storage-full",
        ),
        (
            StoreError::ReadOnly { path },
            StatusCode::INTERNAL_SERVER_ERROR,
            "store-failed",
        ),
        (
            StoreError::Unavailable("the API server is down".to_owned()),
            StatusCode::SERVICE_UNAVAILABLE,
            "cluster-unavailable",
        ),
        (
            StoreError::NotShown(Duration::from_secs(5)),
            StatusCode::GATEWAY_TIMEOUT,
            "change-not-shown",
        ),
        (
            StoreError::Refused(Refusal::Forbidden("no".to_owned())),
            StatusCode::FORBIDDEN,
            "change-forbidden",
        ),
        (
            StoreError::Refused(Refusal::NoNamespace(Namespace::default())),
            StatusCode::NOT_FOUND,
            "no-such-namespace",
        ),
        (
            StoreError::Refused(Refusal::Terminating(Namespace::default())),
            StatusCode::CONFLICT,
            "namespace-terminating",
        ),
    ] {
        let backend = Arc::new(Failing(error));
        let kit = Kit::of(Making {
            backend,
            ..Making::default()
        })
        .await;
        let variable = "/v1/namespaces/default/variables/a";
        for reply in [
            kit.put(variable, "").await,
            kit.post("/", r#"{"variable":"a"}"#).await,
        ] {
            assert_eq!((reply.status, &*reply.problem()), (status, code));
        }
        if status != StatusCode::CONFLICT {
            let reply = kit.delete(variable).await;
            assert_eq!((reply.status, &*reply.problem()), (status, code));
        }
        let metrics = String::from_utf8(kit.get("/metrics").await.body.to_vec()).unwrap();
        assert!(
            metrics.contains("oncue_store_creates_total{cause=\"hand\",result=\"failed\"} 2"),
            "{metrics}"
        );
    }
}

/// A backend in memory that is stale when it is told to be.
#[derive(Debug)]
struct Stale(Memory, watch::Sender<bool>);

impl Backend for Stale {
    fn start(&self, feed: Arc<dyn Feed>) -> BoxFuture<'_, Result<(), StoreError>> {
        self.0.start(feed)
    }

    fn commit(&self, mutation: Mutation) -> BoxFuture<'_, Result<Committed, StoreError>> {
        self.0.commit(mutation)
    }

    fn staleness(&self) -> Staleness {
        Staleness::from(&self.1)
    }
}

#[tokio::test]
async fn a_replica_that_may_miss_changes_sends_its_callers_to_another_one() {
    let memory = Memory::new(Budget::UNLIMITED);
    let backend = Arc::new(Stale(memory, watch::Sender::new(false)));
    let kit = Kit::of(Making {
        backend: backend.clone(),
        ..Making::default()
    })
    .await;
    kit.put("/v1/namespaces/default/variables/known", "").await;
    let held = kit.begin_wait(&["a"]).await;
    backend.1.send_replace(true);
    let variable = "/v1/namespaces/default/variables/a";
    for reply in [
        held.await.unwrap(),
        kit.post(WAIT, mk_wait(&["a"], None)).await,
        kit.get("/?variable=a").await,
        kit.get("/v1/variables").await,
        kit.get(variable).await,
        kit.get("/v1/namespaces/default/watch").await,
        kit.get("/readyz").await,
    ] {
        assert_eq!(reply.status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(reply.headers["connection"], "close");
        assert_eq!(reply.problem(), "store-stale");
    }
    assert_eq!(kit.get("/healthz").await.status, StatusCode::OK);
    assert_eq!(kit.store.stats().waiters, 0);

    // What it knows lets pods start while no API server answers.
    let answer = kit.post(WAIT, mk_wait(&["known"], None)).await.json();
    assert_eq!(answer["outcome"], "held");
    assert_eq!(kit.get("/?variable=known").await.status, StatusCode::OK);

    backend.1.send_replace(false);
    assert_eq!(kit.get("/readyz").await.status, StatusCode::OK);
    let takes_waits = async || {
        let answer = kit.post(WAIT, mk_wait(&["a"], None)).await;
        answer.status == StatusCode::OK
    };
    while !takes_waits().await {
        tokio::task::yield_now().await;
    }
    let held = kit.begin_wait(&["a"]).await;
    kit.put(variable, "").await;
    assert_eq!(held.await.unwrap().json()["outcome"], "held");
}
