use serde_json::{Value, json};

use super::*;
use crate::{
    assumption::Assumption,
    graph::describe,
    kit::{mk_deployment, mk_job, mk_model},
    language::Keys,
    workload::Workload,
};

fn id_of(model: &Model, name: &str) -> MemberId {
    let mut members = model.members();
    members.find(|(_, member)| *member.name == *name).unwrap().0
}

/// Returns each term with the names of its producers.
fn links(model: &Model) -> Vec<(String, Vec<String>)> {
    let links = model.links();
    let names = |link: &Link| {
        let producers = links.producers(link).iter();
        producers.map(|p| model.name(p.member)).collect()
    };
    links
        .iter()
        .map(|link| (links.term(link).value.to_string(), names(link)))
        .collect()
}

fn cycles(objects: &[Value]) -> Vec<String> {
    let model = mk_model(objects);
    let links = model.links();
    let cycles = links.cycles();
    cycles.iter().map(|cycle| describe(&links, cycle)).collect()
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
    assert_eq!(links(&mk_model(objects)), expected);
}

#[test]
fn a_variable_comes_from_the_members_that_signal_it() {
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
fn finds_cycles_and_names_every_member_of_them() {
    let objects = [
        mk_deployment("a", &[("depends-on", "b"), ("signals", "a")]),
        mk_deployment("b", &[("depends-on", "c"), ("signals", "b")]),
        mk_deployment("c", &[("depends-on", "a"), ("signals", "c")]),
        mk_deployment("late", &[("depends-on", "c")]),
        mk_deployment("self", &[("depends-on", "self"), ("signals", "self")]),
    ];
    assert_eq!(
        cycles(&objects),
        [
            "Deployment/a waits for b from Deployment/b, Deployment/b waits for c from Deployment/c, \
             Deployment/c waits for a from Deployment/a",
            "Deployment/self waits for self from Deployment/self",
        ]
    );
}

#[test]
fn what_can_come_from_elsewhere_is_no_cycle() {
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
        (
            "a signal before the wait",
            vec![
                mk_deployment("a", &[waits_for_b, ("signals", "a")]),
                mk_deployment("b", &[("depends-on", "a"), ("signals-on-wait", "b")]),
            ],
        ),
        (
            "one of two signals before the wait",
            vec![mk_deployment(
                "a",
                &[
                    ("depends-on", "x/y, x/*"),
                    ("signals-on-init", "x/y"),
                    ("signals-on-wait", "x/y"),
                ],
            )],
        ),
        ("nobody", vec![mk_deployment("a", &[waits_for_b])]),
        ("nothing", vec![]),
    ] {
        assert!(cycles(&objects).is_empty(), "{name}");
    }
}

#[test]
fn a_signal_before_the_wait_is_late_for_another_reason() {
    let waits = |signals| {
        let objects = [
            mk_deployment("a", &[("depends-on", "b"), ("signals", "a")]),
            mk_deployment("b", &[("depends-on", "a"), (signals, "b")]),
        ];
        mk_model(&objects).links().cycles_of(|_| true).len()
    };
    assert_eq!(waits("signals"), 1);
    assert_eq!(waits("signals-on-wait"), 0);
}

#[test]
fn a_count_that_needs_the_cycle_is_a_cycle() {
    let objects = [
        mk_deployment("a", &[("depends-on", "b>=2"), ("signals", "a")]),
        mk_deployment("b", &[("depends-on", "a"), ("signals", "b")]),
        mk_deployment("other", &[("signals", "b")]),
    ];
    assert_eq!(cycles(&objects).len(), 1);
}

/// A pod of its own, in the namespace `default`.
fn mk_pod(name: &str, labels: &Value, annotations: &[(&str, &str)]) -> Value {
    let mut pod = mk_deployment(name, annotations)["spec"]["template"].clone();
    pod["apiVersion"] = "v1".into();
    pod["kind"] = "Pod".into();
    pod["metadata"]["name"] = name.into();
    pod["metadata"]["labels"] = labels.clone();
    pod
}

fn mk_service(name: &str, spec: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec})
}

#[test]
fn finds_every_cycle_of_a_member_in_several() {
    let objects = [
        mk_deployment("a", &[("depends-on", "b, d"), ("signals", "a")]),
        mk_deployment("b", &[("depends-on", "c"), ("signals", "b")]),
        mk_deployment("c", &[("depends-on", "b"), ("signals", "c")]),
        mk_deployment("d", &[("depends-on", "a"), ("signals", "d")]),
    ];
    assert_eq!(
        cycles(&objects),
        [
            "Deployment/a waits for d from Deployment/d, Deployment/d waits for a from Deployment/a",
            "Deployment/b waits for c from Deployment/c, Deployment/c waits for b from Deployment/b",
        ]
    );
}

#[test]
fn a_timeout_that_lets_a_pod_proceed_breaks_a_cycle() {
    let ring = |timeout: &[(&str, &str)]| {
        let a = [&[("depends-on", "b"), ("signals", "a")], timeout].concat();
        let b = mk_deployment("b", &[("depends-on", "a"), ("signals", "b")]);
        cycles(&[mk_deployment("a", &a), b]).len()
    };
    let policy = "depends-on-timeout-policy";
    assert_eq!(ring(&[("depends-on-timeout", "5s")]), 1);
    assert_eq!(
        ring(&[("depends-on-timeout", "5s"), (policy, "proceed")]),
        0
    );
}

#[test]
fn a_cycle_has_all_of_its_members_and_a_shortest_way_through_them() {
    let objects = [
        mk_deployment("a", &[("depends-on", "b, c"), ("signals", "a")]),
        mk_deployment("b", &[("depends-on", "c"), ("signals", "b")]),
        mk_deployment("c", &[("depends-on", "a"), ("signals", "c")]),
    ];
    let model = mk_model(&objects);
    let [cycle] = &model.links().cycles()[..] else {
        panic!("one cycle");
    };
    assert_eq!(cycle.members.len(), 3);
    let consumers = cycle.ring.iter().map(|step| step.link.consumer);
    assert_eq!(
        consumers.collect::<Vec<_>>(),
        [id_of(&model, "a"), id_of(&model, "c")]
    );
}

#[test]
fn members_at_rest_wait_for_what_is_missing_alone() {
    let objects = [
        mk_deployment("a", &[("depends-on", "b, x"), ("signals", "a")]),
        mk_deployment("b", &[("depends-on", "a, y"), ("signals", "b")]),
    ];
    let model = mk_model(&objects);
    let links = model.links();
    let at_rest = |missing: &[&str]| {
        let is_missing =
            |link: &Link| missing.contains(&links.term(link).value.to_string().as_str());
        links.cycles_of(is_missing).len()
    };
    assert_eq!(at_rest(&["a", "b"]), 1);
    assert_eq!(at_rest(&["a", "x"]), 0);
    assert_eq!(at_rest(&[]), 0);
}

#[test]
fn what_is_replaced_or_removed_produces_no_longer() {
    let mut model = mk_model(&[
        mk_deployment(
            "web",
            &[("depends-on", "a, b, w/$(POD_NAME), deployment:db")],
        ),
        mk_deployment("db", &[("signals", "a, w/$(POD_NAME)")]),
        mk_service("db", &json!({"selector": {"app": "db"}})),
    ]);
    let producers = |model: &Model| -> Vec<usize> {
        links(model)
            .into_iter()
            .map(|(_, names)| names.len())
            .collect()
    };
    let db = id_of(&model, "db");
    assert_eq!(producers(&model), [1, 0, 0, 1]);
    let other = mk_model(&[mk_deployment("other", &[("signals", "b")])]);
    let other = other.member(id_of(&other, "other")).clone();
    assert_eq!(*model.replace(db, other).unwrap().name, *"db");
    assert_eq!(producers(&model), [0, 1, 0, 0]);
    let service = model.service("db", &Namespace::default()).unwrap().clone();
    assert_eq!(model.behind(&service), []);
    assert!(model.remove(db).is_some() && model.remove(db).is_none());
    assert_eq!(producers(&model), [0, 0, 0, 0]);
    assert!(model.remove_service("db", &Namespace::default()).is_some());
    assert_eq!(model.service("db", &Namespace::default()), None);
}

#[test]
fn a_pod_is_a_part_of_the_objects_above_it() {
    let mut model = mk_model(&[
        mk_deployment("web", &[("depends-on", "job:migrate, pod:migrate-x")]),
        mk_pod("migrate-x", &json!({}), &[]),
    ]);
    assert_eq!(links(&model)[0].1, [""; 0]);
    let pod = id_of(&model, "migrate-x");
    let part = Member {
        controllers: vec![(WorkloadKind::Job, "migrate".into())],
        ..model.member(pod).clone()
    };
    model.replace(pod, part);
    assert_eq!(links(&model)[0].1, ["Pod/migrate-x"]);
    assert_eq!(links(&model)[1].1, ["Pod/migrate-x"]);
}

#[test]
fn links_around_a_member_reach_what_it_waits_for_and_no_more() {
    let model = mk_model(&[
        mk_deployment("a", &[("depends-on", "b"), ("signals", "a")]),
        mk_deployment("b", &[("depends-on", "a"), ("signals", "b")]),
        mk_deployment("late", &[("depends-on", "a")]),
    ]);
    let around = |name| model.links_around(id_of(&model, name));
    assert_eq!(around("a").members().count(), 2);
    assert_eq!(around("a").cycles().len(), 1);
    assert_eq!(around("late").members().count(), 3);
    assert_eq!(around("late").cycles()[0].members.len(), 2);
}

#[test]
fn a_service_answers_to_the_names_that_cluster_dns_gives_it() {
    let mut service = mk_service("db", &json!({}));
    service["metadata"]["namespace"] = "shop".into();
    let model = mk_model(&[service]);
    let shop: Namespace = "shop".parse().unwrap();
    let other = Namespace::default();
    for (host, from, expected) in [
        ("db", &shop, Some(Host::Any)),
        ("DB", &shop, Some(Host::Any)),
        ("db", &other, None),
        ("db.", &shop, None),
        ("db.shop", &other, Some(Host::Any)),
        ("db.shop.", &other, None),
        ("db.shop.svc", &other, Some(Host::Any)),
        ("db.shop.SVC", &other, Some(Host::Any)),
        ("db.shop.svc.cluster.local", &other, Some(Host::Any)),
        ("db.shop.svc.cluster.local.", &other, Some(Host::Any)),
        ("db-0.db", &shop, Some(Host::Pod("db-0"))),
        ("db-0.db.shop", &other, Some(Host::Pod("db-0"))),
        ("db-0.db.shop.svc", &other, Some(Host::Pod("db-0"))),
        ("db-0.db", &other, None),
        ("x.db-0.db.shop.svc", &other, None),
        ("db.shop.example.com", &other, None),
        // Whatever the domain of the cluster is.
        ("db.shop.svc.k8s.example", &other, Some(Host::Any)),
        ("db.shop.example.svc", &other, None),
        ("db2", &shop, None),
        ("db.shopping", &other, None),
        ("", &shop, None),
        (".", &shop, None),
    ] {
        let found = model.resolve(host, from).map(|(_, host)| host);
        assert_eq!(found, expected, "{host} in {from}");
    }
}

#[test]
fn a_resolver_tries_the_own_namespace_first() {
    let mut other = mk_service("db-0", &json!({}));
    other["metadata"]["namespace"] = "db".into();
    let own = Namespace::default();
    let alone = mk_model(std::slice::from_ref(&other));
    assert_eq!(alone.resolve("db-0.db", &own).unwrap().1, Host::Any);
    let both = mk_model(&[other, mk_service("db", &json!({}))]);
    assert_eq!(both.resolve("db-0.db", &own).unwrap().1, Host::Pod("db-0"));
}

#[test]
fn a_service_selects_pods_by_all_labels_of_its_selector() {
    let selector = json!({"selector": {"app": "db", "tier": "data"}});
    let mut elsewhere = mk_pod("far", &json!({"app": "db", "tier": "data"}), &[]);
    elsewhere["metadata"]["namespace"] = "far".into();
    let model = mk_model(&[
        mk_pod(
            "both",
            &json!({"app": "db", "tier": "data", "more": "x"}),
            &[],
        ),
        mk_pod("one", &json!({"app": "db"}), &[]),
        mk_pod("none", &json!({}), &[]),
        elsewhere,
        mk_service("db", &selector),
        mk_service("outside", &json!({"type": "ExternalName"})),
        mk_service("odd", &json!({"selector": {"app": "db", "odd": 1}})),
    ]);
    let behind = |name: &str| model.behind(model.service(name, &Namespace::default()).unwrap());
    assert_eq!(behind("db"), [id_of(&model, "both")]);
    assert_eq!(behind("outside"), []);
    assert_eq!(behind("odd"), []);
}

#[test]
fn a_service_listens_on_its_tcp_ports() {
    let ports =
        json!([{"port": 53, "protocol": "UDP"}, {"port": 80}, {"port": 81, "protocol": "TCP"}]);
    let model = mk_model(&[
        mk_service("web", &json!({"ports": ports})),
        mk_service("headless", &json!({"clusterIP": "None", "ports": ports})),
        mk_service("none", &json!({})),
    ]);
    let listens = |name: &str, port| {
        let service = model.service(name, &Namespace::default());
        service.unwrap().listens_on(port)
    };
    assert!(listens("web", 80) && listens("web", 81));
    assert!(!listens("web", 53) && !listens("web", 82));
    assert!(listens("headless", 82) && listens("none", 82));
}

#[test]
fn a_port_of_a_service_reaches_a_port_of_its_pods() {
    let model = mk_model(&[
        mk_service(
            "web",
            &json!({"ports": [{"port": 80, "targetPort": "http"}, {"port": 81}]}),
        ),
        mk_service(
            "headless",
            &json!({"clusterIP": "None", "ports": [{"port": 80, "targetPort": 8080}]}),
        ),
        mk_service(
            "alias",
            &json!({"type": "ExternalName", "externalName": "example.com"}),
        ),
    ]);
    let declaring = json!({"containers": [{"ports": [{"name": "http", "containerPort": 8080}]}]});
    let silent = json!({"containers": [{}]});
    for (name, port, of_declaring, of_silent) in [
        ("web", 80, true, false),
        ("web", 81, true, true),
        ("web", 8080, false, false),
        ("headless", 80, false, false),
        ("headless", 8080, true, true),
        ("alias", 80, false, false),
    ] {
        let service = model.service(name, &Namespace::default()).unwrap();
        let reached = [&declaring, &silent].map(|spec| service.reaches(port, spec));
        assert_eq!(reached, [of_declaring, of_silent], "{name}:{port}");
    }
}

#[test]
fn endpoints_by_hand_are_those_of_their_service() {
    let model = mk_model(&[
        mk_service("db", &json!({})),
        json!({
            "apiVersion": "v1", "kind": "Endpoints", "metadata": {"name": "db"},
            "subsets": [{"addresses": [{"ip": "192.0.2.7"}], "ports": [{"port": 5432}]}],
        }),
        mk_service("mq", &json!({})),
        json!({
            "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
            "metadata": {"name": "mq-1", "labels": {"kubernetes.io/service-name": "mq"}},
            "endpoints": [{"addresses": ["192.0.2.8"], "conditions": {"ready": false}}],
        }),
    ]);
    let ports = |name: &str| {
        let service = model.service(name, &Namespace::default()).unwrap();
        let backends = model.backends(service).iter();
        backends.map(|it| it.ports.clone()).collect::<Vec<_>>()
    };
    assert_eq!(ports("db"), [vec![5432]]);
    assert_eq!(ports("mq"), Vec::<Vec<u16>>::new());
}

#[test]
fn an_autoscaler_counts_in_its_own_namespace_alone() {
    let scaler = |namespace: &str| {
        json!({
            "kind": "HorizontalPodAutoscaler", "metadata": {"namespace": namespace},
            "spec": {"scaleTargetRef": {"kind": "Deployment", "name": "w"}},
        })
    };
    let supply = |scaler: Value| {
        let model = mk_model(&[
            mk_deployment("web", &[("depends-on", "w>=2")]),
            mk_deployment("w", &[("signals", "w")]),
            scaler,
        ]);
        let links = model.links();
        let link = *links.iter().next().unwrap();
        (links.need(&link), links.supply(&link))
    };
    assert_eq!(supply(scaler("default")), (2, Supply::Unbounded));
    assert_eq!(supply(scaler("other")), (2, Supply::AtMost(1)));
}

#[test]
fn a_rollout_scales_the_deployment_that_it_takes_its_pods_from() {
    let mut empty = mk_deployment("w", &[("signals", "w")]);
    empty["spec"]["replicas"] = 0.into();
    let rollout = json!({
        "kind": "Rollout", "metadata": {"name": "w"},
        "spec": {"replicas": 2, "workloadRef": {"kind": "Deployment", "name": "w"}},
    });
    let supply = |objects: &[Value]| {
        let model = mk_model(objects);
        let links = model.links();
        let link = *links.iter().next().unwrap();
        links.supply(&link)
    };
    let web = mk_deployment("web", &[("depends-on", "w")]);
    assert_eq!(supply(&[web.clone(), empty.clone()]), Supply::AtMost(0));
    assert_eq!(supply(&[web, empty, rollout]), Supply::Unbounded);
}

#[test]
fn the_jobs_of_a_job_set_have_names_of_their_own() {
    let job_set = json!({
        "apiVersion": "jobset.x-k8s.io/v1alpha2", "kind": "JobSet", "metadata": {"name": "train"},
        "spec": {"replicatedJobs": [{
            "name": "workers", "replicas": 2,
            "template": {"spec": {"template": {"spec": {"containers": [{"name": "main"}]}}}},
        }]},
    });
    let terms = "job:train-workers-0, job:train-workers-1, job:train-workers-2, job:train";
    let objects = [mk_deployment("web", &[("depends-on", terms)]), job_set];
    let model = mk_model(&objects);
    let links = model.links();
    let produced: Vec<_> = links
        .iter()
        .map(|link| !links.producers(link).is_empty())
        .collect();
    assert_eq!(produced, [true, true, false, false]);
}

#[test]
fn supply_counts_values_owners_and_names() {
    let mut many = mk_deployment(
        "many",
        &[("signals", "a=x, a=y, p/one, p/two, q/$(POD_NAME)")],
    );
    many["spec"]["replicas"] = 3.into();
    let terms = "a, a=x, a=z, p/*, q/*, p/one";
    let objects = [
        mk_deployment("web", &[("depends-on", terms)]),
        many,
        mk_deployment("one", &[("signals", "a=x, p/one")]),
    ];
    let model = mk_model(&objects);
    let links = model.links();
    let supply: Vec<_> = links.iter().map(|link| links.supply(link)).collect();
    assert_eq!(supply, [4, 4, 0, 2, 3, 4].map(Supply::AtMost));
}

#[test]
fn a_value_that_is_not_known_may_be_any() {
    let supply = |signals| {
        let objects = [
            mk_deployment("web", &[("depends-on", "a=x, a=y, a=$(POD_UID)")]),
            mk_deployment("one", &[("signals", signals)]),
            mk_deployment("two", &[("signals", "a=x")]),
        ];
        let model = mk_model(&objects);
        let links = model.links();
        links
            .iter()
            .map(|link| links.supply(link))
            .collect::<Vec<_>>()
    };
    let expected = |most: [u64; 3]| most.map(Supply::AtMost);
    assert_eq!(supply("a=y"), expected([1, 1, 2]));
    assert_eq!(supply("a=$(POD_NAME)"), expected([2, 2, 2]));
}

#[test]
fn only_the_rule_of_a_kind_is_the_work_of_pods() {
    let objects = [
        mk_deployment(
            "web",
            &[(
                "depends-on",
                "deployment:a, deployment:a=Available, deployment:a{.status.x}, pod:[app=a]",
            )],
        ),
        mk_deployment("a", &[]),
    ];
    assert_links(
        &objects,
        &[
            ("deployment:a", &["Deployment/a"]),
            ("deployment:a=Available", &[]),
            ("deployment:a{.status.x}", &[]),
            ("pod:[app=a]", &["Deployment/a"]),
        ],
    );
}

#[test]
fn signals_are_found_by_what_is_known_of_their_names() {
    let index = "labels['apps.kubernetes.io/pod-index']";
    let set = |name: &str| {
        let mut set = mk_deployment(name, &[("signals", &format!("{name}/$({index})/up, n/x"))]);
        set["kind"] = "StatefulSet".into();
        set
    };
    let open = mk_deployment("open", &[("signals", "$(NODE_NAME)/0/up")]);
    let terms = "db/0/up, db/x/up, db/*, dbx/0/up, n/*, n/$(NODE_NAME)";
    let objects = [
        mk_deployment("web", &[("depends-on", terms)]),
        set("db"),
        set("dbx"),
        open,
    ];
    assert_links(
        &objects,
        &[
            ("db/0/up", &["StatefulSet/db", "Deployment/open"]),
            ("db/x/up", &[]),
            ("db/*", &["StatefulSet/db", "Deployment/open"]),
            ("dbx/0/up", &["StatefulSet/dbx", "Deployment/open"]),
            (
                "n/*",
                &["StatefulSet/db", "StatefulSet/dbx", "Deployment/open"],
            ),
            (
                "n/$(NODE_NAME)",
                &["StatefulSet/db", "StatefulSet/dbx", "Deployment/open"],
            ),
        ],
    );
}

#[test]
fn crowds_cost_their_sum() {
    const CROWD: usize = 3_000;
    let mut model = Model::default();
    let add = |model: &mut Model, name: String, annotations: &[(&str, &str)]| {
        let object = mk_deployment(&name, annotations);
        let workload = Workload::new(&object, String::new()).unwrap();
        let member = Member::read(&workload, &Keys::default(), &Namespace::default());
        model.insert(member.unwrap());
    };
    for n in 0..CROWD {
        let need = format!("all>={}, all, p/*", n + 1);
        add(&mut model, format!("c{n}"), &[("depends-on", &need)]);
        let chain = format!("chain/{n}");
        let next = format!("chain/{}, all, p/{n}", n + 1);
        let links = [("depends-on", chain.as_str()), ("signals", next.as_str())];
        add(&mut model, format!("p{n}"), &links);
    }
    let links = model.links();
    let parts: usize = links.pools.iter().map(|pool| pool.parts.len()).sum();
    assert!(parts <= 4 * CROWD, "{parts}");
    assert_eq!(links.cycles(), []);
    let last = format!("chain/{CROWD}");
    add(
        &mut model,
        "last".to_owned(),
        &[("depends-on", &last), ("signals", "chain/0")],
    );
    let cycles = model.links().cycles();
    assert_eq!(cycles[0].ring.len(), CROWD + 1);
}

#[test]
fn a_variable_that_exists_is_there_before_anything_starts_and_one_owner_counts_once() {
    let mut model = mk_model(&[
        mk_deployment(
            "web",
            &[("depends-on", "a/b, a/b=v, a/b>=2, a/*>=2, a/b@other")],
        ),
        mk_deployment("one", &[("depends-on", "a/b"), ("signals", "a/b")]),
    ]);
    for text in ["a/b=v", "a/b=w", "a/c"] {
        let assumption: Assumption = text.parse().unwrap();
        let [variable] = &*assumption.variables(&Namespace::default()) else {
            panic!("{assumption} is one variable");
        };
        model.insert(Member::from(variable));
    }
    let (v, w) = ("the assumption a/b=v", "the assumption a/b=w");
    let c = "the assumption a/c";
    assert_eq!(
        links(&model)[..5],
        [
            ("a/b".to_owned(), vec!["Deployment/one", v, w]),
            ("a/b=v".to_owned(), vec!["Deployment/one", v, w]),
            ("a/b>=2".to_owned(), vec!["Deployment/one", v, w]),
            ("a/*>=2".to_owned(), vec!["Deployment/one", v, w, c]),
            ("a/b@other".to_owned(), vec![]),
        ]
        .map(|(term, names)| (term, names.into_iter().map(str::to_owned).collect()))
    );
    let links = model.links();
    let supplies: Vec<_> = links.iter().map(|link| links.supply(link)).collect();
    // A pod of the Deployment, and everything by hand.
    assert_eq!(supplies[2], Supply::AtMost(2));
    assert_eq!(supplies[3], Supply::AtMost(2));
    assert_eq!(links.cycles(), []);
}
