//! The built binary against a cluster: an API server that answers what a test has prepared.

#![allow(clippy::unwrap_used, reason = "a test ends where it fails")]

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr},
    process::{Command, Output},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use axum::{
    Json, Router,
    extract::State,
    http::{Method, StatusCode, Uri},
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, runtime::Runtime};

/// An API server that answers with prepared objects: one by its name, or those of a namespace.
struct Cluster {
    _runtime: Runtime,
    objects: Arc<Objects>,
    _folder: tempfile::TempDir,
    kubeconfig: String,
}

#[derive(Default)]
struct Objects {
    lists: BTreeMap<&'static str, Vec<Value>>,
    forbidden: Vec<&'static str>,
    /// What was patched: the end of each path, and the value of the last operation.
    patched: Mutex<Vec<(String, Value)>>,
    /// What was done to Signals: the method, the end of the path, and the body.
    signalled: Mutex<Vec<(Method, String, Value)>>,
    /// How often a pod that is replaced all the time was looked at.
    looks: AtomicUsize,
}

impl Objects {
    fn with(mut self, plural: &'static str, objects: &[Value]) -> Self {
        self.lists
            .entry(plural)
            .or_default()
            .extend_from_slice(objects);
        self
    }

    fn forbid(mut self, plural: &'static str) -> Self {
        self.forbidden.push(plural);
        self
    }

    fn serve(self) -> Cluster {
        let runtime = Runtime::new().unwrap();
        let bound = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)));
        let listener = bound.unwrap();
        let address = listener.local_addr().unwrap();
        let objects = Arc::new(self);
        let router = Router::new().fallback(answer);
        let router = router.with_state(Arc::clone(&objects));
        runtime.spawn(async move { axum::serve(listener, router).await });
        Cluster::at((runtime, objects), address)
    }
}

async fn answer(
    State(objects): State<Arc<Objects>>,
    method: Method,
    uri: Uri,
    body: String,
) -> (StatusCode, Json<Value>) {
    if uri.path() == "/apis/oncue.dev/v1alpha1" {
        return objects.signals_resource();
    }
    if method != Method::GET && uri.path().contains("/signals") {
        return objects.change_signal(method, uri.path(), &body);
    }
    if method == Method::PATCH {
        return objects.patch(uri.path(), &body);
    }
    let mut segments = uri.path().rsplit('/');
    let (last, parent) = (segments.next().unwrap(), segments.next().unwrap());
    if objects.forbidden.contains(&last) {
        let message = format!("{last} is forbidden: User \"x\" cannot list resource \"{last}\"");
        return status(StatusCode::FORBIDDEN, &message);
    }
    let prepared = |plural: &str| objects.lists.get(plural).cloned().unwrap_or_default();
    let named = |object: &&Value| object["metadata"]["name"] == last;
    match prepared(parent).iter().find(named) {
        Some(object) => (StatusCode::OK, Json(objects.as_it_is_now(object))),
        None if objects.lists.contains_key(parent) => {
            let message = format!("{parent} \"{last}\" not found");
            status(StatusCode::NOT_FOUND, &message)
        }
        None => {
            let mut items = prepared(last);
            let is_everywhere = parent.starts_with("v1");
            items.retain(|item| is_everywhere || item["metadata"]["namespace"] == parent);
            let all = json!({"metadata": {}, "items": items});
            (StatusCode::OK, Json(all))
        }
    }
}

impl Objects {
    /// Says that the cluster has Signals, if it has.
    fn signals_resource(&self) -> (StatusCode, Json<Value>) {
        if !self.lists.contains_key("signals") {
            let message = "the server could not find the requested resource";
            return status(StatusCode::NOT_FOUND, message);
        }
        let signals = json!({"name": "signals", "singularName": "signal", "namespaced": true,
                             "kind": "Signal", "verbs": ["list"]});
        let list = json!({"groupVersion": "oncue.dev/v1alpha1", "resources": [signals]});
        (StatusCode::OK, Json(list))
    }

    fn change_signal(&self, method: Method, path: &str, body: &str) -> (StatusCode, Json<Value>) {
        let name = path.rsplit('/').next().unwrap().to_owned();
        let body = serde_json::from_str(body).unwrap_or_default();
        self.signalled.lock().unwrap().push((method, name, body));
        (StatusCode::OK, Json(json!({})))
    }

    /// Returns an object; each time, another pod has taken the place of the pod `replaced`.
    fn as_it_is_now(&self, object: &Value) -> Value {
        let mut object = object.clone();
        if object["metadata"]["name"] == "replaced" {
            let number = self.looks.fetch_add(1, Ordering::Relaxed);
            object["metadata"]["uid"] = json!(format!("uid-{number}"));
        }
        object
    }

    /// Carries out the tests of a patch, and notes its last operation.
    fn patch(&self, path: &str, body: &str) -> (StatusCode, Json<Value>) {
        let name = path.rsplit('/').next().unwrap();
        let pods = self.lists["pods"].iter();
        let mut pods = pods.filter(|pod| pod["metadata"]["name"] == name);
        let changes: Value = serde_json::from_str(body).unwrap();
        let uid = &pods.next().unwrap()["metadata"]["uid"];
        match name {
            "deleted" => return status(StatusCode::NOT_FOUND, "pods \"deleted\" not found"),
            "replaced" | "denied" => {
                return status(StatusCode::UNPROCESSABLE_ENTITY, "the server denies it");
            }
            _ => assert_eq!(changes[0]["value"], *uid),
        }
        let noted = (changes[1]["path"].to_string(), changes[1]["value"].clone());
        self.patched.lock().unwrap().push(noted);
        (StatusCode::OK, Json(json!({})))
    }
}

fn status(code: StatusCode, message: &str) -> (StatusCode, Json<Value>) {
    let status = json!({"kind": "Status", "status": "Failure", "message": message,
                        "code": code.as_u16()});
    (code, Json(status))
}

impl Cluster {
    fn at((runtime, objects): (Runtime, Arc<Objects>), address: SocketAddr) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let kubeconfig = folder.path().join("config");
        let text = json!({
            "current-context": "till",
            "contexts": [{"name": "till", "context": {"cluster": "c", "namespace": "shop"}}],
            "clusters": [{"name": "c", "cluster": {"server": format!("http://{address}")}}],
        });
        std::fs::write(&kubeconfig, text.to_string()).unwrap();
        Self {
            _runtime: runtime,
            objects,
            _folder: folder,
            kubeconfig: kubeconfig.display().to_string(),
        }
    }

    fn run(&self, args: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_oncue"));
        command.args(args).env_clear();
        command
            .env("KUBECONFIG", &self.kubeconfig)
            .output()
            .unwrap()
    }

    /// Runs a command that succeeds; returns what it prints, and what it says beside it.
    #[track_caller]
    fn told(&self, args: &[&str]) -> (String, String) {
        let Output {
            status,
            stdout,
            stderr,
        } = self.run(args);
        let [out, err] = [stdout, stderr].map(|bytes| String::from_utf8(bytes).unwrap());
        assert!(status.success(), "{err}");
        (out, err)
    }

    #[track_caller]
    fn fails(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8(output.stderr).unwrap()
    }
}

fn mk_configuration() -> Value {
    json!({"metadata": {"namespace": "oncue-system"}, "data": {"config.yaml": "inject: {prefix: cue.example, image: 'registry/client:7'}"}})
}

fn mk_pod(name: &str, annotations: &Value, owner: Option<(&str, &str)>) -> Value {
    let owners = owner.map(|(kind, name)| {
        json!([{"apiVersion": "apps/v1", "kind": kind, "name": name, "uid": name,
                "controller": true}])
    });
    json!({
        "metadata": {"name": name, "namespace": "shop", "uid": name, "annotations": annotations,
                     "ownerReferences": owners, "managedFields": [{}]},
        "spec": {"containers": [{"name": "app", "image": "app"}]},
        "status": {"phase": "Running"},
    })
}

fn mk_workload(name: &str, annotations: &Value, owner: Option<(&str, &str)>) -> Value {
    let mut workload = mk_pod(name, &json!({}), owner);
    let spec = workload["spec"].take();
    workload["spec"] = json!({"template": {
        "metadata": {"annotations": annotations, "labels": {"app": name}}, "spec": spec,
    }});
    workload
}

/// A Deployment with its `ReplicaSet` and a pod, and a bare pod that waits for them.
fn mk_shop() -> Objects {
    let signals = json!({"signals": "web/up"});
    Objects::default()
        .with("deployments", &[mk_workload("web", &signals, None)])
        .with(
            "replicasets",
            &[mk_workload("web-1", &signals, Some(("Deployment", "web")))],
        )
        .with(
            "pods",
            &[
                mk_pod("web-1-a", &signals, Some(("ReplicaSet", "web-1"))),
                mk_pod("till", &json!({"depends-on": "web/up"}), None),
            ],
        )
}

#[test]
fn graph_draws_what_people_wrote_and_not_what_controllers_made() {
    let (drawn, notes) = mk_shop().serve().told(&["graph"]);
    let expected = "Deployment/web\n  signals    web/up  -> Pod/till\n\n\
                    Pod/till\n  waits for  web/up  <- Deployment/web\n";
    assert_eq!(drawn, expected);
    assert!(notes.contains("no configuration of oncue"), "{notes}");
}

#[test]
fn a_kind_that_may_not_be_listed_is_noted_and_the_rest_drawn() {
    let cluster = mk_shop().forbid("cronjobs").serve();
    let (drawn, notes) = cluster.told(&["graph", "-n", "shop"]);
    assert!(drawn.contains("Deployment/web"), "{drawn}");
    assert!(notes.contains("note: failed to list cronjobs: "), "{notes}");
}

#[test]
fn explain_reads_the_live_object_and_the_clusters_settings() {
    let annotations = json!({"cue.example/depends-on": "web/up"});
    let cluster = mk_shop()
        .with("configmaps", &[mk_configuration()])
        .with("statefulsets", &[mk_workload("db", &annotations, None)])
        .serve();
    let (told, notes) = cluster.told(&["explain", "sts/db"]);
    assert!(told.starts_with("StatefulSet/db\n"), "{told}");
    let nobody = "web/up\n      Deployment/web signals it when the container has started";
    assert!(told.contains(nobody), "{told}");
    assert!(told.contains("/initContainers"), "{told}");
    assert_eq!(notes, "");
    let missing = cluster.fails(&["explain", "deployment/nothing"]);
    assert!(
        missing.contains("Deployment/nothing in the namespace shop"),
        "{missing}"
    );
    assert!(missing.contains("the context till"), "{missing}");
}

#[test]
fn a_live_object_that_is_refused_is_shown_with_its_place() {
    let bad = mk_workload("bad", &json!({"depends-on": "a b"}), None);
    let cluster = mk_shop().with("daemonsets", &[bad]).serve();
    let output = cluster.run(&["explain", "ds/bad"]);
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(
        told.contains("DaemonSet/bad is rejected:\nDaemonSet/bad:"),
        "{told}"
    );
    assert!(told.contains("depends-on: a b"), "{told}");
}

#[test]
fn an_injected_pod_says_what_was_recorded_and_a_store_that_is_away_is_noted() {
    let record = r#"{"hash":"1","depends-on":["web/up"]}"#;
    let pod = mk_pod("late", &json!({"oncue.dev/injected": record}), None);
    let cluster = mk_shop().with("pods", &[pod]).serve();
    let (told, notes) = cluster.told(&["explain", "pod/late"]);
    assert!(
        told.contains("Was injected, as its annotation oncue.dev/injected says\n"),
        "{told}"
    );
    assert!(told.contains("  depends-on: web/up\n"), "{told}");
    assert!(
        told.contains("The kubelet has not reported a wait yet"),
        "{told}"
    );
    let absent = "no pod of oncue's store is in the namespace oncue-system";
    assert!(notes.contains(absent), "{notes}");
}

#[test]
fn injected_pods_are_listed_with_what_recreates_them() {
    let (table, _) = mk_shop().serve().told(&["status", "--injected"]);
    let rows: Vec<_> = table.lines().collect();
    assert_eq!(rows.len(), 3, "{table}");
    assert!(rows[1].ends_with("kubectl delete pod/till -n shop, then apply its manifest"));
    assert!(rows[2].contains("Deployment/web"), "{table}");
    assert!(
        rows[2].ends_with("kubectl rollout restart deployment/web -n shop"),
        "{table}"
    );
}

/// A pod with this record, which waits for `first/up` in an init container unless it says otherwise.
fn mk_waiting(name: &str, record: &str) -> Value {
    let annotations = json!({"oncue.dev/injected": record});
    let mut pod = mk_pod(name, &annotations, None);
    pod["metadata"]["labels"] = json!({"oncue.dev/managed": "true"});
    pod["status"] = json!({"phase": "Pending"});
    pod
}

const WAITS: &str = r#"{"hash":"1","depends-on":["first/up"]}"#;
const REASON: [&str; 4] = ["--reason", "the mirror is down", "--controller", "present"];

#[test]
fn a_release_is_written_into_the_pod_that_waits() {
    let idle = mk_waiting("idle", r#"{"hash":"1","signals":["a"]}"#);
    let pods = ["second", "replaced", "denied", "deleted"].map(|name| mk_waiting(name, WAITS));
    let objects = Objects::default().with("pods", &pods);
    let cluster = objects.with("pods", &[idle]).serve();
    let release = |pod: &'static str| [&["release", pod][..], &REASON].concat();
    for _ in 0..2 {
        let (told, _) = cluster.told(&release("pod/second"));
        assert_eq!(told, "release written: pod/second -n shop\n");
    }
    let patched = cluster.objects.patched.lock().unwrap()[0].clone();
    let value = json!(r#"{"uid":"second","reason":"the mirror is down"}"#);
    let path = "\"/metadata/annotations/oncue.dev~1release\"".to_owned();
    assert_eq!(patched, (path, value));

    for (pod, expected) in [
        ("idle", "does not wait for dependencies"),
        ("replaced", "another pod has taken its place"),
        ("denied", "(422): the server denies it"),
        ("deleted", "the pod is gone"),
        ("nothing", "Pod/nothing in the namespace shop"),
    ] {
        let told = cluster.fails(&release(pod));
        assert!(told.contains(expected), "{told}");
    }
}

#[test]
fn without_a_controller_no_release_is_written() {
    let pods = [mk_waiting("second", WAITS)];
    let cluster = Objects::default().with("pods", &pods).serve();
    let told = cluster.fails(&["release", "--all", "--reason", "a"]);
    assert!(told.contains("runs no controller"), "{told}");
    assert!(cluster.objects.patched.lock().unwrap().is_empty());
}

#[test]
fn every_waiting_pod_of_a_cluster_is_released_and_failures_are_told() {
    let mut gated = mk_waiting("gated", "damaged");
    gated["metadata"]["namespace"] = json!("other");
    gated["spec"]["schedulingGates"] = json!([{"name": "oncue.dev/depends-on"}]);
    let mut over = mk_waiting("over", WAITS);
    let ended = json!([{"name": "oncue-wait", "state": {"terminated": {"exitCode": 0}}}]);
    over["status"]["initContainerStatuses"] = ended;
    let pods = ["replaced", "deleted", "second"].map(|name| mk_waiting(name, WAITS));
    let objects = Objects::default().with("pods", &[gated, over]);
    let cluster = objects.with("pods", &pods).serve();
    let all = [&["release", "--all"][..], &REASON].concat();
    let (told, _) = cluster.told(&all);
    let expected = "release written: pod/gated -n other\nrelease written: pod/second -n shop\n";
    assert_eq!(told, expected);
    let (told, _) = cluster.told(&[&all[..], &["--namespace", "other"]].concat());
    assert_eq!(told, "release written: pod/gated -n other\n");
    let (told, _) = cluster.told(&[&all[..], &["--namespace", "empty"]].concat());
    assert_eq!(told, "no pod waits in the namespace empty\n");
}

#[test]
fn a_pod_that_cannot_be_released_fails_the_command_and_stops_no_other() {
    let mut released = mk_waiting("released", WAITS);
    let release = r#"{"uid":"released","reason":"an earlier one"}"#;
    released["metadata"]["annotations"]["oncue.dev/release"] = json!(release);
    let mut lost = mk_waiting("lost", WAITS);
    lost["metadata"]["labels"] = json!({});
    let pods = ["denied", "second"].map(|name| mk_waiting(name, WAITS));
    let objects = Objects::default().with("pods", &[released, lost]);
    let cluster = objects.with("pods", &pods).serve();
    let output = cluster.run(&[&["release", "--all"][..], &REASON].concat());
    assert_eq!(output.status.code(), Some(1));
    let [out, err] = [output.stdout, output.stderr].map(|it| String::from_utf8(it).unwrap());
    let expected = "released already, still waits: pod/released -n shop\n\
                    release written: pod/second -n shop\n";
    assert_eq!(out, expected);
    for expected in ["release pod/denied -n shop", "release pod/lost -n shop"] {
        assert!(err.contains(&format!("failed to {expected}")), "{err}");
    }
    assert_eq!(cluster.objects.patched.lock().unwrap().len(), 1);
}

#[test]
fn a_release_needs_a_pod_and_a_reason() {
    let cluster = mk_shop().serve();
    for (args, expected) in [
        (&["release", "--reason", "a"][..], "<POD>"),
        (&["release", "till"], "--reason <TEXT>"),
        (&["release", "till", "--reason", " "], "the reason is empty"),
        (
            &["release", "till", "--all", "--reason", "a"],
            "cannot be used with",
        ),
        (
            &["release", "deploy/web", "--reason", "a"],
            "is not a pod: write",
        ),
    ] {
        let output = cluster.run(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(told.contains(expected), "{told}");
    }
}

#[test]
fn where_the_cluster_at_hand_has_no_store_the_local_one_is_named() {
    let cluster = Objects::default().serve();
    let error = cluster.fails(&["vars", "list"]);
    assert!(
        error.contains("the cluster of the context till: no pod of oncue's store"),
        "{error}"
    );
    assert!(error.contains("--server http://127.0.0.1:9999"), "{error}");
    let named = cluster.fails(&["vars", "list", "--context", "till"]);
    assert!(!named.contains("--server"), "{named}");
}

#[test]
fn who_may_not_look_for_the_store_is_told_what_is_missing() {
    let error = Objects::default().forbid("pods").serve().fails(&["status"]);
    assert!(
        error.contains("a permission is missing (RBAC): pods is forbidden"),
        "{error}"
    );
}

#[test]
fn a_url_comes_before_the_cluster_at_hand() {
    let cluster = Objects::default().serve();
    // Nothing listens on the port of the discard service.
    let error = cluster.fails(&["status", "--server", "http://127.0.0.1:9"]);
    assert!(
        error.contains("failed to reach http://127.0.0.1:9"),
        "{error}"
    );
}

#[test]
fn files_are_held_against_a_cluster_only_where_one_is_named() {
    let cluster = Objects::default()
        .with("configmaps", &[mk_configuration()])
        .serve();
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/first-second");
    let (plain, _) = cluster.told(&["inject", "-f", file]);
    assert!(!plain.contains("registry/client:7"), "{plain}");
    let (injected, _) = cluster.told(&["inject", "-f", file, "--context", "till"]);
    assert!(injected.contains("registry/client:7"), "{injected}");
}

#[test]
fn files_are_injected_with_the_ca_that_the_cluster_publishes() {
    let text = "inject: {store-url: 'https://oncue-store.oncue-system.svc:9999', identity: true}";
    let configuration = json!({
        "metadata": {"namespace": "oncue-system"},
        "data": {"config.yaml": text},
    });
    let webhooks = json!({"metadata": {"name": "oncue"}, "webhooks": [{
        "name": "pods.oncue.dev", "admissionReviewVersions": ["v1"], "sideEffects": "None",
        "clientConfig": {
            "service": {"name": "oncue-webhook", "namespace": "oncue-system"},
            // The CA of the tests.
            "caBundle": "dGhlIENBIG9mIHRoZSB0ZXN0cw==",
        },
    }]});
    let objects = || Objects::default().with("configmaps", std::slice::from_ref(&configuration));
    let plural = "mutatingwebhookconfigurations";
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/first-second");
    let args = ["inject", "-f", file, "--context", "till"];
    let (injected, notes) = objects().with(plural, &[webhooks]).serve().told(&args);
    assert!(injected.contains("the CA of the tests"), "{injected}");
    assert!(injected.contains("audience: oncue"), "{injected}");
    assert!(!notes.contains("CA"), "{notes}");
    let (_, notes) = objects().forbid(plural).serve().told(&args);
    assert!(notes.contains("failed to read the CA of oncue"), "{notes}");
    assert!(notes.contains("its CA is not known"), "{notes}");
}

/// A Signal in the namespace `shop`, under a name of its own.
fn mk_signal(name: &str, spec: &Value) -> Value {
    json!({
        "apiVersion": "oncue.dev/v1alpha1", "kind": "Signal",
        "metadata": {"name": name, "namespace": "shop", "uid": name, "resourceVersion": "1",
                     "creationTimestamp": "2026-11-27T10:00:00Z"},
        "spec": spec,
    })
}

fn mk_signals() -> Objects {
    let pod = json!({"kind": "Pod", "name": "web-0", "uid": "u-1"});
    let mut going = mk_signal("going", &json!({"variable": "going"}));
    going["metadata"]["deletionTimestamp"] = json!("2026-11-27T10:00:00Z");
    let mut elsewhere = mk_signal("elsewhere", &json!({"variable": "first/up"}));
    elsewhere["metadata"]["namespace"] = json!("other");
    Objects::default().with(
        "signals",
        &[
            mk_signal("two", &json!({"variable": "migrated", "value": "v2"})),
            mk_signal("one", &json!({"variable": "migrated", "value": "v1"})),
            mk_signal(
                "live",
                &json!({"variable": "web/up", "kind": "Live", "owner": pod}),
            ),
            mk_signal("past", &json!({"variable": "a/../b"})),
            going,
            elsewhere,
        ],
    )
}

#[test]
fn variables_that_are_signals_are_listed_with_the_users_own_rights() {
    let cluster = mk_signals().serve();
    let (table, notes) = cluster.told(&["vars", "list", "-n", "shop"]);
    let rows: Vec<_> = table
        .lines()
        .map(|line| line.split_whitespace().take(4))
        .collect();
    let rows: Vec<Vec<_>> = rows.into_iter().map(Iterator::collect).collect();
    assert_eq!(rows[1], ["migrated", "durable", "2", "v1,v2"], "{table}");
    assert_eq!(rows[2][..3], ["web/up", "live", "1"], "{table}");
    assert_eq!(rows.len(), 3, "{table}");
    assert!(
        notes.contains("passed over: signal/past -n shop: spec.variable"),
        "{notes}"
    );

    let (all, _) = cluster.told(&["vars", "list", "-A", "first"]);
    assert!(all.lines().nth(1).unwrap().starts_with("other"), "{all}");
    let (one, _) = cluster.told(&["vars", "get", "web/up", "-n", "shop"]);
    assert!(one.contains("shop/web-0"), "{one}");
    let absent = cluster.fails(&["vars", "get", "web", "-n", "shop"]);
    let expected = "error: the variable web does not exist in the namespace shop\n";
    assert!(absent.ends_with(expected), "{absent}");
}

#[test]
fn a_missing_right_is_named_with_how_it_is_known_that_variables_are_signals() {
    let cluster = mk_signals().forbid("signals").forbid("pods").serve();
    for args in [
        &["vars", "list"][..],
        &["vars", "get", "a"],
        &["vars", "delete", "a"],
        &["vars", "watch"],
    ] {
        let told = cluster.fails(args);
        let words = "signals is forbidden: User \"x\" cannot list resource \"signals\"";
        assert!(told.contains(words), "{told}");
        let evidence = "you may not list the pods of its store in the namespace oncue-system, and \
                        the API server serves signals.oncue.dev/v1alpha1";
        assert!(told.contains(evidence), "{told}");
    }
}

#[test]
fn a_signal_is_created_changed_and_deleted_under_whatever_name() {
    let cluster = mk_signals().serve();
    let (told, _) = cluster.told(&["vars", "create", "a/b=v", "--ttl", "1h", "-n", "shop"]);
    assert_eq!(told, "a/b created\n");
    let (told, _) = cluster.told(&["vars", "delete", "migrated", "-n", "shop"]);
    assert_eq!(told, "migrated deleted\n");
    let absent = cluster.fails(&["vars", "delete", "nothing", "-n", "shop"]);
    assert!(
        absent.contains("the variable nothing does not exist"),
        "{absent}"
    );
    let changes = cluster.objects.signalled.lock().unwrap();
    let (method, path, signal) = &changes[0];
    assert_eq!((method, path.as_str()), (&Method::POST, "signals"));
    assert_eq!(signal["metadata"]["namespace"], "shop");
    assert_eq!(signal["spec"]["variable"], "a/b");
    assert_eq!(signal["spec"]["value"], "v");
    assert!(signal["spec"]["expires"].is_string(), "{signal}");
    let deleted: Vec<_> = changes[1..]
        .iter()
        .map(|(method, name, body)| {
            assert_eq!(method, Method::DELETE);
            assert_eq!(body["preconditions"]["uid"], *name);
            name.as_str()
        })
        .collect();
    assert_eq!(deleted, ["two", "one"]);
}

#[test]
fn durable_signals_are_printed_for_kubectl_apply() {
    let (yaml, notes) = mk_signals()
        .serve()
        .told(&["vars", "list", "-A", "-o", "yaml"]);
    assert_eq!(yaml.matches("kind: Signal").count(), 3, "{yaml}");
    assert!(yaml.contains("  name: one\n  namespace: shop\n"), "{yaml}");
    assert!(!yaml.contains("web/up"), "{yaml}");
    assert!(
        notes.contains("left out 1 live or ready assertions"),
        "{notes}"
    );
}

#[test]
fn who_waits_follows_from_pods_signals_and_objects() {
    let record = r#"{"hash":"1","depends-on":["migrated=v1","first/up","!job:migrate","job:migrate","tcp://db:1"]}"#;
    let mut pod = mk_waiting("late", record);
    pod["metadata"]["creationTimestamp"] = json!("2026-11-27T10:00:00Z");
    let over = mk_waiting("over", r#"{"hash":"1","depends-on":["migrated=v2"]}"#);
    let job = json!({"metadata": {"name": "migrate", "namespace": "shop"},
                     "status": {"active": 1}});
    let objects = mk_signals().with("pods", &[pod, over]).with("jobs", &[job]);
    let cluster = objects.serve();
    let (table, _) = cluster.told(&["status", "-n", "shop"]);
    let rows: Vec<_> = table.lines().collect();
    assert_eq!(rows.len(), 3, "{table}");
    assert!(
        rows[1].starts_with("late ") && rows[1].contains("first/up"),
        "{table}"
    );
    assert!(rows[1].contains("does not exist"), "{table}");
    assert!(
        rows[2].contains("job:migrate") && rows[2].contains("0 of 1 pods succeeded"),
        "{table}"
    );

    let (told, _) = cluster.told(&["explain", "pod/late", "-n", "shop"]);
    for (term, state) in [
        ("migrated=v1", "holds"),
        ("first/up", "missing: does not exist"),
        ("!job:migrate", "holds"),
        ("job:migrate", "missing: 0 of 1 pods succeeded"),
        ("tcp://db:1", "the client checks it from the pod"),
    ] {
        let expected = format!("  {term}\n      {state}");
        assert!(told.contains(&expected), "{expected}: {told}");
    }
}

#[test]
fn a_live_graph_has_the_variables_that_exist() {
    let cluster = mk_signals();
    let mut pod = mk_pod("late", &json!({"depends-on": "migrated=v1, web/up"}), None);
    pod["status"] = json!({"phase": "Pending", "conditions": [{
        "type": "oncue.dev/DependenciesHeld", "status": "False", "reason": "Waiting",
        "message": "Waiting for 1 of 2: web/up: does not exist",
    }]});
    let (drawn, _) = cluster
        .with("pods", &[pod])
        .serve()
        .told(&["graph", "-n", "shop"]);
    let condition = "\n  Waiting    pod/late: Waiting for 1 of 2: web/up: does not exist\n";
    assert!(drawn.contains(condition), "{drawn}");
    let expected = "  waits for  migrated=v1  <- Signal/two (exists), Signal/one (exists)\n";
    assert!(drawn.contains(expected), "{drawn}");
    assert!(
        drawn.contains("Signal/one\n  asserts    migrated=v1  -> Pod/late"),
        "{drawn}"
    );
}
