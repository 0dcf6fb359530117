//! A text that is cut at its placeholders.

use std::{borrow::Cow, fmt, str::FromStr, sync::Arc};

use thiserror::Error;

use super::{EmptySubstitution, Facts, Placeholder};

#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(super) enum Piece {
    Literal(Box<str>),
    Placeholder(Placeholder),
}

/// A text that is cut at its placeholders, shared between its copies: what is filled in is a copy
/// of what is written, and most texts have nothing to fill in. No literal is empty, and no two stand
/// side by side.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(super) struct Pieces(Arc<[Piece]>);

impl Pieces {
    /// Returns the pieces of a text without placeholders.
    pub(super) fn of_literal(text: &str) -> Self {
        if text.is_empty() {
            Self([].into())
        } else {
            Self([Piece::Literal(text.into())].into())
        }
    }

    /// Returns the pieces in their order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Piece> {
        self.0.iter()
    }

    /// Returns the placeholders, in the order of their first use.
    pub(super) fn placeholders(&self) -> impl Iterator<Item = &Placeholder> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Literal(_) => None,
            Piece::Placeholder(placeholder) => Some(placeholder),
        })
    }

    /// Returns what stands between the placeholders.
    pub(super) fn literals(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Literal(text) => Some(&**text),
            Piece::Placeholder(_) => None,
        })
    }

    /// Returns the text if it has no placeholder.
    pub(super) fn literal(&self) -> Option<&str> {
        match &*self.0 {
            [] => Some(""),
            [Piece::Literal(text)] => Some(text),
            _ => None,
        }
    }

    /// Fills in what `facts` knows and leaves the rest.
    pub(super) fn resolve(&self, facts: &Facts<'_>) -> Result<Self, EmptySubstitution> {
        if self.literal().is_some() {
            return Ok(self.clone());
        }
        let pieces = self.0.iter().map(|piece| {
            let value = match piece {
                Piece::Literal(_) => None,
                Piece::Placeholder(placeholder) => facts.value(placeholder)?,
            };
            Ok(value.map_or_else(|| piece.clone(), |value| Piece::Literal(value.into())))
        });
        pieces.collect()
    }
}

impl FromIterator<Piece> for Pieces {
    fn from_iter<I: IntoIterator<Item = Piece>>(pieces: I) -> Self {
        let mut merged = Vec::new();
        let mut literal = String::new();
        for piece in pieces {
            match piece {
                Piece::Literal(text) => literal.push_str(&text),
                placeholder @ Piece::Placeholder(_) => {
                    if !literal.is_empty() {
                        merged.push(Piece::Literal(literal.as_str().into()));
                        literal.clear();
                    }
                    merged.push(placeholder);
                }
            }
        }
        if !literal.is_empty() {
            merged.push(Piece::Literal(literal.into()));
        }
        Self(merged.into())
    }
}

/// Prints the text as it is read.
impl fmt::Display for Pieces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|piece| match piece {
            Piece::Literal(text) => f.write_str(&escape(text)),
            Piece::Placeholder(placeholder) => write!(f, "{placeholder}"),
        })
    }
}

/// Writes a text without placeholders so that it is read back as one.
pub(crate) fn escape(text: &str) -> Cow<'_, str> {
    if text.contains(OPENING) {
        Cow::Owned(text.replace(OPENING, "$$("))
    } else {
        Cow::Borrowed(text)
    }
}

/// What a placeholder begins with. `$$(` stands for these two characters.
const OPENING: &str = "$(";

impl FromStr for Pieces {
    type Err = PlaceholderError;

    fn from_str(text: &str) -> Result<Self, PlaceholderError> {
        if !text.contains(OPENING) {
            return Ok(Self::of_literal(text));
        }
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some(start) = rest.find(OPENING) {
            let (before, found) = rest.split_at(start);
            if let Some(before) = before.strip_suffix('$') {
                pieces.push(Piece::Literal(before.into()));
                pieces.push(Piece::Literal(OPENING.into()));
                rest = &found[OPENING.len()..];
            } else {
                let (placeholder, after) = take_placeholder(found)?;
                pieces.push(Piece::Literal(before.into()));
                pieces.push(Piece::Placeholder(placeholder));
                rest = after;
            }
        }
        pieces.push(Piece::Literal(rest.into()));
        Ok(pieces.into_iter().collect())
    }
}

/// Takes one `$(...)` off the front of `text`.
fn take_placeholder(text: &str) -> Result<(Placeholder, &str), PlaceholderError> {
    let end = text.find(')').ok_or(PlaceholderError::Unclosed)?;
    let placeholder = Placeholder::parse(&text[OPENING.len()..end]);
    let placeholder = placeholder.ok_or_else(|| PlaceholderError::Unknown {
        text: text[..=end].to_owned(),
    })?;
    Ok((placeholder, &text[end + 1..]))
}

/// What is wrong with a placeholder.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum PlaceholderError {
    /// A `$(` without its `)`.
    #[error("this $( is never closed with )")]
    Unclosed,
    /// A `$(...)` that stands for nothing.
    #[error(
        "{text:?} stands for nothing: there are $(POD_NAME), $(POD_NAMESPACE), $(POD_UID), \
         $(NODE_NAME), $(CONTAINER) and $(labels['key'])"
    )]
    Unknown {
        /// The placeholder, as written.
        text: String,
    },
}
