//! Finds and reads files, folders and the standard input.

use std::{
    convert::Infallible,
    ffi::OsStr,
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
    str::FromStr,
};

use walkdir::{DirEntry, WalkDir};

use super::ManifestError;

/// Longest file, in MiB.
const MAX_MIB: u64 = 64;

/// What `-f` names.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Input {
    /// A file, or a folder with every manifest below it.
    Path(PathBuf),
    /// `-`: the standard input.
    Stdin,
}

impl FromStr for Input {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match text {
            "-" => Self::Stdin,
            path => Self::Path(path.into()),
        })
    }
}

impl Input {
    /// Returns the name and the text of every file it stands for, sorted by name in a folder.
    pub(super) fn read(&self) -> Result<Vec<(String, String)>, ManifestError> {
        match self {
            Self::Path(path) if path.is_dir() => {
                let paths = manifests_below(path)?;
                paths.iter().map(|path| read_file(path)).collect()
            }
            Self::Path(path) => Ok(vec![read_file(path)?]),
            Self::Stdin => Ok(vec![read_text("<stdin>".to_owned(), io::stdin().lock())?]),
        }
    }
}

fn manifests_below(folder: &Path) -> Result<Vec<PathBuf>, ManifestError> {
    let mut paths = Vec::new();
    let entries = WalkDir::new(folder)
        .follow_links(true)
        .min_depth(1)
        .sort_by_file_name()
        .into_iter()
        .filter_entry(|entry| !is_hidden(entry));
    for entry in entries {
        let entry = entry.map_err(|error| ManifestError::Read {
            name: folder.display().to_string(),
            source: error.into(),
        })?;
        if entry.file_type().is_file() && is_manifest(entry.path()) {
            paths.push(entry.into_path());
        }
    }
    if paths.is_empty() {
        let path = folder.to_owned();
        return Err(ManifestError::EmptyFolder { path });
    }
    Ok(paths)
}

/// Version control, editors' copies and the `..data` of a mounted volume.
fn is_hidden(entry: &DirEntry) -> bool {
    entry.file_name().as_encoded_bytes().starts_with(b".")
}

fn is_manifest(path: &Path) -> bool {
    let extension = path.extension().and_then(OsStr::to_str);
    extension.is_some_and(|extension| {
        ["json", "yaml", "yml"]
            .iter()
            .any(|known| extension.eq_ignore_ascii_case(known))
    })
}

fn read_file(path: &Path) -> Result<(String, String), ManifestError> {
    let name = path.display().to_string();
    match fs::File::open(path) {
        Ok(file) => read_text(name, file),
        Err(source) => Err(ManifestError::Read { name, source }),
    }
}

fn read_text(name: String, reader: impl Read) -> Result<(String, String), ManifestError> {
    let mut text = String::new();
    let limit = MAX_MIB * 1024 * 1024;
    match reader.take(limit + 1).read_to_string(&mut text) {
        Ok(read) if u64::try_from(read).is_ok_and(|read| read <= limit) => Ok((name, text)),
        Ok(_) => Err(ManifestError::Large {
            name,
            limit: MAX_MIB,
        }),
        Err(source) => Err(ManifestError::Read { name, source }),
    }
}
