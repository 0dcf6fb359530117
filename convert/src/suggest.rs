//! Services that a pod mentions: in its environment, its arguments, its probes and its `ConfigMap`s.
//!
//! What a pod mentions it often needs, and need not wait for. So these are suggestions only.

mod hosts;

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet, HashMap, hash_map::Entry},
};

use oncue_core::{
    model::{Address, Member, MemberId, Model, Service, Want},
    workload::{self, Workload},
};
use oncue_language::Namespace;
use serde_json::Value;

use self::hosts::{Mentioned, hosts};
use crate::{
    environment::Environment,
    objects::{Objects, list, text},
    surroundings::{Pod, files},
};

/// What one workload may wait for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Suggestion {
    /// The number of the document.
    pub document: usize,
    /// The JSON pointer to the pod's `metadata` and `spec`.
    pub template: String,
    /// The object, such as `Deployment/web`.
    pub object: String,
    /// The terms, each with the places that mention its Service.
    pub terms: BTreeMap<String, Vec<String>>,
}

/// Returns what the workloads of these objects mention and do not wait for. `model` has all of them,
/// and `default` is the namespace of objects without one.
pub fn suggest(objects: &[&Value], model: &Model, default: &Namespace) -> Vec<Suggestion> {
    let all = objects.iter().flat_map(|object| workload::objects(object));
    let surroundings = Objects::new(all.map(|(_, object)| object).collect());
    let members = by_name(model);
    let judged = RefCell::default();
    let mut suggestions = Vec::new();
    for (document, object) in objects.iter().enumerate() {
        for workload in workload::find(object) {
            let namespace = workload.namespace_or(default);
            let reader = Reader {
                workload: &workload,
                objects: &surroundings,
                model,
                member: members.get(&(&namespace, &*workload.stem())).copied(),
                judged: &judged,
                namespace,
            };
            let terms = reader.terms();
            if !terms.is_empty() {
                suggestions.push(Suggestion {
                    document,
                    template: workload.template_pointer(),
                    object: workload.to_string(),
                    terms,
                });
            }
        }
    }
    suggestions
}

/// Returns the first member of each namespace and name.
fn by_name(model: &Model) -> HashMap<(&Namespace, &str), &Member> {
    let mut members = HashMap::new();
    for (_, member) in model.members() {
        members
            .entry((&member.namespace, &*member.name))
            .or_insert(member);
    }
    members
}

/// What is known of waits for Services. Many pods ask for the same, so each question is answered
/// once.
#[derive(Debug, Default)]
struct Judged<'m> {
    /// The members behind each Service, by its namespace and name.
    behind: HashMap<(&'m Namespace, &'m str), BTreeSet<MemberId>>,
    /// Whether what a term asks for comes from a member behind a Service.
    awaited: HashMap<(Want, &'m Namespace, &'m str), bool>,
}

impl<'m> Judged<'m> {
    fn is_awaited(&mut self, want: Want, service: &'m Service, model: &'m Model) -> bool {
        let name = (&service.namespace, &*service.name);
        let behind = self.behind.entry(name);
        let behind = behind.or_insert_with(|| model.behind(service).into_iter().collect());
        match self.awaited.entry((want, name.0, name.1)) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(new) => {
                let producers = model.producers_of(&new.key().0);
                *new.insert(producers.iter().any(|it| behind.contains(&it.member)))
            }
        }
    }
}

/// Reads one workload.
struct Reader<'a, 'm> {
    workload: &'a Workload<'a>,
    objects: &'a Objects<'a>,
    model: &'m Model,
    namespace: Namespace,
    /// The member of the model that it is.
    member: Option<&'m Member>,
    judged: &'a RefCell<Judged<'m>>,
}

impl<'m> Reader<'_, 'm> {
    fn terms(&self) -> BTreeMap<String, Vec<String>> {
        let mut terms: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let spec = self.workload.template().get("spec");
        let spec = spec.unwrap_or(&Value::Null);
        for container in ["/initContainers", "/containers"]
            .into_iter()
            .flat_map(|at| list(spec, at))
        {
            for (place, key, value) in self.texts(container, spec) {
                let is_known = |it: &Mentioned<'_>| {
                    let (service, _) = self.model.resolve(it.host, &self.namespace)?;
                    Some(service.ports.iter().map(|it| it.port).collect())
                };
                for mentioned in hosts(&key, &value, is_known) {
                    if let Some(term) = self.term(&mentioned) {
                        let places = terms.entry(term).or_default();
                        if !places.contains(&place) {
                            places.push(place.clone());
                        }
                    }
                }
            }
        }
        terms
    }

    /// Returns the texts of a container: where each is, what it is called, and the text.
    fn texts(&self, container: &Value, spec: &Value) -> Vec<(String, String, String)> {
        let named = text(self.workload.object(), "/metadata/namespace");
        let pod = Pod {
            spec,
            namespace: named,
        };
        let name = text(container, "/name").unwrap_or_default();
        let environment = Environment::new(container, self.objects, named);
        let mut texts = Vec::new();
        for (variable, value) in environment.known() {
            let place = format!("variable {variable} of the container {name}");
            texts.push((place, variable.to_owned(), value.to_owned()));
        }
        for (at, what) in [("/command", "command"), ("/args", "arguments")] {
            let words = list(container, at).iter().filter_map(Value::as_str);
            // Options with a value behind them: `--host db`.
            let words: Vec<_> = words.collect();
            let mut key = "";
            for word in words {
                if let Some(word) = environment.substitute(word).as_known() {
                    let place = format!("{what} of the container {name}");
                    texts.push((place, key.to_owned(), word.to_owned()));
                }
                key = if word.starts_with('-') { word } else { "" };
            }
        }
        for probe in ["startupProbe", "readinessProbe", "livenessProbe"] {
            let host = text(container, &format!("/{probe}/httpGet/host"));
            let place = || format!("{probe} of the container {name}");
            texts.extend(host.map(|host| (place(), "host".to_owned(), host.to_owned())));
            let words = list(container, &format!("/{probe}/exec/command")).iter();
            let words = words.filter_map(Value::as_str);
            texts.extend(words.map(|word| (place(), String::new(), word.to_owned())));
        }
        for (path, content) in files(container, &pod, self.objects) {
            for line in content.lines() {
                let place = format!("file {path} of the container {name}");
                texts.push((place, String::new(), line.to_owned()));
            }
        }
        texts
    }

    /// Returns the term that waits for a mentioned Service, unless the pod is behind it itself or
    /// waits for it already.
    fn term(&self, mentioned: &Mentioned<'_>) -> Option<String> {
        let (service, _) = self.model.resolve(mentioned.host, &self.namespace)?;
        if self.is_own(service) || self.is_awaited(service) {
            return None;
        }
        if let Address::External(_) = service.address {
            let port = mentioned.port?;
            return Some(format!("tcp://{}:{port}", mentioned.host));
        }
        Some(if service.namespace == self.namespace {
            format!("service:{}", service.name)
        } else {
            format!("service:{}@{}", service.name, service.namespace)
        })
    }

    fn is_own(&self, service: &Service) -> bool {
        let labels: Vec<_> = self.workload.labels().collect();
        let label = |key: &str| labels.iter().find(|(it, _)| *it == key).map(|(_, it)| *it);
        service.namespace == self.namespace && service.selects(label)
    }

    fn is_awaited(&self, service: &'m Service) -> bool {
        self.member.is_some_and(|member| {
            let mut wants = member.terms().map(|term| Want::of(member, term));
            let mut judged = self.judged.borrow_mut();
            wants.any(|want| judged.is_awaited(want, service, self.model))
        })
    }
}

#[cfg(test)]
mod tests {
    use oncue_language::Keys;
    use serde_json::json;

    use super::*;

    fn suggestions(objects: &[Value]) -> Vec<(String, BTreeMap<String, Vec<String>>)> {
        let namespace = Namespace::default();
        let mut model = Model::default();
        for object in objects {
            model.add_object(object, &namespace);
            for workload in workload::find(object) {
                let member = Member::read(&workload, &Keys::default(), &namespace);
                model.insert(member.unwrap());
            }
        }
        let objects: Vec<_> = objects.iter().collect();
        let found = suggest(&objects, &model, &namespace).into_iter();
        found.map(|it| (it.object, it.terms)).collect()
    }

    fn service(name: &str, port: u16) -> Value {
        json!({
            "apiVersion": "v1", "kind": "Service", "metadata": {"name": name},
            "spec": {"selector": {"app": name}, "ports": [{"port": port}]},
        })
    }

    #[expect(
        clippy::needless_pass_by_value,
        reason = "json!(...) reads better without a &"
    )]
    fn deployment(name: &str, annotations: Value, mut container: Value) -> Value {
        container["name"] = "main".into();
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name},
            "spec": {"template": {
                "metadata": {"labels": {"app": name}, "annotations": annotations},
                "spec": {
                    "containers": [container],
                    "volumes": [{"name": "config", "configMap": {"name": "config"}}],
                },
            }},
        })
    }

    #[test]
    fn every_place_counts_and_the_pod_itself_does_not() {
        let map = json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "config"},
            "data": {"app.yaml": "queue:\n  url: amqp://u:p@mq:5672/\n"},
        });
        let web = deployment(
            "web",
            json!({}),
            json!({
                "env": [{"name": "DB_HOST", "value": "db"}, {"name": "SELF", "value": "http://web:80"}],
                "args": ["--cache", "cache:6379", "--name=db"],
                "volumeMounts": [{"name": "config", "mountPath": "/etc/app"}],
            }),
        );
        let objects = [
            map,
            web,
            service("web", 80),
            service("db", 5432),
            service("cache", 6379),
            service("mq", 5672),
        ];
        let found = suggestions(&objects);
        let terms = |places: &[(&str, &str)]| -> BTreeMap<String, Vec<String>> {
            let places = places.iter();
            let places =
                places.map(|(term, place)| ((*term).to_owned(), vec![(*place).to_owned()]));
            places.collect()
        };
        let expected = terms(&[
            ("service:cache", "arguments of the container main"),
            ("service:db", "variable DB_HOST of the container main"),
            ("service:mq", "file /etc/app/app.yaml of the container main"),
        ]);
        assert_eq!(found, [("Deployment/web".to_owned(), expected)]);
    }

    #[test]
    fn what_a_pod_waits_for_already_is_not_suggested() {
        let container = json!({"env": [{"name": "DB_HOST", "value": "db"}]});
        let db = deployment("db", json!({"signals": "db/up"}), json!({}));
        for depends_on in ["db/up", "tcp://db:5432", "deployment:db", "service:db"] {
            let web = deployment("web", json!({"depends-on": depends_on}), container.clone());
            let found = suggestions(&[web, service("db", 5432), db.clone()]);
            assert_eq!(found, [], "{depends_on}");
        }
    }
}
