//! The value of the annotation `readable-from` of a namespace.

use std::collections::BTreeSet;

use oncue_language::Namespace;

/// The namespaces that may read a namespace, besides itself.
///
/// An entry that is wrong has no effect, and takes nothing from the others.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Readers {
    all: bool,
    names: BTreeSet<Namespace>,
    wrong: Option<Wrong>,
}

/// What is wrong with the value of the annotation.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Wrong {
    /// An entry is neither `*` nor the name of a namespace.
    #[error("{0:?} is neither * nor the name of a namespace")]
    Entry(Box<str>),
    /// There are too many entries.
    #[error("it names more than {MAX_NAMES} namespaces: write * for all")]
    TooMany,
}

impl Readers {
    /// Returns whether `namespace` may read.
    pub fn contains(&self, namespace: &Namespace) -> bool {
        self.all || self.names.contains(namespace)
    }

    /// Returns the first mistake in the value.
    pub fn wrong(&self) -> Option<&Wrong> {
        self.wrong.as_ref()
    }

    /// Returns how many entries are kept.
    pub(super) fn len(&self) -> usize {
        1 + self.names.len()
    }
}

/// Reads `*`, or names that commas or white space separate.
impl From<&str> for Readers {
    fn from(value: &str) -> Self {
        let mut readers = Self::default();
        let entries = value.split([',', ' ', '\t', '\n', '\r']);
        for entry in entries.filter(|entry| !entry.is_empty()) {
            match entry.parse() {
                _ if entry == "*" => readers.all = true,
                Ok(_) if readers.names.len() >= MAX_NAMES => {
                    readers.wrong.get_or_insert(Wrong::TooMany);
                }
                Ok(name) => drop(readers.names.insert(name)),
                Err(_) => {
                    let text = entry.chars().take(LONGEST_QUOTE).collect::<String>();
                    readers.wrong.get_or_insert(Wrong::Entry(text.into()));
                }
            }
        }
        if readers.all {
            readers.names.clear();
        }
        readers
    }
}

/// The most names that are kept of one namespace.
const MAX_NAMES: usize = 256;

/// The most characters of a wrong entry that are kept: a name has 63.
const LONGEST_QUOTE: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &str) -> Readers {
        value.into()
    }

    fn ns(name: &str) -> Namespace {
        name.parse().unwrap()
    }

    #[test]
    fn names_are_separated_by_commas_or_white_space() {
        for value in ["a,b", " a , b,", "a b", "a\nb", "b,,a"] {
            let readers = read(value);
            assert!(readers.contains(&ns("a")), "{value:?}");
            assert!(readers.contains(&ns("b")), "{value:?}");
            assert!(!readers.contains(&ns("c")), "{value:?}");
            assert_eq!(readers.wrong(), None, "{value:?}");
        }
        assert!(!read("").contains(&ns("a")));
    }

    #[test]
    fn a_star_means_all_and_is_no_pattern() {
        assert!(read("*").contains(&ns("a")));
        assert!(read("b, *").contains(&ns("a")));
        assert!(!read("a*").contains(&ns("a")));
        assert!(read("a*").wrong().is_some());
    }

    #[test]
    fn a_wrong_entry_takes_nothing_from_the_others() {
        for (value, entry) in [("a, Bad_Name", "Bad_Name"), ("$x a -", "$x")] {
            let readers = read(value);
            assert!(readers.contains(&ns("a")));
            assert_eq!(readers.wrong(), Some(&Wrong::Entry(entry.into())));
        }
        let long = read(&format!("{} a", "\u{e9}".repeat(1000)));
        let wrong = long.wrong().unwrap().to_string();
        assert!(wrong.len() < 200, "{wrong}");
    }

    #[test]
    fn the_number_of_names_is_limited() {
        let names = |count: usize| {
            let names: Vec<_> = (0..count).map(|it| format!("n{it}")).collect();
            names.join(" ")
        };
        assert_eq!(read(&names(MAX_NAMES)).wrong(), None);
        let many = read(&names(MAX_NAMES + 1));
        assert_eq!(many.wrong(), Some(&Wrong::TooMany));
        assert_eq!(many.len(), MAX_NAMES + 1);
        let star = read(&format!("* {}", names(MAX_NAMES)));
        assert!(star.contains(&ns("other")));
    }
}
