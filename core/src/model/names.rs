//! Lists of names that stay short.

/// The first of some names, and how many more there are.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Names {
    shown: Vec<String>,
    more: usize,
}

impl Names {
    /// Keeps the first of `count` names; of those that follow each other and are alike, one.
    pub fn new(count: usize, names: impl Iterator<Item = String>) -> Self {
        let mut shown: Vec<_> = names.take(MOST_SHOWN).collect();
        let more = count - shown.len();
        shown.dedup();
        Self { shown, more }
    }

    /// Returns whether there is none.
    pub fn is_empty(&self) -> bool {
        self.shown.is_empty()
    }

    /// Returns the names with `separator` between them.
    pub fn join(&self, separator: &str) -> String {
        let names = self.shown.join(separator);
        match self.more {
            0 => names,
            more => format!("{names}{separator}{more} more"),
        }
    }
}

/// The most names that are listed one by one.
const MOST_SHOWN: usize = 10;
