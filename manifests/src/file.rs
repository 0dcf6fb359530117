//! One file's documents, and its text with some of them changed.

use std::{ops::Range, sync::Arc};

use serde_json::Value;

use super::{
    Document, EmitError, ManifestError,
    document::Source,
    emit,
    load::{self, Broken, Loaded},
};

/// What a file is written in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Format {
    /// JSON objects, one after the other.
    Json,
    /// A YAML stream.
    Yaml,
}

/// One file.
#[derive(Debug)]
pub struct File {
    source: Arc<Source>,
    format: Format,
    documents: Vec<Document>,
}

impl File {
    /// Reads `text`; `name` says what it is called in messages, and `*.json` that it is JSON.
    pub fn parse(name: &str, text: String) -> Result<Self, ManifestError> {
        let source = Arc::new(Source {
            name: name.into(),
            text: text.into(),
        });
        let (format, documents) =
            parse(&source, name).map_err(|broken| broken.into_error(&source))?;
        Ok(Self {
            source,
            format,
            documents,
        })
    }

    /// Returns an object that is in no file as one of this name: its text is the object as YAML,
    /// as `kubectl get -o yaml` prints it.
    pub fn of_object(name: &str, object: Value) -> Result<Self, OfObjectError> {
        let text = emit::to_yaml(&object).map_err(OfObjectError::Emit)?;
        let source = Arc::new(Source {
            name: name.into(),
            text: text.into(),
        });
        let mut documents = parse_yaml(&source)
            .map_err(|broken| OfObjectError::Read(broken.into_error(&source)))?;
        if let [document] = documents.as_mut_slice() {
            // Exact in every number, as it came.
            document.object = object;
        }
        Ok(Self {
            source,
            format: Format::Yaml,
            documents,
        })
    }

    /// Returns what it is written in.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Returns its objects, in their order.
    pub fn documents(&self) -> &[Document] {
        &self.documents
    }

    /// Returns the text with what `changed` says of an object, by its position in the file, in
    /// its place. Everything else stays as it is, byte for byte.
    pub fn rewrite<'a>(
        &self,
        changed: impl Fn(usize) -> Option<&'a Value>,
    ) -> Result<String, EmitError> {
        let text = &self.source.text;
        let mut written = String::with_capacity(text.len());
        let mut rest = 0;
        for (index, document) in self.documents.iter().enumerate() {
            let Some(object) = changed(index) else {
                continue;
            };
            written.push_str(&text[rest..document.body.start]);
            match self.format {
                Format::Json => written.push_str(&emit::to_json(object)?),
                Format::Yaml => {
                    start_line(&mut written);
                    written.push_str(&emit::to_yaml(object)?);
                }
            }
            rest = document.body.end;
        }
        written.push_str(&text[rest..]);
        Ok(written)
    }
}

/// Why an object cannot be shown as a file.
#[derive(Debug, thiserror::Error)]
pub enum OfObjectError {
    /// It cannot be written.
    #[error(transparent)]
    Emit(EmitError),
    /// What is written cannot be read.
    #[error(transparent)]
    Read(ManifestError),
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

fn parse(source: &Arc<Source>, name: &str) -> Result<(Format, Vec<Document>), Broken> {
    let is_named_json = name.to_ascii_lowercase().ends_with(".json");
    if is_named_json || source.text.trim_start().starts_with('{') {
        match parse_json(source) {
            Ok(documents) => return Ok((Format::Json, documents)),
            Err(broken) if is_named_json => return Err(broken),
            Err(_) => {}
        }
    }
    parse_yaml(source).map(|documents| (Format::Yaml, documents))
}

fn parse_yaml(source: &Arc<Source>) -> Result<Vec<Document>, Broken> {
    let document = |Loaded { root, span }: Loaded| {
        check_object(root.to_value(), &span).map(|object| Document {
            source: Arc::clone(source),
            body: span.start..end_of_line(&source.text, span.end),
            object,
            root,
        })
    };
    load::load(&source.text)?
        .into_iter()
        .map(document)
        .collect()
}

/// Values come from a JSON parser, exact in every number; nodes only say where they stand.
fn parse_json(source: &Arc<Source>) -> Result<Vec<Document>, Broken> {
    let text = &*source.text;
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<Value>();
    let mut documents = Vec::new();
    loop {
        let start = values.byte_offset();
        let Some(value) = values.next() else {
            return Ok(documents);
        };
        let value = value.map_err(|error| json_error(text, &error))?;
        let body = start + leading_blanks(&text[start..])..values.byte_offset();
        let loaded = load::load_part(text, body.clone())?;
        documents.extend(json_document(source, value, loaded)?);
    }
}

fn json_document(
    source: &Arc<Source>,
    value: Value,
    loaded: Vec<Loaded>,
) -> Result<Option<Document>, Broken> {
    let Some(Loaded { root, span }) = loaded.into_iter().next() else {
        return Ok(None);
    };
    Ok(Some(Document {
        source: Arc::clone(source),
        object: check_object(value, &span)?,
        body: span,
        root,
    }))
}

fn json_error(text: &str, error: &serde_json::Error) -> Broken {
    let lines = text
        .split_inclusive('\n')
        .take(error.line().saturating_sub(1));
    let message = error.to_string();
    Broken {
        offset: lines.map(str::len).sum::<usize>() + error.column().saturating_sub(1),
        rule: match message.rsplit_once(" at line ") {
            Some((rule, _)) => format!("{rule} (in JSON)"),
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

fn leading_blanks(text: &str) -> usize {
    text.len() - text.trim_start().len()
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
