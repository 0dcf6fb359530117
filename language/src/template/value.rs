//! Values with placeholders in them.

use std::{fmt, str::FromStr};

use thiserror::Error;

use super::{Facts, Placeholder, PlaceholderError, ResolveError, pieces::Pieces};
use crate::value::{Value, ValueError, write_word};

/// A value as a person writes it in an annotation, with placeholders in it. `$$(` stands for `$(`.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct ValueTemplate {
    pieces: Pieces,
}

impl ValueTemplate {
    /// Returns the placeholders that are left, in the order of their first use.
    pub fn placeholders(&self) -> impl Iterator<Item = &Placeholder> {
        self.pieces.placeholders()
    }

    /// Returns the value if no placeholder is left.
    pub fn value(&self) -> Option<Value> {
        self.pieces.literal()?.parse().ok()
    }

    /// Fills in what `facts` knows and leaves the rest.
    ///
    /// # Errors
    /// [`ResolveError`] where a substitution is empty or the result is too long.
    pub fn resolve(&self, facts: &Facts<'_>) -> Result<Self, ResolveError> {
        Ok(Self::new(self.pieces.resolve(facts)?)?)
    }

    fn new(pieces: Pieces) -> Result<Self, ValueError> {
        Value::check_length(pieces.literals().map(str::len).sum())?;
        Ok(Self { pieces })
    }
}

/// Writes the value as a term holds it: in double quotes if it would not end by itself.
impl fmt::Display for ValueTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_word(f, &self.pieces.to_string())
    }
}

impl From<Value> for ValueTemplate {
    fn from(value: Value) -> Self {
        let pieces = Pieces::of_literal(value.as_str());
        Self { pieces }
    }
}

/// Takes the text as it is: quotes are the business of the term that holds the value.
impl FromStr for ValueTemplate {
    type Err = ValueTemplateError;

    fn from_str(text: &str) -> Result<Self, ValueTemplateError> {
        Ok(Self::new(text.parse()?)?)
    }
}

/// Which rule a value with placeholders broke.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum ValueTemplateError {
    /// An unknown placeholder.
    #[error("{0}; write $$( for the characters $(")]
    Placeholder(#[from] PlaceholderError),
    /// Too long a value.
    #[error(transparent)]
    Value(#[from] ValueError),
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn mk_template(text: &str) -> ValueTemplate {
        text.parse().unwrap()
    }

    #[test]
    fn fills_in_what_is_known_and_leaves_the_rest() {
        let facts = Facts {
            pod_name: Some("web-0"),
            ..Facts::default()
        };
        for (text, printed, value) in [
            ("v", "v", Some("v")),
            ("", "\"\"", Some("")),
            ("a $(POD_NAME)", "\"a web-0\"", Some("a web-0")),
            ("$(POD_NAME)$(POD_NAME)", "web-0web-0", Some("web-0web-0")),
            ("$(POD_NAME)-$(POD_UID)", "web-0-$(POD_UID)", None),
            ("$$(POD_NAME)", "$$(POD_NAME)", Some("$(POD_NAME)")),
            ("$$$(POD_NAME)", "$$$(POD_NAME)", Some("$$(POD_NAME)")),
            ("$x$$", "$x$$", Some("$x$$")),
        ] {
            let resolved = mk_template(text).resolve(&facts).unwrap();
            assert_eq!(resolved.to_string(), printed, "{text}");
            let got = resolved.value();
            assert_eq!(got.as_ref().map(Value::as_str), value, "{text}");
        }
    }

    #[test]
    fn names_the_rule_that_broke() {
        let long = "x".repeat(4097);
        for (text, rule) in [
            ("$(POD)", "\"$(POD)\" stands for nothing"),
            ("$(POD)", "write $$( for the characters $("),
            ("$(POD_NAME", "never closed"),
            (&long, "this one has 4097"),
        ] {
            let error = text.parse::<ValueTemplate>().unwrap_err().to_string();
            assert!(error.contains(rule), "{error}");
        }
    }

    #[test]
    fn what_is_filled_in_makes_a_value_that_is_not_empty_or_too_long() {
        let resolve = |name: &str| {
            let facts = Facts {
                pod_name: Some(name),
                ..Facts::default()
            };
            let resolved = mk_template("v$(POD_NAME)").resolve(&facts);
            resolved.map(drop).map_err(|error| error.to_string())
        };
        assert_eq!(resolve(&"x".repeat(4095)), Ok(()));
        let error = resolve(&"x".repeat(4096)).unwrap_err();
        assert!(error.contains("this one has 4097"), "{error}");
        let error = resolve("").unwrap_err();
        assert_eq!(error, "$(POD_NAME) is empty for this pod");
    }

    #[test]
    fn a_value_is_a_template_of_itself() {
        let value: Value = "$(POD_NAME), $$(".parse().unwrap();
        let template = ValueTemplate::from(value.clone());
        assert_eq!(template.value(), Some(value.clone()));
        assert_eq!(template.to_string(), value.to_string());
        assert_eq!(template.placeholders().count(), 0);
    }

    proptest! {
        #[test]
        fn any_value_is_written_so_that_it_is_read_back(text in r#"[$(){}'"\\,a ]{0,12}"#) {
            let value: Value = text.parse().unwrap();
            let signal: crate::Signal = format!("x={value}").parse().unwrap();
            prop_assert_eq!(signal.value.and_then(|value| value.value()), Some(value));
        }
    }
}
