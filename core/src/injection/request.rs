//! From a pod to what it asks for: skips and refusals come first.

use super::{
    Decision, Injection, Target,
    advice::advice,
    annotations::MAX_BYTES,
    changes::patch,
    check::{conflicts, own_claims, unsignalled},
    collision,
    plan::{Plan, Subject},
    pod::{Container, Pod, Spec},
    record::Record,
    refusal::{PodError, Refusal, Refused},
    settings::Settings,
    signaller,
    skip::SkipReason,
    view::Pairs,
    warning::Warning,
};
use crate::language::{Facts, PodAnnotations, Reading, annotation::Key};

/// Longest key of an annotation that Kubernetes accepts: a DNS subdomain, a slash, a name.
const MAX_KEY_BYTES: usize = 253 + 1 + 63;

/// One pod with everything that its admission depends on.
pub(crate) struct Request<'a> {
    pub(crate) pod: &'a Pod<'a>,
    pub(crate) target: &'a Target<'a>,
    pub(crate) settings: &'a Settings,
}

impl<'a> Request<'a> {
    /// Decides what is done with the pod.
    pub(crate) fn decide(&self) -> Result<Injection, Refused> {
        let candidates = self.candidates()?;
        if let Some(reason) = self.skip_unread(&candidates) {
            return Ok(skip_unread(reason, &candidates));
        }
        let Reading {
            annotations,
            warnings,
        } = PodAnnotations::read(&self.settings.keys, candidates);
        let mut warnings: Vec<_> = warnings.into_iter().map(Warning::Annotation).collect();
        let carried_out = annotations
            .map_err(Refusal::Annotations)
            .and_then(|asked| self.carry_out(asked, &mut warnings));
        match carried_out {
            Ok((decision, annotations)) => Ok(Injection {
                decision,
                warnings,
                annotations,
            }),
            Err(refusal) => Err(Refused { refusal, warnings }),
        }
    }

    /// Returns the annotations that are ours, or look so.
    fn candidates(&self) -> Result<Vec<(&'a str, &'a str)>, Refusal> {
        let annotations = self
            .pod
            .metadata
            .as_ref()
            .and_then(|m| m.annotations.as_ref());
        let all = annotations.into_iter().flat_map(Pairs::iter);
        let candidates: Vec<_> = all
            .filter(|(key, _)| key.len() <= MAX_KEY_BYTES && self.settings.keys.claims(key))
            .collect();
        let bytes: usize = candidates.iter().map(|(k, v)| k.len() + v.len()).sum();
        if bytes <= MAX_BYTES {
            return Ok(candidates);
        }
        Err(Refusal::TooLarge(PodError {
            path: "metadata.annotations".to_owned(),
            reason: format!(
                "oncue's have {bytes} bytes, but Kubernetes allows {MAX_BYTES} for all of a pod's: \
                 shorten them"
            ),
        }))
    }

    /// Returns why the pod is left alone whatever its annotations say.
    fn skip_unread(&self, candidates: &[(&str, &str)]) -> Option<SkipReason> {
        let is_off = |(key, value): &(&str, &str)| {
            value.trim() == "false" && self.settings.keys.key(key) == Some(Key::Inject)
        };
        let spec = self.pod.spec.as_ref();
        if self.pod.annotation("kubernetes.io/config.mirror").is_some() {
            Some(SkipReason::MirrorPod)
        } else if self.settings.own_namespace.as_ref() == Some(self.target.namespace) {
            Some(SkipReason::OwnPod)
        } else if self.settings.scope.excludes(self.target.namespace) {
            Some(SkipReason::ExcludedNamespace)
        } else if candidates.is_empty() {
            Some(SkipReason::NothingAsked)
        } else if candidates.iter().any(is_off) {
            Some(SkipReason::SwitchedOff)
        } else if spec.is_some_and(Spec::is_windows) {
            Some(SkipReason::Windows)
        } else {
            None
        }
    }

    /// Decides what is done for what is `asked`, and returns that filled in.
    fn carry_out(
        &self,
        asked: PodAnnotations,
        warnings: &mut Vec<Warning>,
    ) -> Result<(Decision, PodAnnotations), Refusal> {
        if !asked.asks_for_anything() {
            return Ok((Decision::Skip(SkipReason::NothingAsked), asked));
        }
        let (spec, before) = (self.spec()?, self.record());
        let signaller = self.signaller(&asked, before.as_ref())?;
        let annotations = self.resolve(&asked, signaller.name())?;
        // As written: what is known of the node makes no difference to a gate.
        let mut errors = conflicts(&asked, spec, self.settings.controller);
        errors.extend(own_claims(&annotations, spec, self.target));
        errors.extend(unsignalled(&asked, signaller, self.settings.controller));
        if !errors.is_empty() {
            return Err(Refusal::Annotations(errors));
        }
        let plan = Plan::new(Subject {
            pod: self.pod,
            spec,
            settings: self.settings,
            asked: &annotations,
            before: before.as_ref(),
            signaller,
            chosen: signaller::matters(&asked).then(|| signaller.name()),
        })?;
        collision::check(&plan)?;
        warnings.extend(advice(&plan));
        let patch = patch(&plan)?;
        let decision = if patch.is_empty() {
            Decision::Skip(SkipReason::AlreadyInjected)
        } else {
            Decision::Patch(patch)
        };
        Ok((decision, annotations))
    }

    /// Returns the container that `signals-container` names, else the one that was chosen before,
    /// else kubectl's default, else the first.
    ///
    /// The choice is kept, since another webhook may put a container in front of the first.
    fn signaller(
        &self,
        asked: &PodAnnotations,
        before: Option<&Record>,
    ) -> Result<&'a Container<'a>, Refusal> {
        let spec = self.spec()?;
        if let Some(name) = &asked.signals_container {
            let named = signaller::named(spec, name);
            return named.map_err(|error| Refusal::Annotations(vec![error]));
        }
        let chosen = before.and_then(|record| record.signals_container.as_deref());
        let default = self.pod.annotation(signaller::DEFAULT_CONTAINER);
        Ok(signaller::choose(
            spec,
            [chosen, default].into_iter().flatten(),
        ))
    }

    fn spec(&self) -> Result<&'a Spec<'a>, Refusal> {
        let spec = self.pod.spec.as_ref();
        spec.filter(|spec| !spec.containers().is_empty())
            .ok_or_else(|| {
                Refusal::Incomplete(PodError {
                    path: "spec.containers".to_owned(),
                    reason: "a pod has at least one container".to_owned(),
                })
            })
    }

    /// Returns what an earlier round recorded.
    fn record(&self) -> Option<Record> {
        let key = self.settings.keys.prefixed(Key::Injected);
        serde_json::from_str(self.pod.annotation(&key)?).ok()
    }

    fn resolve(&self, asked: &PodAnnotations, container: &str) -> Result<PodAnnotations, Refusal> {
        let labels = self.pod.metadata.as_ref().and_then(|m| m.labels.as_ref());
        let labels = labels.into_iter().flat_map(Pairs::iter).collect();
        let facts = Facts {
            container: Some(container),
            labels: Some(&labels),
            node_name: self.spec()?.node_name(),
            pod_name: self.target.name.filter(|name| !name.is_empty()),
            pod_namespace: Some(self.target.namespace.as_str()),
            ..Facts::default()
        };
        asked
            .resolve(&facts)
            .map_err(|error| Refusal::Annotations(vec![error]))
    }
}

fn skip_unread(reason: SkipReason, candidates: &[(&str, &str)]) -> Injection {
    let expected = matches!(reason, SkipReason::NothingAsked | SkipReason::SwitchedOff);
    let surprise = !expected && !candidates.is_empty();
    Injection {
        decision: Decision::Skip(reason),
        warnings: surprise
            .then_some(Warning::Skipped(reason))
            .into_iter()
            .collect(),
        annotations: PodAnnotations::default(),
    }
}
