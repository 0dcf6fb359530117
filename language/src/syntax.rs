//! What the annotation parsers share: a cursor over the text, positions and errors.

use std::fmt;

use thiserror::Error;

use crate::{name::is_name_character, value::ends_word};

/// Something that was read from an annotation, with where it stood.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Located<T> {
    /// What was read.
    pub value: T,
    /// The column of its first character in the annotation's value, counted from 1 in characters.
    pub column: usize,
}

/// A text that breaks the grammar: where, in which term, and what would be right.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("column {column}: in {term:?}: {rule}")]
pub struct SyntaxError {
    /// The column of the offending part, counted from 1 in characters.
    pub column: usize,
    /// The whole term, as written.
    pub term: String,
    /// Which rule broke and what would be right.
    pub rule: String,
}

/// Splits `text` at commas and newlines outside of double quotes and parses each part.
pub(crate) fn parse_list<T>(
    text: &str,
    parse: impl Fn(&mut Cursor<'_>) -> Result<T, Broken>,
) -> Result<Vec<Located<T>>, SyntaxError> {
    let mut cursor = Cursor::new(text);
    let mut items = Vec::new();
    // Columns are counted on from the item before, so that a long list is read in linear time.
    let (mut counted, mut column) = (0, 1);
    loop {
        cursor.skip_while(|c| is_separator(c) || c.is_whitespace());
        if cursor.is_at_end() {
            return Ok(items);
        }
        let start = cursor.offset;
        column += text[counted..start].chars().count();
        counted = start;
        let value =
            parse_item(&mut cursor, &parse).map_err(|broken| broken.into_error(text, start))?;
        items.push(Located { value, column });
    }
}

fn parse_item<T>(
    cursor: &mut Cursor<'_>,
    parse: impl Fn(&mut Cursor<'_>) -> Result<T, Broken>,
) -> Result<T, Broken> {
    let item = parse(cursor)?;
    cursor.skip_blanks();
    match cursor.peek() {
        None => Ok(item),
        Some(c) if is_separator(c) => Ok(item),
        Some(_) => {
            let rest = cursor.rest_of_word();
            Err(cursor.broken(format!(
                "{rest:?} was not expected here: a term ends at a comma or a newline, and its \
                 parts come in the order target @namespace =value (or >=count) within duration"
            )))
        }
    }
}

/// Parses all of `text` as one item that `parse` reads.
pub(crate) fn parse_single<T>(
    text: &str,
    parse: impl Fn(&mut Cursor<'_>) -> Result<T, Broken>,
) -> Result<T, SyntaxError> {
    let mut items = parse_list(text, parse)?.into_iter();
    match (items.next(), items.next()) {
        (Some(item), None) => Ok(item.value),
        (None, _) => Err(Broken::at(0, "nothing is written here").into_error(text, 0)),
        (Some(_), Some(second)) => {
            let offset = text
                .char_indices()
                .nth(second.column - 1)
                .map_or(0, |(i, _)| i);
            Err(
                Broken::at(offset, "one term was expected, this is a second one")
                    .into_error(text, offset),
            )
        }
    }
}

fn is_separator(character: char) -> bool {
    matches!(character, ',' | '\n' | '\r')
}

/// A rule that broke at a byte offset of the whole text.
#[derive(Debug)]
pub(crate) struct Broken {
    offset: usize,
    rule: String,
}

impl Broken {
    pub(crate) fn at(offset: usize, rule: impl fmt::Display) -> Self {
        Self {
            offset,
            rule: rule.to_string(),
        }
    }

    fn into_error(self, text: &str, start: usize) -> SyntaxError {
        let length = text[start..]
            .find(is_separator)
            .unwrap_or(text.len() - start);
        SyntaxError {
            column: column(text, self.offset),
            term: text[start..start + length].trim_end().to_owned(),
            rule: self.rule,
        }
    }
}

fn column(text: &str, offset: usize) -> usize {
    text[..offset].chars().count() + 1
}

/// A position in a text that only moves forward.
pub(crate) struct Cursor<'a> {
    text: &'a str,
    pub(crate) offset: usize,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, offset: 0 }
    }

    pub(crate) fn rest(&self) -> &'a str {
        &self.text[self.offset..]
    }

    pub(crate) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub(crate) fn is_at_end(&self) -> bool {
        self.rest().is_empty()
    }

    /// Moves past `token` if the text goes on with it.
    pub(crate) fn eat(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token);
        if found {
            self.offset += token.len();
        }
        found
    }

    pub(crate) fn take_while(&mut self, accept: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let end = rest.find(|c| !accept(c)).unwrap_or(rest.len());
        self.offset += end;
        &rest[..end]
    }

    pub(crate) fn skip_while(&mut self, accept: impl Fn(char) -> bool) {
        self.take_while(accept);
    }

    /// Takes everything that may belong to a name: its characters, placeholders, those of `more`,
    /// and letters of other alphabets, so that the name's own check says what is wrong with them.
    pub(crate) fn take_name(&mut self, more: &str) -> &'a str {
        let (rest, start) = (self.rest(), self.offset);
        let foreign = |c: char| !c.is_ascii() && !c.is_whitespace();
        loop {
            self.skip_while(|c| is_name_character(c) || more.contains(c) || foreign(c));
            if !self.rest().starts_with("$(") {
                return &rest[..self.offset - start];
            }
            let placeholder = self.rest().find(')').map(|end| end + 1);
            self.offset += placeholder.unwrap_or(self.rest().len());
        }
    }

    /// Skips white space that does not end a term.
    pub(crate) fn skip_blanks(&mut self) {
        self.skip_while(|c| c.is_whitespace() && !is_separator(c));
    }

    /// Returns the text up to the next comma or white space, for a message.
    pub(crate) fn rest_of_word(&self) -> &'a str {
        let rest = self.rest();
        &rest[..rest.find(ends_word).unwrap_or(rest.len())]
    }

    /// Takes a URL or a value: to the next comma or white space, or whatever stands in quotes.
    pub(crate) fn take_word(&mut self) -> Result<String, Broken> {
        if self.peek() == Some('"') {
            self.take_quoted()
        } else {
            Ok(self.take_while(|c| !ends_word(c)).to_owned())
        }
    }

    fn take_quoted(&mut self) -> Result<String, Broken> {
        let start = self.offset;
        let mut word = String::new();
        let mut characters = self.rest().char_indices().skip(1);
        while let Some((index, character)) = characters.next() {
            match character {
                '"' => {
                    self.offset = start + index + 1;
                    return Ok(word);
                }
                '\\' => match characters.next() {
                    Some((_, escaped @ ('"' | '\\'))) => word.push(escaped),
                    _ => {
                        return Err(Broken::at(
                            start + index,
                            "a \\ in double quotes stands before \" or \\ only",
                        ));
                    }
                },
                other => word.push(other),
            }
        }
        Err(Broken::at(start, "this double quote is never closed"))
    }

    pub(crate) fn broken(&self, rule: impl fmt::Display) -> Broken {
        Broken::at(self.offset, rule)
    }
}
