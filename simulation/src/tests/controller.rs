//! What oncue's controller decides in a simulation: objects, signals and gates.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    Action, Admission, Cluster, Event, Options,
    kit::{Run, mk_cluster, mk_options, pod, simulate, workload},
};

fn on_nodes(nodes: u32) -> Options {
    Options {
        nodes,
        ..mk_options()
    }
}

fn holding(name: &str) -> Options {
    Options {
        hold: [name.to_owned()].into(),
        ..mk_options()
    }
}

/// A pod that runs once.
fn once(name: &str, annotations: Value) -> Value {
    let mut pod = pod(name, annotations);
    pod["spec"]["restartPolicy"] = "Never".into();
    pod
}

/// Returns what is printed below the table, without the first line of the result.
fn below(run: &Run) -> Vec<String> {
    let report = run.report().to_string();
    report.lines().skip(1).map(str::to_owned).collect()
}

#[test]
fn a_deployment_that_never_becomes_ready_says_so_in_the_controllers_words() {
    let objects = [
        workload("Deployment", "db", json!({"replicas": 2})),
        pod("web", json!({"depends-on": "deployment:db"})),
    ];
    let run = Run::new(&objects, holding("db"));
    let [blocked] = &*below(&run) else {
        panic!("{:?}", below(&run));
    };
    let expected = "  web waits for deployment:db (0 of 2 replicas are available) from db-";
    assert!(blocked.starts_with(expected), "{blocked}");
    assert!(
        blocked.ends_with(", which is held, and 1 more"),
        "{blocked}"
    );
}

#[test]
fn a_deployment_whose_pods_are_denied_says_why_none_is_created() {
    let denied = json!({"annotations": {"depends-on": "a b"}});
    let run = simulate(&[
        workload("Deployment", "db", denied),
        pod("web", json!({"depends-on": "deployment:db"})),
    ]);
    let text = run.report().to_string();
    let expected = "web waits for deployment:db (0 of 1 replicas are updated: FailedCreate)";
    assert!(text.contains(expected), "{text}");
}

#[test]
fn a_paused_deployment_creates_no_pods() {
    let objects = [
        workload("Deployment", "db", json!({"replicas": 2, "paused": true})),
        pod("web", json!({"depends-on": "deployment:db"})),
        pod("new", json!({"depends-on": "deployment:db=Progressing"})),
    ];
    let run = simulate(&objects);
    assert_eq!(pods_of(&run, "db-"), [""; 0]);
    let expected = [
        "  web waits for deployment:db (0 of 2 replicas are updated: the rollout is paused) which no \
         pod of these files brings",
        "  new waits for deployment:db=Progressing (its condition Progressing is Unknown: \
         DeploymentPaused) which no pod of these files brings",
    ];
    assert_eq!(below(&run), expected);
}

#[test]
fn a_gate_of_others_holds_a_pod_for_ever_and_is_reported() {
    let mut queued = pod(
        "queued",
        json!({"depends-on": "go", "depends-on-mode": "gate"}),
    );
    queued["spec"]["schedulingGates"] = json!([{"name": "kueue.x-k8s.io/admission"}]);
    let run = simulate(&[
        queued,
        pod("go", json!({"signals": "go"})),
        pod("web", json!({"depends-on": "pod:queued"})),
    ]);
    let [_, waited, held] = *run.lines_of("queued") else {
        panic!("{:?}", run.lines_of("queued"));
    };
    assert!(waited.starts_with("has waited "), "{waited}");
    let expected = "held: never scheduled, nothing removes its gate kueue.x-k8s.io/admission";
    assert_eq!(held, expected);
    let text = run.report().to_string();
    let expected = "not played: the scheduling gate kueue.x-k8s.io/admission\n";
    assert!(text.starts_with(expected), "{text}");
    let expected =
        "web waits for pod:queued (is not Ready: SchedulingGated) from queued, which is held";
    assert!(text.contains(expected), "{text}");
}

#[test]
fn a_job_that_has_not_ended_by_its_deadline_fails() {
    let part = json!({"oncue.dev/rehearse": "run=9s", "signals-on-failure": "migrate/failed"});
    let overdue = "job/migrate has failed: its activeDeadlineSeconds are over";
    for (deadline, is_missed) in [(5, true), (10, false)] {
        let spec = json!({"activeDeadlineSeconds": deadline, "annotations": part});
        let run = simulate(&[
            workload("Job", "migrate", spec),
            once("web", json!({"depends-on": "a, !migrate/failed"})),
        ]);
        assert_eq!(run.lines.iter().any(|it| it == overdue), is_missed);
        let complete = run.lines.iter().any(|it| it == "job/migrate complete");
        assert_eq!(complete, !is_missed, "{:?}", run.lines);
        let failed = run.lines.iter().any(|it| it.starts_with("web failed: "));
        assert_eq!(failed, is_missed, "{:?}", run.lines);
    }
}

#[test]
fn a_job_whose_pods_wait_for_ever_fails_at_its_deadline() {
    let week = 7 * 24 * 3600;
    let part = json!({"depends-on": "never"});
    let run = simulate(&[
        workload(
            "Job",
            "migrate",
            json!({"activeDeadlineSeconds": week, "annotations": part}),
        ),
        pod("web", json!({"depends-on": "job:migrate"})),
    ]);
    assert_eq!(run.finish.took.as_secs(), week);
    let text = run.report().to_string();
    let expected = "web waits for job:migrate (has failed: DeadlineExceeded)";
    assert!(text.contains(expected), "{text}");
}

#[test]
fn an_earlier_failure_ends_a_wait_30_seconds_after_its_pod_was_created() {
    let part = json!({"signals-on-failure": "migrate/failed", "oncue.dev/rehearse": "run=2s fail"});
    let migrate = json!({"backoffLimit": 0, "annotations": part});
    // The second pod is created once the first has ended, long after the failure.
    let part = json!({"depends-on": "up, !migrate/failed", "oncue.dev/rehearse": "run=10s"});
    let work = json!({"backoffLimit": 0, "completions": 2, "parallelism": 1, "annotations": part});
    for (run, is_up) in [("run=1h", true), ("run=5s", false)] {
        let run = simulate(&[
            workload("Job", "migrate", migrate.clone()),
            workload("Job", "work", work.clone()),
            once("up", json!({"signals": "up", "oncue.dev/rehearse": run})),
        ]);
        let has = |line: &str| run.lines.iter().any(|it| it == line);
        assert_eq!(has("job/work complete"), is_up, "{:?}", run.lines);
        assert_eq!(has("job/work has failed"), !is_up, "{:?}", run.lines);
        let took = run.finish.took;
        let failed_at = Duration::from_secs(40)..Duration::from_secs(41);
        assert_eq!(failed_at.contains(&took), !is_up, "{took:?}");
    }
}

#[test]
fn a_gate_is_overdue_once_an_earlier_failure_counts() {
    let part = json!({"signals-on-failure": "migrate/failed", "oncue.dev/rehearse": "run=2s fail"});
    let migrate = json!({"backoffLimit": 0, "annotations": part});
    let part = json!({
        "depends-on": "up, !migrate/failed", "depends-on-mode": "gate",
        "oncue.dev/rehearse": "run=10s",
    });
    let work = json!({"backoffLimit": 0, "completions": 2, "parallelism": 1, "annotations": part});
    let run = simulate(&[
        workload("Job", "migrate", migrate),
        workload("Job", "work", work),
        once(
            "up",
            json!({"signals": "up", "oncue.dev/rehearse": "run=5s"}),
        ),
    ]);
    let overdue = "failed: !migrate/failed; its gate stays closed";
    assert!(
        run.lines.iter().any(|it| it.ends_with(overdue)),
        "{:?}",
        run.lines
    );
    let failed_at = Duration::from_secs(40)..Duration::from_secs(41);
    assert!(
        failed_at.contains(&run.finish.took),
        "{:?}",
        run.finish.took
    );
}

#[test]
fn a_pod_in_admission_does_not_count_in_the_status_of_its_workload() {
    for (kind, count, none) in [
        ("DaemonSet", "currentNumberScheduled", json!(0)),
        ("Deployment", "replicas", Value::Null),
        ("Job", "active", Value::Null),
        ("StatefulSet", "replicas", json!(0)),
    ] {
        let mut cluster = mk_cluster(&[workload(kind, "db", json!({}))], mk_options());
        let created = cluster.handle(Duration::ZERO, Event::Tick);
        let [Action::Admit { pod, object }] = &*created else {
            panic!("{created:?}");
        };
        let count_of = |cluster: &Cluster| {
            let object = cluster.inventory.controllers[0].object();
            object["status"][count].clone()
        };
        cluster.settle(Duration::ZERO);
        assert_eq!(count_of(&cluster), none, "{kind}");
        let admission = Admission::Allowed {
            object: (**object).clone(),
            warnings: Vec::new(),
        };
        let admitted = Event::Admitted {
            pod: *pod,
            admission,
        };
        cluster.handle(Duration::ZERO, admitted);
        cluster.settle(Duration::ZERO);
        assert_eq!(count_of(&cluster), 1, "{kind}");
    }
}

#[test]
fn a_workload_of_no_replicas_does_not_hold() {
    let run = simulate(&[
        workload("Deployment", "db", json!({"replicas": 0})),
        pod("web", json!({"depends-on": "deployment:db"})),
    ]);
    let expected = "  web waits for deployment:db (is scaled to zero replicas) which no pod of these \
                    files brings";
    assert_eq!(below(&run), [expected]);
}

#[test]
fn a_daemon_set_on_the_node_holds_for_each_node_by_itself() {
    let agent = |seconds: u32| json!({"oncue.dev/rehearse": format!("ready={seconds}s")});
    let objects = [
        workload("DaemonSet", "cni", json!({"annotations": agent(2)})),
        workload(
            "Deployment",
            "web",
            json!({"replicas": 3, "annotations": {"depends-on": "daemonset:cni on node"}}),
        ),
    ];
    let run = Run::new(&objects, on_nodes(3));
    assert_eq!(run.stuck(), [""; 0], "{:?}", run.lines);
    for node in 1..=3 {
        let waits = format!("waits for daemonset:cni on node=node-{node}");
        assert!(
            run.lines.iter().any(|line| line.ends_with(&waits)),
            "{waits}"
        );
    }
}

#[test]
fn a_daemon_sets_pod_of_another_node_does_not_count() {
    let objects = [
        workload("DaemonSet", "cni", json!({})),
        workload(
            "Deployment",
            "web",
            json!({"replicas": 2, "annotations": {"depends-on": "daemonset:cni on node"}}),
        ),
    ];
    let mut options = on_nodes(2);
    let free = Run::new(&objects, options.clone());
    let cni: Vec<_> = pods_of(&free, "cni-");
    options.hold.insert(cni[0].clone());
    let run = Run::new(&objects, options);
    let [stuck] = &*run.stuck() else {
        panic!("{:?}", run.stuck());
    };
    assert!(stuck.ends_with(": daemonset:cni on node=node-1"), "{stuck}");
    let text = run.report().to_string();
    let expected = "(its pod on the node node-1 is not Ready: ImagePullBackOff) from cni-";
    assert!(text.contains(expected), "{text}");
}

/// Returns the names of the pods that begin like this, in the order of their creation.
fn pods_of(run: &Run, start: &str) -> Vec<String> {
    let pods = run.cluster.pods().map(|(_, pod)| pod.name.clone());
    pods.filter(|name| name.starts_with(start)).collect()
}

#[test]
fn pods_with_labels_count_from_so_many_on_and_on_their_node() {
    let part = json!({"oncue.dev/rehearse": "ready=3s"});
    let objects = [
        workload("Deployment", "db", json!({"replicas": 2})),
        workload("StatefulSet", "late", json!({"annotations": part})),
        pod("two", json!({"depends-on": "pod:[app=db]>=2"})),
        pod("three", json!({"depends-on": "pod:[app=db]>=3"})),
        pod("there", json!({"depends-on": "pod:[app=late] on node"})),
    ];
    let run = simulate(&objects);
    assert_eq!(run.stuck(), ["three: pod:[app=db]>=3"]);
    assert!(run.position("late-0 ready") < run.position("there ready"));
    assert!(run.report().to_string().contains("(2 of 3 pods are Ready)"));
}

#[test]
fn all_jobs_with_the_labels_must_be_complete() {
    let job = |name: &str, part: &str| {
        let annotations = json!({"oncue.dev/rehearse": part});
        let mut job = workload(
            "Job",
            name,
            json!({"annotations": annotations, "backoffLimit": 0}),
        );
        job["metadata"]["labels"] = json!({"app": "db"});
        job
    };
    let web = pod("web", json!({"depends-on": "job:[app=db]"}));
    let run = simulate(&[job("a", "run=1s"), job("b", "run=9s"), web.clone()]);
    assert_eq!(run.stuck(), [""; 0]);
    assert!(run.position("job/b complete") < run.position("web ready"));
    let run = simulate(&[job("a", "run=1s"), job("b", "run=1s fail"), web]);
    assert_eq!(run.stuck(), ["web: job:[app=db]"]);
    let text = run.report().to_string();
    assert!(
        text.contains("(b: has failed: BackoffLimitExceeded)"),
        "{text}"
    );
}

#[test]
fn conditions_and_fields_hold_as_far_as_the_simulation_fills_them() {
    let settings = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"},
        "data": {"mode": "on"},
    });
    let key = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "key"}});
    let objects = [
        settings,
        key,
        workload("Deployment", "db", json!({"replicas": 2})),
        workload("Job", "migrate", json!({})),
        pod("cache", json!({})),
    ];
    for term in [
        "configmap:settings",
        "configmap:settings{.data.mode}=on",
        "secret:key",
        "node:node-1",
        "node:node-1=Ready",
        "deployment:db=Available",
        "deployment:db{.status.readyReplicas}>=2",
        "deployment:db{.spec.replicas}=2",
        "job:migrate=Complete",
        "job:migrate{.status.succeeded}=1",
        "pod:cache=Ready",
        "pod:cache{.status.phase}=Running",
        "pod:cache{.status.containerStatuses[0].ready}=true",
        "pod:[app=db]{.spec.nodeName}=node-1",
    ] {
        let mut objects = objects.to_vec();
        objects.push(pod("web", json!({"depends-on": term})));
        let run = simulate(&objects);
        assert_eq!(run.stuck(), [""; 0], "{term}: {}", run.report());
        let report = run.report();
        assert!(
            report.not_played.is_empty() && report.unknown.is_empty(),
            "{term}"
        );
    }
}

#[test]
fn what_is_not_played_never_holds_and_is_reported() {
    let claim = json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data"},
    });
    let objects = [
        claim,
        workload("StatefulSet", "db", json!({})),
        pod("cache", json!({})),
    ];
    for term in [
        "certificates.cert-manager.io:web",
        "persistentvolumeclaim:data",
        "pod:cache{.status.podIP}",
        "pod:cache{.spec.priority}>=0",
        "pod:cache=PodReadyToStartContainers",
        "pod:cache{.status.conditions[0].status}=True",
        "statefulset:db=Ready",
        "statefulset:db{.status.currentRevision}",
    ] {
        let mut objects = objects.to_vec();
        objects.push(pod(
            "web",
            json!({"depends-on": format!("?{term} within 5s")}),
        ));
        let run = simulate(&objects);
        let lines = run.lines_of("web");
        assert!(lines[1].starts_with("has waited 5.10s for "), "{lines:?}");
        let report = run.report();
        assert_eq!(report.not_played.iter().collect::<Vec<_>>(), [term]);
        let expected = format!("not played: {term}");
        assert!(report.to_string().starts_with(&expected), "{report}");
    }
}

#[test]
fn a_field_is_played_if_every_selected_object_has_it() {
    let mk_job = |namespace: &str, spec: Value| {
        let mut job = workload("Job", "db", spec);
        job["metadata"]["namespace"] = namespace.into();
        job["metadata"]["labels"] = json!({"app": "db"});
        job
    };
    let with_priority = |name: &str, priority: Value| {
        let mut pod = pod(name, json!({}));
        pod["metadata"]["labels"] = json!({"tier": "db"});
        pod["spec"]["priority"] = priority;
        pod
    };
    let mut objects: Vec<_> = (0..8)
        .map(|number| mk_job(&format!("other-{number}"), json!({})))
        .collect();
    objects.extend([
        mk_job("default", json!({"backoffLimit": 1})),
        with_priority("first", 1.into()),
        with_priority("second", Value::Null),
    ]);
    for (term, not_played) in [
        ("job:[app=db]{.spec.backoffLimit}=1", None),
        (
            "pod:[tier=db]{.spec.priority}>=1",
            Some("pod:[tier=db]{.spec.priority}>=1"),
        ),
    ] {
        let mut objects = objects.clone();
        objects.push(pod("web", json!({"depends-on": term})));
        let run = simulate(&objects);
        let is_ready = run.lines_of("web").contains(&"ready");
        assert_eq!(is_ready, not_played.is_none(), "{:?}", run.lines);
        assert!(run.report().not_played.iter().eq(not_played), "{term}");
    }
}

#[test]
fn a_service_with_a_pod_that_is_not_ready_has_no_ready_endpoint() {
    let service = |publishes: bool| {
        json!({
            "apiVersion": "v1", "kind": "Service", "metadata": {"name": "db"},
            "spec": {"selector": {"app": "db"}, "publishNotReadyAddresses": publishes},
        })
    };
    let slow = pod("db", json!({}));
    let web = pod("web", json!({"depends-on": "service:db"}));
    let run = Run::new(&[service(false), slow.clone(), web.clone()], holding("db"));
    let expected = "  web waits for service:db (has no ready endpoint) from db, which is held";
    assert_eq!(below(&run), [expected]);
    let run = Run::new(&[service(true), slow, web], holding("db"));
    assert_eq!(run.stuck(), [""; 0]);
}

#[test]
fn a_job_that_fails_ends_the_wait_for_its_failure() {
    let fails = json!({
        "backoffLimit": 1, "annotations": {"oncue.dev/rehearse": "run=1s fail"},
    });
    let run = simulate(&[
        workload("Job", "migrate", fails),
        once("web", json!({"depends-on": "job:migrate, !job:migrate"})),
    ]);
    assert!(run.stuck().is_empty());
    let lines = run.lines_of("web");
    let failure = lines.last().unwrap();
    assert!(failure.starts_with("failed: exit code 3"), "{failure}");
    let reason = "!job:migrate (has failed: BackoffLimitExceeded)";
    assert!(failure.contains(reason), "{failure}");
}

#[test]
fn each_annotation_signals_and_withdraws_at_its_step() {
    let annotations = json!({
        "depends-on": "go", "signals": "started", "signals-on-wait": "waits",
        "signals-on-init": "waited", "signals-on-ready": "is-ready",
        "signals-on-success": "done", "signals-on-failure": "broken",
        "oncue.dev/rehearse": "ready=1s run=2s",
    });
    let run = simulate(&[
        once("task", annotations),
        pod(
            "go",
            json!({"signals": "go", "oncue.dev/rehearse": "ready=1s"}),
        ),
    ]);
    let lines: Vec<_> = run.lines_of("task");
    let lines: Vec<_> = lines
        .into_iter()
        .filter(|line| !line.starts_with("has waited"))
        .collect();
    assert_eq!(
        lines,
        [
            "waits for go",
            "signals waits",
            "signals waited",
            "container main started",
            "signals started",
            "ready",
            "signals is-ready",
            "succeeded",
            "withdraws waits",
            "withdraws waited",
            "withdraws started",
            "withdraws is-ready",
            "signals done",
        ]
    );
}

#[test]
fn a_pod_that_fails_signals_its_failure_and_not_its_success() {
    let annotations = json!({
        "signals-on-success": "done", "signals-on-failure": "broken", "oncue.dev/rehearse": "fail",
    });
    let run = simulate(&[once("task", annotations)]);
    let signals: Vec<_> = run
        .lines_of("task")
        .into_iter()
        .filter(|line| line.starts_with("signals"))
        .collect();
    assert_eq!(signals, ["signals broken"]);
}

#[test]
fn a_jobs_end_is_signalled_by_the_job_and_outlives_its_pods() {
    let job = json!({
        "completions": 2, "parallelism": 2, "annotations": {"signals-on-success": "migrated"},
    });
    let run = simulate(&[
        workload("Job", "migrate", job),
        pod("web", json!({"depends-on": "migrated"})),
    ]);
    assert!(run.stuck().is_empty());
    let signals = run.lines.iter().filter(|line| line.contains(" signals "));
    assert_eq!(
        signals.collect::<Vec<_>>(),
        ["job/migrate signals migrated"]
    );
}

#[test]
fn a_gated_pod_that_times_out_says_so_and_stays_gated() {
    let annotations = json!({
        "depends-on": "a/b", "depends-on-mode": "gate", "depends-on-timeout": "5s",
    });
    let run = simulate(&[pod("web", annotations)]);
    assert_eq!(
        run.lines_of("web"),
        [
            "not scheduled before a/b",
            "timed out: a/b; its gate stays closed",
        ]
    );
    assert_eq!(run.stuck(), ["web: a/b"]);
    assert_eq!(run.finish.took, Duration::from_millis(5_010));
}

#[test]
fn a_gate_that_is_overdue_opens_once_everything_holds() {
    let annotations = json!({
        "depends-on": "late/up", "depends-on-mode": "gate", "depends-on-timeout": "5s",
    });
    let late = json!({"signals-on-ready": "late/up", "oncue.dev/rehearse": "ready=1m"});
    let run = simulate(&[pod("web", annotations), pod("late", late)]);
    assert!(run.stuck().is_empty());
    assert_eq!(
        run.lines_of("web")[1],
        "timed out: late/up; its gate stays closed"
    );
    assert!(run.position("late signals late/up") < run.position("web ready"));
}

#[test]
fn a_gate_stays_closed_while_a_failure_is_true() {
    let fails = json!({"backoffLimit": 0, "annotations": {"oncue.dev/rehearse": "fail"}});
    let annotations = json!({
        "depends-on": "job:migrate, !job:migrate", "depends-on-mode": "gate",
    });
    let run = simulate(&[workload("Job", "migrate", fails), pod("web", annotations)]);
    assert_eq!(run.stuck(), ["web: !job:migrate"]);
    assert_eq!(
        run.lines_of("web")[1],
        "failed: !job:migrate; its gate stays closed"
    );
}

#[test]
fn a_deployment_is_available_while_a_quarter_of_it_is_missing() {
    let objects = [
        workload("Deployment", "db", json!({"replicas": 4})),
        pod("web", json!({"depends-on": "deployment:db=Available"})),
        pod("all", json!({"depends-on": "deployment:db"})),
    ];
    let names = pods_of(&simulate(&objects), "db-");
    let run = Run::new(&objects, holding(&names[0]));
    assert_eq!(run.stuck(), ["all: deployment:db"]);
    let two = Options {
        hold: names.into_iter().take(2).collect(),
        ..mk_options()
    };
    let run = Run::new(&objects, two);
    let text = run.report().to_string();
    let expected = "(its condition Available is False: MinimumReplicasUnavailable)";
    assert!(text.contains(expected), "{text}");
}

#[test]
fn the_status_of_a_pod_tells_of_every_container_as_a_kubelet_does() {
    let annotations = json!({"depends-on": "go", "oncue.dev/rehearse": "run=5s"});
    let run = simulate(&[pod("web", annotations), pod("go", json!({"signals": "go"}))]);
    let web = run
        .cluster
        .find(&"default".parse().unwrap(), "web")
        .unwrap();
    let status = &run.cluster.pod(web).object()["status"];
    assert_eq!(status["phase"], "Running");
    let wait = &status["initContainerStatuses"][0];
    assert_eq!(wait["name"], "oncue-wait");
    assert_eq!(wait["state"]["terminated"]["exitCode"], 0);
    let main = &status["containerStatuses"][0];
    assert_eq!(
        (&main["ready"], &main["restartCount"]),
        (&json!(true), &json!(1))
    );
    assert_eq!(main["lastState"]["terminated"]["reason"], "Completed");
    let conditions = status["conditions"].as_array().unwrap();
    assert!(
        conditions.iter().all(|it| it["status"] == "True"),
        "{status}"
    );
}

#[test]
fn the_statuses_of_containers_are_in_the_order_of_a_kubelet() {
    let mut web = pod("web", json!({}));
    web["spec"] = json!({
        "containers": [{"name": "main"}, {"name": "agent"}],
        "initContainers": [{"name": "second"}, {"name": "first"}],
    });
    let run = simulate(&[web]);
    let web = run.cluster.find(&"default".parse().unwrap(), "web");
    let status = &run.cluster.pod(web.unwrap()).object()["status"];
    let names = |list: &str| -> Vec<_> {
        let statuses = status[list].as_array().unwrap().iter();
        statuses.map(|status| status["name"].clone()).collect()
    };
    assert_eq!(names("containerStatuses"), ["agent", "main"]);
    assert_eq!(names("initContainerStatuses"), ["second", "first"]);
}

#[test]
fn a_pod_that_crashes_again_and_again_is_reported_with_the_kubelets_word() {
    let run = simulate(&[
        pod("db", json!({"oncue.dev/rehearse": "fail"})),
        pod("web", json!({"depends-on": "pod:db"})),
    ]);
    let expected = "  web waits for pod:db (is not Ready: CrashLoopBackOff) from db, which fails again \
                    and again";
    assert_eq!(below(&run), [expected]);
}
