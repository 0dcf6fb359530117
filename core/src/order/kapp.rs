//! kapp: change rules put groups of objects into an order.

use serde_json::Value;

/// What the key of an annotation with a group begins with; more may follow behind a dot.
const GROUP: &str = "kapp.k14s.io/change-group";
/// What the key of an annotation with a rule begins with.
const RULE: &str = "kapp.k14s.io/change-rule";

/// Returns whether the rules of either object let kapp apply `late` once `early` is reconciled.
pub fn is_later(late: &Value, early: &Value) -> bool {
    let is_in = |object: &Value, group: &str| values(object, GROUP).any(|it| it == group);
    let after = values(late, RULE)
        .filter_map(|rule| rule.strip_prefix("upsert after upserting "))
        .any(|group| is_in(early, group.trim()));
    let before = values(early, RULE)
        .filter_map(|rule| rule.strip_prefix("upsert before upserting "))
        .any(|group| is_in(late, group.trim()));
    after || before
}

/// Returns the values of annotations with this key, or with more behind a dot.
fn values<'a>(object: &'a Value, key: &'a str) -> impl Iterator<Item = &'a str> {
    let annotations = object.pointer("/metadata/annotations");
    let annotations = annotations.and_then(Value::as_object).into_iter().flatten();
    let named = annotations.filter(move |(it, _)| {
        let rest = it.strip_prefix(key);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    });
    named.filter_map(|(_, value)| value.as_str().map(str::trim))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_rule_of_either_object_puts_them_into_an_order() {
        let object = |annotations: Value| json!({"metadata": {"annotations": annotations}});
        let group = object(json!({"kapp.k14s.io/change-group": "apps/db"}));
        let after = object(json!({
            "kapp.k14s.io/change-rule.0": "upsert after upserting apps/db",
            "kapp.k14s.io/change-rule.1": "delete before deleting apps/db",
        }));
        let before = object(json!({
            "kapp.k14s.io/change-rule": "upsert before upserting apps/db",
        }));
        let plain = object(json!({}));
        for (late, early, expected) in [
            (&after, &group, true),
            (&group, &before, true),
            (&group, &after, false),
            (&before, &group, false),
            (&plain, &group, false),
        ] {
            assert_eq!(is_later(late, early), expected, "{late} {early}");
        }
    }
}
