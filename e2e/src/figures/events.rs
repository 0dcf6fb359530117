//! From the event that makes a term true to what follows: the end of the init container that waited
//! for it, the removed gate, the probe that holds.

use std::time::Duration;

use anyhow::{Context, Result};
use k8s_openapi::{
    api::{
        core::v1::{ConfigMap, Pod, Service},
        discovery::v1::EndpointSlice,
    },
    jiff::Timestamp,
};
use kube::{Api, Resource, api::ListParams, runtime::wait::await_condition};
use serde::de::DeserializeOwned;
use serde_json::json;

use super::sample::Sample;
use crate::kit::{Manifest, Namespace, PodManifest, eventually, in_time, pod, service};

const PODS: usize = 30;

/// Measures with one pod at a time, so that pods do not wait for each other's CPU.
pub(super) async fn print(ns: Namespace) -> Result<()> {
    let mut released = Sample::default();
    let mut opened = Sample::default();
    let mut nudged = Sample::default();
    let mut polled = Sample::default();
    for round in 0..PODS {
        released.push(object_to_init(&ns, round).await?);
        opened.push(Box::pin(object_to_gate(&ns, round)).await?);
        nudged.push(endpoint_to_probe(&ns, &format!("name-{round}"), Host::Name).await?);
        polled.push(endpoint_to_probe(&ns, &format!("address-{round}"), Host::Address).await?);
    }
    println!("\n# From the watch event that makes a term true\n");
    println!("to the released init container  {released}");
    println!("to the removed gate             {opened}");
    println!("from a ready endpoint to tcp://NAME, with a nudge {nudged}");
    println!("from a ready endpoint to tcp://ADDRESS, without   {polled}");
    Ok(())
}

async fn object_to_init(ns: &Namespace, round: usize) -> Result<Duration> {
    let settings = format!("init-{round}");
    let app = ns.create_pod(waits_for(&settings)).await?;
    app.is_held().await?;
    let there = create_settings(ns, &settings).await?;
    let ready = app.ready_at().await?;
    Ok(ready.duration_since(there).unsigned_abs())
}

async fn object_to_gate(ns: &Namespace, round: usize) -> Result<Duration> {
    let settings = format!("gate-{round}");
    let gated = waits_for(&settings).annotate("depends-on-mode", "gate");
    let app = ns.create_pod(gated).await?;
    app.is_held().await?;
    let opened = app.until("has no gate", |pod| !is_gated(pod));
    let (opened, there) = tokio::join!(
        async { opened.await.map(|_| Timestamp::now()) },
        create_settings(ns, &settings)
    );
    Ok(opened?.duration_since(there?).unsigned_abs())
}

/// How a probe names a Service.
#[derive(Clone, Copy)]
enum Host {
    /// By its address, so that the store cannot tell when to probe.
    Address,
    /// By its name.
    Name,
}

/// The pod of the Service becomes Ready when it is told to, long after it listens.
async fn endpoint_to_probe(ns: &Namespace, name: &str, host: Host) -> Result<Duration> {
    ns.create_object(service(name)).await?;
    let host = match host {
        Host::Address => address_of(ns, name).await?,
        Host::Name => name.to_owned(),
    };
    let web = pod(name).command(&["httpd", "-f", "-p", "8080", "-h", "/tmp"]);
    let web = ns.create_pod(web.ready_while_exists(READY)).await?;
    web.is_running().await?;
    let app = pod(&format!("{name}-app")).depends_on(&format!("tcp://{host}:8080"));
    let app = ns.create_pod(app).await?;
    app.is_held().await?;
    let is_ready = is_seen(
        ns.api::<EndpointSlice>(),
        slice_of(ns, name).await?,
        has_ready_endpoint,
    );
    let (ready, told) = tokio::join!(is_ready, web.exec(&["touch", READY]));
    told?;
    let held = app.ready_at().await?;
    let late = held.duration_since(ready?).unsigned_abs();
    web.delete().await?;
    app.delete().await?;
    Ok(late)
}

async fn address_of(ns: &Namespace, service: &str) -> Result<String> {
    let spec = ns.api::<Service>().get(service).await?.spec;
    spec.and_then(|spec| spec.cluster_ip)
        .with_context(|| format!("the Service {service} has no address"))
}

/// Waits until a Service has an `EndpointSlice`, and returns its name.
async fn slice_of(ns: &Namespace, service: &str) -> Result<String> {
    let label = format!("kubernetes.io/service-name={service}");
    let labelled = ListParams::default().labels(&label);
    eventually(&format!("an EndpointSlice of {service}"), async || {
        let slices = ns.api::<EndpointSlice>().list(&labelled).await?.items;
        Ok(slices.into_iter().find_map(|slice| slice.metadata.name))
    })
    .await
}

fn waits_for(settings: &str) -> PodManifest {
    pod(&format!("{settings}-app")).depends_on(&format!("configmap:{settings}"))
}

/// Creates a `ConfigMap`, and returns when a watch shows it.
async fn create_settings(ns: &Namespace, name: &str) -> Result<Timestamp> {
    let settings = Manifest::new(json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name},
    }));
    let is_there = |it: Option<&ConfigMap>| it.is_some();
    let seen = is_seen(ns.api::<ConfigMap>(), name.to_owned(), is_there);
    let (seen, created) = tokio::join!(seen, ns.create_object(settings));
    created?;
    seen
}

/// Returns when a watch first shows that an object is so.
async fn is_seen<K>(api: Api<K>, name: String, is_so: fn(Option<&K>) -> bool) -> Result<Timestamp>
where
    K: Resource<DynamicType = ()> + Clone + std::fmt::Debug + DeserializeOwned + Send + 'static,
{
    in_time(&format!("{} {name}", K::kind(&())), async {
        await_condition(api, &name, is_so).await?;
        Ok(Timestamp::now())
    })
    .await
}

fn has_ready_endpoint(slice: Option<&EndpointSlice>) -> bool {
    let endpoints = slice.iter().flat_map(|slice| &slice.endpoints);
    endpoints
        .filter_map(|it| it.conditions.as_ref())
        .any(|conditions| conditions.ready == Some(true))
}

fn is_gated(pod: &Pod) -> bool {
    let gates = pod.spec.iter().flat_map(|spec| &spec.scheduling_gates);
    gates.flatten().next().is_some()
}

/// A pod is Ready while it has this file.
const READY: &str = "/tmp/ready";
