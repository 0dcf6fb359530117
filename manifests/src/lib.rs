//! YAML and JSON files in, with the position of every node; changed objects out.
//!
//! A file is read as `kubectl` reads it (YAML 1.1 scalars included) and keeps its text: an object
//! that does not change is written back byte for byte, with its comments.
//!
//! | module | what it does |
//! | --- | --- |
//! | `input` | finds and reads files, folders and the standard input |
//! | `source` | one file's text, and its documents one after the other |
//! | `file` | one file with all of its documents |
//! | `edit` | small changes of an object's text that keep comments and formatting |
//! | `rewrite` | a file's text with some of its objects changed |
//! | `document` | one object with the places of its parts |
//! | `load` | parser events to nodes: anchors, merge keys, duplicate keys, bounds |
//! | `node` | a value with its place in the text |
//! | `place` | from a column within a scalar's value to a place in the text |
//! | `scalar` | what a plain scalar means |
//! | `emit` | values to YAML and JSON text |

mod document;
mod edit;
mod emit;
mod error;
mod file;
mod input;
mod load;
mod node;
mod place;
mod rewrite;
mod scalar;
mod source;

pub use self::{
    document::{Document, Location, Places},
    edit::{Change, Edit, EditError},
    emit::{EmitError, to_json, to_yaml},
    error::ManifestError,
    file::File,
    input::Input,
    rewrite::{Rewriting, join},
    source::{Documents, Format, Source},
};

use std::sync::Arc;

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
        let (sources, mut errors) = sources(inputs);
        let mut files = Vec::new();
        for source in sources {
            match File::read(&source) {
                Ok(file) => files.push(file),
                Err(error) => errors.push(error),
            }
        }
        if errors.is_empty() {
            Ok(Self { files })
        } else {
            Err(errors)
        }
    }

    /// Reads what can be read of everything that `inputs` name, and returns what is wrong with the
    /// rest.
    pub fn read_rest(inputs: &[Input]) -> (Self, Vec<ManifestError>) {
        let (sources, mut errors) = sources(inputs);
        let mut manifests = Self::default();
        for source in sources {
            let (file, broken) = File::read_rest(&source);
            manifests.files.push(file);
            errors.extend(broken);
        }
        (manifests, errors)
    }

    /// Returns the files.
    pub fn files(&self) -> &[File] {
        &self.files
    }

    /// Returns the objects of all files, in their order.
    pub fn documents(&self) -> impl Iterator<Item = &Document> {
        self.files.iter().flat_map(File::documents)
    }
}

/// Returns the text of every file that `inputs` name, and what is wrong with those that cannot be
/// opened.
pub fn sources(inputs: &[Input]) -> (Vec<Arc<Source>>, Vec<ManifestError>) {
    let mut errors = Vec::new();
    let mut sources = Vec::new();
    for input in inputs {
        match input.read() {
            Ok(read) => sources.extend(
                read.into_iter()
                    .map(|(name, text)| Source::new(&name, text)),
            ),
            Err(error) => errors.push(error),
        }
    }
    (sources, errors)
}

impl From<Vec<File>> for Manifests {
    fn from(files: Vec<File>) -> Self {
        Self { files }
    }
}

#[cfg(test)]
mod tests;
