use serde_json::json;

use super::*;
use crate::{
    Options,
    kit::{Run, mk_cluster, mk_options, workload},
};

fn mk_key(term: &str) -> ObjectKey {
    let term: Term = term.parse().unwrap();
    let condition = term.condition(&Namespace::default()).unwrap().unwrap();
    let Subject::Object(key) = condition.subject else {
        panic!("{term}");
    };
    (*key).clone()
}

#[test]
fn only_a_job_with_the_label_changes_a_term_on_labelled_jobs() {
    let labelled = |kind: &str, name: &str| {
        let mut workload = workload(kind, name, json!({}));
        workload["metadata"]["labels"] = json!({"app": name});
        workload
    };
    let objects = [
        labelled("Deployment", "db"),
        labelled("Job", "other"),
        labelled("Job", "db"),
    ];
    let mut cluster = mk_cluster(&objects, mk_options());
    cluster.watch_objects(mk_key("job:[app=db]"));
    for (index, is_changed) in [(0, false), (1, false), (2, true)] {
        cluster.report_objects();
        cluster.objects.workload_changed(index);
        assert_eq!(!cluster.objects.changed.is_empty(), is_changed, "{index}");
    }
}

#[test]
fn a_term_on_a_node_looks_only_at_the_pods_there() {
    let options = Options {
        nodes: 3,
        ..mk_options()
    };
    let run = Run::new(&[workload("DaemonSet", "cni", json!({}))], options);
    for (term, pods) in [
        ("daemonset:cni on node=node-1", 1),
        ("pod:[app=cni] on node=node-1", 1),
        ("pod:[app=cni]", 3),
    ] {
        assert_eq!(run.cluster.related(&mk_key(term)).len(), pods, "{term}");
    }
}
