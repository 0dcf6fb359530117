//! What a Job does about a pod that failed, and when it is complete before all of its indexes are.

use std::{collections::BTreeSet, time::Duration};

use serde_json::Value;

/// What becomes of a Job when one of its pods has failed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum OnFailure {
    /// The failure counts.
    Count,
    /// The index is not tried again.
    FailIndex,
    /// The Job fails at once.
    FailJob,
    /// The failure does not count.
    Ignore,
}

impl OnFailure {
    /// Returns what the first rule of a Job's `podFailurePolicy` says that sees one of these
    /// containers, each with its name and its exit code.
    ///
    /// Rules on conditions see nothing, because nothing disrupts pods here.
    pub(crate) fn of(spec: &Value, ended: &[(&str, i32)]) -> Self {
        let rules = spec["podFailurePolicy"]["rules"].as_array();
        let mut rules = rules.into_iter().flatten();
        let rule = rules.find(|rule| ended.iter().any(|it| sees(&rule["onExitCodes"], *it)));
        match rule.and_then(|rule| rule["action"].as_str()) {
            Some("FailIndex") => Self::FailIndex,
            Some("FailJob") => Self::FailJob,
            Some("Ignore") => Self::Ignore,
            _ => Self::Count,
        }
    }
}

fn sees(on: &Value, (container, code): (&str, i32)) -> bool {
    let is_named = on["containerName"]
        .as_str()
        .is_none_or(|name| name == container);
    let values = on["values"].as_array().into_iter().flatten();
    let mut values = values.filter_map(Value::as_i64);
    let is_listed = values.any(|value| value == i64::from(code));
    let is_seen = match on["operator"].as_str() {
        Some("In") => is_listed,
        Some("NotIn") => !is_listed,
        _ => false,
    };
    code != 0 && is_named && is_seen
}

/// Returns whether a rule of a Job's `successPolicy` is met once these indexes have succeeded.
pub(crate) fn succeeds_early(spec: &Value, succeeded: &BTreeSet<u32>) -> bool {
    let rules = spec["successPolicy"]["rules"].as_array();
    let mut rules = rules.into_iter().flatten();
    rules.any(|rule| is_met(rule, succeeded))
}

fn is_met(rule: &Value, succeeded: &BTreeSet<u32>) -> bool {
    let ranges = rule["succeededIndexes"].as_str().map(ranges);
    let is_wanted = |index: &u32| {
        let within = |(first, last): &(u32, u32)| (first..=last).contains(&index);
        ranges.as_ref().is_none_or(|all| all.iter().any(within))
    };
    let count = succeeded.iter().filter(|index| is_wanted(index)).count();
    let all: Option<u32> = ranges.as_ref().map(|ranges| {
        let lengths = ranges
            .iter()
            .map(|(first, last)| last.saturating_sub(*first) + 1);
        lengths.sum()
    });
    let needed = rule["succeededCount"].as_u64().or(all.map(u64::from));
    needed.is_some_and(|needed| count as u64 >= needed)
}

/// Reads indexes such as `0,2-4`.
fn ranges(text: &str) -> Vec<(u32, u32)> {
    let range = |part: &str| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        Some((first.trim().parse().ok()?, last.trim().parse().ok()?))
    };
    text.split(',').filter_map(range).collect()
}

/// Returns how long the Job controller waits after so many failures in a row.
pub(crate) fn back_off(failures: u32) -> Duration {
    let doublings = failures.saturating_sub(1).min(10);
    (FIRST_BACK_OFF * 2_u32.pow(doublings)).min(LONGEST_BACK_OFF)
}

const FIRST_BACK_OFF: Duration = Duration::from_secs(10);
const LONGEST_BACK_OFF: Duration = Duration::from_mins(10);

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_first_rule_that_sees_an_exit_code_decides() {
        let spec = json!({"podFailurePolicy": {"rules": [
            {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget"}]},
            {"action": "Ignore", "onExitCodes": {"operator": "In", "values": [42]}},
            {"action": "FailIndex", "onExitCodes": {
                "containerName": "main", "operator": "In", "values": [7],
            }},
            {"action": "FailJob", "onExitCodes": {"operator": "NotIn", "values": [1, 7]}},
        ]}});
        for (ended, expected) in [
            (("main", 42), OnFailure::Ignore),
            (("main", 7), OnFailure::FailIndex),
            (("other", 7), OnFailure::Count),
            (("oncue-wait", 124), OnFailure::FailJob),
            (("main", 1), OnFailure::Count),
            (("main", 0), OnFailure::Count),
        ] {
            assert_eq!(OnFailure::of(&spec, &[ended]), expected, "{ended:?}");
        }
    }

    #[test]
    fn one_rule_about_indexes_is_enough() {
        let policy = |rule: Value| json!({"successPolicy": {"rules": [rule]}});
        for (rule, succeeded, expected) in [
            (json!({"succeededIndexes": "0"}), &[0][..], true),
            (json!({"succeededIndexes": "0"}), &[1, 2], false),
            (json!({"succeededIndexes": "0,2-3"}), &[0, 2], false),
            (json!({"succeededIndexes": "0,2-3"}), &[0, 2, 3], true),
            (json!({"succeededCount": 2}), &[1, 4], true),
            (
                json!({"succeededIndexes": "1-4", "succeededCount": 2}),
                &[0, 1],
                false,
            ),
            (
                json!({"succeededIndexes": "1-4", "succeededCount": 2}),
                &[3, 1],
                true,
            ),
        ] {
            let succeeded = succeeded.iter().copied().collect();
            assert_eq!(
                succeeds_early(&policy(rule.clone()), &succeeded),
                expected,
                "{rule}"
            );
        }
        assert!(!succeeds_early(&json!({}), &BTreeSet::from([0])));
    }

    #[test]
    fn back_off_doubles_up_to_ten_minutes() {
        for (failures, seconds) in [(1, 10), (2, 20), (6, 320), (7, 600), (1000, 600)] {
            assert_eq!(
                back_off(failures),
                Duration::from_secs(seconds),
                "{failures}"
            );
        }
    }
}
