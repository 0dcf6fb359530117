//! Those that wait until the watch has shown what they have written.

use std::collections::BTreeMap;

use tokio::sync::oneshot;

use super::replica::{Place, Replica};

/// Resolves when the watch has shown a write; those that wait no more are forgotten.
pub(super) type Shown = oneshot::Receiver<()>;

/// Those that wait until the watch has shown what they have written.
#[derive(Debug, Default)]
pub(super) struct Writers {
    /// By the version that they wait for, and by a number of their own.
    by_version: BTreeMap<(u64, u64), Writer>,
    by_object: BTreeMap<Place, Vec<Deleter>>,
    next: u64,
    /// How many there may be until those that gave up are looked for.
    sweep_at: usize,
}

#[derive(Debug)]
struct Writer {
    /// A list that began later shows the write, too.
    after_list: u64,
    shown: oneshot::Sender<()>,
}

#[derive(Debug)]
struct Deleter {
    uid: Box<str>,
    shown: oneshot::Sender<()>,
}

impl Writers {
    /// Waits until `version` is shown, or a list that begins after that of number `list`.
    pub(super) fn wait_for_version(&mut self, version: u64, list: u64, is_shown: bool) -> Shown {
        let (shown, receiver) = oneshot::channel();
        if is_shown {
            tell(shown);
            return receiver;
        }
        self.forget_gone();
        self.next += 1;
        let writer = Writer {
            after_list: list,
            shown,
        };
        self.by_version.insert((version, self.next), writer);
        receiver
    }

    /// Waits until an object is not known any more.
    pub(super) fn wait_for_end(&mut self, place: &Place, uid: &str, is_gone: bool) -> Shown {
        let (shown, receiver) = oneshot::channel();
        if is_gone {
            tell(shown);
            return receiver;
        }
        self.forget_gone();
        let deleters = self.by_object.entry(place.clone()).or_default();
        let uid = uid.into();
        deleters.push(Deleter { uid, shown });
        receiver
    }

    /// Forgets those that gave up, from time to time: nothing tells them while the watch is away.
    fn forget_gone(&mut self) {
        if self.count() < self.sweep_at.max(SWEEP_AT) {
            return;
        }
        self.by_version.retain(|_, it| !it.shown.is_closed());
        self.by_object.retain(|_, deleters| {
            deleters.retain(|it| !it.shown.is_closed());
            !deleters.is_empty()
        });
        self.sweep_at = 2 * self.count();
    }

    /// Returns how many versions and objects are waited for.
    fn count(&self) -> usize {
        self.by_version.len() + self.by_object.len()
    }

    /// Tells those that wait for a version up to this one.
    pub(super) fn tell_versions(&mut self, version: u64) {
        while let Some(first) = self.by_version.first_entry()
            && first.key().0 <= version
        {
            tell(first.remove().shown);
        }
    }

    /// Tells those that wait for the end of an object, if it is gone.
    pub(super) fn tell_ends(&mut self, replica: &Replica, place: &Place) {
        let Some(deleters) = self.by_object.remove(place) else {
            return;
        };
        let (waiting, told): (Vec<_>, Vec<_>) = deleters
            .into_iter()
            .partition(|it| replica.has(place, &it.uid));
        for deleter in told {
            tell(deleter.shown);
        }
        if !waiting.is_empty() {
            self.by_object.insert(place.clone(), waiting);
        }
    }

    /// Tells those that wrote before the list of this number began, which is complete now.
    pub(super) fn tell_list(&mut self, list: u64, replica: &Replica) {
        let writers = std::mem::take(&mut self.by_version);
        for (at, writer) in writers {
            if writer.after_list < list {
                tell(writer.shown);
            } else {
                self.by_version.insert(at, writer);
            }
        }
        for place in self.by_object.keys().cloned().collect::<Vec<_>>() {
            self.tell_ends(replica, &place);
        }
    }
}

/// The writer may have given up.
fn tell(writer: oneshot::Sender<()>) {
    let _gone = writer.send(());
}

/// Fewer than this are never looked through.
const SWEEP_AT: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_that_gave_up_are_forgotten() {
        let mut writers = Writers::default();
        let waiting = writers.wait_for_version(1, 1, false);
        for number in 0..1000 {
            let place = Place {
                namespace: "default".into(),
                name: number.to_string().into(),
            };
            drop(writers.wait_for_version(2 + number, 1, false));
            drop(writers.wait_for_end(&place, "uid", false));
        }
        assert!(writers.count() <= 2 * SWEEP_AT, "{}", writers.count());
        writers.tell_versions(1);
        assert_eq!(waiting.blocking_recv(), Ok(()));
    }
}
