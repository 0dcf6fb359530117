//! What is wrong with annotations, or worth hearing of.

use thiserror::Error;

use super::{Key, Keys};
use crate::{
    syntax::{Quoted, SyntaxError, TextPosition},
    template::ResolveError,
};

/// An annotation that denies the pod: which key, where, and what would be right.
///
/// It prints its key as it is written by default; [`told`](Self::told) knows better.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("{key}: {fault}")]
pub struct AnnotationError {
    /// The key.
    pub key: Key,
    /// What is wrong with it.
    pub fault: Fault,
}

/// What is wrong with an annotation.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum Fault {
    /// The bare and the prefixed spelling of a key say different things.
    #[error("the key appears twice, bare and with the prefix, with different values: keep one")]
    Conflict,
    /// A value that is wrong, or that contradicts the rest of the pod.
    #[error("{rule}")]
    Refused {
        /// Why, and what would be right.
        rule: String,
    },
    /// A term that is well written, but does not go together with the rest of the pod.
    #[error("{at}: in {}: {rule}", Quoted(.term))]
    RefusedTerm {
        /// Where the term stands.
        at: TextPosition,
        /// The term.
        term: String,
        /// Why, and what would be right.
        rule: String,
    },
    /// A name that cannot be filled in.
    #[error("{at}: in {}: {error}", Quoted(.term))]
    Substitution {
        /// Where the term stands.
        at: TextPosition,
        /// The term.
        term: String,
        /// Why.
        #[source]
        error: ResolveError,
    },
    /// A list of terms or signals that breaks the grammar.
    #[error(transparent)]
    Syntax(SyntaxError),
    /// A single value that is not one of its key's.
    #[error("{} is not right: {rule}", Quoted(.value))]
    Value {
        /// The value, as written.
        value: String,
        /// What would be right.
        rule: String,
    },
}

impl AnnotationError {
    /// Returns the error of a key whose `rule` says all there is to say.
    pub fn refused(key: Key, rule: &impl ToString) -> Self {
        let rule = rule.to_string();
        let fault = Fault::Refused { rule };
        Self { key, fault }
    }

    /// Returns the error of a list that breaks the grammar.
    pub fn syntax(key: Key, error: SyntaxError) -> Self {
        let fault = Fault::Syntax(error);
        Self { key, fault }
    }

    /// Returns the error of a `value` that breaks a `rule` which does not name it.
    pub fn value(key: Key, value: &str, rule: &impl ToString) -> Self {
        let fault = Fault::Value {
            value: value.to_owned(),
            rule: rule.to_string(),
        };
        Self { key, fault }
    }

    /// Returns the column that it points at, counted from 1 over the annotation's whole value.
    pub fn column(&self) -> usize {
        match &self.fault {
            Fault::RefusedTerm { at, .. } | Fault::Substitution { at, .. } => at.column,
            Fault::Syntax(error) => error.at.column,
            Fault::Conflict | Fault::Refused { .. } | Fault::Value { .. } => 1,
        }
    }

    /// Returns the error in words, with its key as users write it.
    pub fn told(&self, keys: &Keys) -> String {
        let Self { key, fault } = self;
        format!("{}: {fault}", keys.written(*key))
    }
}

/// A warning about an annotation.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum AnnotationWarning {
    /// A list without a single term or signal.
    #[error("{written} is empty and asks for nothing: if it began with !, put the value in quotes")]
    Empty {
        /// The key.
        key: Key,
        /// The key, as written.
        written: String,
    },
    /// A key that is kept for later.
    #[error("{written} is reserved and does nothing yet")]
    Reserved {
        /// The key.
        key: Key,
        /// The key, as written.
        written: String,
    },
    /// A release, which has no effect in a manifest.
    #[error(
        "{written} releases only the existing pod whose uid it names: remove it from manifests"
    )]
    Release {
        /// The key, as written.
        written: String,
    },
    /// A key that looks like ours and is not.
    #[error("{key} is not a key of oncue: did you mean {nearest}?")]
    UnknownKey {
        /// The key, as written.
        key: String,
        /// The known key nearest to it, as it would be written.
        nearest: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        annotation::BareKeys,
        signal::Signal,
        template::{PlaceholderError, TemplateError},
    };

    fn mk_faults() -> [(Fault, usize, &'static str); 6] {
        let at = TextPosition::of("ab, cd", 4);
        let (term, rule) = ("cd".to_owned(), "the rule".to_owned());
        let value = "v".to_owned();
        let error = ResolveError::Template(TemplateError::Placeholder(PlaceholderError::Unclosed));
        let syntax = Signal::parse_list("a, b c").unwrap_err();
        [
            (Fault::Conflict, 1, "the key appears twice"),
            (Fault::Refused { rule: rule.clone() }, 1, "the rule"),
            (
                Fault::RefusedTerm {
                    at,
                    term: term.clone(),
                    rule: rule.clone(),
                },
                5,
                "column 5: in \"cd\": the rule",
            ),
            (
                Fault::Substitution { at, term, error },
                5,
                "column 5: in \"cd\": this $( is never",
            ),
            (Fault::Syntax(syntax), 6, "column 6: in \"b c\""),
            (
                Fault::Value { value, rule },
                1,
                "\"v\" is not right: the rule",
            ),
        ]
    }

    #[test]
    fn each_fault_says_where_it_is_and_what_would_be_right() {
        let keys = Keys::new("cue.example.com", BareKeys::Ignored).unwrap();
        for (fault, column, text) in mk_faults() {
            let error = AnnotationError {
                key: Key::Signals,
                fault,
            };
            assert_eq!(error.column(), column, "{error}");
            assert!(
                error.to_string().starts_with(&format!("signals: {text}")),
                "{error}"
            );
            let told = error.told(&keys);
            assert!(
                told.starts_with(&format!("cue.example.com/signals: {text}")),
                "{told}"
            );
        }
    }
}
