//! kapp: change rules put groups of objects into an order.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use crate::workload::text;

/// What the key of an annotation with a group begins with; more may follow behind a dot.
const GROUP: &str = "kapp.k14s.io/change-group";
/// What the key of an annotation with a rule begins with.
const RULE: &str = "kapp.k14s.io/change-rule";

/// The order that the change rules of a set of objects ask for.
#[derive(Debug, Default)]
pub struct ChangeOrder<'v> {
    /// For each object, those that are reconciled before kapp applies it.
    before: HashMap<*const Value, Vec<&'v Value>>,
}

impl<'v> ChangeOrder<'v> {
    /// Reads the rules of objects.
    pub fn new(objects: impl IntoIterator<Item = &'v Value>) -> Self {
        let mut rules = Vec::new();
        let mut groups: HashMap<String, Vec<&Value>> = HashMap::new();
        for object in objects {
            for group in values(object, GROUP) {
                groups.entry(group).or_default().push(object);
            }
            let own = values(object, RULE).filter_map(|rule| Rule::read(&rule));
            rules.extend(own.map(|rule| (object, rule)));
        }
        let mut order = Self::default();
        for (object, Rule { is_after, group }) in rules {
            for other in groups.get(&group).into_iter().flatten().copied() {
                let (early, late) = if is_after {
                    (other, object)
                } else {
                    (object, other)
                };
                order
                    .before
                    .entry(std::ptr::from_ref(late))
                    .or_default()
                    .push(early);
            }
        }
        order
    }

    /// Returns whether kapp applies `late` once `early` is reconciled, directly or because others
    /// stand between them.
    pub fn is_later(&self, late: &Value, early: &Value) -> bool {
        let mut seen = HashSet::new();
        let mut rest = vec![late];
        while let Some(object) = rest.pop() {
            let before = self.before.get(&std::ptr::from_ref(object));
            for earlier in before.into_iter().flatten().copied() {
                if std::ptr::eq(earlier, early) {
                    return true;
                }
                if seen.insert(std::ptr::from_ref(earlier)) {
                    rest.push(earlier);
                }
            }
        }
        false
    }
}

/// A rule about applying objects; those about deleting them order nothing here.
struct Rule {
    is_after: bool,
    group: String,
}

impl Rule {
    fn read(text: &str) -> Option<Self> {
        let words: Vec<_> = text.split_whitespace().collect();
        let ["upsert", order @ ("after" | "before"), "upserting", group] = *words else {
            return None;
        };
        Some(Self {
            is_after: order == "after",
            group: group.to_owned(),
        })
    }
}

/// Returns the values of annotations with this key, or with more behind a dot, with the parts of the
/// object that kapp fills in.
fn values<'a>(object: &'a Value, key: &'a str) -> impl Iterator<Item = String> {
    let annotations = object.pointer("/metadata/annotations");
    let annotations = annotations.and_then(Value::as_object).into_iter().flatten();
    let named = annotations.filter(move |(it, _)| {
        let rest = it.strip_prefix(key);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    });
    let values = named.filter_map(|(_, value)| value.as_str());
    values.map(|value| fill_in(value.trim(), object))
}

fn fill_in(value: &str, object: &Value) -> String {
    let part = |pointer| text(object, pointer).unwrap_or_default();
    let group = part("/apiVersion").split_once('/').map(|(group, _)| group);
    value
        .replace("{api-group}", group.unwrap_or_default())
        .replace("{kind}", part("/kind"))
        .replace("{name}", part("/metadata/name"))
        .replace("{namespace}", part("/metadata/namespace"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn rules_of_either_object_put_them_into_an_order() {
        let object = |annotations: Value| json!({"kind": "Job", "metadata": {"name": "x", "annotations": annotations}});
        let group = object(json!({"kapp.k14s.io/change-group": "apps/db"}));
        let after = object(json!({
            "kapp.k14s.io/change-rule.0": "upsert  after upserting apps/db",
            "kapp.k14s.io/change-rule.1": "delete before deleting apps/db",
            "kapp.k14s.io/change-group": "{kind}.{name}",
        }));
        let before = object(json!({
            "kapp.k14s.io/change-rule": "upsert before upserting apps/db",
        }));
        let last = object(json!({
            "kapp.k14s.io/change-rule": "upsert after upserting Job.x",
        }));
        let plain = object(json!({}));
        let order = ChangeOrder::new([&group, &after, &before, &last, &plain]);
        for (late, early, expected) in [
            (&after, &group, true),
            (&group, &before, true),
            (&after, &before, true),
            (&last, &before, true),
            (&group, &after, false),
            (&before, &group, false),
            (&before, &last, false),
            (&plain, &group, false),
        ] {
            assert_eq!(order.is_later(late, early), expected, "{late} {early}");
        }
    }
}
