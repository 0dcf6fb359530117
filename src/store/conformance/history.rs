//! What clients asked and what they were answered, and what cannot have happened: pure.
//!
//! A request takes effect at some moment between its begin and its end. So one is certainly before
//! another only if it ended before the other began.

use std::{fmt, time::Duration};

use super::Promise;

/// One request of a client for one variable.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Record {
    /// The replica that was asked.
    pub replica: usize,
    /// The variable, by its number.
    pub variable: usize,
    /// When it was asked, from the begin of the history.
    pub begin: Duration,
    /// When it was answered.
    pub end: Duration,
    /// What was asked and answered.
    pub call: Call,
}

/// What was asked and answered.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Call {
    /// A variable was created.
    Create(Acknowledgement),
    /// A variable was deleted.
    Delete(Acknowledgement),
    /// Whether a variable exists, or a wait for it was answered.
    See(Seen),
}

/// Whether a change was acknowledged.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Acknowledgement {
    /// It has certainly happened.
    Done,
    /// It may have happened, and may happen later.
    Unknown,
    /// It changed nothing, because nothing was there or everything was as it should be.
    Unneeded,
}

/// What a client saw of a variable.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Seen {
    /// It did not exist.
    Absent,
    /// A wait for it was answered: it held.
    Held,
    /// It existed.
    Present,
}

/// All requests of some clients. No variable exists at the begin.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct History(pub Vec<Record>);

/// What cannot have happened.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Violation {
    /// What a client saw.
    pub seen: Record,
    /// The acknowledged change that it contradicts; none if nothing was ever changed.
    pub change: Option<Record>,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seen, change } = self;
        match change {
            Some(change) => write!(f, "{seen:?} although {change:?} and nothing undid it"),
            None => write!(f, "{seen:?} without a cause"),
        }
    }
}

impl History {
    /// Panics with the first thing that cannot have happened.
    pub fn check(&self, promise: Promise) {
        let violation = self.violations(promise).into_iter().next();
        assert!(violation.is_none(), "{}", violation.unwrap());
    }

    /// Returns all observations that cannot be.
    pub fn violations(&self, promise: Promise) -> Vec<Violation> {
        let is_seen = |it: &&Record| matches!(it.call, Call::See(_));
        let seen = self.0.iter().filter(is_seen);
        let violations = seen.filter_map(|seen| self.violation(seen, promise));
        violations.collect()
    }

    fn violation(&self, seen: &Record, promise: Promise) -> Option<Violation> {
        let of_variable = |it: &&Record| it.variable == seen.variable;
        let records: Vec<_> = self.0.iter().filter(of_variable).collect();
        let is_present = seen.call != Call::See(Seen::Absent);
        // What explains the observation: it may have happened before the answer.
        let causes = records.iter().filter(|it| {
            it.call.makes(is_present)
                && it.call != Call::unneeded(is_present)
                && it.begin < seen.end
        });
        let causes: Vec<_> = causes.collect();
        let contradicts = |it: &&&Record| {
            it.call.makes(!is_present)
                && it.call.is_certain()
                && is_visible(it, seen, promise)
                && causes.iter().all(|cause| is_before(cause, it, promise))
        };
        let change = records.iter().find(contradicts).map(|it| (*it).clone());
        let has_cause = !is_present || !causes.is_empty();
        (change.is_some() || !has_cause).then(|| Violation {
            seen: seen.clone(),
            change,
        })
    }
}

/// Returns whether a change certainly was before another one. What found nothing to do was decided by
/// what its replica knew.
fn is_before(earlier: &Record, later: &Record, promise: Promise) -> bool {
    let decided_here = matches!(
        later.call,
        Call::Create(Acknowledgement::Unneeded) | Call::Delete(Acknowledgement::Unneeded)
    );
    if decided_here {
        is_visible(earlier, later, promise)
    } else {
        earlier.end < later.begin
    }
}

/// Returns whether a change that was acknowledged has to be visible to whoever saw something.
fn is_visible(change: &Record, seen: &Record, promise: Promise) -> bool {
    let after = match promise {
        _ if change.replica == seen.replica => Duration::ZERO,
        Promise::OneReplica => return false,
        Promise::Within(bound) => bound,
    };
    change.end + after < seen.begin
}

impl Call {
    /// Returns whether this is a change that makes a variable exist, or makes it not exist.
    fn makes(self, present: bool) -> bool {
        match self {
            Self::Create(_) => present,
            Self::Delete(_) => !present,
            Self::See(_) => false,
        }
    }

    /// Returns a change that found everything as it should be. It shows the state, and a creation
    /// of that kind is no cause by itself.
    fn unneeded(present: bool) -> Self {
        if present {
            Self::Create(Acknowledgement::Unneeded)
        } else {
            Self::Delete(Acknowledgement::Unneeded)
        }
    }

    fn is_certain(self) -> bool {
        match self {
            Self::Create(acknowledgement) | Self::Delete(acknowledgement) => {
                acknowledgement != Acknowledgement::Unknown
            }
            Self::See(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::slice;

    use super::*;

    const WITHIN: Promise = Promise::Within(Duration::from_millis(50));

    /// Returns a request of variable 0, from `begin` to `end` in milliseconds.
    fn mk(replica: usize, (begin, end): (u64, u64), call: Call) -> Record {
        Record {
            replica,
            variable: 0,
            begin: Duration::from_millis(begin),
            end: Duration::from_millis(end),
            call,
        }
    }

    fn violations(records: &[Record]) -> usize {
        History(records.to_vec()).violations(WITHIN).len()
    }

    const CREATED: Call = Call::Create(Acknowledgement::Done);
    const DELETED: Call = Call::Delete(Acknowledgement::Done);
    const PRESENT: Call = Call::See(Seen::Present);
    const ABSENT: Call = Call::See(Seen::Absent);
    const HELD: Call = Call::See(Seen::Held);

    #[test]
    fn an_acknowledged_creation_is_visible_on_its_replica_at_once() {
        let created = mk(0, (0, 10), CREATED);
        assert_eq!(violations(&[created.clone(), mk(0, (11, 12), PRESENT)]), 0);
        assert_eq!(violations(&[created.clone(), mk(0, (11, 12), ABSENT)]), 1);
        assert_eq!(
            violations(&[created, mk(0, (9, 12), ABSENT)]),
            0,
            "concurrent"
        );
    }

    #[test]
    fn another_replica_may_be_late_within_the_bound() {
        let created = mk(0, (0, 10), CREATED);
        assert_eq!(violations(&[created.clone(), mk(1, (59, 60), ABSENT)]), 0);
        let late = mk(1, (61, 62), ABSENT);
        assert_eq!(violations(&[created.clone(), late.clone()]), 1);
        let one = History(vec![created, late]).violations(Promise::OneReplica);
        assert_eq!(one, [], "without a bound, nothing is promised");
    }

    #[test]
    fn a_wait_that_holds_has_a_cause() {
        assert_eq!(violations(&[mk(0, (0, 5), HELD)]), 1);
        assert_eq!(
            violations(&[mk(0, (0, 5), HELD), mk(0, (6, 9), CREATED)]),
            1,
            "later"
        );
        assert_eq!(
            violations(&[mk(0, (0, 9), HELD), mk(1, (6, 20), CREATED)]),
            0
        );
        let unknown = Call::Create(Acknowledgement::Unknown);
        assert_eq!(
            violations(&[mk(0, (0, 9), unknown), mk(1, (20, 21), HELD)]),
            0
        );
        let unneeded = Call::Create(Acknowledgement::Unneeded);
        assert_eq!(
            violations(&[mk(0, (0, 9), unneeded), mk(0, (10, 11), HELD)]),
            1
        );
    }

    #[test]
    fn a_deleted_variable_stays_away_until_it_is_created_again() {
        let history = [mk(0, (0, 10), CREATED), mk(0, (20, 30), DELETED)];
        for (seen, expected) in [
            (mk(0, (31, 32), ABSENT), 0),
            (mk(0, (31, 32), PRESENT), 1),
            (mk(0, (31, 32), HELD), 1),
            (mk(0, (25, 32), PRESENT), 0),
            (mk(1, (70, 71), PRESENT), 0),
            (mk(1, (81, 82), PRESENT), 1),
        ] {
            let records = [&history[..], slice::from_ref(&seen)].concat();
            assert_eq!(violations(&records), expected, "{seen:?}");
            let again = [records, vec![mk(1, (29, 90), CREATED)]].concat();
            assert_eq!(violations(&again), 0, "created again: {seen:?}");
        }
    }

    #[test]
    fn a_deletion_that_found_nothing_explains_no_absence() {
        let found_nothing = Call::Delete(Acknowledgement::Unneeded);
        let records = [
            mk(0, (0, 10), CREATED),
            mk(0, (11, 12), found_nothing),
            mk(0, (13, 14), ABSENT),
        ];
        assert_eq!(violations(&records), 1);
    }

    #[test]
    fn a_deletion_finds_nothing_while_a_creation_elsewhere_is_not_visible_yet() {
        let found_nothing = Call::Delete(Acknowledgement::Unneeded);
        for (begin, expected) in [(20, 0), (61, 1)] {
            let records = [
                mk(0, (0, 10), CREATED),
                mk(1, (begin, begin + 1), found_nothing),
                mk(1, (begin + 2, begin + 3), PRESENT),
            ];
            assert_eq!(violations(&records), expected, "at {begin} ms");
        }
    }

    #[test]
    fn variables_are_looked_at_one_by_one() {
        let mut other = mk(0, (11, 12), ABSENT);
        other.variable = 1;
        assert_eq!(violations(&[mk(0, (0, 10), CREATED), other]), 0);
    }

    #[test]
    #[should_panic(expected = "without a cause")]
    fn the_check_panics_with_what_it_found() {
        History(vec![mk(0, (0, 5), HELD)]).check(WITHIN);
    }
}
