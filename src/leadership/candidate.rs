//! Decides what to do about a Lease. Pure: times come in as values.

use std::time::Duration;

use k8s_openapi::{
    api::coordination::v1::{Lease, LeaseSpec},
    apimachinery::pkg::apis::meta::v1::MicroTime,
};

use super::LEASE;

/// A replica that wants to hold a Lease.
#[derive(Debug)]
pub(super) struct Candidate {
    identity: Box<str>,
    /// What the Lease said last, and when that was seen first.
    seen: Option<(LeaseSpec, Duration)>,
}

/// What to do about a Lease.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Step {
    /// Write the own name into it: it is free, has ended, or is ours already.
    Claim,
    /// Another replica holds it until then, unless it renews it.
    Wait { until: Duration },
}

impl Candidate {
    /// Returns a candidate whose name no other replica has, nor an earlier process of this one.
    pub(super) fn new(identity: impl Into<Box<str>>) -> Self {
        Self {
            identity: identity.into(),
            seen: None,
        }
    }

    /// Returns whether a Lease names this candidate as its holder.
    pub(super) fn holds(&self, lease: &Lease) -> bool {
        lease.spec.as_ref().and_then(holder) == Some(&self.identity)
    }

    /// Decides what to do about a Lease that looks like this `now`; `None` if there is none.
    ///
    /// The times in the Lease do not matter, only for how long it has looked the same. One that
    /// someone deletes counts as unchanged: its holder does not know yet.
    pub(super) fn see(&mut self, found: Option<&Lease>, now: Duration) -> Step {
        let spec = found.map(|lease| lease.spec.clone().unwrap_or_default());
        if let Some(spec) = spec
            && self.seen.as_ref().is_none_or(|(seen, _)| *seen != spec)
        {
            self.seen = Some((spec, now));
        }
        let Some((spec, since)) = &self.seen else {
            return Step::Claim;
        };
        let until = *since + duration(spec);
        let is_anothers = holder(spec).is_some_and(|it| *it != *self.identity);
        if is_anothers && now < until {
            Step::Wait { until }
        } else {
            Step::Claim
        }
    }

    /// Returns the Lease in place of `found`, held by this candidate.
    pub(super) fn claim(&self, found: Lease, now: MicroTime) -> Lease {
        let is_ours = self.holds(&found);
        let spec = found.spec.unwrap_or_default();
        let (acquired, before) = (spec.acquire_time.clone(), spec.lease_transitions);
        let spec = LeaseSpec {
            acquire_time: acquired.filter(|_| is_ours).or_else(|| Some(now.clone())),
            holder_identity: Some(self.identity.clone().into()),
            lease_duration_seconds: i32::try_from(LEASE.as_secs()).ok(),
            lease_transitions: match before {
                Some(count) if !is_ours => Some(count.saturating_add(1)),
                before => before.or(Some(0)),
            },
            renew_time: Some(now),
            ..spec
        };
        Lease {
            spec: Some(spec),
            ..found
        }
    }
}

/// Returns the Lease in place of `found`, held by nobody.
pub(super) fn release(found: Lease, now: MicroTime) -> Lease {
    let spec = LeaseSpec {
        holder_identity: None,
        lease_duration_seconds: Some(1),
        renew_time: Some(now),
        ..found.spec.unwrap_or_default()
    };
    Lease {
        spec: Some(spec),
        ..found
    }
}

fn holder(spec: &LeaseSpec) -> Option<&str> {
    let holder = spec.holder_identity.as_deref();
    holder.filter(|holder| !holder.is_empty())
}

/// Returns how long a Lease lasts, by its own words: another version may choose another time.
fn duration(spec: &LeaseSpec) -> Duration {
    let seconds = spec
        .lease_duration_seconds
        .and_then(|it| it.try_into().ok());
    seconds.map_or(LEASE, Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use k8s_openapi::jiff::Timestamp;

    use super::*;

    fn mk_time(seconds: i64) -> MicroTime {
        MicroTime(Timestamp::from_second(seconds).unwrap())
    }

    /// A Lease that `holder` has renewed at this second by its own clock.
    fn mk_lease(holder: &str, renewed: i64) -> Lease {
        Candidate::new(holder).claim(Lease::default(), mk_time(renewed))
    }

    const fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    const fn wait(seconds: u64) -> Step {
        Step::Wait { until: at(seconds) }
    }

    #[test]
    fn takes_what_nobody_holds_and_keeps_what_is_its_own() {
        let empty = Lease::default();
        let released = release(mk_lease("b", 1), mk_time(2));
        for (case, found) in [
            ("none", None),
            ("empty", Some(empty)),
            ("released", Some(released)),
            ("its own", Some(mk_lease("a", 1))),
        ] {
            let step = Candidate::new("a").see(found.as_ref(), at(100));
            assert_eq!(step, Step::Claim, "{case}");
        }
    }

    #[test]
    fn waits_until_another_has_not_renewed_for_the_duration_of_its_lease() {
        let mut candidate = Candidate::new("a");
        for (now, renewed, expected) in [
            (100, 1, wait(110)),
            (109, 1, wait(110)),
            (109, 2, wait(119)),
            (118, 2, wait(119)),
            (119, 2, Step::Claim),
        ] {
            let step = candidate.see(Some(&mk_lease("b", renewed)), at(now));
            assert_eq!(step, expected, "at {now}");
        }
    }

    #[test]
    fn the_clock_of_the_holder_does_not_matter() {
        for renewed in [0, 4_000_000_000] {
            let step = Candidate::new("a").see(Some(&mk_lease("b", renewed)), at(100));
            assert_eq!(step, wait(110));
        }
    }

    #[test]
    fn the_duration_in_the_lease_counts_if_it_makes_sense() {
        for (seconds, expected) in [
            (Some(30), wait(130)),
            (Some(-5), wait(110)),
            (None, wait(110)),
        ] {
            let mut lease = mk_lease("b", 1);
            lease.spec.as_mut().unwrap().lease_duration_seconds = seconds;
            let step = Candidate::new("a").see(Some(&lease), at(100));
            assert_eq!(step, expected, "{seconds:?}");
        }
    }

    #[test]
    fn a_lease_that_someone_deletes_still_ends_in_its_time() {
        let mut candidate = Candidate::new("a");
        assert_eq!(candidate.see(Some(&mk_lease("b", 1)), at(100)), wait(110));
        assert_eq!(candidate.see(None, at(101)), wait(110));
        assert_eq!(candidate.see(None, at(110)), Step::Claim);
    }

    #[test]
    fn counts_how_often_the_holder_has_changed() {
        let claimed = |holder: &str, found, now| Candidate::new(holder).claim(found, mk_time(now));
        let first = claimed("a", Lease::default(), 1);
        let renewed = claimed("a", first.clone(), 2);
        let taken = claimed("b", renewed.clone(), 3);
        for (lease, holder, acquired, renewed, transitions) in [
            (&first, "a", 1, 1, 0),
            (&renewed, "a", 1, 2, 0),
            (&taken, "b", 3, 3, 1),
        ] {
            let expected = LeaseSpec {
                acquire_time: Some(mk_time(acquired)),
                holder_identity: Some(holder.to_owned()),
                lease_duration_seconds: Some(10),
                lease_transitions: Some(transitions),
                renew_time: Some(mk_time(renewed)),
                ..LeaseSpec::default()
            };
            assert_eq!(lease.spec, Some(expected));
        }
    }
}
