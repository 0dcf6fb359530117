//! Settings from flags, environment and one file.
//!
//! | module | what it holds |
//! | --- | --- |
//! | [`settings`] | [`ServeSettings`]: every flag, its environment variable and its key in the file |
//! | [`inject`] | [`InjectSettings`], the section `inject` |
//! | `certificates` | [`CertificatePlace`], where certificates come from |
//! | `identity` | [`Identity`], how the store learns who calls |
//! | `log_format` | [`LogFormat`] |
//! | `object` | [`ObjectName`], [`ObjectRef`], [`ConfigurationRef`], what objects of a cluster are called |
//! | [`role`] | [`Role`], what a process does |
//! | [`file`](mod@file) | the file: YAML or JSON, errors with their place |
//!
//! A flag wins over its environment variable, that over the file, and the file over the default.

mod certificates;
mod error;
pub(crate) mod file;
mod identity;
pub(crate) mod inject;
mod log_format;
mod object;
mod overlay;
pub(crate) mod role;
pub(crate) mod settings;
mod text;

#[cfg(test)]
mod tests;

use std::{
    collections::BTreeSet,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use oncue_webhook_certs::Profile;
use rustls::pki_types::ServerName;

use self::{
    certificates::Sources,
    identity::{IdentitySettings, check_reach},
};
use crate::{
    cross_namespace::{CrossNamespace, Policy},
    language::Namespace,
    memory::{MemoryLimit, MemoryPlan},
    webhook::Strictness,
};

pub(crate) use self::{
    certificates::{CertificatePlace, TlsFiles},
    error::ConfigError,
    identity::{Identity, KubernetesIdentity},
    inject::{InjectError, InjectSettings, StoreOrigin},
    log_format::LogFormat,
    object::{ConfigurationKind, ConfigurationRef, ObjectName, ObjectRef},
    role::{Role, StoreKind},
    settings::ServeSettings,
    text::from_text,
};

/// What `oncue serve` does, with every default filled in.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    /// What the process does.
    pub roles: BTreeSet<Role>,
    /// The folder that belongs to it.
    pub data: PathBuf,
    /// What keeps the variables.
    pub store: StoreKind,
    /// The Lease whose holder leads the replicas of the store; `None` if there is one replica.
    pub lease: Option<ObjectRef>,
    /// What a namespace shows to namespaces that its annotation does not name.
    pub cross_namespace: CrossNamespace,
    /// The namespaces that all others may read as if that were open.
    pub readable_by_all: Vec<Namespace>,
    /// Where the store listens.
    pub http: SocketAddr,
    /// How the store learns who calls.
    pub identity: Identity,
    /// Whether a store that does not learn who calls may listen beyond loopback.
    pub anyone_may_signal: bool,
    /// Where the webhook listens.
    pub webhook: SocketAddr,
    /// Where health and metrics are served.
    pub admin: SocketAddr,
    /// The names in the webhook's certificate.
    pub names: Vec<ServerName<'static>>,
    /// The names in the store's certificate; empty if it speaks plain HTTP only.
    pub store_names: Vec<ServerName<'static>>,
    /// Where the certificates come from.
    pub certificates: CertificatePlace,
    /// What is written into certificates.
    pub profile: Profile,
    /// The Lease whose holder writes the certificate authority; `None` if each webhook may.
    pub webhook_lease: Option<ObjectRef>,
    /// The webhook configurations in which the authority is published.
    pub webhook_configurations: Vec<ConfigurationRef>,
    /// The Service whose `ClusterIP` is the store's address without DNS.
    pub store_service: Option<ObjectRef>,
    /// Whether workloads with wrong annotations are denied.
    pub lint: Strictness,
    /// How the memory that the process may take is split.
    pub memory: MemoryPlan,
    /// For how long requests are served after the process stopped being ready.
    pub linger: Duration,
    /// For whom logs are written.
    pub log_format: LogFormat,
    /// What is injected; it depends on where the store comes to listen.
    pub inject: InjectSettings,
}

impl Config {
    /// Fills in the defaults, and sees that what is set goes together.
    pub(crate) fn resolve(settings: ServeSettings) -> Result<Self, ConfigError> {
        let ServeSettings {
            roles,
            data,
            store,
            lease,
            cross_namespace,
            readable_by_all,
            http,
            identity,
            operator,
            accept_plain,
            plain_namespaces,
            anyone_may_signal,
            webhook,
            webhook_name,
            ca_secret,
            tls_secret,
            tls_cert,
            tls_key,
            tls_ca,
            store_name,
            authority_validity,
            leaf_validity,
            webhook_lease,
            webhook_configuration,
            validating_webhook_configuration,
            lint_strict,
            admin,
            memory_limit,
            linger,
            inject,
            log: _,
            log_format,
        } = settings;
        let webhook = webhook.unwrap_or(DEFAULT_WEBHOOK);
        let roles = roles.map_or_else(|| Role::SERVED.into(), BTreeSet::from_iter);
        if roles.contains(&Role::Controller) && !roles.contains(&Role::Store) {
            return Err(ConfigError::ControllerWithoutStore);
        }
        let store = store.unwrap_or_default();
        if roles.contains(&Role::Store) && store == StoreKind::Kubernetes && lease.is_none() {
            return Err(ConfigError::NoLease);
        }
        let memory_limit = memory_limit.unwrap_or(MemoryLimit::DEFAULT);
        let sources = Sources {
            ca_secret: own_object(&inject, "--ca-secret", ca_secret)?,
            tls_secret: own_object(&inject, "--tls-secret", tls_secret)?,
            tls_files: TlsFiles::of(tls_cert, tls_key, tls_ca)?,
        };
        let http = http.unwrap_or(DEFAULT_HTTP);
        let identity = IdentitySettings {
            kind: identity,
            operator,
            accept_plain,
            plain_namespaces,
        };
        let identity = identity.resolve(&inject)?;
        let inject = inject.for_store_with(&identity)?;
        let asks_for_tokens = identity != Identity::None && roles.contains(&Role::Store);
        let own_names = || asks_for_tokens.then(|| own_names(http)).flatten();
        let store_names = store_name.or_else(own_names).unwrap_or_default();
        Ok(Self {
            certificates: sources.place()?,
            data: data.unwrap_or_else(|| DEFAULT_DATA.into()),
            store,
            lease: own_object(&inject, "--lease", lease)?,
            cross_namespace: cross_namespace.unwrap_or_default(),
            readable_by_all: readable_by_all.unwrap_or_default(),
            http,
            identity,
            anyone_may_signal: anyone_may_signal.unwrap_or_default(),
            webhook,
            admin: admin.unwrap_or(DEFAULT_ADMIN),
            names: webhook_name.unwrap_or_else(|| loopback_names(webhook)),
            store_names,
            profile: certificates::profile(authority_validity, leaf_validity)?,
            webhook_lease: own_object(&inject, "--webhook-lease", webhook_lease)?,
            webhook_configurations: [
                (ConfigurationKind::Mutating, webhook_configuration),
                (
                    ConfigurationKind::Validating,
                    validating_webhook_configuration,
                ),
            ]
            .into_iter()
            .filter_map(|(kind, name)| Some(ConfigurationRef { kind, name: name? }))
            .collect(),
            store_service: inject.store_service()?,
            lint: if lint_strict.unwrap_or_default() {
                Strictness::Deny
            } else {
                Strictness::Warn
            },
            memory: MemoryPlan::split(memory_limit, &roles)?,
            roles,
            linger: linger.unwrap_or_default(),
            log_format: log_format.unwrap_or_default(),
            inject,
        })
    }

    /// Returns the same, to be served.
    ///
    /// # Errors
    /// [`ConfigError::NoNamespaces`] if nothing tells which namespaces may be read, and
    /// [`ConfigError::OpenToAnyone`] if others reach a store that does not ask who calls.
    pub(crate) fn for_serving(self) -> Result<Self, ConfigError> {
        if self.has(Role::Store) {
            check_reach(&self.identity, (self.http, self.anyone_may_signal))?;
            if self.identity != Identity::None && self.store_names.is_empty() {
                return Err(ConfigError::NoStoreName { address: self.http });
            }
            let is_annotated = self.cross_namespace == CrossNamespace::Annotated;
            if is_annotated && !self.needs_cluster() {
                return Err(ConfigError::NoNamespaces);
            }
        }
        Ok(self)
    }

    /// Returns whether the process has `role`.
    pub(crate) fn has(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }

    /// Returns the rules for reads of other namespaces.
    pub(crate) fn policy(&self) -> Result<Policy, InjectError> {
        let readable_by_all = self.readable_by_all.iter().cloned();
        let keys = self.inject.keys()?;
        Ok(Policy::new(self.cross_namespace, readable_by_all, &keys))
    }

    /// Returns whether anything is kept in the data folder.
    pub(crate) fn keeps_data(&self) -> bool {
        let store = self.has(Role::Store) && self.store == StoreKind::Embedded;
        let is_in_files = self.certificates == CertificatePlace::Data;
        store || self.needs_certificates() && is_in_files
    }

    /// Returns whether a role asks anything of a cluster.
    pub(crate) fn needs_cluster(&self) -> bool {
        let asks = !self.webhook_configurations.is_empty() || self.store_service.is_some();
        let asks = asks || self.webhook_lease.is_some();
        let certified = self.needs_certificates() && self.certificates.is_in_cluster();
        let is_kept_there = self.lease.is_some() || self.store == StoreKind::Kubernetes;
        let is_kept_there = is_kept_there || self.identity != Identity::None;
        let keeps = self.has(Role::Store) && is_kept_there;
        self.has(Role::Controller) || keeps || certified || self.has(Role::Webhook) && asks
    }

    /// Returns whether the store speaks TLS, beside plain HTTP.
    pub(crate) fn store_speaks_tls(&self) -> bool {
        self.has(Role::Store) && !self.store_names.is_empty()
    }

    /// Returns where pods reach the store, which listens at `address`, unless they are told another URL.
    pub(crate) fn store_origin(&self, address: SocketAddr) -> StoreOrigin {
        let asks_for_tokens = self.has(Role::Store) && self.identity != Identity::None;
        if asks_for_tokens {
            StoreOrigin::Tls(address)
        } else {
            StoreOrigin::Plain(address)
        }
    }

    fn needs_certificates(&self) -> bool {
        self.has(Role::Webhook) || self.store_speaks_tls()
    }
}

fn own_object(
    inject: &InjectSettings,
    flag: &'static str,
    name: Option<ObjectName>,
) -> Result<Option<ObjectRef>, ConfigError> {
    name.map(|name| inject.own_object(flag, name)).transpose()
}

/// Returns the names by which a machine reaches itself, and the address where it listens.
fn loopback_names(address: SocketAddr) -> Vec<ServerName<'static>> {
    let mut names = vec![
        ServerName::try_from("localhost").expect("localhost is a DNS name"),
        ServerName::IpAddress(Ipv4Addr::LOCALHOST.into()),
        ServerName::IpAddress(Ipv6Addr::LOCALHOST.into()),
    ];
    let own = ServerName::IpAddress(address.ip().into());
    if !address.ip().is_unspecified() && !names.contains(&own) {
        names.push(own);
    }
    names
}

/// Returns the names by which clients can verify what listens at `address`; `None` if others reach it,
/// by a name that is not known here.
fn own_names(address: SocketAddr) -> Option<Vec<ServerName<'static>>> {
    (!address.ip().is_unspecified()).then(|| loopback_names(address))
}

const DEFAULT_DATA: &str = "oncue-data";
const DEFAULT_HTTP: SocketAddr = loopback(9999);
const DEFAULT_WEBHOOK: SocketAddr = loopback(8443);
const DEFAULT_ADMIN: SocketAddr = loopback(9998);

const fn loopback(port: u16) -> SocketAddr {
    SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), port)
}
