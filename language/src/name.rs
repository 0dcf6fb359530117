//! Variable names and the namespaces they live in.

use std::{borrow::Borrow, fmt, str::FromStr, sync::Arc};

use thiserror::Error;

/// Longest variable name, in bytes.
pub const MAX_NAME_BYTES: usize = 255;

/// Longest DNS label (RFC 1123), in bytes.
const MAX_LABEL_BYTES: usize = 63;

/// Longest DNS subdomain, in bytes: the longest name of most objects.
pub const MAX_SUBDOMAIN_BYTES: usize = 253;

/// The name of a variable: segments of `[A-Za-z0-9._-]` joined by single slashes, 1 to 255 bytes.
///
/// Leading, trailing and repeated slashes are dropped while parsing, so that two spellings of one
/// name are equal.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct VariableName(Arc<str>);

impl VariableName {
    /// Returns the canonical text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the segments from the outermost to the innermost; there is at least one.
    pub fn segments(&self) -> impl Iterator<Item = &str> {
        self.0.split('/')
    }

    /// Returns the names above this one, the nearest first: `a/b`, `a` for `a/b/c`.
    pub fn ancestors(&self) -> impl Iterator<Item = VariableName> {
        let mut end = self.0.len();
        std::iter::from_fn(move || {
            end = self.0[..end].rfind('/')?;
            Some(Self(self.0[..end].into()))
        })
    }

    /// Returns whether this name lies below `prefix`, at any depth; no name lies below itself.
    pub fn is_below(&self, prefix: &VariableName) -> bool {
        self.0
            .strip_prefix(prefix.as_str())
            .is_some_and(|rest| rest.starts_with('/'))
    }
}

/// Names are ordered and hashed as their text is, so that a map can be searched by text.
impl Borrow<str> for VariableName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for VariableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for VariableName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let mut name = String::with_capacity(text.len());
        for segment in text.split('/').filter(|segment| !segment.is_empty()) {
            check_segment(segment)?;
            if !name.is_empty() {
                name.push('/');
            }
            name.push_str(segment);
        }
        check_length(&name)?;
        Ok(Self(name.into()))
    }
}

/// Which rule a name broke.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum NameError {
    /// A character outside `[A-Za-z0-9._-]` and `/`.
    #[error(
        "{character:?} is not allowed in a variable name: segments of A-Z a-z 0-9 . _ - are joined by /"
    )]
    Character {
        /// The first character that is not allowed.
        character: char,
    },
    /// A segment that is `.` or `..`.
    #[error("a segment of a variable name must not be {segment:?}")]
    Dots {
        /// The segment.
        segment: String,
    },
    /// No segment at all.
    #[error("a variable name must not be empty: write one such as first/container")]
    Empty,
    /// More than [`MAX_NAME_BYTES`].
    #[error("a variable name has at most {MAX_NAME_BYTES} bytes, this one has {bytes}")]
    Long {
        /// The length of the canonical form.
        bytes: usize,
    },
}

pub(crate) fn check_segment(segment: &str) -> Result<(), NameError> {
    if segment == "." || segment == ".." {
        return Err(NameError::Dots {
            segment: segment.to_owned(),
        });
    }
    match segment.chars().find(|c| !is_name_character(*c)) {
        Some(character) => Err(NameError::Character { character }),
        None => Ok(()),
    }
}

pub(crate) fn is_name_character(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '.' | '_' | '-')
}

fn check_length(name: &str) -> Result<(), NameError> {
    match name.len() {
        0 => Err(NameError::Empty),
        1..=MAX_NAME_BYTES => Ok(()),
        bytes => Err(NameError::Long { bytes }),
    }
}

/// A namespace: a DNS label (RFC 1123); in a cluster, a Kubernetes namespace.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Namespace(Arc<str>);

impl Namespace {
    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Namespace {
    fn default() -> Self {
        Self("default".into())
    }
}

impl fmt::Display for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Namespace {
    type Err = NamespaceError;

    fn from_str(text: &str) -> Result<Self, NamespaceError> {
        if is_dns_label(text) {
            Ok(Self(text.into()))
        } else {
            Err(NamespaceError {
                text: text.to_owned(),
            })
        }
    }
}

/// A namespace that is not a DNS label.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error(
    "{text:?} is not a namespace: a DNS label has 1 to 63 of a-z 0-9 - and begins and ends with a letter or digit"
)]
pub struct NamespaceError {
    text: String,
}

/// Returns whether `text` is a DNS label (RFC 1123).
pub fn is_dns_label(text: &str) -> bool {
    text.len() <= MAX_LABEL_BYTES && has_form_of_label(text)
}

/// Returns whether `text` is a DNS subdomain as Kubernetes takes it: a part may be longer than a
/// label.
pub fn is_dns_subdomain(text: &str) -> bool {
    text.len() <= MAX_SUBDOMAIN_BYTES && text.split('.').all(has_form_of_label)
}

fn has_form_of_label(text: &str) -> bool {
    let inner = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit();
    let bytes = text.as_bytes();
    bytes.iter().all(|&c| inner(c) || c == b'-')
        && bytes.first().is_some_and(|&c| inner(c))
        && bytes.last().is_some_and(|&c| inner(c))
}

/// A variable's full address: its namespace and its name.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct VariableKey {
    /// Where it lives.
    pub namespace: Namespace,
    /// What it is called there.
    pub name: VariableName,
}

impl VariableKey {
    /// Returns the key of `name` in `namespace`.
    pub fn new(namespace: Namespace, name: VariableName) -> Self {
        Self { namespace, name }
    }
}

impl fmt::Display for VariableKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.name, self.namespace)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn drops_leading_trailing_and_repeated_slashes() {
        let name: VariableName = "//a///b/".parse().unwrap();
        assert_eq!(name.as_str(), "a/b");
    }

    #[test]
    fn names_the_rule_that_broke() {
        let long = "x".repeat(256);
        for (text, rule) in [
            ("", "must not be empty"),
            ("///", "must not be empty"),
            ("a/../b", "must not be \"..\""),
            (".", "must not be \".\""),
            ("a b", "' ' is not allowed"),
            ("a\0", "'\\0' is not allowed"),
            ("é", "'é' is not allowed"),
            (long.as_str(), "at most 255 bytes, this one has 256"),
        ] {
            let error = text.parse::<VariableName>().unwrap_err().to_string();
            assert!(error.contains(rule), "{text:?}: {error}");
        }
    }

    #[test]
    fn accepts_255_bytes() {
        assert!("x".repeat(255).parse::<VariableName>().is_ok());
    }

    #[test]
    fn lies_below_its_ancestors_only() {
        let name: VariableName = "a/b/c".parse().unwrap();
        let ancestors: Vec<_> = name.ancestors().map(|n| n.to_string()).collect();
        assert_eq!(ancestors, ["a/b", "a"]);
        assert!(name.ancestors().all(|ancestor| name.is_below(&ancestor)));
        assert!(!name.is_below(&name));
        assert!(
            !"ab/c"
                .parse::<VariableName>()
                .unwrap()
                .is_below(&"a".parse().unwrap())
        );
    }

    #[test]
    fn a_namespace_is_a_dns_label() {
        assert!("kube-system".parse::<Namespace>().is_ok());
        for bad in ["", "-a", "a-", "A", "a.b", &"x".repeat(64)] {
            assert!(bad.parse::<Namespace>().is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn printing_and_parsing_are_inverse(text in "[A-Za-z0-9_-]{1,9}(/[A-Za-z0-9._-]{0,3}x){0,5}") {
            let name: VariableName = text.parse().unwrap();
            prop_assert_eq!(name.to_string().parse::<VariableName>().unwrap(), name);
        }

        #[test]
        fn any_text_parses_or_names_a_rule(text in ".*") {
            if let Ok(name) = text.parse::<VariableName>() {
                prop_assert!(name.as_str().len() <= MAX_NAME_BYTES);
            }
        }
    }

    #[test]
    fn a_map_of_names_is_searched_by_text() {
        let name: VariableName = "a/b".parse().unwrap();
        let names = std::collections::BTreeSet::from([name.clone()]);
        assert!(names.contains("a/b") && !names.contains("a"));
        assert_eq!(name.segments().collect::<Vec<_>>(), ["a", "b"]);
        let key = VariableKey::new("shop".parse().unwrap(), name);
        assert_eq!(key.to_string(), "a/b@shop");
        assert_eq!(Namespace::default().as_str(), "default");
        assert!("x".repeat(63).parse::<Namespace>().is_ok());
    }
}
