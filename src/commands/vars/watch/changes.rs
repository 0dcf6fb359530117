//! What of a watch is news if the watch may begin again: pure.

use std::collections::{BTreeMap, BTreeSet};

use oncue_wire::{Assertion, Bookmark, Change, Event};

use crate::language::{Kind, Owner, VariableName};

/// The assertions that were printed, as they were printed.
///
/// A watch that begins again shows the whole state anew, up to a bookmark. Of that only what
/// differs is news, and what is not in it was deleted meanwhile.
#[derive(Debug, Default)]
pub(super) struct Changes {
    shown: BTreeMap<Id, Change>,
    /// What was printed and is not in the state that comes anew, so far.
    unseen: Option<BTreeSet<Id>>,
}

/// What tells the assertions of one namespace apart.
type Id = (VariableName, Option<Owner>, Kind, Option<Box<str>>);

fn id(
    Change {
        name, assertion, ..
    }: &Change,
) -> Id {
    let Assertion {
        owner,
        kind,
        object,
        ..
    } = assertion;
    (name.clone(), owner.clone(), *kind, object.clone())
}

impl Changes {
    /// Takes note that the watch begins again.
    pub(super) fn begin_again(&mut self) {
        self.unseen = Some(self.shown.keys().cloned().collect());
    }

    pub(super) fn news(&mut self, event: Event) -> Vec<Event> {
        match event {
            Event::Added(change) => self.exists(change, Event::Added),
            Event::Bookmark(bookmark) => {
                let mut news = self.deleted_by(&bookmark);
                news.push(Event::Bookmark(bookmark));
                news
            }
            Event::Deleted(change) => {
                let id = id(&change);
                self.shown.remove(&id);
                self.unseen.as_mut().map(|unseen| unseen.remove(&id));
                vec![Event::Deleted(change)]
            }
            Event::Modified(change) => self.exists(change, Event::Modified),
        }
    }

    fn exists(&mut self, change: Change, event: fn(Change) -> Event) -> Vec<Event> {
        let id = id(&change);
        let is_anew = self.unseen.as_mut().is_some_and(|it| it.remove(&id));
        let before = self.shown.insert(id, change.clone());
        let is_same = before.is_some_and(|before| before.assertion == change.assertion);
        match (is_anew, is_same) {
            (false, _) => vec![event(change)],
            (true, true) => Vec::new(),
            (true, false) => vec![Event::Modified(change)],
        }
    }

    /// Returns the deletions that no event told of, once the whole state is there.
    fn deleted_by(&mut self, Bookmark { revision }: &Bookmark) -> Vec<Event> {
        let ids = self.unseen.take().unwrap_or_default();
        let gone = ids.into_iter().filter_map(|id| self.shown.remove(&id));
        let deleted = gone.map(|change| {
            Event::Deleted(Change {
                revision: revision.clone(),
                ..change
            })
        });
        deleted.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::Timestamp;

    fn mk_change(name: &str, value: &str) -> Change {
        Change {
            revision: "e-1".to_owned(),
            namespace: "shop".parse().unwrap(),
            name: name.parse().unwrap(),
            assertion: Assertion {
                owner: None,
                kind: Kind::Durable,
                object: None,
                value: value.parse().ok(),
                since: Timestamp::default(),
                expires: None,
            },
        }
    }

    fn added(name: &str, value: &str) -> Event {
        Event::Added(mk_change(name, value))
    }

    fn modified(name: &str, value: &str) -> Event {
        Event::Modified(mk_change(name, value))
    }

    fn deleted(name: &str, value: &str) -> Event {
        Event::Deleted(mk_change(name, value))
    }

    fn bookmark() -> Event {
        let revision = "e-1".to_owned();
        Event::Bookmark(Bookmark { revision })
    }

    #[track_caller]
    fn assert_news(changes: &mut Changes, events: &[Event], expected: &[Event]) {
        let events = events.iter().cloned();
        let news: Vec<_> = events.flat_map(|event| changes.news(event)).collect();
        assert_eq!(news, expected);
    }

    #[test]
    fn everything_is_news_at_first() {
        let events = [
            added("a", "1"),
            bookmark(),
            modified("a", "1"),
            deleted("a", "1"),
            added("a", "1"),
            bookmark(),
        ];
        assert_news(&mut Changes::default(), &events, &events);
    }

    #[test]
    fn what_differs_is_news_if_the_watch_begins_again() {
        let mut changes = Changes::default();
        let first = [
            added("changes", "1"),
            added("goes", "1"),
            added("stays", "1"),
            bookmark(),
            added("went", "1"),
            deleted("went", "1"),
        ];
        assert_news(&mut changes, &first, &first);
        changes.begin_again();
        let again = [
            added("changes", "2"),
            added("comes", "1"),
            added("stays", "1"),
            bookmark(),
            added("goes", "2"),
        ];
        let expected = [
            modified("changes", "2"),
            added("comes", "1"),
            deleted("goes", "1"),
            bookmark(),
            added("goes", "2"),
        ];
        assert_news(&mut changes, &again, &expected);
    }

    #[test]
    fn a_deletion_is_news_also_while_the_state_comes_anew() {
        let mut changes = Changes::default();
        let first = [added("a", "1"), bookmark()];
        assert_news(&mut changes, &first, &first);
        changes.begin_again();
        let again = [deleted("a", "1"), bookmark()];
        assert_news(&mut changes, &again, &again);
    }

    #[test]
    fn a_state_that_is_cut_short_deletes_nothing() {
        let mut changes = Changes::default();
        let first = [added("a", "1"), added("b", "1"), bookmark()];
        assert_news(&mut changes, &first, &first);
        changes.begin_again();
        assert_news(&mut changes, &first[..1], &[]);
        changes.begin_again();
        assert_news(&mut changes, &first, &[bookmark()]);
    }
}
