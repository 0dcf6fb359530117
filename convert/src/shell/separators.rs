//! The characters that separate fields: the value of `$IFS`.

/// Characters that separate fields.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Separators(pub(super) String);

impl Default for Separators {
    fn default() -> Self {
        Self(" \t\n".to_owned())
    }
}

impl Separators {
    pub(super) fn contains(&self, character: char) -> bool {
        self.0.contains(character)
    }

    /// Splits a text into its fields.
    pub(super) fn split<'t>(&self, text: &'t str) -> Vec<&'t str> {
        self.split_at_most(text, usize::MAX)
    }

    /// Splits off at most `count` fields; the last of them is all that is left.
    pub(super) fn split_at_most<'t>(&self, text: &'t str, count: usize) -> Vec<&'t str> {
        let mut fields = Vec::new();
        let mut rest = self.skip_blanks(text);
        while !rest.is_empty() && fields.len() + 1 < count {
            let (field, behind) = self.first(rest);
            fields.push(field);
            rest = behind;
        }
        if !rest.is_empty() {
            let is_blank = |c: char| c.is_whitespace() && self.contains(c);
            fields.push(rest.trim_end_matches(is_blank));
        }
        fields
    }

    /// Returns the first field, and what stands behind its separator: blanks, with at most one other
    /// character among them.
    fn first<'t>(&self, text: &'t str) -> (&'t str, &'t str) {
        let end = text.find(|c| self.contains(c)).unwrap_or(text.len());
        let (field, rest) = text.split_at(end);
        let rest = self.skip_blanks(rest);
        let is_separator = |c: char| !c.is_whitespace() && self.contains(c);
        let behind = rest.strip_prefix(is_separator).unwrap_or(rest);
        (field, self.skip_blanks(behind))
    }

    fn skip_blanks<'t>(&self, text: &'t str) -> &'t str {
        text.trim_start_matches(|c: char| c.is_whitespace() && self.contains(c))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_split_at_its_separators() {
        let cases: [(&str, &str, &[&str]); 6] = [
            (" \t\n", "  a b\n c ", &["a", "b", "c"]),
            (",", "a:1,b:2", &["a:1", "b:2"]),
            (",", "a,,b,", &["a", "", "b"]),
            (", ", "a , b c", &["a", "b", "c"]),
            ("", "a b", &["a b"]),
            (":", "", &[]),
        ];
        for (separators, text, expected) in cases {
            let fields = Separators(separators.to_owned()).split(text);
            assert_eq!(fields, expected, "{separators:?} {text:?}");
        }
    }

    #[test]
    fn the_last_field_is_all_that_is_left() {
        let colon = Separators(":".to_owned());
        assert_eq!(colon.split_at_most("db:5432:x", 2), ["db", "5432:x"]);
        assert_eq!(colon.split_at_most("db", 2), ["db"]);
        assert_eq!(Separators::default().split_at_most(" a  b ", 1), ["a  b"]);
    }
}
