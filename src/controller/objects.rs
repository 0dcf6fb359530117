//! Watches the objects that waiters ask for, and tells the store of them.

mod cache;
mod plan;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use kube::Client;
use serde_json::Value;
use tokio::{
    sync::mpsc,
    task::AbortHandle,
    task::coop::consume_budget,
    time::{Instant, Interval, MissedTickBehavior, interval, sleep},
};
use tracing::debug;

use self::{
    cache::{Cache, News},
    plan::{MOST_WATCHES, Plan, Watch},
};
use super::{Context, metrics::Metrics};
use crate::{
    cluster::{Observation, Observations, WatchFailure, find_kind},
    language::{Namespace, ObjectKey, ObjectState},
    objects::{self, Found, Source, Sources, WatchedKind},
    store::Store,
};

/// The task that judges objects.
pub(super) struct ObjectsTask {
    client: Client,
    store: Store,
    metrics: Metrics,
    asked: BTreeMap<ObjectKey, Asked>,
    plan: Plan,
    running: BTreeMap<Watch, Running>,
    sender: mpsc::Sender<Shown>,
    shown: mpsc::Receiver<Shown>,
    last_id: u64,
    looks: Interval,
}

/// An object that someone asked for.
struct Asked {
    sources: Sources,
    /// The namespace that asked first.
    asker: Namespace,
    /// When someone last did.
    last: Instant,
}

/// A watch that runs; it ends when this is dropped.
struct Running {
    id: u64,
    cache: Cache,
    /// What is judged by it.
    keys: BTreeSet<ObjectKey>,
    task: AbortHandle,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What a watch shows.
struct Shown {
    watch: Watch,
    /// Tells it from an earlier watch of the same.
    id: u64,
    observation: Observation,
}

impl ObjectsTask {
    pub(super) fn new(context: &Context) -> Self {
        let (sender, shown) = mpsc::channel(UNSEEN);
        let mut looks = interval(BETWEEN_LOOKS);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        context.metrics.watches(WATCHES_OF_OTHERS);
        Self {
            client: context.client.clone(),
            store: context.store.clone(),
            metrics: context.metrics.clone(),
            asked: BTreeMap::new(),
            plan: Plan::default(),
            running: BTreeMap::new(),
            sender,
            shown,
            last_id: 0,
            looks,
        }
    }

    /// Runs for ever.
    pub(super) async fn run(mut self) {
        loop {
            // Others have their turn too, however much is asked.
            consume_budget().await;
            tokio::select! {
                keys = self.store.asked_objects() => self.ask(keys),
                Some(shown) = self.shown.recv() => self.observe(shown),
                _ = self.looks.tick() => self.forget_unasked(),
            }
        }
    }

    fn ask(&mut self, keys: BTreeMap<ObjectKey, Namespace>) {
        let last = Instant::now();
        let before = self.asked.len();
        for (key, namespace) in keys {
            if let Some(asked) = self.asked.get_mut(&key) {
                asked.last = last;
            } else if self.has_room_for(&namespace) {
                let asked = Asked {
                    sources: Sources::of(&key),
                    asker: namespace,
                    last,
                };
                self.asked.insert(key, asked);
            } else {
                debug!(%key, %namespace, "too many objects are asked for: this one is not watched");
            }
        }
        if self.asked.len() > before {
            self.watch_what_is_asked();
        }
    }

    /// No namespace may take what others need, by asking for objects of any namespace.
    fn has_room_for(&self, namespace: &Namespace) -> bool {
        let of_namespace = self.asked.values().filter(|it| it.asker == *namespace);
        self.asked.len() < MOST_OBJECTS
            && of_namespace.take(MOST_IN_NAMESPACE).count() < MOST_IN_NAMESPACE
    }

    /// Forgets the objects that nobody has asked for in a while.
    fn forget_unasked(&mut self) {
        let now = Instant::now();
        for key in self.store.asked_known_objects() {
            if let Some(asked) = self.asked.get_mut(&key) {
                asked.last = now;
            }
        }
        let mut overdue = Vec::new();
        for (key, asked) in &mut self.asked {
            if asked.last + KEPT_FOR <= now {
                // Where the store does not forget it, someone asks for it now.
                asked.last = now;
                overdue.push(key.clone());
            }
        }
        let forgotten = self.store.forget_unasked_objects(overdue);
        for key in &forgotten {
            self.asked.remove(key);
        }
        if !forgotten.is_empty() {
            self.watch_what_is_asked();
        }
    }

    /// Begins and ends watches, so that they show what is asked for.
    fn watch_what_is_asked(&mut self) {
        let sources = self.asked.values().flat_map(Asked::sources);
        self.plan = Plan::of(sources);
        self.running.retain(|watch, running| {
            running.keys.clear();
            self.plan.watches().contains(watch)
        });
        for watch in self.plan.watches() {
            if !self.running.contains_key(watch) {
                self.last_id += 1;
                let running = begin(watch, self.last_id, (&self.client, &self.sender));
                self.running.insert(watch.clone(), running);
            }
        }
        self.metrics.watches(self.running.len() + WATCHES_OF_OTHERS);
        let mut unwatched = Vec::new();
        for (key, asked) in &self.asked {
            for source in asked.sources() {
                let watch = self.plan.watch_of(source);
                match watch.and_then(|watch| self.running.get_mut(watch)) {
                    Some(running) => drop(running.keys.insert(key.clone())),
                    None => unwatched.push(key.clone()),
                }
            }
        }
        for key in unwatched {
            self.tell(&key, too_many());
        }
        let keys = self.asked.keys();
        for key in keys.filter(|key| !self.store.knows_object(key)) {
            self.judge(key);
        }
    }

    fn observe(&mut self, shown: Shown) {
        let Shown {
            watch,
            id,
            observation,
        } = shown;
        let Some(running) = self.running.get_mut(&watch).filter(|it| it.id == id) else {
            return;
        };
        let news = running.cache.observe(&observation);
        if news == News::Nothing {
            return;
        }
        let keys: Vec<_> = running
            .keys
            .iter()
            .filter(|key| {
                self.asked
                    .get(*key)
                    .is_some_and(|it| it.concerns(&news, &watch))
            })
            .cloned()
            .collect();
        for key in keys {
            self.judge(&key);
        }
    }

    /// Judges an object by what is known of it, and tells the store; what is not known yet stays as
    /// it was told.
    fn judge(&self, key: &ObjectKey) {
        let Some(Asked { sources, .. }) = self.asked.get(key) else {
            return;
        };
        let named = sources.named.as_ref().map(|source| self.find(source));
        let related = sources.related.as_ref().map(|source| self.find(source));
        let state = match (named.transpose(), related.transpose()) {
            (Ok(named), Ok(related)) => {
                let found = Found {
                    named: named.and_then(|objects| objects.first().copied()),
                    related: related.unwrap_or_default(),
                };
                objects::state(key, &found)
            }
            (Err(Some((kind, failure))), _) | (_, Err(Some((kind, failure)))) => {
                ObjectState::Unknown(reason(kind, failure))
            }
            (Err(None), _) | (_, Err(None)) => return,
        };
        self.tell(key, state);
    }

    /// Returns the objects of a source, or why they are not known.
    fn find<'a>(
        &'a self,
        source: &'a Source,
    ) -> Result<Vec<&'a Value>, Option<(&'a WatchedKind, WatchFailure)>> {
        let watch = self.plan.watch_of(source).ok_or(None)?;
        let running = self.running.get(watch).ok_or(None)?;
        let found = running.cache.find(source);
        found.map_err(|failure| failure.map(|failure| (&source.kind, failure)))
    }

    fn tell(&self, key: &ObjectKey, state: ObjectState) {
        self.store.set_object(key, Some(state));
    }
}

impl Asked {
    fn sources(&self) -> impl Iterator<Item = &Source> {
        self.sources.named.iter().chain(&self.sources.related)
    }

    /// Returns whether news of a watch may change the judgement.
    fn concerns(&self, news: &News, watch: &Watch) -> bool {
        match news {
            News::All => true,
            News::Nothing => false,
            News::One(objects) => {
                let mut sources = self.sources().filter(|it| it.kind == watch.kind);
                sources.any(|source| objects.iter().flatten().any(|it| source.contains(it)))
            }
        }
    }
}

fn begin(watch: &Watch, id: u64, (client, sender): (&Client, &mpsc::Sender<Shown>)) -> Running {
    let task = tokio::spawn(show(watch.clone(), id, (client.clone(), sender.clone())));
    Running {
        id,
        cache: Cache::of(watch.source()),
        keys: BTreeSet::new(),
        task: task.abort_handle(),
    }
}

/// Shows what a watch shows, for as long as someone looks.
async fn show(watch: Watch, id: u64, (client, sender): (Client, mpsc::Sender<Shown>)) {
    let shown = |observation| Shown {
        watch: watch.clone(),
        id,
        observation,
    };
    loop {
        let failure = match find_kind(&client, &watch.kind).await {
            Ok(resource) => {
                let mut observations = Observations::of(client.clone(), resource, watch.watched());
                loop {
                    match observations.next().await {
                        // The kind may come back, perhaps in another version.
                        Observation::Failed(WatchFailure::NoSuchKind) => {
                            break WatchFailure::NoSuchKind;
                        }
                        observation => {
                            if sender.send(shown(observation)).await.is_err() {
                                return;
                            }
                        }
                    }
                }
            }
            Err(failure) => failure,
        };
        if sender
            .send(shown(Observation::Failed(failure)))
            .await
            .is_err()
        {
            return;
        }
        sleep(BETWEEN_DISCOVERIES).await;
    }
}

/// Says why objects are not known, to be read after the term.
fn reason(kind: &WatchedKind, failure: WatchFailure) -> String {
    match failure {
        WatchFailure::Forbidden => format!(
            "cannot be judged: oncue may not read {kind}; grant it get, list and watch in a \
             ClusterRole with the label oncue.dev/aggregate-to-controller: \"true\""
        ),
        WatchFailure::NoSuchKind => format!("cannot be judged: the cluster has no {kind}"),
        WatchFailure::Passing => "is not known yet: the API server does not answer".to_owned(),
        WatchFailure::Unwatchable => format!("cannot be judged: {kind} cannot be watched"),
        WatchFailure::Unnamespaced => {
            format!("cannot be judged: {kind} live in no namespace, and may not be asked for")
        }
    }
}

fn too_many() -> ObjectState {
    ObjectState::Unknown(format!(
        "cannot be judged: oncue already watches all that it may ({MOST_WATCHES} watches)"
    ))
}

/// How often a kind is looked for that the cluster does not have yet.
const BETWEEN_DISCOVERIES: Duration = Duration::from_secs(10);
const BETWEEN_LOOKS: Duration = Duration::from_secs(15);
/// How long an object is watched after the last one asked for it.
const KEPT_FOR: Duration = Duration::from_mins(1);
/// How many terms about objects are judged, of all namespaces and of one.
const MOST_OBJECTS: usize = 5_000;
const MOST_IN_NAMESPACE: usize = 1_000;
/// The watches of pods and of Jobs, which always run.
const WATCHES_OF_OTHERS: usize = 2;
/// How many observations wait to be looked at.
const UNSEEN: usize = 256;
