//! The name that was perhaps meant.

use std::collections::HashMap;

/// Names, with what each belongs to, that are found by a misspelt one.
///
/// Case and separators do not count. A name is found if the two are alike once a letter is left out
/// of each, so that one wrong, missing, additional, moved or swapped letter is found without a look
/// at all the others.
#[derive(Debug)]
pub(super) struct Dictionary<T> {
    names: Vec<(String, T)>,
    /// The positions of the names, by what is left of them without one letter, or in full.
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

    /// Returns the name that is nearest to `text`, the first of several, if one is near.
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

/// Returns how many slips lie between the letters of a text and those of a name, if that is at most
/// one in five characters of the name, and two.
fn slips(text: &str, name: &str) -> Option<usize> {
    let slips = strsim::osa_distance(text, &letters(name));
    (slips <= (name.chars().count() / 5).min(2)).then_some(slips)
}

/// Returns what is left of a name without its case and separators.
fn letters(name: &str) -> String {
    let letters = name.chars().filter(|c| !"-_./".contains(*c));
    letters.map(|c| c.to_ascii_lowercase()).collect()
}

/// Returns `letters`, and what is left of them without any one of them; of long ones, the first
/// part alone counts.
fn shortened(letters: &str) -> impl Iterator<Item = String> {
    let most = letters.char_indices().nth(LONGEST);
    let letters = &letters[..most.map_or(letters.len(), |(end, _)| end)];
    let without = letters.char_indices().map(|(at, letter)| {
        let rest = &letters[at + letter.len_utf8()..];
        [&letters[..at], rest].concat()
    });
    std::iter::once(letters.to_owned()).chain(without)
}

/// How many letters of a name count: each costs one entry of the index.
const LONGEST: usize = 48;
