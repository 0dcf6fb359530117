//! The thread that writes: takes what waits, commits it together, tells the feeds, then answers.

use std::{collections::HashMap, sync::Arc};

use oncue_language::VariableKey;
use tokio::sync::{mpsc, oneshot};

use super::{Medium, file::DataFile, tables::RowChange};
use crate::store::{
    Effect, Mutation, Step, StoreError, Update, Variable,
    backend::{Committed, Feed},
    variables::Variables,
};

/// How many changes share a commit at most.
const MAX_BATCH: usize = 1024;

type Reply<T> = oneshot::Sender<Result<T, StoreError>>;

/// What the thread is asked for.
pub(super) enum Request {
    Commit {
        mutation: Mutation,
        reply: Reply<Committed>,
    },
    Start {
        feed: Arc<dyn Feed>,
        reply: Reply<()>,
    },
}

/// The one that writes the file.
pub(super) struct Writer<M> {
    file: DataFile<M>,
    /// What was acknowledged, and no more.
    variables: Variables,
    feeds: Vec<Arc<dyn Feed>>,
}

impl<M: Medium> Writer<M> {
    pub(super) fn open(medium: M) -> Result<Self, StoreError> {
        let (file, variables) = DataFile::open(medium)?;
        Ok(Self {
            file,
            variables,
            feeds: Vec::new(),
        })
    }

    /// Runs until the queue is closed.
    pub(super) fn run(mut self, mut requests: mpsc::Receiver<Request>) {
        let mut batch = Vec::with_capacity(MAX_BATCH);
        while requests.blocking_recv_many(&mut batch, MAX_BATCH) > 0 {
            self.serve(batch.drain(..));
        }
    }

    /// Changes before the start of a feed are committed before it, those after it after it.
    pub(super) fn serve(&mut self, requests: impl Iterator<Item = Request>) {
        let mut mutations = Vec::new();
        let mut replies = Vec::new();
        for request in requests {
            match request {
                Request::Commit { mutation, reply } => {
                    mutations.push(mutation);
                    replies.push(reply);
                }
                Request::Start { feed, reply } => {
                    self.answer(
                        &std::mem::take(&mut mutations),
                        std::mem::take(&mut replies),
                    );
                    self.start(feed);
                    let _gone = reply.send(Ok(()));
                }
            }
        }
        self.answer(&mutations, replies);
    }

    #[cfg(test)]
    pub(super) fn variables(&self) -> &Variables {
        &self.variables
    }

    fn start(&mut self, feed: Arc<dyn Feed>) {
        feed.reset(self.variables.iter().cloned().collect());
        self.feeds.push(feed);
    }

    /// A caller that is gone gets no answer, but its change stays.
    fn answer(&mut self, mutations: &[Mutation], replies: Vec<Reply<Committed>>) {
        match self.commit(mutations) {
            Ok(committed) => {
                for (reply, committed) in replies.into_iter().zip(committed) {
                    let _gone = reply.send(Ok(committed));
                }
            }
            Err(error) => {
                for reply in replies {
                    let _gone = reply.send(Err(error.clone()));
                }
            }
        }
    }

    fn commit(&mut self, mutations: &[Mutation]) -> Result<Vec<Committed>, StoreError> {
        let steps = self.plan(mutations);
        if steps.iter().any(|step| step.effect != Effect::Unchanged) {
            let changes = row_changes(mutations, &steps);
            self.file.write(&self.variables, &changes)?;
            self.publish(mutations, &steps);
        }
        let committed = steps.into_iter().map(|step| Committed {
            effect: step.effect,
            variable: step.after,
        });
        Ok(committed.collect())
    }

    /// Decides each mutation on what those before it in the batch will have made of its variable.
    fn plan(&self, mutations: &[Mutation]) -> Vec<Step> {
        let mut planned: HashMap<&VariableKey, Option<Arc<Variable>>> = HashMap::new();
        let mut steps = Vec::with_capacity(mutations.len());
        for mutation in mutations {
            let current = match planned.get(&mutation.key) {
                Some(planned) => planned.as_ref(),
                None => self.variables.get(&mutation.key),
            };
            let step = mutation.apply(current);
            planned.insert(&mutation.key, step.after.clone());
            steps.push(step);
        }
        steps
    }

    fn publish(&mut self, mutations: &[Mutation], steps: &[Step]) {
        let changed = mutations
            .iter()
            .zip(steps)
            .filter(|(_, step)| step.effect != Effect::Unchanged);
        let updates: Vec<_> = changed
            .map(|(mutation, step)| Update {
                key: mutation.key.clone(),
                after: step.after.clone(),
            })
            .collect();
        for Update { key, after } in &updates {
            self.variables.set(key, after.clone());
        }
        for feed in &self.feeds {
            feed.committed(updates.clone());
        }
    }
}

fn row_changes<'a>(mutations: &'a [Mutation], steps: &'a [Step]) -> Vec<RowChange<'a>> {
    let changes = |(Mutation { key, .. }, step): (&'a Mutation, &'a Step)| {
        let put = step
            .put
            .iter()
            .map(|assertion| RowChange::Put(key, assertion));
        let removed = step.removed.iter().map(|id| RowChange::Remove(key, id));
        put.chain(removed)
    };
    mutations.iter().zip(steps).flat_map(changes).collect()
}
