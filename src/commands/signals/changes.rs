//! The changes of Signals, as a watch of the API server shows them.

use std::{collections::HashSet, thread, time::Duration};

use anyhow::anyhow;
use futures_util::StreamExt;
use kube::{
    api::DynamicObject,
    runtime::watcher::{self, Event as WatchEvent},
};
use oncue_client::backoff::Backoff;
use oncue_wire::{Bookmark, Change, Event};
use tokio::time::{error::Elapsed, timeout};

use super::is_at_or_below;
use crate::{
    api::documents,
    cluster::{ApiError, StoredSignal, WatchEvents, object_json},
    commands::{
        backend::{Changes, Seen},
        cluster::Cluster,
        output,
    },
    language::VariableName,
};

/// The changes of Signals in a namespace.
pub(super) struct SignalChanges<'a> {
    cluster: &'a Cluster,
    /// Where the Signals are, and how that is known.
    place: String,
    events: Events,
    translator: Translator,
    backoff: Backoff,
}

/// The events of a watch, whose first answer has a deadline.
struct Events {
    events: WatchEvents<DynamicObject>,
    /// Whether the API server has answered. Then, silence means that nothing has changed.
    has_answered: bool,
}

impl<'a> SignalChanges<'a> {
    pub(super) fn of(
        (cluster, place): (&'a Cluster, String),
        events: WatchEvents<DynamicObject>,
        prefix: Option<VariableName>,
    ) -> Self {
        Self {
            cluster,
            place,
            events: Events {
                events,
                has_answered: false,
            },
            translator: Translator {
                prefix,
                ..Translator::default()
            },
            backoff: Backoff::new(FIRST_PAUSE, LONGEST_PAUSE),
        }
    }

    /// Reports an outage, and waits a while; a refusal is an error.
    fn pause(&mut self, error: watcher::Error) -> anyhow::Result<()> {
        let told = told(error);
        let place = &self.place;
        if let ApiError::Forbidden(_) | ApiError::NotFound(_) = told {
            return Err(anyhow!("failed to watch the Signals of {place}: {told}"));
        }
        output::note(&format!(
            "the watch of Signals failed: {told}; trying again"
        ));
        thread::sleep(self.backoff.after_failure(&mut fastrand::Rng::new()));
        Ok(())
    }
}

impl Changes for SignalChanges<'_> {
    fn next(&mut self) -> anyhow::Result<Seen> {
        loop {
            let next = self.cluster.block_on(self.events.next());
            let next = next.map_err(|_| {
                let (place, seconds) = (&self.place, FIRST_ANSWER.as_secs());
                anyhow!("the API server did not show the Signals of {place} within {seconds} s")
            })?;
            match next {
                Some(Ok(event)) => {
                    if !matches!(event, WatchEvent::Init) {
                        self.backoff.reset();
                    }
                    if let Some(seen) = self.translator.translate(event) {
                        return Ok(seen);
                    }
                }
                Some(Err(error)) => self.pause(error)?,
                None => return Err(anyhow!("the watch of Signals has ended")),
            }
        }
    }
}

impl Events {
    /// Waits for the next event.
    ///
    /// # Errors
    /// [`Elapsed`] if the API server has not answered at all within [`FIRST_ANSWER`].
    async fn next(
        &mut self,
    ) -> Result<Option<watcher::Result<WatchEvent<DynamicObject>>>, Elapsed> {
        let next = self.events.next();
        let next = if self.has_answered {
            next.await
        } else {
            timeout(FIRST_ANSWER, next).await?
        };
        // A watch begins before anything has been asked.
        self.has_answered |= !matches!(next, Some(Ok(WatchEvent::Init)));
        Ok(next)
    }
}

/// Translates what a watch shows of objects into changes of variables: pure.
#[derive(Debug, Default)]
struct Translator {
    /// Only this name and those below it.
    prefix: Option<VariableName>,
    /// The uids of the objects that were shown.
    known: HashSet<String>,
    has_begun: bool,
    /// The newest version that was shown.
    version: String,
}

impl Translator {
    fn translate(&mut self, event: WatchEvent<DynamicObject>) -> Option<Seen> {
        match event {
            WatchEvent::Init => {
                self.known.clear();
                let is_again = std::mem::replace(&mut self.has_begun, true);
                is_again.then_some(Seen::BeginsAgain)
            }
            WatchEvent::InitDone => Some(Seen::Event(Event::Bookmark(Bookmark {
                revision: self.version.clone(),
            }))),
            WatchEvent::Apply(object) | WatchEvent::InitApply(object) => {
                let (uid, is_going) = identity(&object);
                if is_going {
                    return self.gone(&uid, object);
                }
                let change = self.change(object)?;
                Some(Seen::Event(if self.known.insert(uid) {
                    Event::Added(change)
                } else {
                    Event::Modified(change)
                }))
            }
            WatchEvent::Delete(object) => {
                let (uid, _) = identity(&object);
                self.gone(&uid, object)
            }
        }
    }

    fn gone(&mut self, uid: &str, mut object: DynamicObject) -> Option<Seen> {
        object.metadata.deletion_timestamp = None;
        let was_known = self.known.remove(uid);
        let change = self.change(object)?;
        was_known.then_some(Seen::Event(Event::Deleted(change)))
    }

    /// Returns the change of an object that is an assertion, if its variable is asked for.
    fn change(&mut self, object: DynamicObject) -> Option<Change> {
        let StoredSignal {
            key,
            assertion,
            version,
            ..
        } = StoredSignal::read(&object_json(object))?.ok()?;
        self.version.clone_from(&version);
        let is_asked = |prefix: &VariableName| is_at_or_below(&key.name, prefix);
        self.prefix.as_ref().is_none_or(is_asked).then(|| Change {
            revision: version,
            namespace: key.namespace,
            name: key.name,
            assertion: documents::assertion(&assertion),
        })
    }
}

/// Returns the uid of an object, and whether it is being deleted.
fn identity(object: &DynamicObject) -> (String, bool) {
    let metadata = &object.metadata;
    let uid = metadata.uid.clone().unwrap_or_default();
    (uid, metadata.deletion_timestamp.is_some())
}

fn told(error: watcher::Error) -> ApiError {
    match error {
        watcher::Error::InitialListFailed(error)
        | watcher::Error::WatchStartFailed(error)
        | watcher::Error::WatchFailed(error) => error.into(),
        watcher::Error::WatchError(status) => kube::Error::Api(status).into(),
        watcher::Error::NoResourceVersion => {
            ApiError::Unanswered("the list has no resource version".to_owned())
        }
    }
}

/// How long the API server may take to answer at first.
const FIRST_ANSWER: Duration = Duration::from_secs(30);

const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use futures_util::stream;
    use serde_json::{Value, json};
    use tokio::time::Instant;

    use super::*;

    fn mk_object(uid: &str, variable: &str, metadata: &Value) -> DynamicObject {
        let mut object = json!({
            "apiVersion": "oncue.dev/v1alpha1", "kind": "Signal",
            "metadata": {"name": uid, "namespace": "shop", "uid": uid, "resourceVersion": "7"},
            "spec": {"variable": variable},
        });
        json_patch::merge(&mut object["metadata"], metadata);
        serde_json::from_value(object).unwrap()
    }

    fn shown(translator: &mut Translator, event: WatchEvent<DynamicObject>) -> String {
        match translator.translate(event) {
            None => "nothing".to_owned(),
            Some(Seen::BeginsAgain) => "again".to_owned(),
            Some(Seen::Event(Event::Added(change))) => format!("added {}", change.name),
            Some(Seen::Event(Event::Bookmark(Bookmark { revision }))) => format!("at {revision}"),
            Some(Seen::Event(Event::Deleted(change))) => format!("deleted {}", change.name),
            Some(Seen::Event(Event::Modified(change))) => format!("modified {}", change.name),
        }
    }

    #[test]
    fn objects_are_changes_of_their_variables_and_one_that_is_being_deleted_is_gone() {
        let mut translator = Translator {
            prefix: Some("a".parse().unwrap()),
            ..Translator::default()
        };
        let plain = |uid: &str, variable: &str| mk_object(uid, variable, &json!({}));
        let going = json!({"deletionTimestamp": "2026-11-27T10:00:00Z"});
        for (event, expected) in [
            (WatchEvent::Init, "nothing"),
            (WatchEvent::InitApply(plain("1", "a/b")), "added a/b"),
            (WatchEvent::InitApply(plain("2", "b")), "nothing"),
            (WatchEvent::InitDone, "at 7"),
            (WatchEvent::Apply(plain("1", "a/b")), "modified a/b"),
            (WatchEvent::Apply(plain("3", "a")), "added a"),
            (WatchEvent::Apply(plain("4", "a/../b")), "nothing"),
            (
                WatchEvent::Apply(mk_object("1", "a/b", &going)),
                "deleted a/b",
            ),
            (WatchEvent::Delete(plain("1", "a/b")), "nothing"),
            (WatchEvent::Delete(plain("3", "a")), "deleted a"),
            (WatchEvent::Init, "again"),
        ] {
            let text = format!("{event:?}");
            assert_eq!(shown(&mut translator, event), expected, "{text}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn only_the_first_answer_has_a_deadline() {
        let mk_events = |shown: Vec<WatchEvent<DynamicObject>>| Events {
            events: stream::iter(shown.into_iter().map(Ok))
                .chain(stream::pending())
                .boxed(),
            has_answered: false,
        };
        let begin = Instant::now();
        let mut unanswered = mk_events(vec![WatchEvent::Init]);
        assert!(unanswered.next().await.is_ok());
        assert!(unanswered.next().await.is_err());
        assert_eq!(begin.elapsed(), FIRST_ANSWER);

        let mut idle = mk_events(vec![WatchEvent::Init, WatchEvent::InitDone]);
        for _ in 0..2 {
            assert!(idle.next().await.is_ok());
        }
        let day = Duration::from_hours(24);
        assert!(timeout(day, idle.next()).await.is_err(), "it waits on");
    }

    #[test]
    fn a_missing_right_is_told_in_the_api_servers_words() {
        let words = "signals.oncue.dev is forbidden: User \"x\" cannot list resource \"signals\"";
        let status = kube::core::Status::failure(words, "Forbidden").with_code(403);
        let error = watcher::Error::InitialListFailed(kube::Error::Api(status.boxed()));
        let told = told(error);
        assert!(matches!(told, ApiError::Forbidden(_)));
        assert!(told.to_string().contains(words), "{told}");
    }
}
