//! A pod on the cluster, with the conditions that tests wait for.

use std::cell::Cell;

use anyhow::{Context, Result, bail};
use k8s_openapi::{api::core::v1::Pod, jiff::Timestamp};
use kube::{api::LogParams, runtime::wait::await_condition};

use super::{
    Namespace, Node, PodManifest, eventually, in_time,
    times::{container_status, ended_at, started_at},
};

/// The init container that oncue injects.
pub const WAIT: &str = "oncue-wait";

/// A handle for a pod.
#[derive(Clone, Debug)]
pub struct LivePod {
    ns: Namespace,
    name: String,
}

/// One run of a container.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Run {
    /// The container's id, as the kubelet writes it: `containerd://...`.
    pub id: String,
    /// Number of restarts before this run.
    pub restarts: i32,
}

/// How a container ended.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Ending {
    /// Its exit code.
    pub code: i32,
    /// Its termination message.
    pub message: String,
}

/// Creates a pod that waits and signals, and checks that it does both.
pub async fn waits_and_signals(ns: &Namespace, pod: PodManifest) -> Result<LivePod> {
    let pod = pod.depends_on("its/turn").signals("$(POD_NAME)/up");
    let pod = ns.create_pod(pod).await?;
    pod.is_held().await?;
    ns.store().create("its/turn").await?;
    pod.is_running().await?;
    ns.store().until(&format!("{}/up", pod.name)).await?;
    // The next pod must wait for its own variable.
    ns.store().delete("its/turn").await?;
    Ok(pod)
}

/// Waits until the store holds the waits of all these pods.
pub async fn are_held(pods: &[LivePod]) -> Result<()> {
    for pod in pods {
        pod.is_held().await?;
    }
    Ok(())
}

/// Waits until all these pods run, and checks that their waits have succeeded.
pub async fn are_released(pods: &[LivePod]) -> Result<()> {
    for pod in pods {
        pod.is_running().await?;
        let ending = pod.wait_ended().await?;
        if ending.code != 0 {
            bail!("the wait of pod {} has failed: {ending:?}", pod.name);
        }
    }
    Ok(())
}

/// Returns the present runs of the pods' containers of this name. A kubelet under load can fail to
/// start a container, and starts it again: so compare runs, and do not count restarts.
pub async fn runs_of(pods: &[LivePod], container: &str) -> Result<Vec<Run>> {
    let mut runs = Vec::with_capacity(pods.len());
    for pod in pods {
        runs.push(pod.run_of(container).await?);
    }
    Ok(runs)
}

impl LivePod {
    pub(super) fn new(ns: Namespace, name: &str) -> Self {
        Self {
            ns,
            name: name.to_owned(),
        }
    }

    /// Returns its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn namespace(&self) -> &Namespace {
        &self.ns
    }

    /// Returns the present object.
    pub async fn get(&self) -> Result<Pod> {
        Ok(self.ns.api::<Pod>().get(&self.name).await?)
    }

    /// Waits until the condition is true, and returns the object.
    pub async fn until(&self, what: &str, is_so: impl Fn(&Pod) -> bool + Send) -> Result<Pod> {
        let what = format!("pod {} {what}", self.name);
        let condition = |pod: Option<&Pod>| pod.is_some_and(&is_so);
        let seen = in_time(&what, async {
            Ok(await_condition(self.ns.api::<Pod>(), &self.name, condition).await?)
        });
        seen.await?.context("the pod is gone")
    }

    /// Waits until the store holds the request of the pod's init container. The pod has not started
    /// then, and does not start before its terms change.
    pub async fn is_held(&self) -> Result<()> {
        let store = self.ns.store();
        let what = format!("the store holds the wait of pod {}", self.name);
        eventually(&what, async || {
            let waits = store.waiting_pods().await?;
            Ok(waits.contains(&self.name).then_some(()))
        })
        .await
    }

    /// Waits until the terms that it still waits for are exactly these, in any order, each with the
    /// beginning of its reason behind it.
    pub async fn misses<T: AsRef<str>>(&self, expected: &[T]) -> Result<()> {
        let store = self.ns.store();
        let expected: Vec<_> = expected.iter().map(AsRef::as_ref).collect();
        let what = format!("pod {} misses {expected:?}", self.name);
        let last = Cell::new(None);
        let are_missing = |missing: &[String]| {
            let is_told = |it: &&str| missing.iter().any(|told| told.starts_with(it));
            missing.len() == expected.len() && expected.iter().all(is_told)
        };
        let told = eventually(&what, async || {
            let missing = store.missing(&self.name).await?;
            let is_so = missing.as_deref().is_some_and(are_missing);
            last.set(missing);
            Ok(is_so.then_some(()))
        });
        told.await
            .with_context(|| format!("it misses {:?}", last.take()))
    }

    /// Waits until its condition `oncue.dev/DependenciesHeld` has this reason, and returns the
    /// message.
    pub async fn reports(&self, reason: &str) -> Result<String> {
        let what = format!("reports {reason}");
        let is_so = |pod: &Pod| report(pod).is_some_and(|(it, _)| it == reason);
        let pod = self.until(&what, is_so).await?;
        let message = report(&pod).map(|(_, message)| message.to_owned());
        message.context("it reports")
    }

    /// Waits until all of its own containers run.
    pub async fn is_running(&self) -> Result<Pod> {
        self.until("runs", all_run).await
    }

    /// Waits until it has succeeded.
    pub async fn has_succeeded(&self) -> Result<Pod> {
        self.until("has succeeded", |pod| phase(pod) == Some("Succeeded"))
            .await
    }

    /// Waits until it has failed.
    pub async fn has_failed(&self) -> Result<Pod> {
        self.until("has failed", |pod| phase(pod) == Some("Failed"))
            .await
    }

    /// Waits until the injected init container has ended, and returns its result.
    pub async fn wait_ended(&self) -> Result<Ending> {
        self.container_ended(WAIT).await
    }

    /// Waits until a container has ended, in its present or its last run, and returns the result.
    pub async fn container_ended(&self, container: &str) -> Result<Ending> {
        let what = format!("has ended its container {container}");
        let pod = self
            .until(&what, |pod| ending(pod, container).is_some())
            .await?;
        ending(&pod, container).context("it has ended")
    }

    /// Returns the present run of a container. Waits until the kubelet reports one, which can be
    /// later than the store holds the wait.
    pub async fn run_of(&self, container: &str) -> Result<Run> {
        let what = format!("has started its container {container}");
        let pod = self.until(&what, |pod| run_of(pod, container).is_some());
        run_of(&pod.await?, container).context("it has started")
    }

    /// Waits until a container is in a later run than this one.
    pub async fn runs_again_after(&self, container: &str, run: &Run) -> Result<Pod> {
        let is_another = |pod: &Pod| run_of(pod, container).is_some_and(|now| now.id != run.id);
        let is_up = |pod: &Pod| {
            let state = container_status(pod, container).and_then(|status| status.state.as_ref());
            state.is_some_and(|state| state.running.is_some())
        };
        let what = format!("runs its container {container} again");
        self.until(&what, |pod| is_another(pod) && is_up(pod)).await
    }

    /// Kills a container with SIGKILL, like the kernel without free memory.
    pub async fn kill(&self, container: &str) -> Result<()> {
        self.send_signal(container, "SIGKILL").await
    }

    /// Asks the process of a container to end, with SIGTERM.
    pub async fn terminate(&self, container: &str) -> Result<()> {
        self.send_signal(container, "SIGTERM").await
    }

    /// Stops the process of a container, until [`resume`](Self::resume).
    pub async fn pause(&self, container: &str) -> Result<()> {
        self.send_signal(container, "SIGSTOP").await
    }

    /// Lets the process of a container go on.
    pub async fn resume(&self, container: &str) -> Result<()> {
        self.send_signal(container, "SIGCONT").await
    }

    async fn send_signal(&self, container: &str, signal: &str) -> Result<()> {
        let run = self.run_of(container).await?;
        let id = run.id.rsplit('/').next().unwrap_or_default();
        self.node().await?.send_signal(id, signal).await
    }

    /// Deletes the pod without waiting for its end.
    pub async fn delete(&self) -> Result<()> {
        let delete = ["delete", "pod", &self.name, "--wait=false"];
        self.ns.kubectl(&delete).text().await?;
        Ok(())
    }

    /// Deletes the pod from the API at once, without waiting for the kubelet.
    pub async fn delete_by_force(&self) -> Result<()> {
        let delete = ["delete", "pod", &self.name, "--force", "--grace-period=0"];
        self.ns.kubectl(&delete).text().await?;
        Ok(())
    }

    /// Returns the pod's uid.
    pub async fn uid(&self) -> Result<String> {
        let uid = self.get().await?.metadata.uid;
        uid.with_context(|| format!("pod {} has a uid", self.name))
    }

    /// Waits until it is gone from the API.
    pub async fn is_gone(&self) -> Result<()> {
        let what = format!("pod {} is gone", self.name);
        let gone = |pod: Option<&Pod>| pod.is_none();
        in_time(&what, async {
            await_condition(self.ns.api::<Pod>(), &self.name, gone).await?;
            Ok(())
        })
        .await
    }

    /// Returns the pod's node.
    pub async fn node(&self) -> Result<Node> {
        let node = self.get().await?.spec.and_then(|spec| spec.node_name);
        let node = node.with_context(|| format!("pod {} is on no node", self.name))?;
        Ok(Node::new(self.ns.cluster().clone(), node))
    }

    /// Returns when a container last started.
    pub async fn started_at(&self, container: &str) -> Result<Timestamp> {
        started_at(&self.get().await?, container)
    }

    /// Returns when a container ended.
    pub async fn ended_at(&self, container: &str) -> Result<Timestamp> {
        ended_at(&self.get().await?, container)
    }

    /// Waits until the wait of the injected container has ended well, and returns the node's
    /// timestamp of the last line of its log.
    pub async fn ready_at(&self) -> Result<Timestamp> {
        self.wait_ended().await?;
        let log = ["logs", &self.name, "-c", WAIT, "--timestamps"];
        let log = self.ns.kubectl(&log).text().await?;
        let last = log.lines().find(|line| line.contains("Ready after"));
        let (stamp, _) = last
            .and_then(|line| line.split_once(' '))
            .with_context(|| format!("the log of {} has no success: {log}", self.name))?;
        Ok(stamp.parse()?)
    }

    /// Returns the log of a container.
    pub async fn log(&self, container: &str) -> Result<String> {
        let params = LogParams {
            container: Some(container.to_owned()),
            ..LogParams::default()
        };
        Ok(self.ns.api::<Pod>().logs(&self.name, &params).await?)
    }

    /// Waits until the log of a container contains this text.
    pub async fn prints(&self, container: &str, text: &str) -> Result<String> {
        let what = format!("{container} of pod {} prints {text:?}", self.name);
        eventually(&what, async || {
            // There is no log before the container has started.
            let log = self.log(container).await.unwrap_or_default();
            Ok(log.contains(text).then_some(log))
        })
        .await
    }

    /// Runs a command in its first container.
    pub async fn exec(&self, command: &[&str]) -> Result<String> {
        self.ns
            .kubectl(&["exec", &self.name, "--"])
            .args(command)
            .text()
            .await
    }

    /// Returns the output of `kubectl describe pod`.
    pub async fn describe(&self) -> Result<String> {
        self.ns
            .kubectl(&["describe", "pod", &self.name])
            .text()
            .await
    }

    /// Checks that oncue has not changed the pod.
    pub async fn is_not_injected(&self) -> Result<()> {
        if is_injected(&self.get().await?) {
            bail!("pod {} is injected", self.name);
        }
        Ok(())
    }
}

/// Returns whether a pod has the container that oncue injects.
pub fn is_injected(pod: &Pod) -> bool {
    let spec = pod.spec.iter();
    let mut init = spec.flat_map(|spec| spec.init_containers.iter().flatten());
    init.any(|container| container.name == WAIT)
}

/// Returns whether a pod is ready and not terminating.
pub(super) fn is_settled(pod: &Pod) -> bool {
    let status = pod.status.iter();
    let mut conditions = status.flat_map(|status| status.conditions.iter().flatten());
    let is_ready = conditions.any(|it| it.type_ == "Ready" && it.status == "True");
    is_ready && pod.metadata.deletion_timestamp.is_none()
}

/// Returns the reason and the message of the condition that oncue writes.
fn report(pod: &Pod) -> Option<(&str, &str)> {
    let mut conditions = pod
        .status
        .iter()
        .flat_map(|it| it.conditions.iter().flatten());
    let ours = conditions.find(|it| it.type_ == "oncue.dev/DependenciesHeld")?;
    Some((ours.reason.as_deref()?, ours.message.as_deref()?))
}

fn phase(pod: &Pod) -> Option<&str> {
    pod.status.as_ref()?.phase.as_deref()
}

fn all_run(pod: &Pod) -> bool {
    let own = pod
        .status
        .iter()
        .flat_map(|status| status.container_statuses.iter().flatten());
    let mut states = own
        .map(|container| container.state.as_ref()?.running.as_ref())
        .peekable();
    states.peek().is_some() && states.all(|running| running.is_some())
}

pub(super) fn run_of(pod: &Pod, container: &str) -> Option<Run> {
    let status = container_status(pod, container)?;
    Some(Run {
        id: status.container_id.clone()?,
        restarts: status.restart_count,
    })
}

/// A restarted container has ended in its last run.
fn ending(pod: &Pod, container: &str) -> Option<Ending> {
    let status = container_status(pod, container)?;
    let runs = [status.state.as_ref(), status.last_state.as_ref()];
    let ended = runs
        .into_iter()
        .find_map(|state| state?.terminated.as_ref())?;
    let message = ended.message.clone().unwrap_or_default();
    Some(Ending {
        code: ended.exit_code,
        message,
    })
}
