//! The configuration file, in YAML or JSON. Errors have a position.

use std::{fs, io, path::Path, path::PathBuf};

use serde_path_to_error::{Path as Keys, Segment};

use super::settings::ServeSettings;
use crate::manifests::{Document, File, ManifestError};

/// An error in a configuration file.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FileError {
    /// A key or a value is wrong.
    #[error("{place}: {reason}")]
    Setting {
        /// File, line and column.
        place: String,
        /// What is wrong.
        reason: String,
    },
    /// It is neither YAML nor JSON.
    #[error(transparent)]
    Parse(ManifestError),
    /// It cannot be read.
    #[error("failed to read the configuration file {}", .path.display())]
    Read {
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It holds more than one document.
    #[error("{}: expected one document, found {found}", .path.display())]
    Documents {
        path: PathBuf,
        /// How many documents there are.
        found: usize,
    },
}

/// Reads a configuration file. An empty file sets nothing.
pub(crate) fn read(path: &Path) -> Result<ServeSettings, FileError> {
    let text = fs::read_to_string(path).map_err(|source| FileError::Read {
        path: path.to_owned(),
        source,
    })?;
    let file = File::parse(&path.to_string_lossy(), text).map_err(FileError::Parse)?;
    match file.documents() {
        [] => Ok(ServeSettings::default()),
        [document] => settings(document),
        documents => Err(FileError::Documents {
            path: path.to_owned(),
            found: documents.len(),
        }),
    }
}

fn settings(document: &Document) -> Result<ServeSettings, FileError> {
    serde_path_to_error::deserialize(document.object()).map_err(|error| FileError::Setting {
        place: document
            .places()
            .locate_key(&pointer(error.path()))
            .to_string(),
        reason: error.inner().to_string(),
    })
}

/// Writes a path as a JSON pointer; the keys of settings need no escapes.
fn pointer(keys: &Keys) -> String {
    keys.iter()
        .map(|segment| match segment {
            Segment::Seq { index } => format!("/{index}"),
            Segment::Map { key } => format!("/{key}"),
            Segment::Enum { .. } | Segment::Unknown => String::new(),
        })
        .collect()
}
