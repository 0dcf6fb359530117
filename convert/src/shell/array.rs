//! Arrays of bash.

use super::{
    machine::{Machine, Stop, refuse},
    syntax::{Elements, Word},
};
use crate::text::Text;

impl Machine<'_> {
    /// Assigns the fields of these words to an array, or adds them to it.
    pub(super) fn assign_array(
        &mut self,
        name: &str,
        items: &[Word],
        appends: bool,
    ) -> Result<(), Stop> {
        let mut elements = if appends {
            self.array(name)
        } else {
            Vec::new()
        };
        elements.extend(self.expand_items(items)?);
        self.set_array(name, elements);
        Ok(())
    }

    pub(super) fn set_array(&mut self, name: &str, elements: Vec<Text>) {
        if self.arrays.get(name) != Some(&elements) {
            self.progress = true;
            self.arrays.insert(name.to_owned(), elements);
        }
    }

    /// Returns the elements of an array; a variable without elements is its own first one.
    pub(super) fn array(&self, name: &str) -> Vec<Text> {
        let elements = self.arrays.get(name).cloned();
        elements.unwrap_or_else(|| self.variables.get(name).cloned().into_iter().collect())
    }

    /// Returns an element of an array, all of them as one text, or their number.
    pub(super) fn elements(&mut self, name: &str, which: &Elements) -> Result<Text, Stop> {
        let elements = self.array(name);
        Ok(match which {
            Elements::All => Text::joined(elements, " "),
            Elements::Count => Text::known(elements.len().to_string()),
            Elements::At(index) => {
                let index = match self.compute(index)? {
                    Ok(index) => index,
                    Err(reason) => return Ok(Text::Unknown(reason)),
                };
                let from_end = |index: i64| index + i64::try_from(elements.len()).unwrap_or(0);
                let index = if index < 0 { from_end(index) } else { index };
                match usize::try_from(index) {
                    Ok(index) => elements.into_iter().nth(index).unwrap_or(Text::known("")),
                    Err(_) => {
                        return refuse("counts the elements of an array from before its first");
                    }
                }
            }
        })
    }
}
