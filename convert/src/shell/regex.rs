//! Regular expressions of POSIX.

use regex::{Regex, RegexBuilder};

/// Compiles an extended expression; `None` if it is none.
pub(super) fn compile(pattern: &str, ignores_case: bool) -> Option<Regex> {
    const MAX_BYTES: usize = 100_000;
    let mut builder = RegexBuilder::new(pattern);
    builder.case_insensitive(ignores_case).size_limit(MAX_BYTES);
    builder.build().ok()
}

/// Returns a basic expression as an extended one: its operators have a backslash.
pub(super) fn of_basic(pattern: &str) -> String {
    const OPERATORS: &str = "+?|(){}";
    let mut extended = String::new();
    let mut characters = pattern.chars().peekable();
    let mut is_in_set = false;
    while let Some(character) = characters.next() {
        match character {
            '\\' if !is_in_set => match characters.next() {
                Some(operator) if OPERATORS.contains(operator) => extended.push(operator),
                Some(other) => extended.extend(['\\', other]),
                None => extended.push_str("\\\\"),
            },
            operator if OPERATORS.contains(operator) && !is_in_set => {
                extended.extend(['\\', operator]);
            }
            other => {
                is_in_set = other == '[' || is_in_set && other != ']';
                extended.push(other);
            }
        }
    }
    extended
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_basic_expression_has_fewer_operators() {
        for (basic, extended) in [
            ("a+b", r"a\+b"),
            (r"\(a\|b\)", "(a|b)"),
            (r"a\.b*", r"a\.b*"),
            ("[(+]x", "[(+]x"),
        ] {
            assert_eq!(of_basic(basic), extended);
        }
    }
}
