//! Times at which containers started and ended, in the kubelet's resolution of 1 s.

use anyhow::{Context, Result};
use k8s_openapi::{
    api::core::v1::{ContainerStatus, Pod},
    jiff::Timestamp,
};

/// Returns when the container last started. It can be an init container.
pub fn started_at(pod: &Pod, container: &str) -> Result<Timestamp> {
    let status = container_status(pod, container);
    let state = status.and_then(|status| status.state.as_ref());
    let running = state.and_then(|state| state.running.as_ref()?.started_at.as_ref());
    let ended = state.and_then(|state| state.terminated.as_ref()?.started_at.as_ref());
    let time = running
        .or(ended)
        .with_context(|| format!("{container} has not started"))?;
    Ok(time.0)
}

/// Returns when the container ended.
pub fn ended_at(pod: &Pod, container: &str) -> Result<Timestamp> {
    let state = container_status(pod, container).and_then(|status| status.state.as_ref());
    let time = state.and_then(|state| state.terminated.as_ref()?.finished_at.as_ref());
    Ok(time
        .with_context(|| format!("{container} has not ended"))?
        .0)
}

/// Finds a container's status. It can be an init container.
pub(super) fn container_status<'a>(pod: &'a Pod, name: &str) -> Option<&'a ContainerStatus> {
    let status = pod.status.as_ref()?;
    let init = status.init_container_statuses.iter().flatten();
    let mut all = init.chain(status.container_statuses.iter().flatten());
    all.find(|status| status.name == name)
}
