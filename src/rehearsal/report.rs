//! The summary of a rehearsal: who started when, and who waited for whom.

mod bar;

use std::{collections::BTreeSet, fmt, time::Duration};

use oncue_language::Presence;
use serde::Serialize;

use self::bar::Bar;
use super::{
    cue::{Seconds, Unknown},
    stage::{Actor, Phase, PodId, Producer, Stage, Stuck},
    verdict::{Blocked, Outcome, Verdict},
};

/// How many terms of a pod have a place in the table; JSON has all.
const MAX_TERMS: usize = 3;

/// How many names stand for the producers of a term.
const MAX_NAMES: usize = 2;

/// Everything that is to be said at the end.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Report {
    /// What became of it.
    #[serde(flatten)]
    pub(crate) verdict: Verdict,
    /// How long it took.
    #[serde(rename = "seconds")]
    pub(crate) took: Seconds,
    /// Every pod, in the order of their creation.
    pub(crate) pods: Vec<Row>,
    /// What the webhook warned of, once each.
    pub(crate) warnings: Vec<String>,
    /// What was taken to hold though it is not in the files.
    pub(crate) assumed: Vec<String>,
    /// What was asked for and is neither in the files nor assumed.
    pub(crate) unknown: BTreeSet<String>,
}

/// One pod.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Row {
    name: String,
    namespace: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    node: Option<String>,
    #[serde(rename = "waitedSeconds")]
    waited: Option<Seconds>,
    #[serde(rename = "for")]
    awaited: Vec<Awaited>,
    #[serde(rename = "startedSeconds")]
    started: Option<Seconds>,
    #[serde(rename = "readySeconds")]
    ready: Option<Seconds>,
    end: &'static str,
    #[serde(skip)]
    bar: Bar,
}

/// Something a pod waited for, with who brought it.
#[derive(Clone, Debug, Serialize)]
struct Awaited {
    term: String,
    from: BTreeSet<String>,
}

impl Report {
    /// Returns whether every pod has reached its end.
    pub(crate) fn has_passed(&self) -> bool {
        self.verdict.result == Outcome::Passed
    }

    /// Returns the report of a stage that has come to rest, or was interrupted, after `took`.
    pub(crate) fn new(stage: &Stage, stuck: &[Stuck], took: Duration) -> Self {
        Self {
            verdict: Verdict::new(stage, stuck),
            took: Seconds(took),
            pods: stage
                .pods()
                .map(|(id, actor)| row(stage, id, actor, took))
                .collect(),
            warnings: stage.warnings().map(str::to_owned).collect(),
            assumed: stage.assumed().collect(),
            unknown: stage.unknown(),
        }
    }
}

fn row(stage: &Stage, id: PodId, actor: &Actor, took: Duration) -> Row {
    let times = actor.times;
    let waited = times.waiting.map(|since| {
        times
            .waited
            .or(times.ended)
            .unwrap_or(took)
            .saturating_sub(since)
    });
    let terms = 0..actor.asks.terms.len();
    Row {
        name: actor.name.clone(),
        namespace: actor.namespace.to_string(),
        node: actor.object["spec"]["nodeName"].as_str().map(str::to_owned),
        waited: waited.map(Seconds),
        awaited: terms.map(|term| awaited(stage, id, term)).collect(),
        started: times.started.map(Seconds),
        ready: times.ready.map(Seconds),
        end: end(actor),
        bar: Bar::new(&times, took),
    }
}

fn awaited(stage: &Stage, id: PodId, term: usize) -> Awaited {
    let name = |producer| match producer {
        Producer::Pod(pod) => stage.pod(pod).name.clone(),
        Producer::Unborn { name, .. } => name,
    };
    let asked = &stage.pod(id).asks.terms[term];
    let producers = match asked.presence {
        // Nobody waits for a failure.
        Presence::Failure => Vec::new(),
        Presence::Optional | Presence::Required => stage.producers(id, term),
    };
    Awaited {
        term: asked.to_string(),
        from: producers.into_iter().map(name).collect(),
    }
}

fn end(actor: &Actor) -> &'static str {
    match actor.phase {
        Phase::Admission => "in admission",
        Phase::CrashLooping => "fails",
        Phase::Denied => "denied",
        Phase::Failed(_) => "failed",
        Phase::Held => "held",
        Phase::Playing if actor.is_ready => "ready",
        Phase::Playing if actor.times.started.is_none() => "waits",
        Phase::Playing => "runs",
        Phase::Succeeded => "succeeded",
    }
}

impl fmt::Display for Awaited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.term)?;
        let names: Vec<_> = self
            .from
            .iter()
            .take(MAX_NAMES)
            .map(String::as_str)
            .collect();
        if names.is_empty() {
            return Ok(());
        }
        write!(f, " from {}", names.join(", "))?;
        match self.from.len() - names.len() {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

impl Report {
    /// Returns the table of all pods; the first row is the head.
    pub(crate) fn table(&self) -> Vec<[String; COLUMNS.len()]> {
        let head = COLUMNS.map(str::to_owned);
        [head]
            .into_iter()
            .chain(self.pods.iter().map(Row::cells))
            .collect()
    }
}

impl Row {
    fn cells(&self) -> [String; COLUMNS.len()] {
        let time = |time: Option<Seconds>| time.map_or_else(|| "-".to_owned(), |t| t.to_string());
        let mut awaited: Vec<_> = self.awaited.iter().map(ToString::to_string).collect();
        if awaited.len() > MAX_TERMS {
            let more = awaited.len() - MAX_TERMS;
            awaited.truncate(MAX_TERMS);
            awaited.push(format!("and {more} more"));
        }
        [
            self.name.clone(),
            self.node.clone().unwrap_or_else(|| "-".to_owned()),
            time(self.waited),
            time(self.started),
            time(self.ready),
            self.end.to_owned(),
            self.bar.to_string(),
            if awaited.is_empty() {
                "-".to_owned()
            } else {
                awaited.join("; ")
            },
        ]
    }
}

/// Prints what is to be said below the table, and the verdict.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (what, list) in [("warning", &self.warnings), ("assumed", &self.assumed)] {
            list.iter()
                .try_for_each(|item| writeln!(f, "{what}: {item}"))?;
        }
        self.unknown
            .iter()
            .try_for_each(|item| writeln!(f, "{}", Unknown(item)))?;
        self.write_verdict(f)
    }
}

impl Report {
    fn write_verdict(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Verdict {
            result,
            ring,
            stuck,
            failed,
            not_created,
        } = &self.verdict;
        let number = self.pods.len();
        let took = self.took;
        match result {
            Outcome::Deadlock => writeln!(f, "deadlock: each of these pods waits for the next")?,
            Outcome::Failed => writeln!(f, "failed: not every pod reached its end")?,
            Outcome::Passed => writeln!(f, "all {number} pods reached their end in {took}")?,
            Outcome::Stuck => writeln!(f, "stuck: nothing brings what is missing")?,
        }
        failed.iter().try_for_each(|why| writeln!(f, "  {why}"))?;
        ring.iter()
            .try_for_each(|blocked| writeln!(f, "  {blocked}"))?;
        if !ring.is_empty() && !stuck.is_empty() {
            writeln!(f, "and these wait besides:")?;
        }
        stuck
            .iter()
            .try_for_each(|blocked| writeln!(f, "  {blocked}"))?;
        not_created
            .iter()
            .try_for_each(|pods| writeln!(f, "  {pods} are not created"))
    }
}

impl fmt::Display for Blocked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { pod, term, because } = self;
        write!(f, "{pod} waits for {term} {because}")
    }
}

const COLUMNS: [&str; 8] = [
    "POD",
    "NODE",
    "WAITED",
    "STARTED",
    "READY",
    "END",
    "TIME",
    "WAITED FOR",
];
