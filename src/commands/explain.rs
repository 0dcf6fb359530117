//! `oncue explain`: one pod, from what it waits for to what is injected.

mod account;

use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::Args;

use self::account::Account;
use super::{
    cluster::ClusterArgs, files::Files, opening::Opening, output, report, settings::InjectionArgs,
};
use crate::{
    manifests::Manifests,
    workload::{self, Workload},
};

const HELP: &str = "\
Examples:
  oncue explain -f app/ web
  oncue explain -f app/ Deployment/web
  kubectl get deployment web -o yaml | oncue explain -f -

Pods are read from files; a live one is read by way of kubectl, as in the last example.
Exit codes: 0 explained, 1 there is no such pod or it is refused, 2 usage.";

/// The arguments of `oncue explain`.
#[derive(Args, Debug)]
#[command(after_help = HELP)]
pub struct Explain {
    /// Workload or pod, as NAME or KIND/NAME; may be left out where there is only one
    #[arg(value_name = "POD")]
    pod: Option<String>,

    #[command(flatten)]
    files: Files,

    #[command(flatten)]
    cluster: ClusterArgs,

    #[command(flatten)]
    injection: InjectionArgs,
}

impl Explain {
    /// Prints the explanation.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let opening = Opening::files(&self.files, &self.cluster, &self.injection)?;
        let manifests = &opening.manifests;
        let (object, workload) = choose(manifests, self.pod.as_deref())?;
        let graph = opening.graph();
        let admitted = match opening
            .linter()
            .admit(object, &workload, workload.template())
        {
            Ok(admitted) => admitted,
            Err(refused) => {
                let refused = report::locate(manifests, refused);
                output::print(&format!(
                    "{workload} is refused:\n{}",
                    report::text(&refused)
                ))?;
                return Ok(ExitCode::FAILURE);
            }
        };
        let account = Account {
            graph: &graph,
            workload: &workload,
            decision: &admitted.decision,
        };
        let warnings = report::locate(manifests, admitted.findings);
        output::print(&format!("{account}{}", report::text(&warnings)))?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Returns the workload of this name with the position of its object.
fn choose<'a>(
    manifests: &'a Manifests,
    name: Option<&str>,
) -> anyhow::Result<(usize, Workload<'a>)> {
    let documents = manifests.documents().enumerate();
    let all: Vec<_> = documents
        .flat_map(|(index, document)| {
            let workloads = workload::find(document.object());
            workloads.into_iter().map(move |workload| (index, workload))
        })
        .collect();
    let known: Vec<_> = all
        .iter()
        .map(|(_, workload)| workload.to_string())
        .collect();
    let known = known.join(", ");
    let mut chosen = all
        .into_iter()
        .filter(|(_, workload)| name.is_none_or(|name| is_called(workload, name)));
    let first = chosen.next().with_context(|| match name {
        Some(name) if !known.is_empty() => {
            format!("there is no pod or workload {name:?} in these files: there are {known}")
        }
        _ => "there is no pod or workload in these files".to_owned(),
    })?;
    if chosen.next().is_some() {
        bail!("name one of the pods and workloads in these files, as KIND/NAME: {known}");
    }
    Ok(first)
}

fn is_called(workload: &Workload<'_>, name: &str) -> bool {
    match name.split_once('/') {
        Some((kind, name)) => {
            workload.kind().as_str().eq_ignore_ascii_case(kind) && workload.name() == name
        }
        None => workload.name() == name,
    }
}
