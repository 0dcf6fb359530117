use oncue_language::Keys;
use serde_json::json;

use super::*;

fn steps_of(spec: &Value, annotations: &[(&str, &str)], what_if: WhatIf) -> Vec<Step> {
    gated_steps_of(spec, annotations, (what_if, Gate::Open))
}

fn gated_steps_of(
    spec: &Value,
    annotations: &[(&str, &str)],
    (what_if, gate): (WhatIf, Gate),
) -> Vec<Step> {
    let reading = PodAnnotations::read(&Keys::default(), annotations.iter().copied());
    let annotations = reading.annotations.unwrap();
    let input = StepInput {
        spec,
        annotations: &annotations,
        what_if,
        restart_policy: match spec["restartPolicy"].as_str() {
            Some("Never") => RestartPolicy::Never,
            _ => RestartPolicy::Always,
        },
        gate,
        foreign_gates: Vec::new(),
        min_ready: Duration::ZERO,
    };
    input.steps()
}

fn shown(steps: &[Step]) -> Vec<String> {
    let show = |step: &Step| match step {
        Step::Available { after } => format!("available {after:?}"),
        Step::End { after, how } => format!("end {how:?} {after:?}"),
        Step::ForeignGates(gates) => format!("gates {gates:?}"),
        Step::Gate => "gate".to_owned(),
        Step::Hold => "hold".to_owned(),
        Step::Mark { .. } => "mark".to_owned(),
        Step::PassInit { container } => format!("pass {container}"),
        Step::Ready { after } => format!("ready {after:?}"),
        Step::Schedule => "schedule".to_owned(),
        Step::Started { after } => format!("started {after:?}"),
        Step::Start(start) => format!("start {}", start.container),
        Step::Wait { .. } => "wait".to_owned(),
    };
    steps.iter().map(show).collect()
}

#[test]
fn containers_come_in_the_order_of_the_kubelet() {
    let spec = json!({
        "initContainers": [
            {"name": "oncue-wait"}, {"name": "migrate"}, {"name": "proxy", "restartPolicy": "Always"},
        ],
        "containers": [{"name": "web"}, {"name": "log"}],
    });
    let steps = steps_of(&spec, &[], WhatIf::AsWritten);
    assert_eq!(
        shown(&steps),
        [
            "schedule",
            "wait",
            "pass migrate",
            "start proxy",
            "start web",
            "start log",
            "ready 0ns"
        ]
    );
    let Step::Start(proxy) = &steps[3] else {
        panic!("{steps:?}");
    };
    assert_eq!(proxy.role, Role::Sidecar);
}

#[test]
fn follows_the_annotation() {
    let once = json!({"restartPolicy": "Never"});
    let always = json!({});
    for (spec, part, expected) in [
        (&once, "", ["ready 0ns", "end Success 0ns"].as_slice()),
        (&once, "ready=2s", &["ready 2s", "end Success 2s"]),
        (&once, "run=5s ready=2s", &["ready 2s", "end Success 5s"]),
        (&once, "run=1s ready=2s", &["end Success 1s"]),
        (&once, "fail", &["end Failure 0ns"]),
        (&once, "run=5s fail", &["ready 0ns", "end Failure 5s"]),
        (&always, "", &["ready 0ns"]),
        (&always, "run=5s", &["ready 0ns", "end Success 5s"]),
        (&always, "fail", &["end Failure 0ns"]),
    ] {
        let steps = steps_of(spec, &[("oncue.dev/rehearse", part)], WhatIf::AsWritten);
        assert_eq!(shown(&steps[1..]), expected, "{part} {spec}");
    }
}

#[test]
fn what_if_changes_the_last_steps() {
    let spec = json!({"containers": [{"name": "web"}]});
    let fails = steps_of(&spec, &[], WhatIf::Fail);
    assert_eq!(shown(&fails), ["schedule", "start web", "end Failure 0ns"]);
    assert_eq!(
        shown(&steps_of(&spec, &[], WhatIf::Hold)),
        ["schedule", "hold"]
    );
}

#[test]
fn a_gate_comes_before_the_node() {
    let steps = gated_steps_of(&json!({}), &[], (WhatIf::AsWritten, Gate::Closed));
    assert_eq!(shown(&steps), ["gate", "schedule", "ready 0ns"]);
}

#[test]
fn a_hook_is_the_marker_with_or_without_the_users_own_or_not_run_at_all() {
    let with_hook = |hook: Value| {
        let spec = json!({"containers": [{"name": "web", "lifecycle": {"postStart": hook}}]});
        let steps = steps_of(&spec, &[], WhatIf::AsWritten);
        let Step::Start(start) = steps[1].clone() else {
            panic!("{steps:?}");
        };
        (matches!(steps[2], Step::Mark { .. }), start.not_run)
    };
    let exec = |words: &[&str]| json!({"exec": {"command": words}});
    let marker = ["/oncue/oncue-client", "create", "--marker"];
    let chained = [marker.as_slice(), &["--", "sh", "-c", "echo hi"]].concat();
    assert_eq!(with_hook(exec(&marker)), (true, None));
    assert_eq!(
        with_hook(exec(&chained)),
        (true, Some("sh -c echo hi".to_owned()))
    );
    assert_eq!(with_hook(exec(&["sh"])), (false, Some("sh".to_owned())));
    let http = json!({"httpGet": {"port": 80}});
    assert_eq!(with_hook(http.clone()), (false, Some(http.to_string())));
}

#[test]
fn probes_delay_what_comes_after_them() {
    let spec = json!({
        "initContainers": [{
            "name": "proxy", "restartPolicy": "Always",
            "startupProbe": {"initialDelaySeconds": 3},
        }],
        "containers": [
            {"name": "main", "readinessProbe": {"initialDelaySeconds": 5}},
            {"name": "other", "startupProbe": {"initialDelaySeconds": 7}},
        ],
    });
    let steps = shown(&steps_of(&spec, &[], WhatIf::AsWritten));
    let expected = [
        "schedule",
        "start proxy",
        "started 3s",
        "start main",
        "start other",
        "ready 7s",
    ];
    assert_eq!(steps, expected);
    let told = [("oncue.dev/rehearse", "ready=2s")];
    let steps = shown(&steps_of(&spec, &told, WhatIf::AsWritten));
    assert_eq!(steps.last().map(String::as_str), Some("ready 2s"));
}
