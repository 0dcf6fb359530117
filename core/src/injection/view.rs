//! Borrowed views of a JSON text: what is read is borrowed, what is not is skipped.
//!
//! As in Go, `null` counts as absent and the last of two equal keys wins.

use std::{borrow::Cow, fmt, marker::PhantomData, ops::Deref};

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, SeqAccess, Visitor},
};

/// A string of the text, borrowed unless it holds an escape.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Text<'a>(Cow<'a, str>);

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TextVisitor)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Text<'de>, E> {
        Ok(Text(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Text<'de>, E> {
        Ok(Text(Cow::Owned(text.to_owned())))
    }
}

/// An object of which some members are read.
pub(crate) trait View<'de>: Default {
    /// Reads the value of the member `key`, or skips it.
    fn read_member<A: MapAccess<'de>>(
        &mut self,
        key: &str,
        members: &mut A,
    ) -> Result<(), A::Error>;
}

/// Reads an object as the view `V`.
pub(crate) fn read<'de, V: View<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<V, D::Error> {
    deserializer.deserialize_map(ViewVisitor(PhantomData))
}

struct ViewVisitor<V>(PhantomData<V>);

impl<'de, V: View<'de>> Visitor<'de> for ViewVisitor<V> {
    type Value = V;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<V, A::Error> {
        let mut view = V::default();
        while let Some(key) = members.next_key::<Text<'de>>()? {
            view.read_member(&key, &mut members)?;
        }
        Ok(view)
    }
}

/// Declares a struct of optional fields that are read from the members of an object.
macro_rules! view {
    (
        $(#[$meta:meta])*
        $name:ident $(<$life:lifetime>)? { $($field:ident: $type:ty = $key:literal,)* }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Default)]
        pub(crate) struct $name $(<$life>)? {
            $(pub(crate) $field: Option<$type>,)*
        }

        impl<'de $(: $life, $life)?> $crate::injection::view::View<'de> for $name $(<$life>)? {
            fn read_member<A: serde::de::MapAccess<'de>>(
                &mut self,
                key: &str,
                members: &mut A,
            ) -> Result<(), A::Error> {
                match key {
                    $($key => self.$field = members.next_value()?,)*
                    _ => {
                        members.next_value::<serde::de::IgnoredAny>()?;
                    }
                }
                Ok(())
            }
        }

        impl<'de $(: $life, $life)?> serde::Deserialize<'de> for $name $(<$life>)? {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::injection::view::read(deserializer)
            }
        }
    };
}

pub(crate) use view;

/// Most elements of a list or map that is read: no pod that can run comes near it, and what a
/// hostile one makes us remember stays in proportion to its text.
const MAX_ELEMENTS: usize = 20_000;

const NO_ROOM: &str = "there are more than 20000 elements";

/// A list of views.
#[derive(Debug)]
pub(crate) struct List<T>(pub(crate) Vec<T>);

impl<T> Deref for List<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(ListVisitor(PhantomData))
    }
}

struct ListVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ListVisitor<T> {
    type Value = List<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<List<T>, A::Error> {
        let mut list = Vec::new();
        while let Some(element) = elements.next_element()? {
            check_room(list.len())?;
            list.push(element);
        }
        Ok(List(list))
    }
}

/// A map of strings, in the order of the text.
#[derive(Debug, Default)]
pub(crate) struct Pairs<'a>(Vec<(Text<'a>, Option<Text<'a>>)>);

impl Pairs<'_> {
    /// Returns every key with its value, in the order of the text.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(key, value)| (&**key, value.as_deref().unwrap_or_default()))
    }

    /// Returns the value of `key`.
    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        self.iter()
            .rev()
            .find_map(|(candidate, value)| (candidate == key).then_some(value))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Pairs<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(PairsVisitor)
    }
}

struct PairsVisitor;

impl<'de> Visitor<'de> for PairsVisitor {
    type Value = Pairs<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map of strings")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Pairs<'de>, A::Error> {
        let mut pairs = Vec::new();
        while let Some(pair) = members.next_entry()? {
            check_room(pairs.len())?;
            pairs.push(pair);
        }
        Ok(Pairs(pairs))
    }
}

fn check_room<E: Error>(length: usize) -> Result<(), E> {
    if length < MAX_ELEMENTS {
        Ok(())
    } else {
        Err(E::custom(NO_ROOM))
    }
}

/// Returns whether `error` says that there are too many elements: serde's errors carry nothing but
/// their text.
pub(crate) fn is_about_room(error: &serde_json::Error) -> bool {
    error.to_string().starts_with(NO_ROOM)
}
