//! One file as it is read, before its documents are parsed.

use std::{
    ops::Range,
    sync::{Arc, OnceLock},
};

use serde::de::IgnoredAny;
use serde_json::{StreamDeserializer, Value, de::StrRead};

use super::{
    Document, Location, ManifestError,
    load::{self, Broken, Loaded, Loader},
    node::Node,
};

/// What a file is written in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Format {
    /// JSON objects, one after the other.
    Json,
    /// A YAML stream.
    Yaml,
}

/// The name and the text of a file, shared by its documents.
#[derive(Debug)]
pub struct Source {
    pub(super) name: Box<str>,
    pub(super) text: Box<str>,
    format: Format,
    /// Where each line begins, in bytes; found when the first place is asked for.
    lines: OnceLock<Vec<usize>>,
}

impl Source {
    /// Returns the file of this name; one named `*.json` is JSON, and so is one that can be read as
    /// JSON objects.
    pub fn new(name: &str, text: String) -> Arc<Self> {
        let is_json = is_named_json(name)
            || text.trim_start().starts_with('{')
                && serde_json::Deserializer::from_str(&text)
                    .into_iter::<IgnoredAny>()
                    .all(|value| value.is_ok());
        Arc::new(Self {
            name: name.into(),
            lines: OnceLock::new(),
            text: text.into(),
            format: if is_json { Format::Json } else { Format::Yaml },
        })
    }

    /// Returns the file's name, as it was named to us.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the whole text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns what it is written in.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Returns its documents, each parsed when it is asked for. In YAML, the document behind a broken
    /// one is read again; in JSON, the first error ends them.
    pub fn documents(self: &Arc<Self>) -> Documents<'_> {
        Documents {
            source: self,
            start: 0,
            parts: match self.format {
                Format::Json => {
                    Parts::Json(serde_json::Deserializer::from_str(&self.text).into_iter())
                }
                Format::Yaml => Parts::Yaml(Box::new(Loader::new(&self.text, 0..self.text.len()))),
            },
        }
    }

    /// Returns the place of a byte of the text.
    pub(super) fn location(self: &Arc<Self>, offset: usize) -> Location {
        let mut offset = offset.min(self.text.len());
        while !self.text.is_char_boundary(offset) {
            offset -= 1;
        }
        let lines = self.lines();
        let line = lines.partition_point(|start| *start <= offset);
        let line_start = lines[line - 1];
        let before = &self.text[line_start..offset];
        Location::new(self, line_start, (line, before.chars().count() + 1))
    }

    fn lines(&self) -> &[usize] {
        self.lines.get_or_init(|| {
            let newlines = self.text.match_indices('\n');
            let starts = newlines.map(|(newline, _)| newline + 1);
            std::iter::once(0).chain(starts).collect()
        })
    }

    /// Returns the offset of a line and column as serde counts them: from 1, in bytes.
    fn offset(&self, line: usize, column: usize) -> usize {
        let start = self.lines().get(line.saturating_sub(1));
        start.copied().unwrap_or(self.text.len()) + column.saturating_sub(1)
    }
}

fn is_named_json(name: &str) -> bool {
    name.to_ascii_lowercase().ends_with(".json")
}

/// The documents of a file.
#[derive(Debug)]
pub struct Documents<'s> {
    source: &'s Arc<Source>,
    /// Where the text begins that has not been read.
    start: usize,
    parts: Parts<'s>,
}

impl<'s> Documents<'s> {
    /// Returns what comes behind a document that is broken at `offset`.
    fn behind(&mut self, offset: usize) -> Parts<'s> {
        let text = &self.source.text;
        let marker = match self.source.format {
            Format::Json => None,
            Format::Yaml => next_marker(text, offset.max(self.start + 1)),
        };
        let Some(marker) = marker else {
            return Parts::Ended;
        };
        self.start = marker;
        Parts::Yaml(Box::new(Loader::new(text, marker..text.len())))
    }
}

enum Parts<'s> {
    Ended,
    Json(StreamDeserializer<'s, StrRead<'s>, Value>),
    Yaml(Box<Loader<'s>>),
}

impl std::fmt::Debug for Parts<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Ended => "Ended",
            Self::Json(_) => "Json",
            Self::Yaml(_) => "Yaml",
        })
    }
}

impl Iterator for Documents<'_> {
    type Item = Result<Document, ManifestError>;

    fn next(&mut self) -> Option<Self::Item> {
        let source = self.source;
        let document = match &mut self.parts {
            Parts::Ended => return None,
            Parts::Json(values) => json(source, values),
            Parts::Yaml(loader) => yaml(source, loader),
        };
        let start = self.start;
        match &document {
            Ok(Some(document)) => self.start = document.whole.end,
            Ok(None) => self.parts = Parts::Ended,
            Err(broken) => self.parts = self.behind(broken.offset),
        }
        let end = match self.parts {
            Parts::Ended => source.text.len(),
            Parts::Json(_) | Parts::Yaml(_) => self.start,
        };
        document
            .map_err(|broken| broken.explain(&source.text[start..end]).into_error(source))
            .transpose()
    }
}

/// Returns where the next document begins, at `from` or behind it.
fn next_marker(text: &str, from: usize) -> Option<usize> {
    let mut rest = from.min(text.len());
    while !text.is_char_boundary(rest) {
        rest += 1;
    }
    let markers = text[rest..].match_indices("---");
    let mut markers = markers.map(|(at, _)| rest + at);
    markers.find(|at| {
        let is_first = *at == 0 || text[..*at].ends_with('\n');
        is_first
            && text[at + 3..]
                .chars()
                .next()
                .is_none_or(char::is_whitespace)
    })
}

fn yaml(source: &Arc<Source>, loader: &mut Loader<'_>) -> Result<Option<Document>, Broken> {
    let Some(Loaded { root, span, whole }) = loader.next_document()? else {
        return Ok(None);
    };
    Ok(Some(Document {
        source: Arc::clone(source),
        body: span.start..end_of_line(&source.text, span.end),
        object: check_object(Node::into_value(root), &span)?,
        whole,
    }))
}

/// Values come from a JSON parser, exact in every number; nodes only say where they stand.
fn json<'s>(
    source: &'s Arc<Source>,
    values: &mut StreamDeserializer<'s, StrRead<'s>, Value>,
) -> Result<Option<Document>, Broken> {
    loop {
        let start = values.byte_offset();
        let Some(value) = values.next() else {
            return Ok(None);
        };
        let value = value.map_err(|error| json_error(source, &error))?;
        let text = &source.text[start..values.byte_offset()];
        let whole = start + (text.len() - text.trim_start().len())..values.byte_offset();
        if let Some(Loaded { span, .. }) = load::load_part(&source.text, whole.clone())? {
            return Ok(Some(Document {
                source: Arc::clone(source),
                object: check_object(value, &span)?,
                body: span,
                whole,
            }));
        }
    }
}

fn json_error(source: &Source, error: &serde_json::Error) -> Broken {
    let (line, column) = (error.line(), error.column());
    let message = error.to_string();
    let place = format!(" at line {line} column {column}");
    Broken {
        offset: source.offset(line, column),
        rule: match message.strip_suffix(&place) {
            Some(rule) => format!("{rule} (in JSON)"),
            None => message,
        },
    }
}

fn check_object(value: Value, span: &Range<usize>) -> Result<Value, Broken> {
    let found = match &value {
        Value::Object(_) => return Ok(value),
        Value::Array(_) => "a list",
        _ => "a single value",
    };
    Err(Broken {
        offset: span.start,
        rule: format!("an object with apiVersion, kind and metadata was expected, not {found}"),
    })
}

/// Returns the end of the line in which `end` lies, with a comment on it.
fn end_of_line(text: &str, end: usize) -> usize {
    if text[..end].ends_with('\n') {
        return end;
    }
    text[end..]
        .find('\n')
        .map_or(text.len(), |newline| end + newline + 1)
}
