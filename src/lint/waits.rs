//! What a set of objects says of its waits: who produces what, and whether that is enough.

use super::{Code, Finding, Part, Place, Severity, nearest::nearest, place_of};
use crate::{
    graph::{Actor, Graph, Link, Step, Supply},
    language::{Demand, Keys, Namespace, Presence, Target, annotation::Key, term::ObjectKind},
};

/// A graph with the objects that its actors are from.
pub(super) struct Waits<'a> {
    pub(super) graph: &'a Graph<'a>,
    pub(super) keys: &'a Keys,
    /// The position of each actor's object.
    pub(super) origins: &'a [usize],
}

/// What is found, without its place.
type Said = (Severity, Code, String);

impl Waits<'_> {
    pub(super) fn findings(&self) -> Vec<Finding> {
        let links = self.graph.links().iter();
        let mut findings: Vec<_> = links
            .flat_map(|link| {
                let said = [
                    self.unproduced(link),
                    self.too_little(link),
                    self.hook(link),
                ];
                said.into_iter()
                    .flatten()
                    .map(|said| self.finding(link, said))
            })
            .collect();
        let rings = self.graph.rings();
        findings.extend(rings.iter().filter_map(|ring| self.ring(ring)));
        findings
    }

    fn finding(&self, link: &Link, (severity, code, message): Said) -> Finding {
        let workload = &self.graph.consumer(link).workload;
        let object = self.origins[link.consumer];
        Finding {
            severity,
            code,
            message,
            place: Place {
                part: Part::Column(self.graph.term(link).column),
                ..place_of(self.keys, object, workload, Key::DependsOn)
            },
        }
    }

    fn ring(&self, ring: &[Step]) -> Option<Finding> {
        let link = &self.graph.links()[ring.first()?.link];
        let code = match ring {
            [_] => Code::NeverHolds,
            _ => Code::Deadlock,
        };
        let message = format!("none of these ever starts: {}", self.graph.describe(ring));
        Some(self.finding(link, (Severity::Error, code, message)))
    }

    fn unproduced(&self, link: &Link) -> Option<Said> {
        if !link.producers.is_empty() {
            return None;
        }
        let term = &self.graph.term(link).value;
        let consumer = self.graph.consumer(link);
        let or_own = |named: &Option<Namespace>| {
            let named = named.as_ref();
            named.unwrap_or(&consumer.namespace).clone()
        };
        let (code, what, hint) = match &term.target {
            Target::Below {
                prefix, namespace, ..
            } => {
                let hint = self.nearest_prefix(&prefix.to_string(), &or_own(namespace));
                (
                    Code::Unproduced,
                    "nobody in these files signals".to_owned(),
                    hint,
                )
            }
            Target::Object {
                kind,
                name,
                namespace,
            } => return self.absent(kind, name.literal()?, &or_own(namespace)),
            Target::Probe(_) => return None,
            Target::Variable {
                name, namespace, ..
            } => {
                let hint = self.nearest_variable(&name.to_string(), &or_own(namespace));
                (
                    Code::Unproduced,
                    "nobody in these files signals".to_owned(),
                    hint,
                )
            }
        };
        let effect = match term.presence {
            Presence::Failure => ", so it never fails",
            Presence::Optional | Presence::Required => "",
        };
        let message = format!("{what} {}{effect}{hint}", term.target);
        Some((Severity::Warning, code, message))
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

    fn too_little(&self, link: &Link) -> Option<Said> {
        let term = &self.graph.term(link).value;
        let supply = self.graph.supply(link, |_| true);
        let need = self.graph.need(link);
        let Supply::AtMost(most) = supply else {
            return None;
        };
        if term.presence != Presence::Required || link.producers.is_empty() || most >= need {
            return None;
        }
        let names = self.producer_names(link);
        let asks_for_value = matches!(
            term.target,
            Target::Variable {
                demand: Demand::Equals(_),
                ..
            }
        );
        Some(if asks_for_value {
            let message = format!("{} never holds: {names} signals no such value", term.target);
            (Severity::Error, Code::NeverHolds, message)
        } else if most == 0 {
            let message = format!(
                "{names} makes no pods as it stands, so {} never holds",
                term.target
            );
            (Severity::Warning, Code::NeverHolds, message)
        } else {
            let message = format!(
                "{} never holds: it needs {need}, and {names} makes {most} at the most",
                term.target
            );
            (Severity::Error, Code::NeverHolds, message)
        })
    }

    /// Helm and Argo CD run some hooks only once everything else is ready, and some before.
    fn hook(&self, link: &Link) -> Option<Said> {
        if self.graph.term(link).value.presence != Presence::Required || link.producers.is_empty() {
            return None;
        }
        let consumer = self.graph.consumer(link);
        let actors = self.graph.scene().actors();
        let mut producers = link.producers.iter().map(|p| hook_of(&actors[p.actor]));
        let message = match hook_of(consumer) {
            None => {
                let late = producers.all(|hook| hook.is_some_and(Hook::is_late));
                late.then(|| {
                    format!(
                        "{} is a hook that runs once everything else is ready, and this waits for it: \
                         a deadlock where the installer waits for readiness",
                        self.producer_names(link)
                    )
                })
            }
            Some(hook) if hook.is_early() => {
                let never = producers.all(|hook| !hook.is_some_and(Hook::is_early));
                never.then(|| {
                    format!(
                        "this is a hook that runs before everything else, and {} is not yet there then",
                        self.producer_names(link)
                    )
                })
            }
            Some(_) => None,
        };
        message.map(|message| (Severity::Warning, Code::Hook, message))
    }

    fn producer_names(&self, link: &Link) -> String {
        let actors = self.graph.scene().actors();
        let mut names: Vec<_> = link
            .producers
            .iter()
            .map(|producer| self.graph.name(&actors[producer.actor]))
            .collect();
        names.dedup();
        names.join(" or ")
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

fn hook_of<'a>(actor: &Actor<'a>) -> Option<Hook<'a>> {
    let mut annotations = actor.workload.object_annotations();
    annotations
        .find(|(key, _)| matches!(*key, "argocd.argoproj.io/hook" | "helm.sh/hook"))
        .map(|(_, phases)| Hook(phases))
}
