//! A store, over HTTP.

mod changes;
mod secured;

use std::{
    net::{SocketAddr, TcpStream},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use anyhow::anyhow;
use oncue_client::{
    api::{Api, ApiError, Endpoint},
    names::Names,
};
use oncue_wire::{self as wire, AssertRequest, JudgedTerm, Page, VariableList, VariablePage};
use oncue_wire::{WaitRequest, WaiterList};
use serde::de::DeserializeOwned;

use self::changes::ServedChanges;
use super::{
    backend::{Backend, Changes, Creation, HandAssertion, Judged, Listed, WaitingPod},
    cluster::Cluster,
    output,
    vars::age_since,
};
use crate::{
    cluster::{FoundStorage, Place, Tunnel},
    injection::Settings,
    language::{Condition, Namespace, Owner, VariableKey, VariableName, condition::MAX_TOGETHER},
    life::{Asserter, Assertion, AssertionId},
};

/// A store, with the way there.
pub(super) struct Server {
    api: Api,
    way: Way,
}

/// How a store is reached.
enum Way {
    /// It was named.
    Direct,
    /// It was not named, and there is no cluster: it should be on this machine.
    Here,
    /// Through the API server of its cluster.
    Tunnel {
        tunnel: Tunnel,
        /// Such as `the cluster of the context kind`.
        cluster: String,
    },
}

/// By what a person reaches a store that asks for tokens.
#[derive(Clone, Debug, Default)]
pub(super) struct Credentials {
    /// The certificates of its CA, in PEM.
    pub(super) ca: Option<String>,
    /// The file with the token.
    pub(super) token_file: Option<PathBuf>,
}

impl Server {
    /// Returns the store that was named.
    pub(super) fn at(endpoint: &Endpoint) -> anyhow::Result<Self> {
        Self::new(endpoint, Way::Direct)
    }

    /// Returns the store that `oncue serve` runs on this machine.
    pub(super) fn here(endpoint: &Endpoint) -> anyhow::Result<Self> {
        Self::new(endpoint, Way::Here)
    }

    /// Opens a tunnel to the store in a cluster, which was named or is the one at hand. What is not
    /// among the `credentials` is of the cluster.
    pub(super) fn in_cluster(
        cluster: &Cluster,
        (is_named, found): (bool, &FoundStorage),
        credentials: Credentials,
    ) -> anyhow::Result<Self> {
        let tunnel = cluster.tunnel().map_err(|error| {
            let hint = if is_named { "" } else { ON_THIS_MACHINE };
            let evidence = &found.evidence;
            let why = format!("\nnote: the variables are in a store: {evidence}");
            anyhow!("{}: {error}{why}{hint}", cluster.name())
        })?;
        if !is_named && listens_here() {
            output::note(&format!(
                "this is the store in {}{ON_THIS_MACHINE}",
                cluster.name()
            ));
        }
        let address = tunnel.address();
        let way = Way::Tunnel {
            tunnel,
            cluster: cluster.name().to_owned(),
        };
        let api = match &found.secured {
            None => open(&Endpoint::new(format!("http://{address}").parse()?))?,
            Some(needs) => secured::open(cluster, (needs, address), credentials)?,
        };
        Ok(Self { api, way })
    }

    fn new(endpoint: &Endpoint, way: Way) -> anyhow::Result<Self> {
        let api = open(endpoint)?;
        Ok(Self { api, way })
    }

    /// Says of an answer that did not come what the way there says of it.
    fn told<T>(&self, answer: Result<T, ApiError>) -> anyhow::Result<T> {
        answer.map_err(|error| self.explain(error))
    }

    /// Gets a list with all of its pages; `path` may have a query.
    fn pages<P: DeserializeOwned + Page>(&self, path: &str) -> anyhow::Result<P> {
        let mut list: P = self.told(self.api.get(path))?;
        let joint = if path.contains('?') { '&' } else { '?' };
        while let Some(token) = list.take_token() {
            let next = format!("{path}{joint}continue={token}");
            list.append(self.told(self.api.get(&next))?);
        }
        Ok(list)
    }

    /// Returns an error in the words of the way there.
    fn explain(&self, error: ApiError) -> anyhow::Error {
        match (&self.way, unanswered(&error)) {
            (Way::Here, Some(_)) => anyhow!("{error}{NO_CLUSTER}"),
            (Way::Tunnel { tunnel, cluster }, Some(reason)) => {
                let reason = tunnel.trouble().unwrap_or_else(|| reason.to_owned());
                anyhow!("failed to reach the store in {cluster}: {reason}")
            }
            (Way::Direct, _) | (_, None) => error.into(),
        }
    }

    /// Asks for all terms at once, and for each by itself if the store refuses one of them.
    fn ask(
        &self,
        namespace: &Namespace,
        terms: &[String],
    ) -> anyhow::Result<Vec<Result<JudgedTerm, String>>> {
        let request = WaitRequest {
            terms: terms.to_vec(),
            ..WaitRequest::default()
        };
        match (self.api.wait(namespace, &request), terms) {
            (Ok(answer), _) => Ok(answer.terms.into_iter().map(Ok).collect()),
            (Err(error), [_]) if error.is_final() => Ok(vec![Err(error.to_string())]),
            (Err(error), _) if error.is_final() => {
                let alone = terms.iter().map(std::slice::from_ref);
                let states = alone.map(|term| self.ask(namespace, term));
                Ok(states.collect::<Result<Vec<_>, _>>()?.concat())
            }
            (Err(error), _) => self.told(Err(error)),
        }
    }

    /// Says whether the store holds the wait of a pod.
    fn holds(&self, pod: &Owner) -> anyhow::Result<String> {
        let Owner {
            namespace, name, ..
        } = pod;
        let list: WaiterList = self.pages(&format!("/v1/namespaces/{namespace}/waiters"))?;
        let mut waiters = list.waiters.iter();
        let held = waiters.find(|waiter| waiter.pod.as_deref() == Some(&**name));
        Ok(match held {
            Some(waiter) => format!(
                "The store has held its wait for {}.",
                age_since(waiter.since)
            ),
            None => "The store does not hold its wait at this moment.".to_owned(),
        })
    }
}

impl Backend for Server {
    fn list(&self, place: &Place, prefix: Option<&VariableName>) -> anyhow::Result<Listed> {
        let list: VariableList = self.pages(&with_prefix(path_of(place, "variables"), prefix))?;
        let variables = list.variables.into_iter();
        Ok(Listed {
            revision: list.revision,
            assertions: variables.flat_map(assertions).collect(),
        })
    }

    fn get(&self, key: &VariableKey) -> anyhow::Result<VariablePage> {
        self.pages(&path(key))
    }

    fn create(
        &self,
        VariableKey { namespace, name }: &VariableKey,
        HandAssertion { value, ttl }: HandAssertion,
    ) -> anyhow::Result<Creation> {
        let request = AssertRequest {
            value,
            ttl,
            ..AssertRequest::default()
        };
        let is_new = self.told(self.api.create(namespace, name, &request))?;
        Ok(if is_new {
            Creation::Created
        } else {
            Creation::Updated
        })
    }

    fn delete(&self, key: &VariableKey) -> anyhow::Result<()> {
        self.told(self.api.delete(&path(key)))
    }

    fn watch(
        &self,
        namespace: &Namespace,
        prefix: Option<&VariableName>,
    ) -> anyhow::Result<Box<dyn Changes + '_>> {
        let place = Place::Namespace(namespace.clone());
        let path = with_prefix(path_of(&place, "watch"), prefix);
        Ok(Box::new(ServedChanges::begin(self, path)?))
    }

    fn waiters(&self, place: &Place, _settings: &Settings) -> anyhow::Result<WaiterList> {
        self.pages(&path_of(place, "waiters"))
    }

    fn judge(&self, pod: &WaitingPod<'_>, conditions: &[Condition]) -> anyhow::Result<Judged> {
        let terms: Vec<_> = conditions.iter().map(Condition::to_string).collect();
        let mut judged = Vec::new();
        for together in terms.chunks(MAX_TOGETHER) {
            judged.extend(self.ask(&pod.id.namespace, together)?);
        }
        Ok(Judged {
            terms: judged,
            remark: Some(self.holds(pod.id)?),
        })
    }
}

/// Returns the client of a store. Does not connect yet.
fn open(endpoint: &Endpoint) -> anyhow::Result<Api> {
    let api = Api::new(endpoint, &Names::of_the_system())?;
    Ok(api.with_answer_limit(MAX_ANSWER_BYTES))
}

/// Returns the path of a list in the store's API.
fn path_of(place: &Place, list: &str) -> String {
    match place {
        Place::Everywhere => format!("/v1/{list}"),
        Place::Namespace(namespace) => format!("/v1/namespaces/{namespace}/{list}"),
    }
}

fn with_prefix(path: String, prefix: Option<&VariableName>) -> String {
    match prefix {
        Some(prefix) => format!("{path}?prefix={prefix}"),
        None => path,
    }
}

fn path(VariableKey { namespace, name }: &VariableKey) -> String {
    format!("/v1/namespaces/{namespace}/variables/{name}")
}

/// Returns the assertions of a document, each with its variable.
fn assertions(variable: wire::Variable) -> impl Iterator<Item = (VariableKey, Arc<Assertion>)> {
    let key = VariableKey::new(variable.namespace, variable.name);
    let assertions = variable.assertions.into_iter();
    assertions.map(move |assertion| (key.clone(), Arc::new(read(assertion))))
}

fn read(
    wire::Assertion {
        owner,
        kind,
        value,
        since,
        expires,
        object,
    }: wire::Assertion,
) -> Assertion {
    Assertion {
        id: AssertionId {
            asserter: owner.map_or(Asserter::Hand, Asserter::Owner),
            kind,
            object,
        },
        value,
        since,
        expires,
    }
}

/// Returns why no answer came through a tunnel that knows of no trouble; `None` where one came.
fn unanswered(error: &ApiError) -> Option<&str> {
    match error {
        ApiError::Ended { .. } => Some("its pod ended the connection"),
        ApiError::Unreachable { reason, .. } => Some(reason),
        ApiError::Garbled { .. }
        | ApiError::Refused { .. }
        | ApiError::Status { .. }
        | ApiError::Token(_) => None,
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

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    /// Asks a server that accepts connections and holds them for as long as `patience` asks, or
    /// else hangs up.
    fn ask(server: impl FnOnce(&TcpListener) + Send + 'static) -> ApiError {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let endpoint = Endpoint::new(url.parse().unwrap());
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
}
