//! `kubernetes-entrypoint`, which its environment alone controls.

use serde_json::{Map, Value};

use super::kind::Object;
use crate::{
    check::{Check, Fit},
    shell::{Machine, Run, Status, Stop, refuse},
    text::Text,
};

/// Since when the tool knows `DEPENDENCY_POD_JSON` and `DEPENDENCY_JOBS_JSON`.
const KNOWS_JSON: (u32, u32) = (0, 3);

/// Since when the tool knows `DEPENDENCY_CUSTOM_RESOURCE`.
const KNOWS_CUSTOM_RESOURCES: (u32, u32) = (1, 0);

/// Runs `kubernetes-entrypoint`.
pub(super) fn kubernetes_entrypoint(machine: &mut Machine<'_>) -> Run {
    let mut entrypoint = Entrypoint::new(machine)?;
    entrypoint.services()?;
    entrypoint.jobs()?;
    entrypoint.daemon_sets()?;
    entrypoint.pods()?;
    entrypoint.rest()?;
    let Entrypoint { checks, .. } = entrypoint;
    machine.wait(&checks, None, Status::FAILURE)?;
    let command = variable(machine, "COMMAND")?;
    let words: Vec<_> = command.split(' ').filter(|word| !word.is_empty()).collect();
    machine.call(words.into_iter().map(Text::known).collect())
}

/// Returns the value of a variable, empty if it is not set.
fn variable(machine: &mut Machine<'_>, name: &str) -> Result<String, Stop> {
    match machine.value(name) {
        Ok(value) => match value.get() {
            Ok(text) => Ok(text.to_owned()),
            Err(reason) => refuse(reason),
        },
        Err(unset) if unset.is_certain => Ok(String::new()),
        Err(unset) => refuse(unset.reason),
    }
}

/// The reading of the environment.
#[derive(Debug)]
struct Entrypoint<'m, 'w> {
    machine: &'m mut Machine<'w>,
    /// Where objects are looked for that name no namespace.
    namespace: String,
    /// Without it, the tool ignores dependencies on pods.
    has_pod_name: bool,
    /// The newest if the tag does not say.
    version: (u32, u32),
    checks: Vec<Check>,
}

impl<'m, 'w> Entrypoint<'m, 'w> {
    fn new(machine: &'m mut Machine<'w>) -> Result<Self, Stop> {
        let namespace = variable(machine, "NAMESPACE")?;
        let has_pod_name = match machine.value("POD_NAME") {
            Ok(value) => value.as_known() != Some(""),
            Err(_) => false,
        };
        Ok(Self {
            namespace: if namespace.is_empty() {
                "default".to_owned()
            } else {
                namespace
            },
            has_pod_name,
            version: machine
                .surroundings
                .image
                .version()
                .unwrap_or((u32::MAX, 0)),
            machine,
            checks: Vec::new(),
        })
    }

    /// Reads `a,ns:b`. What has more colons is ignored.
    fn names(&mut self, variable_name: &str) -> Result<Vec<(String, String)>, Stop> {
        let value = variable(self.machine, variable_name)?;
        let items = value.split(',').filter(|_| !value.is_empty());
        let names = items.filter_map(
            |item| match item.split(':').collect::<Vec<_>>().as_slice() {
                [name] => Some((self.namespace.clone(), (*name).to_owned())),
                [namespace, name] if !namespace.is_empty() => {
                    Some(((*namespace).to_owned(), (*name).to_owned()))
                }
                _ => None,
            },
        );
        Ok(names.collect())
    }

    /// Reads a list of objects. The tool ignores what is no such list.
    fn list(&mut self, variable_name: &str) -> Result<Vec<Map<String, Value>>, Stop> {
        let value = variable(self.machine, variable_name)?;
        Ok(serde_json::from_str(&value).unwrap_or_default())
    }

    fn add(&mut self, kind: &str, which: &str, place: Place<'_>) {
        let Place {
            namespace,
            end,
            fit,
        } = place;
        let object = Object {
            kind: kind.to_owned(),
            which: which.to_owned(),
            namespace: Some(namespace.to_owned()),
        };
        self.checks
            .push(object.check(end, fit, self.machine.surroundings));
    }

    fn services(&mut self) -> Result<(), Stop> {
        for (namespace, name) in self.names("DEPENDENCY_SERVICE")? {
            self.add("service", &name, Place::of(&namespace));
        }
        Ok(())
    }

    fn jobs(&mut self) -> Result<(), Stop> {
        let is_json = self.version >= KNOWS_JSON
            && !variable(self.machine, "DEPENDENCY_JOBS_JSON")?.is_empty();
        if !is_json {
            for (namespace, name) in self.names("DEPENDENCY_JOBS")? {
                let fit = self.fit_of_job(&namespace, &name);
                self.add(
                    "job",
                    &name,
                    Place {
                        fit,
                        ..Place::of(&namespace)
                    },
                );
            }
            return Ok(());
        }
        for job in self.list("DEPENDENCY_JOBS_JSON")? {
            let namespace = self.namespace_of(&job);
            let name = job.get("name").and_then(Value::as_str).unwrap_or_default();
            match (name, labels(&job)) {
                ("", Some(labels)) => self.add("job", &labels, Place::of(&namespace)),
                ("", None) => {
                    let reason = "waits for a Job that it does not name, so for ever";
                    self.checks.push(Check::opaque(reason));
                }
                // The tool ignores a Job with both.
                (_, Some(_)) => {}
                (name, None) => {
                    let fit = self.fit_of_job(&namespace, name);
                    self.add(
                        "job",
                        name,
                        Place {
                            fit,
                            ..Place::of(&namespace)
                        },
                    );
                }
            }
        }
        Ok(())
    }

    /// The tool waits for one success, the term for all completions.
    fn fit_of_job(&self, namespace: &str, name: &str) -> Fit {
        let surroundings = self.machine.surroundings;
        let namespace = (!namespace.starts_with('$')).then_some(namespace);
        let objects = surroundings.objects;
        let job = objects
            .find("Job", namespace, name)
            .or_else(|| objects.find("Job", None, name));
        let completions = job.and_then(|job| job.pointer("/spec/completions")?.as_u64());
        if completions.is_some_and(|completions| completions > 1) {
            Fit::Approximate("it waits for one success of the Job, the term for all".to_owned())
        } else {
            Fit::Exact
        }
    }

    fn daemon_sets(&mut self) -> Result<(), Stop> {
        let names = self.names("DEPENDENCY_DAEMONSET")?;
        if !self.has_pod_name {
            return Ok(());
        }
        for (namespace, name) in names {
            let difference =
                "it goes on if the node has no pod of the DaemonSet, the term waits for one";
            let place = Place {
                end: " on node",
                fit: Fit::Approximate(difference.to_owned()),
                ..Place::of(&namespace)
            };
            self.add("daemonset", &name, place);
        }
        Ok(())
    }

    fn pods(&mut self) -> Result<(), Stop> {
        if self.version < KNOWS_JSON || !self.has_pod_name {
            return Ok(());
        }
        for pod in self.list("DEPENDENCY_POD_JSON")? {
            let namespace = self.namespace_of(&pod);
            let Some(labels) = labels(&pod) else {
                self.checks
                    .push(Check::opaque("waits for any pod of a namespace"));
                continue;
            };
            let is_same_node = pod.get("requireSameNode") == Some(&Value::Bool(true));
            let end = if is_same_node { " on node" } else { "" };
            self.add(
                "pod",
                &labels,
                Place {
                    end,
                    ..Place::of(&namespace)
                },
            );
        }
        Ok(())
    }

    /// Reads what has no term.
    fn rest(&mut self) -> Result<(), Stop> {
        for (name, reason) in [
            (
                "DEPENDENCY_CONTAINER",
                "waits for a container of its own pod",
            ),
            (
                "DEPENDENCY_SOCKET",
                "waits for a socket, which no term does",
            ),
        ] {
            if !variable(self.machine, name)?.is_empty() {
                self.checks.push(Check::opaque(reason));
            }
        }
        let knows_custom_resources = self.version >= KNOWS_CUSTOM_RESOURCES;
        if knows_custom_resources && !self.list("DEPENDENCY_CUSTOM_RESOURCE")?.is_empty() {
            let reason = "waits for a custom resource by its kind; a term needs its plural";
            self.checks.push(Check::opaque(reason));
        }
        if !variable(self.machine, "DEPENDENCY_CONFIG")?.is_empty() {
            return refuse("fills in a configuration file (DEPENDENCY_CONFIG)");
        }
        Ok(())
    }

    fn namespace_of(&self, dependency: &Map<String, Value>) -> String {
        let namespace = dependency.get("namespace").and_then(Value::as_str);
        let namespace = namespace.filter(|namespace| !namespace.is_empty());
        namespace.unwrap_or(&self.namespace).to_owned()
    }
}

/// Where an object is, and what stands behind it in the term.
#[derive(Debug)]
struct Place<'a> {
    namespace: &'a str,
    end: &'a str,
    fit: Fit,
}

impl<'a> Place<'a> {
    fn of(namespace: &'a str) -> Self {
        Self {
            namespace,
            end: "",
            fit: Fit::Exact,
        }
    }
}

fn labels(dependency: &Map<String, Value>) -> Option<String> {
    let labels = dependency.get("labels")?.as_object()?;
    let labels: Vec<_> = labels
        .iter()
        .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()))
        .collect();
    (!labels.is_empty()).then(|| format!("[{}]", labels.join(",")))
}
