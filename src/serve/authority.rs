//! The certificate authority's files in the data folder.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use oncue_webhook_certs::{
    Authority, CertificateError, Keeper, Kept, Unusable, Written, read_kept,
};
use tempfile::NamedTempFile;

/// The files of a certificate authority: `ca.crt`, readable by everyone, and `ca.key`, readable by
/// its owner only.
#[derive(Clone, Debug)]
pub struct AuthorityFiles {
    certificate: PathBuf,
    key: PathBuf,
}

impl AuthorityFiles {
    /// Names the files of a folder.
    pub fn of(folder: &Path) -> Self {
        Self {
            certificate: folder.join("ca.crt"),
            key: folder.join("ca.key"),
        }
    }

    /// Returns the path of the certificates in PEM.
    pub fn certificate(&self) -> &Path {
        &self.certificate
    }

    fn load(&self) -> Result<Option<Authority>, AuthorityError> {
        let (key, certificate) = (read(&self.key)?, read(&self.certificate)?);
        let half = |present: &Path, absent: &Path| AuthorityError::Half {
            present: present.to_owned(),
            absent: absent.to_owned(),
        };
        let kept = read_kept(key.as_deref(), certificate.as_deref());
        kept.map_err(|unusable| match unusable {
            Unusable::CertificateAlone => half(&self.certificate, &self.key),
            Unusable::Damaged(source) => AuthorityError::Damaged(self.certificate.clone(), source),
            Unusable::KeyAlone => half(&self.key, &self.certificate),
        })
    }

    /// Writes both files; a reader sees each of them old or new, never half.
    fn save(&self, authority: &Authority) -> Result<(), AuthorityError> {
        write(&self.key, &authority.key().to_pem(), Readers::Owner)?;
        write(&self.certificate, &authority.bundle_pem(), Readers::All)
    }
}

/// The folder belongs to one process, so there are no concurrent writes.
impl Keeper for AuthorityFiles {
    type Version = ();
    type Error = AuthorityError;

    async fn read(&self) -> Result<Kept<()>, AuthorityError> {
        Ok(Kept {
            authority: self.load()?,
            version: (),
        })
    }

    async fn write(&self, authority: &Authority, (): ()) -> Result<Written, AuthorityError> {
        self.save(authority)?;
        Ok(Written::Done)
    }
}

/// Why there is no certificate authority.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// The files hold something else.
    #[error("{} and its key are no certificate authority, and are left as they are", .0.display())]
    Damaged(PathBuf, #[source] CertificateError),
    /// One of the two files is missing.
    #[error("found {} without {}: restore it, or remove the other to make a new authority", .present.display(), .absent.display())]
    Half {
        /// The file that is there.
        present: PathBuf,
        /// The file that is not.
        absent: PathBuf,
    },
    /// A file cannot be read.
    #[error("failed to read {}", .0.display())]
    Read(PathBuf, #[source] io::Error),
    /// A file cannot be written.
    #[error("failed to write {}", .0.display())]
    Write(PathBuf, #[source] io::Error),
}

#[derive(Clone, Copy)]
enum Readers {
    All,
    Owner,
}

fn read(path: &Path) -> Result<Option<String>, AuthorityError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(AuthorityError::Read(path.to_owned(), error)),
    }
}

fn write(path: &Path, text: &str, readers: Readers) -> Result<(), AuthorityError> {
    let write = || {
        let folder = path.parent().unwrap_or(Path::new("."));
        let mut file = NamedTempFile::new_in(folder)?;
        file.write_all(text.as_bytes())?;
        if let Readers::All = readers {
            allow_all_to_read(file.as_file())?;
        }
        file.as_file().sync_all()?;
        file.persist(path)?;
        Ok(())
    };
    write().map_err(|error| AuthorityError::Write(path.to_owned(), error))
}

/// Temporary files are made for their owner alone.
fn allow_all_to_read(file: &fs::File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;

    file.set_permissions(fs::Permissions::from_mode(0o644))
}

#[cfg(test)]
mod tests {
    use std::{os::unix::fs::PermissionsExt, time::SystemTime};

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    /// Creates an authority.
    fn mk_files(folder: &Path) -> (AuthorityFiles, Authority) {
        let files = AuthorityFiles::of(folder);
        let authority = Authority::generate(SystemTime::now()).unwrap();
        files.save(&authority).unwrap();
        (files, authority)
    }

    #[test]
    fn nothing_is_kept_at_first() {
        let folder = tempfile::tempdir().unwrap();
        let files = AuthorityFiles::of(folder.path());
        assert_eq!(files.load().unwrap(), None);
    }

    #[test]
    fn a_restart_keeps_the_authority() {
        let folder = tempfile::tempdir().unwrap();
        let (files, authority) = mk_files(folder.path());
        let public = fs::read_to_string(files.certificate()).unwrap();
        assert_eq!(public, authority.bundle_pem());
        assert_eq!(files.load().unwrap(), Some(authority));
    }

    #[test]
    fn only_the_owner_reads_the_key() {
        let folder = tempfile::tempdir().unwrap();
        let (files, _) = mk_files(folder.path());
        assert_eq!(mode(&files.key), 0o600);
        assert_eq!(mode(&files.certificate), 0o644);
    }

    #[test]
    fn a_missing_half_is_an_error_that_names_both_files() {
        let folder = tempfile::tempdir().unwrap();
        let (files, _) = mk_files(folder.path());
        fs::remove_file(&files.key).unwrap();
        let text = files.load().unwrap_err().to_string();
        assert!(text.contains("ca.crt without"), "{text}");
        assert!(text.contains("ca.key"), "{text}");
    }

    #[test]
    fn a_damaged_file_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let (files, _) = mk_files(folder.path());
        fs::write(&files.certificate, "damaged").unwrap();
        files.load().unwrap_err();
        assert_eq!(fs::read_to_string(&files.certificate).unwrap(), "damaged");
    }
}
