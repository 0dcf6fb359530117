//! The changes that a watch prints, even if it begins again: pure.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// One line of a watch.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Event {
    r#type: Kind,
    revision: String,
    /// As the store writes it; a bookmark has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) variable: Option<Box<RawValue>>,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
enum Kind {
    Added,
    Bookmark,
    Deleted,
    Modified,
}

impl Event {
    /// Returns what happened as one word.
    pub(super) fn change(&self) -> &'static str {
        match self.r#type {
            Kind::Added => "ADDED",
            Kind::Bookmark => "BOOKMARK",
            Kind::Deleted => "DELETED",
            Kind::Modified => "MODIFIED",
        }
    }
}

/// The printed variables.
///
/// A watch that begins again sends the whole state up to a bookmark. Only the differences are
/// printed, and variables that are missing in it were deleted meanwhile.
#[derive(Debug, Default)]
pub(super) struct Changes {
    told: BTreeMap<String, Box<RawValue>>,
    /// The printed variables that the new state has not contained so far.
    unseen: Option<BTreeSet<String>>,
}

impl Changes {
    /// Takes note that the watch begins again.
    pub(super) fn begin_again(&mut self) {
        self.unseen = Some(self.told.keys().cloned().collect());
    }

    /// Returns what is news.
    pub(super) fn news(&mut self, event: Event) -> Result<Vec<Event>, serde_json::Error> {
        let Some(variable) = &event.variable else {
            let mut news = self.deleted_by(&event.revision);
            news.push(event);
            return Ok(news);
        };
        let Named { name } = serde_json::from_str(variable.get())?;
        let is_anew = self.unseen.as_mut().is_some_and(|it| it.remove(&name));
        let before = match event.r#type {
            Kind::Deleted => self.told.remove(&name),
            _ => self.told.insert(name, variable.clone()),
        };
        let is_same = before.is_some_and(|before| before.get() == variable.get());
        Ok(match (is_anew, is_same) {
            (false, _) => vec![event],
            (true, true) => Vec::new(),
            (true, false) => vec![Event {
                r#type: Kind::Modified,
                ..event
            }],
        })
    }

    /// Returns the missed deletions when the whole state has arrived.
    fn deleted_by(&mut self, revision: &str) -> Vec<Event> {
        let names = self.unseen.take().unwrap_or_default();
        let variables = names.into_iter().filter_map(|name| self.told.remove(&name));
        let deleted = variables.map(|variable| Event {
            r#type: Kind::Deleted,
            revision: revision.to_owned(),
            variable: Some(variable),
        });
        deleted.collect()
    }
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(change: &str, name: &str, value: u8) -> String {
        let variable = format!(r#"{{"name":"{name}","value":{value}}}"#);
        format!(r#"{{"type":"{change}","revision":"e-1","variable":{variable}}}"#)
    }

    fn bookmark() -> String {
        r#"{"type":"BOOKMARK","revision":"e-1"}"#.to_owned()
    }

    #[track_caller]
    fn assert_news(changes: &mut Changes, lines: &[String], expected: &[String]) {
        let events = lines.iter().map(|line| serde_json::from_str(line).unwrap());
        let news: Vec<_> = events
            .flat_map(|event| changes.news(event).unwrap())
            .map(|event| serde_json::to_string(&event).unwrap())
            .collect();
        assert_eq!(news, expected);
    }

    #[test]
    fn everything_is_news_at_first() {
        let lines = [
            line("ADDED", "a", 1),
            bookmark(),
            line("MODIFIED", "a", 1),
            line("DELETED", "a", 1),
            line("ADDED", "a", 1),
            bookmark(),
        ];
        assert_news(&mut Changes::default(), &lines, &lines);
    }

    #[test]
    fn what_differs_is_news_where_the_watch_begins_again() {
        let mut changes = Changes::default();
        let first = [
            line("ADDED", "changes", 1),
            line("ADDED", "goes", 1),
            line("ADDED", "stays", 1),
            bookmark(),
            line("ADDED", "went", 1),
            line("DELETED", "went", 1),
        ];
        assert_news(&mut changes, &first, &first);
        changes.begin_again();
        let again = [
            line("ADDED", "changes", 2),
            line("ADDED", "comes", 1),
            line("ADDED", "stays", 1),
            bookmark(),
            line("ADDED", "goes", 2),
        ];
        let expected = [
            line("MODIFIED", "changes", 2),
            line("ADDED", "comes", 1),
            line("DELETED", "goes", 1),
            bookmark(),
            line("ADDED", "goes", 2),
        ];
        assert_news(&mut changes, &again, &expected);
    }

    #[test]
    fn a_state_that_is_cut_short_deletes_nothing() {
        let mut changes = Changes::default();
        let first = [line("ADDED", "a", 1), line("ADDED", "b", 1), bookmark()];
        assert_news(&mut changes, &first, &first);
        changes.begin_again();
        assert_news(&mut changes, &first[..1], &[]);
        changes.begin_again();
        assert_news(&mut changes, &first, &[bookmark()]);
    }
}
