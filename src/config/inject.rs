//! The section `inject`: what the webhook injects.

use std::{
    fs, io,
    net::{IpAddr, SocketAddr},
    path::PathBuf,
};

use clap::Args;
use serde::Deserialize;

use super::{
    ConfigError,
    object::{ObjectName, ObjectRef},
    settings::{from_text, overlay},
};
use crate::{
    injection::{Image, NonRootUser, PullPolicy, Resources, Settings, StoreAddress},
    language::{
        Keys, Namespace, SyntaxError,
        annotation::{BareKeys, KeysError},
    },
};

/// What the webhook injects; absent where the default holds.
#[derive(Args, Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
#[command(next_help_heading = "What is injected")]
pub struct InjectSettings {
    /// Image of the injected container, best by digest [default: the one of this version]
    #[arg(
        long = "inject-image",
        env = "ONCUE_INJECT_IMAGE",
        value_name = "IMAGE"
    )]
    image: Option<String>,

    /// When the kubelet pulls it, such as `IfNotPresent` [default: the cluster's]
    #[arg(
        long = "inject-pull-policy",
        env = "ONCUE_INJECT_PULL_POLICY",
        value_name = "POLICY"
    )]
    #[serde(deserialize_with = "from_text")]
    pull_policy: Option<PullPolicy>,

    /// Secrets to pull it with [default: none]
    #[arg(
        long = "inject-pull-secrets",
        env = "ONCUE_INJECT_PULL_SECRETS",
        value_delimiter = ',',
        value_name = "NAME"
    )]
    pull_secrets: Option<Vec<String>>,

    /// URL of the store as pods reach it [default: http:// and the address of --http]
    #[arg(
        long = "inject-store-url",
        env = "ONCUE_INJECT_STORE_URL",
        value_name = "URL"
    )]
    store_url: Option<String>,

    /// Address of the store for pods that resolve no cluster names [default: none]
    #[arg(
        long = "inject-store-ip",
        env = "ONCUE_INJECT_STORE_IP",
        value_name = "IP"
    )]
    store_ip: Option<IpAddr>,

    /// Service of the store, in the namespace of --inject-own-namespace: its `ClusterIP` is that
    /// address [default: none]
    #[arg(
        long = "inject-store-service",
        env = "ONCUE_INJECT_STORE_SERVICE",
        value_name = "NAME"
    )]
    store_service: Option<ObjectName>,

    /// PEM file of the authority of the store's certificate [default: none]
    #[arg(
        long = "inject-store-ca",
        env = "ONCUE_INJECT_STORE_CA",
        value_name = "FILE"
    )]
    store_ca: Option<PathBuf>,

    /// Requests and limits, such as `requests.cpu=20m,limits.memory=128Mi`
    /// [default: 10m to 200m CPU, 32Mi to 64Mi memory]
    #[arg(
        long = "inject-resources",
        env = "ONCUE_INJECT_RESOURCES",
        value_name = "RESOURCES"
    )]
    resources: Option<String>,

    /// User of the injected container, never root [default: the pod's]
    #[arg(
        long = "inject-run-as-user",
        env = "ONCUE_INJECT_RUN_AS_USER",
        value_name = "UID"
    )]
    run_as_user: Option<NonRootUser>,

    /// Prefix of the annotations [default: oncue.dev]
    #[arg(
        long = "inject-prefix",
        env = "ONCUE_INJECT_PREFIX",
        value_name = "PREFIX"
    )]
    prefix: Option<String>,

    /// Whether `depends-on` and `signals` are also read without the prefix [default: true]
    #[arg(
        long = "inject-bare-keys",
        env = "ONCUE_INJECT_BARE_KEYS",
        value_name = "BOOL"
    )]
    bare_keys: Option<bool>,

    /// Namespace of oncue's own pods, which are never injected [default: none]
    #[arg(
        long = "inject-own-namespace",
        env = "ONCUE_INJECT_OWN_NAMESPACE",
        value_name = "NAMESPACE"
    )]
    #[serde(deserialize_with = "from_text")]
    own_namespace: Option<Namespace>,
}

impl InjectSettings {
    /// Returns these settings, and those of `below` where these say nothing.
    #[must_use]
    pub fn over(self, below: Self) -> Self {
        overlay!(self over below:
            image, pull_policy, pull_secrets, store_url, store_ip, store_service, store_ca,
            resources, run_as_user, prefix, bare_keys, own_namespace;)
    }

    /// Returns the Service whose address the store's has to be read from, where one is set.
    pub fn store_service(&self) -> Result<Option<ObjectRef>, ConfigError> {
        let Some(service) = &self.store_service else {
            return Ok(None);
        };
        if self.store_ip.is_some() {
            return Err(ConfigError::TwoStoreAddresses);
        }
        self.own_object("--inject-store-service", service.clone())
            .map(Some)
    }

    /// Returns the object that the flag `flag` names, in our own namespace.
    pub(super) fn own_object(
        &self,
        flag: &'static str,
        name: ObjectName,
    ) -> Result<ObjectRef, ConfigError> {
        let namespace = self.own_namespace.clone();
        let namespace = namespace.ok_or(ConfigError::NoOwnNamespace { flag })?;
        Ok(ObjectRef { namespace, name })
    }

    /// Fills in the defaults, among them the address where the store listens, and reads the files.
    /// What only the cluster knows is left open.
    pub fn resolve(self, http: SocketAddr) -> Result<Settings, InjectError> {
        let Self {
            image,
            pull_policy,
            pull_secrets,
            store_url,
            store_ip,
            store_service: _,
            store_ca,
            resources,
            run_as_user,
            prefix,
            bare_keys,
            own_namespace,
        } = self;
        let image = Image {
            reference: image.unwrap_or_else(|| DEFAULT_IMAGE.to_owned()),
            pull_policy,
            pull_secrets: pull_secrets.unwrap_or_default(),
        };
        let store = StoreAddress {
            url: store_url.unwrap_or_else(|| format!("http://{http}")),
            fallback_ip: store_ip,
            ca_pem: store_ca.map(read_ca).transpose()?,
        };
        Ok(Settings {
            keys: keys(prefix.as_deref(), bare_keys)?,
            resources: Resources::default().with(resources.as_deref().unwrap_or_default())?,
            run_as_user,
            own_namespace,
            ..Settings::new(image, store)
        })
    }
}

fn keys(prefix: Option<&str>, bare_keys: Option<bool>) -> Result<Keys, KeysError> {
    let defaults = Keys::default();
    let bare = match bare_keys {
        None => defaults.bare(),
        Some(true) => BareKeys::Read,
        Some(false) => BareKeys::Ignored,
    };
    Keys::new(prefix.unwrap_or(defaults.prefix()), bare)
}

fn read_ca(path: PathBuf) -> Result<String, InjectError> {
    fs::read_to_string(&path).map_err(|source| InjectError::ReadCa { path, source })
}

/// Why settings of the section `inject` do not hold.
#[derive(Debug, thiserror::Error)]
pub enum InjectError {
    /// A prefix that is none.
    #[error("--inject-prefix")]
    Prefix(#[from] KeysError),
    /// The authority's certificate cannot be read.
    #[error("--inject-store-ca: failed to read {}", .path.display())]
    ReadCa {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Resources that are none.
    #[error("--inject-resources")]
    Resources(#[from] SyntaxError),
}

const DEFAULT_IMAGE: &str = concat!("ghcr.io/oncue-dev/oncue-client:", env!("CARGO_PKG_VERSION"));
