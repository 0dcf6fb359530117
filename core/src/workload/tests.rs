use serde_json::{Value, json};

use super::*;

fn mk_workload(kind: &str, version: &str, spec: &Value) -> Value {
    json!({
        "apiVersion": version,
        "kind": kind,
        "metadata": {"name": "web", "namespace": "shop", "annotations": {"depends-on": "own"}},
        "spec": spec,
    })
}

fn mk_template() -> Value {
    json!({
        "metadata": {"name": "ignored", "annotations": {"depends-on": "a/b", "odd": 1}, "labels": {"app": "web"}},
        "spec": {"restartPolicy": "Never", "containers": [{"name": "main"}], "future": true},
    })
}

#[test]
fn finds_the_template_of_every_kind() {
    let template = mk_template();
    let spec = json!({"template": template});
    let cron = json!({"jobTemplate": {"spec": {"template": template}}});
    for (kind, version, spec, pointer) in [
        ("Deployment", "apps/v1", &spec, "/spec/template"),
        ("StatefulSet", "apps/v1", &spec, "/spec/template"),
        ("DaemonSet", "apps/v1", &spec, "/spec/template"),
        ("ReplicaSet", "apps/v1", &spec, "/spec/template"),
        ("ReplicationController", "v1", &spec, "/spec/template"),
        ("Job", "batch/v1", &spec, "/spec/template"),
        (
            "CronJob",
            "batch/v1",
            &cron,
            "/spec/jobTemplate/spec/template",
        ),
    ] {
        let object = mk_workload(kind, version, spec);
        let [workload] = &find(&object)[..] else {
            panic!("{kind} is not found");
        };
        assert_eq!(workload.template_pointer(), pointer);
        assert_eq!(workload.template(), &template);
        assert_eq!(workload.to_string(), format!("{kind}/web"));
        assert_eq!(workload.namespace(), Some("shop"));
        assert_eq!(workload.restart_policy(), RestartPolicy::Never);
        assert_eq!(
            workload.annotations().collect::<Vec<_>>(),
            [("depends-on", "a/b")]
        );
        assert_eq!(
            workload.own_annotations().collect::<Vec<_>>(),
            [("depends-on", "own")]
        );
        assert_eq!(workload.containers().collect::<Vec<_>>(), ["main"]);
    }
}

#[test]
fn finds_every_template_of_a_kind_that_is_not_built_in() {
    let template = mk_template();
    let running = json!({"spec": {"containers": [{"image": "a"}]}});
    let job = json!({"spec": {"parallelism": 2, "template": template}});
    let replicas = |count| Scale::Replicas {
        count,
        first_ordinal: 0,
    };
    let runs = |count| Scale::Runs {
        completions: Some(count),
        parallelism: count,
        mode: CompletionMode::NonIndexed,
    };
    for (kind, spec, expected) in [
        (
            "Rollout",
            json!({"replicas": 2, "template": running}),
            vec![("Rollout/web", "web", replicas(2))],
        ),
        (
            "Service",
            json!({"template": running}),
            vec![("Service/web", "web", Scale::Unknown)],
        ),
        (
            "JobSet",
            json!({"replicatedJobs": [
                {"name": "driver", "template": job},
                {"name": "worker", "replicas": 3, "template": job},
            ]}),
            vec![
                (
                    "JobSet/web (spec.replicatedJobs[0].template.spec.template)",
                    "web-driver",
                    runs(2),
                ),
                (
                    "JobSet/web (spec.replicatedJobs[1].template.spec.template)",
                    "web-worker",
                    runs(6),
                ),
            ],
        ),
        (
            "LeaderWorkerSet",
            json!({"replicas": 2, "leaderWorkerTemplate": {
                "size": 4, "leaderTemplate": running, "workerTemplate": running,
            }}),
            vec![
                (
                    "LeaderWorkerSet/web (spec.leaderWorkerTemplate.leaderTemplate)",
                    "web-leadertemplate",
                    replicas(2),
                ),
                (
                    "LeaderWorkerSet/web (spec.leaderWorkerTemplate.workerTemplate)",
                    "web-workertemplate",
                    replicas(6),
                ),
            ],
        ),
        (
            "RayCluster",
            json!({"workerGroupSpecs": [
                {"groupName": "gpu", "replicas": 1, "maxReplicas": 5, "template": running},
            ]}),
            vec![("RayCluster/web", "web", Scale::Unknown)],
        ),
    ] {
        let object = mk_workload(kind, "example.com/v1", &spec);
        let found = find(&object);
        let found: Vec<_> = found
            .iter()
            .map(|it| (it.to_string(), it.stem(), it.scale()))
            .collect();
        let found = found
            .iter()
            .map(|(name, stem, scale)| (&**name, &**stem, *scale));
        let found: Vec<_> = found.collect();
        assert_eq!(found, expected, "{kind}");
    }
}

#[test]
fn a_pod_template_alone_makes_no_pods() {
    let object = json!({
        "apiVersion": "v1", "kind": "PodTemplate", "metadata": {"name": "web"},
        "template": mk_template(),
    });
    let [workload] = &find(&object)[..] else {
        panic!("one workload");
    };
    assert_eq!(workload.path(), "template");
    assert_eq!(workload.scale().at_once(), Some(0));
}

#[test]
fn passes_over_other_objects() {
    for object in [
        json!({"apiVersion": "batch.volcano.sh/v1", "kind": "Job", "spec": {"template": {}}}),
        json!({"apiVersion": "v1", "kind": "Service"}),
        json!({"apiVersion": "apps/v1", "kind": "Deployment"}),
        json!({"kind": "Pod"}),
        json!([1, 2]),
        json!(null),
    ] {
        assert!(find(&object).is_empty(), "{object}");
    }
}

#[test]
fn finds_the_items_of_a_list() {
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"generateName": "p-"}});
    let list = json!({"apiVersion": "v1", "kind": "List", "items": [{"kind": "Service"}, pod]});
    let [workload] = &find(&list)[..] else {
        panic!("one workload");
    };
    assert_eq!(workload.template_pointer(), "/items/1");
    assert_eq!(workload.name(), "p-");
    assert_eq!(
        workload.annotation_pointer("oncue.dev/inject"),
        "/items/1/metadata/annotations/oncue.dev~1inject"
    );
    assert!(workload.own_annotations().next().is_none());
    assert_eq!(workload.pod(), pod);
}

#[test]
fn reads_a_list_in_a_list() {
    let pod = |name: &str| json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}});
    let list = |items: &[Value]| json!({"apiVersion": "v1", "kind": "List", "items": items});
    let inner = list(&[pod("b"), list(&[]), pod("c")]);
    let outer = list(&[pod("a"), inner, pod("d")]);
    let found = find(&outer);
    let found: Vec<_> = found.iter().map(|w| (w.pointer(), w.name())).collect();
    assert_eq!(
        found,
        [
            ("/items/0", "a"),
            ("/items/1/items/0", "b"),
            ("/items/1/items/2", "c"),
            ("/items/2", "d")
        ]
    );
    let at = |pointer| text(object_at(&outer, pointer), "/metadata/name");
    assert_eq!(at("/items/1/items/2/metadata/annotations/items"), Some("c"));
    assert_eq!(at("/items/2/items/0"), Some("d"));
    assert_eq!(at("/items/7"), None);
    assert_eq!(
        text(object_at(&pod("x"), "/items/0"), "/metadata/name"),
        Some("x")
    );
}

#[test]
fn makes_the_pod_that_a_controller_creates() {
    let object = mk_workload("Job", "batch/v1", &json!({"template": mk_template()}));
    let pod = find(&object)[0].pod();
    let expected = json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "annotations": {"depends-on": "a/b", "odd": 1},
            "labels": {
                "app": "web",
                "batch.kubernetes.io/job-name": "web",
                "job-name": "web",
            },
            "generateName": "web-",
            "namespace": "shop",
        },
        "spec": {"restartPolicy": "Never", "containers": [{"name": "main"}], "future": true},
    });
    assert_eq!(pod, expected);
}

#[test]
fn numbers_the_pods_of_a_stateful_set() {
    let spec = json!({"replicas": 2, "ordinals": {"start": 5}, "template": mk_template()});
    let object = mk_workload("StatefulSet", "apps/v1", &spec);
    let workload = &find(&object)[0];
    assert_eq!(
        workload.scale(),
        Scale::Replicas {
            count: 2,
            first_ordinal: 5
        }
    );
    let metadata = &workload.pod_at(6)["metadata"];
    assert_eq!(metadata["name"], "web-6");
    assert_eq!(metadata["labels"]["apps.kubernetes.io/pod-index"], "6");
    assert_eq!(
        metadata["labels"]["statefulset.kubernetes.io/pod-name"],
        "web-6"
    );
}

#[test]
fn numbers_the_pods_of_an_indexed_job() {
    let spec =
        json!({"completions": 3, "parallelism": 2, "completionMode": "Indexed", "template": {}});
    let object = mk_workload("Job", "batch/v1", &spec);
    let workload = &find(&object)[0];
    let metadata = &workload.pod_at(1)["metadata"];
    let index = "batch.kubernetes.io/job-completion-index";
    assert_eq!(metadata["labels"][index], "1");
    assert_eq!(metadata["annotations"][index], "1");
    assert_eq!(metadata["generateName"], "web-1-");
    assert_eq!(workload.scale().at_once(), Some(2));
    assert_eq!(workload.scale().in_all(), Some(3));
}

#[test]
fn counts_the_pods_of_a_job() {
    for (spec, at_once, in_all) in [
        (json!({}), 1, 1),
        (json!({"parallelism": 4}), 4, 4),
        (json!({"completions": 4}), 1, 4),
        (json!({"completions": 2, "parallelism": 4}), 2, 2),
    ] {
        let mut spec = spec;
        spec["template"] = json!({});
        let object = mk_workload("Job", "batch/v1", &spec);
        let scale = find(&object)[0].scale();
        assert_eq!(
            (scale.at_once(), scale.in_all()),
            (Some(at_once), Some(in_all)),
            "{spec}"
        );
    }
}

#[test]
fn a_hash_follows_the_template() {
    let object = |image: &str| {
        let template = json!({"spec": {"containers": [{"name": "a", "image": image}]}});
        mk_workload("Deployment", "apps/v1", &json!({"template": template}))
    };
    let hash = |object: &Value| {
        let labels = &find(object)[0].pod()["metadata"]["labels"];
        labels["pod-template-hash"].as_str().unwrap().to_owned()
    };
    assert_eq!(hash(&object("a:1")), hash(&object("a:1")));
    assert_ne!(hash(&object("a:1")), hash(&object("a:2")));
}
