//! The version of Kubernetes of a cluster.

use std::{fmt, str::FromStr};

/// A whole version of Kubernetes, such as `1.37.2`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct KubernetesVersion([u16; 3]);

impl FromStr for KubernetesVersion {
    type Err = String;

    /// Reads `1.37.2` or `v1.37.2`.
    fn from_str(text: &str) -> Result<Self, String> {
        let numbers = text.strip_prefix('v').unwrap_or(text).split('.');
        let numbers: Option<Vec<u16>> = numbers.map(|it| it.parse().ok()).collect();
        match numbers.and_then(|it| it.try_into().ok()) {
            Some(version) => Ok(Self(version)),
            None => Err("write a whole version, such as 1.37.2".to_owned()),
        }
    }
}

impl fmt::Display for KubernetesVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self([major, minor, patch]) = self;
        write!(f, "{major}.{minor}.{patch}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_whole_version_only() {
        for text in ["1.37.2", "v1.37.2"] {
            let version: KubernetesVersion = text.parse().unwrap();
            assert_eq!(version.to_string(), "1.37.2");
        }
        for text in ["", "1.37", "1.37.2.1", "1.37.x", "1.37.-2", "latest"] {
            let read: Result<KubernetesVersion, _> = text.parse();
            assert!(read.is_err(), "{text}");
        }
    }
}
