//! How far a list has come, as a text that clients hand back.

use std::{cmp::Ordering, fmt, str::FromStr};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use oncue_language::{Kind, Namespace, Owner, VariableKey, VariableName};
use thiserror::Error;

use crate::assertion::{Asserter, AssertionId};

/// How far a list has come.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Position {
    /// The namespace in which to go on.
    pub namespace: Namespace,
    /// The last assertion there that was listed; none if none of them was.
    pub after: Option<(VariableName, AssertionId)>,
}

impl Position {
    /// Returns whether a list that has come so far has passed this assertion.
    pub fn has_passed(&self, key: &VariableKey, id: &AssertionId) -> bool {
        match key.namespace.cmp(&self.namespace) {
            Ordering::Less => true,
            Ordering::Greater => false,
            Ordering::Equal => self
                .after
                .as_ref()
                .is_some_and(|(name, last)| (&key.name, id) <= (name, last)),
        }
    }
}

/// What the text of a position holds, as JSON in base64.
type Document = (
    Namespace,
    Option<(VariableName, Option<Owner>, Kind, Option<Box<str>>)>,
);

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let after = self.after.as_ref().map(|(name, id)| {
            let owner = id.asserter.owner().cloned();
            (name.clone(), owner, id.kind, id.object.clone())
        });
        let document: Document = (self.namespace.clone(), after);
        let json = serde_json::to_vec(&document).map_err(|_| fmt::Error)?;
        f.write_str(&URL_SAFE_NO_PAD.encode(json))
    }
}

impl FromStr for Position {
    type Err = PositionError;

    fn from_str(text: &str) -> Result<Self, PositionError> {
        let json = URL_SAFE_NO_PAD.decode(text).map_err(|_| PositionError)?;
        let document: Document = serde_json::from_slice(&json).map_err(|_| PositionError)?;
        let (namespace, after) = document;
        let after = after.map(|(name, owner, kind, object)| {
            let id = AssertionId {
                asserter: owner.map_or(Asserter::Hand, Asserter::Owner),
                kind,
                object,
            };
            (name, id)
        });
        Ok(Self { namespace, after })
    }
}

/// A text from which no list goes on.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("not what a list of this store ended with: begin anew without it")]
pub struct PositionError;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn printing_and_parsing_are_inverse() {
        let owner = Owner::pod("m".parse().unwrap(), "p/q", "u");
        for after in [
            None,
            Some(AssertionId::HAND),
            Some(AssertionId {
                object: Some("by-hand".into()),
                ..AssertionId::HAND
            }),
            Some(AssertionId::of(owner, Kind::Ready)),
        ] {
            let position = Position {
                namespace: Namespace::default(),
                after: after.map(|id| ("a/b".parse().unwrap(), id)),
            };
            assert_eq!(position.to_string().parse(), Ok(position));
        }
        for bad in ["", "a", "e30", "é"] {
            assert_eq!(bad.parse::<Position>(), Err(PositionError), "{bad:?}");
        }
    }
}
