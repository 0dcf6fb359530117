//! The stream of changes: the present state, a bookmark, then whatever happens.

use std::convert::Infallible;

use axum::{
    body::{Body, Bytes},
    extract::State,
    response::Response,
};
use futures_util::{Stream, StreamExt, stream};
use oncue_wire as wire;
use serde::Serialize;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

use super::{
    Api,
    answer::{self, Content},
    documents,
    error::ApiError,
    path::InNamespace,
    query::{Parameters, WatchParameters},
};
use crate::{
    net::{Phase, Shutdown},
    store::{Change, Revision, Scope, Watch, WatchEvent},
};

pub(super) async fn watch(
    State(api): State<Api>,
    InNamespace(namespace): InNamespace,
    Parameters(WatchParameters { prefix }): Parameters<WatchParameters>,
) -> Result<Response, ApiError> {
    let scope = Scope {
        namespace: Some(namespace),
        names: prefix.names(),
    };
    let watch = api.store().watch(scope).map_err(ApiError::Watch)?;
    let changes = Changes {
        revision: None,
        watch,
        bookmarks: bookmarks(&api),
        shutdown: api.shutdown(),
    };
    let lines = changes.lines();
    Ok(answer::ok(
        Content::Lines,
        Body::from_stream(lines.map(Ok::<_, Infallible>)),
    ))
}

fn bookmarks(api: &Api) -> Interval {
    let period = api.settings().bookmark;
    let mut bookmarks = interval_at(Instant::now() + period, period);
    bookmarks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    bookmarks
}

/// One line of the stream.
#[derive(Debug, Serialize)]
struct Event {
    r#type: &'static str,
    revision: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    variable: Option<wire::Variable>,
}

impl Event {
    fn new(change: Change) -> Self {
        Self {
            r#type: change.kind.as_str(),
            revision: change.revision.to_string(),
            variable: Some(wire::Variable {
                namespace: change.key.namespace,
                name: change.key.name,
                assertions: vec![documents::assertion(&change.assertion)],
            }),
        }
    }

    fn bookmark(revision: Revision) -> Self {
        Self {
            r#type: "BOOKMARK",
            revision: revision.to_string(),
            variable: None,
        }
    }

    fn line(&self) -> Vec<u8> {
        let mut line = answer::to_json(self);
        line.push(b'\n');
        line
    }
}

/// The present state, a bookmark, and what comes after.
struct Changes {
    watch: Watch,
    /// How far the watcher has been told; none before the first bookmark.
    revision: Option<Revision>,
    bookmarks: Interval,
    shutdown: Shutdown,
}

impl Changes {
    /// Ends when the process shuts down, or when the watcher reads too slowly and must begin again.
    fn lines(self) -> impl Stream<Item = Bytes> {
        stream::unfold(self, async |mut changes| {
            let line = changes.next().await?;
            Some((line.into(), changes))
        })
    }

    async fn next(&mut self) -> Option<Vec<u8>> {
        tokio::select! {
            event = self.watch.next() => Some(match event.ok()? {
                WatchEvent::Change(change) => {
                    self.revision = self.revision.map(|_| change.revision);
                    Event::new(change).line()
                }
                WatchEvent::Synced(revision) => {
                    self.revision = Some(revision);
                    Event::bookmark(revision).line()
                }
            }),
            Some(revision) = async { self.bookmarks.tick().await; self.revision } => {
                Some(Event::bookmark(revision).line())
            }
            () = self.shutdown.clone().reached(Phase::Draining) => None,
        }
    }
}
