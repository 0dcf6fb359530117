//! The path of a field in an object.

use std::{fmt, str::FromStr};

use thiserror::Error;

use crate::syntax::Quoted;

/// The path of a field: `.name`, `['name']` and `[0]` one after the other, a part of kubectl's
/// `JSONPath`. It prints in braces, as a term holds it.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct FieldPath(Box<[FieldStep]>);

/// One step of a path.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum FieldStep {
    /// Into the list, at this place, counted from 0.
    Index(u32),
    /// Into the object, to the member of this name.
    Member(Box<str>),
}

impl FieldPath {
    /// Returns the steps from the outermost to the innermost; there is at least one.
    pub fn steps(&self) -> &[FieldStep] {
        &self.0
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        self.0.iter().try_for_each(|step| write!(f, "{step}"))?;
        f.write_str("}")
    }
}

impl fmt::Display for FieldStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Index(index) => write!(f, "[{index}]"),
            Self::Member(name) if name.chars().all(is_bare) => write!(f, ".{name}"),
            Self::Member(name) => write!(f, "['{name}']"),
        }
    }
}

/// Returns whether a name behind a dot may have this character.
fn is_bare(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '_' | '-')
}

/// Reads what stands between the braces.
impl FromStr for FieldPath {
    type Err = FieldPathError;

    fn from_str(text: &str) -> Result<Self, FieldPathError> {
        if text.len() > MAX_BYTES {
            return Err(FieldPathError {
                offset: 0,
                rule: FieldPathRule::Long { bytes: text.len() },
            });
        }
        let mut rest = text;
        let mut steps = Vec::new();
        while !rest.is_empty() {
            let (step, after) = FieldStep::take(rest).map_err(|rule| FieldPathError {
                offset: text.len() - rest.len(),
                rule,
            })?;
            steps.push(step);
            rest = after;
        }
        if steps.is_empty() {
            let rule = FieldPathRule::Empty;
            return Err(FieldPathError { offset: 0, rule });
        }
        Ok(Self(steps.into()))
    }
}

/// Longest path, in bytes.
const MAX_BYTES: usize = 1024;

impl FieldStep {
    /// Takes one step off the front of `text`.
    fn take(text: &str) -> Result<(Self, &str), FieldPathRule> {
        let step = || FieldPathRule::Step {
            text: text.to_owned(),
        };
        if let Some(rest) = text.strip_prefix('.') {
            let end = rest.find(|c| !is_bare(c)).unwrap_or(rest.len());
            return match rest.split_at(end) {
                ("", _) => Err(step()),
                (_, after) if after.starts_with('\\') => Err(FieldPathRule::Backslash),
                (name, after) => Ok((Self::Member(name.into()), after)),
            };
        }
        let rest = text.strip_prefix('[').ok_or_else(step)?;
        if let Some(quoted) = rest.strip_prefix('\'') {
            let (name, after) = quoted.split_once("']").ok_or_else(step)?;
            let is_right =
                !name.is_empty() && !name.contains(|c: char| c == '\'' || c.is_control());
            return if is_right {
                Ok((Self::Member(name.into()), after))
            } else {
                Err(step())
            };
        }
        let (digits, after) = rest.split_once(']').ok_or_else(step)?;
        let is_number = digits.bytes().all(|digit| digit.is_ascii_digit());
        match digits.parse() {
            Ok(index) if is_number => Ok((Self::Index(index), after)),
            _ => Err(step()),
        }
    }
}

/// A text that is not a path.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("{rule}")]
pub struct FieldPathError {
    /// Where the rule broke, in bytes of the text.
    pub(crate) offset: usize,
    rule: FieldPathRule,
}

/// Which rule of paths broke.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
enum FieldPathRule {
    #[error(
        "a \\ does not stand in a path: write a name with a dot in it as ['app.example.com/x']"
    )]
    Backslash,
    #[error("the path of a field is missing, such as {{.status.phase}}")]
    Empty,
    #[error("a path has at most {MAX_BYTES} bytes, this one has {bytes}")]
    Long { bytes: usize },
    #[error(
        "{} is not a step of a path: that is .name, ['name'] or [0], as in \
         {{.status.loadBalancer.ingress[0].ip}}",
        Quoted(.text)
    )]
    Step { text: String },
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn prints_the_canonical_form() {
        for (text, printed) in [
            (".status.phase", "{.status.phase}"),
            ("['status']['phase']", "{.status.phase}"),
            (
                ".metadata.annotations['example.com/x']",
                "{.metadata.annotations['example.com/x']}",
            ),
            (".a[0][12].b-c_d", "{.a[0][12].b-c_d}"),
            ("[007]", "{[7]}"),
            ("['a b, {c}=\"]\u{e9}']", "{['a b, {c}=\"]\u{e9}']}"),
        ] {
            let path: FieldPath = text.parse().unwrap();
            assert_eq!(path.to_string(), printed);
        }
    }

    #[test]
    fn has_its_steps_in_order() {
        let path: FieldPath = ".a['b.c'][4294967295]".parse().unwrap();
        let expected = [
            FieldStep::Member("a".into()),
            FieldStep::Member("b.c".into()),
            FieldStep::Index(u32::MAX),
        ];
        assert_eq!(path.steps(), expected);
    }

    #[test]
    fn names_what_is_not_a_step_and_where() {
        for (text, offset, rule) in [
            ("", 0, "is missing, such as {.status.phase}"),
            ("status", 0, "\"status\" is not a step"),
            (".", 0, "is not a step"),
            (".a.", 2, "\".\" is not a step"),
            (".a..b", 2, "is not a step"),
            (".a.*", 2, "is not a step"),
            ("$.a", 0, "is not a step"),
            (".a[", 2, "is not a step"),
            (".a[]", 2, "is not a step"),
            (".a[-1]", 2, "is not a step"),
            (".a[+1]", 2, "is not a step"),
            (".a[4294967296]", 2, "is not a step"),
            (".a[?(@.type==\"Ready\")]", 2, "is not a step"),
            (".a['']", 2, "is not a step"),
            (".a['b", 2, "is not a step"),
            (".a['b'c']", 2, "is not a step"),
            (".a['b\n']", 2, "is not a step"),
            (".a b", 2, "is not a step"),
            (".a\\.b", 0, "write a name with a dot in it"),
        ] {
            let error = text.parse::<FieldPath>().unwrap_err();
            assert_eq!(error.offset, offset, "{text}");
            assert!(error.to_string().contains(rule), "{text}: {error}");
        }
    }

    #[test]
    fn a_path_has_at_most_1024_bytes() {
        let path = |bytes: usize| format!(".{}", "x".repeat(bytes - 1)).parse::<FieldPath>();
        assert!(path(1024).is_ok());
        let error = path(1025).unwrap_err().to_string();
        assert_eq!(error, "a path has at most 1024 bytes, this one has 1025");
    }

    proptest! {
        #[test]
        fn printing_and_parsing_are_inverse(
            text in r"(\.[A-Za-z0-9_-]{1,5}|\[[0-9]{1,5}\]|\['[^'\p{C}]{1,5}'\]){1,5}",
        ) {
            let path: FieldPath = text.parse().unwrap();
            let printed = path.to_string();
            let inner = printed.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
            prop_assert_eq!(inner.unwrap().parse::<FieldPath>().unwrap(), path);
        }

        #[test]
        fn any_text_parses_or_points_into_itself(text in ".*") {
            if let Err(error) = text.parse::<FieldPath>() {
                prop_assert!(text.is_char_boundary(error.offset));
            }
        }
    }
}
