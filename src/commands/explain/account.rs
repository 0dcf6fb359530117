//! The explanation of one pod.

use std::fmt;

use serde_json::Value;

use crate::{
    commands::opening::Source,
    injection::{Decision, Patch},
    language::{
        Consequence, Expiry, Presence, Target, Term, TimeoutRules,
        annotation::{Key, Mode},
        escape::Escaped,
    },
    lint::Modelled,
    model::{Link, Links, Member, MemberId, Names, Via},
    workload::{Workload, WorkloadKind},
};

/// The explanation of one pod.
pub(super) struct Account<'a> {
    /// The pod among everything that may produce what it waits for.
    pub(super) modelled: &'a Modelled<'a>,
    pub(super) workload: &'a Workload<'a>,
    /// The decision about pods that are created now. `None` for a pod that is already injected.
    pub(super) decision: Option<&'a Decision>,
    /// Where those are looked for that make a term hold.
    pub(super) source: &'a Source,
}

impl fmt::Display for Account<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.workload)?;
        if let Some(id) = self.member() {
            self.waits(f, id)?;
            self.signals(f, self.modelled.model.member(id))?;
        }
        match self.decision {
            Some(Decision::Patch(patch)) => {
                writeln!(f, "\n{}", self.heading())?;
                changes(f, patch)
            }
            Some(Decision::Skip(reason)) => writeln!(f, "\nNothing is injected: {reason}."),
            None => Ok(()),
        }
    }
}

impl Account<'_> {
    fn member(&self) -> Option<MemberId> {
        let mut origins = self.modelled.origins.iter();
        let own = origins.find(|(_, origin)| origin.workload.is(self.workload));
        own.map(|(id, _)| *id)
    }

    fn heading(&self) -> &'static str {
        match (self.source, self.workload.kind()) {
            (Source::Live(_), WorkloadKind::Pod) => "Would be injected if it were created now",
            _ => "Is injected",
        }
    }

    fn waits(&self, f: &mut fmt::Formatter<'_>, id: MemberId) -> fmt::Result {
        let asked = &self.modelled.model.member(id).annotations;
        if asked.depends_on.is_empty() {
            return writeln!(f, "\nWaits for nothing.");
        }
        let who = match asked.mode {
            Mode::Gate => "a scheduling gate holds it",
            Mode::Init => "an init container holds it",
        };
        writeln!(f, "\nWaits ({who}) for")?;
        let rules = asked.timeout_rules();
        let links = self.modelled.model.links_around(id);
        for link in links.of(id) {
            let term = &links.term(link).value;
            let source = self.source(&links, link);
            writeln!(f, "  {term}\n      {source}{}", limit(term, rules))?;
        }
        match rules.of_wait() {
            None => writeln!(f, "for as long as it takes."),
            Some(Expiry { after, then }) => match then {
                Consequence::Fail => writeln!(f, "for {after} at the most; then the wait fails."),
                Consequence::GiveUp => {
                    writeln!(f, "for {after} at the most; then it starts without.")
                }
            },
        }
    }

    fn signals(&self, f: &mut fmt::Formatter<'_>, member: &Member) -> fmt::Result {
        let lists = member.annotations.all_signals();
        if lists.iter().all(|(_, list)| list.is_empty()) {
            return writeln!(f, "\nSignals nothing.");
        }
        writeln!(f, "\nSignals")?;
        let named = member.annotations.signals_container.as_deref();
        let container = named.or_else(|| self.workload.default_container());
        for (key, list) in lists {
            let when = match (key, container) {
                (Key::Signals, Some(name)) => {
                    format!("when the container {} has started", Escaped(name))
                }
                _ => when(key).to_owned(),
            };
            for signal in list {
                writeln!(f, "  {}\n      {when}", signal.value)?;
            }
        }
        Ok(())
    }

    /// Describes the producers of a term.
    fn source(&self, links: &Links<'_>, link: &Link) -> String {
        let term = &links.term(link).value;
        let producers = links.producers(link);
        let told = producers.iter().map(|producer| {
            let name = links.model().name(producer.member);
            match producer.via {
                Via::Existing => format!("{name} asserts it already"),
                Via::Object => format!("{name} is or makes it"),
                Via::Probe => format!("{name} answers there"),
                Via::Signal(key) => format!("{name} signals it {}", when(key)),
            }
        });
        let names = Names::new(producers.len(), told);
        match &term.target {
            Target::Probe(_) if names.is_empty() => "the client checks it from the pod".to_owned(),
            _ if names.is_empty() => format!("nothing {} makes it hold", self.source),
            _ => names.join(", or "),
        }
    }
}

/// Describes what a term does to the wait, and when time gives it up.
fn limit(term: &Term, rules: TimeoutRules) -> String {
    match (term.presence, rules.of_term(term)) {
        (Presence::Failure, _) => "; if it comes, the wait fails at once".to_owned(),
        (_, None) => String::new(),
        (_, Some(Expiry { after, then })) => match then {
            Consequence::Fail => format!("; the wait fails if it takes longer than {after}"),
            Consequence::GiveUp => format!("; given up after {after}"),
        },
    }
}

/// Says when a signal of this key is created.
fn when(key: Key) -> &'static str {
    match key {
        Key::SignalsOnFailure => "when the pod has failed",
        Key::SignalsOnInit => "when its wait is over",
        Key::SignalsOnReady => "while the pod is ready",
        Key::SignalsOnSuccess => "when the pod has succeeded",
        Key::SignalsOnWait => "before its wait begins",
        _ => "when the container has started",
    }
}

fn changes(f: &mut fmt::Formatter<'_>, patch: &Patch) -> fmt::Result {
    // A patch is a list of operations, each with a path.
    let operations = serde_json::to_value(patch).unwrap_or_default();
    for operation in operations.as_array().into_iter().flatten() {
        let text = |field| operation.get(field).and_then(Value::as_str);
        let (verb, at) = (text("op"), text("path").unwrap_or_default());
        let verb = verb.unwrap_or_default();
        writeln!(f, "  {verb} {at}\n      {}", reason(at))?;
    }
    Ok(())
}

/// Says what a part of the pod is there for.
fn reason(path: &str) -> &'static str {
    let has = |part: &str| path.contains(part);
    if has("safe-to-evict-local-volumes") {
        "lets the cluster autoscaler take the pod's node away"
    } else if has("/metadata/annotations") {
        "records what was resolved, since labels may change"
    } else if has("/metadata/labels") {
        "lets a controller find the pod"
    } else if has("/imagePullSecrets") {
        "pulls the client's image"
    } else if has("/postStart") || has("/lifecycle") {
        "signals once the container has started"
    } else if has("/volumeMounts") {
        "brings the client, read-only"
    } else if has("/volumes") {
        "carries the client and its notes from container to container"
    } else if has("/initContainers") {
        "waits, signals what is due on init, and leaves the client for the marker"
    } else if has("/schedulingGates") {
        "holds the pod before it is scheduled"
    } else {
        "makes room for what follows"
    }
}
