//! Writes files in place: each of them whole or not at all.

use std::{
    fs::{self, Metadata},
    io::{self, Write},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use tempfile::NamedTempFile;
use thiserror::Error;

use super::conversion::ChangedFile;

/// Writes all files. Before the first one changes, the new text of every file is on the disk.
pub(super) fn all(files: &[ChangedFile<'_>]) -> Result<(), WriteError> {
    let prepared: Result<Vec<_>, _> = files.iter().map(Prepared::new).collect();
    for file in prepared? {
        file.replace()?;
    }
    Ok(())
}

/// A file whose new text is on the disk beside it.
#[derive(Debug)]
struct Prepared<'f> {
    path: PathBuf,
    before: &'f str,
    new: NamedTempFile,
}

impl<'f> Prepared<'f> {
    fn new(file: &ChangedFile<'f>) -> Result<Self, WriteError> {
        let path = PathBuf::from(file.name);
        let failed = |source| WriteError::Write {
            path: path.clone(),
            source,
        };
        let metadata = fs::symlink_metadata(&path).map_err(failed)?;
        check_kind(&path, &metadata)?;
        check_unchanged(&path, file.before)?;
        let folder = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        let mut new = NamedTempFile::new_in(folder.unwrap_or(Path::new("."))).map_err(failed)?;
        new.write_all(file.after.as_bytes()).map_err(failed)?;
        new.as_file()
            .set_permissions(metadata.permissions())
            .map_err(failed)?;
        new.as_file().sync_all().map_err(failed)?;
        Ok(Self {
            path,
            before: file.before,
            new,
        })
    }

    fn replace(self) -> Result<(), WriteError> {
        let Self { path, before, new } = self;
        check_unchanged(&path, before)?;
        match new.persist(&path) {
            Ok(_) => Ok(()),
            Err(error) => Err(WriteError::Write {
                path,
                source: error.error,
            }),
        }
    }
}

fn check_kind(path: &Path, metadata: &Metadata) -> Result<(), WriteError> {
    if metadata.is_symlink() || metadata.nlink() > 1 {
        return Err(WriteError::Link(path.to_owned()));
    }
    Ok(())
}

fn check_unchanged(path: &Path, before: &str) -> Result<(), WriteError> {
    match fs::read(path) {
        Ok(now) if now == before.as_bytes() => Ok(()),
        Ok(_) => Err(WriteError::Changed(path.to_owned())),
        Err(source) => Err(WriteError::Write {
            path: path.to_owned(),
            source,
        }),
    }
}

/// Why a file is not written.
#[derive(Debug, Error)]
pub(super) enum WriteError {
    /// Someone else wrote it.
    #[error("{}: the file changed meanwhile: run the command again", .0.display())]
    Changed(PathBuf),
    /// Its text belongs to another name too.
    #[error("{}: the file is a link, and its target may be used elsewhere: name the target", .0.display())]
    Link(PathBuf),
    /// It cannot be written.
    #[error("failed to write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(path: &Path, before: &str) -> Result<(), WriteError> {
        all(&[ChangedFile {
            name: path.to_str().unwrap(),
            before,
            after: "new",
        }])
    }

    #[test]
    fn a_file_is_written_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.yaml");
        fs::write(&path, "old").unwrap();
        write(&path, "old").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_link_and_a_changed_file_stay() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.yaml");
        fs::write(&path, "changed").unwrap();
        assert!(matches!(write(&path, "old"), Err(WriteError::Changed(_))));
        let link = folder.path().join("b.yaml");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert!(matches!(write(&link, "changed"), Err(WriteError::Link(_))));
        let hard = folder.path().join("c.yaml");
        fs::hard_link(&path, &hard).unwrap();
        assert!(matches!(write(&hard, "changed"), Err(WriteError::Link(_))));
        assert_eq!(fs::read_to_string(&path).unwrap(), "changed");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);
    }

    #[test]
    fn one_file_that_cannot_be_written_stops_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.yaml");
        fs::write(&path, "old").unwrap();
        let missing = folder.path().join("b.yaml");
        let file = |path: &'static str| ChangedFile {
            name: path,
            before: "old",
            after: "new",
        };
        let names = [&path, &missing].map(|path| path.to_str().unwrap().to_owned().leak() as &str);
        assert!(all(&names.map(file)).is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
    }
}
