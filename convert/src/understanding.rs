//! What a container waits for, concluded from runs under different hypotheses.
//!
//! A container waits for a check if it does not go on while that check alone fails, and goes on once
//! it holds. So every shape of loop is understood by its effect.

use crate::{
    check::{Check, Fit},
    shell::{End, Fate, Hypothesis, LATE, run},
    surroundings::Surroundings,
};

/// Statuses of requests that hold as `http://` does ...
const GOOD: [u16; 4] = [200, 204, 301, 302];
/// ... and some that do not.
const BAD: [u16; 6] = [400, 401, 403, 404, 500, 503];

const OTHER_STATUSES: &str = "waits for statuses other than 2xx and 3xx";

/// What a container does.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Understanding {
    /// More than waiting, or a wait that no term expresses.
    Left(Left),
    /// It waits until all of these hold, and does nothing else.
    Waits(Vec<Wait>),
}

/// Why a container is no set of terms.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Left {
    /// To be read after "it".
    pub(crate) reason: String,
    /// Whether it does nothing but wait all the same.
    pub(crate) only_waits: bool,
}

/// One thing that a container waits for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Wait {
    /// The term, without a timeout.
    pub(crate) target: String,
    pub(crate) fit: Fit,
    pub(crate) patience: Patience,
}

/// What happens if a check never holds; times are in milliseconds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Patience {
    Endless,
    FailsAfter(u64),
    ProceedsAfter(u64),
}

/// Returns what a container does.
pub(crate) fn understand(surroundings: &Surroundings<'_>) -> Understanding {
    let mut study = Study {
        surroundings,
        hypothesis: Hypothesis::default(),
    };
    study
        .conclude()
        .map_or_else(Understanding::Left, Understanding::Waits)
}

/// The checks of a container, by their numbers.
#[derive(Debug)]
struct Sorted {
    /// Those that must hold, each with what happens if it never does.
    required: Vec<(usize, Patience)>,
    /// Those that change nothing if they alone fail.
    others: Vec<usize>,
}

/// The runs of one container.
#[derive(Debug)]
struct Study<'s, 'w> {
    surroundings: &'s Surroundings<'w>,
    hypothesis: Hypothesis,
}

impl Study<'_, '_> {
    fn conclude(&mut self) -> Result<Vec<Wait>, Left> {
        let base = self.base()?;
        let settling = base.saturating_sub(self.hypothesis.last_new);
        let order = self.hypothesis.asked().to_vec();
        let settling = self.beyond_one_round(settling, &order, base)?;
        // These two find checks that are made only if others fail.
        self.try_all(LATE)?;
        let all_fail = self.try_all(Fate::Never)?;
        let sorted = self.sort(base)?;
        self.confirm(&sorted, base, &all_fail)?;
        let Sorted { mut required, .. } = sorted;
        if required.is_empty() {
            return Err(self.nothing(base));
        }
        let mut waits = Vec::new();
        let rank = |index: &usize| {
            order
                .iter()
                .position(|it| it == index)
                .unwrap_or(order.len())
        };
        required.sort_by_key(|(index, _)| rank(index));
        for (index, patience) in required {
            let (target, fit) = self.term(index, base)?;
            let fit = fit.and_settles(settling);
            waits.push(Wait {
                target,
                fit,
                patience,
            });
        }
        Ok(waits)
    }

    /// Runs with all checks holding, and returns how long that takes.
    fn base(&mut self) -> Result<u64, Left> {
        let end = self.run(Fate::Holds, &[])?;
        let asks = !self.hypothesis.asked().is_empty();
        let opaque = self.first_opaque();
        let is_success = matches!(end, End::Exit { code: 0, .. });
        if !is_success && self.accepts_failure()? {
            return Err(only_waits(OTHER_STATUSES));
        }
        match (end, opaque) {
            (End::Exit { code: 0, after }, _) if asks => Ok(after),
            (End::Exit { code: 0, after }, _) => Err(self.nothing(after)),
            (_, Some(reason)) => Err(only_waits(reason)),
            (End::Exit { code, .. }, None) => Err(does_more(format!(
                "ends with the code {code} although everything that it asks for holds"
            ))),
            (End::Endless | End::Refused(_), None) if asks => Err(does_more(
                "waits until something no longer holds, or for ever",
            )),
            (End::Endless | End::Refused(_), None) => Err(does_more("never ends")),
        }
    }

    /// Returns how long a container lets pass once everything holds, unless that is no more than one
    /// round of its loop takes.
    fn beyond_one_round(&mut self, settling: u64, order: &[usize], base: u64) -> Result<u64, Left> {
        let Some(last) = order.last().filter(|_| settling > 0) else {
            return Ok(settling);
        };
        let round = match self.run(Fate::Holds, &[(*last, Fate::After(1))])? {
            End::Exit { after, .. } => after.saturating_sub(base),
            End::Endless | End::Refused(_) => 0,
        };
        Ok(if settling > round { settling } else { 0 })
    }

    /// Returns whether a script that reads the status of a request accepts one that is no success.
    fn accepts_failure(&mut self) -> Result<bool, Left> {
        let mut asked = self.hypothesis.asked().iter();
        if !asked.any(|index| matches!(self.hypothesis.check(*index), Check::Status { .. })) {
            return Ok(false);
        }
        for code in BAD {
            if self.accepts(code, u64::MAX)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Returns whether the container goes on within this time if requests end with this status.
    fn accepts(&mut self, code: u16, base: u64) -> Result<bool, Left> {
        self.hypothesis.http_status = code;
        let end = self.run(Fate::Holds, &[]);
        self.hypothesis.http_status = Hypothesis::OK;
        Ok(matches!(end?, End::Exit { code: 0, after } if after <= base))
    }

    fn nothing(&self, after: u64) -> Left {
        let reason = if !self.hypothesis.asked().is_empty() {
            "goes on whether or not what it asks for holds"
        } else if after > 0 {
            "only lets time pass"
        } else {
            "waits for nothing"
        };
        only_waits(reason)
    }

    fn try_all(&mut self, fate: Fate) -> Result<End, Left> {
        self.run(fate, &[])
    }

    /// Runs; a run that does more than wait ends the study.
    fn run(&mut self, default: Fate, fates: &[(usize, Fate)]) -> Result<End, Left> {
        self.hypothesis.default = default;
        self.hypothesis.fates = fates.iter().copied().collect();
        match run(self.surroundings, &mut self.hypothesis) {
            End::Refused(reason) => Err(does_more(reason)),
            end => Ok(end),
        }
    }

    /// Lets each check fail alone.
    fn sort(&mut self, base: u64) -> Result<Sorted, Left> {
        let mut required = Vec::new();
        let mut others = Vec::new();
        for index in 0..self.hypothesis.checks().len() {
            let patience = match self.run(Fate::Holds, &[(index, Fate::Never)])? {
                End::Exit { code: 0, after } if after <= base => {
                    others.push(index);
                    continue;
                }
                End::Exit { code: 0, after } => Patience::ProceedsAfter(after - base),
                End::Exit { after, .. } => Patience::FailsAfter(after),
                End::Endless | End::Refused(_) => Patience::Endless,
            };
            required.push((index, patience));
        }
        Ok(Sorted { required, others })
    }

    /// Confirms that the container waits for all of the required checks together, and for no other.
    fn confirm(
        &mut self,
        Sorted { required, others }: &Sorted,
        base: u64,
        all_fail: &End,
    ) -> Result<(), Left> {
        let one_of_several = || only_waits("waits for one of several things");
        let fates: Vec<_> = others.iter().map(|index| (*index, Fate::Never)).collect();
        let others_fail = self.run(Fate::Holds, &fates)?;
        if !matches!(others_fail, End::Exit { code: 0, after } if after <= base) {
            let opaque = others.iter().find_map(|index| self.opaque(*index));
            return Err(opaque.map_or_else(one_of_several, only_waits));
        }
        let proceeds = |patience: &Patience| matches!(patience, Patience::ProceedsAfter(_));
        let expects_success = required.iter().all(|(_, patience)| proceeds(patience));
        if expects_success != matches!(all_fail, End::Exit { code: 0, .. }) {
            return Err(one_of_several());
        }
        for (index, patience) in required {
            let end = self.run(Fate::Holds, &[(*index, LATE)])?;
            let recovers = matches!(end, End::Exit { code: 0, .. });
            if !recovers && *patience == Patience::Endless {
                return Err(only_waits("does not go on once what it waits for holds"));
            }
        }
        Ok(())
    }

    fn opaque(&self, index: usize) -> Option<String> {
        match self.hypothesis.check(index) {
            Check::Opaque(reason) => Some(reason.clone()),
            Check::Status { .. } | Check::Term { .. } => None,
        }
    }

    fn first_opaque(&self) -> Option<String> {
        let mut asked = self.hypothesis.asked().iter();
        asked.find_map(|index| self.opaque(*index))
    }

    fn term(&mut self, index: usize, base: u64) -> Result<(String, Fit), Left> {
        match self.hypothesis.check(index).clone() {
            Check::Opaque(reason) => Err(only_waits(reason)),
            Check::Term { target, fit } => Ok((target, fit)),
            Check::Status { http, tcp } => self.status_term(http, tcp, base),
        }
    }

    /// Finds out which statuses a script accepts.
    fn status_term(&mut self, http: String, tcp: String, base: u64) -> Result<(String, Fit), Left> {
        let mut count = |codes: &[u16]| {
            let accepted = |count, code: &u16| Ok(count + usize::from(self.accepts(*code, base)?));
            codes.iter().try_fold(0, accepted)
        };
        let (good, bad) = (count(&GOOD)?, count(&BAD)?);
        match (good, bad) {
            (good, bad) if good == GOOD.len() && bad == BAD.len() => Ok((tcp, Fit::Exact)),
            (good, 0) if good == GOOD.len() => Ok((http, Fit::Exact)),
            (_, 0) => {
                let difference = "it waits for certain statuses, the term for any 2xx or 3xx";
                Ok((http, Fit::Approximate(difference.to_owned())))
            }
            _ => Err(only_waits(OTHER_STATUSES)),
        }
    }
}

fn only_waits(reason: impl Into<String>) -> Left {
    Left {
        reason: reason.into(),
        only_waits: true,
    }
}

fn does_more(reason: impl Into<String>) -> Left {
    Left {
        reason: reason.into(),
        only_waits: false,
    }
}
