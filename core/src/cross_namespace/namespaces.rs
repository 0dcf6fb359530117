//! What is known of the annotations of all namespaces.

use std::collections::BTreeMap;

use oncue_language::Namespace;

use super::{Policy, Read, Readers, Refusal};

/// How much is known of the annotations of namespaces.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Knowledge {
    /// All of them.
    Complete,
    /// They are still being read.
    #[default]
    Pending,
    /// The API server does not let us read them.
    Refused,
}

/// The rules of an installation, and what the namespaces say. A namespace that says nothing takes no
/// room.
#[derive(Clone, Debug)]
pub struct Namespaces {
    policy: Policy,
    readers: BTreeMap<Namespace, Readers>,
    /// How many entries all readers have together.
    entries: usize,
    knowledge: Knowledge,
}

impl Namespaces {
    /// Returns rules for namespaces of which nothing is known.
    pub fn new(policy: Policy) -> Self {
        Self {
            policy,
            readers: BTreeMap::new(),
            entries: 0,
            knowledge: Knowledge::default(),
        }
    }

    /// Returns the rules.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Takes note of how much is known.
    pub fn know(&mut self, knowledge: Knowledge) {
        self.knowledge = knowledge;
    }

    /// Returns who may read a namespace; `None` if it does not say.
    pub fn readers(&self, namespace: &Namespace) -> Option<&Readers> {
        self.readers.get(namespace)
    }

    /// Returns the namespaces that say who may read them.
    pub fn annotated(&self) -> impl Iterator<Item = &Namespace> {
        self.readers.keys()
    }

    /// Takes note of who may read a namespace. Readers for which there is no room count as none.
    pub fn set(&mut self, namespace: &Namespace, readers: Option<Readers>) {
        let before = self.readers.remove(namespace);
        self.entries -= before.as_ref().map_or(0, Readers::len);
        let readers = readers.filter(|it| self.entries + it.len() <= MAX_ENTRIES);
        if let Some(readers) = readers {
            self.entries += readers.len();
            self.readers.insert(namespace.clone(), readers);
        }
    }

    /// Decides about a read by what is known now.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn judge(&self, read: &Read<'_>) -> Result<(), Refusal> {
        self.judge_by(read, self.readers(read.of))
    }

    /// Decides about a read of a namespace with other readers.
    pub(crate) fn judge_by(
        &self,
        read: &Read<'_>,
        readers: Option<&Readers>,
    ) -> Result<(), Refusal> {
        self.policy.judge(read, (readers, self.knowledge))
    }
}

/// The most entries that are kept of all namespaces: at most 4 MiB.
const MAX_ENTRIES: usize = 1 << 15;

#[cfg(test)]
mod tests {
    use oncue_language::Keys;

    use super::*;
    use crate::cross_namespace::{Asked, CrossNamespace};

    fn ns(name: &str) -> Namespace {
        name.parse().unwrap()
    }

    fn mk_namespaces() -> Namespaces {
        let policy = Policy::new(CrossNamespace::Annotated, [], &Keys::default());
        Namespaces::new(policy)
    }

    fn judge(namespaces: &Namespaces) -> Result<(), Refusal> {
        namespaces.judge(&Read {
            by: &ns("shop"),
            of: &ns("other"),
            asked: Asked::Variables,
        })
    }

    #[test]
    fn nothing_is_permitted_before_it_is_known() {
        let mut namespaces = mk_namespaces();
        let pending = judge(&namespaces).unwrap_err();
        assert_eq!(pending.knowledge, Knowledge::Pending);
        namespaces.know(Knowledge::Complete);
        let refused = judge(&namespaces).unwrap_err();
        assert_eq!(refused.knowledge, Knowledge::Complete);
    }

    #[test]
    fn the_last_annotation_counts() {
        let mut namespaces = mk_namespaces();
        for (value, is_permitted) in [
            (Some("shop"), true),
            (Some("a"), false),
            (Some("*"), true),
            (None, false),
        ] {
            namespaces.set(&ns("other"), value.map(Readers::from));
            assert_eq!(judge(&namespaces).is_ok(), is_permitted, "{value:?}");
        }
        assert_eq!(namespaces.entries, 0);
    }

    #[test]
    fn what_is_kept_is_limited_and_given_back() {
        let mut namespaces = mk_namespaces();
        let names: Vec<_> = (0..255).map(|it| format!("n{it}")).collect();
        let names = names.join(" ");
        for number in 0..MAX_ENTRIES / 256 {
            let readers = Readers::from(names.as_str());
            namespaces.set(&ns(&format!("n{number}")), Some(readers));
        }
        assert_eq!(namespaces.entries, MAX_ENTRIES);
        namespaces.set(&ns("other"), Some("shop".into()));
        assert!(judge(&namespaces).is_err());
        namespaces.set(&ns("n0"), None);
        namespaces.set(&ns("other"), Some("shop".into()));
        assert!(judge(&namespaces).is_ok());
    }
}
