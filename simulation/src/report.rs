//! The summary of a simulation: when each pod started, and what it waited for.

mod bar;

use std::{
    collections::{BTreeSet, HashMap},
    fmt,
    rc::Rc,
    time::Duration,
};

use oncue_language::{Namespace, Presence, Term, escape::Escaped};
use serde::{Serialize, Serializer};

use self::bar::Bar;
use crate::{
    cluster::{Cluster, Phase, Pod, PodId, Stuck},
    entry::{Seconds, Unknown},
    producers::Producers,
    verdict::{Blocked, Outcome, Verdict},
};

/// The number of terms of a pod that the table shows; JSON has all.
const MAX_TERMS: usize = 3;

/// The number of producers of a term that the table shows.
const MAX_NAMES: usize = 2;

/// The summary.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The result.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// How long it took.
    #[serde(rename = "seconds")]
    pub took: Seconds,
    /// Every pod, in the order of their creation.
    pub pods: Vec<Row>,
    /// The texts of the webhook's warnings, once each.
    pub warnings: Vec<String>,
    /// What was assumed to hold although it is not in the files.
    pub assumed: Vec<String>,
    /// How the pods of objects whose kinds are not built in were played.
    pub played: Vec<String>,
    /// The variables that Signals of the files assert from the beginning.
    pub existing: Vec<String>,
    /// What pods ask for and is neither in the files nor assumed.
    pub unknown: BTreeSet<String>,
    /// What pods ask of objects and is neither played nor assumed, gates of others, objects of
    /// kinds that are not built in and have no pod template, and
    /// deadlines of Jobs that have not ended in time.
    pub not_played: BTreeSet<String>,
}

/// One pod.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
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

/// Something that a pod waited for, with the pods that brought it.
#[derive(Clone, Debug, Serialize)]
struct Awaited {
    term: String,
    from: Names,
}

/// Names that pods with the same term share.
#[derive(Clone, Debug, Default)]
struct Names(Rc<BTreeSet<String>>);

impl Serialize for Names {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl Report {
    /// Returns whether every pod has reached its end.
    pub fn has_passed(&self) -> bool {
        self.verdict.result == Outcome::Passed
    }

    /// Returns the report of a cluster that has come to rest after `took`, with these pods stuck.
    pub fn new(cluster: &Cluster, stuck: &[Stuck], took: Duration) -> Self {
        let producers = Producers::of(cluster);
        let mut rows = Rows {
            cluster,
            producers: &producers,
            took,
            names: HashMap::new(),
        };
        let missing = cluster.missing();
        let (mut unknown, mut not_played) =
            (BTreeSet::new(), cluster.skipped().collect::<BTreeSet<_>>());
        for it in missing.all() {
            match it {
                Unknown::Absent(what) => unknown.insert(what),
                Unknown::NotPlayed(what) => not_played.insert(what),
            };
        }
        Self {
            verdict: Verdict::new(cluster, (&producers, &missing), stuck),
            took: Seconds(took),
            pods: cluster.pods().map(|(id, pod)| rows.row(id, pod)).collect(),
            warnings: cluster.warnings().map(str::to_owned).collect(),
            assumed: cluster.assumed().collect(),
            existing: cluster.existing().collect(),
            played: cluster.played().collect(),
            unknown,
            not_played,
        }
    }
}

/// Makes the rows, and keeps the producers of each term.
struct Rows<'a> {
    cluster: &'a Cluster,
    producers: &'a Producers,
    took: Duration,
    names: HashMap<(&'a Namespace, String), Names>,
}

impl<'a> Rows<'a> {
    fn row(&mut self, id: PodId, pod: &'a Pod) -> Row {
        let times = pod.times;
        let over = times.waited.or(times.ended).unwrap_or(self.took);
        let waited = times.waiting.map(|since| over.saturating_sub(since));
        let terms = pod.declaration.terms.iter();
        let awaited = terms.map(|term| Awaited {
            term: term.to_string(),
            from: self.from(id, term),
        });
        Row {
            awaited: awaited.collect(),
            name: pod.name.clone(),
            namespace: pod.namespace.to_string(),
            node: pod.object["spec"]["nodeName"].as_str().map(str::to_owned),
            waited: waited.map(Seconds),
            started: times.started.map(Seconds),
            ready: times.ready.map(Seconds),
            end: end(pod),
            bar: Bar::new(&times, self.took),
        }
    }

    fn from(&mut self, id: PodId, term: &Term) -> Names {
        if term.presence == Presence::Failure {
            // A pod does not wait for a failure.
            return Names::default();
        }
        let key = (&self.cluster.pod(id).namespace, term.to_string());
        let names = self.names.entry(key).or_insert_with(|| {
            let producers = self.producers.of_term(id, term).into_iter();
            let names = producers.map(|producer| self.producers.name(producer).to_owned());
            Names(Rc::new(names.collect()))
        });
        names.clone()
    }
}

fn end(pod: &Pod) -> &'static str {
    match pod.phase {
        Phase::Admission => "in admission",
        Phase::CrashLooping => "fails",
        Phase::Deleted => "deleted",
        Phase::Denied => "denied",
        Phase::Failed(_) => "failed",
        Phase::Held => "held",
        Phase::Running if pod.is_ready => "ready",
        Phase::Running if pod.times.started.is_none() => "waits",
        Phase::Running => "runs",
        Phase::Succeeded => "succeeded",
    }
}

impl fmt::Display for Awaited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.term)?;
        let names: Vec<_> = self
            .from
            .0
            .iter()
            .take(MAX_NAMES)
            .map(String::as_str)
            .collect();
        if names.is_empty() {
            return Ok(());
        }
        write!(f, " from {}", names.join(", "))?;
        match self.from.0.len() - names.len() {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

impl Report {
    /// Returns the table of all pods; the first row is the head.
    pub fn table(&self) -> Vec<[String; COLUMNS.len()]> {
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
        let cells = [
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
        ];
        cells.map(|cell| Escaped(cell).to_string())
    }
}

/// Prints what stands below the table, and the result.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (what, list) in [
            ("warning", &self.warnings),
            ("assumed", &self.assumed),
            ("exists", &self.existing),
            ("played", &self.played),
        ] {
            list.iter()
                .try_for_each(|item| writeln!(f, "{what}: {}", Escaped(item)))?;
        }
        let absent = self.unknown.iter().cloned().map(Unknown::Absent);
        let not_played = self.not_played.iter().cloned().map(Unknown::NotPlayed);
        absent
            .chain(not_played)
            .try_for_each(|unknown| writeln!(f, "{}", Escaped(unknown)))?;
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
            held_up,
        } = &self.verdict;
        let number = self.pods.len();
        let took = self.took;
        match result {
            Outcome::Deadlock => writeln!(f, "deadlock: each of these pods waits for the next")?,
            Outcome::Failed => writeln!(f, "failed: not every pod reached its end")?,
            Outcome::Passed => writeln!(f, "all {number} pods reached their end in {took}")?,
            Outcome::Stuck => writeln!(f, "stuck: nothing brings what is missing")?,
        }
        failed
            .iter()
            .try_for_each(|why| writeln!(f, "  {}", Escaped(why)))?;
        ring.iter()
            .try_for_each(|blocked| writeln!(f, "  {}", Escaped(blocked)))?;
        if !ring.is_empty() && !stuck.is_empty() {
            writeln!(f, "and these pods wait too:")?;
        }
        stuck
            .iter()
            .try_for_each(|blocked| writeln!(f, "  {}", Escaped(blocked)))?;
        not_created
            .iter()
            .try_for_each(|pods| writeln!(f, "  {} are not created", Escaped(pods)))?;
        let mut held_up = held_up.iter();
        held_up.try_for_each(|why| writeln!(f, "  {}", Escaped(why)))
    }
}

impl fmt::Display for Blocked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            pod,
            term,
            reason,
            because,
        } = self;
        write!(f, "{pod} waits for {term} ")?;
        if let Some(reason) = reason {
            write!(f, "({reason}) ")?;
        }
        f.write_str(because)
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
