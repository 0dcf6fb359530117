//! TLS of a role: where its certificates come from, who may write, and what proves that it serves.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use kube::{Client, api::ApiResource};
use oncue_webhook_certs::{Custody, Right, SwappableCertificate, decision::LONGEST_WAIT};
use rustls::{ServerConfig, pki_types::ServerName};
use tokio::sync::watch;

use super::{
    bundles::Bundles,
    certificate_metrics::CertificateMetrics,
    certificates::{
        Certificates, CertificatesError, Latches, Outages, Outlets, Trusted, server_config,
    },
    error::ServeError,
    keeper::{CertificateKeeper, Holder},
    self_check::SelfCheck,
};
use crate::{
    admin::{Need, Readying},
    cluster::{Observations, Watched, configurations},
    config::{CertificatePlace, Config, ConfigurationRef, ObjectRef},
    leadership::Leadership,
    net::Shutdown,
    outage::Outage,
};

/// What the certificates of a role are for.
pub(super) struct Purpose<'a> {
    /// The role, for texts.
    pub(super) role: &'static str,
    /// The names by which clients verify it.
    pub(super) names: &'a [ServerName<'static>],
    /// Where clients find what they verify it with; none if that is with the authority.
    pub(super) configurations: &'a [ConfigurationRef],
    /// What the leader may write.
    pub(super) right: Right,
    pub(super) leadership: Leadership,
    pub(super) metrics: CertificateMetrics,
    /// Is told which certificates pods are to trust, in PEM.
    pub(super) injected: Box<dyn Fn(&str) + Send + Sync>,
}

/// The certificates of a role, and what follows from them.
pub(super) struct Tls {
    certificates: Box<Certificates>,
    server_config: Arc<ServerConfig>,
    trusted: watch::Receiver<Trusted>,
    role: &'static str,
}

impl Tls {
    pub(super) fn new(
        config: &Config,
        (client, readying): (Option<&Client>, &Readying),
        purpose: Purpose<'_>,
    ) -> Result<Self, ServeError> {
        let Purpose {
            role,
            names,
            configurations,
            right,
            leadership,
            metrics,
            injected,
        } = purpose;
        let holder = Holder {
            names: names.to_vec(),
            leadership: leadership.clone(),
            metrics: metrics.clone(),
        };
        let place = &config.certificates;
        let keeper = CertificateKeeper::new((place, &config.data), client, holder);
        let keeper = keeper.ok_or(ServeError::NoClusterForCertificates)?;
        let mut bundles = Bundles::none(metrics.clone());
        if let Some(client) = client {
            bundles = bundles.in_cluster(client, configurations, (names, &leadership));
        }
        let latches = latches((role, place), &bundles, readying);
        let served = Arc::new(SwappableCertificate::default());
        let (sender, trusted) = watch::channel(Trusted::default());
        Ok(Self {
            server_config: server_config(Arc::clone(&served)).map_err(CertificatesError::Tls)?,
            certificates: Box::new(Certificates {
                custody: Custody::new(config.profile.clone(), names.to_vec()),
                keeper,
                bundles,
                leadership,
                right,
                watches: watches(client, place, configurations),
                patience: patience(place),
                latches,
                outages: Outages::of(&told(place)),
                metrics,
                outlets: Outlets {
                    served,
                    trusted: sender,
                    injected,
                },
            }),
            trusted,
            role,
        })
    }

    /// Returns whether clients find what they verify with in the cluster.
    pub(super) fn is_published(&self) -> bool {
        self.certificates.bundles.places().is_some()
    }

    /// Looks once, and says what hinders serving.
    pub(super) async fn load(&mut self) -> Result<(), CertificatesError> {
        self.certificates.load().await
    }

    /// Returns the configuration of a server that hands out the certificate of the moment; none at
    /// first.
    pub(super) fn server_config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.server_config)
    }

    /// Keeps the certificates fresh, and `need` met while a client is served that verifies them,
    /// until the process drains.
    pub(super) async fn keep(self, (address, need): (SocketAddr, Need), shutdown: Shutdown) {
        let Self {
            certificates,
            trusted,
            role,
            ..
        } = self;
        let check = certificates.custody.names().first().map(|name| SelfCheck {
            address,
            name: name.clone(),
            trusted,
            need,
            outage: Outage::of(format!("TLS request to the {role} itself")),
        });
        let check = async {
            if let Some(check) = check {
                check.run(shutdown.clone()).await;
            }
        };
        tokio::join!(certificates.keep_fresh(shutdown.clone()), check);
    }
}

/// Returns what readiness waits for: the webhook's certificates, if they are in the cluster, and
/// their publication.
fn latches(
    (role, place): (&str, &CertificatePlace),
    bundles: &Bundles,
    readying: &Readying,
) -> Latches {
    let is_waited_for = role == WEBHOOK && place.is_in_cluster();
    let places = bundles.places();
    Latches {
        held: is_waited_for.then(|| readying.latch(told(place))),
        published: places.map(|places| readying.latch(format!("caBundle of the {places}"))),
    }
}

fn told(place: &CertificatePlace) -> String {
    match place {
        CertificatePlace::Data => "certificate authority".to_owned(),
        CertificatePlace::Secret(place) => {
            format!("certificate authority in the Secret {place}")
        }
        CertificatePlace::TlsFiles(files) => {
            format!("certificate in {}", files.certificate.display())
        }
        CertificatePlace::TlsSecret(place) => format!("certificate in the Secret {place}"),
    }
}

/// Returns watches of all objects whose changes matter.
fn watches(
    client: Option<&Client>,
    place: &CertificatePlace,
    configurations: &[ConfigurationRef],
) -> Vec<Observations> {
    let Some(client) = client else {
        return Vec::new();
    };
    let secret = match place {
        CertificatePlace::Secret(place) | CertificatePlace::TlsSecret(place) => Some(place),
        CertificatePlace::Data | CertificatePlace::TlsFiles(_) => None,
    };
    let secret = secret.map(|ObjectRef { namespace, name }| {
        let namespace = Some(namespace.to_string());
        (secrets(), named(name.as_str(), namespace))
    });
    let configurations = configurations.iter().map(|place| {
        let watched = named(place.name.as_str(), None);
        (self::configurations(place.kind), watched)
    });
    let watched = secret.into_iter().chain(configurations);
    watched
        .map(|(resource, watched)| Observations::of(client.clone(), resource, watched))
        .collect()
}

fn secrets() -> ApiResource {
    ApiResource::erase::<k8s_openapi::api::core::v1::Secret>(&())
}

/// Selects one object: all that RBAC allows by its name.
fn named(name: &str, namespace: Option<String>) -> Watched {
    Watched {
        namespace,
        fields: Some(format!("metadata.name={name}")),
        metadata_only: true,
        ..Watched::default()
    }
}

/// Returns the longest time without a look: nobody tells of changes of files.
fn patience(place: &CertificatePlace) -> Duration {
    match place {
        CertificatePlace::TlsFiles(_) => BETWEEN_FILES,
        _ => LONGEST_WAIT,
    }
}

/// The role whose certificates readiness tells apart.
pub(super) const WEBHOOK: &str = "webhook";

const BETWEEN_FILES: Duration = Duration::from_secs(10);
