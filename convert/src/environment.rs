//! The environment of a container, as far as the files tell it.

use std::collections::HashMap;

use serde_json::Value;

use crate::{
    objects::{Objects, list, text},
    shell::Unset,
    text::{OWN_NAMESPACE, Text},
};

/// The variables of a container.
#[derive(Debug, Default)]
pub(crate) struct Environment {
    variables: HashMap<String, Text>,
    /// Where variables may come from that no file shows, such as `the Secret db`.
    hidden: Option<String>,
}

impl Environment {
    /// Returns the environment of a container of a pod in `namespace`.
    pub(crate) fn new(container: &Value, objects: &Objects<'_>, namespace: Option<&str>) -> Self {
        let mut environment = Self::default();
        for source in list(container, "/envFrom") {
            environment.add_source(source, objects, namespace);
        }
        for variable in list(container, "/env") {
            let Some(name) = text(variable, "/name") else {
                continue;
            };
            let value = match variable.get("valueFrom") {
                Some(source) => value_from(source, objects, namespace),
                None => environment.substitute(text(variable, "/value").unwrap_or_default()),
            };
            environment.variables.insert(name.to_owned(), value);
        }
        environment
    }

    fn add_source(&mut self, source: &Value, objects: &Objects<'_>, namespace: Option<&str>) {
        let prefix = text(source, "/prefix").unwrap_or_default();
        let map = text(source, "/configMapRef/name");
        if let Some(object) = map.and_then(|name| objects.find("ConfigMap", namespace, name)) {
            for (key, value) in object
                .get("data")
                .and_then(Value::as_object)
                .into_iter()
                .flatten()
            {
                let value = value.as_str().unwrap_or_default();
                self.variables
                    .insert(format!("{prefix}{key}"), Text::known(value));
            }
            return;
        }
        self.hidden = Some(match (map, text(source, "/secretRef/name")) {
            (Some(map), _) => format!("the ConfigMap {map}, which is not in these files"),
            (None, secret) => format!("the Secret {}", secret.unwrap_or_default()),
        });
    }

    /// Returns the variables whose values are known, sorted by their names.
    pub(crate) fn known(&self) -> Vec<(&str, &str)> {
        let variables = self.variables.iter();
        let known = variables.filter_map(|(name, value)| Some((name.as_str(), value.as_known()?)));
        let mut known: Vec<_> = known.collect();
        known.sort_unstable();
        known
    }

    /// Returns the value of a variable.
    pub(crate) fn get(&self, name: &str) -> Result<Text, Unset> {
        if let Some(value) = self.variables.get(name) {
            return Ok(value.clone());
        }
        Err(match &self.hidden {
            Some(source) => Unset {
                is_certain: false,
                reason: format!("uses ${name}, which may come from {source}"),
            },
            None => Unset {
                is_certain: !is_service_link(name) && !matches!(name, "HOME" | "HOSTNAME" | "PATH"),
                reason: format!("uses ${name}, which the manifest does not set"),
            },
        })
    }

    /// Fills in `$(NAME)`, as the kubelet does in values, commands and arguments.
    pub(crate) fn substitute(&self, value: &str) -> Text {
        substitute_with(value, |name| match self.variables.get(name) {
            Some(value) => value.clone(),
            None => self.unknown_reference(name),
        })
    }

    /// Fills in `$(NAME)` in a script. What only the running container knows is left to the shell, so
    /// that the script can be read: it matters only if a check depends on it.
    pub(crate) fn substitute_in_script(&self, script: &str) -> Text {
        substitute_with(script, |name| match self.variables.get(name) {
            // A shell would take the notation of terms for a command.
            Some(Text::Known(value)) if !value.contains(OWN_NAMESPACE) => {
                Text::known(value.as_str())
            }
            None if self.hidden.is_none() => Text::known(format!("$({name})")),
            _ => Text::known(format!("${{{name}}}")),
        })
    }

    /// A reference to a variable that is not set stays as it is.
    fn unknown_reference(&self, name: &str) -> Text {
        match &self.hidden {
            Some(source) => Text::unknown(format!("uses $({name}), which may come from {source}")),
            None => Text::known(format!("$({name})")),
        }
    }
}

/// Replaces each `$(NAME)` by what `get` returns for it.
fn substitute_with(value: &str, get: impl Fn(&str) -> Text) -> Text {
    let mut parts = Vec::new();
    let mut rest = value;
    while let Some((before, after)) = rest.split_once('$') {
        parts.push(Text::known(before));
        if let Some(escaped) = after.strip_prefix('$') {
            parts.push(Text::known("$"));
            rest = escaped;
        } else if let Some((name, tail)) = reference(after) {
            parts.push(get(name));
            rest = tail;
        } else {
            parts.push(Text::known("$"));
            rest = after;
        }
    }
    parts.push(Text::known(rest));
    Text::concat(parts)
}

/// Reads `(NAME)` at the beginning of a text. What is no name, such as `$(date +%s)`, is for a shell.
fn reference(text: &str) -> Option<(&str, &str)> {
    let (name, tail) = text.strip_prefix('(')?.split_once(')')?;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    (!name.is_empty() && name.chars().all(is_plain)).then_some((name, tail))
}

/// Returns whether the kubelet sets such a variable for a Service.
fn is_service_link(name: &str) -> bool {
    ["_SERVICE_HOST", "_SERVICE_PORT", "_PORT"]
        .iter()
        .any(|end| name.ends_with(end))
        && name.contains("_SERVICE_")
}

fn value_from(source: &Value, objects: &Objects<'_>, namespace: Option<&str>) -> Text {
    let name = |pointer| text(source, pointer).unwrap_or_default();
    if source.get("secretKeyRef").is_some() {
        return Text::unknown(format!(
            "uses the key {} of the Secret {}",
            name("/secretKeyRef/key"),
            name("/secretKeyRef/name")
        ));
    }
    if source.get("configMapKeyRef").is_some() {
        let (map, key) = (name("/configMapKeyRef/name"), name("/configMapKeyRef/key"));
        let object = objects.find("ConfigMap", namespace, map);
        let value = object.and_then(|object| object.get("data")?.get(key)?.as_str());
        return match value {
            Some(value) => Text::known(value),
            None => Text::unknown(format!(
                "uses the key {key} of the ConfigMap {map}, which is not in these files"
            )),
        };
    }
    match text(source, "/fieldRef/fieldPath") {
        Some("metadata.namespace") => Text::known(namespace.unwrap_or(OWN_NAMESPACE)),
        Some(field) => Text::unknown(format!("uses the pod's own {field}")),
        None => Text::unknown("uses a value that only the kubelet knows"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_come_from_the_manifest_and_its_config_maps() {
        let map = json!({"kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"host": "db"}});
        let container = json!({
            "envFrom": [{"prefix": "P_", "configMapRef": {"name": "c"}}],
            "env": [
                {"name": "PLAIN", "value": "x"},
                {"name": "KEY", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "host"}}},
                {"name": "BOTH", "value": "$(KEY)-$(PLAIN)-$$(KEY)-$(NONE)"},
                {"name": "NS", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}},
                {"name": "SECRET", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
            ],
        });
        let environment = Environment::new(&container, &Objects::new(vec![&map]), None);
        for (name, expected) in [
            ("P_host", Text::known("db")),
            ("PLAIN", Text::known("x")),
            ("KEY", Text::known("db")),
            ("BOTH", Text::known("db-x-$(KEY)-$(NONE)")),
            ("NS", Text::known("$(POD_NAMESPACE)")),
            ("SECRET", Text::unknown("uses the key k of the Secret s")),
        ] {
            assert_eq!(environment.get(name).unwrap(), expected, "{name}");
        }
        assert!(environment.get("OTHER").unwrap_err().is_certain);
    }

    #[test]
    fn an_unset_variable_may_come_from_a_secret() {
        let container = json!({"envFrom": [{"secretRef": {"name": "s"}}]});
        let environment = Environment::new(&container, &Objects::default(), None);
        let unset = environment.get("HOST").unwrap_err();
        assert!(!unset.is_certain);
        assert_eq!(unset.reason, "uses $HOST, which may come from the Secret s");
    }
}
