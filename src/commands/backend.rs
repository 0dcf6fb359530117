//! What commands ask of an installation, wherever it keeps its variables.

use std::sync::Arc;

use oncue_wire::{Event, JudgedTerm, VariablePage, WaiterList};

use crate::{
    cluster::Place,
    injection::Settings,
    language::{Condition, Grace, Namespace, Owner, Timeout, Value, VariableKey, VariableName},
    life::Assertion,
};

/// The variables of an installation, and the pods that wait for them.
pub(super) trait Backend {
    /// Returns the assertions in a place, in order; with a prefix, only those of this name and of
    /// those below it.
    fn list(&self, place: &Place, prefix: Option<&VariableName>) -> anyhow::Result<Listed>;

    /// Returns one variable. If it does not exist, that is an error.
    fn get(&self, key: &VariableKey) -> anyhow::Result<VariablePage>;

    /// Asserts a variable by hand, in place of what was asserted by hand before.
    fn create(&self, key: &VariableKey, assertion: HandAssertion) -> anyhow::Result<Creation>;

    /// Deletes a variable with all of its assertions. If it does not exist, that is an error.
    fn delete(&self, key: &VariableKey) -> anyhow::Result<()>;

    /// Follows the changes in a namespace; with a prefix, only those of this name and of those
    /// below it.
    fn watch(
        &self,
        namespace: &Namespace,
        prefix: Option<&VariableName>,
    ) -> anyhow::Result<Box<dyn Changes + '_>>;

    /// Returns the pods that wait in a place, and how their terms stand.
    fn waiters(&self, place: &Place, settings: &Settings) -> anyhow::Result<WaiterList>;

    /// Judges conditions about variables for a pod.
    fn judge(&self, pod: &WaitingPod<'_>, conditions: &[Condition]) -> anyhow::Result<Judged>;
}

/// Assertions of one or more variables.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Listed {
    /// The revision at which they were read; empty if there is none.
    pub(super) revision: String,
    /// By variable.
    pub(super) assertions: Vec<(VariableKey, Arc<Assertion>)>,
}

/// What a person asserts.
#[derive(Clone, Debug, Default)]
pub(super) struct HandAssertion {
    pub(super) value: Option<Value>,
    /// After which time it ends; `None` if it stays.
    pub(super) ttl: Option<Timeout>,
}

/// What came of a creation.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Creation {
    /// The variable is new.
    Created,
    /// It existed.
    Updated,
}

/// A pod whose conditions are judged.
#[derive(Clone, Copy, Debug)]
pub(super) struct WaitingPod<'a> {
    pub(super) id: &'a Owner,
    /// Which failures of before count for it.
    pub(super) grace: Grace,
}

/// How conditions stand.
#[derive(Clone, Debug, Default)]
pub(super) struct Judged {
    /// What is known of each condition, or why nothing is.
    pub(super) terms: Vec<Result<JudgedTerm, String>>,
    /// What else is known of the pod's wait: a sentence, or nothing.
    pub(super) remark: Option<String>,
}

/// Changes of variables, without end: after an outage, they begin again.
pub(super) trait Changes {
    /// Waits for what comes next.
    fn next(&mut self) -> anyhow::Result<Seen>;
}

/// What a watch shows.
#[derive(Clone, Debug)]
pub(super) enum Seen {
    /// The whole state comes anew, up to a bookmark.
    BeginsAgain,
    /// A change, or a bookmark.
    Event(Event),
}
