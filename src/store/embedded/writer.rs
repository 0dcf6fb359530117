//! The writer thread: takes all queued changes, commits them together, informs the feeds, answers.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};
use tracing::{error, info};

use super::{
    Medium,
    file::DataFile,
    shortage::{Shortage, is_ample},
};
use crate::{
    memory::Budget,
    store::{
        Action, Mutation, StoreError, Update,
        backend::{Committed, Feed},
        room,
        variables::Variables,
    },
};

/// How many changes share a commit at most.
const MAX_BATCH: usize = 1024;

/// How many changes share a commit at most on a full disk. Each may need copies of a few pages,
/// from the root of a table to a leaf, and the reserve has to have space for all of them.
const MAX_REMOVALS: usize = 64;

type Answer<T> = Result<T, StoreError>;
type Reply<T> = oneshot::Sender<Answer<T>>;

/// A request to the thread.
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

/// Writes the file.
pub(super) struct Writer<M> {
    file: DataFile<M>,
    /// All acknowledged variables, and nothing else.
    variables: Variables,
    budget: Budget,
    feeds: Vec<Arc<dyn Feed>>,
    /// Set while the disk is full and the reserve is released for removals.
    shortage: Option<Shortage>,
}

/// Which mutations are carried out.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Allowed {
    All,
    /// Only removals: others fail because the disk is full.
    Removals,
}

impl<M: Medium> Writer<M> {
    pub(super) fn open(medium: M, budget: Budget) -> Result<Self, StoreError> {
        let (file, variables) = DataFile::open(medium)?;
        let mut writer = Self {
            file,
            variables,
            budget,
            feeds: Vec::new(),
            shortage: None,
        };
        let room = match writer.file.upgrade(&writer.variables) {
            Ok(()) => writer.file.reserve(),
            Err(full @ StoreError::Full { .. }) => Err(full),
            Err(error) => return Err(error),
        };
        if let Err(full @ StoreError::Full { .. }) = room {
            writer.begin_full(&full);
        }
        Ok(writer)
    }

    /// Runs until the queue is closed.
    pub(super) fn run(mut self, mut requests: mpsc::Receiver<Request>) {
        let mut batch = Vec::with_capacity(MAX_BATCH);
        while requests.blocking_recv_many(&mut batch, MAX_BATCH) > 0 {
            self.serve(batch.drain(..));
        }
    }

    /// A feed starts between the changes that were queued before and after it.
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
                    feed.reset(&self.variables);
                    self.feeds.push(feed);
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

    /// If the caller has gone, its change is still made.
    fn answer(&mut self, mutations: &[Mutation], replies: Vec<Reply<Committed>>) {
        if mutations.is_empty() {
            return;
        }
        for (reply, answer) in replies.into_iter().zip(self.commit(mutations)) {
            let _gone = reply.send(answer);
        }
    }

    /// Removals succeed on a full disk, because the reserve is released for them.
    fn commit(&mut self, mutations: &[Mutation]) -> Vec<Answer<Committed>> {
        self.look_for_room();
        if self.shortage.is_none() {
            match self.try_commit(mutations, Allowed::All) {
                Err(full @ StoreError::Full { .. }) => self.begin_full(&full),
                answers => return for_each_of(mutations, answers),
            }
        }
        let answers = self.commit_removals(mutations);
        self.shrink();
        answers
    }

    /// Commits in pieces, which fail or succeed independently unless the file cannot be opened.
    fn commit_removals(&mut self, mutations: &[Mutation]) -> Vec<Answer<Committed>> {
        if let Err(error) = self.file.make_ready(&self.variables) {
            return for_each_of(mutations, Err(error));
        }
        let pieces = mutations.chunks(MAX_REMOVALS);
        pieces
            .flat_map(|piece| for_each_of(piece, self.try_commit(piece, Allowed::Removals)))
            .collect()
    }

    fn try_commit(
        &mut self,
        mutations: &[Mutation],
        allowed: Allowed,
    ) -> Answer<Vec<Answer<Committed>>> {
        self.file.make_ready(&self.variables)?;
        if allowed == Allowed::All {
            self.file.upgrade(&self.variables)?;
        }
        let mut updates = Vec::new();
        let answers = mutations
            .iter()
            .map(|mutation| self.apply(mutation, allowed, &mut updates))
            .collect();
        if updates.is_empty() {
            return Ok(answers);
        }
        if let Err(error) = self.file.write(&updates) {
            for update in updates.iter().rev() {
                self.variables.revert(update);
            }
            self.file.recover(&self.variables);
            return Err(error);
        }
        for feed in &self.feeds {
            feed.committed(&updates);
        }
        Ok(answers)
    }

    /// Decides a mutation, given the mutations before it in the batch.
    fn apply(
        &mut self,
        mutation: &Mutation,
        allowed: Allowed,
        updates: &mut Vec<Update>,
    ) -> Answer<Committed> {
        let step = room::decide(mutation, &self.variables, self.budget);
        let step = step.map_err(StoreError::OverLimit)?;
        let is_put = matches!(mutation.action, Action::Assert { .. });
        if allowed == Allowed::Removals && is_put && !step.updates.is_empty() {
            return Err(self.file.full());
        }
        for update in &step.updates {
            self.variables.apply(update);
        }
        updates.extend(step.updates);
        Ok(Committed {
            effect: step.effect,
            assertion: step.assertion,
        })
    }

    fn begin_full(&mut self, full: &StoreError) {
        let path = self.file.path().display();
        error!(%path, error = %full, "the disk is full: only deletes are possible until there is space");
        self.file.release_reserve();
        let now = self.file.now();
        self.shortage = Some(Shortage::begin(self.variables.bytes(), now));
    }

    fn look_for_room(&mut self) {
        let Some(shortage) = &mut self.shortage else {
            return;
        };
        if !shortage.is_due(self.file.now()) {
            return;
        }
        let may_have_room = shortage.is_relieved_by(self.variables.bytes())
            || self.file.free_space().is_ok_and(is_ample);
        if may_have_room && self.take_room().is_ok() {
            self.shortage = None;
            let path = self.file.path().display();
            info!(%path, "the disk has space again");
        }
    }

    fn take_room(&mut self) -> Answer<()> {
        self.file.upgrade(&self.variables)?;
        self.file.reserve()
    }

    /// Returns space to the disk once a quarter of the variables has gone. If only this store fills
    /// the disk, no other process frees space.
    fn shrink(&mut self) {
        let left = self.variables.bytes();
        if let Some(shortage) = &mut self.shortage
            && shortage.has_lost_a_quarter(left)
        {
            self.file.compact(&self.variables);
        }
    }
}

/// Returns an answer for each mutation: an error of the commit is the answer to all of them.
fn for_each_of(
    mutations: &[Mutation],
    answers: Answer<Vec<Answer<Committed>>>,
) -> Vec<Answer<Committed>> {
    answers.unwrap_or_else(|error| vec![Err(error); mutations.len()])
}
