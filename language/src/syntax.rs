//! What the annotation parsers share: a cursor over the text, positions and errors.

use std::fmt;

use thiserror::Error;

use crate::{name::is_name_character, value::ends_word};

/// Something that was read from an annotation, with its position.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Located<T> {
    /// What was read.
    pub value: T,
    /// Where its first character stood in the annotation's value.
    pub at: TextPosition,
}

/// Where something stands in an annotation's value, counted from 1 in characters.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct TextPosition {
    /// The column, counted over the whole value.
    pub column: usize,
    /// The line and the column in it, if the value has more than one line.
    in_line: Option<(usize, usize)>,
}

impl TextPosition {
    /// Returns the position of the byte at `offset` of `text`.
    pub fn of(text: &str, offset: usize) -> Self {
        TextPositions::new(text).forward_to(offset)
    }
}

/// Prints `column 11`, or `line 2, column 11` if the value has more than one line.
impl fmt::Display for TextPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.in_line {
            None => write!(f, "column {}", self.column),
            Some((line, column)) => write!(f, "line {line}, column {column}"),
        }
    }
}

/// Counts on from the position before, so that a long list is read in linear time.
struct TextPositions<'a> {
    text: &'a str,
    offset: usize,
    at: TextPosition,
}

impl<'a> TextPositions<'a> {
    fn new(text: &'a str) -> Self {
        // The newline at the end of a block scalar begins no line that anybody sees.
        let has_lines = text.trim_end().contains('\n');
        Self {
            text,
            offset: 0,
            at: TextPosition {
                column: 1,
                in_line: has_lines.then_some((1, 1)),
            },
        }
    }

    /// Returns the position of the byte at `offset`, which lies at or behind the last one.
    fn forward_to(&mut self, offset: usize) -> TextPosition {
        let passed = &self.text[self.offset..offset];
        self.offset = offset;
        self.at.column += passed.chars().count();
        if let Some((line, column)) = &mut self.at.in_line {
            if let Some(newline) = passed.rfind('\n') {
                *line += passed.matches('\n').count();
                *column = passed[newline..].chars().count();
            } else {
                *column += passed.chars().count();
            }
        }
        self.at
    }
}

/// A text that breaks the grammar: where, in which term, and what would be right.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("{at}: in {}: {rule}", Quoted(.term))]
pub struct SyntaxError {
    /// Where the offending part stands.
    pub at: TextPosition,
    /// The whole term, as written.
    pub term: String,
    /// Which rule broke and what would be right.
    pub rule: String,
}

/// Prints a text in double quotes, cut if it is too long for a message.
pub(crate) struct Quoted<'a>(pub(crate) &'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.char_indices().nth(MAX_QUOTED) {
            Some((end, _)) => write!(f, "{:?}...", &self.0[..end]),
            None => write!(f, "{:?}", self.0),
        }
    }
}

/// The longest name fits, with what may stand around it.
const MAX_QUOTED: usize = 300;

/// Splits `text` at commas and newlines outside of double quotes and parses each part.
pub(crate) fn parse_list<T>(
    text: &str,
    parse: impl Fn(&mut Cursor<'_>) -> Result<T, Broken>,
) -> Result<Vec<Located<T>>, SyntaxError> {
    let mut cursor = Cursor::new(text);
    let mut items = Vec::new();
    let mut positions = TextPositions::new(text);
    loop {
        cursor.skip_while(|c| is_separator(c) || c.is_whitespace());
        if cursor.is_at_end() {
            return Ok(items);
        }
        let start = cursor.offset;
        let value =
            parse_item(&mut cursor, &parse).map_err(|broken| broken.into_error(text, start))?;
        let at = positions.forward_to(start);
        items.push(Located { value, at });
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
            let rest = Quoted(cursor.rest_of_word());
            Err(cursor.broken(format!(
                "{rest} was not expected here: a term ends at a comma or a newline, and its \
                 parts come in the order target @namespace {{path}} =value (or >=count) on node \
                 within duration"
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
                .nth(second.at.column - 1)
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
        SyntaxError {
            at: TextPosition::of(text, self.offset),
            term: first_term(&text[start..]).trim_end().to_owned(),
            rule: self.rule,
        }
    }
}

/// Returns `text` up to its first separator that is not in double quotes or brackets; one that is
/// never closed holds none.
fn first_term(text: &str) -> &str {
    let (mut quoted, mut escaped, mut open) = (false, false, 0_usize);
    let end = text.find(|c| {
        let is_end = is_separator(c) && !quoted && open == 0;
        quoted ^= c == '"' && !escaped;
        escaped = quoted && c == '\\' && !escaped;
        match c {
            '[' | '{' if !quoted => open += 1,
            ']' | '}' if !quoted => open = open.saturating_sub(1),
            _ => {}
        }
        is_end
    });
    let is_closed = !quoted && open == 0;
    let end = if is_closed {
        end
    } else {
        text.find(is_separator)
    };
    &text[..end.unwrap_or(text.len())]
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

    /// Takes a URL or a value: to the next comma or white space, or the text in quotes.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{signal::Signal, term::Term};

    #[test]
    fn a_position_counts_characters_and_lines() {
        for (text, offset, printed) in [
            ("abc", 0, "column 1"),
            ("\u{e9}bc", 3, "column 3"),
            ("a\n", 1, "column 2"),
            ("a\nb", 0, "line 1, column 1"),
            ("a\nb", 2, "line 2, column 1"),
            ("a\n\n\u{e9}b", 5, "line 3, column 2"),
        ] {
            assert_eq!(
                TextPosition::of(text, offset).to_string(),
                printed,
                "{text:?} {offset}"
            );
        }
        assert_eq!(TextPosition::of("a\nb", 2).column, 3);
    }

    #[test]
    fn a_long_text_is_quoted_in_part() {
        assert_eq!(Quoted("a\"b").to_string(), r#""a\"b""#);
        let exact = "x".repeat(MAX_QUOTED);
        assert_eq!(Quoted(&exact).to_string(), format!("{exact:?}"));
        assert_eq!(
            Quoted(&format!("{exact}y")).to_string(),
            format!("{exact:?}...")
        );
    }

    #[test]
    fn a_single_term_is_one_and_not_none_or_two() {
        assert!(" a ,".parse::<Signal>().is_ok());
        let none = " ,".parse::<Signal>().unwrap_err();
        assert_eq!(
            (none.at.column, &*none.rule),
            (1, "nothing is written here")
        );
        let two = "\u{e9}=1, b"
            .replace('\u{e9}', "e")
            .parse::<Signal>()
            .unwrap_err();
        assert_eq!((two.at.column, &*two.term), (6, "b"));
        assert!(two.rule.contains("this is a second one"), "{two}");
    }

    #[test]
    fn the_term_of_an_error_ends_at_a_separator_outside_of_quotes() {
        for (text, term) in [
            ("a b, c", "a b"),
            ("a b\nc", "a b"),
            ("a=\"x, y\" z, b", "a=\"x, y\" z"),
            ("a=\"x\\\", y\" z, b", "a=\"x\\\", y\" z"),
            ("a=\"x\\\\\" z, b", "a=\"x\\\\\" z"),
            ("a=\"x, b", "a=\"x"),
            ("a=\"x, y\" z", "a=\"x, y\" z"),
            ("pod:[a=b, c=d] z, b", "pod:[a=b, c=d] z"),
            ("pod:x{.a['b, c']} z, b", "pod:x{.a['b, c']} z"),
            ("pod:[a=b, c=\"[\"], b", "pod:[a=b, c=\"[\"]"),
            ("pod:[a=b z, c", "pod:[a=b z"),
        ] {
            assert_eq!(Term::parse_list(text).unwrap_err().term, term, "{text}");
        }
    }

    #[test]
    fn quotes_escape_quotes_and_backslashes_only() {
        let term = |text: &str| Term::parse_list(text).map(|terms| terms.len());
        assert_eq!(term(r#"a="\"\\", b"#), Ok(2));
        let error = term(r#"a="x\n""#).unwrap_err();
        assert_eq!(error.at.column, 5);
        assert!(error.rule.contains("stands before"), "{error}");
    }
}
