//! Messages of a limited length, of sentences of which some may be too many.

use std::fmt::Write;

use oncue_language::escape::Escaped;

/// The most bytes of a message: what the note of an Event takes.
pub const MAX_MESSAGE: usize = 1024;

/// Joins sentences while they fit into a message after `head`, and says how many more there are.
/// Everything hidden in them is escaped.
pub(super) fn joined(head: &str, sentences: impl ExactSizeIterator<Item = String>) -> String {
    let mut message = Escaped(head).to_string();
    let mut left = sentences.len();
    let mut separator = "";
    for sentence in sentences {
        let sentence = cut(&Escaped(sentence).to_string(), MAX_SENTENCE);
        let length = message.len() + separator.len() + sentence.len();
        if length > MAX_MESSAGE - ROOM_FOR_COUNT && !separator.is_empty() {
            // Writing to a String cannot fail.
            let _ = write!(message, "; {left} more");
            break;
        }
        message.push_str(separator);
        message.push_str(&sentence);
        separator = "; ";
        left -= 1;
    }
    cut(&message, MAX_MESSAGE)
}

/// Returns `text`, or its beginning with an ellipsis if it has more than `most` bytes.
pub(super) fn cut(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(most.saturating_sub(ELLIPSIS.len()));
    format!("{}{ELLIPSIS}", &text[..end])
}

const ELLIPSIS: &str = "...";
const MAX_SENTENCE: usize = 400;
/// Of `; 255 more`.
const ROOM_FOR_COUNT: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_message_has_every_sentence() {
        let sentences = ["a: does not exist", "b: exists"].map(str::to_owned);
        assert_eq!(
            joined("Waiting for ", sentences.into_iter()),
            "Waiting for a: does not exist; b: exists"
        );
    }

    #[test]
    fn a_long_message_says_how_many_sentences_it_leaves_out() {
        let sentences = vec!["x".repeat(90); 256].into_iter();
        let message = joined("Waiting for ", sentences);
        assert!(message.len() <= MAX_MESSAGE, "{}", message.len());
        assert!(message.ends_with("x; 246 more"), "{message}");
    }

    #[test]
    fn a_sentence_that_is_too_long_is_cut_at_a_character() {
        let message = joined("\u{e9}", ["\u{6f22}".repeat(1000)].into_iter());
        assert!(message.len() <= 2 + MAX_SENTENCE, "{}", message.len());
        assert!(message.ends_with("\u{6f22}..."), "{message}");
        assert!(joined(&"x".repeat(5000), std::iter::empty()).len() <= MAX_MESSAGE);
    }

    #[test]
    fn text_of_others_is_escaped() {
        let sentences = ["b\n\u{202e}".to_owned()].into_iter();
        assert_eq!(joined("a\x1b ", sentences), r"a\u{1b} b\n\u{202e}");
    }
}
