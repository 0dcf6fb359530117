//! A pod whose condition is to be written: what is known of its wait, and when to write.

use std::time::Duration;

use oncue_language::{Owner, State, Timestamp, Verdict};

use super::{
    ConditionReport, HeldCondition, HeldReason, JudgedWait, ObservedCondition,
    event::Told,
    reported_pod::{OpenWait, Stage, reason_of},
    sentence::Known,
};
use crate::gates::{GateDecision, Overdue};

/// A pod whose condition is to be written.
#[derive(Debug)]
pub(super) struct ReportedWait {
    pub(super) id: Owner,
    pub(super) stage: Stage,
    pub(super) told: Told,
    /// Why the condition was what it was when it was looked at last.
    pub(super) reason: HeldReason,
    /// When to look at it again.
    pub(super) next: Timestamp,
    condition: Option<ObservedCondition>,
    /// What a store said last of the conditions of the wait.
    verdicts: Option<Box<[Verdict]>>,
    /// When it was first seen to wait.
    opened: Timestamp,
    written: Option<Written>,
    /// After a failure: no write before.
    not_before: Timestamp,
    is_restore_told: bool,
}

/// What was written last.
#[derive(Clone, Debug)]
struct Written {
    condition: HeldCondition,
    missing: Box<[usize]>,
    since: Timestamp,
    at: Timestamp,
}

/// What the condition of a pod should say now.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    pub(super) condition: HeldCondition,
    /// The terms that do not hold, or are not known to.
    pub(super) missing: Box<[usize]>,
}

impl ReportedWait {
    pub(super) fn new(id: Owner, now: Timestamp) -> Self {
        Self {
            id,
            stage: Stage::Idle,
            told: Told::default(),
            reason: HeldReason::Waiting,
            next: now,
            condition: None,
            verdicts: None,
            opened: now,
            written: None,
            not_before: Timestamp::default(),
            is_restore_told: false,
        }
    }

    /// Forgets what was decided and told, and what a store said.
    pub(super) fn begin_anew(&mut self, now: Timestamp) {
        let stage = std::mem::replace(&mut self.stage, Stage::Idle);
        *self = Self {
            stage,
            condition: self.condition.take(),
            ..Self::new(self.id.clone(), now)
        };
        self.assume_told(now);
    }

    /// Returns whether it is over, and the condition says so.
    pub(super) fn is_told(&self) -> bool {
        match &self.stage {
            Stage::Ended(wanted) => self.condition.as_ref().is_some_and(|it| it.says(wanted)),
            Stage::Idle | Stage::Open(_) => false,
        }
    }

    /// The watch shows the pod.
    pub(super) fn observe(
        &mut self,
        mut stage: Stage,
        condition: Option<ObservedCondition>,
        now: Timestamp,
    ) {
        self.condition = condition;
        match (&mut self.stage, &mut stage) {
            // A gate remembers which of its terms have held.
            (Stage::Open(old), Stage::Open(new)) if old.conditions == new.conditions => {
                new.gate = old.gate.take();
            }
            (Stage::Open(_), _) => self.verdicts = None,
            (_, Stage::Open(_)) => {
                self.opened = now;
                self.verdicts = None;
            }
            (Stage::Ended(_) | Stage::Idle, _) => {}
        }
        self.stage = stage;
        self.next = now;
    }

    /// Takes over what a store says of its conditions. Returns whether a state is another one.
    pub(super) fn judge(&mut self, verdicts: &[Verdict], now: Timestamp) -> bool {
        let states = |verdicts: &[Verdict]| verdicts.iter().map(State::of).collect::<Vec<_>>();
        let is_changed = match &self.verdicts {
            Some(before) => states(before) != states(verdicts),
            None => true,
        };
        if is_changed {
            self.next = now;
        }
        self.verdicts = Some(verdicts.into());
        is_changed
    }

    /// Returns what a store says of the wait, if it goes on and was judged.
    pub(super) fn judged(&self) -> Option<JudgedWait<'_>> {
        let open = self.open()?;
        Some(JudgedWait {
            pod: &self.id,
            since: open.since,
            conditions: &open.conditions,
            verdicts: self.verdicts.as_deref()?,
        })
    }

    /// Returns the wait, if it goes on and was judged.
    pub(super) fn open(&self) -> Option<&OpenWait> {
        match &self.stage {
            Stage::Open(open) if self.verdicts.is_some() => Some(open),
            Stage::Ended(_) | Stage::Idle | Stage::Open(_) => None,
        }
    }

    /// Returns whether something keeps it waiting.
    pub(super) fn is_held_up(&self) -> bool {
        self.open()
            .is_some_and(|open| self.missing(open).next().is_some())
    }

    /// Returns whether a term is missing.
    pub(super) fn misses(&self, term: usize) -> bool {
        let open = self.open();
        let verdict = open.and_then(|open| self.verdict(open, term));
        matches!(verdict, Some(Verdict::Missing(_)))
    }

    /// Returns the terms that do not hold, or are not known to; failed ones first.
    pub(super) fn missing(&self, open: &OpenWait) -> impl Iterator<Item = usize> {
        let terms = |is_wanted: fn(Option<&Verdict>) -> bool| {
            (0..open.terms).filter(move |term| is_wanted(self.verdict(open, *term)))
        };
        let failed = terms(|verdict| matches!(verdict, Some(Verdict::Failed(_))));
        let others = terms(|verdict| matches!(verdict, Some(Verdict::Missing(_)) | None));
        failed.chain(others)
    }

    /// Returns what is known of a term.
    pub(super) fn known(&self, open: &OpenWait, term: usize) -> Known<'_> {
        self.verdict(open, term)
            .map_or(Known::Nothing, Known::Judged)
    }

    fn verdict(&self, open: &OpenWait, term: usize) -> Option<&Verdict> {
        let at = open.judged.binary_search(&term).ok()?;
        self.verdicts.as_ref()?.get(at)
    }

    /// Returns why it waits, apart from cycles, and when that may change although no state does.
    pub(super) fn reason(&mut self, now: Timestamp) -> (HeldReason, Option<Timestamp>) {
        let Some(verdicts) = &self.verdicts else {
            return (HeldReason::Waiting, None);
        };
        let states: Vec<_> = verdicts.iter().map(State::of).collect();
        let Stage::Open(open) = &mut self.stage else {
            return (HeldReason::Waiting, None);
        };
        let decision = open.gate.as_mut().map(|gate| gate.decide(&states, now));
        let (overdue, until) = match decision {
            Some(GateDecision::Overdue { reason, until }) => match reason {
                Overdue::Failed(_) => (Some(HeldReason::Failed), until),
                Overdue::TimedOut(_) => (Some(HeldReason::TimedOut), until),
            },
            Some(GateDecision::Wait { until }) => (None, until),
            Some(GateDecision::Open) | None => (None, None),
        };
        let failed = states
            .contains(&State::Failed)
            .then_some(HeldReason::Failed);
        let ended = || open.failure.and_then(reason_of);
        let reason = failed.or(overdue).or_else(ended);
        (reason.unwrap_or(HeldReason::Waiting), until)
    }

    /// Returns when the condition is to be written; `None` if the pod has it already.
    pub(super) fn due(&self, wanted: &Wanted) -> Option<Timestamp> {
        let Wanted { condition, missing } = wanted;
        let observed = self.condition.as_ref();
        if observed.is_some_and(|it| it.says(condition)) {
            return None;
        }
        let due = self.written.as_ref().map_or(Timestamp::default(), |it| {
            let is_same = it.condition.reason == condition.reason && it.missing == *missing;
            // Details of a provider; or someone else has changed what was written.
            it.at + if is_same { DETAILS_APART } else { APART }
        });
        Some(due.max(self.settled()).max(self.not_before))
    }

    /// Returns from when on it is worth a report that the pod waits.
    fn settled(&self) -> Timestamp {
        match &self.stage {
            Stage::Open(_) => self.opened + SETTLED_AFTER,
            Stage::Ended(_) | Stage::Idle => Timestamp::default(),
        }
    }

    /// Takes it that the condition is written now.
    pub(super) fn write(&mut self, wanted: Wanted, now: Timestamp) -> ConditionReport {
        let Wanted { condition, missing } = wanted;
        let status = condition.reason.status();
        let own = self.written.as_ref();
        let before = own.filter(|it| it.condition.reason.status() == status);
        let observed = self.condition.as_ref().filter(|it| *it.status == *status);
        let since = before.map(|it| it.since);
        let since = since.or_else(|| observed?.since).unwrap_or(now);
        let is_restored = own.is_some_and(|it| it.condition == condition);
        let restores = is_restored && !std::mem::replace(&mut self.is_restore_told, is_restored);
        self.written = Some(Written {
            condition: condition.clone(),
            missing,
            since,
            at: now,
        });
        ConditionReport {
            pod: self.id.clone(),
            condition,
            since,
            restores,
        }
    }

    /// The condition was not written, and is not before `retry`.
    pub(super) fn write_failed(&mut self, retry: Timestamp) {
        self.written = None;
        self.not_before = retry;
        self.next = retry;
    }

    /// Returns when nothing is left to do about a wait that has ended and whose condition says so.
    pub(super) fn forgettable(&self) -> Timestamp {
        let written = self.written.as_ref();
        written.map_or(Timestamp::default(), |it| it.at + DETAILS_APART)
    }

    /// Returns when the Event about the reason is due.
    pub(super) fn event_due(&self, reason: HeldReason) -> Option<Timestamp> {
        if !self.told.lacks(reason) {
            return None;
        }
        let long = match &self.stage {
            Stage::Open(open) if reason == HeldReason::Waiting => open.since + LONG_WAIT,
            Stage::Ended(_) | Stage::Idle | Stage::Open(_) => Timestamp::default(),
        };
        Some(long.max(self.settled()))
    }

    /// Takes it that what the pod's condition says already was told by an Event too.
    pub(super) fn assume_told(&mut self, now: Timestamp) {
        let Some(condition) = &self.condition else {
            return;
        };
        let since = condition.since.unwrap_or(now);
        if let Ok(reason) = condition.reason.parse()
            && (reason != HeldReason::Waiting || now >= since + LONG_WAIT)
        {
            self.told.assume(reason, now);
        }
    }
}

/// The least time between two conditions of one pod.
const APART: Duration = Duration::from_secs(1);
/// The same if only the details of providers have changed, or someone else wrote the condition.
pub(super) const DETAILS_APART: Duration = Duration::from_secs(30);
/// How long a pod waits before there is an Event about it.
const LONG_WAIT: Duration = Duration::from_secs(30);
/// How long a pod waits before its condition says so: most waits are over by then, and the objects
/// that it waits for are known.
const SETTLED_AFTER: Duration = Duration::from_secs(2);
