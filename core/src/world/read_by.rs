//! What a namespace may know of others.

use oncue_language::{
    Grace, Namespace, ObjectKey, ObjectState, Subject, Timestamp, Value, VariableKey, View,
};

use super::World;
use crate::cross_namespace::{Asked, Read, Refusal};

/// What is true at one revision, with the rules for reads of other namespaces.
pub trait CrossRead: View {
    /// Decides whether a namespace may be read.
    ///
    /// # Errors
    /// [`Refusal`].
    fn may_read(&self, read: &Read<'_>) -> Result<(), Refusal>;
}

impl CrossRead for World {
    fn may_read(&self, read: &Read<'_>) -> Result<(), Refusal> {
        self.may_read(read)
    }
}

/// A view for one who asks from a namespace, for a wait for which not every failure may count.
#[derive(Clone, Copy, Debug)]
pub struct ReadBy<'a, V> {
    view: &'a V,
    reader: Option<&'a Namespace>,
    grace: Grace,
}

impl<'a, V: CrossRead> ReadBy<'a, V> {
    /// Returns what `reader` may know of a view; `None` may know everything.
    pub fn new(view: &'a V, reader: Option<&'a Namespace>, grace: Grace) -> Self {
        Self {
            view,
            reader,
            grace,
        }
    }
}

impl<V: CrossRead> View for ReadBy<'_, V> {
    fn owners(&self, key: &VariableKey) -> usize {
        self.view.owners(key)
    }

    fn has_value(&self, key: &VariableKey, value: &Value) -> bool {
        self.view.has_value(key, value)
    }

    fn below(&self, prefix: &VariableKey) -> usize {
        self.view.below(prefix)
    }

    fn object(&self, key: &ObjectKey) -> ObjectState {
        self.view.object(key)
    }

    fn asserted_since(&self, subject: &Subject, moment: Timestamp) -> bool {
        self.view.asserted_since(subject, moment)
    }

    fn grace(&self) -> Grace {
        self.grace
    }

    fn forbids(&self, subject: &Subject) -> Option<String> {
        let read = Read {
            by: self.reader?,
            of: subject.namespace()?,
            asked: Asked::by_subject(subject),
        };
        let refusal = self.view.may_read(&read).err()?;
        Some(refusal.to_string())
    }
}
