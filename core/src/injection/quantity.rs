//! Kubernetes quantities, exactly: `10m`, `64Mi`, `1.5e3`.

use std::{fmt, ops::Add, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Visitor};
use thiserror::Error;

/// An amount of a resource, with a resolution of one nano-unit as in Kubernetes.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Quantity {
    nanos: i128,
}

const NANOS: i128 = 1_000_000_000;

/// What Kubernetes can hold: 2^63 - 1 units.
const MAX_NANOS: i128 = i64::MAX as i128 * NANOS;

/// The suffixes, each with its factor in nano-units.
const DECIMAL: [(&str, i128); 10] = [
    ("E", 1_000_000_000_000_000_000 * NANOS),
    ("P", 1_000_000_000_000_000 * NANOS),
    ("T", 1_000_000_000_000 * NANOS),
    ("G", 1_000_000_000 * NANOS),
    ("M", 1_000_000 * NANOS),
    ("k", 1000 * NANOS),
    ("", NANOS),
    ("m", 1_000_000),
    ("u", 1000),
    ("n", 1),
];
const BINARY: [(&str, i128); 6] = [
    ("Ei", (1 << 60) * NANOS),
    ("Pi", (1 << 50) * NANOS),
    ("Ti", (1 << 40) * NANOS),
    ("Gi", (1 << 30) * NANOS),
    ("Mi", (1 << 20) * NANOS),
    ("Ki", (1 << 10) * NANOS),
];

impl Quantity {
    /// Nothing.
    pub const ZERO: Self = Self { nanos: 0 };

    /// Returns so many thousandths.
    pub const fn milli(count: u32) -> Self {
        Self {
            nanos: count as i128 * 1_000_000,
        }
    }

    /// Returns so many mebibytes.
    pub const fn mebi(count: u32) -> Self {
        Self {
            nanos: count as i128 * (1 << 20) * NANOS,
        }
    }

    /// Returns how many whole units it is; none if it is negative or has a fraction.
    pub fn units(self) -> Option<u64> {
        let is_whole = self.nanos % NANOS == 0;
        is_whole.then(|| u64::try_from(self.nanos / NANOS).ok())?
    }

    /// Returns whether it is more than nothing.
    pub fn is_positive(self) -> bool {
        self.nanos > 0
    }

    /// Returns what is left without `other`; nothing where that is more.
    #[must_use]
    pub fn saturating_sub(self, other: Self) -> Self {
        Self {
            nanos: (self.nanos - other.nanos).max(0),
        }
    }
}

impl Add for Quantity {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            nanos: (self.nanos + other.nanos).clamp(-MAX_NANOS, MAX_NANOS),
        }
    }
}

/// Prints the shortest form without a fraction.
impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = |units: &[(&'static str, i128)]| {
            let (suffix, factor) = *units.iter().find(|(_, unit)| self.nanos % unit == 0)?;
            Some((self.nanos / factor, suffix))
        };
        let digits = |number: i128| number.unsigned_abs().checked_ilog10().unwrap_or(0) as usize;
        let length = |form: &(i128, &str)| digits(form.0) + form.1.len();
        let form = [whole(&DECIMAL), whole(&BINARY)].into_iter().flatten();
        let (number, suffix) = match self.nanos {
            0 => (0, ""),
            nanos => form.min_by_key(length).unwrap_or((nanos, "n")),
        };
        write!(f, "{number}{suffix}")
    }
}

impl FromStr for Quantity {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, QuantityError> {
        let error = || QuantityError {
            text: text.to_owned(),
        };
        let end = text
            .find(|c: char| !matches!(c, '0'..='9' | '.' | '+' | '-'))
            .unwrap_or(text.len());
        let (number, suffix) = text.split_at(end);
        let factor = Factor::parse(suffix).ok_or_else(error)?;
        let nanos = scale(number, factor).ok_or_else(error)?;
        Ok(Self { nanos })
    }
}

/// What a suffix multiplies by, in nano-units.
#[derive(Clone, Copy)]
enum Factor {
    Exact(i128),
    PowerOfTen(i32),
}

impl Factor {
    fn parse(suffix: &str) -> Option<Self> {
        let units = DECIMAL.iter().chain(&BINARY);
        if let Some((_, nanos)) = units.into_iter().find(|(name, _)| *name == suffix) {
            return Some(Self::Exact(*nanos));
        }
        let exponent: i32 = suffix.strip_prefix(['e', 'E'])?.parse().ok()?;
        (-99..=99)
            .contains(&exponent)
            .then_some(Self::PowerOfTen(exponent + 9))
    }
}

/// Multiplies a decimal number; rounds up below one nano-unit and caps at what Kubernetes can hold.
fn scale(number: &str, factor: Factor) -> Option<i128> {
    let (negative, digits) = match number.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, number.strip_prefix('+').unwrap_or(number)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let is_number = |part: &str| part.bytes().all(|c| c.is_ascii_digit());
    if whole.is_empty() && fraction.is_empty() || !is_number(whole) || !is_number(fraction) {
        return None;
    }
    let mut digits = whole.bytes().chain(fraction.bytes());
    let mantissa = digits.try_fold(0i128, |sum, digit| {
        sum.checked_mul(10)?.checked_add(i128::from(digit - b'0'))
    });
    let shift = -i32::try_from(fraction.len()).ok()?;
    let magnitude = match factor {
        Factor::Exact(nanos) => times_power(mantissa?.checked_mul(nanos), shift),
        Factor::PowerOfTen(exponent) => times_power(Some(mantissa?), shift + exponent),
    };
    let magnitude = magnitude.unwrap_or(MAX_NANOS).min(MAX_NANOS);
    Some(if negative { -magnitude } else { magnitude })
}

/// Returns `number` times ten to the `exponent`, rounded up; `None` where it overflows.
fn times_power(number: Option<i128>, exponent: i32) -> Option<i128> {
    let number = number?;
    let power = 10i128.checked_pow(exponent.unsigned_abs());
    if exponent >= 0 {
        return number.checked_mul(power?);
    }
    Some(power.map_or(i128::from(number > 0), |power| {
        number / power + i128::from(number % power > 0)
    }))
}

/// A text that is not a quantity.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("{text:?} is not a quantity: write a number with a suffix such as 100m, 0.5, 64Mi or 1G")]
pub struct QuantityError {
    text: String,
}

impl Serialize for Quantity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Reads a string or, as Kubernetes does, a bare number.
impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(QuantityVisitor)
    }
}

struct QuantityVisitor;

impl Visitor<'_> for QuantityVisitor {
    type Value = Quantity;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a quantity such as 100m or 64Mi")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Quantity, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Quantity, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<Quantity, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<Quantity, E> {
        self.visit_str(&number.to_string())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn quantity(text: &str) -> Quantity {
        text.parse().unwrap()
    }

    #[test]
    fn different_spellings_are_the_same_amount() {
        for (one, other) in [
            ("0.1", "100m"),
            ("1", "1000m"),
            ("1Ki", "1024"),
            ("1.5Gi", "1536Mi"),
            ("1e3", "1k"),
            ("12E-1", "1.2"),
            ("1E", "1000P"),
            (".5", "500m"),
            ("5.", "5"),
            ("+1", "1"),
            ("0.0000000001", "1n"),
            ("1e-99", "1n"),
            ("100E", "9223372036854775807"),
        ] {
            assert_eq!(quantity(one), quantity(other), "{one} {other}");
        }
    }

    #[test]
    fn prints_the_shortest_form() {
        for (text, printed) in [
            ("64Mi", "64Mi"),
            ("67108864", "64Mi"),
            ("128M", "128M"),
            ("0.25", "250m"),
            ("1500m", "1500m"),
            ("2000m", "2"),
            ("0", "0"),
            ("-0.5", "-500m"),
            ("1n", "1n"),
        ] {
            assert_eq!(quantity(text).to_string(), printed, "{text}");
        }
    }

    #[test]
    fn rejects_what_kubernetes_rejects() {
        for text in [
            "", "m", "1x", "1 Mi", "1mi", "--1", "1.2.3", "1e", "1e+", "0x1", "1e999", ".",
        ] {
            assert!(text.parse::<Quantity>().is_err(), "{text}");
        }
    }

    #[test]
    fn reads_strings_and_bare_numbers() {
        for (json, expected) in [("\"10m\"", "10m"), ("2", "2"), ("0.5", "500m")] {
            let quantity: Quantity = serde_json::from_str(json).unwrap();
            assert_eq!(quantity.to_string(), expected);
        }
        assert!(serde_json::from_str::<Quantity>("true").is_err());
    }

    proptest! {
        #[test]
        fn printing_and_parsing_are_inverse(nanos in -MAX_NANOS..=MAX_NANOS) {
            let quantity = Quantity { nanos };
            prop_assert_eq!(quantity.to_string().parse::<Quantity>().unwrap(), quantity);
        }

        #[test]
        fn any_text_parses_or_fails(text in ".*") {
            let _ = text.parse::<Quantity>();
        }
    }
}
