//! Small changes of an object's text that leave everything else as it is: comments, formatting,
//! anchors.

mod error;
mod expected;
mod layout;
mod remove;
mod set;
#[cfg(test)]
mod tests;
mod tree;

use std::ops::Range;

pub use self::error::EditError;
use self::{layout::Layout, set::Fields, tree::Tree};
use super::{Document, load, node::Node};

/// One change of an object.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Edit {
    /// Removes items of the list at a JSON pointer, and the list itself if none is left.
    RemoveItems {
        /// The list.
        pointer: String,
        /// The numbers of the items, in rising order.
        items: Vec<usize>,
    },
    /// Sets fields of one mapping to texts. It is made if it is missing, with those that lead to
    /// it.
    Set {
        /// The JSON pointer to an object that exists.
        pointer: String,
        /// The keys from there to the mapping.
        keys: Vec<String>,
        /// The fields and their texts.
        entries: Vec<(String, String)>,
    },
}

/// A part of a file's text, and what takes its place.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Change {
    pub(crate) span: Range<usize>,
    pub(crate) text: String,
}

impl Change {
    /// Returns where it begins, in bytes of the file's text.
    pub fn start(&self) -> usize {
        self.span.start
    }
}

impl Document {
    /// Returns the changes of the text that make `edits`.
    ///
    /// # Errors
    /// [`EditError`] if the text shares what would be changed with another place, or cannot be
    /// changed without being written anew. The changed text has been read, and says what `edits`
    /// say.
    pub fn edit(&self, edits: &[Edit]) -> Result<Vec<Change>, EditError> {
        let expected = expected::apply(self.object(), edits)?;
        let tree =
            Tree::read(&self.source.text, self.whole.clone()).ok_or(EditError::Unreadable)?;
        let layout = Layout::new(&self.source.text, self.whole.clone());
        let mut changes = Vec::new();
        for edit in edits {
            changes.extend(match edit {
                Edit::RemoveItems { pointer, items } => {
                    remove::items(&tree, &layout, (pointer, items))?
                }
                Edit::Set {
                    pointer,
                    keys,
                    entries,
                } => set::texts(&tree, &layout, (pointer, Fields { keys, entries }))?,
            });
        }
        changes.sort_by_key(|change| (change.span.start, change.span.end));
        if changes
            .windows(2)
            .any(|pair| pair[0].span.end > pair[1].span.start)
        {
            return Err(EditError::Overlap);
        }
        self.confirm(&changes, &expected)?;
        Ok(changes)
    }

    fn confirm(&self, changes: &[Change], expected: &serde_json::Value) -> Result<(), EditError> {
        let part = apply(&self.source.text, self.whole.clone(), changes);
        let length = part.len();
        let read = load::load_part(&part, 0..length).ok().flatten();
        let is_right = read.is_some_and(|read| Node::into_value(read.root) == *expected);
        if is_right {
            Ok(())
        } else {
            Err(EditError::Unconfirmed)
        }
    }
}

/// Returns a part of `text` with `changes`, which are sorted.
pub(crate) fn apply(text: &str, part: Range<usize>, changes: &[Change]) -> String {
    let mut written = String::with_capacity(part.len());
    let mut rest = part.start;
    for Change { span, text: new } in changes {
        written.push_str(&text[rest..span.start]);
        written.push_str(new);
        rest = span.end;
    }
    written.push_str(&text[rest..part.end.max(rest)]);
    written
}
