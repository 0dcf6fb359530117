//! The files that a command looks at.

use clap::Args;

use crate::manifests::{Input, ManifestError, Manifests};

/// The files that a command looks at.
#[derive(Args, Clone, Debug)]
pub(super) struct Files {
    /// Files, folders (with every *.yaml, *.yml and *.json below them) or - for the standard input
    #[arg(short = 'f', long = "filename", value_name = "FILE", required = true, num_args = 1..)]
    pub(super) inputs: Vec<Input>,
}

/// Reads all files that `inputs` name.
///
/// # Errors
/// What is wrong with each of them.
pub(super) fn read(inputs: &[Input]) -> Result<Manifests, Unreadable> {
    Manifests::read(inputs).map_err(Unreadable)
}

/// Files that cannot be read, each with why.
#[derive(Debug)]
pub(super) struct Unreadable(pub(super) Vec<ManifestError>);

impl std::error::Error for Unreadable {}

/// Prints one line for each file; all but the first begin as the caller begins the first.
impl std::fmt::Display for Unreadable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            let begin = if index == 0 { "" } else { "\nerror: " };
            write!(f, "{begin}{error}")?;
            if let Some(source) = std::error::Error::source(error) {
                write!(f, ": {source}")?;
            }
        }
        Ok(())
    }
}
