//! Which assertions are listed or watched, and how far a list has come.

use std::sync::Arc;

use oncue_language::{Namespace, VariableKey, VariableName};

use super::{Position, Revision, Variable, variables::Variables};
use crate::assertion::{Assertion, AssertionId};

/// Which variables are listed or watched.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Scope {
    /// Those of one namespace; of all if there is none.
    pub namespace: Option<Namespace>,
    /// Those with these names.
    pub names: Names,
}

/// Which names are listed or watched.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Names {
    /// Any name.
    #[default]
    All,
    /// One name and those below it.
    AtOrBelow(VariableName),
    /// One name.
    Only(VariableName),
}

/// Some assertions in the order of their variables and ids.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Page {
    /// The revision at which they were read.
    pub revision: Revision,
    /// The assertions with their variables.
    pub assertions: Vec<(VariableKey, Arc<Assertion>)>,
    /// From where the next page goes on; none if this is the last one.
    pub next: Option<Position>,
}

impl Scope {
    /// Returns the scope that is one variable.
    pub fn of(key: VariableKey) -> Self {
        Self {
            namespace: Some(key.namespace),
            names: Names::Only(key.name),
        }
    }

    /// Returns the scope of one variable and those below it.
    pub fn at_or_below(key: VariableKey) -> Self {
        Self {
            namespace: Some(key.namespace),
            names: Names::AtOrBelow(key.name),
        }
    }

    /// Returns whether the variable is listed.
    pub fn contains(&self, key: &VariableKey) -> bool {
        let namespace = self.namespace.as_ref();
        namespace.is_none_or(|it| *it == key.namespace) && self.names.contain(&key.name)
    }

    /// Returns whether a list of this scope can have come as far as `position`.
    pub fn reaches(&self, position: &Position) -> bool {
        let Position { namespace, after } = position;
        let own = self.namespace.as_ref();
        own.is_none_or(|it| it == namespace)
            && after
                .as_ref()
                .is_none_or(|(name, _)| !self.names.end_before(name))
    }
}

impl Names {
    fn contain(&self, name: &VariableName) -> bool {
        match self {
            Self::All => true,
            Self::AtOrBelow(prefix) => name == prefix || name.is_below(prefix),
            Self::Only(only) => name == only,
        }
    }

    /// Returns the least text that may be one of these names.
    fn first(&self) -> &str {
        match self {
            Self::All => "",
            Self::AtOrBelow(name) | Self::Only(name) => name.as_str(),
        }
    }

    /// Returns whether `name` and all behind it are none of these names: everything below `a`
    /// stands before `a0`, since `0` follows `/` in ASCII.
    fn end_before(&self, name: &VariableName) -> bool {
        match self {
            Self::All => false,
            Self::AtOrBelow(prefix) => match name.as_str().strip_prefix(prefix.as_str()) {
                Some(rest) => rest.bytes().next().is_some_and(|next| next > b'/'),
                None => true,
            },
            Self::Only(only) => name != only,
        }
    }
}

/// Reads one page; it looks at a few more items than it returns at most.
pub(super) struct PageReader<'a> {
    pub(super) variables: &'a Variables,
    pub(super) scope: &'a Scope,
    /// How many assertions the page has at most.
    pub(super) limit: usize,
    pub(super) found: Vec<(VariableKey, Arc<Assertion>)>,
}

impl PageReader<'_> {
    /// Goes on from `position`, and returns how far it came; none if this was everything.
    pub(super) fn read(&mut self, position: Option<Position>) -> Option<Position> {
        let mut position = self.start(position)?;
        for _ in 0..self.limit {
            if let Some(last) = self.read_namespace(&position) {
                return Some(last);
            }
            position = self.next_namespace(&position.namespace)?;
        }
        Some(position)
    }

    fn start(&self, position: Option<Position>) -> Option<Position> {
        match (position, &self.scope.namespace) {
            (Some(position), _) => Some(position),
            (None, Some(namespace)) => Some(at_start_of(namespace)),
            (None, None) => self.variables.first_namespace().map(at_start_of),
        }
    }

    fn next_namespace(&self, namespace: &Namespace) -> Option<Position> {
        match self.scope.namespace {
            Some(_) => None,
            None => self.variables.namespace_after(namespace).map(at_start_of),
        }
    }

    /// Returns where the page is full; none at the end of the namespace.
    fn read_namespace(&mut self, position: &Position) -> Option<Position> {
        let Position { namespace, after } = position;
        let (variables, names) = (self.variables, &self.scope.names);
        let first = after
            .as_ref()
            .map_or(names.first(), |(name, _)| name.as_str());
        for (looked, (name, variable)) in variables.from(namespace, first).enumerate() {
            if !names.contain(name) {
                if names.end_before(name) {
                    return None;
                }
                // `a-b` and the like stand between `a` and what is below it.
                if looked > self.limit {
                    return Some(passed(namespace, name, variable));
                }
                continue;
            }
            let key = VariableKey::new(namespace.clone(), name.clone());
            let last = after.as_ref().filter(|(last, _)| last == name);
            if let Some(full) = self.read_variable(&key, variable, last.map(|(_, id)| id)) {
                return Some(full);
            }
        }
        None
    }

    fn read_variable(
        &mut self,
        key: &VariableKey,
        variable: &Variable,
        after: Option<&AssertionId>,
    ) -> Option<Position> {
        let mut first = variable.assertions();
        let mut rest = after.map(|id| variable.after(id));
        let next: &mut dyn Iterator<Item = _> = match &mut rest {
            Some(rest) => rest,
            None => &mut first,
        };
        for assertion in next {
            if self.found.len() == self.limit {
                let (key, last) = self.found.last()?;
                return Some(Position {
                    namespace: key.namespace.clone(),
                    after: Some((key.name.clone(), last.id.clone())),
                });
            }
            self.found.push((key.clone(), Arc::clone(assertion)));
        }
        None
    }
}

fn at_start_of(namespace: &Namespace) -> Position {
    Position {
        namespace: namespace.clone(),
        after: None,
    }
}

/// Returns the position behind a variable that is not listed.
fn passed(namespace: &Namespace, name: &VariableName, variable: &Variable) -> Position {
    let last = variable.assertions().last();
    Position {
        namespace: namespace.clone(),
        after: last.map(|last| (name.clone(), last.id.clone())),
    }
}
