//! `oncue release`: lets waiting pods go although their dependencies do not hold.

mod standing;

use std::process::ExitCode;

use anyhow::{anyhow, bail};
use clap::Args;

use self::standing::Standing;
use super::{
    cluster::{Cluster, ClusterArgs},
    live_name::LiveName,
    opening::Frame,
    output,
    settings::InjectionArgs,
    usage,
};
use crate::{
    cluster::{ApiError, Part, Place, Question, Resource, Unlisted},
    injection::{Controller, Settings},
    language::{Owner, annotation::Key},
    release::ReleaseReason,
    workload::uid,
};

const HELP: &str = "\
Examples:
  oncue release pod/web-0 -n shop --reason 'the cache is optional today'
  oncue release --all --reason 'oncue is uninstalled'

The command writes the annotation oncue.dev/release of the pod. oncue's controller acts on it at \
once: it opens the scheduling gate, or answers the waiting init container, which then succeeds. \
A release belongs to one pod and lasts as long as that pod while oncue runs. `oncue status` \
lists released pods.
This needs your own permissions to get and patch pods (list with --all), and to list configmaps \
in --system-namespace.
Init containers of older versions ignore a release. Recreate such pods.
--all leaves pods alone that are released already, and lists those that still wait: repeat it \
until it prints that no pod waits.
Exit codes: 0 all releases are written, 1 one is not, 2 wrong usage.
";

/// The arguments of `oncue release`.
#[derive(Args, Debug)]
#[command(after_help = HELP)]
pub(super) struct Release {
    /// Pod, as pod/NAME or NAME
    #[arg(
        value_name = "POD",
        required_unless_present = "all",
        conflicts_with = "all"
    )]
    pod: Option<String>,

    /// Release every waiting pod, in all namespaces unless --namespace names one
    #[arg(long)]
    all: bool,

    /// Why the pod may start; kept in the pod
    #[arg(long, value_name = "TEXT")]
    reason: ReleaseReason,

    #[command(flatten)]
    cluster: ClusterArgs,

    #[command(flatten)]
    injection: InjectionArgs,
}

impl Release {
    /// Writes the release of the pod, or of every waiting pod, and prints which.
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let name = self.pod.as_deref().map(pod_name).transpose()?;
        let cluster = self.cluster.connect()?;
        let frame = Frame::new(Some(&cluster), &self.cluster, &self.injection)?;
        if frame.settings.controller == Controller::Absent {
            bail!(NO_CONTROLLER);
        }
        let pods = match name {
            Some(name) => vec![one(&cluster, &frame, &name)?],
            None => all(&cluster, &frame.settings, &self.cluster.named_place())?,
        };
        if pods.is_empty() {
            output::print(&format!("no pod waits {}\n", self.cluster.named_place()))?;
        }
        self.release(&cluster, &frame.settings, pods)
    }

    fn release(
        &self,
        cluster: &Cluster,
        settings: &Settings,
        pods: Vec<Standing>,
    ) -> anyhow::Result<ExitCode> {
        let mut code = ExitCode::SUCCESS;
        let mut values = Vec::new();
        for pod in pods {
            match pod {
                Standing::Released(pod) if self.all => {
                    output::print(&format!("released already, still waits: {}\n", shown(&pod)))?;
                }
                Standing::Released(pod) | Standing::Waits(pod) => {
                    let value = self.reason.annotation(&pod.uid);
                    values.push((pod, value));
                }
                Standing::Stuck { pod, reason } => {
                    code = ExitCode::FAILURE;
                    output::note(&format!("failed to release {}: {reason}", shown(&pod)));
                }
            }
        }
        let results = cluster.annotate(&settings.keys.prefixed(Key::Release), &values);
        for ((pod, _), result) in values.iter().zip(results) {
            match result {
                Ok(()) => output::print(&format!("release written: {}\n", shown(pod)))?,
                Err(error) => match told(cluster, pod, &error) {
                    Told::Gone if self.all => {}
                    told => {
                        code = ExitCode::FAILURE;
                        output::note(&format!("failed to release {}: {told}", shown(pod)));
                    }
                },
            }
        }
        Ok(code)
    }
}

fn shown(
    Owner {
        namespace, name, ..
    }: &Owner,
) -> String {
    format!("pod/{name} -n {namespace}")
}

fn pod_name(text: &str) -> anyhow::Result<LiveName> {
    let name: LiveName = text.parse().map_err(usage)?;
    if name.is_pod() {
        return Ok(name);
    }
    Err(usage(anyhow!("{text:?} is not a pod: write pod/NAME")).into())
}

fn one(cluster: &Cluster, frame: &Frame, name: &LiveName) -> anyhow::Result<Standing> {
    let pod = name.read(cluster, &frame.namespace)?;
    let Some(standing) = Standing::of(&pod, &frame.settings) else {
        bail!(
            "the pod does not wait for dependencies: there is nothing to release; `oncue status` \
             lists the pods that wait"
        );
    };
    Ok(standing)
}

/// Finds all pods that wait: also those that have lost the label by which oncue finds its pods.
fn all(cluster: &Cluster, settings: &Settings, place: &Place) -> Result<Vec<Standing>, Unlisted> {
    let live = Question {
        labels: "",
        fields: "status.phase!=Succeeded,status.phase!=Failed",
        part: Part::Whole,
    };
    cluster.find(Resource::POD, (place, live), |pod| {
        Standing::of(pod, settings)
    })
}

/// Why a release was not written.
#[derive(Debug, thiserror::Error)]
enum Told<'a> {
    /// There is nothing to release any more.
    #[error("the pod is gone, or another pod has taken its place meanwhile")]
    Gone,
    /// Another reason.
    #[error("{0}")]
    Refused(&'a ApiError),
}

fn told<'a>(cluster: &Cluster, pod: &Owner, error: &'a ApiError) -> Told<'a> {
    let is_gone = match error {
        ApiError::NotFound(_) => true,
        // The test of the uid fails, or the API server does not accept the pod.
        ApiError::Refused(status) if status.code == 422 => {
            match cluster.get(Resource::POD, &pod.namespace, &pod.name) {
                Ok(now) => uid(&now) != Some(&*pod.uid),
                Err(error) => matches!(error, ApiError::NotFound(_)),
            }
        }
        _ => false,
    };
    if is_gone {
        Told::Gone
    } else {
        Told::Refused(error)
    }
}

const NO_CONTROLLER: &str = "by its settings, this installation of oncue runs no controller \
    (controller.enabled), and nothing else acts on a release: recreate the pods; or if a controller \
    runs, add --controller present";
