//! Which objects of a kind are meant.

use std::{fmt, num::NonZeroU32};

use crate::template::{Facts, LabelValueError, NameTemplate, ObjectNameError, ResolveError};

/// Which objects of a kind are meant. `T` is a text, with or without placeholders.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Which<T> {
    /// All objects with these labels.
    Labelled {
        /// The labels.
        labels: LabelSelector<T>,
        /// How many of them must hold; of Jobs, all must.
        at_least: NonZeroU32,
    },
    /// The object with this name.
    Named(T),
}

impl<T> Which<T> {
    /// Returns how many objects must hold.
    pub fn at_least(&self) -> NonZeroU32 {
        match self {
            Self::Labelled { at_least, .. } => *at_least,
            Self::Named(_) => NonZeroU32::MIN,
        }
    }

    /// Returns the name, if it is one.
    pub fn name(&self) -> Option<&T> {
        match self {
            Self::Labelled { .. } => None,
            Self::Named(name) => Some(name),
        }
    }

    /// Returns every text in it.
    pub fn texts(&self) -> impl Iterator<Item = &T> {
        let labels = match self {
            Self::Labelled { labels, .. } => Some(labels.iter().map(|(_, value)| value)),
            Self::Named(_) => None,
        };
        self.name().into_iter().chain(labels.into_iter().flatten())
    }

    /// Returns the same with every text changed.
    pub(crate) fn try_map<U, E>(&self, change: impl Fn(&T) -> Result<U, E>) -> Result<Which<U>, E> {
        Ok(match self {
            Self::Labelled { labels, at_least } => Which::Labelled {
                labels: labels.try_map(change)?,
                at_least: *at_least,
            },
            Self::Named(name) => Which::Named(change(name)?),
        })
    }
}

impl Which<NameTemplate> {
    /// Fills in what `facts` knows.
    pub(crate) fn resolve(&self, facts: &Facts<'_>) -> Result<Self, ResolveError> {
        self.try_map(|text| {
            let resolved = text.resolve(facts)?;
            let text = || resolved.to_string();
            match self {
                Self::Labelled { .. } if !resolved.may_be_label_value() => {
                    Err(LabelValueError { text: text() }.into())
                }
                Self::Named(_) if !resolved.may_name_object() => {
                    Err(ObjectNameError { text: text() }.into())
                }
                Self::Labelled { .. } | Self::Named(_) => Ok(resolved),
            }
        })
    }
}

/// Prints the name or the selector, without the count.
impl<T: fmt::Display> fmt::Display for Which<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Labelled { labels, .. } => write!(f, "{labels}"),
            Self::Named(name) => write!(f, "{name}"),
        }
    }
}

/// A label selector: the labels that an object must have.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct LabelSelector<T> {
    /// By key, each of which appears once.
    labels: Vec<(Box<str>, T)>,
}

impl<T> LabelSelector<T> {
    pub(crate) const fn new() -> Self {
        Self { labels: Vec::new() }
    }

    /// Adds a label.
    ///
    /// # Errors
    /// The value, if it has this key already.
    pub(crate) fn insert(&mut self, key: &str, value: T) -> Result<(), T> {
        let place = self
            .labels
            .binary_search_by(|(other, _)| (**other).cmp(key));
        match place {
            Ok(_) => Err(value),
            Err(place) => {
                self.labels.insert(place, (key.into(), value));
                Ok(())
            }
        }
    }

    /// Returns the labels by key.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &T)> {
        self.labels.iter().map(|(key, value)| (&**key, value))
    }

    fn try_map<U, E>(&self, change: impl Fn(&T) -> Result<U, E>) -> Result<LabelSelector<U>, E> {
        let labels = self.labels.iter();
        let labels = labels.map(|(key, value)| Ok((key.clone(), change(value)?)));
        Ok(LabelSelector {
            labels: labels.collect::<Result<_, _>>()?,
        })
    }
}

/// Keeps the first value of a key that appears more than once.
impl<T> FromIterator<(Box<str>, T)> for LabelSelector<T> {
    fn from_iter<I: IntoIterator<Item = (Box<str>, T)>>(labels: I) -> Self {
        let mut selector = Self::new();
        for (key, value) in labels {
            let _appears_twice = selector.insert(&key, value).is_err();
        }
        selector
    }
}

impl<T: fmt::Display> fmt::Display for LabelSelector<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[")?;
        for (index, (key, value)) in self.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(f, "{comma}{key}={value}")?;
        }
        f.write_str("]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selector_has_each_key_once_and_in_order() {
        let labels = [("b", 1), ("a", 2), ("b", 3), ("c", 4)];
        let labels = labels.map(|(key, value)| (key.into(), value));
        let selector: LabelSelector<_> = labels.into_iter().collect();
        let labels: Vec<_> = selector.iter().collect();
        assert_eq!(labels, [("a", &2), ("b", &1), ("c", &4)]);
        assert_eq!(selector.to_string(), "[a=2,b=1,c=4]");
    }
}
