//! Signals among the objects of files: variables that exist already.

use oncue_signals::{GROUP, KIND, Signal, SignalError, VERSION};
use serde_json::Value;

use super::object::text;
use crate::{
    language::{Kind, Namespace, VariableKey},
    life::Assertion,
    lint::{Code, Finding, Part, Place, Severity},
    model::{ExistingSource, ExistingVariable},
    workload,
};

/// The Signals among objects, and what is wrong with them.
#[derive(Debug, Default)]
pub(super) struct SignalManifests {
    /// The variables that durable Signals assert.
    pub(super) existing: Vec<ExistingVariable>,
    pub(super) findings: Vec<Finding>,
}

impl SignalManifests {
    /// Reads the Signals among objects. `default` is the namespace of those that name none.
    pub(super) fn read<'a>(
        objects: impl IntoIterator<Item = &'a Value>,
        default: &Namespace,
    ) -> Self {
        let mut signals = Self::default();
        for (index, document) in objects.into_iter().enumerate() {
            for (pointer, object) in workload::objects(document) {
                if is_signal(object) {
                    signals.add(object, &pointer, (index, default));
                }
            }
        }
        signals
    }

    fn add(&mut self, object: &Value, pointer: &str, (index, default): (usize, &Namespace)) {
        let finding = |severity, (path, message): (&str, String)| Finding {
            severity,
            code: Code::BadSignal,
            message,
            place: Place {
                object: index,
                pointer: format!("{pointer}{path}"),
                part: Part::Value,
            },
        };
        match assertion(object, default) {
            Ok((key, assertion)) if assertion.id.kind == Kind::Durable => {
                let source = ExistingSource::Signal(text(object, "/metadata/name").into());
                self.existing.push(ExistingVariable {
                    key,
                    assertion,
                    source,
                });
            }
            Ok((key, _)) => {
                let message = format!("{ORPHANED}: it asserts {} for no time", key.name);
                let said = ("/spec/kind", message);
                self.findings.push(finding(Severity::Warning, said));
            }
            Err(error) => {
                let path = pointer_to(&error);
                let said = (&*path, error.to_string());
                self.findings.push(finding(Severity::Error, said));
            }
        }
    }
}

fn is_signal(object: &Value) -> bool {
    let (group, _) = text(object, "/apiVersion")
        .split_once('/')
        .unwrap_or_default();
    group == GROUP && text(object, "/kind") == KIND
}

/// Reads a Signal by the rules of the API server.
fn assertion(object: &Value, default: &Namespace) -> Result<(VariableKey, Assertion), SignalError> {
    let wrong = |path: &str, rule: String| SignalError::Field {
        path: path.to_owned(),
        rule,
    };
    let version = format!("{GROUP}/{VERSION}");
    if text(object, "/apiVersion") != version {
        return Err(wrong("apiVersion", format!("write {version}")));
    }
    let mut object = object.clone();
    if object["metadata"]["namespace"].is_null() {
        object["metadata"]["namespace"] = default.as_str().into();
    }
    let read: (VariableKey, Assertion) = (&Signal::read(&object)?).try_into()?;
    let (key, _) = &read;
    // The language drops slashes that the API server rejects.
    if text(&object, "/spec/variable") != key.name.as_str() {
        let rule = format!("segments are joined by single slashes: write {}", key.name);
        return Err(wrong("spec.variable", rule));
    }
    Ok(read)
}

/// Returns the JSON pointer to what is wrong.
fn pointer_to(error: &SignalError) -> String {
    let path = match error {
        SignalError::Field { path, .. } => path,
        SignalError::ForeignOwner { .. } | SignalError::NoPod => "spec.kind",
        SignalError::OwnerName(_) => "spec.owner.name",
    };
    format!("/{}", path.replace('.', "/"))
}

const ORPHANED: &str = "a Live or Ready Signal lasts as long as its pod, and a pod with this uid does \
    not exist when the files are applied";

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn mk(spec: &Value) -> Value {
        json!({
            "apiVersion": "oncue.dev/v1alpha1", "kind": "Signal",
            "metadata": {"name": "go"}, "spec": spec,
        })
    }

    /// Returns the names of the variables that exist, and each finding with its place.
    fn read(object: &Value) -> (Vec<String>, Vec<String>) {
        let list = json!({"apiVersion": "v1", "kind": "List", "items": [object]});
        let default = Namespace::default();
        let SignalManifests { existing, findings } = SignalManifests::read([&list], &default);
        let findings = findings.iter().map(|finding| {
            let pointer = &finding.place.pointer;
            format!("{} {pointer}: {}", finding.severity, finding.message)
        });
        let keys = existing.iter().map(|it| it.key.to_string());
        (keys.collect(), findings.collect())
    }

    #[test]
    fn a_durable_signal_is_a_variable_that_exists() {
        let mut elsewhere = mk(&json!({"variable": "a/b", "value": "v"}));
        assert_eq!(read(&elsewhere), (vec!["a/b@default".to_owned()], vec![]));
        elsewhere["metadata"]["namespace"] = "shop".into();
        assert_eq!(read(&elsewhere), (vec!["a/b@shop".to_owned()], vec![]));
        let other = json!({"apiVersion": "v1", "kind": "Signal", "metadata": {"name": "x"}});
        assert_eq!(read(&other), (vec![], vec![]));
    }

    #[test]
    fn a_signal_that_the_api_server_rejects_is_an_error_at_its_place() {
        let mut nameless = mk(&json!({"variable": "a"}));
        nameless["metadata"] = json!({});
        let mut old = mk(&json!({"variable": "a"}));
        old["apiVersion"] = "oncue.dev/v1".into();
        let pod = json!({"kind": "Pod", "name": "first", "uid": "u-1"});
        for (object, expected) in [
            (
                nameless,
                "error /items/0/metadata/name: metadata.name: is missing",
            ),
            (
                old,
                "error /items/0/apiVersion: apiVersion: write oncue.dev/v1alpha1",
            ),
            (
                mk(&json!({"variable": "a/../b"})),
                "error /items/0/spec/variable: ",
            ),
            (
                mk(&json!({"variable": "a//b"})),
                "error /items/0/spec/variable: ",
            ),
            (mk(&json!({})), "error /items/0/spec: "),
            (
                mk(&json!({"variable": "a", "kind": "Live"})),
                "error /items/0/spec/kind: spec.owner: ",
            ),
            (
                mk(&json!({"variable": "a", "kind": "Ready", "owner": pod})),
                "warning /items/0/spec/kind: a Live or Ready Signal lasts as long as its pod",
            ),
        ] {
            let (existing, findings) = read(&object);
            assert_eq!(existing, [""; 0], "{object}");
            assert_eq!(findings.len(), 1, "{object}");
            assert!(findings[0].starts_with(expected), "{object}: {findings:?}");
        }
    }
}
