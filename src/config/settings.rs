//! Every setting of `oncue serve`: its flag, its environment variable and its key in the file.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use clap::Args;
use rustls::pki_types::ServerName;
use serde::Deserialize;

use super::{
    identity::IdentityKind,
    inject::InjectSettings,
    log_format::LogFormat,
    object::ObjectName,
    overlay::overlay,
    role::{Role, StoreKind},
    text::{duration, from_text, server_name, server_names, text_duration},
};
use crate::{
    cross_namespace::CrossNamespace,
    language::Namespace,
    memory::{ByteSize, MemoryLimit},
};

/// Every setting of `oncue serve`. `None` means the default.
///
/// One definition makes the flag `--NAME`, the environment variable `ONCUE_NAME` and the file's
/// key `NAME`.
#[derive(Args, Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub(crate) struct ServeSettings {
    /// Roles of this process: store, webhook and controller [default: store,webhook]
    #[arg(long, env = "ONCUE_ROLES", value_delimiter = ',', value_name = "ROLE")]
    pub(super) roles: Option<Vec<Role>>,

    /// Folder of the store and of the certificate authority [default: oncue-data]
    #[arg(long, env = "ONCUE_DATA", value_name = "DIR")]
    pub(super) data: Option<PathBuf>,

    /// Backend that keeps the variables [default: embedded]
    #[arg(long, env = "ONCUE_STORE", value_enum)]
    pub(super) store: Option<StoreKind>,

    /// Lease whose holder leads several replicas of the store, in the namespace
    /// --inject-own-namespace [default: none; there is one replica]
    #[arg(long, env = "ONCUE_LEASE", value_name = "NAME")]
    pub(super) lease: Option<ObjectName>,

    /// What pods may ask about other namespaces: `open` (their variables, and the readiness of their
    /// pods, Services and workloads) or `annotated` (nothing). A namespace permits more with the
    /// annotation `oncue.dev/readable-from` [default: open]
    #[arg(long, env = "ONCUE_CROSS_NAMESPACE", value_name = "POLICY")]
    #[serde(deserialize_with = "from_text")]
    pub(super) cross_namespace: Option<CrossNamespace>,

    /// Namespaces about which all others may ask as if --cross-namespace were `open`, such as
    /// `kube-system` [default: none]
    #[arg(
        long,
        env = "ONCUE_READABLE_BY_ALL",
        value_delimiter = ',',
        value_name = "NAMESPACE"
    )]
    pub(super) readable_by_all: Option<Vec<Namespace>>,

    /// Address of the store [default: 127.0.0.1:9999]
    #[arg(long, env = "ONCUE_HTTP", value_name = "ADDRESS")]
    pub(super) http: Option<SocketAddr>,

    /// How the store learns who calls: `kubernetes` (tokens of service accounts, over TLS; injected pods
    /// get one) or `none` [default: none]
    #[arg(
        id = "store_identity",
        long = "identity",
        env = "ONCUE_IDENTITY",
        value_enum,
        value_name = "IDENTITY"
    )]
    pub(super) identity: Option<IdentityKind>,

    /// `ServiceAccount` whose tokens may do everything in the store, in the namespace
    /// --inject-own-namespace [default: none]
    #[arg(long, env = "ONCUE_OPERATOR", value_name = "NAME")]
    pub(super) operator: Option<ObjectName>,

    /// Whether pods that were injected before the store had an identity may wait and signal over
    /// plain HTTP [default: false]
    #[arg(long, env = "ONCUE_ACCEPT_PLAIN", value_name = "BOOL")]
    pub(super) accept_plain: Option<bool>,

    /// Namespaces in which anyone may ask for variables and create them over plain HTTP
    /// [default: none]
    #[arg(
        long,
        env = "ONCUE_PLAIN_NAMESPACES",
        value_delimiter = ',',
        value_name = "NAMESPACE"
    )]
    pub(super) plain_namespaces: Option<Vec<Namespace>>,

    /// Whether a store that does not learn who calls may listen beyond loopback: then anyone who
    /// reaches it may create and delete variables in every namespace [default: false]
    #[arg(
        long,
        env = "ONCUE_ANYONE_MAY_SIGNAL",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        value_name = "BOOL"
    )]
    pub(super) anyone_may_signal: Option<bool>,

    /// Address of the webhook, over TLS [default: 127.0.0.1:8443]
    #[arg(long, env = "ONCUE_WEBHOOK", value_name = "ADDRESS")]
    pub(super) webhook: Option<SocketAddr>,

    /// Names and IP addresses in the webhook's certificate [default: those of loopback]
    #[arg(long, env = "ONCUE_WEBHOOK_NAME", value_delimiter = ',', value_name = "NAME", value_parser = server_name)]
    #[serde(deserialize_with = "server_names")]
    pub(super) webhook_name: Option<Vec<ServerName<'static>>>,

    /// Secret with the certificate authority, in the namespace --inject-own-namespace
    /// [default: none; files in --data]
    #[arg(long, env = "ONCUE_CA_SECRET", value_name = "NAME")]
    pub(super) ca_secret: Option<ObjectName>,

    /// Secret with a certificate that something else issues, such as cert-manager: tls.crt, tls.key
    /// and ca.crt, in the namespace --inject-own-namespace [default: none]
    #[arg(long, env = "ONCUE_TLS_SECRET", value_name = "NAME")]
    pub(super) tls_secret: Option<ObjectName>,

    /// PEM file with a certificate that something else issues; it is read again when its content
    /// changes [default: none]
    #[arg(long, env = "ONCUE_TLS_CERT", value_name = "FILE")]
    pub(super) tls_cert: Option<PathBuf>,

    /// PEM file with the key of --tls-cert [default: none]
    #[arg(long, env = "ONCUE_TLS_KEY", value_name = "FILE")]
    pub(super) tls_key: Option<PathBuf>,

    /// PEM file with the certificate authority of --tls-cert [default: none]
    #[arg(long, env = "ONCUE_TLS_CA", value_name = "FILE")]
    pub(super) tls_ca: Option<PathBuf>,

    /// Names and IP addresses in the store's certificate; the store then also speaks TLS, under the
    /// webhook's certificate authority [default: with --identity kubernetes, those of loopback and
    /// the address of --http; else none, and plain HTTP only]
    #[arg(long, env = "ONCUE_STORE_NAME", value_delimiter = ',', value_name = "NAME", value_parser = server_name)]
    #[serde(deserialize_with = "server_names")]
    pub(super) store_name: Option<Vec<ServerName<'static>>>,

    /// Time for which a certificate of the certificate authority is valid; short ones are for tests
    /// [default: 10 years]
    #[arg(long, env = "ONCUE_AUTHORITY_VALIDITY", value_name = "DURATION", value_parser = duration)]
    #[serde(deserialize_with = "text_duration")]
    pub(super) authority_validity: Option<Duration>,

    /// Time for which a certificate of the webhook or the store is valid; short ones are for tests
    /// [default: 7 days]
    #[arg(long, env = "ONCUE_LEAF_VALIDITY", value_name = "DURATION", value_parser = duration)]
    #[serde(deserialize_with = "text_duration")]
    pub(super) leaf_validity: Option<Duration>,

    /// Lease whose holder writes the certificate authority and the caBundle, if there are several
    /// webhooks, in the namespace --inject-own-namespace [default: none; each may write]
    #[arg(long, env = "ONCUE_WEBHOOK_LEASE", value_name = "NAME")]
    pub(super) webhook_lease: Option<ObjectName>,

    /// `MutatingWebhookConfiguration` to write the caBundle to, in the entries that point to this
    /// webhook [default: none]
    #[arg(long, env = "ONCUE_WEBHOOK_CONFIGURATION", value_name = "NAME")]
    pub(super) webhook_configuration: Option<ObjectName>,

    /// `ValidatingWebhookConfiguration` to write the caBundle to, in the entries that point to this
    /// webhook [default: none]
    #[arg(
        long,
        env = "ONCUE_VALIDATING_WEBHOOK_CONFIGURATION",
        value_name = "NAME"
    )]
    pub(super) validating_webhook_configuration: Option<ObjectName>,

    /// Reject workloads with wrong annotations instead of warning [default: false]
    #[arg(long, env = "ONCUE_LINT_STRICT", value_name = "BOOL")]
    pub(super) lint_strict: Option<bool>,

    /// Address of health checks and metrics [default: 127.0.0.1:9998]
    #[arg(long, env = "ONCUE_ADMIN", value_name = "ADDRESS")]
    pub(super) admin: Option<SocketAddr>,

    /// Memory limit of the process, such as 512Mi; it is split into budgets [default: the limit of
    /// the cgroup, else 1Gi]
    #[arg(long, env = "ONCUE_MEMORY_LIMIT", value_name = "BYTES")]
    pub(super) memory_limit: Option<ByteSize>,

    /// Time to continue serving after SIGTERM, such as 8s [default: 0s]
    #[arg(long, env = "ONCUE_LINGER", value_name = "DURATION", value_parser = duration)]
    #[serde(deserialize_with = "text_duration")]
    pub(super) linger: Option<Duration>,

    /// Log levels, such as `debug` or `info,oncue::webhook=debug` [default: `$RUST_LOG`, else info]
    #[arg(long, env = "ONCUE_LOG", value_name = "FILTER")]
    pub(super) log: Option<String>,

    /// Log format [default: text]
    #[arg(long, env = "ONCUE_LOG_FORMAT", value_enum)]
    pub(super) log_format: Option<LogFormat>,

    #[command(flatten)]
    pub(super) inject: InjectSettings,
}

impl ServeSettings {
    /// Returns these settings, with unset ones taken from `below`.
    #[must_use]
    pub(crate) fn over(self, below: Self) -> Self {
        overlay!(self over below:
            roles, data, store, lease, cross_namespace, readable_by_all, http, identity, operator,
            accept_plain, plain_namespaces, anyone_may_signal, webhook, webhook_name, ca_secret,
            tls_secret, tls_cert, tls_key, tls_ca, store_name, authority_validity, leaf_validity,
            webhook_lease, webhook_configuration, validating_webhook_configuration, lint_strict,
            admin, memory_limit, linger, log, log_format;
            inject)
    }

    /// Sets the memory limit that holds for this process, unless one is set; returns it.
    pub(crate) fn find_memory_limit(&mut self) -> MemoryLimit {
        let limit = MemoryLimit::find(self.memory_limit);
        self.memory_limit = Some(limit.size);
        limit
    }

    /// Returns the log levels.
    pub(crate) fn log(&self) -> Option<&str> {
        self.log.as_deref()
    }

    pub(crate) fn log_format(&self) -> LogFormat {
        self.log_format.unwrap_or_default()
    }
}
