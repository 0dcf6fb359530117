//! Manifests as people have them: other kinds, Services of every type, what is not played.

#![expect(
    clippy::needless_pass_by_value,
    reason = "json!(...) reads better without a &"
)]

use serde_json::{Value, json};

use crate::kit::{Run, mk_options, pod, simulate, workload};

fn rollout(name: &str, spec: Value) -> Value {
    let mut object = workload("Deployment", name, spec);
    object["apiVersion"] = "argoproj.io/v1alpha1".into();
    object["kind"] = "Rollout".into();
    object
}

fn service(name: &str, spec: Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec})
}

#[test]
fn the_pods_of_another_kind_are_played_as_it_says() {
    let run = simulate(&[
        rollout(
            "web",
            json!({"replicas": 2, "annotations": {"depends-on": "cache/up"}}),
        ),
        pod("cache", json!({"signals": "cache/up"})),
    ]);
    assert_eq!(run.stuck(), [""; 0]);
    let report = run.report();
    let text = report.to_string();
    assert!(
        text.contains("played: Rollout/web as 2 pods that keep running\n"),
        "{text}"
    );
    let pods = report.table();
    let pods = pods.iter().filter(|row| row[0].starts_with("web-"));
    assert_eq!(pods.map(|row| &*row[5]).collect::<Vec<_>>(), ["ready"; 2]);
}

#[test]
fn each_template_of_an_object_has_pods_of_its_own() {
    let template = workload("Job", "x", json!({}))["spec"]["template"].clone();
    let mut waiting = template.clone();
    waiting["metadata"]["annotations"] = json!({"depends-on": "train/data"});
    let mut signalling = template;
    signalling["metadata"]["annotations"] = json!({"signals-on-success": "train/data"});
    let job = |template: &Value| json!({"spec": {"template": template}});
    let run = simulate(&[json!({
        "apiVersion": "jobset.x-k8s.io/v1alpha2", "kind": "JobSet", "metadata": {"name": "train"},
        "spec": {"replicatedJobs": [
            {"name": "worker", "replicas": 3, "template": job(&waiting)},
            {"name": "data", "replicas": 1, "template": job(&signalling)},
        ]},
    })]);
    assert_eq!(run.stuck(), [""; 0], "{:#?}", run.lines);
    let report = run.report();
    assert_eq!(
        report.played,
        [
            "JobSet/train (spec.replicatedJobs[0].template.spec.template) as 3 pods that run to \
             their end",
            "JobSet/train (spec.replicatedJobs[1].template.spec.template) as 1 pod that runs to \
             its end",
        ]
    );
    assert_eq!(report.pods.len(), 4);
}

#[test]
fn what_is_not_played_is_named() {
    let mut hook = workload("Job", "hook", json!({}));
    hook["metadata"]["annotations"] = json!({"helm.sh/hook": "post-install"});
    let mut idle = json!({
        "apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "idle"},
        "spec": {"suspend": true, "jobTemplate": {"spec": {}}},
    });
    idle["spec"]["jobTemplate"]["spec"] = workload("Job", "x", json!({}))["spec"].clone();
    let run = simulate(&[
        hook,
        idle,
        workload("Job", "queued", json!({"suspend": true})),
        json!({"apiVersion": "cert-manager.io/v1", "kind": "Certificate", "metadata": {"name": "a"}}),
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}),
    ]);
    let not_played: Vec<_> = run.report().not_played.into_iter().collect();
    assert_eq!(
        not_played,
        [
            "1 Certificate, which has no pod template",
            "CronJob/idle, which is suspended",
            "Job/queued, which is suspended",
            "the order of Helm's hooks",
        ]
    );
}

#[test]
fn a_port_of_a_service_is_probed_as_in_a_cluster() {
    let mut web = workload("Deployment", "web", json!({}));
    web["spec"]["template"]["spec"]["containers"][0]["ports"] =
        json!([{"name": "http", "containerPort": 8080}]);
    let ports = json!([{"port": 80, "targetPort": "http"}]);
    let selector = json!({"app": "web"});
    let services = [
        service("web", json!({"selector": selector, "ports": ports})),
        service(
            "hl",
            json!({"clusterIP": "None", "selector": selector, "ports": ports}),
        ),
        service(
            "odd",
            json!({"selector": selector, "ports": [{"port": 80, "targetPort": "x"}]}),
        ),
        service("ext", json!({"ports": [{"port": 5432}]})),
        json!({
            "apiVersion": "v1", "kind": "Endpoints", "metadata": {"name": "ext"},
            "subsets": [{"addresses": [{"ip": "192.0.2.7"}], "ports": [{"port": 5432}]}],
        }),
        service(
            "inside",
            json!({"type": "ExternalName", "externalName": "web.default.svc.cluster.local"}),
        ),
        service(
            "outside",
            json!({"type": "ExternalName", "externalName": "db.example.com"}),
        ),
    ];
    for (term, why) in [
        ("tcp://web:80", None),
        ("tcp://web:8080", Some("(the Service has no port 8080)")),
        ("tcp://hl:8080", None),
        ("tcp://hl:80", Some("(no pod behind it has the port 80)")),
        ("tcp://odd:80", Some("(no pod behind it has the port 80)")),
        ("tcp://ext:5432", None),
        ("service:ext", None),
        ("tcp://inside:80", None),
        (
            "tcp://outside:5432",
            Some("--assume outside if it is elsewhere"),
        ),
    ] {
        let mut objects = vec![web.clone(), pod("job", json!({"depends-on": term}))];
        objects.extend(services.clone());
        let run = simulate(&objects);
        let text = run.report().to_string();
        match why {
            None => assert_eq!(run.stuck(), [""; 0], "{text}"),
            Some(why) => assert!(text.contains(why), "{term}: {text}"),
        }
    }
}

#[test]
fn a_host_outside_is_assumed_by_its_name() {
    let mut options = mk_options();
    options.assumptions.push("db.example.com".parse().unwrap());
    let alias = json!({"type": "ExternalName", "externalName": "db.example.com"});
    let run = Run::new(
        &[
            service("alias", alias),
            pod("web", json!({"depends-on": "tcp://alias:5432"})),
        ],
        options,
    );
    assert_eq!(run.stuck(), [""; 0], "{}", run.report());
}
