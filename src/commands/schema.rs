//! `oncue schema`: the JSON Schema of the annotations, for editors.

use std::process::ExitCode;

use clap::Args;
use serde_json::{Map, Value, json};

use super::output;
use crate::language::{Keys, annotation::Key};

/// The arguments of `oncue schema`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  oncue schema > oncue-annotations.schema.json

The schema describes metadata.annotations of a pod or of a pod template. It completes and \
explains the keys, and checks values that are one of a few. `oncue check` finds every mistake.")]
pub(super) struct Schema {}

impl Schema {
    /// Prints the schema.
    #[expect(clippy::unused_self, reason = "every command runs like this")]
    pub(super) fn run(&self) -> anyhow::Result<ExitCode> {
        output::print_json(&schema(&Keys::default()))?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Returns the schema of annotations with these keys.
fn schema(keys: &Keys) -> Value {
    let mut properties = Map::new();
    for key in Key::ALL {
        let Some(description) = description(key) else {
            continue;
        };
        let mut property = json!({"type": "string", "description": description});
        if let Some(values) = values(key) {
            property["enum"] = values.into();
        }
        if key.may_be_bare() {
            properties.insert(key.as_str().to_owned(), property.clone());
        }
        properties.insert(keys.prefixed(key), property);
    }
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Annotations of oncue",
        "description": "metadata.annotations of a pod or of a pod template",
        "type": "object",
        "properties": properties,
        "additionalProperties": {"type": "string"},
    })
}

/// Returns what a key is for; `None` for keys that people do not write.
fn description(key: Key) -> Option<&'static str> {
    Some(match key {
        Key::DependsOn => {
            "What must hold before the containers start, separated by commas or line breaks: \
             a/b, a/b=v, a/b>=3, a/*, job:x, deployment:x, service:x, tcp://host:port, \
             http://host/path; ? before an optional term, ! before a failure; @namespace and \
             within 5m behind it"
        }
        Key::DependsOnMode => "init: an init container waits. gate: a scheduling gate waits",
        Key::DependsOnPosition => "first, or after-sidecars: behind the native sidecars of the pod",
        Key::DependsOnTimeout => "Limit for the whole wait, such as 10m; without it, none",
        Key::DependsOnTimeoutPolicy => "What happens after the limit: fail, or proceed",
        Key::Inject => {
            "false turns oncue off for the pod; client adds the client to all containers"
        }
        Key::Rehearse => "What oncue rehearse plays, such as ready=2s run=5s fail",
        Key::Resources => {
            "Requests and limits of the injected container, such as \
             requests.cpu=10m,limits.memory=64Mi"
        }
        Key::Signals => "Variables that exist once the container has started, such as a/b or a/b=v",
        Key::SignalsContainer => "The container whose start signals",
        Key::SignalsOnFailure => "Variables that exist once the pod or its Job has failed",
        Key::SignalsOnInit => "Variables that exist once the wait is over",
        Key::SignalsOnReady => "Variables that exist while the pod is ready",
        Key::SignalsOnSuccess => "Variables that exist once the pod or its Job has succeeded",
        Key::SignalsOnWait => "Variables that exist before the wait begins",
        Key::DependsOnRestart | Key::Injected | Key::Release => return None,
    })
}

/// Returns the values of a key that has few.
fn values(key: Key) -> Option<&'static [&'static str]> {
    match key {
        Key::DependsOnMode => Some(&["gate", "init"]),
        Key::DependsOnPosition => Some(&["after-sidecars", "first"]),
        Key::DependsOnTimeoutPolicy => Some(&["fail", "proceed"]),
        Key::Inject => Some(&["client", "false", "true"]),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::PodAnnotations;

    #[test]
    fn every_value_in_the_schema_is_one_that_admission_accepts() {
        for key in Key::ALL {
            for value in values(key).into_iter().flatten() {
                let keys = Keys::default();
                let written = keys.prefixed(key);
                let read = PodAnnotations::read(&keys, [(written.as_str(), *value)]);
                assert!(read.annotations.is_ok(), "{written}: {value}");
            }
        }
    }

    #[test]
    fn the_schema_accepts_annotations_and_finds_wrong_ones() {
        let schema = schema(&Keys::default());
        let validator = jsonschema::validator_for(&schema).unwrap();
        let right = json!({
            "depends-on": "a/b", "oncue.dev/depends-on-mode": "gate", "team": "shop",
        });
        assert!(validator.is_valid(&right));
        for wrong in [
            json!({"depends-on-mode": "gates"}),
            json!({"signals": ["a/b"]}),
        ] {
            assert!(!validator.is_valid(&wrong), "{wrong}");
        }
    }
}
