//! What terms ask for: terms that ask for the same share one want.

use super::{Member, pattern::Pattern};
use crate::language::{Namespace, ObjectTerm, Target, Term};

/// What a term asks for, without how much of it, and whether it must hold.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum Want {
    /// Variables below a name.
    Below {
        /// Where they live.
        namespace: Namespace,
        /// The names that count.
        names: Pattern,
    },
    /// An address that answers.
    Host {
        /// The namespace of the pod that asks.
        from: Namespace,
        /// The host as it is written.
        host: Box<str>,
    },
    /// Objects of the cluster, with their namespace said.
    Object(Box<ObjectTerm>),
    /// One variable.
    Variable {
        /// Where it lives.
        namespace: Namespace,
        /// Its name; several where a part of it is not known yet.
        names: Pattern,
    },
}

impl Want {
    /// Returns what `term` of `consumer` asks for.
    pub fn of(consumer: &Member, term: &Term) -> Self {
        Self::new(&consumer.name, &consumer.namespace, term)
    }

    /// Returns what `term` asks for in the pods of a workload of this name in `own`; the name
    /// stands for what is not known yet of the names of pods, and may be empty if nothing is left.
    pub fn new(workload: &str, own: &Namespace, term: &Term) -> Self {
        let or_own = |named: &Option<Namespace>| named.as_ref().unwrap_or(own).clone();
        match &term.target {
            Target::Below {
                prefix, namespace, ..
            } => Self::Below {
                namespace: or_own(namespace),
                names: Pattern::new(prefix, workload).below(),
            },
            Target::Object(object) => Self::Object(Box::new(ObjectTerm {
                namespace: object.namespace_in(own),
                ..(**object).clone()
            })),
            Target::Probe(probe) => Self::Host {
                from: own.clone(),
                host: probe.host.clone(),
            },
            Target::Variable {
                name, namespace, ..
            } => Self::Variable {
                namespace: or_own(namespace),
                names: Pattern::new(name, workload),
            },
        }
    }
}
