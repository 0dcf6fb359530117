//! Waits for what nobody in the files produces: often a name that is mistyped.

use super::{
    Code, Severity,
    nearest::nearest,
    waits::{Said, Waits},
};
use crate::{
    graph::{Actor, Link},
    language::{Namespace, Presence, Target, term::ObjectKind},
};

impl Waits<'_> {
    pub(super) fn unproduced(&self, link: &Link) -> Option<Said> {
        if !link.producers.is_empty() {
            return None;
        }
        let term = &self.graph.term(link).value;
        let consumer = self.graph.consumer(link);
        let or_own = |named: &Option<Namespace>| {
            let named = named.as_ref();
            named.unwrap_or(&consumer.namespace).clone()
        };
        let hint = match &term.target {
            Target::Below {
                prefix, namespace, ..
            } => self.nearest_prefix(&prefix.to_string(), &or_own(namespace)),
            Target::Object {
                kind,
                name,
                namespace,
            } => return self.absent(kind, name.literal()?, &or_own(namespace)),
            Target::Probe(_) => return None,
            Target::Variable {
                name, namespace, ..
            } => self.nearest_variable(&name.to_string(), &or_own(namespace)),
        };
        let effect = match term.presence {
            Presence::Failure => ", so it never fails",
            Presence::Optional | Presence::Required => "",
        };
        let target = &term.target;
        let message = format!("nobody in these files signals {target}{effect}{hint}");
        Some((Severity::Warning, Code::Unproduced, message))
    }

    fn nearest_variable(&self, name: &str, namespace: &Namespace) -> String {
        let all = || self.signalled();
        let elsewhere = all().find(|(text, actor)| text == name && actor.namespace != *namespace);
        if let Some((_, actor)) = elsewhere {
            let other = &actor.namespace;
            return format!(": it is signalled in the namespace {other}, which is {name}@{other}");
        }
        let here = all().filter(|(_, actor)| actor.namespace == *namespace);
        self.did_you_mean(nearest(name, here))
    }

    fn nearest_prefix(&self, prefix: &str, namespace: &Namespace) -> String {
        let here = self
            .signalled()
            .filter(|(_, actor)| actor.namespace == *namespace);
        let parents = here.filter_map(|(name, actor)| {
            let (parent, _) = name.rsplit_once('/')?;
            Some((parent.to_owned(), actor))
        });
        let found = nearest(prefix, parents);
        self.did_you_mean(found.map(|(parent, actor)| (format!("{parent}/*"), actor)))
    }

    fn did_you_mean(&self, found: Option<(String, &Actor<'_>)>) -> String {
        found.map_or_else(String::new, |(name, actor)| {
            format!(
                ": did you mean {name}, which {} signals?",
                self.graph.name(actor)
            )
        })
    }

    fn signalled(&self) -> impl Iterator<Item = (String, &Actor<'_>)> {
        self.graph.scene().actors().iter().flat_map(|actor| {
            let lists = actor.annotations.all_signals().into_iter();
            let signals = lists.flat_map(|(_, list)| list);
            signals.map(move |located| (located.value.name.to_string(), actor))
        })
    }

    fn absent(&self, kind: &ObjectKind, name: &str, namespace: &Namespace) -> Option<Said> {
        if matches!(kind, ObjectKind::Custom { .. }) {
            return None;
        }
        let resource = kind.resource();
        let scene = self.graph.scene();
        let message = if *kind == ObjectKind::Service && scene.has_service(name, namespace) {
            format!("the service {name} selects none of the pods in these files")
        } else {
            let same_kind = scene.actors().iter().filter(|actor| {
                let own = actor.workload.kind().as_str();
                own.eq_ignore_ascii_case(resource) && actor.namespace == *namespace
            });
            let names = same_kind.map(|actor| (actor.workload.name().to_owned(), ()));
            let hint = nearest(name, names)
                .map_or_else(String::new, |(near, ())| format!(": did you mean {near}?"));
            format!(
                "there is no {resource} {name} in the namespace {namespace} in these files{hint}"
            )
        };
        Some((Severity::Warning, Code::UnknownObject, message))
    }
}
