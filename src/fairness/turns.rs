//! A limited number of permits that namespaces take in turns.

use std::{
    collections::{BTreeMap, VecDeque},
    ops::Bound,
    sync::Arc,
};

use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::is_fair;

/// A limited number of permits; cloning it gives another handle.
#[derive(Clone, Debug)]
pub(crate) struct Turns {
    queue: Arc<Mutex<Queue>>,
}

#[derive(Debug)]
struct Queue {
    free: usize,
    lines: BTreeMap<Box<str>, Line>,
    /// The namespace that was given a permit last.
    last: Option<Box<str>>,
}

/// What a namespace has and wants; one that has and wants nothing has no line.
#[derive(Debug, Default)]
struct Line {
    permits: usize,
    waiting: VecDeque<oneshot::Sender<Turn>>,
}

/// A permit, until this is dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    /// `None` once it was given back.
    of: Option<Permit>,
}

/// Where a permit comes from, and who has it.
#[derive(Debug)]
struct Permit {
    queue: Arc<Mutex<Queue>>,
    namespace: Box<str>,
}

impl Turns {
    pub(crate) fn new(permits: usize) -> Self {
        Self {
            queue: Arc::new(Mutex::new(Queue {
                free: permits,
                lines: BTreeMap::new(),
                last: None,
            })),
        }
    }

    /// Waits for a permit. Those of one namespace are served in their order, and the namespaces in
    /// turns.
    pub(crate) async fn take(&self, namespace: &str) -> Turn {
        let (sender, receiver) = oneshot::channel();
        self.queue.lock().wait(namespace, sender);
        hand_out(&self.queue);
        let turn = receiver.await;
        turn.expect("the queue lives as long as this handle, and drops no one who waits")
    }
}

/// Gives the free permits to those that wait. One that has given up meanwhile gives it back.
fn hand_out(queue: &Arc<Mutex<Queue>>) {
    loop {
        let Some((namespace, sender)) = queue.lock().next() else {
            return;
        };
        let permit = Permit {
            queue: Arc::clone(queue),
            namespace,
        };
        let given = sender.send(Turn { of: Some(permit) });
        // Not by dropping it, which would hand out from within.
        if let Some(permit) = given.err().and_then(|mut turn| turn.of.take()) {
            queue.lock().give_back(&permit.namespace);
        }
    }
}

impl Queue {
    fn wait(&mut self, namespace: &str, sender: oneshot::Sender<Turn>) {
        let line = self.lines.entry(namespace.into()).or_default();
        line.waiting.push_back(sender);
    }

    /// Takes a permit for the next one that waits, if there is one that may have it.
    fn next(&mut self) -> Option<(Box<str>, oneshot::Sender<Turn>)> {
        let namespace = self.next_namespace()?;
        let line = self.lines.get_mut(&namespace)?;
        let sender = line.waiting.pop_front()?;
        line.permits += 1;
        self.free -= 1;
        self.last = Some(namespace.clone());
        Some((namespace, sender))
    }

    /// Returns the next namespace, after the last one, that may have a permit.
    fn next_namespace(&self) -> Option<Box<str>> {
        let left = self.free.checked_sub(1)?;
        let last = self.last.as_deref();
        let after = last.map_or(Bound::Unbounded, Bound::Excluded);
        let lines = self.lines.range::<str, _>((after, Bound::Unbounded));
        let mut lines = lines.chain(&self.lines);
        let next =
            lines.find(|(_, line)| !line.waiting.is_empty() && is_fair(line.permits, 1, left));
        next.map(|(namespace, _)| namespace.clone())
    }

    fn give_back(&mut self, namespace: &str) {
        self.free += 1;
        if let Some(line) = self.lines.get_mut(namespace) {
            line.permits -= 1;
            if line.permits == 0 && line.waiting.is_empty() {
                self.lines.remove(namespace);
            }
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(Permit { queue, namespace }) = self.of.take() {
            queue.lock().give_back(&namespace);
            hand_out(&queue);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{FutureExt, future::BoxFuture};

    use super::*;

    fn take(turns: &Turns, namespace: &str) -> BoxFuture<'static, Turn> {
        let (turns, namespace) = (turns.clone(), namespace.to_owned());
        async move { turns.take(&namespace).await }.boxed()
    }

    /// Begins to wait for so many permits. Returns those that were given at once, and the others.
    fn begin(
        turns: &Turns,
        (namespace, count): (&str, usize),
    ) -> (Vec<Turn>, VecDeque<BoxFuture<'static, Turn>>) {
        let mut given = Vec::new();
        let mut waiting = VecDeque::new();
        for _ in 0..count {
            let mut turn = take(turns, namespace);
            match (&mut turn).now_or_never() {
                Some(turn) => given.push(turn),
                None => waiting.push_back(turn),
            }
        }
        (given, waiting)
    }

    #[test]
    fn a_namespace_that_wants_everything_leaves_a_permit_for_others() {
        let turns = Turns::new(64);
        let (given, _waiting) = begin(&turns, ("shop", 1000));
        assert_eq!(given.len(), 56);
        let (other, _) = begin(&turns, ("till", 1));
        assert_eq!(other.len(), 1);
    }

    #[test]
    fn the_namespaces_take_turns() {
        let turns = Turns::new(1);
        let (mut held, mut shop) = begin(&turns, ("shop", 10));
        let (_, mut till) = begin(&turns, ("till", 2));
        let (_, mut web) = begin(&turns, ("web", 1));
        let mut order = Vec::new();
        while held.pop().is_some() {
            for (name, waiting) in [("shop", &mut shop), ("till", &mut till), ("web", &mut web)] {
                if let Some(turn) = waiting.front_mut().and_then(FutureExt::now_or_never) {
                    waiting.pop_front();
                    held.push(turn);
                    order.push(name);
                }
            }
        }
        assert_eq!(order[..5], ["till", "web", "shop", "till", "shop"]);
        assert_eq!(order.len(), 12);
    }

    #[test]
    fn one_that_gives_up_takes_no_permit_along() {
        let turns = Turns::new(1);
        let (held, waiting) = begin(&turns, ("shop", 3));
        drop(waiting);
        drop(held);
        let (held, _) = begin(&turns, ("shop", 1));
        assert_eq!(held.len(), 1);
        drop(held);
        assert!(turns.queue.lock().lines.is_empty());
        assert_eq!(turns.queue.lock().free, 1);
    }

    #[test]
    fn a_permit_that_was_given_and_not_seen_is_given_back() {
        let turns = Turns::new(1);
        let (held, waiting) = begin(&turns, ("shop", 2));
        drop(held);
        drop(waiting);
        let (held, _) = begin(&turns, ("till", 1));
        assert_eq!(held.len(), 1);
    }
}
