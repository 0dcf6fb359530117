//! The installation of oncue that a command talks to.

use std::{fs, path::PathBuf};

use anyhow::Context;
use clap::Args;
use oncue_client::{api::Endpoint, environment::Environment};

use super::{
    backend::Backend,
    cluster::{Cluster, ClusterArgs},
    server::{Credentials, Server},
    signals::SignalBackend,
};
use crate::{
    cluster::{Place, Storage},
    language::Namespace,
};

/// How the installation is found, for the help of every command that talks to one.
pub(super) const WHICH_STORE: &str = "\
The command uses the first of: --server; the cluster of --context or --kubeconfig; \
$ONCUE_SERVER; the cluster that kubectl would use; http://127.0.0.1:9999, the default address of \
`oncue serve`. --server always means a store.
In a cluster, variables are Signals (kubectl get signals). The command reads and writes them \
through the Kubernetes API, with your own permissions on signals.oncue.dev.
If the store runs with --store=embedded, or the cluster does not serve signals.oncue.dev, the \
command reaches the store through its pod in --system-namespace. This needs the permissions to \
list pods and to get and create pods/portforward there. If that store asks for tokens, the \
command requests one of the ServiceAccount of oncue's operators, which lasts ten minutes. This \
needs the permissions to create its serviceaccounts/token, and to list \
MutatingWebhookConfigurations, where the CA is. Your own credentials never reach the store.";

/// The store that a command talks to.
#[derive(Args, Clone, Debug)]
pub(super) struct StoreArgs {
    /// URL of the store, such as `http://127.0.0.1:9999` [default: see `oncue vars --help`]
    #[arg(long = "server", value_name = "URL")]
    url: Option<String>,

    /// PEM file with the certificate authority of the store [default: `$ONCUE_CA` for --server, that
    /// of the installation for a cluster]
    #[arg(long = "ca-file", alias = "server-ca", value_name = "FILE")]
    ca: Option<PathBuf>,

    /// File with the token that the store asks for [default: `$ONCUE_TOKEN_FILE` for --server, one of
    /// the operators' account for a cluster]
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,

    #[command(flatten)]
    pub(super) cluster: ClusterArgs,
}

impl StoreArgs {
    /// Opens the way to the installation.
    pub(super) fn open(&self) -> anyhow::Result<Installation> {
        match self.named() {
            Some(Named::Cluster) => self.in_cluster(self.cluster.connect()?),
            Some(Named::Url) => self.at_url(self.cluster.connect_if_named()?),
            None => match self.cluster.find()? {
                Some(cluster) => self.in_cluster(cluster),
                None => self.at_url(None),
            },
        }
    }

    /// Opens the way to the installation in `cluster`, or to the store whose URL is named.
    pub(super) fn open_beside(&self, cluster: &Cluster) -> anyhow::Result<Installation> {
        match self.named() {
            Some(Named::Url) => self.at_url(Some(cluster.clone())),
            Some(Named::Cluster) | None => self.in_cluster(cluster.clone()),
        }
    }

    fn at_url(&self, cluster: Option<Cluster>) -> anyhow::Result<Installation> {
        let endpoint = self.endpoint()?;
        let server = match self.named() {
            Some(_) => Server::at(&endpoint)?,
            None => Server::here(&endpoint)?,
        };
        Ok(Installation {
            backend: Box::new(server),
            namespace: self.cluster.namespace(cluster.as_ref())?,
            cluster,
        })
    }

    fn in_cluster(&self, cluster: Cluster) -> anyhow::Result<Installation> {
        let found = cluster.storage();
        let found = found.with_context(|| {
            format!(
                "failed to find out where oncue keeps its variables in {}",
                cluster.name()
            )
        })?;
        let backend: Box<dyn Backend> = match found.storage {
            Storage::Signals => Box::new(SignalBackend::new(cluster.clone(), found.evidence)),
            Storage::Store => {
                let is_named = self.cluster.is_named();
                let credentials = self.credentials()?;
                Box::new(Server::in_cluster(
                    &cluster,
                    (is_named, &found),
                    credentials,
                )?)
            }
        };
        Ok(Installation {
            backend,
            namespace: self.cluster.namespace(Some(&cluster))?,
            cluster: Some(cluster),
        })
    }

    fn named(&self) -> Option<Named> {
        let environment = Environment::of_this_process();
        let variable = environment.non_empty("ONCUE_SERVER");
        Named::new(self.url.as_deref(), self.cluster.is_named(), variable)
    }

    fn endpoint(&self) -> anyhow::Result<Endpoint> {
        let environment = Environment::of_this_process();
        let mut endpoint = Endpoint::from_environment(self.url.as_deref(), &environment)?;
        let Credentials { ca, token_file } = self.credentials()?;
        endpoint.ca = ca.or(endpoint.ca);
        endpoint.token_file = token_file.or(endpoint.token_file);
        Ok(endpoint)
    }

    /// Returns what flags say of the store's CA and of the token for it.
    fn credentials(&self) -> anyhow::Result<Credentials> {
        let read = |path: &PathBuf| {
            let pem = fs::read_to_string(path);
            pem.with_context(|| format!("failed to read {}", path.display()))
        };
        Ok(Credentials {
            ca: self.ca.as_ref().map(read).transpose()?,
            token_file: self.token_file.clone(),
        })
    }
}

/// By what a store is named.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Named {
    Cluster,
    Url,
}

impl Named {
    /// Flags come before the environment: `url` and `names_cluster` are flags, `variable` is of
    /// the environment.
    fn new(url: Option<&str>, names_cluster: bool, variable: Option<&str>) -> Option<Self> {
        match (url, names_cluster, variable) {
            (Some(_), _, _) | (None, false, Some(_)) => Some(Self::Url),
            (None, true, _) => Some(Self::Cluster),
            (None, false, None) => None,
        }
    }
}

/// An installation of oncue, with the way there.
pub(super) struct Installation {
    pub(super) backend: Box<dyn Backend>,
    /// The namespace that is meant.
    pub(super) namespace: Namespace,
    /// The cluster that the installation is in, or that was named beside it.
    pub(super) cluster: Option<Cluster>,
}

/// Which namespaces a command looks at.
#[derive(Args, Clone, Debug)]
pub(super) struct Scope {
    /// All namespaces
    #[arg(short = 'A', long)]
    all_namespaces: bool,

    #[command(flatten)]
    pub(super) store: StoreArgs,
}

impl Scope {
    /// Returns whether the namespace has to be shown, since there may be several.
    pub(super) fn is_everywhere(&self) -> bool {
        self.all_namespaces
    }

    /// Returns where to look.
    pub(super) fn place(&self, namespace: &Namespace) -> Place {
        if self.all_namespaces {
            Place::Everywhere
        } else {
            Place::Namespace(namespace.clone())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_come_before_the_environment_and_the_environment_before_what_is_at_hand() {
        let (flag, variable) = (Some("http://flag"), Some("http://variable"));
        let names_cluster = true;
        for (url, cluster, variable, named) in [
            (flag, names_cluster, variable, Some(Named::Url)),
            (flag, !names_cluster, None, Some(Named::Url)),
            (None, names_cluster, variable, Some(Named::Cluster)),
            (None, !names_cluster, variable, Some(Named::Url)),
            (None, !names_cluster, None, None),
        ] {
            let found = Named::new(url, cluster, variable);
            assert_eq!(found, named, "{url:?} {cluster} {variable:?}");
        }
    }
}
