//! Helm: hooks, by weight and name, before and after everything else.

use serde_json::Value;

use super::{Operation, annotation, list};

/// The annotation that names the events of a hook.
pub(crate) const HOOK: &str = "helm.sh/hook";
pub(super) const WEIGHT: &str = "helm.sh/hook-weight";
pub(crate) const DELETE_POLICY: &str = "helm.sh/hook-delete-policy";

/// When Helm applies an object in an operation.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Step {
    /// A hook before everything else: weight and name.
    Before(i64, Box<str>),
    /// Everything that is no hook.
    Main,
    /// A hook after everything else: weight and name.
    After(i64, Box<str>),
}

/// Returns when an operation applies an object; `None` if it does not.
pub fn step(object: &Value, operation: Operation) -> Option<Step> {
    let Some(hooks) = annotation(object, HOOK) else {
        return Some(Step::Main);
    };
    let weight = annotation(object, WEIGHT).and_then(|weight| weight.trim().parse().ok());
    let weight = weight.unwrap_or(0);
    let name = object.pointer("/metadata/name").and_then(Value::as_str);
    let name = name.unwrap_or_default().into();
    let [before, after] = ["pre", "post"].map(|when| format!("{when}-{operation}"));
    if list(hooks).any(|hook| hook == before) {
        Some(Step::Before(weight, name))
    } else if list(hooks).any(|hook| hook == after) {
        Some(Step::After(weight, name))
    } else {
        None
    }
}
