//! The name that a misspelt one probably means.

use std::collections::HashMap;

/// An index that finds a name, with its value, by a misspelling.
///
/// Ignores case and separators. Finds a name if both are equal without one letter of each. This
/// covers one wrong, missing, additional, moved or swapped letter, without a look at all names.
#[derive(Debug)]
pub(super) struct Dictionary<T> {
    names: Vec<(String, T)>,
    /// The positions of the names, by their letters in full and without any one letter.
    shortened: HashMap<String, Vec<usize>>,
}

impl<T> Default for Dictionary<T> {
    fn default() -> Self {
        Self {
            names: Vec::new(),
            shortened: HashMap::new(),
        }
    }
}

impl<T> Dictionary<T> {
    pub(super) fn insert(&mut self, name: String, belongs_to: T) {
        for short in shortened(&letters(&name)) {
            self.shortened
                .entry(short)
                .or_default()
                .push(self.names.len());
        }
        self.names.push((name, belongs_to));
    }

    pub(super) fn contains(&self, name: &str) -> bool {
        let positions = self.shortened.get(&letters(name));
        let mut positions = positions.into_iter().flatten();
        positions.any(|position| self.names[*position].0 == name)
    }

    /// Returns the name nearest to `text`, the first of several, or `None` if no name is near.
    pub(super) fn nearest(&self, text: &str) -> Option<&(String, T)> {
        let text = letters(text);
        let positions = shortened(&text);
        let mut positions: Vec<_> = positions
            .filter_map(|short| self.shortened.get(&short))
            .flatten()
            .collect();
        positions.sort_unstable();
        positions.dedup();
        let near = positions.into_iter().filter_map(|position| {
            let name = &self.names[*position];
            Some((slips(&text, &name.0)?, name))
        });
        near.min_by_key(|(slips, _)| *slips).map(|(_, name)| name)
    }
}

impl<T> Extend<(String, T)> for Dictionary<T> {
    fn extend<I: IntoIterator<Item = (String, T)>>(&mut self, names: I) {
        for (name, belongs_to) in names {
            self.insert(name, belongs_to);
        }
    }
}

/// Returns the number of differences between the letters of a text and a name. Returns `None` for
/// more than two, or more than one in five characters of the name.
fn slips(text: &str, name: &str) -> Option<usize> {
    let slips = strsim::osa_distance(text, &letters(name));
    (slips <= (name.chars().count() / 5).min(2)).then_some(slips)
}

/// Returns the letters of a name in lower case, without separators.
fn letters(name: &str) -> String {
    let letters = name.chars().filter(|c| !"-_./".contains(*c));
    letters.map(|c| c.to_ascii_lowercase()).collect()
}

/// Returns `letters` in full and without any one letter. Of long names, only the first letters
/// count.
fn shortened(letters: &str) -> impl Iterator<Item = String> {
    let most = letters.char_indices().nth(LONGEST);
    let letters = &letters[..most.map_or(letters.len(), |(end, _)| end)];
    let without = letters.char_indices().map(|(at, letter)| {
        let rest = &letters[at + letter.len_utf8()..];
        [&letters[..at], rest].concat()
    });
    std::iter::once(letters.to_owned()).chain(without)
}

/// The number of letters of a name that count. Each costs one entry of the index.
const LONGEST: usize = 48;
