//! A variable as rows of a table.

use std::collections::BTreeSet;

use oncue_wire::{Assertion, Variable};

use crate::{
    commands::output,
    language::{Timestamp, Value},
};

/// The head of [`row`].
pub(super) const HEAD: [&str; 6] = ["NAMESPACE", "NAME", "KIND", "OWNERS", "VALUE", "AGE"];

pub(super) fn row(variable: &Variable) -> [String; 6] {
    let Variable {
        namespace,
        name,
        assertions,
    } = variable;
    let values = assertions.iter().filter_map(|it| it.value.as_ref());
    let oldest = assertions.iter().map(|it| it.since).min();
    [
        namespace.to_string(),
        name.to_string(),
        join(assertions.iter().map(|it| it.kind.to_string())),
        assertions.len().to_string(),
        join(values.map(|value| value.as_str().to_owned())),
        oldest.map_or_else(String::new, age_since),
    ]
}

fn join(words: impl Iterator<Item = String>) -> String {
    let distinct: BTreeSet<_> = words.collect();
    distinct.into_iter().collect::<Vec<_>>().join(",")
}

/// Returns a row for each assertion, with a head.
pub(super) fn assertion_rows(assertions: &[Assertion]) -> Vec<[String; 5]> {
    let head = ["OWNER", "KIND", "VALUE", "AGE", "EXPIRES"].map(str::to_owned);
    let rows = assertions.iter().map(assertion_row);
    [head].into_iter().chain(rows).collect()
}

/// Returns the owner, kind, value, age and expiry of an assertion.
pub(super) fn assertion_row(assertion: &Assertion) -> [String; 5] {
    let Assertion {
        owner,
        kind,
        object,
        value,
        since,
        expires,
    } = assertion;
    let owner = owner.as_ref();
    let value = value.as_ref().map_or("", Value::as_str);
    [
        owner.map_or_else(
            || by_hand(object.as_deref()),
            |owner| format!("{}/{}", owner.namespace, owner.name),
        ),
        kind.to_string(),
        value.to_owned(),
        age_since(*since),
        expires.map_or_else(String::new, |it| it.to_string()),
    ]
}

fn by_hand(object: Option<&str>) -> String {
    object.map_or_else(
        || "by hand".to_owned(),
        |object| format!("by hand, as {object}"),
    )
}

/// Returns how long ago a time in RFC 3339 was, by the clock of this machine.
pub(in crate::commands) fn age(since: &str) -> String {
    since.parse().map_or_else(|_| since.to_owned(), age_since)
}

/// Returns how long ago a moment was, by the clock of this machine.
pub(in crate::commands) fn age_since(since: Timestamp) -> String {
    output::age(now().since(since).as_secs())
}

/// Returns the present moment by the clock of this machine.
pub(in crate::commands) fn now() -> Timestamp {
    let now = std::time::SystemTime::UNIX_EPOCH
        .elapsed()
        .unwrap_or_default();
    Timestamp::from_millis(u64::try_from(now.as_millis()).unwrap_or(u64::MAX))
}
