//! Names of which a part is known only once a pod runs.

use crate::language::NameTemplate;

/// A name with unknown parts, each of which stands for one or more characters, or digits.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Pattern {
    /// What comes before the first unknown part.
    stem: Box<str>,
    /// The rest; empty if all is known.
    rest: Vec<Symbol>,
}

#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
enum Symbol {
    /// This character.
    Exactly(char),
    /// Any characters of a class, or none.
    Many(Class),
    /// Any one character of a class.
    One(Class),
}

#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
enum Class {
    Any,
    /// What a pod's number is made of.
    Digit,
}

/// The label that carries the name of a pod of a `StatefulSet`.
const POD_NAME_LABEL: &str = "labels['statefulset.kubernetes.io/pod-name']";

impl Pattern {
    /// Returns the pattern of one name.
    pub(super) fn literal(name: &str) -> Self {
        Self {
            stem: name.into(),
            rest: Vec::new(),
        }
    }

    /// Returns the pattern of `name` as the pods of the workload of the name `workload` fill it in.
    pub(super) fn new(name: &NameTemplate, workload: &str) -> Self {
        match name.literal() {
            Some(name) => Self::literal(name),
            None => Self::parse(&name.to_string(), workload),
        }
    }

    fn parse(mut rest: &str, workload: &str) -> Self {
        let mut pattern = Builder::default();
        while let Some((literal, hole)) = rest.split_once("$(") {
            pattern.push(literal);
            let (placeholder, after) = hole.split_once(')').unwrap_or((hole, ""));
            if matches!(placeholder, "POD_NAME" | POD_NAME_LABEL) {
                pattern.push(workload);
                pattern.push("-");
            }
            pattern.push_unknown(match placeholder {
                POD_NAME_LABEL
                | "labels['apps.kubernetes.io/pod-index']"
                | "labels['batch.kubernetes.io/job-completion-index']" => Class::Digit,
                _ => Class::Any,
            });
            rest = after;
        }
        pattern.push(rest);
        pattern.finish()
    }

    /// Returns the pattern of everything below this name.
    pub(super) fn below(self) -> Self {
        let mut pattern = Builder {
            stem: self.stem.into(),
            rest: self.rest,
        };
        pattern.push("/");
        pattern.push_unknown(Class::Any);
        pattern.finish()
    }

    /// Returns what comes before the first unknown part.
    pub(super) fn stem(&self) -> &str {
        &self.stem
    }

    /// Returns whether all of it is known.
    pub(super) fn is_literal(&self) -> bool {
        self.rest.is_empty()
    }

    /// Returns whether one name can be both.
    pub(super) fn overlaps(&self, other: &Self) -> bool {
        if self.is_literal() && other.is_literal() {
            return self.stem == other.stem;
        }
        let common = self.stem.len().min(other.stem.len());
        if self.stem.as_bytes()[..common] != other.stem.as_bytes()[..common] {
            return false;
        }
        // The rows and columns of what is left of the two: does it match?
        let (ours, theirs) = (self.symbols_after(common), other.symbols_after(common));
        let mut below = vec![false; theirs.len() + 1];
        for i in (0..=ours.len()).rev() {
            let mut row = vec![false; theirs.len() + 1];
            for j in (0..=theirs.len()).rev() {
                row[j] = match (ours.get(i), theirs.get(j)) {
                    (None, None) => true,
                    (Some(Symbol::Many(_)), None) => below[j],
                    (None, Some(Symbol::Many(_))) => row[j + 1],
                    (None, Some(_)) | (Some(_), None) => false,
                    // Where both could be the same characters, both can be none as well.
                    (Some(Symbol::Many(_)), Some(Symbol::Many(_))) => below[j] || row[j + 1],
                    (Some(ours @ Symbol::Many(_)), Some(theirs)) => {
                        below[j] || ours.meets(*theirs) && row[j + 1]
                    }
                    (Some(ours), Some(theirs @ Symbol::Many(_))) => {
                        row[j + 1] || ours.meets(*theirs) && below[j]
                    }
                    (Some(ours), Some(theirs)) => ours.meets(*theirs) && below[j + 1],
                };
            }
            below = row;
        }
        below[0]
    }

    fn symbols_after(&self, bytes: usize) -> Vec<Symbol> {
        let stem = self.stem[bytes..].chars().map(Symbol::Exactly);
        stem.chain(self.rest.iter().copied()).collect()
    }
}

/// A pattern while it is put together.
#[derive(Default)]
struct Builder {
    stem: String,
    rest: Vec<Symbol>,
}

impl Builder {
    fn push(&mut self, text: &str) {
        if self.rest.is_empty() {
            self.stem.push_str(text);
        } else {
            self.rest.extend(text.chars().map(Symbol::Exactly));
        }
    }

    fn push_unknown(&mut self, class: Class) {
        self.rest.extend([Symbol::One(class), Symbol::Many(class)]);
    }

    fn finish(self) -> Pattern {
        Pattern {
            stem: self.stem.into(),
            rest: self.rest,
        }
    }
}

impl Symbol {
    /// Returns whether one character can be both.
    fn meets(self, other: Self) -> bool {
        match (self, other) {
            (Self::Exactly(ours), Self::Exactly(theirs)) => ours == theirs,
            (Self::Exactly(character), Self::Many(class) | Self::One(class))
            | (Self::Many(class) | Self::One(class), Self::Exactly(character)) => {
                class == Class::Any || character.is_ascii_digit()
            }
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mk_pattern(name: &str) -> Pattern {
        Pattern::new(&name.parse().unwrap(), "db")
    }

    #[test]
    fn one_name_can_be_both() {
        for (ours, theirs, overlap) in [
            ("a/b", "a/b", true),
            ("a/b", "a/c", false),
            ("a/b", "a/bc", false),
            ("a/$(POD_NAME)", "a/db-0", true),
            ("a/$(POD_NAME)", "a/db", false),
            ("a/$(POD_NAME)", "a/web-0", false),
            ("a/$(NODE_NAME)", "a/$(NODE_NAME)", true),
            ("a/$(NODE_NAME)/x", "a/n1/x", true),
            ("a/$(NODE_NAME)/x", "a/n1/y", false),
            ("$(NODE_NAME)/x", "y/$(NODE_NAME)", true),
            ("a/$(labels['apps.kubernetes.io/pod-index'])", "a/17", true),
            ("a/$(labels['apps.kubernetes.io/pod-index'])", "a/b", false),
            ("a/$(labels['apps.kubernetes.io/pod-index'])", "a/1b", false),
            (
                "a/$(labels['apps.kubernetes.io/pod-index'])",
                "a/$(NODE_NAME)",
                true,
            ),
            (
                "a/$(labels['batch.kubernetes.io/job-completion-index'])/x",
                "a/$(NODE_NAME)/y",
                false,
            ),
            (
                "$(labels['statefulset.kubernetes.io/pod-name'])",
                "db-12",
                true,
            ),
            (
                "$(labels['statefulset.kubernetes.io/pod-name'])",
                "db-x",
                false,
            ),
        ] {
            let (ours, theirs) = (mk_pattern(ours), mk_pattern(theirs));
            assert_eq!(ours.overlaps(&theirs), overlap, "{ours:?} {theirs:?}");
            assert_eq!(theirs.overlaps(&ours), overlap, "{theirs:?} {ours:?}");
        }
    }

    #[test]
    fn no_name_is_below_itself() {
        assert!(mk_pattern("a").below().overlaps(&mk_pattern("a/b/c")));
        assert!(
            mk_pattern("a")
                .below()
                .overlaps(&mk_pattern("a/$(POD_UID)"))
        );
        assert!(!mk_pattern("a").below().overlaps(&mk_pattern("a")));
        assert!(!mk_pattern("a").below().overlaps(&mk_pattern("ab/c")));
    }
}
