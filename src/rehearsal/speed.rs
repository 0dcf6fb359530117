//! How much faster than in reality time runs.

use std::{fmt, str::FromStr};

use thiserror::Error;

/// How many times faster than in reality time runs: above zero, at most 1000.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Speed(f64);

impl Speed {
    /// Returns the number.
    pub(crate) fn factor(self) -> f64 {
        self.0
    }
}

impl fmt::Display for Speed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Speed {
    type Err = SpeedError;

    fn from_str(text: &str) -> Result<Self, SpeedError> {
        match text.parse() {
            Ok(factor) if (MIN..=MAX).contains(&factor) => Ok(Self(factor)),
            _ => Err(SpeedError {
                text: text.to_owned(),
            }),
        }
    }
}

/// A text that is not a speed.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("{text:?} is not a speed: write a number from {MIN} to {MAX}, such as 10")]
pub(crate) struct SpeedError {
    text: String,
}

/// Slower, and nobody lives to see the end.
const MIN: f64 = 0.001;
/// Faster, and processes are too slow for it.
const MAX: f64 = 1000.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_a_number_in_its_bounds() {
        assert_eq!("2.5".parse::<Speed>().unwrap().to_string(), "2.5");
        for bad in ["", "0", "-1", "inf", "NaN", "1001", "fast"] {
            assert!(bad.parse::<Speed>().is_err(), "{bad:?}");
        }
    }
}
