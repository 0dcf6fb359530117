//! Which objects the last complete list of a watch held.

/// The lists that a watch begins with, each of which replaces the one before.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Listing {
    current: ListId,
    is_known: bool,
}

/// One list.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct ListId(u32);

impl Listing {
    /// A new list begins; until it ends, the one before counts.
    pub(crate) fn begin(&mut self) {
        self.current = ListId(self.current.0.wrapping_add(1));
    }

    /// The list is complete.
    pub(crate) fn end(&mut self) {
        self.is_known = true;
    }

    /// Returns the list that is or was read last.
    pub(crate) fn current(self) -> ListId {
        self.current
    }

    /// Returns whether one list has been complete.
    pub(crate) fn is_known(self) -> bool {
        self.is_known
    }
}
