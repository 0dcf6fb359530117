//! `oncue explain`: one pod, from what it waits for to what is injected.

mod account;
mod live;
mod progress;

use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::Args;

use self::{account::Account, live::Progress};
use super::{
    installation::{StoreArgs, WHICH_STORE},
    live_name::LiveName,
    opening::{Frame, Opening},
    output, report,
    settings::InjectionArgs,
    usage,
};
use crate::{
    language::escape::Escaped,
    lint::{Code, Finding, Sample},
    manifests::{Input, Manifests},
    workload::{self, Workload},
};

const HELP: &str = "\
Examples:
  oncue explain pod/web-7d4b9 -n shop
  oncue explain deployment/web
  oncue explain -f app/ web
  helm template my-release chart/ | oncue explain -f - Deployment/web

Without files, the command reads the object from the cluster and uses the settings of the \
webhook there. This needs the permission to list configmaps in --system-namespace. For an \
injected pod, it also shows the state of its wait: from the pod's status, from its variables, \
and from the objects that its terms ask for, as far as you may get them.
Exit codes: 0 explained, 1 the pod does not exist or is rejected, 2 wrong usage.
";

/// The arguments of `oncue explain`.
#[derive(Args, Debug)]
#[command(after_help = format!("{HELP}\n{WHICH_STORE}"))]
pub(super) struct Explain {
    /// Workload or pod, as KIND/NAME or NAME; in a cluster, NAME alone is a pod; can be omitted if
    /// the files have only one
    #[arg(value_name = "POD")]
    pod: Option<String>,

    /// File, folder or - for the standard input [default: the object in the cluster]
    #[arg(short = 'f', long = "filename", value_name = "FILE")]
    inputs: Vec<Input>,

    #[command(flatten)]
    store: StoreArgs,

    #[command(flatten)]
    injection: InjectionArgs,
}

impl Explain {
    /// Prints the explanation.
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        if self.inputs.is_empty() {
            return self.explain_live();
        }
        let opening = Opening::files(&self.inputs, &self.store.cluster, &self.injection)?;
        let chosen = choose(&opening.manifests, self.pod.as_deref())?;
        let (text, code) = explain(&opening, &chosen, None);
        output::print_as_it_is(&text)?;
        Ok(code)
    }

    fn explain_live(&self) -> anyhow::Result<ExitCode> {
        let Some(name) = &self.pod else {
            return Err(usage(anyhow::anyhow!(NOTHING_NAMED)).into());
        };
        let name: LiveName = name.parse().map_err(usage)?;
        let cluster = self.store.cluster.connect()?;
        let frame = Frame::new(Some(&cluster), &self.store.cluster, &self.injection)?;
        let object = name.read(&cluster, &frame.namespace)?;
        let opening = Opening::around(&cluster, frame, object)?;
        opening.complain();
        let chosen = workloads(&opening.manifests).next().context(NO_WORKLOAD)?;
        let progress = Progress::read(&opening.frame.settings.keys, &chosen.1);
        let (text, code) = explain(&opening, &chosen, progress.as_ref());
        let progress = progress
            .map(|progress| progress.tell(|| Ok((&cluster, self.store.open_beside(&cluster)?))));
        let progress = output::printable(progress.unwrap_or_default());
        output::print_as_it_is(&format!("{text}{progress}"))?;
        Ok(code)
    }
}

const NO_WORKLOAD: &str = "the object that was read makes no pods";
const NOTHING_NAMED: &str =
    "name a pod or workload of the cluster, such as pod/web-0, or files with -f";

/// Returns the explanation of a workload, and the exit code.
fn explain(
    opening: &Opening,
    (object, workload): &(usize, Workload<'_>),
    progress: Option<&Progress<'_>>,
) -> (String, ExitCode) {
    let linter = opening.linter();
    let told = |mut findings: Vec<Finding>| {
        findings.extend(linter.misplaced(*object, workload));
        report::text(&report::locate(&opening.manifests, findings))
    };
    let admitted = match linter.admit(*object, workload, Sample::FirstPod) {
        Ok(admitted) => admitted,
        Err(refused) => {
            let text = format!("{} is rejected:\n{}", Escaped(workload), told(refused));
            return (text, ExitCode::FAILURE);
        }
    };
    let account = Account {
        modelled: &opening.model(),
        workload,
        decision: (!progress.is_some_and(Progress::is_injected)).then_some(&admitted.decision),
        source: &opening.source,
    };
    let account = output::printable(account);
    let mut findings = admitted.findings;
    let is_forbidden = |it: &Finding| it.code == Code::Forbidden && it.place.object == *object;
    findings.extend(opening.findings().into_iter().filter(is_forbidden));
    let text = format!("{account}{}", told(findings));
    (text, ExitCode::SUCCESS)
}

/// Returns the workload of this name with the position of its object.
fn choose<'a>(
    manifests: &'a Manifests,
    name: Option<&str>,
) -> anyhow::Result<(usize, Workload<'a>)> {
    let all: Vec<_> = workloads(manifests).collect();
    let known: Vec<_> = all
        .iter()
        .map(|(_, workload)| format!("{}/{}", workload.kind_name(), workload.stem()))
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

/// Returns every workload with the position of its object.
fn workloads(manifests: &Manifests) -> impl Iterator<Item = (usize, Workload<'_>)> {
    let documents = manifests.documents().enumerate();
    documents.flat_map(|(index, document)| {
        let workloads = workload::find(document.object()).into_iter();
        workloads.map(move |workload| (index, workload))
    })
}

/// Returns whether people may mean a workload by this name: that of the object or, of one of
/// several templates, what its pods' names begin with; with or without the kind.
fn is_called(workload: &Workload<'_>, name: &str) -> bool {
    let is_named = |name: &str| workload.name() == name || workload.stem() == name;
    match name.split_once('/') {
        Some((kind, name)) => workload.kind_name().eq_ignore_ascii_case(kind) && is_named(name),
        None => is_named(name),
    }
}
