//! Objects as `kubectl` names them, and as terms do.

use oncue_language::{Namespace, Target, Term};

use crate::{
    check::{Check, Fit},
    surroundings::Surroundings,
    text::OWN_NAMESPACE,
};

/// Returns the kind of a term for a kind of `kubectl`: `job` for `jobs.batch`.
pub(crate) fn kind_of(text: &str) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    let (name, group) = match lower.split_once('.') {
        Some((name, group)) => (name, Some(group)),
        None => (lower.as_str(), None),
    };
    // With a version: `deployments.v1.apps`.
    let group = group.map(|group| match group.split_once('.') {
        Some((version, rest)) if is_version(version) => rest,
        _ => group,
    });
    let (kind, of_group) = match name {
        "po" | "pod" | "pods" => ("pod", ""),
        "svc" | "service" | "services" => ("service", ""),
        "cm" | "configmap" | "configmaps" => ("configmap", ""),
        "secret" | "secrets" => ("secret", ""),
        "pvc" | "persistentvolumeclaim" | "persistentvolumeclaims" => ("persistentvolumeclaim", ""),
        "no" | "node" | "nodes" => ("node", ""),
        "deploy" | "deployment" | "deployments" => ("deployment", "apps"),
        "sts" | "statefulset" | "statefulsets" => ("statefulset", "apps"),
        "ds" | "daemonset" | "daemonsets" => ("daemonset", "apps"),
        "job" | "jobs" => ("job", "batch"),
        "ep" | "endpoints" => ("endpoints.core", ""),
        "sa" | "serviceaccount" | "serviceaccounts" => ("serviceaccounts.core", ""),
        "ns" | "namespace" | "namespaces" => ("namespaces.core", ""),
        "pv" | "persistentvolume" | "persistentvolumes" => ("persistentvolumes.core", ""),
        "crd" | "crds" | "customresourcedefinition" | "customresourcedefinitions" => (
            "customresourcedefinitions.apiextensions.k8s.io",
            "apiextensions.k8s.io",
        ),
        "ing" | "ingress" | "ingresses" => ("ingresses.networking.k8s.io", "networking.k8s.io"),
        _ => ("", ""),
    };
    match group {
        None if kind.is_empty() => None,
        None => Some(kind.to_owned()),
        Some(group) if !kind.is_empty() && group == of_group => Some(kind.to_owned()),
        // Other kinds are named in the plural.
        Some(group) if name.ends_with('s') => Some(format!("{name}.{group}")),
        Some(_) => None,
    }
}

fn is_version(text: &str) -> bool {
    let rest = text.strip_prefix('v');
    rest.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

/// What is asked of an object.
#[derive(Clone, Debug)]
pub(crate) struct Object {
    /// The kind of a term, such as `job`.
    pub(crate) kind: String,
    /// Its name, or `[key=value]`.
    pub(crate) which: String,
    /// The namespace that is named, if any is.
    pub(crate) namespace: Option<String>,
}

impl Object {
    /// Returns what stands before the demand in a term: `job:migrate@shop`.
    pub(crate) fn target(&self, surroundings: &Surroundings<'_>) -> String {
        let Self {
            kind,
            which,
            namespace,
        } = self;
        let own = surroundings.namespace.as_deref();
        match namespace.as_deref() {
            Some(other) if other != OWN_NAMESPACE && Some(other) != own && kind != "node" => {
                format!("{kind}:{which}@{other}")
            }
            _ => format!("{kind}:{which}"),
        }
    }

    /// Returns the check that asks `demand` of it.
    pub(crate) fn check(&self, demand: &str, fit: Fit, surroundings: &Surroundings<'_>) -> Check {
        permitted(
            Check::term(&(self.target(surroundings) + demand), fit),
            surroundings,
        )
    }

    /// Returns the check that it exists.
    pub(crate) fn exists(&self, surroundings: &Surroundings<'_>) -> Check {
        let is_rule =
            self.kind.contains('.') || matches!(self.kind.as_str(), "configmap" | "secret");
        let demand = if is_rule { "" } else { "{.metadata.name}" };
        self.check(demand, Fit::Exact, surroundings)
    }
}

/// Returns the check, or why oncue refuses to ask for that.
pub(crate) fn permitted(check: Check, surroundings: &Surroundings<'_>) -> Check {
    let Check::Term { target, .. } = &check else {
        return check;
    };
    let Ok(Term {
        target: Target::Object(object),
        ..
    }) = target.parse()
    else {
        return check;
    };
    let own = surroundings.namespace.as_deref();
    let is_private = |own: Namespace| object.is_private_to_others(&own);
    if own.unwrap_or("own").parse().is_ok_and(is_private) {
        let reader = own.map_or_else(
            || "its namespace".to_owned(),
            |own| format!("the namespace {own}"),
        );
        return Check::opaque(format!(
            "asks for {target}, which {reader} may know only if the other namespace lets it"
        ));
    }
    check
}

/// Returns `a=b,c=d` as the selector of a term; `None` if it has other operators.
pub(crate) fn selector(text: &str) -> Option<String> {
    let labels: Option<Vec<_>> = text.split(',').map(label).collect();
    Some(format!("[{}]", labels?.join(",")))
}

fn label(text: &str) -> Option<String> {
    let (key, value) = text.trim().split_once('=')?;
    let value = value.strip_prefix('=').unwrap_or(value);
    let is_word = |text: &str| !text.is_empty() && !text.contains(['!', ' ', '(', ')', '=']);
    (is_word(key) && is_word(value)).then(|| format!("{key}={value}"))
}

/// Returns a condition's type in its usual spelling: `kubectl` does not mind the case.
pub(crate) fn condition(text: &str) -> String {
    const KNOWN: [&str; 16] = [
        "Available",
        "Bound",
        "Complete",
        "ContainersReady",
        "Established",
        "Failed",
        "Healthy",
        "Initialized",
        "NamesAccepted",
        "PodScheduled",
        "Progressing",
        "Ready",
        "Running",
        "Succeeded",
        "SuccessCriteriaMet",
        "Synced",
    ];
    let known = KNOWN.iter().find(|known| known.eq_ignore_ascii_case(text));
    known.map_or_else(|| text.to_owned(), |known| (*known).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_of_kubectl_are_kinds_of_terms() {
        for (text, expected) in [
            ("jobs", Some("job")),
            ("job.batch", Some("job")),
            ("deploy", Some("deployment")),
            ("deployments.v1.apps", Some("deployment")),
            ("Pods", Some("pod")),
            ("endpoints", Some("endpoints.core")),
            (
                "certificates.cert-manager.io",
                Some("certificates.cert-manager.io"),
            ),
            (
                "certificates.v1.cert-manager.io",
                Some("certificates.cert-manager.io"),
            ),
            (
                "services.serving.knative.dev",
                Some("services.serving.knative.dev"),
            ),
            ("certificate.cert-manager.io", None),
            ("kafka", None),
        ] {
            assert_eq!(kind_of(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn a_selector_has_equal_signs_only() {
        assert_eq!(selector("a=b,c==d").as_deref(), Some("[a=b,c=d]"));
        assert_eq!(selector("x.io/a=b").as_deref(), Some("[x.io/a=b]"));
        for other in ["a!=b", "a in (b)", "a", "", "a="] {
            assert_eq!(selector(other), None, "{other}");
        }
    }

    #[test]
    fn conditions_have_their_usual_spelling() {
        assert_eq!(condition("complete"), "Complete");
        assert_eq!(condition("podscheduled"), "PodScheduled");
        assert_eq!(condition("MyOwn"), "MyOwn");
    }
}
