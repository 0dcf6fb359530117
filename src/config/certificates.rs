//! Where certificates come from, and for how long they are valid.

use std::{path::PathBuf, time::Duration};

use oncue_webhook_certs::Profile;

use super::{error::ConfigError, object::ObjectRef};

/// Where the certificates of webhook and store come from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum CertificatePlace {
    /// An authority in the data folder.
    Data,
    /// An authority in this Secret, shared by all replicas.
    Secret(ObjectRef),
    /// Something else, which writes them to files.
    TlsFiles(TlsFiles),
    /// Something else, which writes them to a Secret.
    TlsSecret(ObjectRef),
}

/// A certificate in files.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct TlsFiles {
    /// The certificate, then the intermediate ones.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
    /// What clients verify it with.
    pub authority: PathBuf,
}

impl TlsFiles {
    pub(super) fn of(
        certificate: Option<PathBuf>,
        key: Option<PathBuf>,
        authority: Option<PathBuf>,
    ) -> Result<Option<Self>, ConfigError> {
        match (certificate, key, authority) {
            (None, None, None) => Ok(None),
            (Some(certificate), Some(key), Some(authority)) => Ok(Some(Self {
                certificate,
                key,
                authority,
            })),
            _ => Err(ConfigError::TlsFiles),
        }
    }
}

/// What the flags say about where certificates come from.
pub(super) struct Sources {
    pub(super) ca_secret: Option<ObjectRef>,
    pub(super) tls_secret: Option<ObjectRef>,
    pub(super) tls_files: Option<TlsFiles>,
}

impl Sources {
    /// Returns the one that is set; without any, the data folder.
    pub(super) fn place(self) -> Result<CertificatePlace, ConfigError> {
        match (self.ca_secret, self.tls_secret, self.tls_files) {
            (None, None, None) => Ok(CertificatePlace::Data),
            (Some(place), None, None) => Ok(CertificatePlace::Secret(place)),
            (None, Some(place), None) => Ok(CertificatePlace::TlsSecret(place)),
            (None, None, Some(files)) => Ok(CertificatePlace::TlsFiles(files)),
            _ => Err(ConfigError::SeveralCertificates),
        }
    }
}

impl CertificatePlace {
    /// Returns whether it is in a cluster.
    pub(crate) fn is_in_cluster(&self) -> bool {
        matches!(self, Self::Secret(_) | Self::TlsSecret(_))
    }
}

/// Returns what is written into certificates.
pub(super) fn profile(
    authority: Option<Duration>,
    leaf: Option<Duration>,
) -> Result<Profile, ConfigError> {
    let default = Profile::default();
    let at_least_a_minute = |flag, validity: Option<Duration>| match validity {
        Some(validity) if validity < SHORTEST => Err(ConfigError::BriefCertificate { flag }),
        validity => Ok(validity),
    };
    let authority = at_least_a_minute("--authority-validity", authority)?;
    let leaf = at_least_a_minute("--leaf-validity", leaf)?;
    Ok(Profile {
        authority_name: "oncue CA".to_owned(),
        server_name: "oncue".to_owned(),
        authority_validity: authority.unwrap_or(default.authority_validity),
        leaf_validity: leaf.unwrap_or(default.leaf_validity),
    })
}

const SHORTEST: Duration = Duration::from_mins(1);
