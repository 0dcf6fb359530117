//! A pod's time as a bar of characters.

use std::{fmt, time::Duration};

use crate::cluster::Times;

/// How many characters a bar has.
const WIDTH: u32 = 24;

/// A pod's time: `.` before its own containers started, `=` until it was ready, `#` from then on.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Bar(String);

impl Bar {
    /// Returns the bar of a pod in a simulation that took `whole`.
    pub(crate) fn new(times: &Times, whole: Duration) -> Self {
        let Times {
            created,
            scheduled: _,
            waiting: _,
            waited: _,
            started,
            ready,
            ended,
            removed: _,
        } = *times;
        let character = |at: Duration| match at {
            at if at < created || ended.is_some_and(|ended| ended < at) => ' ',
            at if ready.is_some_and(|ready| ready <= at) => '#',
            at if started.is_some_and(|started| started <= at) => '=',
            _ => '.',
        };
        let moments = (1..=WIDTH).map(|step| whole * step / WIDTH);
        Self(moments.map(character).collect())
    }
}

impl fmt::Display for Bar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "|{}|", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_waiting_starting_and_running() {
        let second = |seconds| Some(Duration::from_secs(seconds));
        let times = Times {
            created: Duration::from_secs(4),
            started: second(12),
            ready: second(16),
            ended: second(20),
            ..Times::default()
        };
        let bar = Bar::new(&times, Duration::from_secs(24));
        assert_eq!(bar.to_string(), "|   ........====#####    |");
    }
}
