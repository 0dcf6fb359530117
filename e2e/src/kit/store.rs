//! The store, through the API server's proxy, which needs no tunnel and no pod.

use anyhow::{Context, Result, bail};
use http::{Method, Request, StatusCode};
use http_body_util::BodyExt;
use k8s_openapi::jiff::Timestamp;
use kube::{Client, client::Body};
use serde_json::{Value, json};

use super::{eventually, in_time};
use crate::cluster::SYSTEM;

/// URL of the store for pods.
pub const STORE_URL: &str = "http://oncue-store.oncue-system.svc.cluster.local:9999";

/// A handle for the variables of one namespace.
#[derive(Clone)]
pub struct Store {
    client: Client,
    namespace: String,
}

impl Store {
    pub(super) fn new(client: Client, namespace: &str) -> Self {
        Self {
            client,
            namespace: namespace.to_owned(),
        }
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
        in_time(&format!("{term} in the store"), async {
            let mut question = json!({"terms": [term]});
            loop {
                let answer = self
                    .found(Method::POST, "wait", Some(question.clone()))
                    .await?;
                if answer["outcome"] == "held" {
                    return Ok(());
                }
                question["revision"] = answer["revision"].clone();
            }
        })
        .await
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

    /// Returns the names of the waiting pods of this namespace.
    pub async fn waiting_pods(&self) -> Result<Vec<String>> {
        let waiters = self.waiters().await?;
        let names = waiters.iter().filter_map(|waiter| waiter["pod"].as_str());
        Ok(names.map(str::to_owned).collect())
    }

    /// Returns since when a pod waits.
    pub async fn waiting_since(&self, pod: &str) -> Result<Timestamp> {
        let waiters = self.waiters().await?;
        let waiter = waiters.iter().find(|waiter| waiter["pod"] == pod);
        let since = waiter.and_then(|waiter| waiter["since"].as_str());
        let since = since.with_context(|| format!("the store holds no wait of {pod}"))?;
        Ok(since.parse()?)
    }

    /// Reads page after page.
    async fn waiters(&self) -> Result<Vec<Value>> {
        let mut waiters = Vec::new();
        let mut page = "waiters".to_owned();
        loop {
            let mut answer = self.found(Method::GET, &page, None).await?;
            match answer["waiters"].take() {
                Value::Array(more) => waiters.extend(more),
                other => bail!("the store answered waiters with {other}"),
            }
            match answer["continue"].as_str() {
                Some(token) => page = format!("waiters?continue={token}"),
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

    async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Result<(StatusCode, Value)> {
        let service = format!("/api/v1/namespaces/{SYSTEM}/services/oncue-store:http/proxy");
        let body = body.map_or_else(Vec::new, |body| body.to_string().into_bytes());
        let request = Request::builder()
            .method(method)
            .uri(format!("{service}/{path}"));
        let request = request
            .header("content-type", "application/json")
            .body(Body::from(body))?;
        let (head, body) = self.client.send(request).await?.into_parts();
        let text = body.collect().await?.to_bytes();
        // An answer that is not JSON comes from the proxy: the store is not available.
        let answer =
            serde_json::from_slice(&text).unwrap_or_else(|_| json!(String::from_utf8_lossy(&text)));
        Ok((head.status, answer))
    }
}
