//! The authority where the API server looks for it: published, and repaired.

use std::sync::{Mutex, PoisonError};

use kube::Client;
use oncue_webhook_certs::{Found, Published, Publisher, Wanted, Written};
use rustls::pki_types::ServerName;

use super::certificate_metrics::CertificateMetrics;
use crate::{
    cluster::{ApiError, FoundConfiguration, PublishError, WebhookConfiguration},
    config::ConfigurationRef,
    leadership::Leadership,
    outage::Outage,
};

/// The `caBundle` of the webhook's entries in all webhook configurations.
pub(super) struct Bundles {
    configurations: Vec<WebhookConfiguration>,
    leadership: Leadership,
    metrics: CertificateMetrics,
    /// That the API server notes fields as ours.
    ownership: Mutex<Outage>,
}

impl Bundles {
    /// There is nothing to publish: clients read the bundle with the authority.
    pub(super) fn none(metrics: CertificateMetrics) -> Self {
        Self {
            configurations: Vec::new(),
            leadership: Leadership::sole(),
            metrics,
            ownership: Mutex::new(Outage::of("ownership of the caBundle")),
        }
    }

    /// Keeps the entries that point to one of the names, in these objects.
    pub(super) fn in_cluster(
        self,
        client: &Client,
        places: &[ConfigurationRef],
        (names, leadership): (&[ServerName<'static>], &Leadership),
    ) -> Self {
        let configuration = |place: &ConfigurationRef| {
            WebhookConfiguration::new(client.clone(), place.clone(), names.to_vec())
        };
        Self {
            configurations: places.iter().map(configuration).collect(),
            leadership: leadership.clone(),
            ..self
        }
    }

    /// Returns the objects as a text, such as `MutatingWebhookConfiguration a`; `None` for none.
    pub(super) fn places(&self) -> Option<String> {
        let places = self.configurations.iter().map(|it| it.place().to_string());
        let places: Vec<_> = places.collect();
        (!places.is_empty()).then(|| places.join(" and the "))
    }

    /// Removes what the API server notes as ours, which nothing depends on: the next read tries
    /// again.
    async fn disown(&self, configuration: &WebhookConfiguration, found: &FoundConfiguration) {
        if !found.is_owned() {
            return;
        }
        let disowned = self.leadership.write(configuration.disown(found)).await;
        let disowned = match disowned {
            // Another replica does it, or has changed the object.
            Err(_) | Ok(Err(PublishError::Patch(_, ApiError::Conflict(_)))) => return,
            Ok(disowned) => disowned,
        };
        let mut ownership = self
            .ownership
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        ownership.note(disowned);
    }

    async fn write_one(
        &self,
        configuration: &WebhookConfiguration,
        (found, bundle): (&FoundConfiguration, &Wanted),
    ) -> Result<Written, PublishError> {
        let written = self.leadership.write(configuration.write(found, bundle));
        let (written, label) = match written.await {
            Ok(Ok(())) => (Ok(Written::Done), "ok"),
            Err(_) | Ok(Err(PublishError::Patch(_, ApiError::Conflict(_)))) => {
                (Ok(Written::Raced), "conflict")
            }
            Ok(Err(error)) => {
                let label = match &error {
                    PublishError::Patch(_, error) => error.label(),
                    _ => "failed",
                };
                (Err(error), label)
            }
        };
        self.metrics.wrote("ca-bundle", label);
        written
    }
}

impl Publisher for Bundles {
    type Version = Vec<FoundConfiguration>;
    type Error = PublishError;

    async fn read(&self) -> Result<Found<Vec<FoundConfiguration>>, PublishError> {
        let mut found = Vec::with_capacity(self.configurations.len());
        for configuration in &self.configurations {
            let object = configuration.read().await?;
            self.disown(configuration, &object).await;
            found.push(object);
        }
        let entries = found.iter().flat_map(FoundConfiguration::entries).collect();
        Ok(Found {
            published: if found.is_empty() {
                Published::WithTheAuthority
            } else {
                Published::At(entries)
            },
            version: found,
        })
    }

    async fn write(
        &self,
        bundle: &Wanted,
        found: Vec<FoundConfiguration>,
    ) -> Result<Written, PublishError> {
        for (configuration, found) in self.configurations.iter().zip(&found) {
            let is_right =
                |entry: oncue_webhook_certs::Entry| !entry.is_ours || bundle.is(&entry.bundle);
            if found.entries().all(is_right) {
                continue;
            }
            let written = self.write_one(configuration, (found, bundle)).await?;
            if written == Written::Raced {
                return Ok(written);
            }
        }
        Ok(Written::Done)
    }
}
