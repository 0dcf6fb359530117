//! `oncue status --injected`: the pods that carry what oncue injected.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::recreation::Recreation;
use crate::{
    cluster::{Part, Place, Question, Resource},
    commands::{
        cluster::Cluster,
        object::text,
        output::{self, Format},
    },
    injection::{Proof, Settings},
    workload::{Owner, owner, uid},
};

/// The pods that were injected and have not ended, with what controllers made them.
#[derive(Debug)]
pub(super) struct Injected {
    pods: Vec<Value>,
    /// Those controllers that themselves have one, by their uid.
    controllers: HashMap<String, Value>,
    /// The flags by which `kubectl` finds the cluster.
    flags: String,
    /// How new pods prove to the store who they are.
    proof: Proof,
}

impl Injected {
    /// Finds them.
    pub(super) fn find(
        cluster: &Cluster,
        settings: &Settings,
        place: &Place,
    ) -> anyhow::Result<Self> {
        let label = format!("{}=true", settings.managed_label());
        let live = Question {
            labels: &label,
            fields: "status.phase!=Succeeded,status.phase!=Failed",
            part: Part::Whole,
        };
        let mut injected = Self {
            proof: settings.proof,
            ..Self::new(cluster.find(Resource::POD, (place, live), kept)?)
        };
        for resource in [Resource::REPLICA_SET, Resource::JOB] {
            injected.add_controllers(cluster, resource, place);
        }
        Ok(injected)
    }

    fn new(pods: Vec<Value>) -> Self {
        Self {
            pods,
            controllers: HashMap::new(),
            flags: String::new(),
            proof: Proof::None,
        }
    }

    /// Returns the same, which tells `kubectl` its cluster by these flags.
    pub(super) fn with_flags(self, flags: String) -> Self {
        Self { flags, ..self }
    }

    /// Adds the controllers of one kind, if a pod has one of it.
    fn add_controllers(&mut self, cluster: &Cluster, resource: Resource, place: &Place) {
        let mut owners = self.pods.iter().filter_map(owner);
        if !owners.any(|owner| owner.kind == resource.kind()) {
            return;
        }
        let metadata = Question {
            part: Part::Metadata,
            ..Question::default()
        };
        let has_one = |object: &Value| owner(object).and_then(|_| kept(object));
        match cluster.find(resource, (place, metadata), has_one) {
            Ok(found) => self.controllers.extend(by_uid(found)),
            Err(error) => output::note(&error.to_string()),
        }
    }

    /// Prints them.
    pub(super) fn print(&self, format: Format) -> anyhow::Result<()> {
        match format {
            Format::Json => output::print_json(&self.to_json()),
            Format::Text if self.pods.is_empty() => {
                output::print("no pod that was injected is left\n")
            }
            Format::Text => {
                if let Some(note) = self.note() {
                    output::note(&note);
                }
                output::print(&output::table(&self.rows())?)
            }
        }
    }

    /// Returns what the store has to allow for these pods, if it asks others for tokens.
    fn note(&self) -> Option<String> {
        let plain = self.pods.iter().filter(|pod| pod[NEEDS_PLAIN_HTTP] == true);
        let count = plain.count();
        (self.proof == Proof::Token && count > 0).then(|| {
            format!(
                "pods without a token: {count}. They were injected before the store asked for one, \
                 and need store.acceptPlain until they are recreated"
            )
        })
    }

    fn rows(&self) -> Vec<[String; 6]> {
        let mut rows: Vec<_> = self.pods.iter().map(|pod| self.row(pod)).collect();
        rows.sort();
        rows.insert(0, HEAD.map(str::to_owned));
        rows
    }

    fn row(&self, pod: &Value) -> [String; 6] {
        let controller = self.controller(pod);
        [
            text(pod, "/metadata/namespace").to_owned(),
            controller
                .as_ref()
                .map_or_else(|| "-".to_owned(), Owner::to_string),
            text(pod, "/metadata/name").to_owned(),
            text(pod, "/status/phase").to_owned(),
            access(pod).to_owned(),
            self.command(pod, controller.as_ref()),
        ]
    }

    fn to_json(&self) -> Value {
        let pods = self.pods.iter().map(|pod| {
            let controller = self.controller(pod);
            json!({
                "namespace": text(pod, "/metadata/namespace"),
                "name": text(pod, "/metadata/name"),
                "phase": text(pod, "/status/phase"),
                "needsPlainHttp": pod[NEEDS_PLAIN_HTTP] == true,
                "controller": controller.as_ref().map(|owner| {
                    json!({"group": owner.group, "kind": owner.kind, "name": owner.name})
                }),
                "recreation": Recreation::by(controller.as_ref()).as_str(),
                "command": self.command(pod, controller.as_ref()),
            })
        });
        json!({ "pods": pods.collect::<Vec<_>>() })
    }

    /// Returns the controller that a person wrote: that of a `ReplicaSet` in the place of it.
    fn controller<'a>(&'a self, pod: &'a Value) -> Option<Owner<'a>> {
        let direct = owner(pod)?;
        let above = self.controllers.get(direct.uid).and_then(owner);
        // Jobs are made once: what makes them makes no other in the place of one.
        match above {
            Some(above) if direct.kind != Resource::JOB.kind() => Some(above),
            _ => Some(direct),
        }
    }

    fn command(&self, pod: &Value, controller: Option<&Owner<'_>>) -> String {
        let namespace = text(pod, "/metadata/namespace");
        let flags = format!("-n {namespace}{}", self.flags);
        let name = text(pod, "/metadata/name");
        match (Recreation::by(controller), controller) {
            (Recreation::Restart, Some(Owner { kind, name, .. })) => {
                let kind = kind.to_lowercase();
                format!("kubectl rollout restart {kind}/{name} {flags}")
            }
            (Recreation::ByHand, _) => {
                format!("kubectl delete pod/{name} {flags}, then apply its manifest")
            }
            _ => format!("kubectl delete pod/{name} {flags}"),
        }
    }
}

/// Returns what is shown of an object: there may be many.
fn kept(object: &Value) -> Option<Value> {
    let metadata = object.get("metadata")?;
    let kept = ["name", "namespace", "uid", "ownerReferences"].map(|key| (key, &metadata[key]));
    let kept: serde_json::Map<_, _> = kept
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value.clone()))
        .collect();
    Some(json!({
        "metadata": kept,
        "status": {"phase": object["status"]["phase"]},
        NEEDS_PLAIN_HTTP: Proof::of_pod(object).map(|proof| proof == Proof::None),
    }))
}

/// Returns how the container that was injected reaches the store.
fn access(pod: &Value) -> &'static str {
    match pod[NEEDS_PLAIN_HTTP] {
        Value::Bool(true) => "plain-http",
        Value::Bool(false) => "token",
        _ => "-",
    }
}

fn by_uid(objects: Vec<Value>) -> impl Iterator<Item = (String, Value)> {
    objects
        .into_iter()
        .filter_map(|object| Some((uid(&object)?.to_owned(), object)))
}

const HEAD: [&str; 6] = [
    "NAMESPACE",
    "CONTROLLER",
    "POD",
    "PHASE",
    "STORE ACCESS",
    "RECREATE WITH",
];

/// The member of what is shown that says whether the pod has no token; null without our container.
const NEEDS_PLAIN_HTTP: &str = "needsPlainHttp";

#[cfg(test)]
mod tests {
    use super::*;

    fn mk(name: &str, owner: Option<(&str, &str, &str)>) -> Value {
        let references = owner.map(|(version, kind, name)| {
            json!([{"apiVersion": version, "kind": kind, "name": name, "controller": true,
                    "uid": name}])
        });
        json!({
            "metadata": {"name": name, "namespace": "shop", "uid": name,
                         "ownerReferences": references},
            "status": {"phase": "Running"},
        })
    }

    fn mk_injected(pods: &[Value], controllers: &[Value]) -> Injected {
        Injected {
            controllers: by_uid(controllers.to_vec()).collect(),
            ..Injected::new(pods.to_vec())
        }
    }

    #[test]
    fn a_deployment_is_named_in_the_place_of_its_replica_set() {
        let pod = mk("web-1-a", Some(("apps/v1", "ReplicaSet", "web-1")));
        let replica_set = mk("web-1", Some(("apps/v1", "Deployment", "web")));
        let injected = mk_injected(&[pod], &[replica_set]);
        let restart = "kubectl rollout restart deployment/web -n shop";
        let row = ["shop", "Deployment/web", "web-1-a", "Running", "-", restart];
        assert_eq!(injected.rows()[1], row);
        let json = &injected.to_json()["pods"][0];
        assert_eq!(json["controller"]["kind"], "Deployment");
        assert_eq!(json["recreation"], "restart");
        assert_eq!(json["command"], restart);
    }

    #[test]
    fn the_pod_of_a_job_is_deleted_even_where_a_cron_job_made_the_job() {
        let pod = mk("night-1-a", Some(("batch/v1", "Job", "night-1")));
        let job = mk("night-1", Some(("batch/v1", "CronJob", "night")));
        let injected = mk_injected(&[pod], &[job]);
        let delete = "kubectl delete pod/night-1-a -n shop";
        let row = ["shop", "Job/night-1", "night-1-a", "Running", "-", delete];
        assert_eq!(injected.rows()[1], row);
    }

    #[test]
    fn a_replica_set_that_cannot_be_read_is_named_itself() {
        let pod = mk("web-1-a", Some(("apps/v1", "ReplicaSet", "web-1")));
        let row = &mk_injected(&[pod], &[]).rows()[1];
        assert_eq!(row[1], "ReplicaSet/web-1");
        assert_eq!(row[5], "kubectl delete pod/web-1-a -n shop");
    }

    #[test]
    fn a_bare_pod_needs_its_manifest_and_kubectl_its_context() {
        let injected = mk_injected(&[mk("a", None)], &[]);
        let row = &injected.with_flags(" --context kind".to_owned()).rows()[1];
        assert_eq!(row[1], "-");
        let command = "kubectl delete pod/a -n shop --context kind, then apply its manifest";
        assert_eq!(row[5], command);
    }

    #[test]
    fn pods_without_a_token_are_named_and_counted_if_the_store_asks_for_one() {
        let pod = |name: &str, env: &Value| {
            let mut pod = mk(name, None);
            pod["spec"]["initContainers"] = json!([{"name": "oncue-wait", "env": env}]);
            kept(&pod).unwrap()
        };
        let with_token = pod("new", &json!([{"name": "ONCUE_TOKEN_FILE", "value": "/t"}]));
        let pods = [
            pod("old", &json!([])),
            with_token,
            kept(&mk("gated", None)).unwrap(),
        ];
        let mut injected = mk_injected(&pods, &[]);
        let rows = injected.rows();
        let access: Vec<_> = rows[1..].iter().map(|row| (&*row[2], &*row[4])).collect();
        let expected = [("gated", "-"), ("new", "token"), ("old", "plain-http")];
        assert_eq!(access, expected);
        let json = injected.to_json();
        let needs = |index: usize| &json["pods"][index]["needsPlainHttp"];
        assert_eq!([needs(0), needs(1), needs(2)], [true, false, false]);
        assert_eq!(injected.note(), None);
        injected.proof = Proof::Token;
        let note = injected.note().unwrap();
        assert!(note.starts_with("pods without a token: 1."), "{note}");
        assert!(note.contains("store.acceptPlain"), "{note}");
    }
}
