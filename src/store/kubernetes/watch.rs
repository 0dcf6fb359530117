//! The watch of all Signals, which goes on for ever.

use std::{sync::Arc, time::Duration};

use futures_util::StreamExt;
use kube::{
    Api, Client,
    api::DynamicObject,
    runtime::watcher::{self, Config, Event, watcher},
};
use tokio::time::{Instant, sleep};
use tracing::warn;

use super::{
    metrics::Metrics,
    mirror::{Mirror, OutOfOrder},
    replica::Replica,
    requests::signals,
    requirement::{check_fields, explain},
    sight::Sight,
    skipped::Skip,
};
use crate::{
    cluster::{WATCH_SECONDS, Watching, watch_retry_after, watch_status},
    outage::{Outage, Pause},
};

/// The watch of all Signals.
pub(super) struct SignalWatch {
    client: Client,
    mirror: Arc<Mirror>,
    metrics: Metrics,
    watch: Watching<DynamicObject>,
    outage: Outage,
    pause: Pause,
    sight: Sight,
    /// Whether the CRD was checked, in the list that is under way or before.
    is_checked: bool,
    is_listing: bool,
    /// When the last list was complete, or was begun.
    listed: Instant,
    /// How long to wait after a list that had a reason of its own.
    between_lists: Pause,
    room: RoomSearch,
}

/// When to list everything again because there may be room for skipped objects.
struct RoomSearch {
    pause: Duration,
    /// How many objects were skipped when the list began that is to find room for them.
    skipped: Option<usize>,
}

impl Default for RoomSearch {
    fn default() -> Self {
        Self {
            pause: SHORTEST_SEARCH,
            skipped: None,
        }
    }
}

impl RoomSearch {
    /// A list is complete, and so many objects are skipped: a search in vain doubles the pause.
    fn listed(&mut self, skipped: usize) {
        let Some(before) = self.skipped.take() else {
            return;
        };
        self.pause = if skipped < before {
            SHORTEST_SEARCH
        } else {
            (2 * self.pause).min(LONGEST_SEARCH)
        };
    }
}

impl SignalWatch {
    pub(super) fn new(
        client: Client,
        mirror: Arc<Mirror>,
        (metrics, sight): (Metrics, Sight),
    ) -> Self {
        Self {
            watch: watch(client.clone()),
            client,
            mirror,
            metrics,
            outage: Outage::of("watch of signals"),
            pause: Pause::default(),
            sight,
            is_checked: false,
            is_listing: true,
            listed: Instant::now(),
            between_lists: Pause::default(),
            room: RoomSearch::default(),
        }
    }

    /// Tells the mirror what happens, for ever.
    pub(super) async fn run(mut self) {
        loop {
            let next = tokio::select! {
                biased;
                () = self.sight.becomes_stale() => continue,
                () = self.mirror.goes_backwards() => {
                    self.went_backwards().await;
                    continue;
                }
                next = self.watch.next() => next,
            };
            match next {
                Some(Ok(Event::InitDone)) => self.listed().await,
                Some(Ok(event)) => self.observed(event).await,
                Some(Err(error)) => self.failed(&error).await,
                None => {
                    self.sight.fails();
                    self.begin_anew();
                }
            }
        }
    }

    async fn observed(&mut self, event: Event<DynamicObject>) {
        // The beginning of a list says nothing: no answer has come yet.
        if matches!(event, Event::Init) {
            self.is_listing = true;
        } else {
            self.works();
        }
        if let Err(OutOfOrder) = self.mirror.observe(event) {
            return self.went_backwards().await;
        }
        let is_due = self.listed.elapsed() >= self.room.pause;
        if is_due && self.mirror.with(Replica::has_room_again) {
            self.room.skipped = Some(self.skipped_for_memory());
            self.begin_anew();
        }
    }

    /// The cluster was restored from a backup: what was shown since that was made is not true any more.
    async fn went_backwards(&mut self) {
        warn!("the versions of signals went backwards: listing all again");
        self.begin_later().await;
    }

    fn skipped_for_memory(&self) -> usize {
        self.mirror
            .with(|replica| replica.skipped().count(Skip::MEMORY))
    }

    /// A list is complete. It counts once the CRD is new enough.
    async fn listed(&mut self) {
        if !self.is_checked
            && let Err(text) = check_fields(&self.client).await
        {
            self.outage.failed(&text, &text);
            self.metrics.watch_failed();
            self.sight.fails();
            self.pause.after_failure().await;
            return self.begin_anew();
        }
        self.is_checked = true;
        self.is_listing = false;
        self.works();
        self.listed = Instant::now();
        if self.mirror.observe(Event::InitDone).is_ok() {
            self.room.listed(self.skipped_for_memory());
        }
    }

    fn works(&mut self) {
        if self.is_checked {
            self.pause = Pause::default();
            self.outage.succeeded();
            self.metrics.watches();
            if !self.is_listing {
                self.sight.works();
            }
        }
    }

    async fn failed(&mut self, error: &watcher::Error) {
        let code = watch_status(error).map(|status| status.code);
        let is_start = matches!(error, watcher::Error::WatchStartFailed(_));
        // That the API server has forgotten where we are is no failure: the next list tells.
        if code != Some(410) {
            let text = explain(&self.client, error).await;
            self.outage.failed(&text, &text);
            self.metrics.watch_failed();
            self.sight.fails();
            let asked_for = watch_retry_after(error).unwrap_or_default();
            tokio::join!(
                self.pause.after_failure(),
                sleep(asked_for.min(LONGEST_PAUSE))
            );
        }
        // Only a list shows that the watch works again: if nothing changes, a watch says nothing. After
        // lists that are complete, the pause is short, and watches may be refused all the same.
        if is_start || code == Some(410) {
            self.begin_later().await;
        } else {
            self.begin_anew();
        }
    }

    /// Lists again, later each time if that happens often.
    async fn begin_later(&mut self) {
        if self.listed.elapsed() > SELDOM {
            self.between_lists = Pause::default();
        }
        self.between_lists.after_failure().await;
        self.begin_anew();
    }

    fn begin_anew(&mut self) {
        self.watch.begin_anew();
        self.is_listing = true;
        self.listed = Instant::now();
    }
}

fn watch(client: Client) -> Watching<DynamicObject> {
    Watching::of(move || {
        let api = Api::<DynamicObject>::all_with(client.clone(), &signals());
        watcher(api, Config::default().timeout(WATCH_SECONDS)).boxed()
    })
}

/// The longest pause that the API server may ask for.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Lists so far apart need no longer pause.
const SELDOM: Duration = Duration::from_mins(1);

/// How often all objects are listed again to find room for those that had none: from time to time
/// if there was none again.
const SHORTEST_SEARCH: Duration = Duration::from_mins(1);
const LONGEST_SEARCH: Duration = Duration::from_mins(32);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn searches_for_room_in_vain_become_seldom() {
        let mut room = RoomSearch::default();
        room.listed(5);
        assert_eq!(room.pause, SHORTEST_SEARCH, "a list for another reason");
        for _ in 0..3 {
            room.skipped = Some(5);
            room.listed(5);
        }
        assert_eq!(room.pause, 8 * SHORTEST_SEARCH);
        room.skipped = Some(5);
        room.listed(4);
        assert_eq!(room.pause, SHORTEST_SEARCH);
    }
}
