//! The store that a command talks to.

use std::{
    fs,
    net::{SocketAddr, TcpStream},
    path::PathBuf,
    time::Duration,
};

use anyhow::{Context, anyhow};
use clap::Args;
use oncue_client::{
    api::{Api, ApiError, Endpoint},
    environment::Environment,
    names::Names,
};
use oncue_wire::Page;
use serde::de::DeserializeOwned;

use super::{
    cluster::{Cluster, ClusterArgs},
    output,
};
use crate::{
    cluster::{Place, Tunnel},
    language::Namespace,
};

/// How the store is found, for the help of every command that talks to one.
pub(super) const WHICH_STORE: &str = "\
The store is the first of: --server; the store in the cluster of --context or --kubeconfig;
$ONCUE_SERVER; the store in the cluster that kubectl would use; http://127.0.0.1:9999, the default
address of `oncue serve`. A store in a cluster is reached through its pod in --system-namespace.
This needs the permissions to list pods and to get and create pods/portforward there.";

/// The store that a command talks to.
#[derive(Args, Clone, Debug)]
pub(super) struct StoreArgs {
    /// URL of the store, such as `http://127.0.0.1:9999` [default: see below]
    #[arg(long = "server", value_name = "URL")]
    url: Option<String>,

    /// PEM file with the certificate authority of the store [default: `$ONCUE_CA`]
    #[arg(long = "server-ca", value_name = "FILE")]
    ca: Option<PathBuf>,

    #[command(flatten)]
    pub(super) cluster: ClusterArgs,
}

impl StoreArgs {
    /// Opens the way to the store.
    pub(super) fn open(&self) -> anyhow::Result<Store> {
        match self.named() {
            Some(Named::Cluster) => Store::in_cluster(self, self.cluster.connect()?),
            Some(Named::Url) => Store::at_url(self, self.cluster.connect_if_named()?),
            None => match self.cluster.find()? {
                Some(cluster) => Store::in_cluster(self, cluster),
                None => Store::at_url(self, None),
            },
        }
    }

    /// Opens the way to the store of `cluster`, or to the one whose URL is named.
    pub(super) fn open_beside(&self, cluster: &Cluster) -> anyhow::Result<Store> {
        match self.named() {
            Some(Named::Url) => Store::at_url(self, Some(cluster.clone())),
            Some(Named::Cluster) | None => Store::in_cluster(self, cluster.clone()),
        }
    }

    fn named(&self) -> Option<Named> {
        let environment = Environment::of_this_process();
        let variable = environment.non_empty("ONCUE_SERVER");
        Named::new(self.url.as_deref(), self.cluster.is_named(), variable)
    }

    fn endpoint(&self) -> anyhow::Result<Endpoint> {
        let environment = Environment::of_this_process();
        let mut endpoint = Endpoint::from_environment(self.url.as_deref(), &environment)?;
        if let Some(path) = &self.ca {
            let pem = fs::read_to_string(path);
            let pem = pem.with_context(|| format!("failed to read {}", path.display()))?;
            endpoint.ca = Some(pem);
        }
        Ok(endpoint)
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

/// A store, with the way there.
pub(super) struct Store {
    pub(super) api: Api,
    /// The namespace that is meant.
    pub(super) namespace: Namespace,
    way: Way,
    /// The cluster that the store is in, or that was named beside it.
    pub(super) cluster: Option<Cluster>,
}

/// How a store is reached.
enum Way {
    /// It was named.
    Direct,
    /// It was not named, and there is no cluster: it should be on this machine.
    Here,
    /// Through the API server of its cluster.
    Tunnel(Tunnel),
}

impl Store {
    fn at_url(args: &StoreArgs, cluster: Option<Cluster>) -> anyhow::Result<Self> {
        let endpoint = args.endpoint()?;
        let way = match args.named() {
            Some(_) => Way::Direct,
            None => Way::Here,
        };
        Ok(Self {
            api: Api::new(&endpoint, &Names::of_the_system())?.with_answer_limit(MAX_ANSWER_BYTES),
            namespace: args.cluster.namespace(cluster.as_ref())?,
            way,
            cluster,
        })
    }

    fn in_cluster(args: &StoreArgs, cluster: Cluster) -> anyhow::Result<Self> {
        let is_named = args.cluster.is_named();
        let tunnel = cluster.tunnel().map_err(|error| {
            let hint = if is_named { "" } else { ON_THIS_MACHINE };
            anyhow!("{}: {error}{hint}", cluster.name())
        })?;
        if !is_named && listens_here() {
            output::note(&format!(
                "this is the store in {}{ON_THIS_MACHINE}",
                cluster.name()
            ));
        }
        let endpoint = Endpoint {
            url: format!("http://{}", tunnel.address()).parse()?,
            fallback: None,
            ca: None,
        };
        Ok(Self {
            api: Api::new(&endpoint, &Names::of_the_system())?.with_answer_limit(MAX_ANSWER_BYTES),
            namespace: args.cluster.namespace(Some(&cluster))?,
            way: Way::Tunnel(tunnel),
            cluster: Some(cluster),
        })
    }

    /// Says of an answer that did not come what the way there says of it.
    pub(super) fn told<T>(&self, answer: Result<T, ApiError>) -> anyhow::Result<T> {
        answer.map_err(|error| self.explain(error))
    }

    /// Gets a list with all of its pages; `path` may have a query.
    pub(super) fn pages<P: DeserializeOwned + Page>(&self, path: &str) -> anyhow::Result<P> {
        let mut list: P = self.told(self.api.get(path))?;
        let joint = if path.contains('?') { '&' } else { '?' };
        while let Some(token) = list.take_token() {
            let next = format!("{path}{joint}continue={token}");
            list.append(self.told(self.api.get(&next))?);
        }
        Ok(list)
    }

    /// Returns an error in the words of the way there.
    pub(super) fn explain(&self, error: ApiError) -> anyhow::Error {
        match (&self.way, unanswered(&error)) {
            (Way::Here, Some(_)) => anyhow!("{error}{NO_CLUSTER}"),
            (Way::Tunnel(tunnel), Some(reason)) => {
                let reason = tunnel.trouble().unwrap_or_else(|| reason.to_owned());
                let cluster = self.cluster.as_ref().map_or("", Cluster::name);
                anyhow!("failed to reach the store in {cluster}: {reason}")
            }
            (Way::Direct, _) | (_, None) => error.into(),
        }
    }
}

/// Returns why no answer came through a tunnel that knows of no trouble; `None` where one came.
fn unanswered(error: &ApiError) -> Option<&str> {
    match error {
        ApiError::Ended { .. } => Some("its pod ended the connection"),
        ApiError::Unreachable { reason, .. } => Some(reason),
        ApiError::Garbled { .. } | ApiError::Refused { .. } | ApiError::Status { .. } => None,
    }
}

/// Largest answer of a store that is read: a list may be long.
const MAX_ANSWER_BYTES: u64 = 64 << 20;

/// Returns whether something listens on the default address of `oncue serve`.
fn listens_here() -> bool {
    let address = SocketAddr::from(([127, 0, 0, 1], 9999));
    TcpStream::connect_timeout(&address, Duration::from_millis(100)).is_ok()
}

const ON_THIS_MACHINE: &str = "\nnote: the store that `oncue serve` runs on this machine is \
    --server http://127.0.0.1:9999";
const NO_CLUSTER: &str = ": is `oncue serve` running? There is no kubeconfig with a current \
    context, in which a store would be looked for";

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

    /// Returns the path of a list in the store's API.
    pub(super) fn path(&self, namespace: &Namespace, list: &str) -> String {
        match self.place(namespace) {
            Place::Everywhere => format!("/v1/{list}"),
            Place::Namespace(namespace) => format!("/v1/namespaces/{namespace}/{list}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    /// Asks a server that accepts connections and holds them for as long as `patience` asks, or
    /// else hangs up.
    fn ask(server: impl FnOnce(&TcpListener) + Send + 'static) -> ApiError {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let endpoint = Endpoint {
            url: url.parse().unwrap(),
            fallback: None,
            ca: None,
        };
        let api = Api::new(&endpoint, &Names::of_the_system()).unwrap();
        let api = api.with_patience(Duration::from_millis(200));
        let server = std::thread::spawn(move || server(&listener));
        let error = api.get::<serde_json::Value>("/v1/waiters").unwrap_err();
        drop(server);
        error
    }

    #[test]
    fn only_a_connection_that_ended_is_told_as_one() {
        let hang_up = |listener: &TcpListener| drop(listener.accept());
        let error = ask(hang_up);
        let reason = unanswered(&error);
        assert_eq!(reason, Some("its pod ended the connection"), "{error}");
        let hold = |listener: &TcpListener| {
            let _held = listener.accept();
            std::thread::park();
        };
        let error = ask(hold);
        let reason = unanswered(&error).unwrap();
        assert!(reason.starts_with("timed out"), "{reason}");
    }

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
