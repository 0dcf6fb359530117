use std::{path::PathBuf, sync::Arc, time::Duration};

use futures_util::future::{self, BoxFuture, FutureExt};
use http::StatusCode;

use super::kit::{Kit, Making};
use crate::{
    language::Namespace,
    store::{Backend, Committed, Feed, Mutation, Refusal, StoreError, Variables},
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
