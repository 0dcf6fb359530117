//! Pod templates in objects of kinds that are not built in, recognised by their shape.

use json_patch::jsonptr::{PointerBuf, Token};
use serde_json::{Map, Value};

use super::text;

/// Returns the JSON pointers to the pod templates in an object, in its order.
///
/// A template is a mapping whose `spec` has `containers` that look like containers. The object
/// itself is not one: kinds such as `Prometheus` have additional containers in their own `spec`.
pub(super) fn find(object: &Value) -> Vec<String> {
    let mut found = Vec::new();
    if !has_patterns(object) {
        search(object, &mut PointerBuf::new(), &mut found);
    }
    found
}

/// Returns the JSON pointers to annotations that belong neither to the object itself nor to a pod
/// template in it.
pub(super) fn other_annotations(object: &Value) -> Vec<String> {
    let mut found = Vec::new();
    if !has_patterns(object) {
        let mut path = PointerBuf::new();
        let mut see = |value: &Value, path: &PointerBuf| match value {
            Value::Object(fields) if is_template(fields) && !path.is_root() => Descent::Stop,
            Value::Object(_) if is_annotations(path) => {
                found.push(path.to_string());
                Descent::Stop
            }
            _ => Descent::GoOn,
        };
        walk(object, &mut path, &mut see);
    }
    found
}

fn is_annotations(path: &PointerBuf) -> bool {
    let last = path.back().map(|token| token.decoded().into_owned());
    matches!(last.as_deref(), Some("annotations" | "podAnnotations"))
        && path.as_str() != "/metadata/annotations"
}

fn has_patterns(object: &Value) -> bool {
    let version = text(object, "/apiVersion").unwrap_or_default();
    let group = version.split_once('/').map_or("", |(group, _)| group);
    PATTERNS.contains(&group)
}

/// Groups whose objects have parts of pods, but create none: schemas and policies.
const PATTERNS: [&str; 4] = [
    "admissionregistration.k8s.io",
    "apiextensions.k8s.io",
    "kyverno.io",
    "policies.kyverno.io",
];

fn search(value: &Value, path: &mut PointerBuf, found: &mut Vec<String>) {
    let mut see = |value: &Value, path: &PointerBuf| match value {
        Value::Object(fields) if !path.is_root() && is_template(fields) => {
            found.push(path.to_string());
            Descent::Stop
        }
        _ => Descent::GoOn,
    };
    walk(value, path, &mut see);
}

/// Whether a walk looks into a value.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Descent {
    GoOn,
    Stop,
}

/// Shows `see` every mapping and list in a value, in its order.
fn walk(
    value: &Value,
    path: &mut PointerBuf,
    see: &mut impl FnMut(&Value, &PointerBuf) -> Descent,
) {
    if !(value.is_object() || value.is_array()) || see(value, path) == Descent::Stop {
        return;
    }
    let mut descend = |value: &Value, token: Token<'_>| {
        path.push_back(token);
        walk(value, path, see);
        path.pop_back();
    };
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                descend(value, Token::new(key));
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                descend(item, index.into());
            }
        }
        _ => {}
    }
}

fn is_template(fields: &Map<String, Value>) -> bool {
    let containers = fields.get("spec").and_then(|spec| spec.get("containers"));
    let containers = containers.and_then(Value::as_array);
    containers.is_some_and(|all| !all.is_empty() && all.iter().all(is_container))
}

/// Returns whether it has the fields that name a container. Knative Services need no `name`.
fn is_container(value: &Value) -> bool {
    let has = |key: &str| value.get(key).is_some_and(Value::is_string);
    has("image") || has("name")
}

/// Returns how people write a JSON pointer: `spec.replicatedJobs[0].template`.
pub(super) fn dotted(pointer: &str) -> String {
    let tokens = pointer.split('/').skip(1);
    let tokens = tokens.filter_map(|token| Token::from_encoded(token).ok());
    let parts = tokens.enumerate().map(|(position, token)| {
        let token = token.decoded();
        match position {
            _ if is_index(&token) => format!("[{token}]"),
            0 => token.into_owned(),
            _ => format!(".{token}"),
        }
    });
    parts.collect()
}

/// Returns what tells the pods of one template of an object from those of another: the name of the
/// part that the template is in, or the last key above it.
pub(super) fn role(object: &Value, pointer: &str) -> String {
    let tokens: Vec<_> = pointer.split('/').skip(1).collect();
    let is_part = |token: &&str| !matches!(*token, "spec" | "template");
    let end = tokens.iter().rposition(is_part).map_or(0, |at| at + 1);
    let above = &tokens[..end];
    let part = object.pointer(&format!("/{}", above.join("/")));
    let named = ["/name", "/groupName"]
        .iter()
        .find_map(|key| text(part?, key));
    let role = match (named, above) {
        (Some(name), _) => name.to_owned(),
        (None, [.., key, index]) if is_index(index) => format!("{key}-{index}"),
        (None, [.., key]) => (*key).to_owned(),
        (None, []) => String::new(),
    };
    role.to_ascii_lowercase()
}

fn is_index(token: &str) -> bool {
    !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn mk_template() -> Value {
        json!({"spec": {"containers": [{"name": "main", "image": "example.com/main:1"}]}})
    }

    #[test]
    fn finds_every_template_and_tells_its_role() {
        let pod = mk_template();
        let job = json!({"spec": {"template": pod}});
        for (object, expected) in [
            (
                json!({"spec": {"template": pod}}),
                vec![("spec.template", "")],
            ),
            (json!({"template": pod}), vec![("template", "")]),
            (
                json!({"spec": {"replicatedJobs": [
                    {"name": "driver", "template": job}, {"template": job},
                ]}}),
                vec![
                    ("spec.replicatedJobs[0].template.spec.template", "driver"),
                    (
                        "spec.replicatedJobs[1].template.spec.template",
                        "replicatedjobs-1",
                    ),
                ],
            ),
            (
                json!({"spec": {
                    "headGroupSpec": {"template": pod},
                    "workerGroupSpecs": [{"groupName": "gpu", "template": pod}],
                }}),
                vec![
                    ("spec.headGroupSpec.template", "headgroupspec"),
                    ("spec.workerGroupSpecs[0].template", "gpu"),
                ],
            ),
            (
                json!({"spec": {"leaderWorkerTemplate": {"leaderTemplate": pod, "workerTemplate": pod}}}),
                vec![
                    ("spec.leaderWorkerTemplate.leaderTemplate", "leadertemplate"),
                    ("spec.leaderWorkerTemplate.workerTemplate", "workertemplate"),
                ],
            ),
        ] {
            let found = find(&object);
            let told: Vec<_> = found
                .iter()
                .map(|pointer| (dotted(pointer), role(&object, pointer)))
                .collect();
            let told: Vec<_> = told.iter().map(|(path, role)| (&**path, &**role)).collect();
            assert_eq!(told, expected);
        }
    }

    #[test]
    fn finds_annotations_outside_of_templates() {
        let pod = json!({
            "metadata": {"annotations": {"a": "b"}},
            "spec": {"containers": [{"name": "main"}]},
        });
        let annotated = json!({"metadata": {"annotations": {"a": "b"}}, "container": {}});
        let object = json!({
            "metadata": {"annotations": {"a": "b"}},
            "spec": {
                "template": pod, "templates": [annotated], "podAnnotations": {},
                "annotations": "none",
            },
        });
        assert_eq!(
            other_annotations(&object),
            [
                "/spec/templates/0/metadata/annotations",
                "/spec/podAnnotations"
            ]
        );
        let policy = json!({"apiVersion": "kyverno.io/v1", "spec": {"annotations": {}}});
        assert!(other_annotations(&policy).is_empty());
    }

    #[test]
    fn passes_over_what_only_looks_like_a_template() {
        let pod = mk_template();
        for object in [
            json!({"kind": "Prometheus", "spec": {"containers": [{"name": "prometheus"}]}}),
            json!({"apiVersion": "kyverno.io/v1", "spec": {"rules": [{"mutate": pod}]}}),
            json!({"spec": {"template": {"spec": {"containers": []}}}}),
            json!({"spec": {"template": {"spec": {"containers": {"type": "array"}}}}}),
            json!({"spec": {"template": {"spec": {"containers": [{"type": "x"}]}}}}),
        ] {
            assert!(find(&object).is_empty(), "{object}");
        }
    }
}
