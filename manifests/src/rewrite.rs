//! A file's text with some of its objects changed.

use serde_json::Value;

use super::{Change, Document, EmitError, Format, Source, emit};

/// The text of a file while some of its objects are changed. Everything else stays as it is, byte
/// for byte.
#[derive(Debug)]
pub struct Rewriting<'s> {
    source: &'s Source,
    written: String,
    /// Where the text begins that is not written yet.
    rest: usize,
}

impl<'s> Rewriting<'s> {
    /// Begins with the first object.
    pub fn new(source: &'s Source) -> Self {
        Self {
            source,
            written: String::with_capacity(source.text.len()),
            rest: 0,
        }
    }

    /// Writes `object` in the place of `document`; documents come in their order.
    pub fn replace(&mut self, document: &Document, object: &Value) -> Result<(), EmitError> {
        let body = &document.body;
        self.written
            .push_str(&self.source.text[self.rest..body.start]);
        match self.source.format() {
            Format::Json => self.written.push_str(&emit::to_json(object)?),
            Format::Yaml => {
                start_line(&mut self.written);
                self.written.push_str(&emit::to_yaml(object)?);
            }
        }
        self.rest = body.end;
        Ok(())
    }

    /// Makes one change; changes come in their order.
    pub fn change(&mut self, change: &Change) {
        let Change { span, text } = change;
        self.written
            .push_str(&self.source.text[self.rest..span.start]);
        self.written.push_str(text);
        self.rest = span.end;
    }

    /// Returns the text.
    pub fn finish(mut self) -> String {
        self.written.push_str(&self.source.text[self.rest..]);
        self.written
    }
}

/// Ends a line that holds more than white space, such as `--- `.
fn start_line(written: &mut String) {
    let line = written.rfind('\n').map_or(0, |newline| newline + 1);
    if written[line..].trim().is_empty() {
        written.truncate(line);
    } else {
        written.push('\n');
    }
}

/// Returns the texts of several files as one stream: one file comes out in its own format; several
/// come out as one YAML stream, of which JSON is a part, or as a stream of JSON objects if all of
/// them are JSON.
pub fn join(files: impl IntoIterator<Item = (Format, String)>) -> String {
    let files: Vec<_> = files.into_iter().collect();
    let all_json = files.iter().all(|(format, _)| *format == Format::Json);
    let mut stream = String::new();
    for (_, text) in files {
        if stream.is_empty() {
            stream = text;
            continue;
        }
        if !stream.ends_with('\n') {
            stream.push('\n');
        }
        if !all_json && !text.starts_with("---") {
            stream.push_str("---\n");
        }
        stream.push_str(&text);
    }
    stream
}
