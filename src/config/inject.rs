//! The section `inject`: settings of the injected container and of the annotations.

use std::{
    fmt, fs, io,
    net::{IpAddr, SocketAddr},
    path::PathBuf,
};

use clap::Args;
use serde::Deserialize;

use super::{
    error::ConfigError,
    identity::{Identity, KubernetesIdentity},
    object::{ObjectName, ObjectRef},
    overlay::overlay,
    text::{from_text, from_texts},
};
use crate::{
    injection::{
        Controller, Image, NonRootUser, Proof, PullPolicy, Requirement, Resources, Scope, Settings,
        StoreAddress,
    },
    language::{
        Keys, Namespace, SyntaxError,
        annotation::{BareKeys, KeysError},
    },
};

/// Settings of the injected container and of the annotations. `None` means the default.
#[derive(Args, Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
#[command(next_help_heading = "Injection")]
pub(crate) struct InjectSettings {
    /// Image of the injected container, preferably by digest [default: that of this version]
    #[arg(
        long = "inject-image",
        env = "ONCUE_INJECT_IMAGE",
        value_name = "IMAGE"
    )]
    image: Option<String>,

    /// Pull policy of the image, such as `IfNotPresent` [default: the cluster's]
    #[arg(
        long = "inject-pull-policy",
        env = "ONCUE_INJECT_PULL_POLICY",
        value_name = "POLICY"
    )]
    #[serde(deserialize_with = "from_text")]
    pull_policy: Option<PullPolicy>,

    /// Pull secrets for the image [default: none]
    #[arg(
        long = "inject-pull-secrets",
        env = "ONCUE_INJECT_PULL_SECRETS",
        value_delimiter = ',',
        value_name = "NAME"
    )]
    pull_secrets: Option<Vec<String>>,

    /// URL of the store for pods [default: the address of --http, with https:// if its store has
    /// --identity kubernetes, and http:// otherwise]
    #[arg(
        long = "inject-store-url",
        env = "ONCUE_INJECT_STORE_URL",
        value_name = "URL"
    )]
    store_url: Option<String>,

    /// IP address of the store, for pods that cannot resolve cluster names [default: none]
    #[arg(
        long = "inject-store-ip",
        env = "ONCUE_INJECT_STORE_IP",
        value_name = "IP"
    )]
    store_ip: Option<IpAddr>,

    /// Service whose `ClusterIP` is that address, in the namespace --inject-own-namespace
    /// [default: none]
    #[arg(
        long = "inject-store-service",
        env = "ONCUE_INJECT_STORE_SERVICE",
        value_name = "NAME"
    )]
    store_service: Option<ObjectName>,

    /// PEM file of the certificate authority of the store [default: none]
    #[arg(
        long = "inject-store-ca",
        env = "ONCUE_INJECT_STORE_CA",
        value_name = "FILE"
    )]
    store_ca: Option<PathBuf>,

    /// Whether pods get a token that proves to the store who they are; the store's URL has to be
    /// https:// then [default: true with --identity kubernetes, else false]
    #[arg(
        long = "inject-identity",
        env = "ONCUE_INJECT_IDENTITY",
        value_name = "BOOL"
    )]
    identity: Option<bool>,

    /// Requests and limits of the injected container, such as
    /// `requests.cpu=20m,limits.memory=128Mi` [default: requests 10m and 32Mi, limits 200m and
    /// 64Mi]
    #[arg(
        long = "inject-resources",
        env = "ONCUE_INJECT_RESOURCES",
        value_name = "RESOURCES"
    )]
    resources: Option<String>,

    /// User ID of the injected container, from 1 [default: the pod's, or 65532 for root]
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

    /// Also read `depends-on` and `signals` without the prefix [default: true]
    #[arg(
        long = "inject-bare-keys",
        env = "ONCUE_INJECT_BARE_KEYS",
        value_name = "BOOL"
    )]
    bare_keys: Option<bool>,

    /// Whether a controller runs beside the store that pods are sent to [default: false]
    #[arg(
        id = "inject_controller",
        long = "inject-controller",
        env = "ONCUE_INJECT_CONTROLLER",
        value_name = "BOOL"
    )]
    controller: Option<bool>,

    /// Whether the controller opens scheduling gates; without it, `depends-on-mode: gate` is
    /// rejected [default: true]
    #[arg(long = "inject-gates", env = "ONCUE_INJECT_GATES", value_name = "BOOL")]
    gates: Option<bool>,

    /// Whether the controller may read Secrets; without it, a term such as `secret:x` is a warning
    /// [default: true]
    #[arg(
        long = "inject-secrets",
        env = "ONCUE_INJECT_SECRETS",
        value_name = "BOOL"
    )]
    secrets: Option<bool>,

    /// Namespace of oncue's own pods, which oncue never injects [default: none]
    #[arg(
        long = "inject-own-namespace",
        env = "ONCUE_INJECT_OWN_NAMESPACE",
        value_name = "NAMESPACE"
    )]
    #[serde(deserialize_with = "from_text")]
    own_namespace: Option<Namespace>,

    /// Other namespaces that the API server's call of the webhook excludes [default: kube-system
    /// and kube-node-lease]
    #[arg(
        long = "inject-excluded-namespaces",
        env = "ONCUE_INJECT_EXCLUDED_NAMESPACES",
        value_delimiter = ',',
        value_name = "NAMESPACE"
    )]
    #[serde(deserialize_with = "from_texts")]
    excluded_namespaces: Option<Vec<Namespace>>,

    /// Other expressions of the namespaceSelector of that call; only in the file.
    #[arg(skip)]
    namespace_selector: Option<Vec<Requirement>>,
}

impl InjectSettings {
    /// Returns these settings, with unset ones taken from `below`.
    #[must_use]
    pub(crate) fn over(self, below: Self) -> Self {
        overlay!(self over below:
            image, pull_policy, pull_secrets, store_url, store_ip, store_service, store_ca,
            identity, resources, run_as_user, prefix, bare_keys, controller, gates, secrets,
            own_namespace,
            excluded_namespaces, namespace_selector;)
    }

    /// Returns the Service whose `ClusterIP` is the store's address, if one is set.
    pub(crate) fn store_service(&self) -> Result<Option<ObjectRef>, ConfigError> {
        let Some(service) = &self.store_service else {
            return Ok(None);
        };
        if self.store_ip.is_some() {
            return Err(ConfigError::TwoStoreAddresses);
        }
        self.own_object("--inject-store-service", service.clone())
            .map(Some)
    }

    /// Returns the object `name` of the flag `flag`, in our own namespace.
    pub(super) fn own_object(
        &self,
        flag: &'static str,
        name: ObjectName,
    ) -> Result<ObjectRef, ConfigError> {
        let namespace = self.own_namespace.clone();
        let namespace = namespace.ok_or(ConfigError::NoOwnNamespace { flag })?;
        Ok(ObjectRef { namespace, name })
    }

    /// Returns how annotation keys are written.
    pub(crate) fn keys(&self) -> Result<Keys, InjectError> {
        Ok(keys(self.prefix.as_deref(), self.bare_keys)?)
    }

    /// Returns whether the controller opens gates, if one runs.
    pub(crate) fn opens_gates(&self) -> bool {
        self.gates.unwrap_or(true)
    }

    /// Returns these settings for pods that use a store with this identity: they get a token if it asks
    /// for one.
    pub(super) fn for_store_with(self, identity: &Identity) -> Result<Self, ConfigError> {
        let Identity::Kubernetes(KubernetesIdentity { accepts_plain, .. }) = identity else {
            return Ok(self);
        };
        let has_no_token = self.identity == Some(false) && self.store_url.is_none();
        if has_no_token && !accepts_plain {
            return Err(ConfigError::NoTokenForPods);
        }
        let identity = self.identity.or(Some(true));
        Ok(Self { identity, ..self })
    }

    /// Reads the files and fills in the defaults. Pods reach the store at `origin`, unless a URL is set.
    /// Values that only the cluster knows stay unset.
    pub(crate) fn resolve(self, origin: impl Into<StoreOrigin>) -> Result<Settings, InjectError> {
        let controller = match (self.controller.unwrap_or_default(), self.opens_gates()) {
            (true, true) => Controller::Present,
            (true, false) => Controller::WithoutGates,
            (false, _) => Controller::Absent,
        };
        let Self {
            image,
            pull_policy,
            pull_secrets,
            store_url,
            store_ip,
            store_service: _,
            store_ca,
            identity,
            resources,
            run_as_user,
            prefix,
            bare_keys,
            controller: _,
            gates: _,
            secrets,
            own_namespace,
            excluded_namespaces,
            namespace_selector,
        } = self;
        let image = Image {
            reference: image.unwrap_or_else(|| DEFAULT_IMAGE.to_owned()),
            pull_policy,
            pull_secrets: pull_secrets.unwrap_or_default(),
        };
        let store = StoreAddress {
            url: store_url.unwrap_or_else(|| origin.into().to_string()),
            fallback_ip: store_ip,
            ca_pem: store_ca.map(read_ca).transpose()?,
        };
        let proof = match identity {
            Some(true) => Proof::Token,
            Some(false) | None => Proof::None,
        };
        check_transport(proof, &store.url)?;
        Ok(Settings {
            proof,
            keys: keys(prefix.as_deref(), bare_keys)?,
            resources: Resources::default().with(resources.as_deref().unwrap_or_default())?,
            run_as_user,
            controller,
            reads_secrets: secrets.unwrap_or(true),
            own_namespace,
            scope: scope(excluded_namespaces, namespace_selector),
            ..Settings::new(image, store)
        })
    }
}

/// Where a store listens, and how pods speak to it. Prints as a URL.
#[derive(Clone, Copy, Debug)]
pub(crate) enum StoreOrigin {
    Plain(SocketAddr),
    Tls(SocketAddr),
}

impl From<SocketAddr> for StoreOrigin {
    fn from(address: SocketAddr) -> Self {
        Self::Plain(address)
    }
}

impl fmt::Display for StoreOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(address) => write!(f, "http://{address}"),
            Self::Tls(address) => write!(f, "https://{address}"),
        }
    }
}

fn scope(excluded: Option<Vec<Namespace>>, selector: Option<Vec<Requirement>>) -> Scope {
    let selector = selector.unwrap_or_default();
    match excluded {
        Some(excluded) => Scope::new(excluded, selector),
        None => Scope::default().with(selector),
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

fn check_transport(proof: Proof, url: &str) -> Result<(), InjectError> {
    if proof == Proof::None || url.starts_with("https://") {
        return Ok(());
    }
    Err(InjectError::TokenInPlainText {
        url: url.to_owned(),
    })
}

fn read_ca(path: PathBuf) -> Result<String, InjectError> {
    fs::read_to_string(&path).map_err(|source| InjectError::ReadCa { path, source })
}

/// An error in the section `inject`.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InjectError {
    /// The prefix is invalid.
    #[error("--inject-prefix")]
    Prefix(#[from] KeysError),
    /// The authority's certificate cannot be read.
    #[error("--inject-store-ca: failed to read {}", .path.display())]
    ReadCa {
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Everyone on the way would see the tokens.
    #[error(
        "--inject-identity: pods send their tokens over TLS only, but the store is at {url}: set \
         --inject-store-url to its https:// URL"
    )]
    TokenInPlainText { url: String },
    /// The resources are invalid.
    #[error("--inject-resources")]
    Resources(#[from] SyntaxError),
}

const DEFAULT_IMAGE: &str = concat!("ghcr.io/oncue-dev/oncue-client:", env!("CARGO_PKG_VERSION"));
