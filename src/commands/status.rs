//! `oncue status`: waiting pods, what they wait for, since when, and which pod would signal it.

mod alone;
mod injected;
mod recreation;
mod released;
mod troubled;

use std::{
    process::ExitCode,
    thread,
    time::{Duration, Instant},
};

use clap::Args;
use oncue_wire::Waiter;
use serde_json::Value;

use self::injected::Injected;
use super::{
    cluster::Cluster,
    files,
    installation::{Installation, Scope, WHICH_STORE},
    opening::{Frame, Opening},
    output::{self, Format},
    settings::InjectionArgs,
    vars::age_since,
};
use crate::{
    cluster::{Part, Question, Resource},
    language::{Namespace, State, Term, annotation::Key},
    manifests::Input,
    model::{Model, Names, Want},
};

const HELP: &str = "\
Examples:
  oncue status
  oncue status -A --watch
  oncue status -n shop -f app/       searches these files for producers
  oncue status -A --injected         the pods to recreate when you uninstall oncue

The command searches the cluster for objects that would signal a missing term, which needs the \
permission to list workloads. With -f, it searches the files instead. If variables are Signals, \
who waits follows from pods, Signals and the objects that terms ask for: this needs the \
permissions to list pods and signals.oncue.dev, and to get these objects. Pods that wait only \
for tcp:// or http:// terms are listed below the others, and so are pods whose condition \
oncue.dev/DependenciesHeld says Deadlock, TimedOut or Failed.
--injected needs no store: it lists injected pods of the cluster that have not ended. Such a pod \
waits again when its node restarts. Without oncue, it then waits forever. STORE ACCESS is \
plain-http for pods that were injected before the store asked for tokens: they need \
store.acceptPlain.
Exit codes: 0 printed, even if the list is empty, 1 an error, 2 wrong usage.
";

/// The heading of pods that miss no variable and no object.
const ALONE: &str = "\
Only probes of these pods are missing, or their wait has failed.
See their logs: kubectl logs POD -n NAMESPACE -c oncue-wait";

/// How long a list of released pods counts with --watch: it is a list of all injected pods.
const RELEASED_FOR: Duration = Duration::from_secs(30);

/// The heading of pods whose condition says more than that something is missing.
const TROUBLED: &str = "\
These pods wait for each other, or their wait has failed, as their condition says";

/// How long the store is left alone between two looks.
const PERIOD: Duration = Duration::from_secs(2);

/// The arguments of `oncue status`.
#[derive(Args, Debug)]
#[command(after_help = format!("{HELP}\n{WHICH_STORE}"))]
pub(super) struct Status {
    /// File, folder or - in which to search for producers of missing terms
    #[arg(short = 'f', long = "filename", value_name = "FILE")]
    inputs: Vec<Input>,

    /// Print again after every change
    #[arg(short, long)]
    watch: bool,

    /// List injected pods that have not ended, with the command that recreates each
    #[arg(long, conflicts_with_all = ["inputs", "url", "watch"])]
    injected: bool,

    /// Output format
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,

    #[command(flatten)]
    scope: Scope,

    #[command(flatten)]
    injection: InjectionArgs,
}

impl Status {
    /// Prints waiting pods. With `--watch`, repeats after every change.
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        if self.injected {
            self.injected()?.print(self.output)?;
            return Ok(ExitCode::SUCCESS);
        }
        let installation = self.scope.store.open()?;
        let cluster = installation.cluster.as_ref();
        let mut look = Look {
            frame: Frame::new(cluster, &self.scope.store.cluster, &self.injection)?,
            status: &self,
            installation: &installation,
            pods_of: cluster,
            seen: None,
            released: None,
        };
        let now = look.render()?;
        if output::print_next(&now)?.is_continue() && self.watch {
            look.watch(now)?;
        }
        Ok(ExitCode::SUCCESS)
    }

    fn injected(&self) -> anyhow::Result<Injected> {
        let args = &self.scope.store.cluster;
        let cluster = args.connect()?;
        let frame = Frame::new(Some(&cluster), args, &self.injection)?;
        let place = self.scope.place(&frame.namespace);
        let flags = args.kubectl_flags();
        Ok(Injected::find(&cluster, &frame.settings, &place)?.with_flags(flags))
    }
}

/// Looks at the store, again and again.
struct Look<'a> {
    frame: Frame,
    status: &'a Status,
    installation: &'a Installation,
    /// The cluster whose pods are looked at, where there is one and they may be.
    pods_of: Option<&'a Cluster>,
    /// The last answer of the store, with those who would signal.
    seen: Option<(Vec<Waiter>, Opening)>,
    /// The pods with a release, and when they were listed.
    released: Option<(Instant, Vec<released::Release>)>,
}

impl Look<'_> {
    /// Prints every state that differs from `before`, until the reader closes the output. Reports
    /// outages and waits for their end.
    fn watch(&mut self, mut before: String) -> anyhow::Result<()> {
        loop {
            thread::sleep(PERIOD);
            let now = self.render();
            let text = match &now {
                Ok(text) => text.clone(),
                Err(error) => error.to_string(),
            };
            if text == before {
                continue;
            }
            match now {
                Ok(text) if output::print_next(&text)?.is_break() => return Ok(()),
                Ok(_) => {}
                Err(error) => output::note(&format!("{error}; trying again")),
            }
            before = text;
        }
    }

    fn render(&mut self) -> anyhow::Result<String> {
        let place = self.status.scope.place(&self.installation.namespace);
        let backend = &self.installation.backend;
        let list = backend.waiters(&place, &self.frame.settings)?;
        if self.status.output == Format::Json {
            let mut list = serde_json::to_value(list)?;
            list["released"] = released::to_json(self.released());
            return Ok(output::json(&format!("{list:#}\n")));
        }
        let text = self.waiting(list.waiters)?;
        let released = released::tables(self.released())?;
        Ok([vec![text], released].concat().join("\n"))
    }

    /// Returns the text about pods that wait.
    fn waiting(&mut self, mut waiters: Vec<Waiter>) -> anyhow::Result<String> {
        waiters.retain(misses_a_term);
        let mut parts = self.of_pods(&waiters)?;
        if !waiters.is_empty() {
            parts.insert(0, self.held(waiters)?);
        }
        if parts.is_empty() {
            return Ok(self.nobody());
        }
        Ok(parts.join("\n"))
    }

    /// Returns the table of the waits that the store holds.
    fn held(&mut self, waiters: Vec<Waiter>) -> anyhow::Result<String> {
        let opening = match self.seen.take() {
            Some((seen, opening)) if seen == waiters => opening,
            seen => self.open(seen.is_none())?,
        };
        let text = self.table(&waiters, &opening.model().model)?;
        self.seen = Some((waiters, opening));
        Ok(text)
    }

    fn nobody(&self) -> String {
        if self.status.scope.is_everywhere() {
            return "no pod waits\n".to_owned();
        }
        format!(
            "no pod waits in the namespace {}\n",
            self.installation.namespace
        )
    }

    /// Returns the texts about pods in trouble, and about those that wait for nothing that the store
    /// judges.
    fn of_pods(&mut self, waiters: &[Waiter]) -> anyhow::Result<Vec<String>> {
        let pods = self.pending_pods();
        let mut texts = Vec::new();
        let mut troubled = troubled::troubled(&pods);
        if !troubled.is_empty() {
            troubled.insert(
                0,
                ["NAMESPACE", "POD", "REASON", "MESSAGE"].map(str::to_owned),
            );
            texts.push(format!("{TROUBLED}\n\n{}", output::table(&troubled)?));
        }
        let record = self.frame.settings.keys.prefixed(Key::Injected);
        let mut alone = alone::alone(&pods, &record, waiters);
        if !alone.is_empty() {
            alone.insert(0, ["NAMESPACE", "POD", "WAITS FOR"].map(str::to_owned));
            texts.push(format!("{ALONE}\n\n{}", output::table(&alone)?));
        }
        Ok(texts)
    }

    /// Returns the injected pods of the cluster that have not started. Reports once if pods cannot be
    /// listed.
    fn pending_pods(&mut self) -> Vec<Value> {
        let Some(cluster) = self.pods_of else {
            return Vec::new();
        };
        let label = format!("{}=true", self.frame.settings.managed_label());
        let pending = Question {
            labels: &label,
            fields: "status.phase=Pending",
            part: Part::Whole,
        };
        let place = self.status.scope.place(&self.installation.namespace);
        let pods = cluster.list(Resource::POD, &place, pending);
        pods.unwrap_or_else(|error| {
            output::note(&error.to_string());
            self.pods_of = None;
            Vec::new()
        })
    }

    /// Returns the pods with a release. Reports once if pods cannot be listed.
    fn released(&mut self) -> &[released::Release] {
        let listed = self.released.take();
        let listed = listed.filter(|(at, _)| at.elapsed() < RELEASED_FOR);
        let listed = listed.unwrap_or_else(|| (Instant::now(), self.list_released()));
        &self.released.insert(listed).1
    }

    fn list_released(&mut self) -> Vec<released::Release> {
        let Some(cluster) = self.pods_of else {
            return Vec::new();
        };
        let place = self.status.scope.place(&self.installation.namespace);
        released::find(cluster, (&self.frame.settings, &place)).unwrap_or_else(|error| {
            output::note(&error.to_string());
            self.pods_of = None;
            Vec::new()
        })
    }

    /// Reads the objects in which producers are searched. Reports unreadable ones the first time.
    fn open(&self, is_first: bool) -> anyhow::Result<Opening> {
        let Status { inputs, scope, .. } = self.status;
        let frame = self.frame.clone();
        let opening = match &self.installation.cluster {
            Some(cluster) if inputs.is_empty() => {
                Opening::live(cluster, frame, scope.place(&self.installation.namespace))?
            }
            _ => Opening::of_files(files::read(inputs)?, frame),
        };
        if is_first {
            opening.complain();
        }
        Ok(opening)
    }

    fn table(&self, waiters: &[Waiter], model: &Model) -> anyhow::Result<String> {
        let head = [HEAD.map(str::to_owned)];
        let waiting = waiters.iter().flat_map(|waiter| rows_of(waiter, model));
        let rows: Vec<_> = head.into_iter().chain(waiting).collect();
        if self.status.scope.is_everywhere() {
            return output::table(&rows);
        }
        let without_namespace: Vec<_> = rows
            .into_iter()
            .map(|[_, pod, age, term, state, from]| [pod, age, term, state, from])
            .collect();
        output::table(&without_namespace)
    }
}

/// Returns whether a term is missing that the store judges. If not, the pod waits for its probes, and
/// only asks to be nudged about them.
fn misses_a_term(waiter: &Waiter) -> bool {
    waiter
        .terms
        .iter()
        .any(|judged| judged.state != State::Held)
}

/// Returns a row for each missing term; the pod stands on the first alone.
fn rows_of(waiter: &Waiter, model: &Model) -> Vec<[String; 6]> {
    let pod = waiter.pod.as_deref().unwrap_or("-");
    let mut first = [
        waiter.namespace.to_string(),
        pod.to_owned(),
        age_since(waiter.since),
    ];
    let missing = waiter.terms.iter().filter(|it| it.state != State::Held);
    let rows = missing.map(|judged| {
        let [namespace, pod, since] = std::mem::take(&mut first);
        let state = judged.reason.clone().unwrap_or_default();
        let from = from(model, &waiter.namespace, &judged.term);
        [namespace, pod, since, judged.term.clone(), state, from]
    });
    rows.collect()
}

/// Returns the names of the producers that would make a term hold.
fn from(model: &Model, namespace: &Namespace, term: &str) -> String {
    let Ok(term) = term.parse::<Term>() else {
        return String::new();
    };
    // Every name that the store knows is filled in.
    let producers = model.producers_of(&Want::new("", namespace, &term));
    let names = producers.iter().map(|p| model.name(p.member));
    Names::new(producers.len(), names).join(", ")
}

const HEAD: [&str; 6] = ["NAMESPACE", "POD", "AGE", "MISSING", "STATE", "FROM"];

#[cfg(test)]
mod tests {
    use oncue_wire::JudgedTerm;

    use super::*;
    use crate::language::Timestamp;

    #[test]
    fn a_pod_whose_terms_hold_misses_only_its_probes() {
        for (states, misses) in [
            (&[][..], false),
            (&[State::Held], false),
            (&[State::Held, State::Missing], true),
            (&[State::Failed], true),
        ] {
            let terms = states.iter().map(|state| JudgedTerm {
                term: "a".to_owned(),
                state: *state,
                reason: None,
            });
            let waiter = Waiter {
                pod: None,
                namespace: Namespace::default(),
                since: Timestamp::default(),
                terms: terms.collect(),
            };
            assert_eq!(misses_a_term(&waiter), misses, "{states:?}");
        }
    }
}
