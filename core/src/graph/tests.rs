use super::*;
use crate::{
    assumption::Assumption,
    kit::{mk_deployment, mk_job, mk_model},
    language::Namespace,
    model::Member,
};

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

#[test]
fn draws_what_exists_already() {
    let mut model = mk_model(&[mk_deployment("web", &[("depends-on", "db/up")])]);
    let assumption: Assumption = "db/up=v".parse().unwrap();
    let [variable] = &*assumption.variables(&Namespace::default()) else {
        panic!("{assumption} is one variable");
    };
    model.insert(Member::from(variable));
    let expected = "\
Deployment/web
  waits for  db/up  <- the assumption db/up=v (exists)

the assumption db/up=v
  asserts    db/up=v  -> Deployment/web
";
    assert_eq!(Graph::new(&model).to_text(), expected);
}
