//! Text of other people, made safe for a terminal and for a log.
//!
//! A value, a name or a server's message may hold characters that move the cursor, start a new
//! line, turn the direction of the text, or show nothing at all. [`Escaped`] prints them as
//! `\u{202e}`; [`hidden_character`] finds them in a name that must not hold any.

use std::fmt::{self, Write};

use unicode_general_category::{GeneralCategory, get_general_category};

/// Prints what is inside with each hidden character escaped, line breaks included.
///
/// ```
/// use oncue_language::escape::Escaped;
///
/// assert_eq!(Escaped("a\u{202e}b\n\x1b[2J").to_string(), r"a\u{202e}b\n\u{1b}[2J");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Escaped<T>(pub T);

impl<T: fmt::Display> fmt::Display for Escaped<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(EscapingWriter(f), "{}", self.0)
    }
}

struct EscapingWriter<'a, 'f>(&'a mut fmt::Formatter<'f>);

impl fmt::Write for EscapingWriter<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut rest = text;
        while let Some((index, character)) = find_hidden(rest) {
            self.0.write_str(&rest[..index])?;
            write!(self.0, "{}", character.escape_default())?;
            rest = &rest[index + character.len_utf8()..];
        }
        self.0.write_str(rest)
    }
}

/// Returns the first character of `text` that is hidden.
pub fn hidden_character(text: &str) -> Option<char> {
    find_hidden(text).map(|(_, character)| character)
}

/// Returns whether a terminal obeys the character or shows nothing for it: controls, line and
/// paragraph separators, bidi marks, zero-width and other ignorable characters.
pub fn is_hidden(character: char) -> bool {
    if character.is_ascii() {
        return character.is_ascii_control();
    }
    let category = get_general_category(character);
    matches!(
        category,
        GeneralCategory::Control
            | GeneralCategory::Format
            | GeneralCategory::LineSeparator
            | GeneralCategory::ParagraphSeparator
    ) || is_ignorable(character)
}

/// Returns whether the character is a `Default_Ignorable_Code_Point` of Unicode whose category is
/// not `Format`: fillers, variation selectors, and code points reserved for more of them.
fn is_ignorable(character: char) -> bool {
    matches!(
        character,
        '\u{34f}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{2065}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fff8}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

fn find_hidden(text: &str) -> Option<(usize, char)> {
    text.char_indices().find(|(_, c)| is_hidden(*c))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn escapes_every_kind_of_hidden_character() {
        for (kind, text, escaped) in [
            ("escape sequence", "\x1b[31m", r"\u{1b}[31m"),
            ("line breaks", "a\r\nb", r"a\r\nb"),
            ("tab and bell", "\t\x07", r"\t\u{7}"),
            ("delete", "\x7f", r"\u{7f}"),
            ("C1 control", "\u{9b}2J", r"\u{9b}2J"),
            ("next line", "\u{85}", r"\u{85}"),
            ("separators", "\u{2028}\u{2029}", r"\u{2028}\u{2029}"),
            ("bidi override", "\u{202e}", r"\u{202e}"),
            ("bidi isolates", "\u{2066}\u{2069}", r"\u{2066}\u{2069}"),
            (
                "bidi marks",
                "\u{200e}\u{200f}\u{61c}",
                r"\u{200e}\u{200f}\u{61c}",
            ),
            (
                "zero width",
                "\u{200b}\u{200d}\u{feff}",
                r"\u{200b}\u{200d}\u{feff}",
            ),
            ("soft hyphen", "\u{ad}", r"\u{ad}"),
            (
                "fillers",
                "\u{115f}\u{1160}\u{3164}\u{ffa0}",
                r"\u{115f}\u{1160}\u{3164}\u{ffa0}",
            ),
            ("joiner", "\u{34f}", r"\u{34f}"),
            (
                "vowels that show nothing",
                "\u{17b4}\u{17b5}",
                r"\u{17b4}\u{17b5}",
            ),
            (
                "selectors",
                "\u{180b}\u{180f}\u{fe00}\u{fe0f}",
                r"\u{180b}\u{180f}\u{fe00}\u{fe0f}",
            ),
            (
                "reserved",
                "\u{2065}\u{fff0}\u{fff8}",
                r"\u{2065}\u{fff0}\u{fff8}",
            ),
            (
                "tags",
                "\u{e0001}\u{e0100}\u{e0fff}",
                r"\u{e0001}\u{e0100}\u{e0fff}",
            ),
        ] {
            assert_eq!(Escaped(text).to_string(), escaped, "{kind}");
        }
    }

    #[test]
    fn leaves_visible_text_as_it_is() {
        for text in [
            "",
            "a b",
            r#""C:\x" 'y'"#,
            "é e\u{301} 漢字 한글 עברית 🚀 \u{a0}",
            "\u{fffd}",
        ] {
            assert_eq!(Escaped(text).to_string(), text);
            assert_eq!(hidden_character(text), None);
        }
    }

    #[test]
    fn finds_the_first_hidden_character() {
        assert_eq!(hidden_character("ab\u{200b}c\n"), Some('\u{200b}'));
    }

    #[test]
    fn escapes_whatever_is_displayed() {
        assert_eq!(Escaped(format_args!("{}-{}", "\n", 1)).to_string(), r"\n-1");
    }

    proptest! {
        #[test]
        fn nothing_hidden_is_left(text in any::<String>()) {
            prop_assert_eq!(hidden_character(&Escaped(&text).to_string()), None);
        }
    }
}
