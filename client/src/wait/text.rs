//! The messages of a wait.

use std::time::Duration;

use oncue_language::Timeout;

use super::{Overdue, watched::Watched};

/// How many terms a line names.
const MAX_NAMED: usize = 12;

/// Returns a duration as users write one, such as `1m30s`, or in milliseconds below one second.
pub(crate) fn elapsed(duration: Duration) -> String {
    match u32::try_from(duration.as_secs()) {
        Ok(0) => format!("{}ms", duration.as_millis()),
        Ok(seconds) => Timeout::from_secs(seconds).to_string(),
        Err(_) => format!("{}s", duration.as_secs()),
    }
}

pub(super) fn checking(watched: &[Watched]) -> String {
    if watched.is_empty() {
        return "Checking: nothing".to_owned();
    }
    format!(
        "Checking: {}",
        named(watched.iter().map(|watched| watched.term.to_string()))
    )
}

pub(super) fn waiting(watched: &[Watched], now: Duration) -> String {
    format!("Waiting for {}", count_and_missing(watched, now))
}

pub(super) fn overdue(overdue: &Overdue, watched: &[Watched], now: Duration) -> String {
    let Overdue { at, moment, cause } = overdue;
    let length = elapsed(now.saturating_sub(*at));
    let missing = count_and_missing(watched, now);
    format!("Overdue for {length}, since {moment} ({cause}): still waiting for {missing}")
}

pub(super) fn nudged(watched: &Watched, service: &str) -> String {
    format!(
        "Checking {} now: {service} has a ready endpoint",
        watched.term
    )
}

pub(super) fn given_up(watched: &Watched, now: Duration) -> String {
    format!(
        "Warning: gave up {} after {}: {}",
        watched.term,
        elapsed(now),
        watched.why_missing()
    )
}

pub(super) fn ready(watched: &[Watched], now: Duration) -> String {
    let after = elapsed(now);
    let given_up = watched.iter().filter(|watched| watched.is_given_up());
    let held = match held(watched) {
        terms if terms.is_empty() => String::new(),
        terms => format!(": {terms}"),
    };
    let given_up = match named(given_up.map(with_reason)) {
        terms if terms.is_empty() => String::new(),
        terms => format!("; given up: {terms}"),
    };
    format!("Ready after {after}{held}{given_up}")
}

/// Names the terms that do not hold, each with why and since when.
pub(super) fn missing(watched: &[Watched], now: Duration) -> String {
    let missing: Vec<_> = watched
        .iter()
        .filter(|watched| !watched.is_settled())
        .collect();
    let since = |watched: &Watched| for_so_long(now.saturating_sub(watched.missing_since));
    named(missing.iter().enumerate().map(|(index, watched)| {
        // Once for consecutive terms that are missing for the same time.
        let next = missing.get(index + 1).map(|next| since(next));
        let is_last = index + 1 == MAX_NAMED.min(missing.len());
        let since = since(watched);
        if next.as_ref() == Some(&since) && !is_last {
            with_reason(watched)
        } else {
            with_reason(watched) + &since
        }
    }))
}

/// Prints ` for 5s`, and nothing below one second.
pub(super) fn for_so_long(duration: Duration) -> String {
    match duration.as_secs() {
        0 => String::new(),
        _ => format!(" for {}", elapsed(duration)),
    }
}

pub(super) fn with_reason(watched: &Watched) -> String {
    format!("{} ({})", watched.term, watched.why_missing())
}

fn count_and_missing(watched: &[Watched], now: Duration) -> String {
    let count = watched
        .iter()
        .filter(|watched| !watched.is_settled())
        .count();
    format!("{count} of {}: {}", watched.len(), missing(watched, now))
}

fn held(watched: &[Watched]) -> String {
    let held = watched.iter().filter(|watched| !watched.is_given_up());
    named(held.map(|watched| watched.term.to_string()))
}

/// Joins the first items and counts the rest.
fn named(items: impl Iterator<Item = String>) -> String {
    let items: Vec<_> = items.collect();
    let first = items[..items.len().min(MAX_NAMED)].join(", ");
    match items.len().saturating_sub(MAX_NAMED) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}
