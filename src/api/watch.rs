//! The stream of changes: the present state, a bookmark, then every change.

use std::{future::ready, sync::Arc};

use axum::{
    body::{Body, Bytes},
    response::Response,
};
use futures_util::{
    FutureExt, Stream, StreamExt,
    future::{self, BoxFuture},
    stream,
};
use oncue_language::Namespace;
use oncue_wire::{Bookmark, Event};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

use super::{
    Api,
    answer::{self, Content},
    caller::Caller,
    documents,
    error::ApiError,
    fresh::Fresh,
    path::InNamespace,
    query::{Parameters, WatchParameters},
};
use crate::{
    cross_namespace::Asked,
    memory::{Exhausted, Pool},
    net::{Phase, Shutdown},
    store::{Revision, Scope, Watch, WatchEvent},
};

pub(super) async fn watch(
    Fresh(api): Fresh,
    InNamespace(namespace): InNamespace,
    caller: Caller,
    Parameters(WatchParameters { prefix }): Parameters<WatchParameters>,
) -> Result<Response, ApiError> {
    caller.may_read(&api, &namespace, Asked::Variables)?;
    // Who watches pays for it, and not the namespace that is watched.
    let by = caller.payer(&namespace);
    let scope = Scope {
        namespace: Some(namespace),
        names: prefix.names(),
    };
    let changes = Changes {
        revision: None,
        watch: api.store().watch(scope, &by).map_err(ApiError::Watch)?,
        bookmarks: bookmarks(&api),
        shutdown: api.shutdown(),
        session_end: match caller.session() {
            Some(session) => api.clone().session_ended(Arc::clone(session)).boxed(),
            None => future::pending().boxed(),
        },
    };
    let lines = chunks(changes.events(), (api.answers().clone(), by));
    Ok(answer::ok(
        Content::Lines,
        Body::from_stream(lines.map(Ok::<_, Exhausted>)),
    ))
}

fn bookmarks(api: &Api) -> Interval {
    let period = api.settings().bookmark;
    let mut bookmarks = interval_at(Instant::now() + period, period);
    bookmarks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    bookmarks
}

/// Writes events as they are asked for, those that are there already together; ends where their
/// bytes find no room: the watcher begins anew.
fn chunks(events: impl Stream<Item = Event>, room: (Pool, Namespace)) -> impl Stream<Item = Bytes> {
    let chunks = events.ready_chunks(TOGETHER);
    chunks.scan(room, |(pool, namespace), events| {
        let lines = events.iter().flat_map(line).collect();
        ready(answer::counted((pool, Some(namespace)), lines).ok())
    })
}

/// The most events that are written at once.
const TOGETHER: usize = 16;

fn line(event: &Event) -> Vec<u8> {
    let mut line = answer::to_json(event);
    line.push(b'\n');
    line
}

/// The present state, a bookmark, and what comes after.
struct Changes {
    watch: Watch,
    /// How far the watcher has been told; none before the first bookmark.
    revision: Option<Revision>,
    bookmarks: Interval,
    shutdown: Shutdown,
    /// Ends when the caller's token is not valid any more.
    session_end: BoxFuture<'static, ()>,
}

impl Changes {
    /// Ends when we shut down, when the caller's token is not valid any more, and when the watcher
    /// has read too slowly: it begins anew.
    fn events(self) -> impl Stream<Item = Event> {
        stream::unfold(self, async |mut changes| {
            let event = changes.next().await?;
            Some((event, changes))
        })
    }

    async fn next(&mut self) -> Option<Event> {
        tokio::select! {
            event = self.watch.next() => match event.ok()? {
                WatchEvent::Change(change) => {
                    self.revision = self.revision.map(|_| change.revision);
                    Some(documents::event(change))
                }
                WatchEvent::Synced(revision) => {
                    self.revision = Some(revision);
                    Some(bookmark(revision))
                }
            },
            Some(revision) = async { self.bookmarks.tick().await; self.revision } => {
                Some(bookmark(revision))
            }
            () = self.shutdown.clone().reached(Phase::Draining) => None,
            () = &mut self.session_end => None,
        }
    }
}

fn bookmark(revision: Revision) -> Event {
    Event::Bookmark(Bookmark {
        revision: revision.to_string(),
    })
}
