//! Keys that are similar to oncue's and have no effect.

use std::sync::LazyLock;

use super::{Code, Finding, Severity, nearest::Dictionary, places::Places};
use crate::language::{
    Keys,
    annotation::{BareKeys, Key},
};

/// Finds keys on pods that resemble oncue's. They may belong to another tool, so only
/// `oncue check` reports them.
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

/// Returns the key of oncue that `text` may be a misspelling of.
fn meant(keys: &Keys, text: &str) -> Option<Key> {
    if keys.claims(text) {
        return None;
    }
    let (name, known) = match text.split_once('/') {
        Some((prefix, name)) if prefix.starts_with("oncue") => (name, &PREFIXED),
        None if keys.bare() == BareKeys::Read => (text, &BARE),
        Some(_) | None => return None,
    };
    // A distance costs the product of both lengths, and a hostile key is long.
    if name.len() > LONGEST {
        return None;
    }
    let (_, key) = known.nearest(name)?;
    Some(*key)
}

/// Longer than any misspelt key.
const LONGEST: usize = 32;

/// The keys that are read.
static PREFIXED: LazyLock<Dictionary<Key>> = LazyLock::new(|| dictionary(|_| true));
/// The keys that are read without a prefix.
static BARE: LazyLock<Dictionary<Key>> = LazyLock::new(|| dictionary(Key::may_be_bare));

fn dictionary(counts: impl Fn(Key) -> bool) -> Dictionary<Key> {
    let read = |key: &Key| key.is_asked() && counts(*key);
    let mut dictionary = Dictionary::default();
    let keys = Key::ALL.into_iter().filter(read);
    dictionary.extend(keys.map(|key| (key.as_str().to_owned(), key)));
    dictionary
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
