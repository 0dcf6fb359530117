//! The controller of an object.

use std::{collections::HashSet, fmt};

use serde_json::Value;

/// The controller of an object, which replaces the object when it is gone.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Owner<'a> {
    /// Its group, such as `apps`; empty for the core.
    pub group: &'a str,
    /// Its kind.
    pub kind: &'a str,
    /// Its name.
    pub name: &'a str,
    /// Its uid.
    pub uid: &'a str,
}

/// Prints as `kubectl` names objects, but with the kind in its own spelling: `Deployment/web`.
impl fmt::Display for Owner<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind, self.name)
    }
}

/// Returns the controller of `object`, or `None` without one.
pub fn owner(object: &Value) -> Option<Owner<'_>> {
    let references = object.pointer("/metadata/ownerReferences")?.as_array()?;
    let controls = |reference: &&Value| {
        let controller = reference.get("controller").and_then(Value::as_bool);
        controller == Some(true)
    };
    let reference = references.iter().find(controls)?;
    let text = |key: &str| reference.get(key).and_then(Value::as_str);
    let version = text("apiVersion")?;
    Some(Owner {
        group: version.split_once('/').map_or("", |(group, _)| group),
        kind: text("kind")?,
        name: text("name")?,
        uid: text("uid")?,
    })
}

/// Returns the objects without those that another one of them controls. An object stays if its
/// controller is not among them.
pub fn topmost(objects: Vec<Value>) -> Vec<Value> {
    let uids = objects.iter().filter_map(uid).map(str::to_owned);
    let uids: HashSet<_> = uids.collect();
    let is_made = |object: &Value| owner(object).is_some_and(|owner| uids.contains(owner.uid));
    objects
        .into_iter()
        .filter(|object| !is_made(object))
        .collect()
}

/// Returns the uid, which every object in a cluster has.
pub fn uid(object: &Value) -> Option<&str> {
    object.pointer("/metadata/uid")?.as_str()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn mk(kind: &str, uid: &str, owner: Option<(&str, &str)>) -> Value {
        let references = owner.map(|(kind, uid)| {
            json!([
                {"apiVersion": "v1", "kind": "Node", "name": "n", "uid": "n"},
                {"apiVersion": "apps/v1", "kind": kind, "name": "o", "uid": uid, "controller": true},
            ])
        });
        json!({"kind": kind, "metadata": {"uid": uid, "ownerReferences": references}})
    }

    fn kinds(objects: Vec<Value>) -> Vec<String> {
        let kinds = topmost(objects).into_iter();
        kinds
            .map(|object| object["kind"].as_str().unwrap().to_owned())
            .collect()
    }

    #[test]
    fn what_a_controller_makes_is_left_out() {
        let objects = vec![
            mk("Deployment", "d", None),
            mk("ReplicaSet", "r", Some(("Deployment", "d"))),
            mk("Pod", "p", Some(("ReplicaSet", "r"))),
            mk("Pod", "bare", None),
        ];
        assert_eq!(kinds(objects), ["Deployment", "Pod"]);
    }

    #[test]
    fn what_an_unknown_controller_makes_stays() {
        let objects = vec![
            mk("ReplicaSet", "r", Some(("Rollout", "of Argo"))),
            mk("Pod", "p", Some(("ReplicaSet", "r"))),
        ];
        assert_eq!(kinds(objects), ["ReplicaSet"]);
    }

    #[test]
    fn only_the_reference_that_controls_counts() {
        let pod = mk("Pod", "p", Some(("DaemonSet", "d")));
        let owner = owner(&pod).unwrap();
        assert_eq!(
            (owner.group, owner.to_string().as_str()),
            ("apps", "DaemonSet/o")
        );
    }
}
