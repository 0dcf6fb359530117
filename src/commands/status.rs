//! `oncue status`: who waits for what, since when, and who would signal it.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    process::ExitCode,
    thread,
    time::Duration,
};

use clap::Args;
use oncue_client::api::{Judged, Outcome, WaitRequest};
use serde::Deserialize;
use serde_json::Value as Json;

use super::{
    files,
    opening::{Frame, Opening},
    output::{self, Format},
    server::{Scope, Store, WHICH_STORE},
    settings::InjectionArgs,
    vars::age,
};
use crate::{
    graph::Graph,
    language::{Namespace, Term},
    manifests::Input,
};

const HELP: &str = "\
Examples:
  oncue status
  oncue status -A --watch
  oncue status -n shop -f app/       also names who would signal what is missing

Exit codes: 0 printed, 1 an error, 2 usage.
";

/// How long the store is left alone between two looks.
const PERIOD: Duration = Duration::from_secs(2);

/// The arguments of `oncue status`.
#[derive(Args, Debug)]
#[command(after_help = format!("{HELP}\n{WHICH_STORE}"))]
pub struct Status {
    /// Files that say who would signal what is missing, as of `oncue check`
    #[arg(short = 'f', long = "filename", value_name = "FILE")]
    inputs: Vec<Input>,

    /// Print again whenever it changes
    #[arg(short, long)]
    watch: bool,

    /// How to print it
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,

    #[command(flatten)]
    scope: Scope,

    #[command(flatten)]
    injection: InjectionArgs,
}

#[derive(Debug, Deserialize)]
struct Answer {
    waiters: Vec<Waiter>,
}

#[derive(Debug, Deserialize)]
struct Waiter {
    pod: Option<String>,
    namespace: String,
    since: String,
    terms: Vec<String>,
}

impl Status {
    /// Prints who waits; with `--watch`, again and again.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let store = self.scope.store.open()?;
        let cluster = store.cluster.as_ref();
        let opening = Opening {
            frame: Frame::new(cluster, &self.scope.store.cluster, &self.injection)?,
            manifests: files::read(&self.inputs)?,
        };
        let look = Look {
            store: &store,
            graph: &opening.graph(),
            status: &self,
        };
        let mut before = String::new();
        loop {
            let now = look.render()?;
            if now != before {
                output::print(&now)?;
            }
            if !self.watch {
                return Ok(ExitCode::SUCCESS);
            }
            before = now;
            thread::sleep(PERIOD);
        }
    }
}

/// One look at the store.
struct Look<'a> {
    store: &'a Store,
    graph: &'a Graph<'a>,
    status: &'a Status,
}

impl Look<'_> {
    fn render(&self) -> anyhow::Result<String> {
        let path = self.status.scope.path(&self.store.namespace, "waiters");
        let answer: Json = self.store.told(self.store.api.get(&path))?;
        if self.status.output == Format::Json {
            return Ok(format!("{answer:#}\n"));
        }
        let Answer { waiters } = serde_json::from_value(answer)?;
        if waiters.is_empty() {
            return Ok("nobody waits\n".to_owned());
        }
        let mut judged = BTreeMap::new();
        let mut rows = vec![HEAD.map(str::to_owned)];
        for waiter in &waiters {
            let question = (waiter.namespace.as_str(), waiter.terms.as_slice());
            let missing = match judged.entry(question) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(unknown) => unknown.insert(self.missing(waiter)?),
            };
            rows.extend(self.rows(waiter, missing));
        }
        if self.status.scope.is_everywhere() {
            return output::table(&rows);
        }
        let without_namespace: Vec<_> = rows
            .into_iter()
            .map(|[_, pod, age, term, state, from]| [pod, age, term, state, from])
            .collect();
        output::table(&without_namespace)
    }

    /// Asks for what is missing now: what a waiter asked for may hold in part.
    fn missing(&self, waiter: &Waiter) -> anyhow::Result<Vec<Judged>> {
        let namespace: Namespace = waiter.namespace.parse()?;
        let request = WaitRequest {
            terms: waiter.terms.clone(),
            ..WaitRequest::default()
        };
        let answer = self.store.told(self.store.api.wait(&namespace, &request))?;
        let missing = answer
            .terms
            .into_iter()
            .filter(|judged| judged.state != Outcome::Held);
        Ok(missing.collect())
    }

    /// Returns a row for each missing term; the pod stands on the first alone.
    fn rows(&self, waiter: &Waiter, missing: &[Judged]) -> Vec<[String; 6]> {
        let pod = waiter.pod.as_deref().unwrap_or("-");
        let mut first = [waiter.namespace.clone(), pod.to_owned(), age(&waiter.since)];
        let rows = missing.iter().map(|judged| {
            let [namespace, pod, since] = std::mem::take(&mut first);
            let state = judged.reason.clone().unwrap_or_default();
            let from = self.from(&waiter.namespace, &judged.term);
            [namespace, pod, since, judged.term.clone(), state, from]
        });
        rows.collect()
    }

    /// Returns the names of those in the files who would make a term hold.
    fn from(&self, namespace: &str, term: &str) -> String {
        let (Ok(namespace), Ok(term)) = (namespace.parse(), term.parse::<Term>()) else {
            return String::new();
        };
        let scene = self.graph.scene();
        // Every name that the store knows is filled in.
        let producers = scene.producers_for("", &namespace, &term);
        let names = producers
            .iter()
            .map(|producer| self.graph.name(&scene.actors()[producer.actor]));
        names.collect::<Vec<_>>().join(", ")
    }
}

const HEAD: [&str; 6] = ["NAMESPACE", "POD", "AGE", "MISSING", "STATE", "FROM"];
