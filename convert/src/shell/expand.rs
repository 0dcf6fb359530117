//! Words to texts: parameters, command substitution, arithmetic and field splitting.

use super::{
    machine::{Machine, Status, Stop, refuse},
    pattern,
    separators::Separators,
    syntax::{Change, Elements, List, Piece, Word},
};
use crate::{
    surroundings::Dialect,
    text::{Answer, Text},
};

/// Most words that one word becomes.
const MAX_FIELDS: i64 = 10_000;

impl Machine<'_> {
    /// Expands words, and splits what is not in quotes.
    pub(crate) fn expand(&mut self, words: &[Word]) -> Result<Vec<Text>, Stop> {
        let mut fields = Vec::new();
        for word in words {
            self.expand_into(word, &mut fields)?;
        }
        Ok(fields)
    }

    /// Expands the items of a `for` loop, which may be ranges or files.
    pub(super) fn expand_items(&mut self, words: &[Word]) -> Result<Vec<Text>, Stop> {
        let mut fields = Vec::new();
        for word in words {
            if let Some(range) = self.range(word) {
                fields.extend(range);
            } else if has_glob(word) {
                return refuse("loops over files");
            } else {
                self.expand_into(word, &mut fields)?;
            }
        }
        Ok(fields)
    }

    /// Expands a word to one text, as in an assignment.
    pub(crate) fn expand_one(&mut self, word: &Word) -> Result<Text, Stop> {
        let mut texts = Vec::new();
        for piece in word {
            texts.push(self.piece(piece)?);
        }
        Ok(Text::concat(texts))
    }

    fn expand_into(&mut self, word: &Word, fields: &mut Vec<Text>) -> Result<(), Stop> {
        let mut current: Option<Text> = None;
        let add = |current: &mut Option<Text>, text: Text| {
            *current = Some(current.take().unwrap_or(Text::known("")).append(text));
        };
        for piece in word {
            if let Some(elements) = self.all_elements(piece) {
                if elements.is_empty() && current == Some(Text::known("")) {
                    current = None;
                }
                for (index, element) in elements.into_iter().enumerate() {
                    if index > 0 {
                        fields.extend(current.take());
                    }
                    add(&mut current, element);
                }
                continue;
            }
            let text = self.piece(piece)?;
            match text {
                Text::Known(text) if is_split(piece) => {
                    let separators = self.separators()?;
                    if text.starts_with(|c| separators.contains(c)) {
                        fields.extend(current.take());
                    }
                    let mut parts = separators.split(&text).into_iter().peekable();
                    while let Some(part) = parts.next() {
                        add(&mut current, Text::known(part));
                        if parts.peek().is_some() || text.ends_with(|c| separators.contains(c)) {
                            fields.extend(current.take());
                        }
                    }
                }
                text => add(&mut current, text),
            }
        }
        fields.extend(current);
        Ok(())
    }

    /// Returns the elements that become a field each: of `"$@"` and `"${array[@]}"`.
    fn all_elements(&self, piece: &Piece) -> Option<Vec<Text>> {
        match piece {
            Piece::Parameter { name, .. } if name == "@" => Some(self.positional.clone()),
            Piece::Elements {
                name,
                which: Elements::All,
            } => Some(self.array(name)),
            _ => None,
        }
    }

    /// Returns what separates fields: `$IFS`.
    pub(super) fn separators(&self) -> Result<Separators, Stop> {
        match self.variables.get("IFS").map(Text::get) {
            None => Ok(Separators::default()),
            Some(Ok(characters)) => Ok(Separators(characters.to_owned())),
            Some(Err(reason)) => refuse(format!("splits words at a text that it {reason}")),
        }
    }

    pub(super) fn piece(&mut self, piece: &Piece) -> Result<Text, Stop> {
        Ok(match piece {
            Piece::Arithmetic(word) => match self.compute(word)? {
                Ok(number) => Text::known(number.to_string()),
                Err(reason) => Text::Unknown(reason),
            },
            Piece::Command { list, .. } => self.substitution(list)?,
            Piece::Elements { name, which } => self.elements(name, which)?,
            Piece::Parameter { name, change, .. } => self.parameter(name, change)?,
            Piece::Text { text, .. } => Text::known(text.as_str()),
            Piece::Unclear(reason) => Text::unknown(reason.as_str()),
        })
    }

    fn substitution(&mut self, list: &List) -> Result<Text, Stop> {
        let (status, written) = self.capture(|machine| {
            machine.nest(|machine| machine.subshell(|machine| machine.list(list)))
        })?;
        self.last = status.clone();
        self.substituted = Some(status);
        Ok(written.trim_end())
    }

    fn parameter(&mut self, name: &str, change: &Change) -> Result<Text, Stop> {
        let value = self.value(name);
        Ok(match change {
            Change::None | Change::Demand => match value {
                Ok(value) => value,
                Err(unset) => Text::Unknown(unset.reason),
            },
            Change::Default { word, is_for_empty } => self.or_word(value, word, *is_for_empty)?.0,
            Change::Assign { word, is_for_empty } => {
                let (text, is_word) = self.or_word(value, word, *is_for_empty)?;
                if is_word {
                    self.assign(name, text.clone());
                }
                text
            }
            Change::Other { word } => match value {
                Ok(Text::Known(text)) if text.is_empty() => Text::known(""),
                Ok(Text::Known(_)) => self.expand_one(word)?,
                Err(unset) if unset.is_certain => Text::known(""),
                Err(unset) => Text::Unknown(unset.reason),
                Ok(Text::Unknown(reason)) => Text::Unknown(reason),
                Ok(Text::Answer(_)) => Text::unknown("changes what a command prints"),
            },
            Change::Length => change_known(value, |text| text.chars().count().to_string()),
            Change::Replace {
                pattern,
                with,
                everywhere,
            } => match self.expand_one(with)? {
                Text::Known(with) => change_known(value, |text| {
                    pattern::replace(text, pattern, (&with, *everywhere))
                }),
                other => other,
            },
            Change::WithoutPrefix { pattern, longest } => change_known(value, |text| {
                pattern::without_prefix(text, pattern, *longest).to_owned()
            }),
            Change::WithoutSuffix { pattern, longest } => change_known(value, |text| {
                pattern::without_suffix(text, pattern, *longest).to_owned()
            }),
        })
    }

    /// Returns the value, or the word if there is none, and whether it is the word.
    fn or_word(
        &mut self,
        value: Result<Text, Unset>,
        word: &Word,
        is_for_empty: bool,
    ) -> Result<(Text, bool), Stop> {
        Ok(match value {
            Ok(Text::Known(text)) if text.is_empty() && is_for_empty => {
                (self.expand_one(word)?, true)
            }
            Ok(text) => (text, false),
            Err(unset) if unset.is_certain => (self.expand_one(word)?, true),
            Err(unset) => (Text::Unknown(unset.reason), false),
        })
    }

    /// Returns the value of a parameter.
    pub(crate) fn value(&mut self, name: &str) -> Result<Text, Unset> {
        if let Some(value) = self.variables.get(name) {
            return Ok(value.clone());
        }
        if let Some(first) = self.arrays.get(name).and_then(|elements| elements.first()) {
            return Ok(first.clone());
        }
        let number = name.parse::<usize>();
        match (name, number) {
            ("?", _) => Ok(match &self.last {
                Status::Code(code) => Text::known(code.to_string()),
                Status::Unclear(reason) => Text::unknown(reason.as_str()),
            }),
            ("#", _) => Ok(Text::known(self.positional.len().to_string())),
            ("@", _) => Ok(Text::joined(self.positional.clone(), " ")),
            ("SECONDS", _) if self.dialect == Dialect::Bash => {
                self.progress = true;
                let seconds = (self.clock / 1000).wrapping_add(self.seconds);
                Ok(Text::known(seconds.to_string()))
            }
            (_, Ok(0)) => Ok(self.script_name.clone()),
            (_, Ok(number)) => self.positional.get(number - 1).cloned().ok_or(Unset {
                is_certain: true,
                reason: format!("uses ${name}, an argument that is not given"),
            }),
            _ => self.surroundings.environment.get(name),
        }
    }

    /// Returns the numbers of `{1..30}`, which only some shells expand.
    fn range(&self, word: &Word) -> Option<Vec<Text>> {
        let [
            Piece::Text {
                text,
                is_quoted: false,
            },
        ] = word.as_slice()
        else {
            return None;
        };
        if self.dialect == Dialect::Posix {
            return None;
        }
        let range = text.strip_prefix('{')?.strip_suffix('}')?;
        let (first, last) = range.split_once("..")?;
        let (first, last) = (first.parse::<i64>().ok()?, last.parse::<i64>().ok()?);
        let count = last.checked_sub(first)?;
        (0..MAX_FIELDS).contains(&count).then(|| {
            let numbers = first..=last;
            numbers
                .map(|number| Text::known(number.to_string()))
                .collect()
        })
    }

    /// Writes the texts as `echo` does.
    pub(crate) fn echo(&mut self, texts: Vec<Text>) -> Status {
        let mut line = Text::known("");
        for (index, text) in texts.into_iter().enumerate() {
            if index > 0 {
                line = line.append(Text::known(" "));
            }
            line = line.append(text);
        }
        self.write(line.append(Text::known("\n")));
        Status::SUCCESS
    }
}

/// A parameter that has no value in the files.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Unset {
    /// Whether nothing that the files do not show can set it, except for the image.
    pub(crate) is_certain: bool,
    /// To be read after "it".
    pub(crate) reason: String,
}

fn change_known(value: Result<Text, Unset>, change: impl Fn(&str) -> String) -> Text {
    match value {
        Ok(Text::Known(text)) => Text::Known(change(&text)),
        Ok(Text::Answer(Answer { .. })) => Text::unknown("changes what a command prints"),
        Ok(Text::Unknown(reason)) => Text::Unknown(reason),
        Err(unset) => Text::Unknown(unset.reason),
    }
}

fn is_split(piece: &Piece) -> bool {
    matches!(
        piece,
        Piece::Command {
            is_quoted: false,
            ..
        } | Piece::Parameter {
            is_quoted: false,
            ..
        }
    )
}

fn has_glob(word: &Word) -> bool {
    word.iter().any(|piece| {
        matches!(piece, Piece::Text { text, is_quoted: false } if text.contains(['*', '?', '[']))
    })
}
