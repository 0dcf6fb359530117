//! A variable, as the store answers it.

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::{commands::output, life::Timestamp};

/// A variable, as the store answers it.
#[derive(Debug, Deserialize)]
pub(super) struct Variable {
    pub(super) namespace: String,
    pub(super) name: String,
    assertions: Vec<Assertion>,
}

#[derive(Debug, Deserialize)]
struct Assertion {
    owner: Option<Owner>,
    kind: String,
    value: Option<String>,
    since: String,
    expires: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Owner {
    namespace: String,
    name: String,
}

impl Variable {
    /// The head of [`row`](Self::row).
    pub(super) const HEAD: [&str; 6] = ["NAMESPACE", "NAME", "KIND", "OWNERS", "VALUE", "AGE"];

    /// Returns the variable as one row.
    pub(super) fn row(&self) -> [String; 6] {
        let join = |words: BTreeSet<&str>| words.into_iter().collect::<Vec<_>>().join(",");
        let assertions = || self.assertions.iter();
        let values = assertions().filter_map(|assertion| assertion.value.as_deref());
        let oldest = assertions().map(|assertion| assertion.since.as_str()).min();
        [
            self.namespace.clone(),
            self.name.clone(),
            join(
                assertions()
                    .map(|assertion| assertion.kind.as_str())
                    .collect(),
            ),
            self.assertions.len().to_string(),
            join(values.collect()),
            oldest.map_or_else(String::new, age),
        ]
    }

    /// Returns a row for each assertion, with a head.
    pub(super) fn assertion_rows(&self) -> Vec<[String; 5]> {
        let head = ["OWNER", "KIND", "VALUE", "AGE", "EXPIRES"].map(str::to_owned);
        let rows = self.assertions.iter().map(|assertion| {
            let owner = assertion.owner.as_ref();
            [
                owner.map_or_else(
                    || "by hand".to_owned(),
                    |owner| format!("{}/{}", owner.namespace, owner.name),
                ),
                assertion.kind.clone(),
                assertion.value.clone().unwrap_or_default(),
                age(&assertion.since),
                assertion.expires.clone().unwrap_or_default(),
            ]
        });
        [head].into_iter().chain(rows).collect()
    }
}

/// Returns how long ago a time in RFC 3339 was, by the clock of this machine.
pub(in crate::commands) fn age(since: &str) -> String {
    let Ok(since) = since.parse::<Timestamp>() else {
        return since.to_owned();
    };
    let now = std::time::SystemTime::UNIX_EPOCH
        .elapsed()
        .unwrap_or_default();
    let now = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
    output::age(now.saturating_sub(since.as_millis()) / 1000)
}
