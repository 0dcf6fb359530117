//! Which terms of pods other namespaces permit, by the judgement of the store.

use std::collections::{BTreeMap, BTreeSet};

use super::cluster::Cluster;
use crate::{
    cluster::ApiError,
    cross_namespace::{Asked, Knowledge, Policy, Read, Readers},
    language::{Condition, Namespace, Reason},
};

/// The rules of a cluster, and what the namespaces that terms are about say.
pub(super) struct Permissions {
    policy: Policy,
    /// Who may read a namespace, or why that is not known.
    readers: BTreeMap<Namespace, Result<Option<Readers>, String>>,
}

impl Permissions {
    /// Reads what the terms of pods need, each with the namespace of its pod; `None` if none is about
    /// another namespace.
    pub(super) fn read<'c>(
        cluster: &Cluster,
        asked: impl IntoIterator<Item = (&'c Namespace, &'c Condition)>,
    ) -> Option<Self> {
        let other = |(own, condition): (&Namespace, &'c Condition)| {
            condition.subject.namespace().filter(|it| *it != own)
        };
        let others: BTreeSet<_> = asked.into_iter().filter_map(other).collect();
        if others.is_empty() {
            return None;
        }
        let policy = cluster.policy();
        let read = |namespace: &Namespace| match cluster.namespace_object(namespace) {
            Ok(object) => Ok(policy.readers(&object)),
            Err(ApiError::NotFound(_)) => Ok(None),
            Err(error) => Err(format!("cannot be judged: {error}")),
        };
        let readers = others.into_iter();
        let readers = readers.map(|namespace| (namespace.clone(), read(namespace)));
        Some(Self {
            readers: readers.collect(),
            policy,
        })
    }

    /// Returns why a pod of the namespace `own` may not know, or is not known to.
    pub(super) fn refusal(&self, own: &Namespace, condition: &Condition) -> Option<Reason> {
        let read = Read {
            by: own,
            of: condition.subject.namespace()?,
            asked: Asked::by_subject(&condition.subject),
        };
        if !self.policy.needs_annotation(&read) {
            return None;
        }
        let readers = match self.readers.get(read.of)? {
            Ok(readers) => readers.as_ref(),
            Err(reason) => return Some(Reason::Forbidden(reason.clone())),
        };
        let judged = self.policy.judge(&read, (readers, Knowledge::Complete));
        judged.err().map(|it| Reason::Forbidden(it.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        cross_namespace::CrossNamespace,
        language::{Keys, Term},
    };

    #[test]
    fn only_what_needs_the_annotation_is_refused_without_it() {
        let ns = |name: &str| -> Namespace { name.parse().unwrap() };
        let permissions = Permissions {
            policy: Policy::new(CrossNamespace::Open, [], &Keys::default()),
            readers: [
                (ns("silent"), Ok(None)),
                (ns("open"), Ok(Some("shop".into()))),
                (ns("hidden"), Err("cannot be judged: no right".to_owned())),
            ]
            .into(),
        };
        for (term, expected) in [
            ("a@silent", None),
            ("configmap:x@silent", Some("is forbidden: ")),
            ("configmap:x@open", None),
            ("configmap:x@hidden", Some("cannot be judged: no right")),
            ("a@hidden", None),
            ("configmap:x", None),
        ] {
            let parsed: Term = term.parse().unwrap();
            let condition = parsed.condition(&ns("shop")).unwrap().unwrap();
            let refusal = permissions.refusal(&ns("shop"), &condition);
            let text = refusal.map(|it| it.to_string());
            match (text, expected) {
                (None, None) => {}
                (Some(text), Some(expected)) => assert!(text.starts_with(expected), "{text}"),
                (text, _) => panic!("{term}: {text:?}"),
            }
        }
    }
}
