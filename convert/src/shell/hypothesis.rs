//! What a run supposes of the checks of a script.

use std::collections::HashMap;

use crate::check::Check;

/// Most checks in all runs of one script.
pub(crate) const MAX_CHECKS: usize = 64;

/// When a check holds.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Fate {
    /// After so many attempts.
    After(u32),
    #[default]
    Holds,
    Never,
}

/// The fate of every check of a script. The checks of all runs are known by their number.
#[derive(Debug)]
pub(crate) struct Hypothesis {
    checks: Vec<Check>,
    attempts: Vec<u32>,
    /// The checks in the order in which this run asked them first.
    asked: Vec<usize>,
    /// When this run asked a check for the first time last, in milliseconds.
    pub(crate) last_new: u64,
    pub(crate) default: Fate,
    pub(crate) fates: HashMap<usize, Fate>,
    /// What a request prints as its status if it succeeds.
    pub(crate) http_status: u16,
}

impl Default for Hypothesis {
    fn default() -> Self {
        Self {
            checks: Vec::new(),
            attempts: Vec::new(),
            asked: Vec::new(),
            last_new: 0,
            default: Fate::default(),
            fates: HashMap::new(),
            http_status: Self::OK,
        }
    }
}

impl Hypothesis {
    /// The status of a request that succeeds.
    pub(crate) const OK: u16 = 200;

    /// Begins a run.
    pub(crate) fn begin(&mut self) {
        self.attempts.fill(0);
        self.asked.clear();
        self.last_new = 0;
    }

    /// Returns whether a check holds at the time `now`, and whether that stays so; `None` if there are too many.
    pub(crate) fn answer(&mut self, check: Check, now: u64) -> Option<(bool, bool)> {
        let known = self.checks.iter().position(|known| *known == check);
        let index = known.unwrap_or(self.checks.len());
        if index == MAX_CHECKS {
            return None;
        }
        if index == self.checks.len() {
            self.checks.push(check);
            self.attempts.push(0);
        }
        if !self.asked.contains(&index) {
            self.asked.push(index);
            self.last_new = now;
        }
        self.attempts[index] += 1;
        Some(match self.fates.get(&index).unwrap_or(&self.default) {
            Fate::After(attempts) => {
                let holds = self.attempts[index] > *attempts;
                (holds, holds)
            }
            Fate::Holds => (true, true),
            Fate::Never => (false, true),
        })
    }

    /// Returns the check of this number.
    pub(crate) fn check(&self, index: usize) -> &Check {
        &self.checks[index]
    }

    /// Returns the checks of all runs.
    pub(crate) fn checks(&self) -> &[Check] {
        &self.checks
    }

    /// Returns the checks of the last run, in the order in which it asked them first.
    pub(crate) fn asked(&self) -> &[usize] {
        &self.asked
    }
}
