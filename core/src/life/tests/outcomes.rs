use std::slice;

use super::*;
use crate::world::{Action, Existing};

fn mk_run(name: &str, uid: &str, created: u64) -> ObservedPod {
    ObservedPod {
        created: Timestamp::from_millis(created * 1_000),
        signals: Ok(PodSignals {
            outcomes: mk_outcomes(),
            ..PodSignals::default()
        }),
        ..mk_pod(name, uid)
    }
}

fn ended_pod(pod: &ObservedPod, phase: PodPhase, at: u64) -> ObservedPod {
    ObservedPod {
        phase,
        ended: Timestamp::from_millis(at * 1_000),
        ..pod.clone()
    }
}

fn mk_delete(name: &str) -> Mutation {
    Mutation {
        key: mk_key(name),
        action: Action::Delete,
    }
}

#[test]
fn the_outcome_of_a_job_stays_when_the_job_and_its_pods_are_gone() {
    for (outcome, shown) in [
        (Outcome::Success, "done durable of m"),
        (Outcome::Failure, "failed durable of m"),
    ] {
        let mut kit = Kit::mk();
        let job = mk_job("m", "j", 900);
        kit.observe_job(&job);
        assert_eq!(kit.shown(), [""; 0]);
        kit.observe_job(&ended(&job, outcome, 950));
        assert_eq!(kit.shown(), [shown]);
        kit.life.job_gone(&job.id);
        kit.settle();
        assert_eq!(kit.shown(), [shown]);
    }
}

#[test]
fn a_job_whose_pod_was_gone_before_anyone_looked_signals_what_its_template_says() {
    let mut kit = Kit::mk();
    kit.observe_job(&ended(&mk_job("m", "j", 900), Outcome::Success, 950));
    assert_eq!(kit.shown(), ["done durable of m"]);
}

#[test]
fn the_record_of_a_pod_wins_over_the_template_of_its_job() {
    let mut kit = Kit::mk();
    let signals = PodSignals {
        outcomes: OutcomeSignals {
            failure: Vec::new(),
            success: mk_signals("done/recorded"),
        },
        ..PodSignals::default()
    };
    let pod = ObservedPod {
        job: Some("j".into()),
        signals: Ok(signals),
        ..mk_pod("m-x", "u")
    };
    let job = mk_job("m", "j", 900);
    kit.observe(&pod);
    kit.observe_job(&job);
    kit.delete(&pod);
    kit.observe_job(&ended(&job, Outcome::Success, 950));
    assert_eq!(kit.shown(), ["done/recorded durable of m"]);
}

#[test]
fn an_outcome_that_could_not_be_written_is_kept_although_the_job_is_gone() {
    let mut kit = Kit::mk();
    let job = ended(&mk_job("m", "j", 900), Outcome::Success, 950);
    kit.life.observe_job(job.clone());
    let lost = kit.life.decide(kit.now()).mutations;
    kit.life.job_gone(&job.id);
    kit.settle();
    kit.retry(&lost);
    kit.settle();
    assert_eq!(kit.shown(), ["done durable of m"]);
    assert!(kit.life.runs.is_empty());
}

#[test]
fn an_outcome_whose_namespace_is_gone_is_forgotten() {
    let mut kit = Kit::mk();
    let job = ended(&mk_job("m", "j", 900), Outcome::Success, 950);
    kit.life.observe_job(job.clone());
    let lost = kit.life.decide(kit.now()).mutations;
    kit.life.job_gone(&job.id);
    assert!(!kit.life.runs.is_empty());
    for mutation in &lost {
        kit.life.mutation_abandoned(mutation);
        assert!(!kit.life.wants(mutation, kit.now()));
    }
    assert!(kit.life.runs.is_empty());
}

#[test]
fn a_job_that_a_new_list_does_not_hold_is_gone() {
    let mut kit = Kit::mk();
    let job = mk_job("m", "j", 900);
    kit.observe_job(&job);
    kit.life.jobs_listing();
    kit.life.jobs_listed();
    assert!(kit.life.runs.is_empty());
}

#[test]
fn the_attempts_of_a_job_are_not_its_failure() {
    let mut kit = Kit::mk();
    kit.observe_job(&mk_job("m", "j", 900));
    for uid in ["u-1", "u-2"] {
        let attempt = ObservedPod {
            job: Some("j".into()),
            ..mk_run("m-x", uid, 900)
        };
        kit.observe(&ended_pod(&attempt, PodPhase::Failed, 920));
        kit.delete(&attempt);
    }
    assert_eq!(kit.shown(), [""; 0]);
}

#[test]
fn a_pod_without_a_job_is_a_run_of_its_own() {
    for (phase, shown) in [
        (PodPhase::Succeeded, "done durable of m"),
        (PodPhase::Failed, "failed durable of m"),
    ] {
        let mut kit = Kit::mk();
        let pod = mk_run("m", "u", 900);
        kit.observe(&pod);
        assert_eq!(kit.shown(), [""; 0]);
        let ended = ended_pod(&pod, phase, 950);
        kit.observe(&ended);
        kit.delete(&ended);
        assert_eq!(kit.shown(), [shown]);
    }
}

#[test]
fn a_new_run_clears_the_failure_of_an_earlier_release() {
    let mut kit = Kit::mk();
    kit.observe_job(&ended(&mk_job("m-v1", "j-1", 900), Outcome::Failure, 950));
    kit.observe_job(&mk_job("m-v2", "j-2", 950));
    assert_eq!(kit.shown(), [""; 0]);
}

#[test]
fn a_suspended_job_clears_nothing_until_it_starts() {
    let mut kit = Kit::mk();
    kit.observe_job(&ended(&mk_job("m-v1", "j-1", 900), Outcome::Failure, 950));
    let job = mk_job("m-v2", "j-2", 960);
    kit.observe_job(&ObservedJob {
        started: None,
        ..job.clone()
    });
    assert_eq!(kit.shown(), ["failed durable of m-v1"]);
    kit.observe_job(&job);
    assert_eq!(kit.shown(), [""; 0]);
}

#[test]
fn a_new_run_leaves_the_success_of_an_earlier_one() {
    let mut kit = Kit::mk();
    kit.observe_job(&ended(&mk_job("m-v1", "j-1", 900), Outcome::Success, 950));
    kit.observe_job(&mk_job("m-v2", "j-2", 960));
    assert_eq!(kit.shown(), ["done durable of m-v1"]);
}

#[test]
fn a_success_clears_the_failure_of_a_run_that_began_before_or_after() {
    for started in [890, 910] {
        let mut kit = Kit::mk();
        kit.observe_job(&mk_job("other", "j-2", started));
        kit.observe_job(&ended(&mk_job("m", "j-1", 900), Outcome::Failure, 950));
        assert_eq!(kit.shown(), ["failed durable of m"]);
        kit.observe_job(&ended(
            &mk_job("other", "j-2", started),
            Outcome::Success,
            960,
        ));
        assert_eq!(kit.shown(), ["done durable of other"]);
    }
}

#[test]
fn a_failure_clears_an_earlier_success() {
    let mut kit = Kit::mk();
    kit.observe_job(&ended(&mk_job("m-v1", "j-1", 900), Outcome::Success, 910));
    kit.observe_job(&ended(&mk_job("m-v2", "j-2", 920), Outcome::Failure, 930));
    assert_eq!(kit.shown(), ["failed durable of m-v2"]);
}

#[test]
fn an_earlier_run_that_is_observed_later_changes_nothing() {
    let first = ended(&mk_job("m-v1", "j-1", 900), Outcome::Success, 910);
    let second = ended(&mk_job("m-v2", "j-2", 920), Outcome::Failure, 930);
    let third = ended(&mk_job("m-v3", "j-3", 940), Outcome::Success, 950);
    for order in [
        [&first, &second, &third],
        [&third, &second, &first],
        [&second, &third, &first],
    ] {
        let mut kit = Kit::mk();
        for job in order {
            kit.observe_job(job);
        }
        assert_eq!(kit.shown(), ["done durable of m-v3"]);
    }
}

#[test]
fn a_failure_that_was_cleared_does_not_return_when_the_later_run_is_gone() {
    let mut kit = Kit::mk();
    let failed = ended(&mk_job("m-v1", "j-1", 900), Outcome::Failure, 910);
    let later = ended(&mk_job("m-v2", "j-2", 920), Outcome::Success, 930);
    kit.observe_job(&failed);
    kit.observe_job(&later);
    kit.life.job_gone(&later.id);
    kit.observe_job(&failed);
    assert_eq!(kit.shown(), ["done durable of m-v2"]);
    kit.restart();
    kit.life.observe_job(failed);
    kit.life.pods_listed();
    kit.life.jobs_listed();
    kit.settle();
    assert_eq!(kit.shown(), ["done durable of m-v2"], "after a restart");
}

#[test]
fn an_outcome_that_a_person_keeps_under_another_name_is_cleared_too() {
    let mut kit = Kit::mk();
    let assertion = Assertion {
        id: AssertionId {
            object: Some("restored".into()),
            ..AssertionId::of(mk_owner("m-v1", "j-1"), Kind::Durable)
        },
        value: None,
        since: Timestamp::from_millis(910_000),
        expires: None,
    };
    kit.mutate(&Mutation {
        key: mk_key("failed"),
        action: Action::Assert {
            assertion,
            existing: Existing::Replace,
        },
    });
    kit.observe_job(&mk_job("m-v2", "j-2", 920));
    assert_eq!(kit.shown(), [""; 0]);
}

#[test]
fn a_failure_is_cleared_before_a_success_is_asserted() {
    let mut kit = Kit::mk();
    kit.observe_job(&ended(&mk_job("m-v1", "j-1", 900), Outcome::Failure, 910));
    kit.life
        .observe_job(ended(&mk_job("m-v2", "j-2", 920), Outcome::Success, 930));
    let decided = kit.life.decide(kit.now()).mutations;
    let names: Vec<_> = decided.iter().map(|it| it.key.name.as_str()).collect();
    assert_eq!(names, ["failed", "done"]);
}

#[test]
fn the_runs_of_a_cron_job_are_one_producer_of_which_the_last_counts() {
    let mut kit = Kit::mk();
    for run in 0..5 {
        let job = mk_job(
            &format!("nightly-{run}"),
            &format!("j-{run}"),
            900 + 10 * run,
        );
        let job = ObservedJob {
            cron_job: Some("nightly".into()),
            ..job
        };
        kit.observe_job(&ended(&job, Outcome::Success, 905 + 10 * run));
        kit.life.job_gone(&job.id);
        assert_eq!(kit.shown(), ["done durable of nightly"]);
    }
    let owners = kit.variables.get(&mk_key("done")).unwrap().owners();
    assert_eq!(owners, 1);
}

#[test]
fn a_variable_does_not_vanish_while_a_later_run_replaces_an_earlier_one() {
    let mut kit = Kit::mk();
    kit.observe_job(&ended(&mk_job("m", "j-1", 900), Outcome::Success, 910));
    kit.life
        .observe_job(ended(&mk_job("m", "j-2", 920), Outcome::Success, 930));
    for mutation in kit.life.decide(kit.now()).mutations {
        kit.mutate(&mutation);
        assert_eq!(kit.names(), ["done"]);
    }
    assert_eq!(kit.shown(), ["done durable of m"]);
}

#[test]
fn jobs_of_different_names_are_different_owners() {
    let mut kit = Kit::mk();
    kit.observe_job(&ended(&mk_job("a", "j-1", 900), Outcome::Success, 910));
    kit.observe_job(&ended(&mk_job("b", "j-2", 900), Outcome::Success, 920));
    assert_eq!(kit.shown(), ["done durable of a", "done durable of b"]);
}

#[test]
fn one_variable_for_both_outcomes_says_by_its_value_which_it_is() {
    let mut kit = Kit::mk();
    let signals = || OutcomeSignals {
        failure: mk_signals("end=bad"),
        success: mk_signals("end=good"),
    };
    let job = |uid, started| ObservedJob {
        signals: signals(),
        ..mk_job(uid, uid, started)
    };
    let first = ended(&job("v1", 900), Outcome::Success, 910);
    kit.observe_job(&first);
    kit.life.job_gone(&first.id);
    kit.observe_job(&job("v2", 920));
    assert_eq!(
        kit.shown(),
        ["end=good durable of v1"],
        "a new run clears failures alone"
    );
    let second = ended(&job("v2", 920), Outcome::Failure, 930);
    kit.observe_job(&second);
    assert_eq!(kit.shown(), ["end=bad durable of v2"]);
    kit.life.job_gone(&second.id);
    kit.observe_job(&job("v3", 940));
    assert_eq!(kit.shown(), [""; 0]);
}

#[test]
fn an_outcome_that_someone_deletes_does_not_come_back() {
    let mut kit = Kit::mk();
    let job = ended(&mk_job("m", "j", 900), Outcome::Success, 950);
    kit.observe_job(&job);
    kit.mutate(&mk_delete("done"));
    kit.observe_job(&job);
    assert_eq!(kit.shown(), [""; 0]);
}

#[test]
fn an_outcome_that_someone_deletes_does_not_bring_back_an_earlier_one() {
    let mut kit = Kit::mk();
    kit.life
        .observe_job(ended(&mk_job("m", "j-1", 900), Outcome::Success, 910));
    kit.observe_job(&ended(&mk_job("m", "j-2", 920), Outcome::Success, 930));
    assert_eq!(kit.shown(), ["done durable of m"]);
    kit.mutate(&mk_delete("done"));
    kit.settle();
    assert_eq!(kit.shown(), [""; 0]);
}

#[test]
fn an_outcome_is_as_old_as_the_end_of_its_run() {
    let mut kit = Kit::mk();
    kit.observe_job(&ended(&mk_job("m", "j", 900), Outcome::Failure, 950));
    let since = kit.variables.assertions().map(|(_, it)| it.since);
    assert_eq!(since.collect::<Vec<_>>(), [Timestamp::from_millis(950_000)]);
}

#[test]
fn two_jobs_that_fail_within_the_second_in_which_they_began_have_both_failed() {
    let mut kit = Kit::mk();
    for name in ["a", "b"] {
        kit.observe_job(&ended(&mk_job(name, name, 900), Outcome::Failure, 900));
    }
    assert_eq!(kit.shown(), ["failed durable of a", "failed durable of b"]);
}

#[test]
fn nothing_about_outcomes_is_decided_before_both_lists_are_complete() {
    let mut kit = Kit::mk();
    kit.restart();
    kit.observe_job(&ended(&mk_job("m-v1", "j-1", 900), Outcome::Failure, 910));
    kit.life.pods_listed();
    kit.settle();
    assert_eq!(kit.shown(), [""; 0]);
    kit.observe_job(&mk_job("m-v2", "j-2", 920));
    kit.life.jobs_listed();
    kit.settle();
    assert_eq!(
        kit.shown(),
        [""; 0],
        "the failure is that of an earlier run"
    );

    kit.restart();
    kit.observe_job(&ended(&mk_job("m-v1", "j-1", 900), Outcome::Failure, 910));
    kit.life.jobs_listed();
    kit.settle();
    assert_eq!(kit.shown(), [""; 0]);
    kit.observe(&mk_run("m-v2", "u", 920));
    kit.life.pods_listed();
    kit.settle();
    assert_eq!(kit.shown(), [""; 0], "the later run is a pod");
}

#[test]
fn of_two_runs_that_end_in_one_second_the_failure_counts() {
    let success = ended(&mk_job("a", "j-1", 900), Outcome::Success, 950);
    let failure = ended(&mk_job("b", "j-2", 900), Outcome::Failure, 950);
    for order in [[&success, &failure], [&failure, &success]] {
        let mut kit = Kit::mk();
        for job in order {
            kit.observe_job(job);
        }
        assert_eq!(kit.shown(), ["failed durable of b"]);
    }
}

#[test]
fn a_success_does_not_win_over_the_trace_of_a_failure_in_the_same_second() {
    let mut kit = Kit::mk();
    let failure = ended(&mk_job("b", "j-2", 900), Outcome::Failure, 950);
    kit.observe_job(&failure);
    kit.life.job_gone(&failure.id);
    kit.observe_job(&ended(&mk_job("a", "j-1", 900), Outcome::Success, 950));
    assert_eq!(kit.shown(), ["failed durable of b"]);
}

#[test]
fn of_a_run_that_is_known_the_outcome_counts_and_not_how_its_variable_reads() {
    let mut kit = Kit::mk();
    let job = |name, started| ObservedJob {
        signals: OutcomeSignals {
            failure: mk_signals("end"),
            success: mk_signals("end"),
        },
        ..mk_job(name, name, started)
    };
    kit.observe_job(&ended(&job("v1", 900), Outcome::Success, 910));
    kit.observe_job(&job("v2", 920));
    assert_eq!(kit.shown(), ["end durable of v1"]);
}

#[test]
fn a_failure_that_was_written_late_is_as_old_as_its_run() {
    let mut kit = Kit::mk();
    let failed = ended(&mk_job("m-v1", "j-1", 900), Outcome::Failure, 910);
    kit.life.observe_job(failed);
    for mut mutation in kit.life.decide(kit.now()).mutations {
        if let Action::Assert { assertion, .. } = &mut mutation.action {
            assertion.since = Timestamp::from_millis(999_000);
        }
        kit.mutate(&mutation);
    }
    kit.observe_job(&mk_job("m-v2", "j-2", 920));
    assert_eq!(kit.shown(), [""; 0]);
}

#[test]
fn a_pod_that_failed_has_failed_although_it_is_deleted_and_changes_later() {
    let mut kit = Kit::mk();
    let failed = ended_pod(&mk_run("m", "u", 900), PodPhase::Failed, 950);
    kit.life.observe_pod(failed.clone());
    kit.life.observe_pod(ObservedPod {
        deletion: Some(mk_deletion(960, 990)),
        ended: Timestamp::from_millis(970_000),
        ..failed
    });
    kit.settle();
    assert_eq!(kit.shown(), ["failed durable of m"]);
}

#[test]
fn a_job_that_is_suspended_after_its_start_has_begun() {
    let mut kit = Kit::mk();
    let job = mk_job("m-v2", "j-2", 920);
    kit.life.observe_job(job.clone());
    kit.observe_job(&ObservedJob {
        started: None,
        ..job
    });
    kit.observe_job(&ended(&mk_job("m-v1", "j-1", 900), Outcome::Failure, 910));
    assert_eq!(kit.shown(), [""; 0]);
}

#[test]
fn a_failure_is_cleared_whatever_value_it_had() {
    let mut kit = Kit::mk();
    let job = |name, failure| ObservedJob {
        signals: OutcomeSignals {
            failure: mk_signals(failure),
            success: Vec::new(),
        },
        ..mk_job(name, name, 900)
    };
    let failed = ended(&job("v1", "failed=v1"), Outcome::Failure, 910);
    kit.observe_job(&failed);
    kit.life.job_gone(&failed.id);
    assert_eq!(kit.shown(), ["failed=v1 durable of v1"]);
    let started = Some(Timestamp::from_millis(920_000));
    kit.observe_job(&ObservedJob {
        started,
        ..job("v2", "failed=v2")
    });
    assert_eq!(kit.shown(), [""; 0]);
}

#[test]
fn what_changed_while_the_store_was_not_watched_is_judged_too() {
    let mut kit = Kit::mk();
    let failed = ended(&mk_job("m-v1", "j-1", 900), Outcome::Failure, 910);
    kit.observe_job(&failed);
    let before = kit.variables.clone();
    kit.life.job_gone(&failed.id);
    kit.observe_job(&mk_job("m-v2", "j-2", 920));
    assert_eq!(kit.shown(), [""; 0]);
    kit.variables = before;
    kit.life.reset_assertions(&kit.variables);
    kit.settle();
    assert_eq!(kit.shown(), [""; 0]);
}

#[test]
fn a_run_that_vanishes_before_its_end_leaves_no_trace() {
    let mut kit = Kit::mk();
    let (pod, job) = (mk_run("m", "u", 900), mk_job("m", "j", 900));
    kit.observe(&pod);
    kit.observe_job(&job);
    kit.life.job_gone(&job.id);
    kit.delete(&pod);
    assert_eq!(kit.shown(), [""; 0]);
    assert!(kit.life.runs.is_empty());
}

#[test]
fn a_pod_whose_label_was_removed_may_still_end() {
    let mut kit = Kit::mk();
    let pod = mk_run("m", "u", 900);
    kit.observe(&pod);
    kit.life.pod_missing(&pod.id);
    assert_eq!(kit.settle(), slice::from_ref(&pod.id));
    let ended = ended_pod(&pod, PodPhase::Succeeded, 950);
    kit.life.pod_confirmed(&pod.id, Some(ended));
    kit.settle();
    assert_eq!(kit.shown(), ["done durable of m"]);
}
