use serde_json::{Value, json};

use super::*;
use crate::{
    language::{Keys, Namespace},
    workload,
};

/// A Deployment of one pod with these annotations.
fn mk_deployment(name: &str, annotations: &[(&str, &str)]) -> Value {
    let annotations: serde_json::Map<_, _> = annotations
        .iter()
        .map(|(key, value)| ((*key).to_owned(), Value::from(*value)))
        .collect();
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {"template": {
            "metadata": {"annotations": annotations, "labels": {"app": name}},
            "spec": {"containers": [{"name": "main"}]},
        }},
    })
}

fn mk_job(name: &str, annotations: &[(&str, &str)]) -> Value {
    let mut job = mk_deployment(name, annotations);
    job["apiVersion"] = "batch/v1".into();
    job["kind"] = "Job".into();
    job["spec"]["template"]["spec"]["restartPolicy"] = "Never".into();
    job
}

fn mk_graph<'a>(objects: &'a [Value], namespace: &'a Namespace) -> Graph<'a> {
    let workloads = objects.iter().flat_map(workload::find);
    let actors = workloads.map(|w| Actor::read(w, &Keys::default(), namespace).unwrap());
    let mut scene = Scene::new(actors.collect());
    for object in objects {
        scene.add(object, namespace);
    }
    Graph::new(scene)
}

/// Each term with the names of its producers.
fn links(objects: &[Value]) -> Vec<(String, Vec<String>)> {
    let namespace = Namespace::default();
    let graph = mk_graph(objects, &namespace);
    let names = |link: &Link| {
        let actors = graph.scene().actors();
        let names = link.producers.iter().map(|p| &actors[p.actor]);
        names.map(|actor| graph.name(actor)).collect()
    };
    let links = graph.links().iter();
    links
        .map(|link| (graph.term(link).value.to_string(), names(link)))
        .collect()
}

fn rings(objects: &[Value]) -> Vec<String> {
    let namespace = Namespace::default();
    let graph = mk_graph(objects, &namespace);
    graph
        .rings()
        .iter()
        .map(|ring| graph.describe(ring))
        .collect()
}

#[track_caller]
fn assert_links(objects: &[Value], expected: &[(&str, &[&str])]) {
    let expected: Vec<_> = expected
        .iter()
        .map(|(term, names)| {
            let names = names.iter().map(|name| (*name).to_owned());
            ((*term).to_owned(), names.collect::<Vec<_>>())
        })
        .collect();
    assert_eq!(links(objects), expected);
}

#[test]
fn a_variable_comes_from_who_signals_it() {
    let mut elsewhere = mk_deployment("elsewhere", &[("signals", "a/b")]);
    elsewhere["metadata"]["namespace"] = "other".into();
    let objects = [
        mk_deployment("web", &[("depends-on", "a/b, a/*>=2, c, a/b@other")]),
        mk_deployment("one", &[("signals", "a/b")]),
        mk_job("two", &[("signals-on-success", "a/c=v")]),
        elsewhere,
    ];
    assert_links(
        &objects,
        &[
            ("a/b", &["Deployment/one (default)"]),
            ("a/*>=2", &["Deployment/one (default)", "Job/two (default)"]),
            ("c", &[]),
            ("a/b@other", &["Deployment/elsewhere (other)"]),
        ],
    );
}

#[test]
fn names_of_pods_and_nodes_are_known_by_their_shape() {
    let mut set = mk_deployment("db", &[("signals", "db/$(POD_NAME)")]);
    set["kind"] = "StatefulSet".into();
    let objects = [
        mk_deployment(
            "web",
            &[("depends-on", "db/db-0, db/web-0, cni/$(NODE_NAME)")],
        ),
        mk_deployment("cni", &[("signals", "cni/$(NODE_NAME)")]),
        set,
    ];
    assert_links(
        &objects,
        &[
            ("db/db-0", &["StatefulSet/db"]),
            ("db/web-0", &[]),
            ("cni/$(NODE_NAME)", &["Deployment/cni"]),
        ],
    );
}

#[test]
fn labels_are_filled_in() {
    let objects = [
        mk_deployment("web", &[("depends-on", "up/db")]),
        mk_deployment("db", &[("signals", "up/$(labels['app'])")]),
    ];
    assert_links(&objects, &[("up/db", &["Deployment/db"])]);
}

#[test]
fn objects_and_hosts_lead_to_workloads() {
    let service = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "redis-svc"},
        "spec": {"selector": {"app": "redis"}},
    });
    let terms = "job:migrate, deployment:redis, service:redis-svc, tcp://redis-svc:6379, \
                 http://redis-svc.default.svc.cluster.local/, tcp://redis-svc.other:1, tcp://example.com:1, \
                 pod:redis-0, tcp://redis-0.redis-svc:1";
    let mut set = mk_deployment("redis", &[]);
    set["kind"] = "StatefulSet".into();
    let objects = [
        mk_deployment("web", &[("depends-on", terms)]),
        mk_job("migrate", &[]),
        set,
        service,
    ];
    let set: &[&str] = &["StatefulSet/redis"];
    assert_links(
        &objects,
        &[
            ("job:migrate", &["Job/migrate"]),
            ("deployment:redis", &[]),
            ("service:redis-svc", set),
            ("tcp://redis-svc:6379", set),
            ("http://redis-svc.default.svc.cluster.local/", set),
            ("tcp://redis-svc.other:1", &[]),
            ("tcp://example.com:1", &[]),
            ("pod:redis-0", set),
            ("tcp://redis-0.redis-svc:1", set),
        ],
    );
}

#[test]
fn finds_rings_and_names_everybody_in_them() {
    let objects = [
        mk_deployment("a", &[("depends-on", "b"), ("signals", "a")]),
        mk_deployment("b", &[("depends-on", "c"), ("signals", "b")]),
        mk_deployment("c", &[("depends-on", "a"), ("signals", "c")]),
        mk_deployment("late", &[("depends-on", "c")]),
        mk_deployment("self", &[("depends-on", "self"), ("signals", "self")]),
    ];
    assert_eq!(
        rings(&objects),
        [
            "Deployment/a waits for b from Deployment/b, Deployment/b waits for c from Deployment/c, \
             Deployment/c waits for a from Deployment/a",
            "Deployment/self waits for self from Deployment/self",
        ]
    );
}

#[test]
fn what_can_come_from_elsewhere_is_no_ring() {
    let waits_for_b = ("depends-on", "b");
    for (name, objects) in [
        (
            "another producer",
            vec![
                mk_deployment("a", &[waits_for_b, ("signals", "a")]),
                mk_deployment("b", &[("depends-on", "a"), ("signals", "b")]),
                mk_deployment("other", &[("signals", "b")]),
            ],
        ),
        (
            "an optional term",
            vec![
                mk_deployment("a", &[("depends-on", "?b"), ("signals", "a")]),
                mk_deployment("b", &[("depends-on", "a"), ("signals", "b")]),
            ],
        ),
        (
            "a failure term",
            vec![
                mk_deployment("a", &[("depends-on", "!b"), ("signals", "a")]),
                mk_deployment("b", &[("depends-on", "a"), ("signals", "b")]),
            ],
        ),
        ("nobody", vec![mk_deployment("a", &[waits_for_b])]),
        ("nothing", vec![]),
    ] {
        assert!(rings(&objects).is_empty(), "{name}");
    }
}

#[test]
fn a_count_that_needs_the_ring_is_a_ring() {
    let objects = [
        mk_deployment("a", &[("depends-on", "b>=2"), ("signals", "a")]),
        mk_deployment("b", &[("depends-on", "a"), ("signals", "b")]),
        mk_deployment("other", &[("signals", "b")]),
    ];
    assert_eq!(rings(&objects).len(), 1);
}

#[test]
fn draws_text() {
    let objects = [
        mk_deployment(
            "web",
            &[("depends-on", "db/up, ?cache/warm"), ("signals", "web/up")],
        ),
        mk_job("db", &[("signals-on-success", "db/up, db/other")]),
        mk_deployment("plain", &[]),
    ];
    let namespace = Namespace::default();
    let expected = "\
Deployment/web
  waits for  db/up        <- Job/db (on success)
             ?cache/warm  <- nobody here
  signals    web/up       -> nobody here

Job/db
  signals    db/up (on success)     -> Deployment/web
             db/other (on success)  -> nobody here
";
    assert_eq!(mk_graph(&objects, &namespace).to_text(), expected);
}

#[test]
fn draws_dot_and_mermaid_with_every_label_escaped() {
    let objects = [
        mk_deployment("web", &[("depends-on", "a=\"x \\\"y\\\\\", ?cache")]),
        mk_deployment("a", &[("signals-on-ready", "a=\"x \\\"y\\\\\"")]),
    ];
    let namespace = Namespace::default();
    let graph = mk_graph(&objects, &namespace);
    let dot = graph.to_dot();
    assert!(
        dot.contains(r#"n1 -> n0 [label="a=\"x \\\"y\\\\\" (on ready)"];"#),
        "{dot}"
    );
    assert!(dot.contains(r#"n2 [label="cache", shape=ellipse, style=dashed];"#));
    assert!(dot.contains(r#"n2 -> n0 [label="", style=dashed];"#));
    let mermaid = graph.to_mermaid();
    assert!(
        mermaid.contains(r#"n1 -->|"a=#34;x \#34;y\\#34; (on ready)"| n0"#),
        "{mermaid}"
    );
    assert!(mermaid.contains("n2([\"cache\"])\n"));
    assert!(mermaid.contains("n2 -.-> n0\n"));
}
