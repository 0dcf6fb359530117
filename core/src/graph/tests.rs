use serde_json::{Value, json};

use super::*;
use crate::{
    language::{Keys, Namespace},
    model::Member,
    workload::Workload,
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

fn mk_model(objects: &[Value]) -> Model {
    let mut model = Model::default();
    for object in objects {
        let workload = Workload::new(object, String::new()).unwrap();
        let member = Member::read(&workload, &Keys::default(), &Namespace::default());
        model.insert(member.unwrap());
    }
    model
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
    let expected = "\
Deployment/web
  waits for  db/up        <- Job/db (on success)
             ?cache/warm  <- nothing here
  signals    web/up       -> nothing here

Job/db
  signals    db/up (on success)     -> Deployment/web
             db/other (on success)  -> nothing here
";
    assert_eq!(Graph::new(&mk_model(&objects)).to_text(), expected);
}

#[test]
fn draws_dot_and_mermaid_with_every_label_escaped() {
    let objects = [
        mk_deployment("web", &[("depends-on", "a=\"x \\\"y\\\\\", ?cache")]),
        mk_deployment("a", &[("signals-on-ready", "a=\"x \\\"y\\\\\"")]),
    ];
    let model = mk_model(&objects);
    let graph = Graph::new(&model);
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
