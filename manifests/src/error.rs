//! What can be wrong with a file.

use std::{io, path::PathBuf};

use thiserror::Error;

use super::document::Location;

/// A file, a folder or a text that cannot be read as objects.
#[derive(Debug, Error)]
pub enum ManifestError {
    /// A folder without a single manifest.
    #[error("{}: there is no *.yaml, *.yml or *.json in this folder", path.display())]
    EmptyFolder {
        /// The folder.
        path: PathBuf,
    },
    /// A file that is larger than any list of objects.
    #[error("{name}: the file is larger than {limit} MiB")]
    Large {
        /// The file.
        name: String,
        /// How large it may be.
        limit: u64,
    },
    /// A file or a folder that cannot be opened.
    #[error("failed to read {name}")]
    Read {
        /// The file or folder.
        name: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A text that is not what it should be.
    #[error("{at}: {rule}")]
    Syntax {
        /// Where.
        at: Location,
        /// What is wrong, and what would be right.
        rule: String,
    },
}
