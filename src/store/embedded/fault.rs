//! Maps errors of the operating system and of redb to errors of the store.

use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::Arc,
};

use super::{StoreError, tables::FORMAT};

/// An operation on a file that failed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Attempt<'a> {
    pub(super) action: &'static str,
    pub(super) path: &'a Path,
}

impl Attempt<'_> {
    pub(super) fn io(self, error: io::Error) -> StoreError {
        use io::ErrorKind::{
            FileTooLarge, PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull,
        };
        let path = self.path.to_owned();
        match error.kind() {
            FileTooLarge | QuotaExceeded | StorageFull => StoreError::Full { path },
            PermissionDenied | ReadOnlyFilesystem => StoreError::ReadOnly { path },
            _ => StoreError::Io {
                action: self.action,
                path,
                source: Arc::new(error),
            },
        }
    }

    pub(super) fn redb(self, error: impl Into<redb::Error>) -> StoreError {
        match error.into() {
            redb::Error::Io(error) => self.io(error),
            redb::Error::DatabaseAlreadyOpen => StoreError::Locked {
                path: self.path.to_owned(),
            },
            redb::Error::Corrupted(detail) => match later_format(&detail) {
                Some(found) => StoreError::Newer {
                    path: self.path.to_owned(),
                    found,
                    known: FORMAT,
                },
                None => self.damaged(detail),
            },
            error @ (redb::Error::TableTypeMismatch { .. } | redb::Error::TableDoesNotExist(_)) => {
                self.damaged(error.to_string())
            }
            error => self.io(io::Error::other(error)),
        }
    }

    /// Reads from redb. If contradictory pages make it panic, the file is damaged.
    pub(super) fn reading<T>(
        self,
        read: impl FnOnce() -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let damaged = |_| Err(self.damaged("its pages contradict each other"));
        catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(damaged)
    }

    pub(super) fn damaged(self, detail: impl Into<String>) -> StoreError {
        StoreError::Damaged {
            path: self.path.to_owned(),
            detail: detail.into(),
        }
    }
}

/// A later redb writes a later version of its own format. This redb reports that as damage.
fn later_format(detail: &str) -> Option<u64> {
    let rest = detail.strip_prefix("Expected file format version")?;
    rest.rsplit_once("found ")?.1.parse().ok()
}
