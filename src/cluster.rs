//! The Kubernetes API, as its client.
//!
//! | module | what it holds |
//! | --- | --- |
//! | `kubeconfig` | [`WhichCluster`] is meant, and where it is [`Found`] |
//! | `connection` | [`connect`] to it |
//! | `call` | [`call`], one request with a deadline, and [`ApiError`], why it failed |
//! | `annotation` | [`annotate`], one annotation of one very pod |
//! | `authority_secret` | [`AuthoritySecret`], the certificate authority that replicas share |
//! | `tls_secret` | [`TlsSecret`], a certificate that cert-manager or a person put into a Secret |
//! | `webhook_configuration` | [`WebhookConfiguration`], what the API server verifies the webhook with |
//! | `service` | [`cluster_ip`] of a Service |
//! | `live` | objects as they are in the cluster, as raw JSON |
//! | `objects` | [`states`] of the objects that terms ask for, read once |
//! | `resource` | [`Resource`], a kind of object as the API and `kubectl` name it |
//! | `configuration` | the settings of the oncue that is installed there |
//! | `published_ca` | [`published_ca`], the CA of the oncue that is installed there |
//! | `operator_token` | [`operator_token`], by which its store knows an operator |
//! | `served_kind` | [`find_kind`], how the API server serves a kind that is watched |
//! | `signals` | [`Signals`], assertions as objects |
//! | `storage` | [`Storage`], where an installation keeps its variables |
//! | `store_pod` | [`StorePods`], the way to its store |
//! | `observations` | [`Observations`], the objects of one kind as a watch shows them |
//! | `watch_failure` | [`WatchFailure`], why they cannot be watched |
//! | `watching` | [`Watching`], what all watches share |
//! | `token_review` | [`review_token`], whose token it is |
//! | `tunnel` | [`Tunnel`], a port of this machine that leads there |

mod annotation;
mod authority_secret;
mod call;
mod configuration;
mod connection;
mod kubeconfig;
mod live;
#[cfg(test)]
mod mock;
mod objects;
mod observations;
mod operator_token;
mod published_ca;
mod resource;
mod served_kind;
mod service;
mod signals;
mod storage;
mod store_pod;
mod tls_secret;
mod token_review;
mod tunnel;
mod watch_failure;
mod watching;
mod webhook_configuration;
mod write;

#[cfg(test)]
pub(crate) mod fake;
#[cfg(test)]
mod tests;

pub(crate) use self::{
    annotation::annotate,
    authority_secret::{AuthoritySecret, SecretError},
    call::{ApiError, call, call_within},
    configuration::{Configuration, ConfigurationError, configuration},
    connection::{ConnectError, connect, connect_to},
    kubeconfig::{Found, WhichCluster},
    live::{Listed, Part, Place, Question, Unlisted, find, get, list, list_all},
    objects::states,
    observations::{Observation, Observations, Watched, object_json, resource},
    operator_token::{OperatorTokenError, operator_token},
    published_ca::{PublishedCaError, published_ca},
    resource::{NoWorkload, Resource},
    served_kind::find as find_kind,
    service::cluster_ip,
    signals::{ReadSignals, Signals, StoredSignal, manifest},
    storage::{FoundStorage, Secured, Storage, find_storage},
    store_pod::{StoreError, StorePods},
    tls_secret::{TlsSecret, TlsSecretError},
    token_review::review_token,
    tunnel::{Tunnel, TunnelError},
    watch_failure::WatchFailure,
    watching::{
        WATCH_SECONDS, WatchEvents, Watching, watch_error_text, watch_retry_after, watch_status,
    },
    webhook_configuration::{
        FoundConfiguration, PublishError, WebhookConfiguration, configurations,
    },
    write::{Verb, Write, WriteError},
};

/// The owner of the fields that the webhook writes, as the API server notes it.
const FIELD_MANAGER: &str = "oncue-webhook";
