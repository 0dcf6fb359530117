//! Moments, as values.

use std::{fmt, ops::Add, str::FromStr, time::Duration};

use thiserror::Error;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// A moment: milliseconds since the Unix epoch, up to the year 9999; printed and read as RFC 3339.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The last millisecond of the year 9999, the last that RFC 3339 can write.
    pub const MAX: Self = Self(253_402_300_799_999);

    /// Returns the moment `millis` milliseconds after the epoch, at most [`Timestamp::MAX`].
    pub const fn from_millis(millis: u64) -> Self {
        if millis > Self::MAX.0 {
            Self::MAX
        } else {
            Self(millis)
        }
    }

    /// Returns the milliseconds since the epoch.
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// Returns how long after `earlier` this moment is; zero if it is not later.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        Self::from_millis(self.0.saturating_add(millis))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let moment = OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1_000_000)
            .map_err(|_| fmt::Error)?;
        f.write_str(&moment.format(&Rfc3339).map_err(|_| fmt::Error)?)
    }
}

impl FromStr for Timestamp {
    type Err = TimestampError;

    fn from_str(text: &str) -> Result<Self, TimestampError> {
        let error = || TimestampError {
            text: text.to_owned(),
        };
        let moment = OffsetDateTime::parse(text, &Rfc3339).map_err(|_| error())?;
        let millis = moment.unix_timestamp_nanos().div_euclid(1_000_000);
        let millis = u64::try_from(millis).map_err(|_| error())?;
        Ok(Self::from_millis(millis))
    }
}

/// A text that is not a moment.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("{text:?} is not a time: write RFC 3339 from 1970 on, such as 2026-11-24T08:20:00Z")]
pub struct TimestampError {
    text: String,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn prints_rfc_3339_in_utc() {
        let moment = Timestamp::from_millis(1_795_508_400_250);
        assert_eq!(moment.to_string(), "2026-11-24T08:20:00.25Z");
        assert_eq!(Timestamp::default().to_string(), "1970-01-01T00:00:00Z");
        assert_eq!(Timestamp::MAX.to_string(), "9999-12-31T23:59:59.999Z");
    }

    #[test]
    fn rejects_what_is_not_a_time_since_the_epoch() {
        for bad in ["", "now", "2026-11-24", "1969-12-31T23:59:59Z"] {
            assert!(bad.parse::<Timestamp>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn adding_never_leaves_what_can_be_written() {
        assert_eq!(Timestamp::MAX + Duration::MAX, Timestamp::MAX);
        assert_eq!(Timestamp::from_millis(u64::MAX), Timestamp::MAX);
    }

    proptest! {
        #[test]
        fn printing_and_reading_are_inverse(millis in 0..=Timestamp::MAX.0) {
            let moment = Timestamp::from_millis(millis);
            prop_assert_eq!(moment.to_string().parse::<Timestamp>().unwrap(), moment);
        }
    }

    #[test]
    fn counts_milliseconds_from_an_earlier_moment() {
        let [early, late] = [1_000, 3_500].map(Timestamp::from_millis);
        assert_eq!(late.as_millis(), 3_500);
        assert_eq!(late.since(early), Duration::from_millis(2_500));
        assert_eq!(early.since(late), Duration::ZERO);
        assert_eq!(early + Duration::from_millis(2_500), late);
    }
}
