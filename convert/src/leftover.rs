//! What only the removed containers needed. It is named, not removed.

use std::{
    collections::{BTreeSet, HashMap},
    fmt,
};

use oncue_core::workload::{self, Workload};
use serde_json::Value;

use crate::{
    objects::{Objects, list, namespace_of, text},
    plan::PodPlan,
};

/// Something that nothing in the files needs any more.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Leftover {
    /// An object, such as `ConfigMap/scripts`, that nothing refers to any more.
    Object(String),
    /// An object that lets pods read the state of others, such as `Role/reader`. The pods'
    /// own containers may use it too.
    Reader(String),
    /// A volume of a pod that no container mounts any more.
    Volume {
        /// The object that has it, such as `Deployment/web`.
        object: String,
        /// The volume.
        name: String,
    },
}

impl fmt::Display for Leftover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Object(object) => {
                write!(f, "{object}: nothing in these files refers to it any more")
            }
            Self::Reader(object) => write!(
                f,
                "{object}: it lets pods read the state of other objects, which the removed containers \
                 needed; check whether the pods' own containers need it"
            ),
            Self::Volume { object, name } => {
                write!(
                    f,
                    "volume {name} of {object}: no container mounts it any more"
                )
            }
        }
    }
}

/// Returns what only the containers needed that `plans` remove.
pub fn leftovers(documents: &[&Value], plans: &[PodPlan]) -> Vec<Leftover> {
    let plans: HashMap<_, _> = plans
        .iter()
        .map(|plan| ((plan.document, &*plan.template), plan))
        .collect();
    let mut found = BTreeSet::new();
    let mut removed = References::default();
    let mut kept = References::default();
    for (number, document) in documents.iter().enumerate() {
        for workload in workload::find(document) {
            let template = workload.template_pointer();
            let plan = plans.get(&(number, &*template));
            let gone: Vec<_> = plan
                .map(|plan| plan.removed().collect())
                .unwrap_or_default();
            found.extend(Split::of(&workload, &gone).sort(&mut removed, &mut kept));
        }
    }
    let objects: Vec<_> = documents
        .iter()
        .flat_map(|it| workload::objects(it))
        .collect();
    let objects = Objects::new(objects.into_iter().map(|(_, object)| object).collect());
    let names = removed.config_maps.difference(&kept.config_maps);
    found.extend(names.filter_map(|(namespace, name)| {
        objects.find("ConfigMap", named(namespace), name)?;
        Some(Leftover::Object(format!("ConfigMap/{name}")))
    }));
    let accounts: BTreeSet<_> = removed.readers.difference(&kept.readers).collect();
    found.extend(readers(&objects, &accounts));
    found.into_iter().collect()
}

/// A namespace, empty if none is named, and a name in it.
type Name = (String, String);

/// What containers refer to.
#[derive(Debug, Default)]
struct References {
    config_maps: BTreeSet<Name>,
    /// Service accounts of containers that ask the Kubernetes API, as far as their image or their
    /// command tells.
    readers: BTreeSet<Name>,
}

/// The containers of a pod.
#[derive(Debug)]
struct Split<'a> {
    object: String,
    namespace: String,
    spec: &'a Value,
    removed: Vec<&'a Value>,
    kept: Vec<&'a Value>,
}

impl<'a> Split<'a> {
    fn of(workload: &Workload<'a>, gone: &[usize]) -> Self {
        let spec = workload.template().get("spec").unwrap_or(&Value::Null);
        let mut removed = Vec::new();
        let mut kept: Vec<_> = list(spec, "/containers").iter().collect();
        for (index, container) in list(spec, "/initContainers").iter().enumerate() {
            if gone.contains(&index) {
                removed.push(container);
            } else {
                kept.push(container);
            }
        }
        Self {
            object: workload.to_string(),
            namespace: workload.namespace().unwrap_or_default().to_owned(),
            spec,
            removed,
            kept,
        }
    }

    /// Adds what the containers refer to, and returns the volumes that only removed ones mount.
    fn sort(&self, removed: &mut References, kept: &mut References) -> Vec<Leftover> {
        let mut unused = Vec::new();
        for volume in list(self.spec, "/volumes") {
            let name = text(volume, "/name").unwrap_or_default();
            let maps = config_maps_of_volume(volume);
            let mounts = |containers: &[&Value]| containers.iter().any(|it| mounts(it, name));
            if mounts(&self.removed) && !mounts(&self.kept) {
                self.add_maps(maps, removed);
                unused.push(Leftover::Volume {
                    object: self.object.clone(),
                    name: name.to_owned(),
                });
            } else {
                self.add_maps(maps, kept);
            }
        }
        for (containers, references) in [(&self.removed, removed), (&self.kept, kept)] {
            for container in containers {
                self.add_maps(config_maps_of_container(container), references);
                if asks_api(container) {
                    let account = text(self.spec, "/serviceAccountName").unwrap_or("default");
                    let account = (self.namespace.clone(), account.to_owned());
                    references.readers.insert(account);
                }
            }
        }
        unused
    }

    fn add_maps(&self, names: Vec<&str>, references: &mut References) {
        let names = names
            .into_iter()
            .map(|name| (self.namespace.clone(), name.to_owned()));
        references.config_maps.extend(names);
    }
}

fn mounts(container: &Value, volume: &str) -> bool {
    let mounts = list(container, "/volumeMounts").iter();
    let mut all = mounts.chain(list(container, "/volumeDevices"));
    all.any(|mount| text(mount, "/name") == Some(volume))
}

fn config_maps_of_volume(volume: &Value) -> Vec<&str> {
    let projected = list(volume, "/projected/sources").iter();
    let projected = projected.filter_map(|source| text(source, "/configMap/name"));
    text(volume, "/configMap/name")
        .into_iter()
        .chain(projected)
        .collect()
}

fn config_maps_of_container(container: &Value) -> Vec<&str> {
    let env = list(container, "/env").iter();
    let env = env.filter_map(|variable| text(variable, "/valueFrom/configMapKeyRef/name"));
    let all = list(container, "/envFrom").iter();
    env.chain(all.filter_map(|source| text(source, "/configMapRef/name")))
        .collect()
}

/// Returns whether a container asks the Kubernetes API, as far as its image or its command tells.
fn asks_api(container: &Value) -> bool {
    const TOOLS: [&str; 4] = [
        "kubectl",
        "k8s-wait-for",
        "kubernetes-entrypoint",
        "wait_for.sh",
    ];
    let words = list(container, "/command")
        .iter()
        .chain(list(container, "/args"));
    let words = words
        .filter_map(Value::as_str)
        .chain(text(container, "/image"));
    words
        .into_iter()
        .any(|word| TOOLS.iter().any(|tool| word.contains(tool)))
}

fn named(namespace: &str) -> Option<&str> {
    Some(namespace).filter(|namespace| !namespace.is_empty())
}

/// Returns the bindings of service accounts, the roles behind them if they only allow to read, and
/// the accounts.
fn readers(objects: &Objects<'_>, accounts: &BTreeSet<&Name>) -> Vec<Leftover> {
    let bindings = bindings(objects);
    let mut found = Vec::new();
    for (namespace, account) in accounts {
        let Some(bound) = bindings.get(&**account) else {
            continue;
        };
        let own = objects.find("ServiceAccount", named(namespace), account);
        let all = bound.iter().flatten().copied().chain(own);
        found.extend(all.map(|object| Leftover::Reader(title(object))));
    }
    found
}

/// Returns the bindings of a single service account, each with its role if that only allows to read,
/// by the name of the account.
fn bindings<'a>(objects: &Objects<'a>) -> HashMap<&'a str, Vec<[&'a Value; 2]>> {
    let mut bindings: HashMap<_, Vec<_>> = HashMap::new();
    for binding in objects.of_kind("RoleBinding") {
        let role = text(binding, "/roleRef/name").unwrap_or_default();
        let role = objects.find("Role", namespace_of(binding), role);
        let role = role.filter(|role| only_reads(role));
        if let (Some(account), Some(role)) = (only_account(binding), role) {
            bindings.entry(account).or_default().push([binding, role]);
        }
    }
    bindings
}

/// Returns the name of the service account that a binding is for, if it is for nobody else.
fn only_account(binding: &Value) -> Option<&str> {
    let subjects = list(binding, "/subjects");
    let account = text(subjects.first()?, "/name")?;
    let is_account = |subject: &Value| {
        text(subject, "/kind") == Some("ServiceAccount") && text(subject, "/name") == Some(account)
    };
    subjects.iter().all(is_account).then_some(account)
}

fn only_reads(role: &Value) -> bool {
    list(role, "/rules").iter().all(|rule| {
        let mut verbs = list(rule, "/verbs").iter().filter_map(Value::as_str);
        verbs.all(|verb| matches!(verb, "get" | "list" | "watch"))
    })
}

fn title(object: &Value) -> String {
    format!(
        "{}/{}",
        text(object, "/kind").unwrap_or_default(),
        text(object, "/metadata/name").unwrap_or_default()
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::plan::{Settings, plan};

    #[test]
    fn what_only_removed_containers_needed_is_named() {
        let workload = json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
            "spec": {"template": {"spec": {
                "serviceAccountName": "reader",
                "initContainers": [
                    {"name": "a", "image": "k8s-wait-for", "args": ["job", "m"]},
                    {"name": "b", "image": "busybox", "command": ["sh", "/s/wait.sh"],
                     "volumeMounts": [{"name": "s", "mountPath": "/s"}]},
                ],
                "containers": [{"name": "web", "image": "web",
                    "envFrom": [{"configMapRef": {"name": "kept"}}]}],
                "volumes": [{"name": "s", "configMap": {"name": "scripts"}}],
            }}},
        });
        let object = |kind: &str, name: &str, rest: Value| {
            let mut object = json!({"kind": kind, "metadata": {"name": name}});
            for (key, value) in rest.as_object().unwrap() {
                object[key] = value.clone();
            }
            object
        };
        let wait = "until nc -z db 1; do sleep 1; done";
        let others = [
            object("ConfigMap", "scripts", json!({"data": {"wait.sh": wait}})),
            object("ConfigMap", "kept", json!({})),
            object("ServiceAccount", "reader", json!({})),
            object(
                "Role",
                "jobs",
                json!({"rules": [{"verbs": ["get", "list"]}]}),
            ),
            object(
                "RoleBinding",
                "jobs",
                json!({"roleRef": {"name": "jobs"},
                       "subjects": [{"kind": "ServiceAccount", "name": "reader"}]}),
            ),
        ];
        let mut documents = vec![&workload];
        documents.extend(&others);
        let plans = plan(&documents, &Settings::default());
        let found = leftovers(&documents, &plans);
        let found: Vec<_> = found.iter().map(ToString::to_string).collect();
        let names: Vec<_> = found.iter().filter_map(|it| it.split(':').next()).collect();
        assert_eq!(
            names,
            [
                "ConfigMap/scripts",
                "Role/jobs",
                "RoleBinding/jobs",
                "ServiceAccount/reader",
                "volume s of Deployment/web",
            ]
        );
    }
}
