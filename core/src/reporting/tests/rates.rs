//! How often something is written.

use oncue_language::Timestamp;
use serde_json::{Value, json};

use super::{super::Reports, *};

/// A pod that waits for several terms.
fn mk_waiting(terms: &str) -> Value {
    with_wait(mk_pod("web", terms, ""), &running_wait())
}

fn ended() -> Value {
    json!({"state": {"terminated": {"exitCode": 0, "message": "Ready after 5s"}}})
}

#[test]
fn a_wait_that_is_over_at_once_is_reported_once() {
    let mut kit = Kit::mk();
    kit.put(mk_waiting("a"));
    let begun = kit.pass(Duration::from_millis(500));
    assert_eq!(begun.conditions, []);
    kit.put(with_wait(mk_pod("web", "a", ""), &ended()));
    assert_eq!(kit.pass_seconds(100).conditions.len(), 1);
    assert_eq!(kit.shown("web"), "Held: Ready after 5s");
    assert_eq!(kit.reporter.decide(kit.now, 10), Reports::default());
}

#[test]
fn a_pod_gets_no_more_than_one_condition_a_second() {
    let mut kit = Kit::mk();
    kit.put(mk_waiting("a, b"));
    kit.pass_seconds(2);
    let mut written = 0;
    for step in 0..100 {
        if step % 2 == 0 {
            kit.create_variable("a");
        } else {
            kit.delete_variable("a");
        }
        written += kit.pass(Duration::from_millis(100)).conditions.len();
    }
    assert!((9..=10).contains(&written), "{written} in 10 s");
}

#[test]
fn nothing_is_written_while_nothing_changes() {
    let mut kit = Kit::mk();
    kit.put(mk_waiting("a, b"));
    assert_eq!(kit.pass_seconds(600).conditions.len(), 1);
}

#[test]
fn details_of_a_provider_follow_after_30_seconds() {
    let mut kit = Kit::mk();
    kit.put(mk_waiting("a"));
    let provider = mk_pod("first", "", "a");
    kit.put(provider.clone());
    kit.pass_seconds(2);
    let failing = json!({"waiting": {"reason": "ImagePullBackOff"}});
    kit.put(with_state(provider.clone(), &failing, false));
    assert_eq!(kit.pass_seconds(25).conditions, []);
    assert_eq!(kit.pass_seconds(35).conditions.len(), 1);
    assert!(kit.shown("web").ends_with("ImagePullBackOff"));
    for reason in ["ErrImagePull", "ImagePullBackOff"]
        .into_iter()
        .cycle()
        .take(60)
    {
        kit.put(with_state(
            provider.clone(),
            &json!({"waiting": {"reason": reason}}),
            false,
        ));
        kit.pass_seconds(1);
    }
    let written = kit.pass_seconds(60).conditions.len();
    assert!(written <= 2, "{written}");
}

#[test]
fn the_time_of_the_last_transition_is_that_of_the_status() {
    let mut kit = Kit::mk();
    let transition = |kit: &Kit| {
        let condition = kit.condition("web").unwrap();
        condition["lastTransitionTime"].as_str().unwrap().to_owned()
    };
    kit.put(mk_waiting("a, b"));
    kit.pass_seconds(2);
    assert_eq!(transition(&kit), "2026-11-27T10:01:02Z");
    kit.create_variable("a");
    kit.pass_seconds(10);
    assert!(kit.shown("web").contains("for 1 of 2"));
    assert_eq!(transition(&kit), "2026-11-27T10:01:02Z");
    kit.restart();
    kit.delete_variable("a");
    kit.pass_seconds(10);
    assert!(kit.shown("web").contains("for 2 of 2"));
    assert_eq!(transition(&kit), "2026-11-27T10:01:02Z");
    kit.put(with_wait(mk_pod("web", "a, b", ""), &ended()));
    kit.pass_seconds(1);
    assert_eq!(transition(&kit), "2026-11-27T10:01:23Z");
    // Its node has restarted.
    kit.put(mk_waiting("a, b"));
    kit.pass_seconds(2);
    assert_eq!(transition(&kit), "2026-11-27T10:01:25Z");
}

#[test]
fn the_watch_may_lag_behind_what_was_written() {
    let mut kit = Kit::mk();
    kit.put(mk_waiting("a"));
    let written = (0..25).map(|_| kit.decide(SECOND).conditions.len());
    assert_eq!(written.sum::<usize>(), 1);
}

#[test]
fn a_condition_that_someone_removes_or_changes_is_restored_every_30_seconds_and_told_once() {
    let other = json!({"type": "oncue.dev/DependenciesHeld", "status": "True", "reason": "Mine"});
    for (pod, condition) in [
        (mk_waiting("a"), None),
        (mk_waiting("a"), Some(&other)),
        (with_wait(mk_pod("web", "a", ""), &ended()), None),
    ] {
        let mut kit = Kit::mk();
        kit.put(pod);
        kit.pass_seconds(10);
        let before = kit.condition("web").unwrap();
        let mut restored = Vec::new();
        for _ in 0..100 {
            kit.overwrite("web", condition);
            restored.extend(kit.pass_seconds(1).conditions);
        }
        assert_eq!(restored.len(), 3);
        let told: Vec<_> = restored.iter().map(|it| it.restores).collect();
        assert_eq!(told, [true, false, false]);
        kit.pass_seconds(60);
        assert_eq!(kit.condition("web").unwrap(), before);
    }
}

#[test]
fn a_condition_that_was_not_written_is_tried_again_when_the_shell_says() {
    let mut kit = Kit::mk();
    kit.put(mk_waiting("a"));
    assert_eq!(kit.decide(2 * SECOND).conditions.len(), 1);
    let retry = kit.now + Duration::from_secs(20);
    kit.reporter.condition_failed(&id("web"), retry);
    // Whatever the watch shows in the meantime.
    kit.put(mk_waiting("a"));
    let tries: Vec<_> = (0..60)
        .map(|_| kit.decide(SECOND).conditions.len())
        .collect();
    assert_eq!(tries[..20].iter().sum::<usize>(), 1);
    assert_eq!((tries[19], tries.iter().sum::<usize>()), (1, 2));
}

#[test]
fn all_pods_together_get_a_limited_number_of_conditions_and_each_its_own() {
    let mut kit = Kit::mk();
    for number in 0..1_000 {
        let name = format!("web-{number}");
        kit.put(with_wait(mk_pod(&name, "a", ""), &running_wait()));
    }
    let mut all = Vec::new();
    for second in 1..=25 {
        let reports = kit.pass_seconds(1);
        let most = if second <= 3 { 100 } else { 50 };
        assert!(reports.conditions.len() <= most, "second {second}");
        assert!(reports.events.len() <= 25, "second {second}");
        all.extend(reports.conditions.into_iter().map(|it| it.pod.name));
    }
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 1_000);
}

#[test]
fn no_more_is_decided_than_there_is_room_for() {
    let mut kit = Kit::mk();
    for number in 0..10 {
        let name = format!("web-{number}");
        kit.put(with_wait(mk_pod(&name, "a", ""), &ended()));
    }
    let written = |kit: &mut Kit, most| kit.reporter.decide(kit.now, most).conditions.len();
    assert_eq!(written(&mut kit, 0), 0);
    assert_eq!(written(&mut kit, 3), 3);
    assert_eq!(written(&mut kit, 100), 7);
}

#[test]
fn nothing_is_reported_before_the_first_list_is_complete() {
    let mut kit = Kit::mk();
    kit.reporter = super::super::Reporter::default();
    kit.reporter.listing();
    kit.put(mk_waiting("a"));
    assert_eq!(kit.pass_seconds(10), Reports::default());
    kit.reporter.listed();
    assert_eq!(kit.pass_seconds(2).conditions.len(), 1);
}

#[test]
fn a_pod_that_a_new_list_does_not_hold_is_forgotten() {
    let mut kit = Kit::mk();
    kit.put(mk_waiting("a"));
    kit.put(mk_pod("first", "", "a"));
    kit.pass_seconds(2);
    assert_eq!(kit.reporter.summary().waiting.len(), 1);
    kit.reporter.listing();
    kit.put(mk_pod("first", "", "a"));
    kit.reporter.listed();
    assert_eq!(kit.reporter.summary(), super::super::WaitSummary::default());
    kit.delete("first");
    assert_eq!(kit.reporter.unjudged(None, 10), []);
}

#[test]
fn the_summary_counts_pods_by_their_reasons() {
    let mut kit = Kit::mk();
    kit.put(mk_waiting("a"));
    kit.put(with_gate(mk_pod("gated", "!up", "")));
    kit.create_variable("up");
    let bare = json!({"metadata": {"namespace": "shop", "name": "bare", "uid": "u"}});
    kit.see(&bare);
    kit.pass_seconds(2);
    let summary = kit.reporter.summary();
    let counts = summary.waiting.iter();
    let counts: Vec<_> = counts
        .map(|((_, reason), count)| (reason.as_str(), *count))
        .collect();
    assert_eq!(counts, [("Failed", 1), ("Waiting", 1)]);
    let created: Timestamp = "2026-11-27T10:00:00Z".parse().unwrap();
    assert_eq!((summary.oldest, summary.uninjected), (Some(created), 1));
}

#[test]
fn a_replica_that_takes_over_repeats_nothing_and_goes_on() {
    let mut kit = Kit::mk();
    kit.put(mk_waiting("a, b"));
    let told = kit.pass_seconds(40);
    assert_eq!((told.conditions.len(), told.events.len()), (1, 1));
    kit.reporter.take_over(kit.now);
    assert_eq!(kit.pass_seconds(60), Reports::default());
    kit.create_variable("a");
    assert_eq!(kit.pass_seconds(2).conditions.len(), 1);
}

#[test]
fn a_replica_that_stands_by_forgets_waits_that_are_over_and_told() {
    let mut kit = Kit::mk();
    kit.put(mk_waiting("a"));
    kit.pass_seconds(5);
    kit.reporter.stand_by();
    kit.put(with_wait(mk_pod("web", "a", ""), &ended()));
    kit.reporter.stand_by();
    // Not told yet: this replica does it if the other one does not.
    assert_eq!(kit.pass_seconds(2).conditions.len(), 1);
    kit.reporter.stand_by();
    kit.overwrite("web", None);
    assert_eq!(kit.pass_seconds(2).conditions.len(), 1, "it is seen anew");
}

#[test]
fn a_namespace_with_many_pods_does_not_delay_the_report_on_another() {
    let mut kit = Kit::mk();
    for number in 0..1000 {
        kit.put(with_wait(
            mk_pod(&format!("web-{number}"), "a", ""),
            &running_wait(),
        ));
    }
    let mut other = with_wait(mk_pod("other", "a", ""), &running_wait());
    other["metadata"]["namespace"] = "till".into();
    kit.put(other);
    kit.decide(Duration::from_secs(1));
    let reports = kit.decide(Duration::from_secs(1));
    let mut namespaces = reports
        .conditions
        .iter()
        .map(|it| it.pod.namespace.as_str());
    assert!(reports.conditions.len() < 500);
    assert!(namespaces.any(|namespace| namespace == "till"));
}
