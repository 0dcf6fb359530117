//! The certificate authority's files in the data folder.
//!
//! `authority.pem` is the authority: its key and certificates in one file, so that a crash never
//! leaves half of them. `ca.crt` is a copy of the certificates for clients, written again whenever
//! it differs. Former versions kept the key in `ca.key` and the certificates in `ca.crt` alone; such
//! a pair is moved into one file.

use std::{
    fs::{self, File, Permissions},
    io::{self, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use oncue_webhook_certs::{Authority, CertificateError};
use tempfile::NamedTempFile;
use tracing::info;

/// Where a certificate authority is kept.
#[derive(Clone, Debug)]
pub(crate) struct AuthorityFiles {
    authority: PathBuf,
    certificate: PathBuf,
    former_key: PathBuf,
}

impl AuthorityFiles {
    /// Names the files of a folder.
    pub(crate) fn of(folder: &Path) -> Self {
        Self {
            authority: folder.join("authority.pem"),
            certificate: folder.join("ca.crt"),
            former_key: folder.join("ca.key"),
        }
    }

    /// Returns the path of the certificates in PEM, for clients.
    pub(crate) fn certificate(&self) -> &Path {
        &self.certificate
    }

    /// Reads the authority; what is neither one nor nothing at all is an error, and left alone.
    pub(super) fn load(&self) -> Result<Option<Authority>, AuthorityError> {
        let Some(text) = read(&self.authority)? else {
            return self.load_pair();
        };
        let damaged = |source| AuthorityError::Damaged(self.authority.clone(), source);
        let authority = Authority::from_pem(&text, &text).map_err(damaged)?;
        self.publish(&authority)?;
        self.remove_former_key(&authority)?;
        Ok(Some(authority))
    }

    /// Loads the two files of a former version, and moves them into one.
    fn load_pair(&self) -> Result<Option<Authority>, AuthorityError> {
        let (key, certificate) = (read(&self.former_key)?, read(&self.certificate)?);
        let half = |present: &Path, absent: &Path| AuthorityError::Half {
            present: present.to_owned(),
            absent: absent.to_owned(),
        };
        let pair = match (key, certificate) {
            (Some(key), Some(certificate)) => {
                let authority = Authority::from_pem(&key, &certificate);
                authority
                    .map(Some)
                    .map_err(|source| AuthorityError::Damaged(self.certificate.clone(), source))?
            }
            (None, None) => None,
            (Some(_), None) => return Err(half(&self.former_key, &self.certificate)),
            (None, Some(_)) => return Err(half(&self.certificate, &self.authority)),
        };
        if let Some(authority) = &pair {
            self.save(authority)?;
            info!(file = %self.authority.display(), "moved the certificate authority into one file");
        }
        Ok(pair)
    }

    /// Writes the authority, then what follows from it; a reader sees each file old or new.
    pub(super) fn save(&self, authority: &Authority) -> Result<(), AuthorityError> {
        let text = authority.key().to_pem() + &authority.bundle_pem();
        write(&self.authority, &text, FOR_OWNER)?;
        self.publish(authority)?;
        self.remove_former_key(authority)
    }

    /// Writes the certificates for clients.
    fn publish(&self, authority: &Authority) -> Result<(), AuthorityError> {
        let bundle = authority.bundle_pem();
        if read(&self.certificate)?.as_deref() == Some(&bundle) {
            return Ok(());
        }
        write(&self.certificate, &bundle, FOR_ALL)
    }

    /// Removes the key's former file, but not another key.
    fn remove_former_key(&self, authority: &Authority) -> Result<(), AuthorityError> {
        let former = read(&self.former_key)?;
        if former.is_none_or(|former| former.trim() != authority.key().to_pem().trim()) {
            return Ok(());
        }
        let removed =
            fs::remove_file(&self.former_key).and_then(|()| sync_folder(&self.former_key));
        removed.map_err(|error| AuthorityError::Write(self.former_key.clone(), error))
    }
}

/// Why there is no certificate authority.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AuthorityError {
    /// A file holds something else.
    #[error(
        "{} is not a certificate authority, and is left as it is: restore it from a backup, or \
         move it away to make a new authority",
        .0.display()
    )]
    Damaged(PathBuf, #[source] CertificateError),
    /// A file is there without the one that it needs.
    #[error(
        "found {present} without {absent}: restore {absent}, or remove {present} to make a new \
         authority",
        present = .present.display(),
        absent = .absent.display()
    )]
    Half {
        /// The file that is there.
        present: PathBuf,
        /// The file that is not.
        absent: PathBuf,
    },
    /// A folder, a named pipe or a device has the file's name.
    #[error("{} is not a regular file: move it away", .0.display())]
    NotAFile(PathBuf),
    /// A file cannot be read.
    #[error("failed to read {}", .0.display())]
    Read(PathBuf, #[source] io::Error),
    /// A file cannot be written.
    #[error("failed to write {}", .0.display())]
    Write(PathBuf, #[source] io::Error),
}

/// Reads a file; opening a named pipe would wait for a writer, so the kind is looked at first.
fn read(path: &Path) -> Result<Option<String>, AuthorityError> {
    let read = || {
        if fs::metadata(path)?.is_file() {
            fs::read_to_string(path).map(Some)
        } else {
            Ok(None)
        }
    };
    match read() {
        Ok(Some(text)) => Ok(Some(text)),
        Ok(None) => Err(AuthorityError::NotAFile(path.to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(AuthorityError::Read(path.to_owned(), error)),
    }
}

/// Replaces a file; after a crash it is there with the old text or the new one.
fn write(path: &Path, text: &str, mode: u32) -> Result<(), AuthorityError> {
    let write = || {
        let mut file = NamedTempFile::new_in(folder_of(path))?;
        file.write_all(text.as_bytes())?;
        file.as_file()
            .set_permissions(Permissions::from_mode(mode))?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        sync_folder(path)
    };
    write().map_err(|error| AuthorityError::Write(path.to_owned(), error))
}

/// Makes changes of the names in a file's folder durable.
fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(folder_of(path))?.sync_all()
}

fn folder_of(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new("."))
}

const FOR_ALL: u32 = 0o644;
const FOR_OWNER: u32 = 0o600;

#[cfg(test)]
mod tests;
