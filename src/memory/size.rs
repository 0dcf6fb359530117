//! Bytes as Kubernetes writes them.

use std::{fmt, str::FromStr};

use serde::Deserialize;

use crate::injection::Quantity;

/// A number of bytes, read as `512Mi`, `1G` or `1048576`, and printed as `512 MiB`.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Ord, PartialEq, PartialOrd)]
#[serde(try_from = "Quantity")]
pub struct ByteSize(pub usize);

impl TryFrom<Quantity> for ByteSize {
    type Error = ByteSizeError;

    fn try_from(quantity: Quantity) -> Result<Self, ByteSizeError> {
        let bytes = quantity.units().filter(|it| *it > 0);
        let bytes = bytes.and_then(|it| usize::try_from(it).ok());
        bytes
            .map(Self)
            .ok_or_else(|| ByteSizeError(quantity.to_string()))
    }
}

impl FromStr for ByteSize {
    type Err = ByteSizeError;

    fn from_str(text: &str) -> Result<Self, ByteSizeError> {
        let error = || ByteSizeError(text.to_owned());
        let quantity: Quantity = text.parse().map_err(|_| error())?;
        quantity.try_into().map_err(|_| error())
    }
}

/// Prints a whole number of the largest unit that has one; below 10 of it, of the next smaller.
impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = UNITS
            .iter()
            .find(|(bytes, _)| self.0 >= 10 * bytes || self.0 > 0 && self.0.is_multiple_of(*bytes));
        match unit {
            Some((bytes, name)) => write!(f, "{} {name}", self.0 / bytes),
            None => write!(f, "{} bytes", self.0),
        }
    }
}

const UNITS: [(usize, &str); 3] = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];

/// A text that is not a number of bytes.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{0:?} is not a number of bytes: write one such as 512Mi or 1Gi")]
pub struct ByteSizeError(String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_kubernetes_writes() {
        for (text, bytes) in [
            ("512Mi", 512 << 20),
            ("1Gi", 1 << 30),
            ("1G", 1_000_000_000),
            ("1048576", 1 << 20),
            ("1.5Ki", 1536),
        ] {
            assert_eq!(text.parse(), Ok(ByteSize(bytes)), "{text}");
        }
        for bad in ["", "much", "-1Gi", "0", "512MB", "100m"] {
            let error = bad.parse::<ByteSize>().unwrap_err().to_string();
            assert!(error.contains("512Mi"), "{error}");
        }
    }

    #[test]
    fn prints_a_size_a_person_reads_at_a_glance() {
        for (bytes, text) in [
            (0, "0 bytes"),
            (512, "512 bytes"),
            (16 << 20, "16 MiB"),
            (1 << 30, "1 GiB"),
            (1536 << 20, "1536 MiB"),
            ((16 << 20) + 5, "16 MiB"),
        ] {
            assert_eq!(ByteSize(bytes).to_string(), text);
        }
    }
}
