//! Why an object does not hold: short, and to be read after the term.

use std::fmt;

use oncue_language::{ObjectState, escape::Escaped};

/// Returns the state of an object that does not hold yet.
pub(super) fn pending(reason: impl fmt::Display) -> ObjectState {
    ObjectState::Pending(reason.to_string())
}

/// Returns `text` with a word of a status behind it, if there is one.
pub(super) fn because(text: impl fmt::Display, word: Option<&str>) -> String {
    match word {
        Some(word) if !word.is_empty() => format!("{text}: {}", Foreign(word)),
        _ => text.to_string(),
    }
}

/// Prints text that someone else wrote into an object: escaped, and cut where it is too long.
#[derive(Clone, Copy, Debug)]
pub(super) struct Foreign<'a>(pub(super) &'a str);

impl fmt::Display for Foreign<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.char_indices().nth(LONGEST) {
            Some((end, _)) => write!(f, "{}...", Escaped(&self.0[..end])),
            None => write!(f, "{}", Escaped(self.0)),
        }
    }
}

/// How many characters of such a text are printed: a name has at most 253, a reason about 40.
pub(super) const LONGEST: usize = 253;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_follows_a_colon_if_there_is_one() {
        assert_eq!(
            because("has failed", Some("Evicted")),
            "has failed: Evicted"
        );
        assert_eq!(because("has failed", Some("")), "has failed");
        assert_eq!(because("has failed", None), "has failed");
    }

    #[test]
    fn text_of_others_is_escaped_and_cut_at_a_character() {
        assert_eq!(Foreign("a\u{1b}[2J\n").to_string(), r"a\u{1b}[2J\n");
        let longest = "\u{e9}".repeat(LONGEST);
        assert_eq!(Foreign(&longest).to_string(), longest);
        assert_eq!(
            Foreign(&format!("{longest}\u{e9}")).to_string(),
            format!("{longest}...")
        );
    }
}
