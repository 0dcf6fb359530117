//! The store, as an operator uses it, or another caller.
//!
//! All calls go to the same pod, the first by name, as long as it is ready: another one sees a write
//! a moment later.

use std::{collections::BTreeSet, sync::Arc};

use anyhow::{Context, Result, bail};
use http::{Method, Request, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Bytes;
use k8s_openapi::jiff::Timestamp;
use kube::{Client, client::Body};
use serde_json::{Value, json};

use super::{
    eventually, in_time,
    store_connection::{Caller, Connections},
    store_pods::ready_stores,
};
use crate::cluster::SYSTEM;

/// URL of the store for pods.
pub const STORE_URL: &str = "https://oncue-store.oncue-system.svc.cluster.local:9999";

/// The same in plain HTTP, on the same port.
pub const PLAIN_STORE_URL: &str = "http://oncue-store.oncue-system.svc.cluster.local:9999";

/// A handle for the variables of one namespace.
#[derive(Clone)]
pub struct Store {
    client: Client,
    connections: Arc<Connections>,
    namespace: String,
    caller: Caller,
}

impl Store {
    pub(super) fn new(client: Client, connections: Arc<Connections>, namespace: &str) -> Self {
        Self {
            client,
            connections,
            namespace: namespace.to_owned(),
            caller: Caller::Operator,
        }
    }

    /// Calls with this token instead of an operator's.
    #[must_use]
    pub fn with_token(self, token: &str) -> Self {
        let caller = Caller::Token(token.to_owned());
        Self { caller, ..self }
    }

    /// Calls without a token.
    #[must_use]
    pub fn anonymous(self) -> Self {
        let caller = Caller::Anonymous;
        Self { caller, ..self }
    }

    /// Returns who calls, in the store's format.
    pub async fn identity(&self) -> Result<Value> {
        match self.ask(Method::GET, "v1/identity", None).await? {
            (StatusCode::OK, identity) => Ok(identity),
            (status, said) => bail!("the store answered who calls with {status}: {said}"),
        }
    }

    /// Returns the store's answer to a request about this namespace, with any status.
    pub async fn answer(
        &self,
        method: Method,
        what: &str,
        body: Option<Value>,
    ) -> Result<(StatusCode, Value)> {
        self.ask(method, &self.path(what), body).await
    }

    /// Creates a variable by hand.
    pub async fn create(&self, name: &str) -> Result<()> {
        self.put(name, json!({})).await
    }

    /// Creates a variable by hand, with a value.
    pub async fn create_with_value(&self, name: &str, value: &str) -> Result<()> {
        self.put(name, json!({"value": value})).await
    }

    async fn put(&self, name: &str, body: Value) -> Result<()> {
        let path = self.path(&format!("variables/{name}"));
        match self.ask(Method::PUT, &path, Some(body)).await? {
            (StatusCode::OK | StatusCode::CREATED, _) => Ok(()),
            (status, said) => bail!("the store answered a create of {name} with {status}: {said}"),
        }
    }

    /// Deletes a variable.
    pub async fn delete(&self, name: &str) -> Result<()> {
        let path = self.path(&format!("variables/{name}"));
        match self.ask(Method::DELETE, &path, None).await? {
            (StatusCode::NO_CONTENT, _) => Ok(()),
            (status, said) => bail!("the store answered a delete of {name} with {status}: {said}"),
        }
    }

    /// Returns the variable in the store's format, or null if it does not exist.
    pub async fn variable(&self, name: &str) -> Result<Value> {
        let path = self.path(&format!("variables/{name}"));
        match self.ask(Method::GET, &path, None).await? {
            (StatusCode::OK, variable) => Ok(variable),
            (StatusCode::NOT_FOUND, _) => Ok(Value::Null),
            (status, said) => bail!("the store answered for {name} with {status}: {said}"),
        }
    }

    /// Returns whether a variable exists.
    pub async fn exists(&self, name: &str) -> Result<bool> {
        Ok(!self.variable(name).await?.is_null())
    }

    /// Returns the names of all variables of the namespace.
    pub async fn variables(&self) -> Result<Vec<String>> {
        let answer = self.found(Method::GET, "variables", None).await?;
        let variables = answer["variables"]
            .as_array()
            .context("the answer has variables")?;
        let names = variables
            .iter()
            .filter_map(|variable| variable["name"].as_str());
        Ok(names.map(str::to_owned).collect())
    }

    /// Waits until a term holds, like a pod.
    pub async fn until(&self, term: &str) -> Result<()> {
        let ask = async |question| self.found(Method::POST, "wait", Some(question)).await;
        in_time(&format!("{term} in the store"), until_held(term, ask)).await
    }

    /// Waits until a variable does not exist.
    pub async fn until_gone(&self, name: &str) -> Result<()> {
        eventually(&format!("{name} is gone from the store"), async || {
            Ok((!self.exists(name).await?).then_some(()))
        })
        .await
    }

    /// Returns the uids of the pods that assert a variable.
    pub async fn owners(&self, name: &str) -> Result<Vec<String>> {
        let mut variable = self.variable(name).await?;
        let assertions = match variable["assertions"].take() {
            Value::Array(assertions) => assertions,
            _ => Vec::new(),
        };
        let uids = assertions.iter().map(|it| it["owner"]["uid"].as_str());
        Ok(uids.flatten().map(str::to_owned).collect())
    }

    /// Returns the terms that a waiting pod still waits for, each with the reason behind it and
    /// without this namespace; `None` without a wait of this pod.
    pub async fn missing(&self, pod: &str) -> Result<Option<Vec<String>>> {
        let mut waiters = self.waiters().await?.into_iter();
        let Some(mut waiter) = waiters.find(|waiter| waiter["pod"] == pod) else {
            return Ok(None);
        };
        let Value::Array(terms) = waiter["terms"].take() else {
            bail!("the store answered a waiter without terms: {waiter}");
        };
        let missing = terms.iter().filter(|term| term["state"] != "held");
        let own = format!("@{}", self.namespace);
        let told = missing.map(|it| {
            let part = |key: &str| it[key].as_str().unwrap_or_default();
            format!("{} {}", part("term").replace(&own, ""), part("reason"))
        });
        Ok(Some(told.collect()))
    }

    /// Returns the names of the waiting pods of this namespace. Several replicas may hold the wait of
    /// one pod: one that it left, or those that know its gate.
    pub async fn waiting_pods(&self) -> Result<BTreeSet<String>> {
        let waiters = self.waiters().await?;
        let names = waiters.iter().filter_map(|waiter| waiter["pod"].as_str());
        Ok(names.map(str::to_owned).collect())
    }

    /// Returns whether the wait of a pod is held by the replica that this handle calls.
    pub async fn holds_itself(&self, pod: &str) -> Result<bool> {
        let first = ready_stores(&self.client).await?.into_iter().next();
        let first = first.context("no pod of the store is ready")?;
        let waiters = self.waiters_at(&first).await?;
        Ok(waiters.iter().any(|waiter| waiter["pod"] == pod))
    }

    /// Returns since when a pod waits.
    pub async fn waiting_since(&self, pod: &str) -> Result<Timestamp> {
        let waiters = self.waiters().await?;
        let waiter = waiters.iter().find(|waiter| waiter["pod"] == pod);
        let since = waiter.and_then(|waiter| waiter["since"].as_str());
        let since = since.with_context(|| format!("the store holds no wait of {pod}"))?;
        Ok(since.parse()?)
    }

    /// Asks each pod of the store: a wait is held by the pod that the waiter reached.
    async fn waiters(&self) -> Result<Vec<Value>> {
        let mut waiters = Vec::new();
        for pod in ready_stores(&self.client).await? {
            waiters.extend(self.waiters_at(&pod).await?);
        }
        Ok(waiters)
    }

    /// Reads page after page. A pod that has just ended holds nothing.
    async fn waiters_at(&self, pod: &str) -> Result<Vec<Value>> {
        let mut waiters = Vec::new();
        let mut page = self.path("waiters");
        loop {
            let (status, mut answer) = self.ask_pod(pod, Method::GET, &page, None).await?;
            // An answer of the way to the pod may be a mere text.
            match answer.get_mut("waiters").map(Value::take) {
                Some(Value::Array(more)) => waiters.extend(more),
                _ if is_away(status, &answer) => return Ok(Vec::new()),
                _ => bail!("the store answered waiters with {status}: {answer}"),
            }
            match answer["continue"].as_str() {
                Some(token) => page = self.path(&format!("waiters?continue={token}")),
                None => return Ok(waiters),
            }
        }
    }

    async fn found(&self, method: Method, what: &str, body: Option<Value>) -> Result<Value> {
        match self.ask(method, &self.path(what), body).await? {
            (StatusCode::OK, answer) => Ok(answer),
            (status, said) => bail!("the store answered {what} with {status}: {said}"),
        }
    }

    fn path(&self, rest: &str) -> String {
        format!("v1/namespaces/{}/{rest}", self.namespace)
    }

    /// Asks the first pod that answers.
    async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Result<(StatusCode, Value)> {
        let mut last = None;
        for pod in ready_stores(&self.client).await? {
            let answer = self
                .ask_pod(&pod, method.clone(), path, body.as_ref())
                .await?;
            if !is_away(answer.0, &answer.1) {
                return Ok(answer);
            }
            last = Some(answer);
        }
        last.context("no pod of the store is ready")
    }

    async fn ask_pod(
        &self,
        pod: &str,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<(StatusCode, Value)> {
        let body = body.map_or_else(Bytes::new, |body| body.to_string().into());
        let request = Request::builder()
            .method(method)
            .uri(format!("/{path}"))
            .header("content-type", "application/json")
            .body(body)?;
        let to = (&self.client, pod);
        match self.connections.send(to, &self.caller, &request).await {
            Ok(Some(response)) => Ok((response.status(), json_of(response.body()))),
            Ok(None) => self.ask_plainly(pod, request).await,
            // The pod may just have ended.
            Err(error) => Ok((StatusCode::SERVICE_UNAVAILABLE, json!(format!("{error:#}")))),
        }
    }

    /// Asks a store without TLS, of an earlier version, through the proxy of the API server.
    async fn ask_plainly(&self, pod: &str, request: Request<Bytes>) -> Result<(StatusCode, Value)> {
        let (mut head, body) = request.into_parts();
        let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
        let proxy = format!("/api/v1/namespaces/{SYSTEM}/pods/{pod}:{PORT}/proxy");
        head.uri = format!("{proxy}{path}").parse()?;
        let request = Request::from_parts(head, Body::from(body));
        let (head, body) = self.client.send(request).await?.into_parts();
        Ok((head.status, json_of(&body.collect().await?.to_bytes())))
    }
}

/// Sends questions about a term with `ask`, each from the revision of the last answer, until the
/// term holds.
pub(super) async fn until_held(
    term: &str,
    mut ask: impl AsyncFnMut(Value) -> Result<Value>,
) -> Result<()> {
    let mut question = json!({"terms": [term]});
    loop {
        let answer = ask(question.clone()).await?;
        if answer["outcome"] == "held" {
            return Ok(());
        }
        question["revision"] = answer["revision"].clone();
    }
}

/// Reads JSON, or takes a text as a string.
fn json_of(text: &[u8]) -> Value {
    serde_json::from_slice(text).unwrap_or_else(|_| json!(String::from_utf8_lossy(text)))
}

/// Returns whether a pod is not available, by its own answer or by that of the way to it, which is
/// an object of Kubernetes or no JSON at all.
fn is_away(status: StatusCode, answer: &Value) -> bool {
    let is_of_proxy = answer["kind"] == "Status" || answer.is_string();
    status == StatusCode::SERVICE_UNAVAILABLE || (!status.is_success() && is_of_proxy)
}

/// The store's port.
const PORT: u16 = 9999;
