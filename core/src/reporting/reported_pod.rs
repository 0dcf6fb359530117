//! What a report depends on in a pod.

use std::{collections::BTreeMap, sync::Arc};

use oncue_language::{
    Condition, Grace, Keys, Owner, PodAnnotations, Term, Timestamp, annotation::Mode,
};
use serde_json::Value;

use super::{
    HeldCondition, HeldReason, ObservedCondition,
    message::joined,
    wait_container::{WaitEnd, WaitRuns},
};
use crate::{
    gates::{Gate, GateWait, GatedPod},
    life::{PodPhase, PodProblem, Unidentified},
    model::Member,
    objects::pod_state,
    recorded_pod::RecordedPod,
    release::ReleaseReason,
};

/// A pod as the watch shows it: what it waits for and what it signals, how far its wait is, and its
/// condition.
#[derive(Clone, Debug)]
pub struct ReportedPod {
    /// Its namespace, name and uid.
    pub id: Owner,
    /// Its condition. Someone else may have written it.
    pub condition: Option<ObservedCondition>,
    /// What it waits for and signals; nothing if it is being deleted.
    pub(super) member: Option<Arc<Member>>,
    /// Whether something was injected into it, as far as its record says.
    pub(super) is_injected: bool,
    pub(super) stage: Stage,
    /// What keeps it from being Ready, to be read after `the pod`.
    pub(super) obstacle: Option<Box<str>>,
}

/// How far the wait of a pod is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Stage {
    /// It is over, and what the condition says of it stays so.
    Ended(HeldCondition),
    /// It waits for nothing, or will never go on.
    Idle,
    /// It goes on.
    Open(Box<OpenWait>),
}

/// A wait that goes on.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct OpenWait {
    /// What a store judges.
    pub(super) conditions: Arc<[Condition]>,
    /// How many terms the pod has.
    pub(super) terms: usize,
    /// Which of them those are, in their order. The others are probes of the pod's own, or name its node,
    /// which is not known yet.
    pub(super) judged: Box<[usize]>,
    /// When the pod was created.
    pub(super) created: Timestamp,
    /// When the wait began.
    pub(super) since: Timestamp,
    /// The wait of a gated pod.
    pub(super) gate: Option<GateWait>,
    /// The exit code with which the waiting container has failed, in this run or the one before.
    pub(super) failure: Option<i64>,
    /// Why it is not known what the pod waits for, if it is not, and what to do.
    pub(super) unknown: Option<Box<str>>,
}

impl ReportedPod {
    /// Reads a pod's JSON.
    ///
    /// # Errors
    /// [`Unidentified`] if it does not say which pod it is.
    pub fn read(pod: &Value, keys: &Keys) -> Result<Self, Unidentified> {
        let pod = RecordedPod::read(pod, keys)?;
        Ok(Self::of(&pod, &GatedPod::of(&pod)))
    }

    /// Returns the terms of a wait that goes on, each with what is judged of it: nothing for a probe,
    /// or if the term names the pod's node, which is not known yet.
    pub fn open_terms(&self) -> Vec<(&Term, Option<&Condition>)> {
        let (Stage::Open(open), Some(member)) = (&self.stage, &self.member) else {
            return Vec::new();
        };
        let condition = |term: usize| {
            let judged = open.judged.binary_search(&term).ok()?;
            open.conditions.get(judged)
        };
        let terms = member.terms().enumerate();
        terms
            .map(|(index, term)| (term, condition(index)))
            .collect()
    }

    /// Returns which failures count at `now` for its wait.
    pub fn grace(&self, now: Timestamp) -> Grace {
        match &self.stage {
            Stage::Open(open) => Grace::of_pod(open.created, now),
            Stage::Ended(_) | Stage::Idle => Grace::Over,
        }
    }

    pub(crate) fn of(pod: &RecordedPod<'_>, gated: &GatedPod) -> Self {
        let mut reported = Self {
            id: pod.id.clone(),
            condition: ObservedCondition::read(pod.json),
            member: None,
            is_injected: !pod.record.as_ref().is_err_and(|it| it.is_not_injected()),
            stage: Stage::Idle,
            obstacle: pod_state(pod.json).into_reason().map(Into::into),
        };
        let gate = gated.gate.as_ref();
        if !pod.is_being_deleted()
            && let Err(problem) = reported.read_record(pod, gate)
        {
            reported.read_without_record(pod, gate, &problem);
        }
        reported
    }

    fn read_record(
        &mut self,
        pod: &RecordedPod<'_>,
        gate: Option<&Gate>,
    ) -> Result<(), Box<PodProblem>> {
        let mut member = Member::recorded(pod, pod.asked()?.clone());
        let seen = Seen::of(pod, self.condition.as_ref());
        self.stage = seen.stage(gate, &member)?;
        // Most pods wait no more: what they waited for, and how others select them, is not kept.
        if !matches!(self.stage, Stage::Open(_)) {
            member.annotations.depends_on = Vec::new();
            member.labels = BTreeMap::new();
        }
        self.member = Some(Arc::new(member));
        Ok(())
    }

    /// A pod whose record cannot be read waits all the same, if something holds it.
    fn read_without_record(
        &mut self,
        pod: &RecordedPod<'_>,
        gate: Option<&Gate>,
        problem: &PodProblem,
    ) {
        let member = Member::recorded(pod, PodAnnotations::default());
        let seen = Seen::of(pod, self.condition.as_ref());
        self.stage = match (gate, seen.release) {
            (Some(_), Some(reason)) => Stage::Ended(released(reason)),
            (Some(_), None) => Stage::Open(Box::new(OpenWait::unknown_gated(pod.created))),
            (None, _) if pod.has_wait_container() => seen.stage_of_container(&member),
            (None, _) => Stage::Idle,
        };
        if let Stage::Open(open) = &mut self.stage {
            let remedy = gate.map_or(INSIDE, |_| GATED);
            open.unknown = Some(format!("{problem}; {remedy}").into());
        }
        self.member = Some(Arc::new(member));
    }
}

/// What the stage depends on besides the terms.
struct Seen<'a> {
    pod: &'a RecordedPod<'a>,
    has_ended: bool,
    /// Why a person let the pod go, unless its wait was over by then.
    release: Option<&'a ReleaseReason>,
}

impl<'a> Seen<'a> {
    fn of(pod: &'a RecordedPod<'a>, condition: Option<&ObservedCondition>) -> Self {
        let has_held = condition.is_some_and(|it| *it.reason == *HeldReason::Held.as_str());
        let release = pod.release.as_ref().ok().and_then(Option::as_ref);
        Self {
            pod,
            has_ended: pod.phase != PodPhase::Active,
            release: release.filter(|_| !has_held),
        }
    }

    fn stage(&self, gate: Option<&Gate>, member: &Member) -> Result<Stage, Box<PodProblem>> {
        if member.annotations.depends_on.is_empty() {
            return Ok(Stage::Idle);
        }
        if member.annotations.mode == Mode::Init {
            return Ok(self.stage_of_container(member));
        }
        Ok(match (gate, &self.release) {
            (None, _) if self.has_ended => Stage::Idle,
            (_, Some(reason)) => Stage::Ended(released(reason)),
            (Some(Gate { wait, .. }), None) => {
                Stage::Open(Box::new(OpenWait::gated(wait.clone()?)))
            }
            (None, None) => Stage::Ended(held("The scheduling gate is open".to_owned())),
        })
    }

    /// A release ends the wait of a container only once the client has ended: one of an older version
    /// ignores it.
    fn stage_of_container(&self, member: &Member) -> Stage {
        let runs = WaitRuns::read(self.pod.json);
        match runs.end {
            Some(end) if end.code == 0 && self.has_ended => Stage::Idle,
            Some(end) if end.code == 0 => Stage::Ended(self.over(&end)),
            Some(end) if self.has_ended => Stage::Ended(HeldCondition {
                reason: reason_of(end.code).unwrap_or(HeldReason::Failed),
                message: told(&end, &format!("The wait ended with exit code {}", end.code)),
            }),
            None if self.has_ended => Stage::Idle,
            _ => Stage::Open(Box::new(OpenWait::in_container(
                self.pod.created,
                member,
                &runs,
            ))),
        }
    }

    /// Returns what is said of a wait that has ended well: what the client said counts.
    fn over(&self, end: &WaitEnd<'_>) -> HeldCondition {
        match &self.release {
            Some(reason) if end.message.is_empty() => released(reason),
            _ if end.message.starts_with(RELEASED) => HeldCondition {
                reason: HeldReason::Released,
                message: told(end, RELEASED),
            },
            _ => held(told(end, "The wait is over")),
        }
    }
}

/// How the client begins its last message if a person let the pod go, and how ours begins.
const RELEASED: &str = "Released by hand";

fn released(reason: &ReleaseReason) -> HeldCondition {
    HeldCondition {
        reason: HeldReason::Released,
        message: format!("{RELEASED}: {reason}"),
    }
}

fn held(message: String) -> HeldCondition {
    HeldCondition {
        reason: HeldReason::Held,
        message,
    }
}

/// Returns what the client said last, or `otherwise` if that is lost.
fn told(end: &WaitEnd<'_>, otherwise: &str) -> String {
    let message = Some(end.message).filter(|message| !message.is_empty());
    joined(message.unwrap_or(otherwise), std::iter::empty())
}

/// Returns the reason that an exit code of the client stands for.
pub(super) fn reason_of(code: i64) -> Option<HeldReason> {
    match code {
        3 => Some(HeldReason::Failed),
        124 => Some(HeldReason::TimedOut),
        _ => None,
    }
}

impl OpenWait {
    fn gated(wait: GateWait) -> Self {
        let conditions = Arc::clone(wait.conditions());
        Self {
            terms: conditions.len(),
            judged: (0..conditions.len()).collect(),
            conditions,
            created: wait.since(),
            since: wait.since(),
            gate: Some(wait),
            failure: None,
            unknown: None,
        }
    }

    /// Returns the wait of a gated pod of which it is not known what it waits for.
    fn unknown_gated(created: Timestamp) -> Self {
        Self {
            terms: 0,
            judged: Box::default(),
            conditions: Arc::default(),
            created,
            since: created,
            gate: None,
            failure: None,
            unknown: None,
        }
    }

    fn in_container(created: Timestamp, member: &Member, runs: &WaitRuns<'_>) -> Self {
        let conditions = member.terms().enumerate().filter_map(|(index, term)| {
            let condition = term.condition(&member.namespace).ok()??;
            Some((index, condition))
        });
        let (judged, conditions): (Vec<_>, Vec<_>) = conditions.unzip();
        Self {
            terms: member.annotations.depends_on.len(),
            conditions: conditions.into(),
            judged: judged.into(),
            created,
            since: runs.begun_again().unwrap_or(created),
            gate: None,
            failure: runs.failure().map(|end| end.code),
            unknown: None,
        }
    }
}

/// What to do about a gated pod whose record cannot be read.
const GATED: &str = "its gate stays closed: recreate the pod, or let it go with `oncue release`";
/// The same for a pod whose container waits, by its arguments.
const INSIDE: &str = "the log of its container oncue-wait says what it waits for";

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{
        super::kit::{mk_pod, with_gate, with_record},
        *,
    };

    fn stage(pod: &Value) -> Stage {
        ReportedPod::read(pod, &Keys::default()).unwrap().stage
    }

    /// Prints a stage, as `Held: Ready after 5s` or `a@shop since 2026-11-27T11:00:00Z`.
    fn shown(stage: &Stage) -> String {
        match stage {
            Stage::Ended(HeldCondition { reason, message }) => format!("{reason}: {message}"),
            Stage::Idle => "idle".to_owned(),
            Stage::Open(open) => {
                let conditions = open.conditions.iter().map(ToString::to_string);
                let conditions: Vec<_> = conditions.collect();
                let failure = open.failure.map(|code| format!(" after {code}"));
                let failure = failure.unwrap_or_default();
                format!("{} since {}{failure}", conditions.join(" "), open.since)
            }
        }
    }

    fn with_status(mut pod: Value, phase: &str, wait: &Value) -> Value {
        let mut wait = wait.clone();
        wait["name"] = "oncue-wait".into();
        pod["status"] = json!({"phase": phase, "initContainerStatuses": [wait]});
        pod
    }

    fn with_release(mut pod: Value, uid: &str) -> Value {
        let release = json!({"uid": uid, "reason": "why"}).to_string();
        pod["metadata"]["annotations"]["oncue.dev/release"] = release.into();
        pod
    }

    /// Returns the pod with a condition that was written before.
    fn with_condition(mut pod: Value, reason: &str) -> Value {
        let status = if reason == "Held" { "True" } else { "False" };
        pod["status"]["conditions"] =
            json!([{"type": "oncue.dev/DependenciesHeld", "status": status, "reason": reason}]);
        pod
    }

    #[test]
    fn a_container_was_released_if_it_says_so_or_nothing() {
        let ended =
            |message: &str| json!({"state": {"terminated": {"exitCode": 0, "message": message}}});
        let running = json!({"state": {"running": {"startedAt": "2026-11-27T10:45:00Z"}}});
        let waits = "a@shop since 2026-11-27T10:00:00Z";
        let told = "Released by hand after 3s: why";
        let by_client = format!("Released: {told}");
        for (uid, status, condition, expected) in [
            ("u-web", running, "Waiting", waits),
            ("u-web", ended(told), "Waiting", &by_client),
            ("u-web", ended(told), "Released", &by_client),
            (
                "u-web",
                ended(""),
                "Waiting",
                "Released: Released by hand: why",
            ),
            ("u-web", ended(""), "Held", "Held: The wait is over"),
            (
                "u-web",
                ended("Ready after 5s"),
                "Waiting",
                "Held: Ready after 5s",
            ),
            ("u-other", ended(""), "Waiting", "Held: The wait is over"),
        ] {
            let pod = with_status(mk_pod("web", "a", ""), "Pending", &status);
            let pod = with_condition(with_release(pod, uid), condition);
            assert_eq!(shown(&stage(&pod)), expected, "{uid} {status} {condition}");
        }
    }

    #[test]
    fn a_gate_was_released_unless_it_was_open_before() {
        let closed = with_gate(mk_pod("web", "a", ""));
        let mut open = closed.clone();
        open["spec"]["schedulingGates"] = json!([]);
        let released = "Released: Released by hand: why";
        let held = "Held: The scheduling gate is open";
        for (pod, uid, condition, expected) in [
            (&closed, "u-web", "Waiting", released),
            (&open, "u-web", "Waiting", released),
            (&open, "u-web", "Released", released),
            (&open, "u-web", "Held", held),
            (&open, "u-other", "Waiting", held),
        ] {
            let pod = with_condition(with_release(pod.clone(), uid), condition);
            assert_eq!(shown(&stage(&pod)), expected, "{uid} {condition}");
        }
    }

    #[test]
    fn each_state_of_the_waiting_container_is_a_stage() {
        let ended = |code: i64| {
            json!({"terminated": {"exitCode": code, "message": "as it was\n",
                                  "startedAt": "2026-11-27T10:30:00Z"}})
        };
        let running = json!({"running": {"startedAt": "2026-11-27T10:45:00Z"}});
        let restarted = json!({"terminated": {"exitCode": 137, "reason": "RestartingAllContainers",
                                              "startedAt": "2026-11-27T10:30:00Z"}});
        let created = "a@shop since 2026-11-27T10:00:00Z";
        for (phase, status, expected) in [
            ("Pending", json!({}), created),
            ("Pending", json!({"state": {"waiting": {}}}), created),
            ("Pending", json!({"state": running}), created),
            (
                "Pending",
                json!({"state": running, "lastState": ended(124)}),
                "a@shop since 2026-11-27T10:00:00Z after 124",
            ),
            // The node was restarted.
            (
                "Running",
                json!({"state": running, "lastState": ended(0)}),
                "a@shop since 2026-11-27T10:45:00Z",
            ),
            (
                "Pending",
                json!({"state": {"waiting": {}}, "lastState": restarted}),
                created,
            ),
            (
                "Pending",
                json!({"state": running, "lastState": restarted}),
                "a@shop since 2026-11-27T10:45:00Z",
            ),
            (
                "Pending",
                json!({"state": ended(3)}),
                "a@shop since 2026-11-27T10:00:00Z after 3",
            ),
            ("Pending", json!({"state": ended(0)}), "Held: as it was"),
            ("Running", json!({"state": ended(0)}), "Held: as it was"),
            (
                "Running",
                json!({"state": {"terminated": {"exitCode": 0}}}),
                "Held: The wait is over",
            ),
            ("Succeeded", json!({"state": ended(0)}), "idle"),
            ("Failed", json!({"state": ended(3)}), "Failed: as it was"),
            (
                "Failed",
                json!({"state": ended(124)}),
                "TimedOut: as it was",
            ),
            (
                "Failed",
                json!({"state": {"terminated": {"exitCode": 2}}}),
                "Failed: The wait ended with exit code 2",
            ),
            // It was evicted before the container ran.
            ("Failed", json!({}), "idle"),
        ] {
            let pod = with_status(mk_pod("web", "a", ""), phase, &status);
            assert_eq!(shown(&stage(&pod)), expected, "{phase} {status}");
        }
    }

    #[test]
    fn a_gate_is_the_wait_of_a_gated_pod() {
        let pod = with_gate(mk_pod("web", "a, b", ""));
        let expected = "a@shop b@shop since 2026-11-27T10:00:00Z";
        assert_eq!(shown(&stage(&pod)), expected);
        let mut open = pod.clone();
        open["spec"]["schedulingGates"] = json!([{"name": "other.io/x"}]);
        let expected = "Held: The scheduling gate is open";
        assert_eq!(shown(&stage(&open)), expected);
        open["status"]["phase"] = "Failed".into();
        assert_eq!(shown(&stage(&open)), "idle");
    }

    #[test]
    fn probes_and_what_names_an_unknown_node_are_not_judged_by_a_store() {
        let mut pod = mk_pod("web", "tcp://redis:6379, a, cni/$(NODE_NAME)", "");
        let Stage::Open(open) = stage(&pod) else {
            unreachable!("it waits");
        };
        assert_eq!(*open.judged, [1]);
        pod["spec"]["nodeName"] = "n1".into();
        let Stage::Open(open) = stage(&pod) else {
            unreachable!("it waits");
        };
        assert_eq!(*open.judged, [1, 2]);
        assert_eq!(open.conditions[1].to_string(), "cni/n1@shop");
    }

    #[test]
    fn what_a_pod_is_a_part_of_follows_from_its_controller() {
        for (version, kind, name, expected) in [
            ("apps/v1", "ReplicaSet", "web-5d4f", "Deployment/web"),
            ("apps/v1", "ReplicaSet", "web", "ReplicaSet/web"),
            ("batch/v1", "Job", "web-5d4f", "Job/web-5d4f"),
            ("argoproj.io/v1", "Rollout", "web", ""),
        ] {
            let mut pod = mk_pod("web-5d4f-x", "a", "");
            pod["metadata"]["labels"]["pod-template-hash"] = "5d4f".into();
            pod["metadata"]["ownerReferences"] = json!([
                {"apiVersion": version, "kind": kind, "name": name, "uid": "o", "controller": true},
            ]);
            let read = ReportedPod::read(&pod, &Keys::default()).unwrap();
            let member = read.member.unwrap();
            let shown = member
                .controllers
                .iter()
                .map(|(kind, name)| format!("{kind}/{name}"));
            assert_eq!(shown.collect::<String>(), expected);
        }
    }

    #[test]
    fn a_pod_that_is_being_deleted_waits_and_provides_no_more() {
        let mut pod = mk_pod("web", "a", "b");
        pod["metadata"]["deletionTimestamp"] = "2026-11-27T12:00:00Z".into();
        let read = ReportedPod::read(&pod, &Keys::default()).unwrap();
        assert!(read.member.is_none());
        assert_eq!(read.stage, Stage::Idle);
    }

    #[test]
    fn a_pod_whose_record_cannot_be_read_waits_if_something_holds_it() {
        let damaged = |pod: Value| with_record(pod, &json!({"depends-on": ["a b"]}));
        let with_container = |mut pod: Value| {
            pod["spec"]["initContainers"] = json!([{"name": "oncue-wait"}]);
            pod
        };
        let web = || mk_pod("web", "", "");
        for (pod, reason) in [
            (damaged(web()), None),
            (damaged(with_gate(web())), Some("in \"a b\": ")),
            (damaged(with_container(web())), Some("in \"a b\": ")),
            (
                with_gate(mk_pod("web", "tcp://h:1", "")),
                Some("tcp://h:1 is a probe"),
            ),
        ] {
            let read = ReportedPod::read(&pod, &Keys::default()).unwrap();
            assert!(read.is_injected);
            let problem = match &read.stage {
                Stage::Open(open) => open.unknown.as_deref(),
                _ => None,
            };
            assert_eq!(problem.is_some(), reason.is_some(), "{problem:?}");
            let problem = problem.unwrap_or_default();
            assert!(problem.contains(reason.unwrap_or_default()), "{problem}");
        }
    }

    #[test]
    fn a_pod_without_a_record_was_not_injected() {
        let pod = json!({"metadata": {"namespace": "shop", "name": "web", "uid": "u"}});
        let read = ReportedPod::read(&pod, &Keys::default()).unwrap();
        assert!(!read.is_injected);
        assert_eq!(read.stage, Stage::Idle);
    }

    #[test]
    fn a_damaged_record_does_not_hide_how_a_wait_ended() {
        let mut pod = with_record(mk_pod("web", "", ""), &json!("damaged"));
        pod["spec"]["initContainers"] = json!([{"name": "oncue-wait"}]);
        let ended = |code: i64| json!({"state": {"terminated": {"exitCode": code}}});
        for (phase, code, expected) in [
            ("Running", 0, "Held: The wait is over"),
            ("Failed", 124, "TimedOut: The wait ended with exit code 124"),
        ] {
            let pod = with_status(pod.clone(), phase, &ended(code));
            assert_eq!(shown(&stage(&pod)), expected);
        }
        let gated = with_record(with_gate(mk_pod("web", "", "")), &json!("damaged"));
        let released = with_release(gated, "u-web");
        assert_eq!(shown(&stage(&released)), "Released: Released by hand: why");
    }
}
