//! One object with the places of its parts.

use std::{fmt, ops::Range, sync::Arc};

use serde_json::Value;

use super::{
    node::{Content, Node},
    place,
};

/// A file's name and text, shared by its documents.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) name: Box<str>,
    pub(super) text: Box<str>,
}

impl Source {
    /// Returns the place of a byte of the text.
    pub(super) fn location(self: &Arc<Self>, offset: usize) -> Location {
        let mut offset = offset.min(self.text.len());
        while !self.text.is_char_boundary(offset) {
            offset -= 1;
        }
        let before = &self.text[..offset];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Location {
            source: Arc::clone(self),
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            line_start,
        }
    }
}

/// A place in a file; prints as `file:line:column`.
#[derive(Clone, Debug)]
pub struct Location {
    source: Arc<Source>,
    line: usize,
    column: usize,
    line_start: usize,
}

impl Location {
    /// Returns the file's name, as it was named to us.
    pub fn file(&self) -> &str {
        &self.source.name
    }

    /// Returns the line, counted from 1.
    pub fn line(&self) -> usize {
        self.line
    }

    /// Returns the column, counted from 1 in characters.
    pub fn column(&self) -> usize {
        self.column
    }

    /// Returns the text of the line, without its end.
    pub fn line_text(&self) -> &str {
        self.source.text[self.line_start..]
            .lines()
            .next()
            .unwrap_or_default()
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.source.name, self.line, self.column)
    }
}

/// One object of a file.
#[derive(Debug)]
pub struct Document {
    pub(super) source: Arc<Source>,
    /// The part of the text that is the object and nothing else.
    pub(super) body: Range<usize>,
    pub(super) root: Arc<Node>,
    pub(super) object: Value,
}

impl Document {
    /// Returns the object; its keys are in the order of the file.
    pub fn object(&self) -> &Value {
        &self.object
    }

    /// Returns the file's name, as it was named to us.
    pub fn file(&self) -> &str {
        &self.source.name
    }

    /// Returns where the value at `pointer` (RFC 6901) begins, or the nearest one above it.
    pub fn locate(&self, pointer: &str) -> Location {
        self.source
            .location(self.root.follow(pointer).node.span.start)
    }

    /// Returns where the key that leads to `pointer` stands; that of its value where it has none.
    pub fn locate_key(&self, pointer: &str) -> Location {
        let found = self.root.follow(pointer);
        let start = found.key_span.unwrap_or(found.node.span.clone()).start;
        self.source.location(start)
    }

    /// Returns where the character at `column` (from 1) of the string at `pointer` stands.
    pub fn locate_in(&self, pointer: &str, column: usize) -> Location {
        let node = self.root.follow(pointer).node;
        let within = match &node.content {
            Content::Scalar(Value::String(value)) => {
                place::locate(&self.source.text[node.span.clone()], value, column)
            }
            _ => 0,
        };
        self.source.location(node.span.start + within)
    }
}
