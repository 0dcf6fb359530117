//! What an installer applies when.

use serde_json::{Value, json};

use crate::{
    Installer, Operation, Options, Order,
    kit::{Run, mk_options, workload},
    verdict::Outcome,
};

const INSTALL: Order = Order {
    installer: Installer::Helm,
    operation: Operation::Install,
    waits: false,
};

const UPGRADE: Order = Order {
    operation: Operation::Upgrade,
    ..INSTALL
};

fn ordered(order: Order, objects: &[Value]) -> Run {
    let options = Options {
        order: Some(order),
        ..mk_options()
    };
    Run::new(objects, options)
}

fn annotated(mut object: Value, annotations: Value) -> Value {
    object["metadata"]["annotations"] = annotations;
    object
}

fn hook(name: &str, hook: &str, weight: i64, spec: Value) -> Value {
    let annotations = json!({"helm.sh/hook": hook, "helm.sh/hook-weight": weight.to_string()});
    annotated(workload("Job", name, spec), annotations)
}

fn waits_for(terms: &str) -> Value {
    json!({"annotations": {"depends-on": terms}})
}

/// Checks that each of these lines comes after the one before.
#[track_caller]
fn assert_in_order(run: &Run, lines: &[&str]) {
    let positions: Vec<_> = lines.iter().map(|line| run.position(line)).collect();
    assert!(
        positions.is_sorted(),
        "{lines:?} {positions:?} {:#?}",
        run.lines
    );
}

#[test]
fn hooks_run_by_weight_around_everything_else() {
    let run = ordered(
        INSTALL,
        &[
            workload("Deployment", "web", waits_for("job:migrate")),
            hook("notify", "post-install", 0, waits_for("deployment:web")),
            hook("migrate", "pre-install", 2, json!({})),
            hook("create", "pre-install", 1, json!({})),
        ],
    );
    run.assert_passes();
    assert_in_order(
        &run,
        &[
            "helm applies the hook create (weight 1) (install)",
            "job/create complete",
            "helm applies the hook migrate (weight 2) (install)",
            "job/migrate complete",
            "helm applies everything that is no hook (install)",
            "helm applies the hook notify (weight 0) (install)",
            "job/notify complete",
        ],
    );
}

#[test]
fn a_hook_that_waits_for_a_later_one_is_stuck_and_the_summary_says_why() {
    let run = ordered(
        INSTALL,
        &[
            hook("first", "post-install", 3, waits_for("job:second")),
            hook("second", "post-install", 19, json!({})),
        ],
    );
    let report = run.report();
    assert_eq!(report.verdict.result, Outcome::Stuck);
    let text = report.to_string();
    for expected in [
        "waits for job:second",
        "which Helm applies later, with the hook second (weight 19) (install)",
        "1 pods of job/second are not created",
        "Helm goes on once the hook first (weight 3) (install) has ended",
    ] {
        assert!(text.contains(expected), "{expected:?} is not in\n{text}");
    }
}

#[test]
fn a_hook_that_fails_ends_the_installation() {
    let fails = json!({
        "backoffLimit": 0, "annotations": {"signals": "a/b", "oncue.dev/rehearse": "fail"},
    });
    let run = ordered(
        INSTALL,
        &[
            hook("migrate", "pre-install", 0, fails),
            workload("Deployment", "web", json!({})),
        ],
    );
    let report = run.report();
    assert_eq!(report.verdict.result, Outcome::Failed);
    let text = report.to_string();
    assert!(
        text.contains("Helm gave up, because the hook migrate (weight 0)"),
        "{text}"
    );
    assert!(run.lines_of("web").is_empty());
}

#[test]
fn a_hook_that_is_deleted_on_success_is_not_there_later() {
    let mut migrate = hook(
        "migrate",
        "pre-install",
        0,
        json!({"annotations": {"signals-on-success": "db/migrated"}}),
    );
    migrate["metadata"]["annotations"]["helm.sh/hook-delete-policy"] = "hook-succeeded".into();
    let web = |terms: &str| {
        let web = workload("Deployment", "web", waits_for(terms));
        ordered(INSTALL, &[migrate.clone(), web])
    };
    let run = web("job:migrate");
    assert_eq!(
        run.report().verdict.result,
        Outcome::Stuck,
        "{:#?}",
        run.lines
    );
    run.position("job/migrate deleted");
    web("db/migrated").assert_passes();
}

#[test]
fn what_only_an_installation_runs_is_there_in_an_upgrade() {
    let web = workload("Deployment", "web", waits_for("job:create"));
    let create = hook("create", "pre-install", 0, json!({}));
    let migrate = hook("migrate", "pre-install,pre-upgrade", 1, json!({}));
    let run = ordered(UPGRADE, &[web, create, migrate]);
    run.assert_passes();
    let migrations = run
        .lines
        .iter()
        .filter(|line| *line == "job/migrate complete");
    assert_eq!(migrations.count(), 2, "{:#?}", run.lines);
    assert_in_order(
        &run,
        &[
            "helm applies everything that is no hook (install)",
            "helm applies the hook migrate (weight 1) (upgrade)",
            "helm applies everything that is no hook (upgrade)",
            "deployment/web deleted",
        ],
    );
}

#[test]
fn an_upgrade_hook_that_waits_for_what_only_the_upgrade_brings_is_stuck() {
    let check = hook("check", "pre-upgrade", 0, waits_for("job:after"));
    let after = hook("after", "post-upgrade", 0, json!({}));
    let web = workload("Deployment", "web", json!({}));
    let run = ordered(UPGRADE, &[check, after, web]);
    let text = run.report().to_string();
    assert!(
        text.contains("Helm goes on once the hook check (weight 0) (upgrade) has ended"),
        "{text}"
    );
}

#[test]
fn a_rolling_update_keeps_old_pods_until_new_ones_are_ready() {
    let web = |strategy: &str| {
        workload(
            "Deployment",
            "web",
            json!({
                "strategy": {"type": strategy},
                "annotations": {"depends-on": "?web/up within 5s", "signals": "web/up"},
            }),
        )
    };
    let waited = |strategy: &str| {
        let run = ordered(UPGRADE, &[web(strategy)]);
        run.assert_passes();
        let lines = run.lines.iter();
        lines.filter(|line| line.contains("has waited 5")).count()
    };
    assert_eq!(
        waited("RollingUpdate"),
        1,
        "only the first pod finds no other"
    );
    assert_eq!(waited("Recreate"), 2);
}

#[test]
fn argo_goes_on_with_a_wave_once_the_one_before_is_healthy() {
    let wave = |object: Value, wave: &str| {
        annotated(object, json!({"argocd.argoproj.io/sync-wave": wave}))
    };
    let order = Order {
        installer: Installer::Argo,
        ..INSTALL
    };
    let web = |terms: &str| wave(workload("Deployment", "web", waits_for(terms)), "0");
    let migrate = wave(workload("Job", "migrate", json!({})), "-1");
    let run = ordered(order, &[web("job:migrate"), migrate]);
    run.assert_passes();
    assert_in_order(
        &run,
        &[
            "argo applies sync wave -1 (install)",
            "job/migrate complete",
            "argo applies sync wave 0 (install)",
        ],
    );
    let late = wave(workload("Job", "late", json!({})), "5");
    let run = ordered(order, &[web("job:late"), late]);
    let text = run.report().to_string();
    assert!(
        text.contains("Argo CD goes on once sync wave 0 (install) is healthy"),
        "{text}"
    );
}

#[test]
fn a_config_map_is_there_once_it_is_applied() {
    let config = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": {},
    });
    let migrate = hook("migrate", "pre-install", 0, waits_for("configmap:settings"));
    let run = ordered(INSTALL, &[config.clone(), migrate.clone()]);
    assert_eq!(run.report().verdict.result, Outcome::Stuck);
    let early = annotated(
        config,
        json!({"helm.sh/hook": "pre-install", "helm.sh/hook-weight": "-5"}),
    );
    ordered(INSTALL, &[early, migrate]).assert_passes();
}

#[test]
fn hooks_of_other_events_are_named_as_not_played() {
    let run = ordered(
        INSTALL,
        &[
            workload("Deployment", "web", json!({})),
            hook("smoke", "test", 0, waits_for("never/there")),
        ],
    );
    run.assert_passes();
    let text = run.report().to_string();
    assert!(
        text.contains("not played: job/smoke, which the installer does not apply here"),
        "{text}"
    );
    assert!(!text.contains("the order of Helm's hooks"), "{text}");
}
