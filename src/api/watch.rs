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
    store::{Change, ChangeKind, Listing, Revision, Scope, Variable, Watch},
};

pub(super) async fn watch(
    State(api): State<Api>,
    InNamespace(namespace): InNamespace,
    Parameters(WatchParameters { prefix }): Parameters<WatchParameters>,
) -> Result<Response, ApiError> {
    let scope = Scope {
        namespace: Some(namespace),
        prefix: prefix.0,
    };
    let watch = api.store().watch(scope).map_err(ApiError::Watch)?;
    let first = present(&watch.listing);
    let changes = Changes {
        revision: watch.listing.revision,
        watch,
        bookmarks: bookmarks(&api),
        shutdown: api.shutdown(),
    };
    let lines = stream::iter([first]).chain(changes.lines());
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
    fn new(kind: ChangeKind, revision: Revision, variable: &Variable) -> Self {
        Self {
            r#type: kind.as_str(),
            revision: revision.to_string(),
            variable: Some(documents::variable(variable)),
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

/// The present state and its bookmark.
fn present(
    Listing {
        revision,
        variables,
    }: &Listing,
) -> Bytes {
    let added = |variable| Event::new(ChangeKind::Added, *revision, variable).line();
    let bookmark = Event::bookmark(*revision).line();
    let lines = variables.iter().map(|variable| added(variable));
    lines.chain([bookmark]).flatten().collect()
}

/// What comes after the present state.
struct Changes {
    watch: Watch,
    /// How far the watcher has been told.
    revision: Revision,
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
            change = self.watch.next() => {
                let Change { kind, revision, variable } = change.ok()?;
                self.revision = revision;
                Some(Event::new(kind, revision, &variable).line())
            }
            _ = self.bookmarks.tick() => Some(Event::bookmark(self.revision).line()),
            () = self.shutdown.clone().reached(Phase::Draining) => None,
        }
    }
}
