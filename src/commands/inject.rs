//! `oncue inject`: manifests with every pod injected by the webhook's own code.

use std::{process::ExitCode, sync::Arc};

use anyhow::Context;
use clap::Args;
use json_patch::Patch;
use serde_json::Value;

use super::{
    file_args::FileArgs,
    files::Unreadable,
    output,
    report::{self, Located},
};
use crate::{
    injection::Decision,
    lint::{Code, Finding, Linter, Part, Place, Sample, Severity},
    manifests::{self, Document, ManifestError, Rewriting, Source},
    workload::{self, Workload},
};

const HELP: &str = "\
Examples:
  oncue inject -f app.yaml --context prod | kubectl apply -f -
  helm template my-release chart/ | oncue inject -f - --controller absent

Objects that need no change are printed unchanged, byte for byte.
--context or --kubeconfig selects the cluster whose settings and CA are used. Without them, the \
command contacts no cluster.
The store's URL comes from --context, --config or --inject-store-url. Without them, it is the \
store on this machine, which pods of a cluster cannot reach.
Exit codes: 0 injected, 1 a pod is rejected (then nothing is printed), 2 wrong usage.";

const NO_CA: &str = "\
the store speaks TLS, but its CA is not known: a pod that the webhook does not see cannot verify it; \
--context or --inject-store-ca says it";

/// The arguments of `oncue inject`.
#[derive(Args, Debug)]
#[command(after_help = HELP)]
pub(super) struct Inject {
    #[command(flatten)]
    files: FileArgs,
}

impl Inject {
    /// Prints the manifests, or why a pod is refused.
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let frame = self.files.frame()?;
        if frame.settings.store.lacks_ca() {
            output::note(NO_CA);
        }
        let (sources, errors) = manifests::sources(self.files.inputs());
        let mut injector = Injector {
            linter: frame.linter(),
            findings: Vec::new(),
            errors,
        };
        let mut files = Vec::new();
        for source in &sources {
            files.push((source.format(), injector.inject_file(source)?));
        }
        if !injector.errors.is_empty() {
            return Err(Unreadable(injector.errors).into());
        }
        complain(&injector.findings);
        if report::count(&injector.findings, Severity::Error) > 0 {
            return Ok(ExitCode::FAILURE);
        }
        output::print_as_it_is(&manifests::join(files))?;
        Ok(ExitCode::SUCCESS)
    }
}

fn complain(findings: &[Located]) {
    anstream::eprint!("{}", report::text(findings));
}

/// Injects objects, one after the other, and collects what is wrong with them.
struct Injector<'a> {
    linter: Linter<'a>,
    findings: Vec<Located>,
    errors: Vec<ManifestError>,
}

impl Injector<'_> {
    /// Returns the text of a file with every pod injected.
    fn inject_file(&mut self, source: &Arc<Source>) -> anyhow::Result<String> {
        let mut text = Rewriting::new(source);
        for document in source.documents() {
            match document {
                Ok(document) => {
                    if let Some(object) = self.inject(&document)? {
                        text.replace(&document, &object)?;
                    }
                }
                Err(error) => self.errors.push(error),
            }
        }
        Ok(text.finish())
    }

    /// Returns the object with all of its pods injected, if that changes it.
    fn inject(&mut self, document: &Document) -> anyhow::Result<Option<Value>> {
        let mut changed: Option<Value> = None;
        let mut findings = Vec::new();
        for workload in workload::find(document.object()) {
            match self.linter.admit(0, &workload, Sample::Template) {
                Ok(admitted) => {
                    findings.extend(admitted.findings);
                    if let Some(patch) = patch(&admitted.decision, &workload, &mut findings) {
                        let object = changed.get_or_insert_with(|| document.object().clone());
                        apply(&patch, object, &workload)?;
                    }
                }
                Err(refused) => findings.extend(refused),
            }
        }
        self.findings.extend(report::locate_in(document, findings));
        Ok(changed)
    }
}

/// Returns what changes the template of `workload`, if anything does.
fn patch(
    decision: &Decision,
    workload: &Workload<'_>,
    findings: &mut Vec<Finding>,
) -> Option<Patch> {
    let Decision::Patch(patch) = decision else {
        return None;
    };
    let mut patch = patch.to_json_patch();
    if drop_only_pull_secrets(&mut patch, workload) {
        findings.push(pull_secrets_left_out(workload));
    }
    (!patch.is_empty()).then_some(patch)
}

/// Drops pull secrets that would be the only ones, and returns whether there were any.
///
/// Admission gives a pod those of its service account where it has none of its own. The webhook
/// comes after that, a manifest before it.
fn drop_only_pull_secrets(patch: &mut Patch, workload: &Workload<'_>) -> bool {
    let present = workload.template().pointer(PULL_SECRETS);
    if present
        .and_then(Value::as_array)
        .is_some_and(|list| !list.is_empty())
    {
        return false;
    }
    let before = patch.len();
    patch
        .0
        .retain(|operation| !operation.path().as_str().starts_with(PULL_SECRETS));
    patch.len() < before
}

fn pull_secrets_left_out(workload: &Workload<'_>) -> Finding {
    Finding {
        severity: Severity::Warning,
        code: Code::Admission,
        message: "the configured pull secrets are left out: with a list of its own the pod would \
                  lose those of its service account; put them there, or into imagePullSecrets here"
            .to_owned(),
        place: Place {
            object: 0,
            pointer: format!("{}/spec", workload.template_pointer()),
            part: Part::Key,
        },
    }
}

const PULL_SECRETS: &str = "/spec/imagePullSecrets";

/// Changes the template of `workload` in `object`.
fn apply(patch: &Patch, object: &mut Value, workload: &Workload<'_>) -> anyhow::Result<()> {
    let template = object.pointer_mut(&workload.template_pointer());
    let template = template.context("failed to find the pod template again")?;
    json_patch::patch(template, patch).with_context(|| format!("failed to inject {workload}"))
}
