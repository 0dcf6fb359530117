//! What is counted about certificates.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use oncue_webhook_certs::Validity;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric},
    metrics::{
        MetricType,
        counter::Counter,
        family::Family,
        gauge::{ConstGauge, Gauge},
    },
    registry::{Registry, Unit},
};

/// When certificates end, how often they were renewed, and what was written for that.
#[derive(Clone, Debug, Default)]
pub(super) struct CertificateMetrics {
    ends: Ends,
    rotations: Family<Certificate, Counter>,
    writes: Family<Write, Counter>,
    published: Gauge,
}

impl CertificateMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        let Self {
            ends,
            rotations,
            writes,
            published: _,
        } = self;
        registry.register_collector(Box::new(ends.clone()));
        registry.register(
            "cert_rotations",
            "How often another certificate came into use, the first one included, by certificate",
            rotations.clone(),
        );
        registry.register(
            "cert_writes",
            "Writes of the certificate authority and of the caBundle, by result",
            writes.clone(),
        );
    }

    /// Registers what is only known where the authority is published.
    pub(super) fn register_published(&self, registry: &mut Registry) {
        registry.register(
            "ca_bundle_published",
            "Whether every entry of ours had the caBundle at the last look (0: not, or not known)",
            self.published.clone(),
        );
    }

    /// Takes note of until when certificates are valid.
    pub(super) fn observe(&self, certificate: &'static str, validity: Validity) {
        let mut ends = self.ends.lock();
        let before = ends.iter_mut().find(|(name, _)| *name == certificate);
        match before {
            Some((_, end)) if *end == validity.not_after => return,
            Some((_, end)) => *end = validity.not_after,
            None => ends.push((certificate, validity.not_after)),
        }
        let certificate = Certificate { certificate };
        self.rotations.get_or_create(&certificate).inc();
    }

    pub(super) fn set_published(&self, is_published: bool) {
        self.published.set(is_published.into());
    }

    pub(super) fn wrote(&self, object: &'static str, result: &'static str) {
        self.writes.get_or_create(&Write { object, result }).inc();
    }
}

/// When certificates end, by their names; shown as the time until then.
#[derive(Clone, Debug, Default)]
struct Ends(Arc<Mutex<Vec<(&'static str, SystemTime)>>>);

impl Ends {
    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<(&'static str, SystemTime)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Collector for Ends {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let now = SystemTime::now();
        let help = "Seconds until a certificate expires; below 0 after that";
        let unit = Some(&Unit::Seconds);
        let mut metrics =
            encoder.encode_descriptor("cert_expiry", help, unit, MetricType::Gauge)?;
        for (certificate, end) in self.lock().iter() {
            let rest = match end.duration_since(now) {
                Ok(rest) => rest.as_secs_f64(),
                Err(passed) => -passed.duration().as_secs_f64(),
            };
            let certificate = Certificate { certificate };
            let metric = metrics.encode_family(&certificate)?;
            ConstGauge::new(rest.round()).encode(metric)?;
        }
        Ok(())
    }
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct Certificate {
    certificate: &'static str,
}

#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
struct Write {
    object: &'static str,
    result: &'static str,
}
