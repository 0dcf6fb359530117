//! From a column within a scalar's value to a place in the text.

/// Returns the byte in `raw`, a scalar as it is written, of the character at `column` (from 1) of
/// `value`, what it means.
///
/// Folding, indentation and line continuations concern white space alone, so the nth other
/// character of the value is the nth other character of the text, whatever the style.
pub(super) fn locate(raw: &str, value: &str, column: usize) -> usize {
    let before = value.chars().take(column.saturating_sub(1));
    let skip = before.filter(|c| !c.is_whitespace()).count();
    let mut characters = Characters::new(raw);
    let start = characters.offset;
    let target = characters.by_ref().nth(skip);
    match target {
        Some(offset) => offset,
        None if characters.offset > start => characters.last_end,
        None => start,
    }
}

/// The characters of a scalar that are not white space, as offsets in its text.
struct Characters<'a> {
    raw: &'a str,
    style: Style,
    offset: usize,
    /// Where the last one ended.
    last_end: usize,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Style {
    Bare,
    Double,
    Single,
}

impl<'a> Characters<'a> {
    fn new(raw: &'a str) -> Self {
        let (style, offset) = match raw.as_bytes().first() {
            Some(b'"') => (Style::Double, 1),
            Some(b'\'') => (Style::Single, 1),
            _ => (Style::Bare, 0),
        };
        Self {
            raw,
            style,
            offset,
            last_end: offset,
        }
    }

    /// Returns the length of what stands for one character, and whether it is white space.
    fn unit(&self) -> Option<(usize, bool)> {
        let mut rest = self.raw[self.offset..].chars();
        let first = rest.next()?;
        let second = rest.next();
        match (self.style, first) {
            (Style::Double, '"') => None,
            (Style::Single, '\'') if second != Some('\'') => None,
            (Style::Single, '\'') => Some((2, false)),
            (Style::Double, '\\') => Some(escape(second?)),
            _ => Some((first.len_utf8(), first.is_whitespace())),
        }
    }
}

impl Iterator for Characters<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        loop {
            let start = self.offset;
            let (length, is_blank) = self.unit()?;
            self.offset = (start + length).min(self.raw.len());
            if !is_blank {
                self.last_end = self.offset;
                return Some(start);
            }
        }
    }
}

/// Returns how long a backslash escape is, and whether it means white space.
fn escape(kind: char) -> (usize, bool) {
    let length = match kind {
        'x' => 4,
        'u' => 6,
        'U' => 10,
        other => 1 + other.len_utf8(),
    };
    let is_blank =
        kind.is_whitespace() || matches!(kind, 'n' | 'r' | 't' | 'v' | 'f' | 'N' | '_' | 'L' | 'P');
    (length, is_blank)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The column of `needle` in `value` leads to `needle` in `raw`.
    #[track_caller]
    fn assert_finds(raw: &str, value: &str, needle: &str) {
        let column = value[..value.find(needle).unwrap()].chars().count() + 1;
        let offset = locate(raw, value, column);
        assert!(raw[offset..].starts_with(needle), "{:?}", &raw[offset..]);
    }

    #[test]
    fn finds_a_term_in_every_style() {
        assert_finds("a/b, c/d", "a/b, c/d", "c/d");
        assert_finds("a/b,\n    c/d", "a/b, c/d", "c/d");
        assert_finds("'it''s, c/d'", "it's, c/d", "c/d");
        assert_finds(r#""a=\"x\",\n\tc/d""#, "a=\"x\",\n\tc/d", "c/d");
        assert_finds("\"a, \\\n   c/d\"", "a, c/d", "c/d");
        assert_finds(r#""\u00e9, c/d""#, "\u{e9}, c/d", "c/d");
        assert_finds("a/b\n      c/d\n", "a/b\nc/d\n", "c/d");
        assert_finds("\u{e9}\u{e9} c/d", "\u{e9}\u{e9} c/d", "c/d");
    }

    #[test]
    fn stays_within_the_scalar() {
        assert_eq!(locate("a/b", "a/b", 4), 3);
        assert_eq!(locate("\"a\"", "a", 9), 2);
        assert_eq!(locate("''", "", 1), 1);
        assert_eq!(locate("", "", 1), 0);
    }
}
