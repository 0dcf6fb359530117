use std::slice;

use super::*;
use crate::world::{Action, Existing};

const ALL: [&str; 4] = ["init", "ready", "started", "waiting"];

fn mk_create(name: &str, id: AssertionId) -> Mutation {
    Mutation {
        key: mk_key(name),
        action: Action::Assert {
            assertion: Assertion {
                id,
                value: None,
                since: Timestamp::default(),
                expires: None,
            },
            existing: Existing::KeepValue,
        },
    }
}

/// Returns what the marker of a pod asks for.
fn mk_marker(name: &str, pod: &ObservedPod) -> Mutation {
    mk_create(name, AssertionId::of(pod.id.clone(), Kind::Live))
}

fn mk_delete(name: &str) -> Mutation {
    Mutation {
        key: mk_key(name),
        action: Action::Delete,
    }
}

#[test]
fn each_step_of_a_start_asserts_its_own_signals() {
    let mut kit = Kit::mk();
    let new = mk_new_pod("web", "u");
    kit.observe(&new);
    assert_eq!(kit.names(), [""; 0]);
    for (pod, names) in [
        (
            ObservedPod {
                wait: ContainerState::Running,
                ..new.clone()
            },
            &["waiting"] as &[_],
        ),
        (
            ObservedPod {
                wait: ContainerState::Succeeded,
                ..new.clone()
            },
            &["init", "waiting"],
        ),
        (
            ObservedPod {
                is_ready: false,
                ..mk_pod("web", "u")
            },
            &["init", "started", "waiting"],
        ),
        (mk_pod("web", "u"), &ALL),
    ] {
        kit.observe(&pod);
        assert_eq!(kit.names(), names);
    }
}

#[test]
fn a_gated_pod_signals_that_it_waits_as_soon_as_it_is_seen() {
    let mut kit = Kit::mk();
    kit.observe(&ObservedPod {
        is_gated: true,
        ..mk_new_pod("web", "u")
    });
    assert_eq!(kit.names(), ["waiting"]);
}

#[test]
fn a_wait_that_failed_has_begun_and_is_not_over() {
    let mut kit = Kit::mk();
    for wait in [ContainerState::Failed, ContainerState::Restarting] {
        kit.observe(&ObservedPod {
            wait,
            ..mk_new_pod("web", "u")
        });
        assert_eq!(kit.names(), ["waiting"]);
    }
}

#[test]
fn a_marker_that_never_ran_is_made_up_for_when_its_container_runs_or_has_succeeded() {
    for (signaller, is_asserted) in [
        (ContainerState::NotStarted, false),
        (ContainerState::Failed, false),
        (ContainerState::Restarting, false),
        (ContainerState::Running, true),
        (ContainerState::Succeeded, true),
    ] {
        let mut kit = Kit::mk();
        kit.observe(&ObservedPod {
            signaller,
            ..mk_pod("web", "u")
        });
        assert_eq!(
            kit.names().contains(&"started".to_owned()),
            is_asserted,
            "{signaller:?}"
        );
    }
}

#[test]
fn a_signal_of_the_marker_survives_a_status_that_is_older() {
    let mut kit = Kit::mk();
    let pod = mk_new_pod("web", "u");
    kit.observe(&pod);
    kit.mutate(&mk_marker("started", &pod));
    kit.observe(&ObservedPod {
        wait: ContainerState::Running,
        ..pod
    });
    assert_eq!(kit.names(), ["started", "waiting"]);
}

#[test]
fn live_signals_survive_the_restart_of_their_container() {
    let mut kit = Kit::mk();
    kit.observe(&mk_pod("web", "u"));
    for signaller in [ContainerState::Failed, ContainerState::Restarting] {
        kit.observe(&ObservedPod {
            signaller,
            is_ready: false,
            ..mk_pod("web", "u")
        });
        assert_eq!(kit.names(), ["init", "started", "waiting"]);
    }
}

#[test]
fn a_ready_signal_is_withdrawn_while_the_pod_is_not_ready_or_is_deleted() {
    for not_ready in [
        ObservedPod {
            is_ready: false,
            ..mk_pod("web", "u")
        },
        ObservedPod {
            deletion: Some(mk_deletion(1_000, 1_030)),
            ..mk_pod("web", "u")
        },
    ] {
        let mut kit = Kit::mk();
        kit.observe(&mk_pod("web", "u"));
        kit.observe(&not_ready);
        assert_eq!(kit.names(), ["init", "started", "waiting"]);
    }
}

#[test]
fn a_pod_on_a_lost_node_loses_its_signals_when_its_deletion_timestamp_has_passed() {
    let mut kit = Kit::mk();
    let pod = ObservedPod {
        deletion: Some(mk_deletion(1_000, 1_030)),
        ..mk_pod("web", "u")
    };
    kit.life.observe_pod(pod);
    let next = kit.life.decide(kit.now()).next;
    assert_eq!(next, Some(Timestamp::from_millis(1_030_000)));
    kit.life.reset_assertions(&kit.variables);
    kit.settle();
    assert_eq!(kit.names(), ["init", "started", "waiting"]);
    kit.now = 1_030;
    kit.settle();
    assert_eq!(kit.names(), [""; 0]);
}

#[test]
fn terminal_pods_that_linger_and_evicted_pods_signal_nothing_that_is_live() {
    for phase in [PodPhase::Failed, PodPhase::Succeeded] {
        let mut kit = Kit::mk();
        kit.observe(&mk_pod("web", "u"));
        let ended = ObservedPod {
            phase,
            ..mk_pod("web", "u")
        };
        kit.observe(&ended);
        assert_eq!(kit.names(), [""; 0]);
        kit.mutate(&mk_marker("started", &ended));
        kit.settle();
        assert_eq!(kit.names(), [""; 0], "a late marker");
    }
}

#[test]
fn a_force_deleted_pod_loses_its_signals_once_the_api_server_says_that_it_is_gone() {
    let mut kit = Kit::mk();
    let pod = mk_pod("web", "u");
    kit.observe(&pod);
    kit.life.pod_missing(&pod.id);
    assert_eq!(kit.settle(), slice::from_ref(&pod.id));
    assert_eq!(kit.names(), ALL);
    kit.life.pod_confirmed(&pod.id, None);
    kit.settle();
    assert_eq!(kit.names(), [""; 0]);
}

#[test]
fn a_question_without_an_answer_is_asked_again() {
    let mut kit = Kit::mk();
    let pod = mk_pod("web", "u");
    kit.observe(&pod);
    kit.life.pod_missing(&pod.id);
    assert_eq!(kit.settle(), slice::from_ref(&pod.id));
    let next = kit.life.decide(kit.now()).next.unwrap();
    kit.now = next.as_millis() / 1_000 - 1;
    assert_eq!(kit.settle(), []);
    kit.now += 1;
    assert_eq!(kit.settle(), [pod.id]);
}

#[test]
fn a_pod_whose_managed_label_someone_removed_lives_on_and_is_asked_for_now_and_then() {
    let mut kit = Kit::mk();
    let pod = mk_pod("web", "u");
    kit.observe(&pod);
    kit.life.pod_missing(&pod.id);
    kit.settle();
    let now = ObservedPod {
        is_ready: false,
        ..pod.clone()
    };
    kit.life.pod_confirmed(&pod.id, Some(now));
    assert_eq!(kit.settle(), []);
    assert_eq!(kit.names(), ["init", "started", "waiting"]);
    for is_ready in [true, false, true] {
        kit.now = kit.life.decide(kit.now()).next.unwrap().as_millis() / 1_000;
        assert_eq!(kit.settle(), slice::from_ref(&pod.id));
        let now = ObservedPod {
            is_ready,
            ..pod.clone()
        };
        kit.life.pod_confirmed(&pod.id, Some(now));
        kit.settle();
        assert_eq!(kit.names().contains(&"ready".to_owned()), is_ready);
    }
    kit.life.pod_confirmed(&pod.id, None);
    kit.settle();
    assert_eq!(kit.names(), [""; 0]);
}

#[test]
fn nothing_is_asserted_for_a_pod_that_may_be_gone() {
    let mut kit = Kit::mk();
    let pod = mk_pod("web", "u");
    kit.observe(&pod);
    kit.life.pod_missing(&pod.id);
    kit.mutate(&mk_delete("started"));
    kit.settle();
    assert_eq!(kit.names(), ["init", "ready", "waiting"]);
}

#[test]
fn a_pod_without_anything_to_withdraw_is_not_asked_for() {
    let mut kit = Kit::mk();
    let pod = ObservedPod {
        signals: Ok(PodSignals::default()),
        ..mk_pod("web", "u")
    };
    kit.observe(&pod);
    kit.life.pod_missing(&pod.id);
    assert_eq!(kit.settle(), []);
}

#[test]
fn a_pod_name_that_is_used_again_with_another_uid_is_another_pod() {
    let mut kit = Kit::mk();
    let (first, second) = (mk_pod("db-0", "u-1"), mk_new_pod("db-0", "u-2"));
    kit.observe(&first);
    kit.life.observe_pod(second.clone());
    assert_eq!(kit.settle(), slice::from_ref(&first.id));
    assert_eq!(kit.names(), ALL);
    kit.life.pod_confirmed(&first.id, Some(second));
    kit.settle();
    assert_eq!(kit.names(), [""; 0]);
}

#[test]
fn a_stale_list_does_not_revive_a_pod_that_is_gone() {
    let mut kit = Kit::mk();
    let pod = mk_pod("web", "u");
    kit.observe(&pod);
    kit.delete(&pod);
    kit.observe(&pod);
    kit.mutate(&mk_marker("started", &pod));
    assert_eq!(kit.settle(), []);
    assert_eq!(kit.names(), [""; 0]);
    kit.now += 600;
    kit.settle();
    assert!(kit.life.pods.is_empty(), "nothing is remembered for ever");
}

#[test]
fn what_a_new_list_does_not_hold_is_asked_for() {
    let mut kit = Kit::mk();
    let (first, second) = (mk_pod("a", "u-1"), mk_pod("b", "u-2"));
    kit.observe(&first);
    kit.observe(&second);
    kit.life.pods_listing();
    kit.life.observe_pod(second);
    assert_eq!(kit.settle(), []);
    kit.life.pods_listed();
    assert_eq!(kit.settle(), [first.id]);
}

#[test]
fn signals_of_pods_that_went_while_no_controller_ran_are_withdrawn() {
    let mut kit = Kit::mk();
    let (gone, left) = (mk_pod("a", "u-1"), mk_pod("b", "u-2"));
    kit.observe(&gone);
    kit.observe(&left);
    kit.restart();
    kit.life.observe_pod(left);
    assert_eq!(kit.settle(), [], "the list is not complete");
    kit.life.pods_listed();
    assert_eq!(kit.settle(), [], "its marker may be faster than the watch");
    kit.now += 2;
    assert_eq!(kit.settle(), slice::from_ref(&gone.id));
    kit.life.pod_confirmed(&gone.id, None);
    kit.settle();
    assert!(
        kit.shown().iter().all(|it| it.ends_with(" of b")),
        "{:?}",
        kit.shown()
    );
    assert_eq!(kit.names(), ALL);
}

#[test]
fn a_signal_in_another_namespace_ends_with_its_pod_and_stands_for_no_other() {
    let mut kit = Kit::mk();
    let pod = mk_pod("a", "u-1");
    let elsewhere: Namespace = "elsewhere".parse().unwrap();
    for name in ALL {
        kit.mutate(&Mutation {
            key: VariableKey::new(elsewhere.clone(), name.parse().unwrap()),
            ..mk_marker(name, &pod)
        });
    }
    kit.observe(&pod);
    for name in ALL {
        assert!(kit.variables.get(&mk_key(name)).is_some(), "{name}");
    }
    kit.delete(&pod);
    assert_eq!(kit.names(), [""; 0]);
}

#[test]
fn all_containers_restarted_in_place_withhold_live_signals_until_each_returns_with_its_own() {
    let mut kit = Kit::mk();
    let pod = mk_pod("web", "u");
    kit.observe(&pod);
    let restarting = ObservedPod {
        is_restarting: true,
        is_ready: false,
        signaller: ContainerState::NotStarted,
        wait: ContainerState::NotStarted,
        ..pod.clone()
    };
    kit.observe(&restarting);
    assert_eq!(kit.names(), [""; 0]);
    let begun = ObservedPod {
        is_restarting: false,
        ..restarting
    };
    for (pod, names) in [
        (begun.clone(), &[] as &[&str]),
        (
            ObservedPod {
                wait: ContainerState::Running,
                ..begun.clone()
            },
            &["waiting"],
        ),
        (
            ObservedPod {
                wait: ContainerState::Succeeded,
                ..begun
            },
            &["init", "waiting"],
        ),
        (pod, &ALL),
    ] {
        kit.observe(&pod);
        assert_eq!(kit.names(), names);
    }
}

#[test]
fn a_restart_in_place_that_the_signalling_container_has_not_seen_withholds_nothing() {
    let mut kit = Kit::mk();
    kit.observe(&ObservedPod {
        is_restarting: true,
        ..mk_pod("web", "u")
    });
    assert_eq!(kit.names(), ALL);
}

#[test]
fn a_live_signal_that_someone_deletes_comes_back_while_the_pod_implies_it() {
    let mut kit = Kit::mk();
    let pod = mk_pod("web", "u");
    kit.observe(&pod);
    for name in ALL {
        kit.mutate(&mk_delete(name));
        kit.settle();
        assert_eq!(kit.names(), ALL);
    }
    kit.delete(&pod);
    assert_eq!(kit.names(), [""; 0]);
}

#[test]
fn a_write_that_had_to_wait_is_wanted_while_the_pod_implies_it() {
    let mut kit = Kit::mk();
    kit.life.observe_pod(mk_pod("web", "u"));
    let lost = kit.life.decide(kit.now()).mutations;
    assert_eq!(lost.len(), 4);
    assert_eq!(kit.life.decide(kit.now()).mutations, []);
    kit.now += 60;
    let wanted = |kit: &Kit| {
        let wanted = lost.iter().filter(|it| kit.life.wants(it, kit.now()));
        wanted.count()
    };
    assert_eq!(wanted(&kit), 4);
    kit.mutate(&lost[0]);
    assert_eq!(wanted(&kit), 3);
    kit.life.observe_pod(ObservedPod {
        phase: PodPhase::Failed,
        ..mk_pod("web", "u")
    });
    assert_eq!(wanted(&kit), 0);
}

#[test]
fn an_adopted_pod_keeps_its_signals_and_its_end_is_that_of_its_job() {
    let mut kit = Kit::mk();
    let signals = PodSignals {
        outcomes: mk_outcomes(),
        ..mk_pod("m", "u").signals.unwrap()
    };
    let pod = ObservedPod {
        signals: Ok(signals),
        ..mk_pod("m", "u")
    };
    kit.observe(&pod);
    let adopted = ObservedPod {
        job: Some("j".into()),
        ..pod
    };
    kit.observe(&adopted);
    assert_eq!(kit.names(), ALL);
    let failed = ObservedPod {
        phase: PodPhase::Failed,
        ..adopted
    };
    kit.observe(&failed);
    assert_eq!(kit.names(), [""; 0], "the Job may try again");
    let job = mk_job("m", "j", 900);
    kit.observe_job(&ended(&job, Outcome::Failure, 1_000));
    assert_eq!(kit.shown(), ["failed durable of m"]);
    kit.delete(&failed);
    kit.life.job_gone(&job.id);
    kit.settle();
    assert!(kit.life.runs.is_empty());
}

#[test]
fn a_pod_whose_record_cannot_be_read_asserts_nothing_and_keeps_what_it_has_until_it_ends() {
    let mut kit = Kit::mk();
    let pod = mk_pod("web", "u");
    kit.observe(&pod);
    let key = "oncue.dev/injected".to_owned();
    let problem = Box::new(PodProblem::NotInjected { key });
    let broken = ObservedPod {
        signals: Err(problem),
        ..pod
    };
    kit.observe(&broken);
    assert_eq!(kit.names(), ALL);
    kit.mutate(&mk_delete("started"));
    kit.settle();
    assert_eq!(kit.names(), ["init", "ready", "waiting"]);
    kit.delete(&broken);
    assert_eq!(kit.names(), [""; 0]);
}

#[test]
fn what_a_pod_signals_on_its_own_account_ends_with_it() {
    let mut kit = Kit::mk();
    let pod = mk_pod("web", "u");
    kit.observe(&pod);
    kit.mutate(&mk_marker("leader", &pod));
    kit.mutate(&mk_create("by-hand", AssertionId::HAND));
    kit.settle();
    assert!(kit.names().contains(&"leader".to_owned()));
    kit.delete(&pod);
    assert_eq!(kit.names(), ["by-hand"]);
}

#[test]
fn a_variable_of_many_pods_ends_with_the_last_of_them() {
    let mut kit = Kit::mk();
    let pods = ["a", "b"].map(|name| mk_pod(name, name));
    for pod in &pods {
        kit.observe(pod);
    }
    kit.delete(&pods[0]);
    assert_eq!(kit.names(), ALL);
    kit.delete(&pods[1]);
    assert_eq!(kit.names(), [""; 0]);
}

#[test]
fn a_name_of_several_steps_has_the_value_of_the_last_one_reached() {
    let mut kit = Kit::mk();
    let signals = PodSignals {
        wait: mk_signals("step=waiting"),
        init: mk_signals("step=initialized"),
        start: mk_signals("step=started"),
        ..PodSignals::default()
    };
    let pod = ObservedPod {
        signals: Ok(signals),
        ..mk_new_pod("web", "u")
    };
    for (wait, signaller, value) in [
        (
            ContainerState::Running,
            ContainerState::NotStarted,
            "waiting",
        ),
        (
            ContainerState::Succeeded,
            ContainerState::NotStarted,
            "initialized",
        ),
        (
            ContainerState::Succeeded,
            ContainerState::Running,
            "started",
        ),
    ] {
        kit.observe(&ObservedPod {
            signaller,
            wait,
            ..pod.clone()
        });
        assert_eq!(kit.shown(), [format!("step={value} live of web")]);
    }
}

#[test]
fn a_value_that_the_pod_set_itself_stays_if_its_annotation_has_none() {
    let mut kit = Kit::mk();
    let pod = mk_pod("web", "u");
    let Action::Assert {
        mut assertion,
        existing,
    } = mk_marker("started", &pod).action
    else {
        panic!("a marker asserts");
    };
    assertion.value = Some("7".parse().unwrap());
    let key = mk_key("started");
    kit.mutate(&Mutation {
        key,
        action: Action::Assert {
            assertion,
            existing,
        },
    });
    kit.observe(&pod);
    assert!(
        kit.shown().contains(&"started=7 live of web".to_owned()),
        "{:?}",
        kit.shown()
    );
}

#[test]
fn a_change_of_an_assertion_that_is_told_twice_counts_once() {
    let mut kit = Kit::mk();
    let pod = mk_pod("web", "u");
    let updates = mk_marker("started", &pod).decide(&kit.variables).updates;
    for update in updates.iter().chain(&updates) {
        kit.life.assertion_changed(update);
    }
    kit.life.pod_confirmed(&pod.id, None);
    assert_eq!(kit.life.decide(kit.now()).mutations.len(), 1);
}

#[test]
fn only_the_assertions_of_the_pod_itself_are_withdrawn() {
    let mut kit = Kit::mk();
    let pod = mk_pod("web", "u");
    kit.observe(&pod);
    kit.life.pod_missing(&pod.id);
    kit.settle();
    kit.life.pod_confirmed(&pod.id, None);
    for mutation in kit.life.decide(kit.now()).mutations {
        let Action::Withdraw(id) = mutation.action else {
            panic!("{mutation:?} is more than a withdrawal");
        };
        assert_eq!(id.asserter.owner(), Some(&pod.id));
    }
}

/// The life of the same signals in a replica that stands by: it sees everything, and what the one
/// that decides has done.
fn stand_by(kit: &mut Kit) -> Life {
    let mut follower = Life::new(&kit.variables);
    follower.pods_listed();
    follower.jobs_listed();
    follower.stand_by(kit.now());
    follower
}

#[test]
fn a_replica_that_stands_by_keeps_nothing_of_pods_that_are_gone() {
    let mut kit = Kit::mk();
    let mut follower = stand_by(&mut kit);
    let pod = mk_pod("web", "u");
    follower.observe_pod(pod.clone());
    for name in ALL {
        kit.mutate(&mk_marker(name, &pod));
    }
    follower.reset_assertions(&kit.variables);
    follower.stand_by(kit.now());
    // It was deleted by force: nothing announced that.
    follower.pod_missing(&pod.id);
    follower.stand_by(kit.now());
    assert!(!follower.pods.is_empty());

    for name in ALL {
        kit.mutate(&mk_delete(name));
    }
    follower.reset_assertions(&kit.variables);
    let due = follower.stand_by(kit.now()).unwrap();
    follower.stand_by(due);
    assert!(follower.pods.is_empty());
}

#[test]
fn a_replica_that_takes_over_decides_everything_that_is_left_and_asks_at_once() {
    let mut kit = Kit::mk();
    let mut follower = stand_by(&mut kit);
    let (gone, new) = (mk_pod("gone", "u-gone"), mk_pod("web", "u"));
    kit.mutate(&mk_marker("old", &gone));
    follower.reset_assertions(&kit.variables);
    follower.observe_pod(gone.clone());
    follower.pod_missing(&gone.id);
    follower.observe_pod(new.clone());
    follower.stand_by(kit.now());
    let nothing = follower.decide(kit.now());
    assert_eq!((nothing.mutations.len(), nothing.confirm.len()), (0, 0));

    follower.take_over();
    let decisions = follower.decide(kit.now());
    assert_eq!(decisions.confirm, slice::from_ref(&gone.id));
    let names = decisions.mutations.iter().map(|it| it.key.name.to_string());
    assert_eq!(names.collect::<BTreeSet<_>>(), ALL.map(Into::into).into());
}

#[test]
fn a_replica_that_stands_by_keeps_an_outcome_until_it_is_recorded() {
    let mut kit = Kit::mk();
    let mut follower = stand_by(&mut kit);
    let job = ended(&mk_job("migrate", "j", 900), Outcome::Success, 950);
    follower.observe_job(job.clone());
    follower.stand_by(kit.now());
    follower.job_gone(&job.id);
    follower.stand_by(kit.now());

    follower.take_over();
    let decisions = follower.decide(kit.now());
    assert_eq!(decisions.mutations.len(), 1);
    for mutation in &decisions.mutations {
        for update in mutation.decide(&kit.variables).updates {
            follower.assertion_changed(&update);
        }
    }
    follower.stand_by(kit.now());
    assert!(follower.runs.is_empty());
}
