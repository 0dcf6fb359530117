//! `oncue release`: lets waiting pods go although their dependencies do not hold.

use std::process::ExitCode;

use anyhow::{anyhow, bail};
use clap::Args;
use serde_json::Value;

use super::{
    cluster::{Cluster, ClusterArgs},
    live_name::LiveName,
    opening::Frame,
    output,
    settings::InjectionArgs,
    usage,
};
use crate::{
    cluster::{ApiError, Part, Place, Question, Resource},
    injection::{Controller, Settings},
    language::{Owner, annotation::Key},
    release::ReleaseReason,
    waiting_pod::WaitingPod,
};

const HELP: &str = "\
Examples:
  oncue release pod/web-0 -n shop --reason 'the cache is optional today'
  oncue release --all --reason 'oncue is uninstalled'

The command writes the annotation oncue.dev/release of the pod, with your own permissions: get pods
(list with --all) and patch pods, and list configmaps in --system-namespace. oncue's controller acts
on it at once: it opens the scheduling gate, or answers the waiting init container, which then
succeeds. A release belongs to one pod and lasts as long as that pod. `oncue status` lists released
pods. Containers that were injected by an older version of oncue do not know releases.
Exit codes: 0 released, 1 a pod could not be released, 2 wrong usage.
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
    /// Releases the pod, or every waiting pod, and prints which.
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let name = self.pod.as_deref().map(pod_name).transpose()?;
        let cluster = self.cluster.connect()?;
        let frame = Frame::new(Some(&cluster), &self.cluster, &self.injection)?;
        let pods = match name {
            Some(name) => vec![waiting(
                &name.read(&cluster, &frame.namespace)?,
                &frame.settings,
            )?],
            None => all_waiting(&cluster, &frame.settings, &self.cluster.named_place())?,
        };
        if frame.settings.controller == Controller::Absent {
            output::note(NO_CONTROLLER);
        }
        self.release(&cluster, &frame.settings, pods)
    }

    fn release(
        &self,
        cluster: &Cluster,
        settings: &Settings,
        pods: Vec<Owner>,
    ) -> anyhow::Result<ExitCode> {
        let value = |pod: Owner| {
            let value = self.reason.annotation(&pod.uid);
            (pod, value)
        };
        let values: Vec<_> = pods.into_iter().map(value).collect();
        let results = cluster.annotate(&settings.keys.prefixed(Key::Release), &values);
        let mut code = ExitCode::SUCCESS;
        for ((pod, _), result) in values.iter().zip(results) {
            let Owner {
                namespace, name, ..
            } = pod;
            match result {
                Ok(()) => output::print(&format!("released pod/{name} -n {namespace}\n"))?,
                Err(error) => {
                    code = ExitCode::FAILURE;
                    let reason = told(&error);
                    output::note(&format!(
                        "failed to release pod/{name} -n {namespace}: {reason}"
                    ));
                }
            }
        }
        if values.is_empty() {
            output::print(&format!("no pod waits {}\n", self.cluster.named_place()))?;
        }
        Ok(code)
    }
}

fn pod_name(text: &str) -> anyhow::Result<LiveName> {
    let name: LiveName = text.parse().map_err(usage)?;
    if name.is_pod() {
        return Ok(name);
    }
    Err(usage(anyhow!(
        "{text:?} is no pod: releases are for single pods, as pod/NAME"
    ))
    .into())
}

/// Returns which pod an object is, if it waits.
fn waiting(pod: &Value, settings: &Settings) -> anyhow::Result<Owner> {
    match WaitingPod::read(pod, &settings.keys) {
        Some(WaitingPod { id, .. }) => Ok(id),
        None => bail!(
            "the pod does not wait for dependencies: there is nothing to release; `oncue status` \
             lists the pods that wait"
        ),
    }
}

fn all_waiting(
    cluster: &Cluster,
    settings: &Settings,
    place: &Place,
) -> anyhow::Result<Vec<Owner>> {
    let label = format!("{}=true", settings.managed_label());
    let live = Question {
        labels: &label,
        fields: "status.phase!=Succeeded,status.phase!=Failed",
        part: Part::Whole,
    };
    let pods = cluster.list(Resource::POD, place, live)?;
    let waiting = pods
        .iter()
        .filter_map(|pod| WaitingPod::read(pod, &settings.keys));
    Ok(waiting.map(|pod| pod.id).collect())
}

fn told(error: &ApiError) -> String {
    match error {
        // The test of the uid fails.
        ApiError::Refused(status) if status.code == 422 => {
            "another pod has taken its place meanwhile".to_owned()
        }
        error => error.to_string(),
    }
}

const NO_CONTROLLER: &str = "by its settings, this installation of oncue runs no controller \
    (controller.enabled): nothing acts on a release";
