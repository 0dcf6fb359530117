//! The installation, for tests that disturb it: access to its parts, and their repair.

use std::{
    collections::{BTreeMap, BTreeSet},
    panic::{AssertUnwindSafe, resume_unwind},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use futures_util::FutureExt;
use k8s_openapi::{
    ByteString,
    api::{
        admissionregistration::v1::MutatingWebhookConfiguration,
        apps::v1::Deployment,
        coordination::v1::Lease,
        core::v1::{Pod, Secret},
    },
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
};
use kube::{
    Api,
    api::{DeleteParams, ListParams, Patch, PatchParams, PostParams},
};
use serde_json::{Value, json};
use tokio::sync::{Mutex, OnceCell};

use super::{
    LivePod, Manifest, Namespace, Node, eventually, is_injected,
    live_pod::{is_settled, run_of},
    pod, with_temp_ns,
};
use crate::{
    backend::Backend,
    cluster::{RELEASE, SYSTEM},
    patience::timeout_flag,
    release::Release,
};

/// The installation at the start of the test.
#[derive(Clone, Debug)]
pub struct Oncue {
    system: Namespace,
    release: Release,
}

/// Runs a test that disturbs the installation, in its own namespace and alone.
///
/// Repairs the installation after the test, also after a failure.
pub async fn with_oncue(test: impl AsyncFnOnce(Namespace, Oncue) -> Result<()>) -> Result<()> {
    let _turn = TURN.lock().await;
    let oncue = Oncue::installed().await?;
    let handle = oncue.clone();
    let test = with_temp_ns(async move |ns| test(ns, handle).await);
    let ended = AssertUnwindSafe(test).catch_unwind().await;
    let mended = oncue.mend().await;
    ended.unwrap_or_else(|panic| resume_unwind(panic))?;
    mended.context("failed to mend the installation after the test")
}

/// Ensures that one test at a time uses the installation, with any number of threads.
static TURN: Mutex<()> = Mutex::const_new(());

impl Oncue {
    async fn installed() -> Result<Self> {
        let system = Namespace::existing(SYSTEM).await?;
        let tag = image_tag(&system).await.context(NOT_INSTALLED)?;
        let backend = Backend::installed(system.cluster()).await?;
        let backend = backend.context(NOT_INSTALLED)?;
        let release = Release::of_this_tree(system.cluster().clone(), tag, backend);
        Ok(Self { system, release })
    }

    /// Returns the namespace of the installation.
    pub fn system(&self) -> &Namespace {
        &self.system
    }

    /// Returns the release: the chart of this tree with the installed images.
    pub fn release(&self) -> &Release {
        &self.release
    }

    /// Installs the release with these values, and waits until they hold: the former webhooks answer
    /// with the former ones until they are gone.
    pub async fn install_with(&self, values: Value) -> Result<()> {
        self.release.install_with(values).await?;
        self.has_webhooks(REPLICAS).await?;
        self.is_ready().await
    }

    /// Returns the backend of the store.
    pub fn backend(&self) -> Backend {
        self.release.backend()
    }

    /// Returns the installation with another backend, for a test that installs that.
    #[must_use]
    pub fn with_backend(&self, backend: Backend) -> Self {
        let release = self.release.clone().with_backend(backend);
        Self {
            system: self.system.clone(),
            release,
        }
    }

    /// Returns the path of the program `oncue`, extracted once per process from the installed image.
    pub(super) async fn program() -> Result<&'static Path> {
        static PROGRAM: OnceCell<PathBuf> = OnceCell::const_new();
        let taken_out = async || Self::installed().await?.release.oncue().await;
        Ok(PROGRAM.get_or_try_init(taken_out).await?)
    }

    /// Returns the webhook's pods, including terminating ones.
    pub async fn webhook_pods(&self) -> Result<Vec<LivePod>> {
        let pods = self.list(WEBHOOK).await?;
        let names = pods.into_iter().filter_map(|pod| pod.metadata.name);
        Ok(names.map(|name| self.system.pod(&name)).collect())
    }

    async fn list(&self, component: &str) -> Result<Vec<Pod>> {
        let labels = ["instance=oncue", component].map(|it| format!("app.kubernetes.io/{it}"));
        let params = ListParams::default().labels(&labels.join(","));
        Ok(self.system.api::<Pod>().list(&params).await?.items)
    }

    /// Scales the webhook, and waits until it has exactly that many pods.
    pub async fn scale_webhook(&self, replicas: usize) -> Result<()> {
        self.scale((WEBHOOK_DEPLOYMENT, WEBHOOK), replicas).await?;
        self.has_webhooks(replicas).await
    }

    /// Scales a workload. If nothing is to be left, its pods end without serving on for a while.
    pub(super) async fn scale(
        &self,
        (workload, component): (&str, &str),
        replicas: usize,
    ) -> Result<()> {
        let count = format!("--replicas={replicas}");
        self.system
            .kubectl(&["scale", workload, &count])
            .text()
            .await?;
        if replicas == 0 {
            let pods = format!("app.kubernetes.io/{component}");
            let delete = [
                "delete",
                "pods",
                "--selector",
                &pods,
                "--grace-period=1",
                "--wait=false",
            ];
            self.system.kubectl(&delete).text().await?;
        }
        Ok(())
    }

    /// Gives the controller its right to read objects, or takes it away.
    pub async fn let_controller_read(&self, may_read: bool) -> Result<()> {
        let label = format!("oncue.dev/aggregate-to-controller={may_read}");
        let role = [
            "label",
            "--overwrite",
            "clusterrole/oncue-controller-kinds",
            &label,
        ];
        self.system.kubectl(&role).text().await?;
        Ok(())
    }

    /// Replaces the webhook's pods, and waits until the old ones have ended.
    pub async fn roll_webhook_out(&self) -> Result<()> {
        let before = self.list(WEBHOOK).await?.len();
        let restart = ["rollout", "restart", WEBHOOK_DEPLOYMENT];
        self.system.kubectl(&restart).text().await?;
        self.is_rolled_out(WEBHOOK_DEPLOYMENT).await?;
        self.has_webhooks(before).await
    }

    /// Waits until the webhook has that many pods, all ready and none terminating.
    pub async fn has_webhooks(&self, count: usize) -> Result<()> {
        eventually(&format!("{count} pods of the webhook"), async || {
            let pods = self.list(WEBHOOK).await?;
            let is_so = pods.len() == count && pods.iter().all(is_settled);
            Ok(is_so.then_some(()))
        })
        .await
    }

    /// Kills the API server of a cluster with one control plane, and waits until it answers again.
    pub async fn restart_api_server(&self) -> Result<()> {
        let servers = ListParams::default().labels("component=kube-apiserver");
        let kube_system = Namespace::existing("kube-system").await?;
        let pods = kube_system.api::<Pod>();
        let server = pods.list(&servers).await?.items.pop();
        let server = server.and_then(|pod| pod.metadata.name);
        let server = kube_system.pod(&server.context("the API server runs in a pod")?);
        let before = server.run_of(API_SERVER).await?;
        server.kill(API_SERVER).await?;
        eventually("the API server is back", async || {
            // It refuses connections meanwhile.
            let now = pods.get(server.name()).await.ok();
            let run = now.and_then(|pod| run_of(&pod, API_SERVER));
            Ok(run.is_some_and(|run| run != before).then_some(()))
        })
        .await
    }

    /// Waits until the store answers and annotated pods are injected.
    pub async fn is_ready(&self) -> Result<()> {
        for workload in [WEBHOOK_DEPLOYMENT, self.backend().workload()] {
            self.is_rolled_out(workload).await?;
        }
        let store = self.system.store();
        eventually("an answer of the store", async || {
            Ok(store.variables().await.ok().map(drop))
        })
        .await?;
        self.admits().await
    }

    pub(super) async fn is_rolled_out(&self, workload: &str) -> Result<()> {
        let status = ["rollout", "status", workload, &timeout_flag()];
        self.system.kubectl(&status).text().await?;
        Ok(())
    }

    /// Waits until an annotated pod is injected, with dry runs.
    pub async fn admits(&self) -> Result<()> {
        let asking = Manifest::from(pod("admitted").depends_on("never/there"));
        let asking: Pod = serde_json::from_value(asking.value().clone())?;
        let dry_run = PostParams {
            dry_run: true,
            ..PostParams::default()
        };
        let pods: Api<Pod> = Api::namespaced(self.system.client(), "default");
        eventually("an annotated pod is injected", async || {
            // Such a pod is rejected until the webhook is ready.
            let answer = pods.create(&dry_run, &asking).await;
            Ok(answer.ok().filter(is_injected).map(drop))
        })
        .await
    }

    /// Returns the data of the certificate authority's Secret.
    pub async fn authority(&self) -> Result<BTreeMap<String, ByteString>> {
        let secret = self.system.api::<Secret>().get(AUTHORITY).await?;
        Ok(secret.data.unwrap_or_default())
    }

    /// Empties the certificate authority's Secret.
    pub async fn forget_authority(&self) -> Result<()> {
        self.damage_authority(json!(null)).await
    }

    /// Merges `data` into that of the certificate authority's Secret.
    pub async fn damage_authority(&self, data: Value) -> Result<()> {
        let damage = Patch::Merge(json!({"data": data}));
        let secrets = self.system.api::<Secret>();
        let params = PatchParams::default();
        secrets.patch(AUTHORITY, &params, &damage).await?;
        Ok(())
    }

    /// Deletes the certificate authority's Secret, and creates it as the chart does: empty.
    pub async fn recreate_authority(&self) -> Result<()> {
        let secrets = self.system.api::<Secret>();
        let mut secret = secrets.get(AUTHORITY).await?;
        secrets.delete(AUTHORITY, &DeleteParams::default()).await?;
        secret.data = None;
        let metadata = secret.metadata;
        secret.metadata = ObjectMeta {
            annotations: metadata.annotations,
            labels: metadata.labels,
            name: metadata.name,
            ..ObjectMeta::default()
        };
        secrets.create(&PostParams::default(), &secret).await?;
        Ok(())
    }

    /// Returns the webhook's pod that holds the Lease, and so writes the certificate authority.
    pub async fn webhook_leader(&self) -> Result<LivePod> {
        let leases = self.system.api::<Lease>();
        let what = "a pod of the webhook holds the Lease";
        let holder = eventually(what, async || {
            let lease = leases.get_opt(WEBHOOK_LEASE).await?;
            let holder = lease.and_then(|lease| lease.spec?.holder_identity);
            // The holder's name is that of its pod, with something random behind it.
            let pod = holder.as_deref().and_then(|it| it.rsplit_once('_'));
            Ok(pod.map(|(pod, _)| pod.to_owned()))
        });
        Ok(self.system.pod(&holder.await?))
    }

    /// Returns the `caBundle` of each entry of the `MutatingWebhookConfiguration`, in PEM.
    pub async fn ca_bundles(&self) -> Result<Vec<String>> {
        let found = self.configurations().get(RELEASE).await?;
        let entries = found.webhooks.unwrap_or_default().into_iter();
        let bundles = entries.map(|entry| entry.client_config.ca_bundle.unwrap_or_default());
        Ok(bundles
            .map(|ByteString(pem)| String::from_utf8(pem))
            .collect::<Result<_, _>>()?)
    }

    /// Removes the `caBundle` from each entry of the `MutatingWebhookConfiguration`.
    pub async fn wipe_ca_bundles(&self) -> Result<()> {
        let count = self.ca_bundles().await?.len();
        let remove = |entry| json!({"op": "remove", "path": format!("/webhooks/{entry}/clientConfig/caBundle")});
        let removals: Value = (0..count).map(remove).collect();
        let patch: Patch<()> = Patch::Json(serde_json::from_value(removals)?);
        let all = self.configurations();
        all.patch(RELEASE, &PatchParams::default(), &patch).await?;
        Ok(())
    }

    fn configurations(&self) -> Api<MutatingWebhookConfiguration> {
        Api::all(self.system.client())
    }

    /// Restores nodes, the release and its pods.
    async fn mend(&self) -> Result<()> {
        for name in self.system.nodes().await? {
            Node::new(self.system.cluster().clone(), name)
                .start()
                .await?;
        }
        let nodes = [
            "wait",
            "node",
            "--all",
            "--for=condition=Ready",
            &timeout_flag(),
        ];
        self.system.kubectl(&nodes).text().await?;
        let has_webhook = self.configurations().get_opt(RELEASE).await?.is_some();
        if !has_webhook || !self.release.is_installed().await? {
            self.release.install().await?;
        }
        self.let_controller_read(true).await?;
        self.start_store().await?;
        self.scale_webhook(REPLICAS).await?;
        self.spread_webhook().await?;
        self.is_ready().await
    }

    /// Replaces the webhook's pods if one node has them all, as after the loss of the other node: the
    /// next test may stop that one.
    async fn spread_webhook(&self) -> Result<()> {
        let pods = self.list(WEBHOOK).await?.into_iter();
        let nodes: BTreeSet<_> = pods.filter_map(|pod| pod.spec?.node_name).collect();
        if nodes.len() > 1 {
            return Ok(());
        }
        self.roll_webhook_out().await
    }
}

/// Returns the tag of the installed image.
async fn image_tag(system: &Namespace) -> Result<String> {
    let webhook = system.api::<Deployment>().get("oncue-webhook").await?;
    let pod = webhook.spec.and_then(|spec| spec.template.spec);
    let image = pod.and_then(|pod| pod.containers.into_iter().next()?.image);
    let image = image.context("the webhook has an image")?;
    let (_, tag) = image.rsplit_once(':').context("the image has a tag")?;
    Ok(tag.to_owned())
}

const NOT_INSTALLED: &str =
    "oncue is not installed on the cluster: `cargo run -p e2e -- up` makes it whole";
const WEBHOOK: &str = "component=webhook";
const WEBHOOK_DEPLOYMENT: &str = "deployment/oncue-webhook";
const API_SERVER: &str = "kube-apiserver";
const AUTHORITY: &str = "oncue-webhook-ca";
const WEBHOOK_LEASE: &str = "oncue-webhook";

/// The chart's default number of webhook pods.
const REPLICAS: usize = 2;
