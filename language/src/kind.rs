//! How long an assertion lasts.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How long an assertion lasts.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Until it is deleted.
    Durable,
    /// Until the owner's pod is gone or in a terminal phase.
    Live,
    /// As [`Kind::Live`], and only while the pod is Ready.
    Ready,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Durable, Self::Live, Self::Ready];
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_as_the_api_writes_it() {
        assert_eq!(
            Kind::ALL.map(|kind| kind.to_string()),
            ["durable", "live", "ready"]
        );
    }
}
