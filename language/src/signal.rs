//! One term of `signals` and its kin.

use std::{fmt, str::FromStr};

use crate::{
    name::VariableName,
    syntax::{self, Broken, Cursor, Located, SyntaxError},
    template::{Facts, NameTemplate, Placeholder, ResolveError, ValueTemplate, ValueTemplateError},
    value::Value,
};

/// A variable to create: `name` or `name=value`, always in the pod's own namespace.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Signal {
    /// The variable's name.
    pub name: NameTemplate,
    /// The value that the assertion carries.
    pub value: Option<ValueTemplate>,
}

impl Signal {
    /// Returns all signals of the value of a `signals` annotation, in their order.
    pub fn parse_list(text: &str) -> Result<Vec<Located<Self>>, SyntaxError> {
        syntax::parse_list(text, parse)
    }

    /// Returns the variable with its value if no placeholder is left.
    pub fn literal(&self) -> Option<(VariableName, Option<Value>)> {
        let value = match &self.value {
            Some(value) => Some(value.value()?),
            None => None,
        };
        Some((self.name.variable_name()?, value))
    }

    /// Returns the placeholders that are left in it.
    pub fn placeholders(&self) -> impl Iterator<Item = &Placeholder> {
        let in_value = self.value.iter().flat_map(ValueTemplate::placeholders);
        self.name.placeholders().chain(in_value)
    }

    /// Fills in what `facts` knows.
    pub fn resolve(&self, facts: &Facts<'_>) -> Result<Self, ResolveError> {
        let value = self.value.as_ref();
        Ok(Self {
            name: self.name.resolve(facts)?,
            value: value.map(|value| value.resolve(facts)).transpose()?,
        })
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            Some(value) => write!(f, "{}={value}", self.name),
            None => write!(f, "{}", self.name),
        }
    }
}

impl FromStr for Signal {
    type Err = SyntaxError;

    fn from_str(text: &str) -> Result<Self, SyntaxError> {
        syntax::parse_single(text, parse)
    }
}

fn parse(cursor: &mut Cursor<'_>) -> Result<Signal, Broken> {
    let start = cursor.offset;
    let text = cursor.take_name("/");
    refuse_what_only_terms_have(cursor, start, text)?;
    let name = text.parse().map_err(|error| Broken::at(start, error))?;
    let value = if cursor.eat("=") {
        let at = cursor.offset;
        let word = cursor.take_word()?;
        let value = word.parse();
        Some(value.map_err(|error: ValueTemplateError| Broken::at(at, error))?)
    } else {
        None
    };
    Ok(Signal { name, value })
}

fn refuse_what_only_terms_have(
    cursor: &Cursor<'_>,
    start: usize,
    name: &str,
) -> Result<(), Broken> {
    let rule = match cursor.peek() {
        Some('@') => "a pod signals in its own namespace only: drop the @",
        Some('*') => "a signal names one variable: * is for depends-on",
        Some('>') => "a signal has no count: >= is for depends-on",
        Some('!' | '?') if name.is_empty() => "! and ? are for depends-on",
        Some(':') => "a signal names a variable: objects and URLs are for depends-on",
        _ => return Ok(()),
    };
    Err(Broken::at(
        if name.is_empty() {
            start
        } else {
            cursor.offset
        },
        rule,
    ))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_names_with_and_without_values() {
        let signals = Signal::parse_list("second/dependent, a/$(POD_NAME)=\"x, y\"\nb=1").unwrap();
        let printed: Vec<_> = signals.iter().map(|s| s.value.to_string()).collect();
        assert_eq!(
            printed,
            ["second/dependent", "a/$(POD_NAME)=\"x, y\"", "b=1"]
        );
    }

    #[test]
    fn each_error_names_column_and_rule() {
        for (text, column, rule) in [
            ("a, b@other", 5, "own namespace only"),
            ("a/*", 3, "one variable"),
            ("a>=3", 2, "no count"),
            ("!a", 1, "for depends-on"),
            ("tcp://h:1", 4, "for depends-on"),
            ("a b", 3, "was not expected"),
            ("a/..", 1, "must not be \"..\""),
            ("=v", 1, "must not be empty"),
            ("a=$(POD)", 3, "write $$( for the characters $("),
        ] {
            let error = Signal::parse_list(text).unwrap_err();
            assert_eq!(error.at.column, column, "{text}: {error}");
            assert!(error.rule.contains(rule), "{text}: {error}");
        }
    }

    proptest! {
        #[test]
        fn printing_and_parsing_are_inverse(name in "[a-z]{1,5}(/[a-z.]{0,3}x)?", value in proptest::option::of(".{0,9}")) {
            let signal = Signal {
                name: name.parse().unwrap(),
                value: value.map(|value| ValueTemplate::from(value.parse::<Value>().unwrap())),
            };
            prop_assert_eq!(signal.to_string().parse::<Signal>().unwrap(), signal);
        }
    }
}
