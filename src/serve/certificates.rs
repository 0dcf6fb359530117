//! The certificates of a role: kept fresh while it serves.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use futures_util::future::select_all;
use oncue_webhook_certs::{
    AuthorityCertificate, Credentials, Custody, Event, Lack, Published, Right, Settled,
    SwappableCertificate,
};
use rustls::ServerConfig;
use tokio::{sync::watch, time::sleep};
use tracing::{info, warn};

use super::{
    bundles::Bundles,
    certificate_metrics::CertificateMetrics,
    keeper::{CertificateKeeper, KeeperError},
};
use crate::{
    admin::Latch,
    cluster::{Observation, Observations, PublishError},
    leadership::Leadership,
    net::{Phase, Shutdown},
    outage::{Outage, Pause},
};

/// What clients verify a role with: one bundle in PEM or more, of which each is enough. Empty if
/// that is not known.
pub(super) type Trusted = Arc<[String]>;

/// The certificates of a role.
pub(super) struct Certificates {
    pub(super) custody: Custody,
    pub(super) keeper: CertificateKeeper,
    pub(super) bundles: Bundles,
    /// Who may write; the right that the leader has.
    pub(super) leadership: Leadership,
    pub(super) right: Right,
    /// What wakes us before the time.
    pub(super) watches: Vec<Observations>,
    /// The longest time without a look.
    pub(super) patience: Duration,
    pub(super) latches: Latches,
    pub(super) outages: Outages,
    pub(super) metrics: CertificateMetrics,
    pub(super) outlets: Outlets,
}

/// What is released once something is there for the first time.
#[derive(Default)]
pub(super) struct Latches {
    pub(super) held: Option<Latch>,
    pub(super) published: Option<Latch>,
}

/// What is told of changes.
pub(super) struct Outlets {
    pub(super) served: Arc<SwappableCertificate>,
    pub(super) trusted: watch::Sender<Trusted>,
    /// The certificates that pods are to trust, in PEM.
    pub(super) injected: Box<dyn Fn(&str) + Send + Sync>,
}

/// What fails for a while.
pub(super) struct Outages {
    pub(super) stored: Outage,
    pub(super) published: Outage,
    pub(super) served: Outage,
}

/// Why no certificate can be served at the start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CertificatesError {
    /// What is kept cannot be used.
    #[error(transparent)]
    Keeper(#[from] KeeperError),
    /// It is not as it should be.
    #[error("failed to load the certificate authority: {0}")]
    Lack(Lack),
    /// No certificate could be made.
    #[error("failed to issue a certificate")]
    Serve(#[from] oncue_webhook_certs::CertificateError),
    /// TLS cannot be set up.
    #[error("failed to set up TLS")]
    Tls(#[from] rustls::Error),
}

impl Certificates {
    /// Looks once, and says what hinders serving.
    pub(super) async fn load(&mut self) -> Result<(), CertificatesError> {
        let settled = self.settle(SystemTime::now()).await;
        self.note(&settled);
        let Settled {
            stored,
            served,
            lack,
            ..
        } = settled;
        stored?;
        served?;
        lack.map_or(Ok(()), |lack| Err(CertificatesError::Lack(lack)))
    }

    /// Keeps authority, bundle and leaf as they have to be until the process drains.
    pub(super) async fn keep_fresh(mut self: Box<Self>, shutdown: Shutdown) {
        let keep = async {
            let mut pause = Pause::default();
            loop {
                let is_leader = self.leadership.is_held();
                let settled = self.settle(SystemTime::now()).await;
                self.note(&settled);
                let until = settled.until;
                let is_well = self.outages.note(settled);
                let rest = until.duration_since(SystemTime::now());
                let rest = rest.unwrap_or_default().min(self.patience).max(SHORTEST);
                tokio::select! {
                    () = sleep(rest), if is_well => {}
                    () = pause.after_failure(), if !is_well => {}
                    () = changed(&mut self.watches) => {}
                    () = self.leadership.changes_from(is_leader) => {}
                }
                if is_well {
                    pause = Pause::default();
                }
            }
        };
        tokio::select! {
            () = shutdown.reached(Phase::Draining) => {}
            () = keep => {}
        }
    }

    pub(super) async fn settle(&mut self, now: SystemTime) -> Settled<KeeperError, PublishError> {
        let right = if self.leadership.is_held() {
            self.right
        } else {
            Right::Read
        };
        let places = (&self.keeper, &self.bundles);
        // It is large, and there are few.
        Box::pin(self.custody.settle(places, now, right)).await
    }

    /// Tells everybody what has changed. What pods trust comes before what is served.
    fn note(&mut self, settled: &Settled<KeeperError, PublishError>) {
        for event in &settled.events {
            log(*event, self.custody.held());
        }
        if let Some(held) = self.custody.held() {
            (self.outlets.injected)(&held.bundle_pem());
            self.metrics.observe("authority", authority_validity(held));
            release(&mut self.latches.held);
        }
        if let Some(served) = self.custody.served() {
            self.metrics.observe("leaf", served.validity);
            self.outlets.served.swap(Arc::clone(&served.key));
        }
        let is_published = settled.published.is_ok() && settled.lack.is_none();
        self.metrics.set_published(is_published);
        if is_published {
            release(&mut self.latches.published);
        }
        self.outlets.trusted.send_replace(self.trusted());
    }

    fn trusted(&self) -> Trusted {
        match self.custody.published() {
            Published::At(entries) => {
                let mut bundles: Vec<_> = entries.iter().map(|it| it.bundle.clone()).collect();
                bundles.dedup();
                bundles.into()
            }
            Published::Unknown => Trusted::default(),
            Published::WithTheAuthority => {
                let bundle = self.custody.held().map(Credentials::bundle_pem);
                bundle.into_iter().collect()
            }
        }
    }
}

impl Outages {
    pub(super) fn of(what: &str) -> Self {
        Self {
            stored: Outage::of(what.to_owned()),
            published: Outage::of("caBundle"),
            served: Outage::of("certificate to serve"),
        }
    }

    /// Logs what fails, and returns whether all is well.
    pub(super) fn note(&mut self, settled: Settled<KeeperError, PublishError>) -> bool {
        let Settled {
            stored,
            published,
            served,
            lack,
            ..
        } = settled;
        let is_published = match published {
            Err(error) if error.is_absent() => await_start(&mut self.published, error),
            published => self.published.note(published).is_some(),
        };
        let is_stored = match (stored, lack) {
            (Err(error), _) if error.is_absent() => await_start(&mut self.stored, error),
            (Err(error), _) => self.stored.note::<()>(Err(error)).is_some(),
            // It has been said why.
            (Ok(()), Some(Lack::NotPublished | Lack::PublishedUnknown)) if !is_published => false,
            (Ok(()), Some(lack @ (Lack::Missing | Lack::NotPublished))) => {
                await_start(&mut self.stored, lack)
            }
            (Ok(()), Some(lack)) => self.stored.note::<()>(Err(lack)).is_some(),
            (Ok(()), None) => self.stored.note(Ok::<_, Lack>(())).is_some(),
        };
        let is_served = self.served.note(served).is_some();
        is_published && is_stored && is_served
    }
}

/// Takes note of what other parts make while they start; it is not there.
fn await_start(outage: &mut Outage, reason: impl Into<anyhow::Error>) -> bool {
    outage.awaits(reason);
    false
}

/// Returns when the authority ends; for a certificate that somebody else issues, that of the last
/// certificate which clients trust.
fn authority_validity(held: &Credentials) -> oncue_webhook_certs::Validity {
    match held {
        Credentials::Authority(authority) => authority.validity(),
        Credentials::Given(given) => {
            let trusted = given.trusted().iter().map(AuthorityCertificate::validity);
            let last = trusted.max_by_key(|it| it.not_after);
            last.unwrap_or(given.validity())
        }
    }
}

fn release(latch: &mut Option<Latch>) {
    if let Some(latch) = latch.take() {
        latch.release();
    }
}

fn log(event: Event, held: Option<&Credentials>) {
    let certificates = held.map_or(0, |held| held.trusted().len());
    match event {
        Event::Adopted => info!(certificates, "loaded the certificate authority"),
        Event::Certified => {
            warn!("made a certificate for the key of an authority that had lost its own");
        }
        Event::Created => info!("created a certificate authority"),
        Event::Published => info!("wrote the caBundle"),
        Event::Renewed => info!("renewed the certificate authority, with the same key"),
        Event::Replaced => warn!(
            certificates,
            "loaded another certificate authority: pods that were injected under the former one do not \
             trust the store any more; recreate them"
        ),
        Event::Restored => warn!("wrote the certificate authority back, which was lost or damaged"),
        Event::Served => info!("serves another certificate"),
    }
}

/// Waits until an object may have changed.
async fn changed(watches: &mut [Observations]) {
    if watches.is_empty() {
        return std::future::pending().await;
    }
    let changes = watches.iter_mut().map(|watch| {
        Box::pin(async {
            while !matches!(
                watch.next().await,
                Observation::Gone(_) | Observation::Object(_)
            ) {}
        })
    });
    select_all(changes).await;
}

/// Returns the configuration of a server that hands out the certificate of the moment.
pub(super) fn server_config(
    served: Arc<SwappableCertificate>,
) -> Result<Arc<ServerConfig>, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_cert_resolver(served);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// The time between two looks at the least.
const SHORTEST: Duration = Duration::from_secs(1);
