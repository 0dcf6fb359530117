//! `e2e test`: runs the tests with cargo, first in parallel, then those that disturb others.

use std::{env, time::Duration};

use anyhow::Result;

use crate::{
    backend::Backend, cluster::Cluster, folders::repository, kit::with_oncue, process::Program,
};

/// Number of parallel tests of `tests/cluster`. They mostly wait.
const SIDE_BY_SIDE: u32 = 4;

/// Longer than all of them take.
const LIMIT: Duration = Duration::from_mins(40);

/// A program with tests.
struct Target {
    name: &'static str,
    /// Number of tests that run at a time.
    at_a_time: u32,
    /// The tests that run on the backend `embedded` too: those that touch its volume, its one pod,
    /// the tunnel of the command line, and the chart. The others do not depend on the backend, or
    /// need Signals.
    on_embedded: &'static [&'static str],
}

const TARGETS: [Target; 2] = [
    Target {
        name: "cluster",
        at_a_time: SIDE_BY_SIDE,
        on_embedded: &[
            "by_hand::pods_by_hand_and_annotated_pods_work_together",
            "command_line::status_lists_waiting_pods_and_their_producers",
            "command_line::vars_creates_shows_and_deletes_variables",
            "controllers::a_barrier_of_eight_opens_with_the_eighth",
            "deletion::a_namespace_is_deleted_while_its_pods_signal",
            "deletion::a_waiting_pod_is_deleted_at_once_and_the_store_drops_its_wait",
            "gates::a_gated_pod_is_scheduled_once_its_terms_hold",
            "identity::a_pod_signals_in_its_own_namespace_only_and_as_itself",
            "installing::an_upgrade_that_changes_the_backend_is_rejected_until_variables_are_stated",
            "installing::an_upgrade_that_moves_the_store_is_rejected_until_allowed",
            "life::a_failed_job_ends_a_wait_and_the_next_run_clears_the_failure",
            "life::a_live_signal_that_someone_deletes_comes_back",
            "life::a_ready_signal_comes_and_goes_with_readiness",
            "life::a_signal_ends_with_its_pod",
            "life::the_success_of_a_job_outlives_the_job_and_its_pod",
            "ordering::second_starts_after_first",
            "reads::a_pod_waits_for_what_another_namespace_lets_it_read",
            "releases::a_person_lets_waiting_pods_go_one_by_one",
        ],
    },
    Target {
        name: "disruption",
        at_a_time: 1,
        on_embedded: &[
            "controller::hooks_that_ran_while_the_store_was_down_signal_afterwards",
            "controller::without_the_controller_admission_rejects_what_nobody_would_maintain",
            "nodes::pods_survive_the_restart_of_their_node",
            "release::the_charts_own_test_passes",
            "store::fifty_waiting_pods_survive_two_kills_of_the_store",
            "upgrade::an_upgrade_from_the_previous_commit_keeps_signals_waiters_and_the_authority",
        ],
    },
];

/// Runs the tests whose names contain one of the filters. Without a filter, runs all of them or, on
/// the backend `embedded`, those that depend on it.
pub async fn run(cluster: &Cluster, filters: &[String]) -> Result<()> {
    let backend = Backend::installed(cluster).await?;
    let is_embedded = backend == Some(Backend::Embedded);
    // A failure of one suite says nothing about the other, so all results are reported.
    let mut result = Ok(());
    for target in &TARGETS {
        let ran = if filters.is_empty() && is_embedded {
            let names = target.on_embedded.iter().copied();
            run_target(target, names.chain(["--exact"])).await
        } else {
            run_target(target, filters.iter().map(String::as_str)).await
        };
        result = result.and(ran);
    }
    let is_asked = filters.is_empty() || filters.iter().any(|it| CONFORMANCE.contains(&**it));
    if is_asked && !is_embedded {
        result = result.and(conformance(cluster).await);
    }
    result
}

/// The suite of all backends, on the cluster's API server.
const CONFORMANCE: &str = "store::conformance::cluster::kubernetes_conforms_on_a_real_api_server";

/// Runs that suite while no store runs.
async fn conformance(cluster: &Cluster) -> Result<()> {
    with_oncue(async |_, oncue| {
        oncue.stop_store().await?;
        let test = cargo().args(["test", "--quiet", "--locked", "--workspace", "--lib", "--"]);
        let test = test.args(["--ignored", "--exact", "--nocapture", CONFORMANCE]);
        test.env("KUBECONFIG", cluster.kubeconfig())
            .limit(LIMIT)
            .shown()
            .await
    })
    .await
}

async fn run_target<'a>(target: &Target, filters: impl Iterator<Item = &'a str>) -> Result<()> {
    // Of the workspace, because then a build of the workspace's tests compiled the dependencies.
    let test = cargo().args([
        "test",
        "--quiet",
        "--locked",
        "--workspace",
        "--features=e2e/cluster",
    ]);
    let test = test.args(["--test", target.name, "--"]).args(filters);
    test.arg(format!("--test-threads={}", target.at_a_time))
        .limit(LIMIT)
        .shown()
        .await
}

fn cargo() -> Program {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    Program::new(cargo).folder(repository())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// libtest ignores a name that no test has.
    #[test]
    fn the_tests_on_embedded_exist() {
        for target in &TARGETS {
            for name in target.on_embedded {
                let (module, function) = name.split_once("::").unwrap();
                let file = format!("e2e/tests/{}/{module}.rs", target.name);
                let source = fs::read_to_string(repository().join(file)).unwrap();
                assert!(source.contains(&format!("async fn {function}()")), "{name}");
            }
        }
    }
}
