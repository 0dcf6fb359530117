//! Where the certificates of a role come from.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::SystemTime,
};

use kube::Client;
use oncue_webhook_certs::{
    Authority, Given, Keeper, Kept, Stored, Unusable, Written, given::GivenPem,
};
use rustls::pki_types::ServerName;
use serde_json::Value;

use super::{
    authority::{AuthorityError, AuthorityFiles},
    certificate_metrics::CertificateMetrics,
};
use crate::{
    cluster::{AuthoritySecret, SecretError, TlsSecret, TlsSecretError},
    config::{CertificatePlace, TlsFiles},
    leadership::Leadership,
};

/// Where the certificates of a role come from, and who may write there.
pub(super) struct CertificateKeeper {
    source: Source,
    names: Vec<ServerName<'static>>,
    leadership: Leadership,
    metrics: CertificateMetrics,
}

enum Source {
    Authority(AuthoritySecret),
    AuthorityFiles(AuthorityFiles),
    TlsFiles(TlsFiles),
    TlsSecret(TlsSecret),
}

/// What a role's certificates are for, and who keeps them.
pub(super) struct Holder {
    pub(super) names: Vec<ServerName<'static>>,
    pub(super) leadership: Leadership,
    pub(super) metrics: CertificateMetrics,
}

impl CertificateKeeper {
    /// Returns the keeper of a place, or of the folder `data`; `None` without the client that it takes.
    pub(super) fn new(
        (place, data): (&CertificatePlace, &Path),
        client: Option<&Client>,
        holder: Holder,
    ) -> Option<Self> {
        let source = match place {
            CertificatePlace::Data => Source::AuthorityFiles(AuthorityFiles::of(data)),
            CertificatePlace::Secret(place) => {
                Source::Authority(AuthoritySecret::new(client?.clone(), place.clone()))
            }
            CertificatePlace::TlsFiles(files) => Source::TlsFiles(files.clone()),
            CertificatePlace::TlsSecret(place) => {
                Source::TlsSecret(TlsSecret::new(client?.clone(), place.clone()))
            }
        };
        let Holder {
            names,
            leadership,
            metrics,
        } = holder;
        Some(Self {
            source,
            names,
            leadership,
            metrics,
        })
    }

    async fn store(&self, authority: &Authority, version: Value) -> Result<Written, KeeperError> {
        match &self.source {
            Source::Authority(secret) => {
                let written = self
                    .leadership
                    .write(secret.write(authority, version))
                    .await;
                // Another replica leads, and writes.
                Ok(written.unwrap_or(Ok(Written::Raced))?)
            }
            Source::AuthorityFiles(files) => {
                files.save(authority)?;
                Ok(Written::Done)
            }
            // Somebody else writes these.
            Source::TlsFiles(_) | Source::TlsSecret(_) => Ok(Written::Raced),
        }
    }
}

impl Keeper for CertificateKeeper {
    type Version = Value;
    type Error = KeeperError;

    async fn read(&self) -> Result<Kept<Value>, KeeperError> {
        let stored = match &self.source {
            Source::Authority(secret) => return Ok(secret.read().await?),
            Source::AuthorityFiles(files) => files.load()?.map_or(Stored::Nothing, Stored::from),
            Source::TlsFiles(files) => read_files(files, &self.names)?,
            Source::TlsSecret(secret) => secret.read(&self.names).await?,
        };
        Ok(Kept {
            stored,
            version: Value::Null,
        })
    }

    async fn write(&self, authority: &Authority, version: Value) -> Result<Written, KeeperError> {
        let written = self.store(authority, version).await;
        self.metrics.wrote("authority", label(&written));
        written
    }
}

fn label(written: &Result<Written, KeeperError>) -> &'static str {
    match written {
        Ok(Written::Done) => "ok",
        Ok(Written::Raced) => "conflict",
        Err(KeeperError::Secret(SecretError::Write(_, error))) => error.label(),
        Err(_) => "failed",
    }
}

/// Reads a certificate by its content: a Secret volume swaps links, of which no file knows.
fn read_files(files: &TlsFiles, names: &[ServerName<'_>]) -> Result<Stored, KeeperError> {
    let read = |path: &PathBuf| {
        fs::read_to_string(path).map_err(|error| KeeperError::Read(path.clone(), error))
    };
    let pem = GivenPem {
        certificate: &read(&files.certificate)?,
        key: &read(&files.key)?,
        authority: &read(&files.authority)?,
    };
    Ok(match Given::from_pem(pem, (names, SystemTime::now())) {
        Ok(given) => given.into(),
        Err(error) => Stored::Unusable(Unusable::new(format!(
            "the certificate in {} cannot be served: {}",
            files.certificate.display(),
            error.told()
        ))),
    })
}

/// Why certificates cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeeperError {
    /// The files of an authority.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    /// A file of a certificate.
    #[error("failed to read {}", .0.display())]
    Read(PathBuf, #[source] io::Error),
    /// The Secret of an authority.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The Secret of a certificate.
    #[error(transparent)]
    TlsSecret(#[from] TlsSecretError),
}

impl KeeperError {
    /// Returns whether something else has to make it first, such as cert-manager.
    pub(super) fn is_absent(&self) -> bool {
        matches!(self, Self::TlsSecret(TlsSecretError::Absent(_)))
    }
}

#[cfg(test)]
mod tests;
