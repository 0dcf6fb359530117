//! What oncue's own `ServiceAccounts` cannot do, although RBAC lets them: the fence of the chart.
//!
//! All requests are dry runs.

use anyhow::{Context, Result, bail};
use e2e::kit::{Account, Manifest, Namespace, PodManifest, image, pod, signal, with_temp_ns};
use http::Request;
use k8s_openapi::{
    ByteString,
    api::{
        admissionregistration::v1::MutatingWebhookConfiguration,
        authorization::v1::ResourceAttributes,
    },
};
use kube::{
    Api,
    api::{DeleteParams, Patch, PatchParams, PostParams},
    core::Request as Requests,
};
use serde_json::{Value, json};

#[tokio::test]
async fn the_controller_changes_nothing_of_a_pod_but_its_gate_and_its_condition() -> Result<()> {
    with_temp_ns(async |ns| {
        let store = Account::of_oncue("oncue-store").await?;
        store.reigns_in(&ns).await?;
        ns.create_pod(gated()).await?;
        let pods = Objects::of_pods(&ns);
        for (what, change) in pod_changes() {
            let answer = store.send(pods.patch("app", None, change)?).await;
            is_fenced(answer, "oncue-store-pods", what)?;
        }
        for (what, change) in status_changes() {
            let answer = store.send(pods.patch("app", Some("status"), change)?).await;
            is_fenced(answer, "oncue-store-pods", what)?;
        }

        let gate = json!({"spec": {"schedulingGates": [{"name": GATE, "$patch": "delete"}]}});
        let opened = store.send(pods.patch("app", None, gate)?).await?;
        let left = json!([{"name": FOREIGN_GATE}]);
        assert_eq!(opened["spec"]["schedulingGates"], left, "{opened}");
        let condition = json!({"type": CONDITION, "status": "False", "reason": "Waiting"});
        let condition = json!({"status": {"conditions": [condition]}});
        store
            .send(pods.patch("app", Some("status"), condition)?)
            .await?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn the_controller_reports_on_a_pod_that_is_being_deleted() -> Result<()> {
    with_temp_ns(async |ns| {
        let store = Account::of_oncue("oncue-store").await?;
        let stays = json!({"metadata": {"finalizers": ["example.com/stay"]}});
        let app = ns.create_pod(gated().with(stays)).await?;
        app.delete().await?;
        let pods = Objects::of_pods(&ns);
        let condition = json!({"type": CONDITION, "status": "False", "reason": "Waiting"});
        let condition = json!({"status": {"conditions": [condition]}});
        let reported = store.send(pods.patch("app", Some("status"), condition)?);
        let reported = reported.await;
        let free = r#"{"metadata": {"finalizers": null}}"#;
        ns.kubectl(&["patch", "pod", "app", "--patch", free])
            .text()
            .await?;
        reported?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn the_controller_neither_creates_nor_deletes_nor_enters_pods() -> Result<()> {
    with_temp_ns(async |ns| {
        let store = Account::of_oncue("oncue-store").await?;
        store.reigns_in(&ns).await?;
        ns.create_pod(gated()).await?;
        let pods = Objects::of_pods(&ns);
        let other = Manifest::from(pod("other"));
        let debugger = json!({"name": "debugger", "image": image::BUSYBOX});
        let debugger = json!({"spec": {"ephemeralContainers": [debugger]}});
        let larger = json!({"name": "app", "resources": {"requests": {"cpu": "2m"}}});
        let larger = json!({"spec": {"containers": [larger]}});
        let eviction = json!({"apiVersion": "policy/v1", "kind": "Eviction",
            "metadata": {"name": "app"}});
        let binding = json!({"apiVersion": "v1", "kind": "Binding", "metadata": {"name": "app"},
            "target": {"kind": "Node", "name": "anywhere"}});
        for (what, request) in [
            ("create", pods.create(other.value())?),
            ("delete", pods.delete("app")?),
            (
                "evict",
                pods.create_subresource("app", "eviction", &eviction)?,
            ),
            ("bind", pods.create_subresource("app", "binding", &binding)?),
            (
                "debug",
                pods.patch("app", Some("ephemeralcontainers"), debugger)?,
            ),
            ("resize", pods.patch("app", Some("resize"), larger)?),
            ("exec", pods.get("app/exec?command=true&stdout=true")?),
            ("attach", pods.get("app/attach?stdout=true")?),
            ("forward", pods.get("app/portforward?ports=80")?),
            ("proxy", pods.get("app/proxy")?),
        ] {
            is_fenced(store.send(request).await, "oncue-store-pods", what)?;
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn the_controller_writes_no_events_of_others() -> Result<()> {
    with_temp_ns(async |ns| {
        let store = Account::of_oncue("oncue-store").await?;
        ns.create_object(Manifest::new(event(&ns, "theirs", "example.com/other")))
            .await?;
        ns.create_object(Manifest::new(event(&ns, "ours", CONTROLLER)))
            .await?;
        let events = Objects::of(format!(
            "/apis/events.k8s.io/v1/namespaces/{}/events",
            ns.name()
        ));
        let again = json!({"count": 2, "lastObservedTime": "2026-01-01T00:00:01.000000Z"});
        let again = json!({"series": again});
        let policy = "oncue-store-events";
        let created = store.send(events.create(&event(&ns, "new", "kubelet"))?);
        is_fenced(created.await, policy, "create")?;
        let changed = store.send(events.patch("theirs", None, again.clone())?);
        is_fenced(changed.await, policy, "change")?;

        store
            .send(events.create(&event(&ns, "new", CONTROLLER))?)
            .await?;
        store.send(events.patch("ours", None, again)?).await?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn the_store_ties_signals_to_nothing_but_pods() -> Result<()> {
    with_temp_ns(async |ns| {
        let store = Account::of_oncue("oncue-store").await?;
        ns.create_object(signal("there", "a/b")).await?;
        let signals = Objects::of(format!(
            "/apis/oncue.dev/v1alpha1/namespaces/{}/signals",
            ns.name()
        ));
        let policy = "oncue-store-signals";
        let owner = json!([{"apiVersion": "v1", "kind": "ConfigMap", "name": "x", "uid": UID}]);
        for (what, metadata) in [
            ("finalizer", json!({"finalizers": ["example.com/stay"]})),
            ("owner", json!({"ownerReferences": owner})),
        ] {
            let tied = signal("new", "c/d").with(json!({"metadata": metadata}));
            let created = store.send(signals.create(tied.value())?).await;
            is_fenced(created, policy, what)?;
            let change = json!({"metadata": metadata});
            let changed = store.send(signals.merge("there", change)?).await;
            is_fenced(changed, policy, what)?;
        }

        let new = signal("new", "c/d");
        store.send(signals.create(new.value())?).await?;
        let value = json!({"spec": {"value": "v"}});
        store.send(signals.merge("there", value)?).await?;
        store.send(signals.delete("there")?).await?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn the_webhook_changes_nothing_of_its_configuration_but_the_bundle() -> Result<()> {
    with_temp_ns(async |ns| {
        let webhook = Account::of_oncue("oncue-webhook").await?;
        let configurations = Objects::of(format!("{CONFIGURATIONS}/mutatingwebhookconfigurations"));
        for (what, change) in configuration_changes() {
            let answer = webhook
                .send(configurations.patch("oncue", None, change)?)
                .await;
            is_fenced(answer, "oncue-webhook-configurations", what)?;
        }

        let all: Api<MutatingWebhookConfiguration> = Api::all(ns.client());
        let entries = all.get("oncue").await?.webhooks.unwrap_or_default();
        let entry = entries.first().context("there is an entry")?;
        let bundle = entry.client_config.ca_bundle.clone().unwrap_or_default();
        let twice = ByteString(bundle.0.repeat(2));
        let twice = json!([{"name": entry.name, "clientConfig": {"caBundle": twice}}]);
        let twice = json!({"webhooks": twice});
        let request = configurations.patch("oncue", None, twice)?;
        webhook.send(request).await?;
        let disown = json!([{"op": "replace", "path": "/metadata/managedFields", "value": [{}]}]);
        let request = configurations.patch("oncue", None, disown)?;
        webhook.send(request).await?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn the_webhook_neither_creates_nor_deletes_configurations() -> Result<()> {
    with_temp_ns(async |ns| {
        let webhook = Account::of_oncue("oncue-webhook").await?;
        let mutating = Objects::of(format!("{CONFIGURATIONS}/mutatingwebhookconfigurations"));
        let validating = Objects::of(format!("{CONFIGURATIONS}/validatingwebhookconfigurations"));
        give_all_configurations(&ns, &webhook).await?;
        let new = json!({
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingWebhookConfiguration",
            "metadata": {"name": ns.name()},
        });
        let policy = "oncue-webhook-configurations";
        let created = webhook.send(validating.create(&new)?).await;
        is_fenced(created, policy, "create")?;
        let deleted = webhook.send(mutating.delete("oncue")?).await;
        is_fenced(deleted, policy, "delete")?;
        Ok(())
    })
    .await
}

/// Requests about objects of one kind. Those that change something are dry runs.
struct Objects(Requests);

impl Objects {
    fn of(path: String) -> Self {
        Self(Requests::new(path))
    }

    fn of_pods(ns: &Namespace) -> Self {
        Self::of(format!("/api/v1/namespaces/{}/pods", ns.name()))
    }

    /// Applies an array as a JSON Patch, and an object as a strategic merge patch.
    fn patch(&self, name: &str, part: Option<&str>, change: Value) -> Result<Request<Vec<u8>>> {
        let patch = match change {
            Value::Array(_) => Patch::Json(serde_json::from_value(change)?),
            change => Patch::Strategic(change),
        };
        let params = PatchParams::default().dry_run();
        Ok(match part {
            Some(part) => self.0.patch_subresource(part, name, &params, &patch)?,
            None => self.0.patch(name, &params, &patch)?,
        })
    }

    /// Applies a merge patch. Custom resources take no strategic one.
    fn merge(&self, name: &str, change: Value) -> Result<Request<Vec<u8>>> {
        let params = PatchParams::default().dry_run();
        Ok(self.0.patch(name, &params, &Patch::Merge(change))?)
    }

    fn create(&self, object: &Value) -> Result<Request<Vec<u8>>> {
        Ok(self.0.create(&DRY_RUN, object.to_string().into_bytes())?)
    }

    fn create_subresource(
        &self,
        name: &str,
        part: &str,
        object: &Value,
    ) -> Result<Request<Vec<u8>>> {
        let body = object.to_string().into_bytes();
        Ok(self.0.create_subresource(part, name, &DRY_RUN, body)?)
    }

    fn delete(&self, name: &str) -> Result<Request<Vec<u8>>> {
        Ok(self.0.delete(name, &DeleteParams::default().dry_run())?)
    }

    fn get(&self, path: &str) -> Result<Request<Vec<u8>>> {
        let path = format!("{}/{path}", self.0.url_path);
        Ok(Request::get(path).body(Vec::new())?)
    }
}

/// Checks that a request was refused by this policy of the fence, and by nothing else.
fn is_fenced(answer: Result<Value, kube::Error>, policy: &str, what: &str) -> Result<()> {
    match answer {
        Err(kube::Error::Api(status)) => {
            let said = &status.message;
            let names = format!("ValidatingAdmissionPolicy '{policy}'");
            assert!(
                said.contains(&names) && said.contains("may "),
                "{what}: {said}"
            );
            assert_eq!(status.code, 403, "{what}: {said}");
            Ok(())
        }
        Err(error) => Err(error).context(format!("{what}: no answer")),
        Ok(object) => bail!("{what} is not refused: {object}"),
    }
}

/// Returns a pod that waits behind oncue's gate, and behind another one.
fn gated() -> PodManifest {
    let setup = json!({"name": "setup", "image": image::BUSYBOX, "command": ["true"]});
    let app = pod("app")
        .depends_on("never/there")
        .annotate("depends-on-mode", "gate");
    app.spec(json!({
        "schedulingGates": [{"name": FOREIGN_GATE}],
        "initContainers": [setup],
    }))
}

/// Returns every kind of change of a gated pod that the API lets someone make.
fn pod_changes() -> Vec<(&'static str, Value)> {
    let owner = json!([{"apiVersion": "v1", "kind": "ConfigMap", "name": "x", "uid": UID}]);
    let other = "busybox:latest";
    let required = json!({"nodeSelectorTerms": [
        {"matchExpressions": [{"key": "team", "operator": "Exists"}]},
    ]});
    let toleration = json!({"key": "team", "operator": "Exists"});
    vec![
        ("labels", json!({"metadata": {"labels": {"team": "x"}}})),
        (
            "our own label",
            json!({"metadata": {"labels": {"oncue.dev/managed": null}}}),
        ),
        (
            "annotations",
            json!({"metadata": {"annotations": {"oncue.dev/release": "now"}}}),
        ),
        ("owners", json!({"metadata": {"ownerReferences": owner}})),
        (
            "finalizers",
            json!({"metadata": {"finalizers": ["example.com/stay"]}}),
        ),
        (
            "the image",
            json!({"spec": {"containers": [{"name": "app", "image": other}]}}),
        ),
        (
            "the image of an init container",
            json!({"spec": {"initContainers": [{"name": "setup", "image": other}]}}),
        ),
        (
            "the deadline",
            json!({"spec": {"activeDeadlineSeconds": 1}}),
        ),
        (
            "tolerations",
            json!([{"op": "add", "path": "/spec/tolerations/-", "value": toleration}]),
        ),
        (
            "the node selector",
            json!({"spec": {"nodeSelector": {"team": "x"}}}),
        ),
        (
            "affinity",
            json!({"spec": {"affinity": {"nodeAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": required,
            }}}}),
        ),
        (
            "the gate of another component",
            json!({"spec": {"schedulingGates": [{"name": FOREIGN_GATE, "$patch": "delete"}]}}),
        ),
        (
            "all gates",
            json!([{"op": "remove", "path": "/spec/schedulingGates"}]),
        ),
    ]
}

/// Returns every kind of change of a pod that the API lets someone make through its status.
fn status_changes() -> Vec<(&'static str, Value)> {
    let status = |status: Value| json!({"status": status});
    let address = "10.9.9.9";
    let running = json!({"name": "app", "image": "x", "imageID": "x", "ready": true,
        "restartCount": 0, "state": {"running": {}}});
    vec![
        ("labels", json!({"metadata": {"labels": {"team": "x"}}})),
        (
            "annotations",
            json!({"metadata": {"annotations": {"team": "x"}}}),
        ),
        (
            "finalizers",
            json!({"metadata": {"finalizers": ["example.com/stay"]}}),
        ),
        ("the phase", status(json!({"phase": "Running"}))),
        ("the reason", status(json!({"reason": "Evicted"}))),
        ("the message", status(json!({"message": "all is well"}))),
        (
            "the addresses",
            status(json!({"podIP": address, "podIPs": [{"ip": address}]})),
        ),
        (
            "the node's addresses",
            status(json!({"hostIP": address, "hostIPs": [{"ip": address}]})),
        ),
        (
            "the nominated node",
            status(json!({"nominatedNodeName": "n"})),
        ),
        (
            "the start",
            status(json!({"startTime": "2026-01-01T00:00:00Z"})),
        ),
        (
            "the observed generation",
            status(json!({"observedGeneration": 99})),
        ),
        (
            "readiness",
            status(json!({"conditions": [{"type": "Ready", "status": "True"}]})),
        ),
        (
            "the condition of another component",
            status(json!({"conditions": [{"type": "example.com/x", "status": "True"}]})),
        ),
        (
            "containers",
            status(json!({"containerStatuses": [running]})),
        ),
    ]
}

/// Returns changes that decide which requests the API server sends, and to whom.
fn configuration_changes() -> Vec<(&'static str, Value)> {
    let entry = |mut fields: Value| {
        fields["name"] = json!("pods.oncue.dev");
        json!({"webhooks": [fields]})
    };
    let rule = json!({"apiGroups": ["*"], "apiVersions": ["*"], "resources": ["*"],
        "operations": ["*"]});
    let foreign = json!({
        "name": "secrets.example.com",
        "admissionReviewVersions": ["v1"],
        "sideEffects": "None",
        "clientConfig": {"url": "https://example.com/"},
        "rules": [rule.clone()],
    });
    let service = |field: Value| entry(json!({"clientConfig": {"service": field}}));
    vec![
        ("rules", entry(json!({"rules": [rule]}))),
        (
            "failurePolicy",
            entry(json!({"failurePolicy": "Ignore", "timeoutSeconds": 1})),
        ),
        ("timeoutSeconds", entry(json!({"timeoutSeconds": 30}))),
        (
            "reinvocationPolicy",
            entry(json!({"reinvocationPolicy": "Never"})),
        ),
        ("matchPolicy", entry(json!({"matchPolicy": "Exact"}))),
        ("sideEffects", entry(json!({"sideEffects": "NoneOnDryRun"}))),
        (
            "namespaceSelector",
            entry(json!({"namespaceSelector": null})),
        ),
        (
            "objectSelector",
            entry(json!({"objectSelector": {"matchLabels": {"a": "b"}}})),
        ),
        ("matchConditions", entry(json!({"matchConditions": null}))),
        ("the path", service(json!({"path": "/other"}))),
        ("the service", service(json!({"name": "other"}))),
        ("the port", service(json!({"port": 8443}))),
        (
            "the server",
            entry(json!({"clientConfig": {"service": null, "url": "https://example.com/"}})),
        ),
        ("another entry", json!({"webhooks": [foreign]})),
        ("no entry", json!({"webhooks": null})),
        (
            "the order",
            json!([{"op": "move", "from": "/webhooks/1", "path": "/webhooks/0"}]),
        ),
        ("labels", json!({"metadata": {"labels": {"team": "x"}}})),
        (
            "annotations",
            json!({"metadata": {"annotations": {"team": "x"}}}),
        ),
        (
            "finalizers",
            json!({"metadata": {"finalizers": ["example.com/stay"]}}),
        ),
    ]
}

fn event(ns: &Namespace, name: &str, controller: &str) -> Value {
    json!({
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"name": name, "namespace": ns.name()},
        "eventTime": "2026-01-01T00:00:00.000000Z",
        "reportingController": controller,
        "reportingInstance": "test",
        "action": "Waiting",
        "reason": "WaitingForDependencies",
        "regarding": {"apiVersion": "v1", "kind": "Pod", "name": "app", "namespace": ns.name()},
        "note": "nothing",
        "type": "Normal",
    })
}

/// Lets an account write all webhook configurations, until the end of the test.
async fn give_all_configurations(ns: &Namespace, account: &Account) -> Result<()> {
    let role = ns.name();
    let group = "rbac.authorization.k8s.io";
    let resources = [
        "mutatingwebhookconfigurations",
        "validatingwebhookconfigurations",
    ];
    let resources = json!({"apiGroups": ["admissionregistration.k8s.io"],
        "resources": resources, "verbs": ["create", "delete"]});
    ns.create_beside(Manifest::new(json!({
        "apiVersion": format!("{group}/v1"),
        "kind": "ClusterRole",
        "metadata": {"name": role},
        "rules": [resources],
    })))
    .await?;
    ns.create_beside(Manifest::new(json!({
        "apiVersion": format!("{group}/v1"),
        "kind": "ClusterRoleBinding",
        "metadata": {"name": role},
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": role},
        "subjects": [account.subject()],
    })))
    .await?;
    let deletion = ResourceAttributes {
        group: Some("admissionregistration.k8s.io".to_owned()),
        verb: Some("delete".to_owned()),
        resource: Some("mutatingwebhookconfigurations".to_owned()),
        ..ResourceAttributes::default()
    };
    account.gets(deletion).await
}

const DRY_RUN: PostParams = PostParams {
    dry_run: true,
    field_manager: None,
};
const GATE: &str = "oncue.dev/depends-on";
const FOREIGN_GATE: &str = "example.com/quota";
const CONDITION: &str = "oncue.dev/DependenciesHeld";
const CONTROLLER: &str = "oncue.dev/controller";
const CONFIGURATIONS: &str = "/apis/admissionregistration.k8s.io/v1";
const UID: &str = "00000000-0000-4000-8000-000000000000";
