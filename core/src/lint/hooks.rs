//! Waits for hooks of Helm and Argo CD, which run before or after everything else.

use super::{
    Code, Severity,
    waits::{Said, Waits},
};
use crate::{
    language::Presence,
    model::{Link, Via},
    workload::Workload,
};

impl Waits<'_> {
    /// Helm and Argo CD run some hooks before everything else, and some once everything else is
    /// ready.
    pub(super) fn hook(&self, link: &Link) -> Option<Said> {
        let producers = self.links.producers(link);
        let exists = producers.iter().any(|p| p.via == Via::Existing);
        let is_required = self.links.term(link).value.presence == Presence::Required;
        if !is_required || exists || producers.is_empty() {
            return None;
        }
        let mut hooks = producers.iter().map(|p| hook_of(self.workload(p.member)));
        let message = match hook_of(self.workload(link.consumer)) {
            None => {
                let late = hooks.all(|hook| hook.is_some_and(Hook::is_late));
                late.then(|| self.too_late(link))
            }
            Some(hook) if hook.is_early() => {
                let never = hooks.all(|hook| !hook.is_some_and(Hook::is_early));
                never.then(|| self.too_early(link))
            }
            Some(_) => None,
        };
        message.map(|message| (Severity::Warning, Code::Hook, message))
    }

    fn too_late(&self, link: &Link) -> String {
        format!(
            "{} is a hook that runs once everything else is ready, and this waits for it: \
             a deadlock where the installer waits for readiness",
            self.producer_names(link)
        )
    }

    fn too_early(&self, link: &Link) -> String {
        format!(
            "this is a hook that runs before everything else, and {} is not yet there then",
            self.producer_names(link)
        )
    }
}

/// The phases in which a hook runs, as its annotation lists them.
#[derive(Clone, Copy)]
struct Hook<'a>(&'a str);

impl Hook<'_> {
    fn is_early(self) -> bool {
        self.phases().all(|phase| phase.starts_with("pre"))
    }

    fn is_late(self) -> bool {
        self.phases().all(|phase| phase.starts_with("post"))
    }

    fn phases(&self) -> impl Iterator<Item = String> {
        self.0
            .split(',')
            .map(|phase| phase.trim().to_ascii_lowercase())
    }
}

fn hook_of<'a>(workload: &Workload<'a>) -> Option<Hook<'a>> {
    let mut annotations = workload.object_annotations();
    annotations
        .find(|(key, _)| matches!(*key, "argocd.argoproj.io/hook" | "helm.sh/hook"))
        .map(|(_, phases)| Hook(phases))
}
