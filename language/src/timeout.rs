//! Durations as Kubernetes users write them: `30s`, `1h30m`, `500ms`.

use std::{fmt, str::FromStr, time::Duration};

use thiserror::Error;

/// A duration above zero with a resolution of milliseconds.
///
/// The grammar is that of Gateway API durations (GEP-2257): numbers of at most five digits, each
/// with one of `h`, `m`, `s`, `ms`; here also in any number, so that every duration prints.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Timeout(Duration);

const UNITS: [(&str, u64); 4] = [("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];

impl Timeout {
    /// Returns a timeout of `seconds`; one second for zero.
    pub const fn from_secs(seconds: u32) -> Self {
        let seconds = if seconds == 0 { 1 } else { seconds };
        Self(Duration::from_secs(seconds as u64))
    }

    /// Returns the duration.
    pub const fn duration(self) -> Duration {
        self.0
    }
}

impl fmt::Display for Timeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX);
        for (unit, millis) in UNITS {
            if rest >= millis {
                write!(f, "{}{unit}", rest / millis)?;
                rest %= millis;
            }
        }
        Ok(())
    }
}

impl FromStr for Timeout {
    type Err = TimeoutError;

    fn from_str(text: &str) -> Result<Self, TimeoutError> {
        let error = || TimeoutError {
            text: text.to_owned(),
        };
        let mut millis = 0u64;
        let mut rest = text;
        while !rest.is_empty() {
            let (part, remaining) = take_part(rest).ok_or_else(error)?;
            millis = millis.checked_add(part).ok_or_else(error)?;
            rest = remaining;
        }
        match millis {
            0 => Err(error()),
            _ => Ok(Self(Duration::from_millis(millis))),
        }
    }
}

/// Takes one number with its unit off `text` and returns it in milliseconds with what remains.
fn take_part(text: &str) -> Option<(u64, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = text.split_at(digits);
    let letters = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
    let (unit, rest) = rest.split_at(letters);
    let (_, millis) = UNITS.iter().find(|(name, _)| *name == unit)?;
    Some((number.parse::<u64>().ok()?.checked_mul(*millis)?, rest))
}

/// A text that is not a duration above zero.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error(
    "{text:?} is not a duration above zero: write numbers with h, m, s or ms, such as 30s, 5m or 1h30m"
)]
pub struct TimeoutError {
    text: String,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_compound_durations() {
        let timeout: Timeout = "1h30m5s250ms".parse().unwrap();
        assert_eq!(timeout.duration(), Duration::from_millis(5_405_250));
    }

    #[test]
    fn rejects_what_is_not_a_duration_above_zero() {
        for bad in [
            "",
            "5",
            "s",
            "-5s",
            "0s",
            "5d",
            "1.5h",
            "5 s",
            "99999999999999999999s",
        ] {
            assert!(bad.parse::<Timeout>().is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn printing_and_parsing_are_inverse(millis in 1u64..=u64::from(u32::MAX) * 1000) {
            let timeout = Timeout(Duration::from_millis(millis));
            prop_assert_eq!(timeout.to_string().parse::<Timeout>().unwrap(), timeout);
        }
    }

    #[test]
    fn has_at_least_a_second_if_made_of_seconds() {
        assert_eq!(Timeout::from_secs(0).duration(), Duration::from_secs(1));
        assert_eq!(Timeout::from_secs(2).duration(), Duration::from_secs(2));
        assert_eq!(Timeout::from_secs(3_661).to_string(), "1h1m1s");
    }
}
