//! A namespace of its own for each test.

use std::{
    fmt,
    panic::{AssertUnwindSafe, resume_unwind},
    path::Path,
    sync::Arc,
    thread,
};

use anyhow::{Context, Result};
use futures_util::FutureExt;
use k8s_openapi::{
    api::core::v1::{Event, Namespace as Object, Node, Pod, ServiceAccount},
    jiff::Timestamp,
};
use kube::{
    Api, Client, Resource,
    api::{DeleteParams, DynamicObject, ListParams, PostParams},
    core::{ApiResource, Request, TypeMeta, gvk::GroupVersionKind},
    runtime::wait::await_condition,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    LivePod, Manifest, Oncue, PodManifest, Store, diagnosis, eventually, in_time,
    store_connection::{Connections, published_authority},
    store_pods::ready_stores,
};
use crate::{
    cluster::{Cluster, SYSTEM},
    process::Program,
};

/// The namespace of one test, with a client.
#[derive(Clone)]
pub struct Namespace {
    cluster: Cluster,
    client: Client,
    store: Arc<Connections>,
    name: String,
}

/// Runs a test in its own namespace, and deletes the namespace after it, also after a failure.
///
/// If the test fails, first prints pods, events, and the logs of the pods and of oncue.
pub async fn with_temp_ns(test: impl AsyncFnOnce(Namespace) -> Result<()>) -> Result<()> {
    with_labelled_temp_ns(&[], test).await
}

/// Runs a test in its own namespace with these labels.
pub async fn with_labelled_temp_ns(
    labels: &[(&str, &str)],
    test: impl AsyncFnOnce(Namespace) -> Result<()>,
) -> Result<()> {
    within(Namespace::create(labels).await?, test).await
}

/// Runs a test in the namespace of this name, which is one of [`PLAIN_NAMESPACES`].
///
/// # Panics
/// If it is none of them.
pub async fn with_plain_ns(
    name: &str,
    test: impl AsyncFnOnce(Namespace) -> Result<()>,
) -> Result<()> {
    assert!(PLAIN_NAMESPACES.contains(&name), "{name}");
    within(Namespace::create_named(name).await?, test).await
}

/// Namespaces in which the store of the tests accepts plain HTTP without a token. Each is for one
/// test.
pub const PLAIN_NAMESPACES: [&str; 3] = [
    "e2e-plain-failing-hook",
    "e2e-plain-hook",
    "e2e-plain-loops",
];

async fn within(ns: Namespace, test: impl AsyncFnOnce(Namespace) -> Result<()>) -> Result<()> {
    let ended = AssertUnwindSafe(test(ns.clone())).catch_unwind().await;
    if !matches!(ended, Ok(Ok(()))) {
        diagnosis::print(&ns).await;
    }
    let deleted = ns.delete().await;
    ended.unwrap_or_else(|panic| resume_unwind(panic))?;
    deleted
}

impl Namespace {
    /// Returns a namespace that exists and is not deleted.
    pub async fn existing(name: &str) -> Result<Self> {
        let cluster = Cluster::from_env();
        Ok(Self {
            client: cluster.client().await?,
            store: Arc::default(),
            cluster,
            name: name.to_owned(),
        })
    }

    async fn create(labels: &[(&str, &str)]) -> Result<Self> {
        let ns = Self::existing(&random_name()).await?;
        let created = ns.create_itself(labels).await;
        created.with_context(|| format!("failed to create the namespace {}", ns.name))?;
        ns.has_account().await?;
        Ok(ns)
    }

    async fn create_named(name: &str) -> Result<Self> {
        let ns = Self::existing(name).await?;
        // An earlier run may have left it.
        ns.delete_and_wait().await?;
        let created = ns.create_itself(&[]).await;
        created.with_context(|| format!("failed to create the namespace {name}"))?;
        ns.has_account().await?;
        Ok(ns)
    }

    async fn create_itself(&self, labels: &[(&str, &str)]) -> Result<()> {
        let mut object = json!({"metadata": {"name": self.name, "labels": {"oncue-e2e": "test"}}});
        for (key, value) in labels {
            object["metadata"]["labels"][key] = json!(value);
        }
        let object: Object = serde_json::from_value(object)?;
        let all: Api<Object> = Api::all(self.client.clone());
        all.create(&PostParams::default(), &object).await?;
        Ok(())
    }

    /// Waits until the namespace has its service account: pods are rejected before.
    async fn has_account(&self) -> Result<()> {
        let there = |account: Option<&ServiceAccount>| account.is_some();
        in_time("the service account `default`", async {
            await_condition(self.api(), "default", there).await?;
            Ok(())
        })
        .await
    }

    /// Deletes the namespace, and waits until it is gone with everything in it.
    pub async fn delete_and_wait(&self) -> Result<()> {
        self.delete().await?;
        let all: Api<Object> = Api::all(self.client.clone());
        eventually(
            &format!("the namespace {} is gone", self.name),
            async || Ok(all.get_opt(&self.name).await?.is_none().then_some(())),
        )
        .await
    }

    /// Does not wait for the deletion, because the next test does not depend on it.
    async fn delete(&self) -> Result<()> {
        let all: Api<Object> = Api::all(self.client.clone());
        match all.delete(&self.name, &DeleteParams::background()).await {
            Err(kube::Error::Api(status)) if status.is_not_found() => Ok(()),
            answer => answer.map(drop).context("failed to delete the namespace"),
        }
    }

    /// Returns its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the cluster.
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// Returns the client.
    pub fn client(&self) -> Client {
        self.client.clone()
    }

    /// Returns the API for objects of a kind in this namespace.
    pub fn api<K>(&self) -> Api<K>
    where
        K: Resource<Scope = kube::core::NamespaceResourceScope>,
        K::DynamicType: Default,
    {
        Api::namespaced(self.client.clone(), &self.name)
    }

    /// Creates an object. If the API server rejects it, the error is its answer.
    pub async fn create_object(&self, manifest: impl Into<Manifest>) -> Result<()> {
        let params = PostParams::default();
        self.post(&manifest.into(), &params).await?;
        Ok(())
    }

    /// Creates an object that lives in no namespace. It goes with this one.
    pub async fn create_beside(&self, manifest: Manifest) -> Result<()> {
        let own: Api<Object> = Api::all(self.client.clone());
        let uid = own.get(&self.name).await?.metadata.uid;
        let owner = json!({
            "apiVersion": "v1",
            "kind": "Namespace",
            "name": self.name,
            "uid": uid,
        });
        let manifest = manifest.with(json!({"metadata": {"ownerReferences": [owner]}}));
        self.kubectl_apply(manifest, &[]).text().await?;
        Ok(())
    }

    /// Returns an object after admission, with a dry run.
    pub async fn dry_run(&self, manifest: impl Into<Manifest>) -> Result<Value> {
        let dry_run = PostParams {
            dry_run: true,
            ..PostParams::default()
        };
        self.post(&manifest.into(), &dry_run).await
    }

    /// Sends an object unchanged, including fields that our types do not know.
    async fn post(&self, manifest: &Manifest, params: &PostParams) -> Result<Value> {
        let types = TypeMeta::deserialize(manifest.value()).context("the object has no kind")?;
        let path = DynamicObject::url_path(&api_resource(&types)?, Some(&self.name));
        let body = manifest.value().to_string().into_bytes();
        let request = Request::new(path).create(params, body)?;
        Ok(self.client.request(request).await?)
    }

    /// Creates a pod.
    pub async fn create_pod(&self, pod: PodManifest) -> Result<LivePod> {
        let manifest = Manifest::from(pod);
        let pod: Pod = serde_json::from_value(manifest.value().clone())?;
        let created = self
            .api::<Pod>()
            .create(&PostParams::default(), &pod)
            .await?;
        Ok(self.pod(&created.metadata.name.context("a created pod has a name")?))
    }

    /// Returns a handle for the pod of this name, which may not exist yet.
    pub fn pod(&self, name: &str) -> LivePod {
        LivePod::new(self.clone(), name)
    }

    /// Waits until that many pods have the label `app: NAME`, and returns them.
    pub async fn pods_of(&self, app: &str, count: usize) -> Result<Vec<LivePod>> {
        let params = ListParams::default().labels(&format!("app={app}"));
        let what = format!("{count} pods of {app}");
        let pods = eventually(&what, async || {
            let pods = self.api::<Pod>().list(&params).await?.items;
            Ok((pods.len() == count).then_some(pods))
        });
        let names = pods.await?.into_iter().filter_map(|pod| pod.metadata.name);
        Ok(names.map(|name| self.pod(&name)).collect())
    }

    /// Returns the messages of the events with this reason.
    pub async fn events(&self, reason: &str) -> Result<Vec<String>> {
        let params = ListParams::default().fields(&format!("reason={reason}"));
        let events = self.api::<Event>().list(&params).await?.items;
        Ok(events.into_iter().filter_map(|it| it.message).collect())
    }

    /// Returns the number of pods.
    pub async fn pod_count(&self) -> Result<usize> {
        Ok(self
            .api::<Pod>()
            .list(&ListParams::default())
            .await?
            .items
            .len())
    }

    /// Returns the names of the cluster's nodes.
    pub async fn nodes(&self) -> Result<Vec<String>> {
        let nodes: Api<Node> = Api::all(self.client.clone());
        let nodes = nodes.list(&ListParams::default()).await?.items;
        Ok(nodes
            .into_iter()
            .filter_map(|node| node.metadata.name)
            .collect())
    }

    /// Returns the minor version of the cluster's Kubernetes: 37 of `1.37.2`.
    pub async fn kubernetes_minor(&self) -> Result<u32> {
        let version = self.client.apiserver_version().await?.minor;
        let digits = version.trim_end_matches('+');
        digits
            .parse()
            .with_context(|| format!("{version:?} is no minor version"))
    }

    /// Returns a handle for the variables of this namespace.
    pub fn store(&self) -> Store {
        Store::new(self.client.clone(), Arc::clone(&self.store), &self.name)
    }

    /// Annotates the namespace.
    pub async fn annotate(&self, key: &str, value: &str) -> Result<()> {
        let annotation = format!("{key}={value}");
        let annotate = ["annotate", "namespace", &self.name, &annotation];
        self.kubectl(&annotate).text().await?;
        Ok(())
    }

    /// Returns the certificates of the authority that vouches for the store, in PEM.
    pub async fn authority(&self) -> Result<String> {
        published_authority(&self.client).await
    }

    /// Waits until the store has logged a line since then that contains all of these parts.
    pub async fn store_logs(&self, since: Timestamp, parts: &[&str]) -> Result<()> {
        eventually(&format!("the store logs {parts:?}"), async || {
            let log = self.log_of("store", since).await?;
            let mut lines = log.lines();
            let is_there = lines.any(|line| parts.iter().all(|part| line.contains(part)));
            Ok(is_there.then_some(()))
        })
        .await
    }

    /// Returns the logs of all pods of a component of oncue since then.
    pub async fn log_of(&self, component: &str, since: Timestamp) -> Result<String> {
        let selector = format!("app.kubernetes.io/component={component}");
        let since = format!("--since-time={since}");
        let logs = [
            "logs",
            "--namespace",
            SYSTEM,
            "--selector",
            &selector,
            &since,
            "--tail=-1",
        ];
        self.cluster.kubectl().args(logs).text().await
    }

    /// Returns the metrics of the store's pods, from their admin ports.
    pub async fn store_metrics(&self) -> Result<String> {
        let mut metrics = String::new();
        for pod in ready_stores(&self.client).await? {
            let path = format!("/api/v1/namespaces/{SYSTEM}/pods/{pod}:9998/proxy/metrics");
            metrics += &self
                .cluster
                .kubectl()
                .args(["get", "--raw", &path])
                .text()
                .await?;
        }
        Ok(metrics)
    }

    /// Returns kubectl for this namespace.
    pub fn kubectl(&self, args: &[&str]) -> Program {
        self.cluster
            .kubectl()
            .args(["--namespace", &self.name])
            .args(args)
    }

    /// Returns the program `oncue` of the installed image, for this namespace.
    pub async fn oncue(&self, args: &[&str]) -> Result<Program> {
        let oncue = Program::new(Self::oncue_file().await?);
        let oncue = oncue.env("KUBECONFIG", self.cluster.kubeconfig());
        Ok(oncue.args(args).args(["--namespace", &self.name]))
    }

    /// Runs a command line as a user would who has `oncue` and `kubectl`, and returns its output.
    pub async fn in_shell(&self, line: &str) -> Result<String> {
        let script = format!("oncue() {{ \"$ONCUE\" \"$@\"; }}\n{line}");
        let shell = Program::new("sh").args(["-c", &script]);
        let shell = shell.env("ONCUE", Self::oncue_file().await?);
        let shell = shell.env("KUBECONFIG", self.cluster.kubeconfig());
        shell.text().await
    }

    /// Returns the path of that program.
    pub async fn oncue_file() -> Result<&'static Path> {
        Oncue::program().await
    }

    /// Returns `kubectl apply` of an object in this namespace.
    pub fn kubectl_apply(&self, manifest: impl Into<Manifest>, flags: &[&str]) -> Program {
        let text = manifest.into().value().to_string();
        self.kubectl(&["apply", "-f", "-"]).args(flags).stdin(text)
    }
}

impl fmt::Debug for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Namespace")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// Derives the resource from the kind. This works for every kind that the tests create.
fn api_resource(types: &TypeMeta) -> Result<ApiResource> {
    Ok(ApiResource::from_gvk(&GroupVersionKind::try_from(types)?))
}

/// Derives the name from the test: libtest names its threads after tests.
fn random_name() -> String {
    let thread = thread::current();
    let test = thread
        .name()
        .and_then(|name| name.rsplit("::").next())
        .unwrap_or("test");
    let test: String = test.replace('_', "-").chars().take(40).collect();
    let random: String = (0..6).map(|_| fastrand::lowercase()).collect();
    format!("e2e-{}-{random}", test.trim_end_matches('-'))
}
