//! Objects of a cluster, and what terms ask of them.

mod demand;
mod kind;
mod kubectl;
mod node;
mod path;
mod which;

use std::fmt;

pub use self::{
    demand::{ConditionType, ConditionTypeError, FieldDemand, ObjectDemand},
    kind::{ObjectKind, ObjectKindError, Resource},
    kubectl::meant_object,
    node::{NodeName, NodeNameError, OnNode},
    path::{FieldPath, FieldPathError, FieldStep},
    which::{LabelSelector, Which},
};
use crate::{
    name::Namespace,
    template::{Facts, NameTemplate, Placeholder, ResolveError, ValueTemplate},
    term::{At, AtLeast},
    value::Value,
};

/// What a term says of objects, with placeholders in it.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct ObjectTerm {
    /// Their kind.
    pub kind: ObjectKind,
    /// Which of that kind.
    pub which: Which<NameTemplate>,
    /// Where they live; the pod's own namespace if it is not written.
    pub namespace: Option<Namespace>,
    /// What is asked of them.
    pub demand: ObjectDemand<ValueTemplate>,
    /// Whether only pods on one node count, and on which.
    pub on_node: Option<OnNode>,
}

impl ObjectTerm {
    /// Returns where the objects live if the pod lives in `own`; `None` if they live in no
    /// namespace.
    pub fn namespace_in(&self, own: &Namespace) -> Option<Namespace> {
        let named = self.namespace.as_ref().unwrap_or(own);
        (!self.kind.is_cluster_scoped()).then(|| named.clone())
    }

    /// Returns whether it asks another namespace than `own` for more than readiness: for a field, for
    /// the existence of an object, or about any other kind.
    pub fn is_private_to_others(&self, own: &Namespace) -> bool {
        let is_other = self.namespace_in(own).is_some_and(|it| it != *own);
        is_other && !is_readiness(&self.kind, &self.demand)
    }

    /// Returns the placeholders that are left in it.
    pub fn placeholders(&self) -> impl Iterator<Item = &Placeholder> {
        let names = self.which.texts().flat_map(NameTemplate::placeholders);
        let values = self.demand.value().into_iter();
        names.chain(values.flat_map(ValueTemplate::placeholders))
    }

    /// Fills in what `facts` knows.
    pub(crate) fn resolve(&self, facts: &Facts<'_>) -> Result<Self, ResolveError> {
        Ok(Self {
            kind: self.kind.clone(),
            which: self.which.resolve(facts)?,
            namespace: self.namespace.clone(),
            demand: self.demand.try_map(|value| value.resolve(facts))?,
            on_node: match (&self.on_node, facts.node_name) {
                (Some(OnNode::Own), Some(name)) => Some(OnNode::Named(name.parse()?)),
                (on_node, _) => on_node.clone(),
            },
        })
    }
}

impl fmt::Display for ObjectTerm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            kind,
            which,
            namespace,
            demand,
            on_node,
        } = self;
        let at = At(namespace.as_ref());
        write!(f, "{kind}:{which}{at}{}{demand}", AtLeast(which.at_least()))?;
        on_node.iter().try_for_each(|node| write!(f, " {node}"))
    }
}

/// The address of objects with what is asked of them: an [`ObjectTerm`] with everything filled in.
///
/// Two terms with the same key ask for the same.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ObjectKey {
    /// Where they live; `None` if they live in no namespace.
    pub namespace: Option<Namespace>,
    /// Their kind.
    pub kind: ObjectKind,
    /// Which of that kind.
    pub which: Which<Box<str>>,
    /// What is asked of them.
    pub demand: ObjectDemand<Value>,
    /// The node whose pods count; `None` if all do.
    pub node: Option<NodeName>,
}

impl ObjectKey {
    /// Returns the key of one object of which its kind's own rule is asked.
    pub fn named(kind: ObjectKind, namespace: Option<Namespace>, name: &str) -> Self {
        Self {
            namespace,
            kind,
            which: Which::Named(name.into()),
            demand: ObjectDemand::Rule,
            node: None,
        }
    }

    /// Returns whether it asks how ready pods, Services or workloads are, and for nothing else.
    pub fn is_readiness(&self) -> bool {
        is_readiness(&self.kind, &self.demand)
    }

    /// Returns whether it asks for nothing but a ready endpoint of one Service.
    pub fn is_service(&self) -> bool {
        let is_named = matches!(self.which, Which::Named(_)) && self.node.is_none();
        is_named && self.kind == ObjectKind::Service && self.demand == ObjectDemand::Rule
    }
}

fn is_readiness<V>(kind: &ObjectKind, demand: &ObjectDemand<V>) -> bool {
    kind.tells_readiness() && !matches!(demand, ObjectDemand::Field { .. })
}

/// Prints the term with its namespace always said.
impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            namespace,
            kind,
            which,
            demand,
            node,
        } = self;
        let at = At(namespace.as_ref());
        write!(f, "{kind}:{which}{at}{}{demand}", AtLeast(which.at_least()))?;
        node.iter()
            .try_for_each(|node| write!(f, " on node={node}"))
    }
}
