//! Keys that nobody reads and that are nearly one of ours.

use super::{Code, Finding, Severity, places::Places};
use crate::language::{
    Keys,
    annotation::{BareKeys, Key},
};

/// Finds keys of its pods that look like ours, among those that are anybody's: they may be another
/// tool's, so that only a person who asks is told.
pub(super) fn near_misses(keys: &Keys, places: &Places<'_>) -> Vec<Finding> {
    let written = places.workload.annotations();
    let near = written.filter_map(|(text, _)| Some((text, meant(keys, text)?)));
    near.map(|(text, key)| Finding {
        severity: Severity::Warning,
        code: Code::UnknownKey,
        message: format!(
            "{text} is not a key of oncue and is not read: did you mean {}?",
            keys.written(key)
        ),
        place: places.written(text),
    })
    .collect()
}

/// Returns the key that was perhaps meant by one that is not claimed.
fn meant(keys: &Keys, text: &str) -> Option<Key> {
    if keys.claims(text) {
        return None;
    }
    let known = Key::ALL.into_iter();
    let known = known.filter(|key| *key != Key::Injected && !key.is_reserved());
    match text.split_once('/') {
        Some((prefix, name)) if prefix.starts_with("oncue") => nearest(name, known),
        None if keys.bare() == BareKeys::Read => {
            nearest(text, known.filter(|key| key.may_be_bare()))
        }
        Some(_) | None => None,
    }
}

fn nearest(text: &str, known: impl Iterator<Item = Key>) -> Option<Key> {
    // A hostile key is long, and a distance takes the product of both lengths.
    if text.len() > LONGEST {
        return None;
    }
    let near = known.filter_map(|key| Some((distance(text, key)?, key)));
    near.min_by_key(|(distance, _)| *distance)
        .map(|(_, key)| key)
}

/// Longer than any key with its slips.
const LONGEST: usize = 32;

/// Returns how many slips lie between `text` and `key`, where that is at most one in five letters.
fn distance(text: &str, key: Key) -> Option<usize> {
    let key = key.as_str();
    if letters(text).eq(letters(key)) {
        return Some(0);
    }
    let slips = strsim::osa_distance(&text.to_ascii_lowercase(), key);
    (slips <= (key.len() / 5).min(2)).then_some(slips)
}

/// Returns what is left of a key without its case and separators.
fn letters(text: &str) -> impl Iterator<Item = char> {
    let letters = text.chars().filter(|c| !matches!(c, '-' | '_' | '.'));
    letters.map(|c| c.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn assert_meant(text: &str, expected: Option<Key>) {
        assert_eq!(meant(&Keys::default(), text), expected, "{text}");
    }

    #[test]
    fn finds_slips_of_the_pen() {
        for text in [
            "depend-on",
            "dependsOn",
            "depends_on",
            "dependson",
            "depends-no",
            "depends.on",
            "Depends-On",
            "oncue/depends-on",
            "oncue.io/depends-on",
            "oncue.io/dependsOn",
        ] {
            assert_meant(text, Some(Key::DependsOn));
        }
        for text in ["signal", "singals", "Signals", "oncue.io/signal"] {
            assert_meant(text, Some(Key::Signals));
        }
        assert_meant("signalsOnReady", Some(Key::SignalsOnReady));
        assert_meant("depend-on-timeout", Some(Key::DependsOnTimeout));
        assert_meant("oncue/inject", Some(Key::Inject));
    }

    #[test]
    fn leaves_what_is_ours_or_another_tools() {
        for text in [
            "depends-on",
            "oncue.dev/depends-no",
            "depends",
            "dependency",
            "dependabot",
            "sign",
            "sidecars",
            "signal.example.com/x",
            "example.com/depends-on",
            "example.com/signal",
            "inject",
            "release",
            "oncue.io/release",
            "oncue.io/team",
        ] {
            assert_meant(text, None);
        }
    }

    #[test]
    fn bare_keys_that_are_not_read_are_not_missed() {
        let keys = Keys::new("cue.example.com", BareKeys::Ignored).unwrap();
        assert_eq!(meant(&keys, "depend-on"), None);
        assert_eq!(meant(&keys, "oncue.dev/depends-on"), Some(Key::DependsOn));
    }
}
