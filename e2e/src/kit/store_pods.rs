//! The store's pods: access to them, and what tests do to them.

use anyhow::{Context, Result};
use futures_util::future::try_join_all;
use k8s_openapi::api::{coordination::v1::Lease, core::v1::Pod};
use kube::{Api, Client, api::ListParams};

use super::{LivePod, Oncue, Run, eventually, live_pod::is_settled, signals};
use crate::{
    backend::Backend,
    cluster::{RELEASE, SYSTEM},
};

/// The container of a store's pod.
const CONTAINER: &str = "store";

/// The Lease of the leader.
const LEASE: &str = "oncue-store";

/// Returns the names of the store's pods that are ready and not terminating, in order.
pub(super) async fn ready_stores(client: &Client) -> Result<Vec<String>> {
    let pods = store_pods(client).await?.into_iter().filter(is_settled);
    let mut names: Vec<_> = pods.filter_map(|pod| pod.metadata.name).collect();
    names.sort();
    Ok(names)
}

/// Returns all pods of the store.
async fn store_pods(client: &Client) -> Result<Vec<Pod>> {
    let pods: Api<Pod> = Api::namespaced(client.clone(), SYSTEM);
    let labels = [("instance", RELEASE), ("component", "store")];
    let labels = labels.map(|(key, value)| format!("app.kubernetes.io/{key}={value}"));
    let params = ListParams::default().labels(&labels.join(","));
    Ok(pods.list(&params).await?.items)
}

impl Oncue {
    /// Returns the store's pods that are ready and not terminating, by name.
    pub async fn store_pods(&self) -> Result<Vec<LivePod>> {
        let names = ready_stores(&self.system().client()).await?;
        Ok(names.iter().map(|name| self.system().pod(name)).collect())
    }

    /// Waits until a replica leads, and returns its pod. The only pod of the embedded store always
    /// does.
    pub async fn leader(&self) -> Result<LivePod> {
        if self.backend() == Backend::Embedded {
            return Ok(self.system().pod("oncue-store-0"));
        }
        eventually("a replica of the store leads", async || {
            let holder = self.lease_holder().await?;
            // The holder's name is that of its pod, with something random behind it.
            let pod = holder
                .as_deref()
                .and_then(|it| Some(it.rsplit_once('_')?.0));
            let Some(pod) = pod.map(|name| self.system().pod(name)) else {
                return Ok(None);
            };
            let pods = self.system().api::<Pod>();
            Ok(pods.get_opt(pod.name()).await?.map(|_| pod))
        })
        .await
    }

    /// Returns the name in the Lease of the leader, if a replica holds it.
    pub async fn lease_holder(&self) -> Result<Option<String>> {
        let lease = self.system().api::<Lease>().get_opt(LEASE).await?;
        let holder = lease.and_then(|lease| lease.spec?.holder_identity);
        Ok(holder.filter(|holder| !holder.is_empty()))
    }

    /// Stops all pods of the store, and waits until they are gone.
    pub async fn stop_store(&self) -> Result<()> {
        self.scale_store(0).await
    }

    /// Starts the store's pods again, and waits until all are ready.
    pub async fn start_store(&self) -> Result<()> {
        self.scale_store(self.backend().replicas()).await
    }

    async fn scale_store(&self, replicas: usize) -> Result<()> {
        let store = (self.backend().workload(), "component=store");
        self.scale(store, replicas).await?;
        self.has_stores(replicas).await
    }

    /// Waits until the store has that many pods, all ready and none terminating.
    pub async fn has_stores(&self, count: usize) -> Result<()> {
        eventually(&format!("{count} pods of the store"), async || {
            let pods = store_pods(&self.system().client()).await?;
            let is_so = pods.len() == count && pods.iter().all(is_settled);
            Ok(is_so.then_some(()))
        })
        .await
    }

    /// Deletes all pods of the store at once, without their graceful end, and waits until others
    /// are ready in their place.
    pub async fn replace_store(&self) -> Result<()> {
        let before = store_pods(&self.system().client()).await?;
        let uids: Vec<_> = before.iter().map(|pod| &pod.metadata.uid).collect();
        let names = before.iter().filter_map(|pod| pod.metadata.name.as_deref());
        let pods: Vec<_> = names.map(|name| self.system().pod(name)).collect();
        try_join_all(pods.iter().map(LivePod::delete_by_force)).await?;
        eventually("other pods of the store", async || {
            let pods = store_pods(&self.system().client()).await?;
            let are_others = pods.iter().all(|pod| !uids.contains(&&pod.metadata.uid));
            let are_ready = pods.len() == before.len() && pods.iter().all(is_settled);
            Ok((are_others && are_ready).then_some(()))
        })
        .await
    }

    /// Kills the processes of all pods of the store at once, and waits until they run again.
    pub async fn kill_store(&self) -> Result<()> {
        let pods = self.store_pods().await?;
        let runs: Vec<Run> = try_join_all(pods.iter().map(|pod| pod.run_of(CONTAINER))).await?;
        try_join_all(pods.iter().map(|pod| pod.kill(CONTAINER))).await?;
        for (pod, run) in pods.iter().zip(&runs) {
            pod.runs_again_after(CONTAINER, run).await?;
        }
        self.has_stores(pods.len()).await
    }

    /// Replaces the store's pods one by one, and waits until the old ones have ended.
    pub async fn roll_store_out(&self) -> Result<()> {
        let workload = self.backend().workload();
        let restart = ["rollout", "restart", workload];
        self.system().kubectl(&restart).text().await?;
        self.is_rolled_out(workload).await?;
        self.has_stores(self.backend().replicas()).await
    }

    /// Kills the process of the leader, deletes its pod, and waits until another process leads.
    pub async fn kill_leader(&self) -> Result<()> {
        let (leader, holder) = (self.leader().await?, self.lease_holder().await?);
        let run = leader.run_of(CONTAINER).await?;
        leader.kill(CONTAINER).await?;
        // The kubelet would delay the restart more each time; a new pod has no past.
        leader.delete_by_force().await?;
        if self.backend() == Backend::Embedded {
            leader.runs_again_after(CONTAINER, &run).await?;
            return Ok(());
        }
        self.another_leads_than(holder.as_deref()).await
    }

    /// Waits until another replica leads than the holder of the Lease before.
    pub async fn another_leads_than(&self, holder: Option<&str>) -> Result<()> {
        eventually("another replica leads", async || {
            let now = self.lease_holder().await?;
            Ok((now.is_some() && now.as_deref() != holder).then_some(()))
        })
        .await
    }

    /// Removes all variables of all namespaces: the volume, which remains after the release, or the
    /// Signals.
    pub async fn forget_variables(&self) -> Result<()> {
        match self.backend() {
            Backend::Embedded => {
                let delete = ["delete", "pvc", "data-oncue-store-0", "--ignore-not-found"];
                self.system().kubectl(&delete).text().await.map(drop)
            }
            Backend::Kubernetes => signals::delete_all(&self.system().client()).await,
        }
        .context("failed to remove all variables")
    }
}
