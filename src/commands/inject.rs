//! `oncue inject`: manifests with every pod injected by the webhook's own code.

use std::{collections::BTreeMap, process::ExitCode};

use anyhow::Context;
use clap::Args;
use json_patch::Patch;
use serde_json::Value;

use super::{
    cluster::ClusterArgs,
    files::Files,
    opening::Opening,
    output,
    report::{self, Located},
    settings::InjectionArgs,
};
use crate::{
    injection::Decision,
    lint::{Admitted, Code, Finding, Linter, Part, Place, Sample, Severity},
    manifests::{Document, Manifests},
    workload::{self, Workload},
};

const HELP: &str = "\
Examples:
  oncue inject -f app.yaml --context prod | kubectl apply -f -
  helm template my-release chart/ | oncue inject -f - --controller absent

Objects that need no change are printed unchanged, byte for byte. --context or --kubeconfig selects
the cluster whose settings are used. Without them, the command contacts no cluster.
The store's URL comes from --context, --config or --inject-store-url. Without them, it is the store
on this machine, which pods of a cluster cannot reach.
Exit codes: 0 injected, 1 a pod is rejected (then nothing is printed), 2 wrong usage.";

/// The arguments of `oncue inject`.
#[derive(Args, Debug)]
#[command(after_help = HELP)]
pub struct Inject {
    #[command(flatten)]
    files: Files,

    #[command(flatten)]
    cluster: ClusterArgs,

    #[command(flatten)]
    injection: InjectionArgs,
}

impl Inject {
    /// Prints the manifests, or why a pod is refused.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let opening = Opening::files(&self.files.inputs, &self.cluster, &self.injection)?;
        let mut injector = Injector {
            linter: opening.linter(),
            findings: Vec::new(),
        };
        let changed = injector.inject_all(&opening.manifests)?;
        let findings = report::locate(&opening.manifests, injector.findings);
        complain(&findings);
        if report::count(&findings, Severity::Error) > 0 {
            return Ok(ExitCode::FAILURE);
        }
        output::print_as_it_is(&opening.manifests.rewrite(&changed)?)?;
        Ok(ExitCode::SUCCESS)
    }
}

fn complain(findings: &[Located]) {
    anstream::eprint!("{}", report::text(findings));
}

/// Injects objects and collects their findings.
struct Injector<'a> {
    linter: Linter<'a>,
    findings: Vec<Finding>,
}

impl Injector<'_> {
    /// Returns the objects that change, by their position.
    fn inject_all(&mut self, manifests: &Manifests) -> anyhow::Result<BTreeMap<usize, Value>> {
        let mut changed = BTreeMap::new();
        for (index, document) in manifests.documents().enumerate() {
            if let Some(object) = self.inject(index, document)? {
                changed.insert(index, object);
            }
        }
        Ok(changed)
    }

    /// Returns the object with all of its pods injected, if that changes it.
    fn inject(&mut self, index: usize, document: &Document) -> anyhow::Result<Option<Value>> {
        let mut changed: Option<Value> = None;
        for workload in workload::find(document.object()) {
            match self.linter.admit(index, &workload, Sample::Template) {
                Ok(Admitted { decision, findings }) => {
                    self.findings.extend(findings);
                    let Decision::Patch(patch) = decision else {
                        continue;
                    };
                    let mut patch = patch.to_json_patch();
                    if drop_only_pull_secrets(&mut patch, &workload) {
                        self.findings.push(pull_secrets_left_out(index, &workload));
                    }
                    if !patch.is_empty() {
                        let object = changed.get_or_insert_with(|| document.object().clone());
                        apply(&patch, object, &workload)?;
                    }
                }
                Err(refused) => self.findings.extend(refused),
            }
        }
        Ok(changed)
    }
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

fn pull_secrets_left_out(object: usize, workload: &Workload<'_>) -> Finding {
    Finding {
        severity: Severity::Warning,
        code: Code::Admission,
        message: "the configured pull secrets are left out: with a list of its own the pod would \
                  lose those of its service account; put them there, or into imagePullSecrets here"
            .to_owned(),
        place: Place {
            object,
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
