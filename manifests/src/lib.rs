//! YAML and JSON files in, with the position of every node; changed objects out.
//!
//! A file is read as `kubectl` reads it (YAML 1.1 scalars included) and keeps its text: an object
//! that does not change is written back byte for byte, with its comments.
//!
//! | module | what it does |
//! | --- | --- |
//! | `input` | finds and reads files, folders and the standard input |
//! | `file` | one file's documents, and its text with some of them changed |
//! | `document` | one object with the places of its parts |
//! | `load` | parser events to nodes: anchors, merge keys, duplicate keys, bounds |
//! | `node` | a value with its place in the text |
//! | `place` | from a column within a scalar's value to a place in the text |
//! | `scalar` | what a plain scalar means |
//! | `emit` | values to YAML and JSON text |

mod document;
mod emit;
mod error;
mod file;
mod input;
mod load;
mod node;
mod place;
mod scalar;

pub use self::{
    document::{Document, Location},
    emit::{EmitError, to_json, to_yaml},
    error::ManifestError,
    file::{File, Format, OfObjectError},
    input::Input,
};

use std::collections::BTreeMap;

use serde_json::Value;

/// A set of files, in the order in which they were named.
#[derive(Debug, Default)]
pub struct Manifests {
    files: Vec<File>,
}

impl Manifests {
    /// Reads everything that `inputs` name.
    ///
    /// # Errors
    /// What is wrong with each file that cannot be read, not only with the first.
    pub fn read(inputs: &[Input]) -> Result<Self, Vec<ManifestError>> {
        let mut errors = Vec::new();
        let mut files = Vec::new();
        for input in inputs {
            match input.read() {
                Ok(read) => files.extend(read),
                Err(error) => errors.push(error),
            }
        }
        let (files, broken): (Vec<_>, Vec<_>) = files
            .into_iter()
            .map(|(name, text)| File::parse(&name, text))
            .partition(Result::is_ok);
        errors.extend(broken.into_iter().filter_map(Result::err));
        if errors.is_empty() {
            let files = files.into_iter().filter_map(Result::ok).collect();
            Ok(Self { files })
        } else {
            Err(errors)
        }
    }

    /// Returns the files.
    pub fn files(&self) -> &[File] {
        &self.files
    }

    /// Returns the objects of all files, in their order.
    pub fn documents(&self) -> impl Iterator<Item = &Document> {
        self.files.iter().flat_map(File::documents)
    }

    /// Returns all files as one stream, with the objects in `changed` (by their position in
    /// [`documents`](Self::documents)) in the place of the old ones.
    ///
    /// One file comes out in its own format; several come out as one YAML stream, of which JSON
    /// is a part, or as a stream of JSON objects where all of them are JSON.
    pub fn rewrite(&self, changed: &BTreeMap<usize, Value>) -> Result<String, EmitError> {
        let all_json = self.files.iter().all(|file| file.format() == Format::Json);
        let mut stream = String::new();
        let mut first = 0;
        for file in &self.files {
            let text = file.rewrite(|index| changed.get(&(first + index)))?;
            first += file.documents().len();
            if !stream.is_empty() {
                separate(&mut stream, &text, all_json);
            }
            stream.push_str(&text);
        }
        Ok(stream)
    }
}

impl From<Vec<File>> for Manifests {
    fn from(files: Vec<File>) -> Self {
        Self { files }
    }
}

fn separate(stream: &mut String, next: &str, all_json: bool) {
    if !stream.ends_with('\n') {
        stream.push('\n');
    }
    if !all_json && !next.starts_with("---") {
        stream.push_str("---\n");
    }
}

#[cfg(test)]
mod tests;
