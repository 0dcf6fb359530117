//! One file with all of its documents.

use std::sync::Arc;

use serde_json::Value;

use super::{
    Document, ManifestError, Source,
    emit::{self, EmitError},
};

/// One file.
#[derive(Debug)]
pub struct File {
    source: Arc<Source>,
    documents: Vec<Document>,
}

impl File {
    /// Reads `text`; `name` says what it is called in messages, and `*.json` that it is JSON.
    pub fn parse(name: &str, text: String) -> Result<Self, ManifestError> {
        Self::read(&Source::new(name, text))
    }

    /// Reads all documents of a file.
    pub fn read(source: &Arc<Source>) -> Result<Self, ManifestError> {
        let documents = source.documents().collect::<Result<_, _>>()?;
        Ok(Self {
            source: Arc::clone(source),
            documents,
        })
    }

    /// Reads the documents of a file that can be read, and returns what is wrong with the others.
    pub fn read_rest(source: &Arc<Source>) -> (Self, Vec<ManifestError>) {
        let mut documents = Vec::new();
        let mut errors = Vec::new();
        for document in source.documents() {
            match document {
                Ok(document) => documents.push(document),
                Err(error) => errors.push(error),
            }
        }
        let file = Self {
            source: Arc::clone(source),
            documents,
        };
        (file, errors)
    }

    /// Returns an object that is in no file as one of this name: its text is the object as YAML,
    /// as `kubectl get -o yaml` prints it.
    pub fn of_object(name: &str, object: Value) -> Result<Self, EmitError> {
        let text = emit::to_yaml(&object)?;
        let whole = 0..text.len();
        let source = Source::new(name, text);
        let document = Document {
            source: Arc::clone(&source),
            body: whole.clone(),
            whole,
            object,
        };
        Ok(Self {
            source,
            documents: vec![document],
        })
    }

    /// Returns the file as it was read.
    pub fn source(&self) -> &Arc<Source> {
        &self.source
    }

    /// Returns its objects, in their order.
    pub fn documents(&self) -> &[Document] {
        &self.documents
    }
}
