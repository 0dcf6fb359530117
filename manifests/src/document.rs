//! One object with the places of its parts.

use std::{fmt, ops::Range, sync::Arc};

use serde_json::Value;

use super::{
    Source, load,
    node::{Content, Found, Node},
    place,
};

/// A place in a file; prints as `file:line:column`.
#[derive(Clone, Debug)]
pub struct Location {
    source: Arc<Source>,
    line: usize,
    column: usize,
    line_start: usize,
}

impl Location {
    pub(super) fn new(source: &Arc<Source>, line_start: usize, at: (usize, usize)) -> Self {
        let (line, column) = at;
        Self {
            source: Arc::clone(source),
            line,
            column,
            line_start,
        }
    }

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
    /// The part of the text that can be parsed by itself: the object with the markers before it.
    pub(super) whole: Range<usize>,
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

    /// Returns the template that the object is from, if a comment before it says so, as Helm writes it:
    /// `# Source: chart/templates/web.yaml`.
    pub fn template(&self) -> Option<&str> {
        let before = &self.source.text[..self.body.start];
        let mut lines = before.lines().rev().map(str::trim);
        lines
            .by_ref()
            .take_while(|line| line.is_empty() || line.starts_with('#'))
            .find_map(|line| line.strip_prefix("# Source: "))
    }

    /// Parses the object again, with the place of every part. This takes many times the memory of
    /// the object, so that it is kept no longer than needed.
    pub fn places(&self) -> Places<'_> {
        let loaded = load::load_part(&self.source.text, self.whole.clone());
        Places {
            document: self,
            // What could be read once can be read again, but for directives of its file.
            root: loaded.ok().flatten().map(|loaded| loaded.root),
        }
    }
}

/// The places of the parts of an object.
#[derive(Debug)]
pub struct Places<'d> {
    document: &'d Document,
    root: Option<Arc<Node>>,
}

impl Places<'_> {
    /// Returns where the value at `pointer` (RFC 6901) begins, or the nearest one above it.
    pub fn locate(&self, pointer: &str) -> Location {
        self.location(self.follow(pointer).map(|found| found.node.span.start))
    }

    /// Returns where the key that leads to `pointer` stands; that of its value if it has none.
    pub fn locate_key(&self, pointer: &str) -> Location {
        let found = self.follow(pointer);
        let span = found.map(|found| found.key_span.unwrap_or(found.node.span.clone()));
        self.location(span.map(|span| span.start))
    }

    /// Returns where the character at `column` (from 1) of the string at `pointer` stands.
    pub fn locate_in(&self, pointer: &str, column: usize) -> Location {
        let text = &self.document.source.text;
        let offset = self.follow(pointer).map(|Found { node, .. }| {
            let within = match &node.content {
                Content::Scalar(Value::String(value)) => {
                    place::locate(&text[node.span.clone()], value, column)
                }
                _ => 0,
            };
            node.span.start + within
        });
        self.location(offset)
    }

    fn follow(&self, pointer: &str) -> Option<Found<'_>> {
        Some(self.root.as_ref()?.follow(pointer))
    }

    fn location(&self, offset: Option<usize>) -> Location {
        let start = self.document.body.start;
        self.document.source.location(offset.unwrap_or(start))
    }
}
