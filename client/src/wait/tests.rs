use std::collections::BTreeSet;

use oncue_language::{
    Namespace,
    ServiceReadiness::{self, Ready, Unknown, Unready},
    Term, Timeout,
    annotation::TimeoutPolicy,
};

use super::{conversation::SPREAD_MILLIS, *};

/// A wait whose time is set by hand, with its log.
struct Played {
    wait: Wait,
    now: Duration,
    log: Vec<String>,
    asked: Vec<Question>,
    probed: Vec<usize>,
    checks: Vec<Check>,
    forgotten: Vec<usize>,
    ending: Option<Ending>,
}

fn mk_plan(terms: &str) -> Plan {
    let terms = Term::parse_list(terms).unwrap();
    Plan {
        terms: terms.into_iter().map(|term| term.value).collect(),
        timeout: None,
        policy: TimeoutPolicy::Fail,
        namespace: Namespace::default(),
        without_store: Duration::ZERO,
        overdue: None,
        random: fastrand::Rng::with_seed(1),
    }
}

fn mk_overdue() -> Overdue {
    Overdue {
        at: secs(60),
        moment: "2026-11-24T08:00:00Z".to_owned(),
        cause: "timed out after 1m".to_owned(),
    }
}

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn missing(reason: &str) -> Verdict<String> {
    Verdict::Missing(reason.to_owned())
}

impl Played {
    fn begin(plan: Plan, now: Duration) -> Self {
        let mut played = Self {
            wait: Wait::new(plan, now),
            now,
            log: Vec::new(),
            asked: Vec::new(),
            probed: Vec::new(),
            checks: Vec::new(),
            forgotten: Vec::new(),
            ending: None,
        };
        played.take(Event::Tick);
        played
    }

    fn of(terms: &str) -> Self {
        Self::begin(mk_plan(terms), Duration::ZERO)
    }

    fn take(&mut self, event: Event) {
        assert!(self.ending.is_none(), "the wait is over");
        for action in self.wait.handle(event, self.now) {
            match action {
                Action::Ask(question) => self.asked.push(question),
                Action::Finish(ending) => self.ending = Some(ending),
                Action::Forget(term) => self.forgotten.push(term),
                Action::Probe(check) => {
                    self.probed.push(check.term);
                    self.checks.push(check);
                }
                Action::Say(line) => self.log.push(line),
            }
        }
    }

    /// Lets time go by, with every tick that is due on the way.
    fn pass_until(&mut self, at: Duration) {
        while let Some(wake) = self.wait.wake_at().filter(|wake| *wake <= at) {
            self.now = wake;
            self.take(Event::Tick);
            if self.ending.is_some() {
                return;
            }
        }
        self.now = at;
    }

    /// Answers the last question, one verdict a term. The Services that it asks about are unknown.
    fn answer(&mut self, verdicts: impl Into<Vec<Verdict<String>>>) {
        let nudges = vec![Unknown; self.asked.last().unwrap().nudges.len()];
        self.answer_with(verdicts, nudges);
    }

    fn answer_with(
        &mut self,
        verdicts: impl Into<Vec<Verdict<String>>>,
        nudges: impl Into<Vec<ServiceReadiness>>,
    ) {
        let number = self.asked.last().unwrap().number;
        let answer = Ok(Answer {
            revision: format!("e-{number}"),
            verdicts: verdicts.into(),
            nudges: nudges.into(),
            released: None,
        });
        self.take(Event::Answered { number, answer });
    }

    fn release(&mut self, verdicts: impl Into<Vec<Verdict<String>>>) {
        let question = self.asked.last().unwrap();
        let (number, nudges) = (question.number, question.nudges.len());
        let answer = Ok(Answer {
            revision: "e-9".to_owned(),
            verdicts: verdicts.into(),
            nudges: vec![Unknown; nudges],
            released: Some("the mirror is down".to_owned()),
        });
        self.take(Event::Answered { number, answer });
    }

    fn refuse(&mut self, reason: &str) {
        let number = self.asked.last().unwrap().number;
        let answer = Err(Lost::Refused(reason.to_owned()));
        self.take(Event::Answered { number, answer });
    }

    fn lose_the_store(&mut self) {
        self.lose(Lost::Unreachable("connection refused".to_owned()));
    }

    fn lose(&mut self, lost: Lost) {
        let number = self.asked.last().unwrap().number;
        let answer = Err(lost);
        self.take(Event::Answered { number, answer });
    }

    /// Ends the last check of a term.
    fn probe(&mut self, term: usize, result: Result<(), &str>) {
        let mut checks = self.checks.iter().rev();
        let check = *checks.find(|check| check.term == term).unwrap();
        self.end(check, result);
    }

    fn end(&mut self, check: Check, result: Result<(), &str>) {
        let result = result.map_err(str::to_owned);
        self.take(Event::Probed { check, result });
    }

    fn kind(&self) -> Option<EndingKind> {
        self.ending.as_ref().map(|ending| ending.kind)
    }

    fn message(&self) -> &str {
        &self.ending.as_ref().unwrap().message
    }

    fn said(&self, text: &str) -> usize {
        self.log.iter().filter(|line| line.contains(text)).count()
    }
}

#[test]
fn is_ready_once_the_store_says_so() {
    let mut played = Played::of("first/container, workers/*>=3");
    assert_eq!(played.log, ["Checking: first/container, workers/*>=3"]);
    assert_eq!(played.asked[0].terms, [0, 1]);
    assert_eq!(played.asked[0].revision, None);
    played.answer([missing("does not exist"), missing("1 of 3 exist")]);
    assert_eq!(
        played.log[1],
        "Waiting for 2 of 2: first/container (does not exist), workers/*>=3 (1 of 3 exist)"
    );
    played.pass_until(secs(12));
    assert_eq!(
        played.asked[1].revision.as_deref(),
        Some("e-1"),
        "held from now on"
    );
    played.answer([Verdict::Held, Verdict::Held]);
    assert_eq!(played.kind(), Some(EndingKind::Ready));
    assert_eq!(
        played.message(),
        "Ready after 12s: first/container, workers/*>=3"
    );
}

#[test]
fn nothing_to_wait_for_is_ready_without_a_word_to_the_store() {
    let played = Played::of("");
    assert_eq!(played.kind(), Some(EndingKind::Ready));
    assert!(played.asked.is_empty());
}

#[test]
fn all_terms_hold_in_one_answer_or_the_wait_goes_on() {
    let mut played = Played::of("a, b");
    played.answer([Verdict::Held, missing("does not exist")]);
    played.pass_until(secs(1));
    played.answer([missing("does not exist"), Verdict::Held]);
    assert_eq!(played.kind(), None);
}

#[test]
fn a_failure_wins_over_everything_at_once() {
    let mut played = Played::of("a, !migrate/failed");
    played.answer([Verdict::Held, Verdict::Failed("exists".to_owned())]);
    assert_eq!(played.kind(), Some(EndingKind::Failed));
    assert_eq!(
        played.message(),
        "Failed after 0ms: !migrate/failed (exists)"
    );
}

#[test]
fn a_failure_term_that_holds_delays_nobody() {
    let mut played = Played::of("a, !migrate/failed");
    played.answer([Verdict::Held, Verdict::Held]);
    assert_eq!(played.kind(), Some(EndingKind::Ready));
}

#[test]
fn a_failure_wins_while_a_probe_is_still_failing() {
    let mut played = Played::of("!migrate/failed, tcp://192.0.2.1:6379");
    played.answer([Verdict::Held]);
    assert_eq!(played.asked.len(), 1);
    played.probe(1, Err("connection refused"));
    played.pass_until(secs(6));
    assert_eq!(
        played.asked.len(),
        2,
        "asked again: a store holds no answer when all hold"
    );
    assert_eq!(played.asked[1].revision, None);
    played.answer([Verdict::Failed("exists".to_owned())]);
    assert_eq!(played.kind(), Some(EndingKind::Failed));
}

#[test]
fn probes_latch_and_the_store_is_asked_once_more_after_the_last_one() {
    let mut played = Played::of("a, tcp://192.0.2.1:6379, http://192.0.2.2/");
    assert_eq!(played.probed, [1, 2]);
    played.answer([Verdict::Held]);
    played.probe(1, Ok(()));
    played.pass_until(secs(60));
    assert_eq!(played.asked.len(), 1, "there is nothing to ask meanwhile");
    assert_eq!(played.probed, [1, 2], "what held once is not checked again");
    played.probe(2, Ok(()));
    assert_eq!(played.asked.len(), 2);
    assert_eq!(played.asked[1].revision, None);
    assert_eq!(played.kind(), None);
    played.answer([Verdict::Held]);
    assert_eq!(played.kind(), Some(EndingKind::Ready));
}

#[test]
fn an_answer_held_since_before_the_last_probe_is_confirmed() {
    let mut played = Played::of("a, tcp://redis:6379");
    played.answer([missing("does not exist")]);
    played.pass_until(secs(1));
    played.probe(1, Ok(()));
    played.answer([Verdict::Held]);
    assert_eq!(played.kind(), None);
    assert_eq!(played.asked.last().unwrap().revision, None);
    played.answer([missing("does not exist")]);
    assert_eq!(played.kind(), None, "it went away meanwhile");
    played.pass_until(secs(2));
    played.answer([Verdict::Held]);
    assert_eq!(
        played.kind(),
        Some(EndingKind::Ready),
        "this question came after the probe"
    );
}

#[test]
fn probes_alone_need_no_store() {
    let mut played = Played::of("tcp://redis:6379");
    played.probe(0, Ok(()));
    assert_eq!(played.kind(), Some(EndingKind::Ready));
    assert!(played.asked.is_empty());
}

#[test]
fn a_failing_probe_is_made_again_with_longer_and_longer_rests() {
    let mut played = Played::of("tcp://redis:6379");
    let mut rests = Vec::new();
    while played.now < secs(90) {
        played.probe(0, Err("connection refused"));
        let begun = played.now;
        let made = played.probed.len();
        while played.probed.len() == made {
            let wake = played.wait.wake_at().unwrap();
            played.pass_until(wake);
        }
        rests.push(played.now.saturating_sub(begun).as_secs_f64());
    }
    let last = rests.len() - 1;
    assert!((0.18..=0.25).contains(&rests[0]), "{rests:?}");
    assert!((1.5..=2.0).contains(&rests[last]), "{rests:?}");
}

#[test]
fn the_store_is_asked_about_the_services_that_are_probed() {
    let probes = "tcp://redis:6379, http://web.other.svc/, https://example.com/, tcp://192.0.2.1:1";
    let mut played = Played::of(&format!("a, {probes}"));
    let services = [
        "service:redis@default",
        "service:web@other",
        "service:example@com",
    ];
    assert_eq!(played.asked[0].nudges, services);
    played.answer([missing("does not exist")]);
    played.probe(1, Ok(()));
    played.pass_until(secs(1));
    assert_eq!(played.asked[1].nudges, services, "it was under way");
    played.answer([missing("does not exist")]);
    assert_eq!(played.asked[2].nudges, services[1..]);
}

#[test]
fn a_service_that_becomes_ready_is_probed_at_once() {
    let mut played = Played::of("a, tcp://redis:6379");
    played.probe(1, Err("connection refused"));
    played.answer_with([Verdict::Held], [Unready]);
    played.pass_until(secs(70));
    assert_eq!(
        played.asked.len(),
        2,
        "the store holds it although all terms hold"
    );
    assert!(played.asked[1].revision.is_some());
    played.probe(1, Err("connection refused"));
    played.pass_until(secs(71));
    let made = played.probed.len();
    played.answer_with([Verdict::Held], [Ready]);
    assert_eq!(
        (played.probed.len(), &*played.forgotten),
        (made + 1, &[1][..])
    );
    assert_eq!(
        played.log.last().unwrap(),
        "Checking tcp://redis:6379 now: service:redis@default has a ready endpoint"
    );
    played.probe(1, Ok(()));
    let question = played.asked.last().unwrap();
    assert_eq!((question.nudges.len(), &question.revision), (0, &None));
    assert_eq!(played.kind(), None, "the other terms are confirmed");
    played.answer([Verdict::Held]);
    assert_eq!(played.kind(), Some(EndingKind::Ready));
}

/// Returns a wait with two checks under way: a nudge came during the first one.
fn mk_overtaken(terms: &str) -> (Played, [Check; 2]) {
    let mut played = Played::of(terms);
    played.probe(1, Err("connection refused"));
    played.answer_with([Verdict::Held], [Unready]);
    played.pass_until(secs(1));
    played.answer_with([Verdict::Held], [Ready]);
    let [.., first, second] = played.checks[..] else {
        panic!("{:?}", played.checks);
    };
    (played, [first, second])
}

#[test]
fn a_check_that_fails_after_a_later_one_held_changes_nothing() {
    let (mut played, [first, second]) = mk_overtaken("a, tcp://redis:6379 within 3s");
    played.end(second, Ok(()));
    played.pass_until(secs(2));
    played.end(first, Err("timed out"));
    played.pass_until(secs(60));
    assert_eq!(played.checks.last(), Some(&second));
    played.answer([Verdict::Held]);
    assert_eq!(played.kind(), Some(EndingKind::Ready));
}

#[test]
fn a_check_that_fails_while_a_later_one_is_under_way_changes_nothing() {
    let (mut played, [first, second]) = mk_overtaken("a, tcp://redis:6379");
    played.end(first, Err("timed out"));
    played.pass_until(secs(60));
    assert_eq!(played.checks.last(), Some(&second));
    assert_eq!(played.said("timed out"), 0, "{:#?}", played.log);
    played.end(second, Ok(()));
    played.answer([Verdict::Held]);
    assert_eq!(played.kind(), Some(EndingKind::Ready));
}

#[test]
fn a_check_that_holds_counts_although_a_later_one_is_under_way() {
    let (mut played, [first, second]) = mk_overtaken("a, tcp://redis:6379");
    played.end(first, Ok(()));
    played.end(second, Err("connection refused"));
    played.answer([Verdict::Held]);
    assert_eq!(played.kind(), Some(EndingKind::Ready));
}

#[test]
fn nudges_never_end_a_wait() {
    for readiness in ServiceReadiness::ALL {
        let mut played = Played::of("a, tcp://redis:6379");
        played.probe(1, Err("connection refused"));
        played.answer_with([Verdict::Held], [readiness]);
        played.pass_until(secs(600));
        assert_eq!(played.kind(), None, "{readiness:?}");
    }
}

#[test]
fn a_wait_for_probes_alone_asks_for_nudges_once_a_probe_has_failed() {
    let mut played = Played::of("tcp://redis:6379");
    played.pass_until(secs(1));
    assert!(played.asked.is_empty());
    played.probe(0, Err("connection refused"));
    assert_eq!(played.asked[0].nudges, ["service:redis@default"]);
    assert!(played.asked[0].terms.is_empty());
    while played.now < secs(60) {
        played.lose_the_store();
        played.pass_until(played.now + secs(5));
    }
    assert!(played.asked.len() > 10);
    assert_eq!(played.said("store"), 0, "{:#?}", played.log);
    assert_eq!(played.wait.without_store(played.now), Duration::ZERO);
    played.probe(0, Ok(()));
    assert_eq!(played.kind(), Some(EndingKind::Ready));
}

#[test]
fn a_release_by_hand_ends_every_wait_well() {
    let failed = Verdict::Failed("exists".to_owned());
    for (overdue, verdict) in [
        (None, missing("does not exist")),
        (None, failed.clone()),
        (Some(mk_overdue()), failed),
    ] {
        let plan = Plan {
            overdue,
            ..mk_plan("!a, tcp://redis:6379")
        };
        let mut played = Played::begin(plan, secs(100));
        played.now = secs(103);
        played.release([verdict]);
        assert_eq!(played.kind(), Some(EndingKind::Ready));
        assert_eq!(
            played.message(),
            "Released by hand after 1m43s: the mirror is down"
        );
    }
}

#[test]
fn while_nothing_but_a_probe_fails_the_store_is_asked_for_a_release() {
    let mut played = Played::of("a, tcp://192.0.2.1:6379");
    played.probe(1, Err("connection refused"));
    played.answer([Verdict::Held]);
    played.pass_until(secs(50));
    let question = played.asked.last().unwrap().clone();
    assert_eq!((played.asked.len(), question.terms.len()), (2, 0));
    assert_eq!(
        question.revision.as_deref(),
        Some("e-1"),
        "the store holds it"
    );
    played.answer([]);
    assert_eq!(played.kind(), None);
    played.probe(1, Ok(()));
    assert_eq!(played.asked.last().unwrap().terms, [0], "confirms the term");
    played.answer([Verdict::Held]);
    assert_eq!(played.kind(), Some(EndingKind::Ready));
}

#[test]
fn a_store_that_is_lost_beside_a_failing_probe_is_asked_for_its_terms_afterwards() {
    let mut played = Played::of("a, tcp://192.0.2.1:6379");
    played.probe(1, Err("connection refused"));
    played.answer([Verdict::Held]);
    played.pass_until(secs(2));
    for _ in 0..2 {
        played.lose_the_store();
        played.pass_until(played.now + secs(2));
    }
    played.probe(1, Ok(()));
    played.lose_the_store();
    played.pass_until(played.now + secs(5));
    assert_eq!(played.asked.last().unwrap().terms, [0]);
    played.answer([Verdict::Held]);
    assert_eq!(played.kind(), Some(EndingKind::Ready));
}

#[test]
fn a_wait_for_probes_alone_ends_with_a_release_and_never_for_the_store() {
    let mut played = Played::of("tcp://192.0.2.1:6379");
    assert!(played.asked.is_empty());
    played.probe(0, Err("connection refused"));
    assert!(played.asked[0].terms.is_empty());
    played.refuse("answered 404: what is this?");
    played.pass_until(secs(1));
    played.lose_the_store();
    assert_eq!((played.kind(), played.said("store")), (None, 0));
    // An older store answers at once.
    while played.now < secs(60) {
        let next = played.asked.len();
        played.answer([]);
        while played.asked.len() == next {
            let wake = played.wait.wake_at().unwrap();
            played.pass_until(wake);
        }
    }
    assert!(
        played.asked.len() < 18,
        "asked {} times",
        played.asked.len()
    );
    played.release([]);
    assert_eq!(played.kind(), Some(EndingKind::Ready));
}

#[test]
fn a_store_that_knows_no_nudges_is_asked_without() {
    let mut played = Played::of("a, tcp://redis:6379");
    played.refuse("answered 400: unknown field `nudges`");
    assert_eq!((played.asked.len(), played.kind()), (2, None));
    assert!(played.asked[1].nudges.is_empty());
    played.answer([Verdict::Held]);
    played.pass_until(secs(60));
    assert_eq!(played.asked.len(), 2, "it would not hold its answer");
    played.probe(1, Ok(()));
    played.answer([Verdict::Held]);
    assert_eq!(played.kind(), Some(EndingKind::Ready));
}

#[test]
fn a_store_that_refuses_the_terms_refuses_them_without_nudges_too() {
    let mut played = Played::of("job:x, tcp://redis:6379");
    played.refuse("answered 400: this store watches no objects");
    assert_eq!(played.kind(), None);
    played.refuse("answered 400: this store watches no objects");
    assert_eq!(played.kind(), Some(EndingKind::Refused));
}

#[test]
fn a_refusal_for_another_reason_than_the_member_ends_the_nudges_for_a_minute() {
    for terms in ["tcp://redis:6379", "a, tcp://redis:6379"] {
        let mut played = Played::of(terms);
        played.probe(played.checks[0].term, Err("connection refused"));
        played.refuse("answered 403: not now");
        played.answer([Verdict::Held]);
        let asks_for_nudges = |played: &Played| !played.asked.last().unwrap().nudges.is_empty();
        let mut nudged_at = None;
        let mut answered = played.asked.len();
        while played.now < secs(90) && nudged_at.is_none() {
            let wake = played.wait.wake_at().unwrap();
            played.pass_until(wake);
            let last = *played.checks.last().unwrap();
            played.end(last, Err("connection refused"));
            if played.asked.len() > answered && asks_for_nudges(&played) {
                nudged_at = Some(played.now);
            } else if played.asked.len() > answered {
                answered = played.asked.len();
                played.answer([Verdict::Held]);
            }
        }
        let nudged_at = nudged_at.expect(terms);
        assert!(
            (60..=66).contains(&nudged_at.as_secs()),
            "{terms}: {nudged_at:?}"
        );
    }
}

#[test]
fn a_store_that_knows_no_nudges_is_probed_at_the_pace_of_one_that_sends_none() {
    let mut played = Played::of("!a, tcp://redis:6379");
    played.probe(1, Err("connection refused"));
    played.answer_with([Verdict::Held], [Unready]);
    played.pass_until(secs(70));
    played.refuse("answered 400: unknown field `nudges`");
    played.answer([Verdict::Held]);
    played.probe(1, Err("connection refused"));
    let (begun, made) = (played.now, played.checks.len());
    while played.checks.len() == made {
        let wake = played.wait.wake_at().unwrap();
        played.pass_until(wake);
    }
    let pause = played.now.saturating_sub(begun);
    assert!(pause <= secs(2), "{pause:?}");
}

#[test]
fn a_store_that_forgets_its_nudges_goes_without_when_it_is_back() {
    let mut played = Played::of("a, tcp://redis:6379");
    played.answer([missing("does not exist")]);
    for _ in 0..3 {
        played.pass_until(played.now + secs(1));
        played.lose_the_store();
    }
    played.pass_until(secs(10));
    played.refuse("answered 400: unknown field `nudges`");
    played.answer([Verdict::Held]);
    assert_eq!(played.said("The store is back"), 1);
}

#[test]
fn a_request_has_no_more_nudges_than_it_has_room_for() {
    let terms = (0..250).map(|index| format!("v/{index}"));
    let probes = (0..20).map(|index| format!("tcp://redis-{index}:1"));
    let played = Played::of(&terms.chain(probes).collect::<Vec<_>>().join(","));
    assert_eq!(played.asked[0].terms.len(), 250);
    assert_eq!(played.asked[0].nudges.len(), 6);
}

#[test]
fn an_optional_term_is_given_up_after_its_own_time_with_a_warning() {
    let mut played = Played::of("a, ?cache/warm within 30s");
    played.answer([Verdict::Held, missing("does not exist")]);
    played.pass_until(secs(30));
    assert_eq!(
        played.log.last().unwrap(),
        "Warning: gave up ?cache/warm within 30s after 30s: does not exist"
    );
    let question = played.asked.last().unwrap();
    assert_eq!((&*question.terms, &question.revision), (&[0][..], &None));
    played.answer([Verdict::Held]);
    assert_eq!(
        played.message(),
        "Ready after 30s: a; given up: ?cache/warm within 30s (does not exist)"
    );
}

#[test]
fn an_answer_to_an_abandoned_question_is_passed_over() {
    let mut played = Played::of("a, ?b within 10s");
    played.answer([missing("does not exist"), missing("does not exist")]);
    played.pass_until(secs(5));
    let abandoned = played.asked.last().unwrap().number;
    played.pass_until(secs(10));
    let answer = Ok(Answer {
        revision: "e-9".to_owned(),
        verdicts: vec![Verdict::Held, Verdict::Held],
        nudges: Vec::new(),
        released: None,
    });
    played.take(Event::Answered {
        number: abandoned,
        answer,
    });
    assert_eq!(played.kind(), None);
    played.answer([Verdict::Held]);
    assert_eq!(played.kind(), Some(EndingKind::Ready));
}

#[test]
fn an_optional_probe_is_given_up_too() {
    let mut played = Played::of("?tcp://redis:6379");
    played.probe(0, Err("connection refused"));
    played.pass_until(secs(31));
    assert_eq!(played.kind(), Some(EndingKind::Ready));
    assert_eq!(played.now, secs(30));
    assert!(
        played
            .message()
            .ends_with("given up: ?tcp://redis:6379 (connection refused)")
    );
}

#[test]
fn a_required_term_times_out_by_its_own_time() {
    let mut played = Played::of("a, b within 10s");
    played.answer([missing("does not exist"), missing("1 of 2")]);
    played.pass_until(secs(60));
    assert_eq!(
        (played.kind(), played.now),
        (Some(EndingKind::TimedOut), secs(10))
    );
    assert_eq!(
        played.message(),
        "Timed out after 10s: still missing b within 10s (1 of 2)"
    );
}

#[test]
fn a_terms_own_time_ends_when_it_first_holds() {
    let mut played = Played::of("a, b within 10s, ?c within 10s");
    played.answer([missing("x"), Verdict::Held, Verdict::Held]);
    played.pass_until(secs(1));
    played.answer([missing("x"), missing("gone again"), missing("gone again")]);
    played.pass_until(secs(3600));
    assert_eq!(played.kind(), None);
    assert_eq!(played.said("gave up"), 0);
}

#[test]
fn the_whole_wait_times_out() {
    let plan = Plan {
        timeout: Some(Timeout::from_secs(300)),
        ..mk_plan("a, b")
    };
    let mut played = Played::begin(plan, Duration::ZERO);
    played.answer([Verdict::Held, missing("does not exist")]);
    played.pass_until(secs(900));
    assert_eq!(
        (played.kind(), played.now),
        (Some(EndingKind::TimedOut), secs(300))
    );
    assert_eq!(
        played.message(),
        "Timed out after 5m: still missing b (does not exist) for 5m"
    );
}

#[test]
fn a_policy_of_proceeding_ends_well_with_a_warning() {
    let plan = Plan {
        timeout: Some(Timeout::from_secs(60)),
        policy: TimeoutPolicy::Proceed,
        ..mk_plan("a, b within 10s")
    };
    let mut played = Played::begin(plan, Duration::ZERO);
    played.answer([missing("does not exist"), missing("does not exist")]);
    played.pass_until(secs(10));
    assert_eq!(played.said("Warning: gave up b within 10s after 10s"), 1);
    played.answer([missing("does not exist")]);
    played.pass_until(secs(61));
    assert_eq!(played.kind(), Some(EndingKind::Ready));
    assert_eq!(
        played.message(),
        "Warning: proceeding after 1m without a (does not exist) for 1m"
    );
}

#[test]
fn timeouts_count_from_the_pods_first_wait_but_every_process_has_a_look() {
    let plan = Plan {
        timeout: Some(Timeout::from_secs(60)),
        ..mk_plan("a, ?b")
    };
    let mut held = Played::begin(plan.clone(), secs(100));
    assert_eq!(held.kind(), None);
    held.answer([Verdict::Held, Verdict::Held]);
    assert_eq!(held.kind(), Some(EndingKind::Ready));
    let mut not_held = Played::begin(plan.clone(), secs(100));
    not_held.answer([missing("x"), missing("x")]);
    assert_eq!(not_held.kind(), Some(EndingKind::TimedOut));
    let mut silent = Played::begin(plan, secs(100));
    silent.pass_until(secs(200));
    assert_eq!(silent.kind(), Some(EndingKind::TimedOut));
    assert!(silent.now < secs(103), "{:?}", silent.now);
}

#[test]
fn time_without_the_store_does_not_count() {
    let denied = || Lost::Denied("this is not your pod".to_owned());
    let unreachable = || Lost::Unreachable("connection refused".to_owned());
    for lost in [denied, unreachable] {
        let plan = Plan {
            timeout: Some(Timeout::from_secs(60)),
            ..mk_plan("a")
        };
        let mut played = Played::begin(plan, Duration::ZERO);
        played.answer([missing("does not exist")]);
        played.pass_until(secs(20));
        while played.now < secs(120) {
            played.lose(lost());
            let next = played.asked.len();
            while played.asked.len() == next {
                let wake = played.wait.wake_at().unwrap();
                played.pass_until(wake);
            }
        }
        assert_eq!(played.kind(), None);
        let asked = played.asked.len();
        assert!((20..60).contains(&asked), "asked {asked} times in 100 s");
        played.answer([missing("does not exist")]);
        let back = played.now;
        played.pass_until(secs(1000));
        assert_eq!(played.kind(), Some(EndingKind::TimedOut));
        assert_eq!(played.now, back + secs(40));
        let without = played.wait.without_store(played.now);
        assert_eq!(without + secs(20), back);
    }
}

#[test]
fn time_without_the_store_in_an_earlier_process_does_not_count() {
    let plan = Plan {
        timeout: Some(Timeout::from_secs(60)),
        without_store: secs(30),
        ..mk_plan("a")
    };
    let mut played = Played::begin(plan, secs(50));
    played.answer([missing("does not exist")]);
    played.pass_until(secs(200));
    assert_eq!(played.kind(), Some(EndingKind::TimedOut));
    assert_eq!(played.now, secs(90));
    assert_eq!(played.wait.without_store(played.now), secs(30));
}

#[test]
fn an_outage_is_said_once_and_its_end_too() {
    let mut played = Played::of("a");
    played.answer([missing("does not exist")]);
    played.pass_until(secs(10));
    played.lose_the_store();
    assert_eq!(played.said("no answer"), 0, "a held answer may break off");
    for _ in 0..3 {
        played.pass_until(played.now + secs(1));
        played.lose_the_store();
    }
    assert_eq!(
        played.said("Warning: no answer from the store: connection refused; trying again"),
        1
    );
    played.pass_until(secs(30));
    assert_eq!(played.asked.last().unwrap().revision, None, "asked anew");
    assert!(
        played
            .log
            .last()
            .unwrap()
            .ends_with("; no answer from the store for 20s: connection refused"),
        "{:#?}",
        played.log
    );
    played.answer([missing("does not exist")]);
    assert_eq!(played.said("The store is back after 20s"), 1);
}

#[test]
fn a_question_that_was_held_and_breaks_off_is_asked_again_very_soon_and_then_with_pauses() {
    let mut played = Played::of("a");
    played.answer([missing("x")]);
    played.pass_until(secs(10));
    let asked = played.asked.len();
    played.lose_the_store();
    let soon = played.wait.wake_at().unwrap();
    let latest = secs(10) + Duration::from_millis(SPREAD_MILLIS);
    assert!(soon <= latest, "{soon:?}");
    played.pass_until(soon);
    assert_eq!(played.asked.len(), asked + 1);
    played.lose_the_store();
    assert!(played.wait.wake_at().unwrap() > played.now);
}

#[test]
fn clients_whose_questions_break_off_together_do_not_ask_again_together() {
    let again = |seed| {
        let plan = Plan {
            random: fastrand::Rng::with_seed(seed),
            ..mk_plan("a")
        };
        let mut played = Played::begin(plan, Duration::ZERO);
        played.answer([missing("x")]);
        played.pass_until(secs(10));
        played.lose_the_store();
        played.wait.wake_at().unwrap()
    };
    let moments: BTreeSet<_> = (0..100).map(again).collect();
    assert!(moments.len() > 50, "{moments:?}");
}

#[test]
fn a_question_that_breaks_off_again_and_again_is_not_asked_as_often() {
    let mut played = Played::of("a");
    while played.now < secs(60) {
        // Another replica answers, and holds no question either.
        let asked = played.asked.len();
        played.answer([missing("x")]);
        while played.asked.len() == asked {
            let wake = played.wait.wake_at().unwrap();
            played.pass_until(wake);
        }
        let asked = played.asked.len();
        played.lose_the_store();
        while played.asked.len() == asked {
            let wake = played.wait.wake_at().unwrap();
            played.pass_until(wake);
        }
    }
    let asked = played.asked.len();
    assert!(asked < 1_000, "asked {asked} times in a minute");
}

#[test]
fn a_refusal_of_the_store_ends_the_wait() {
    let mut played = Played::of("a");
    played.refuse("answered 400: no such kind");
    assert_eq!(played.kind(), Some(EndingKind::Refused));
    assert_eq!(
        played.message(),
        "Refused after 0ms: answered 400: no such kind"
    );
}

#[test]
fn after_a_failure_it_stays_inside_and_says_since_when_it_is_overdue() {
    let plan = Plan {
        timeout: Some(Timeout::from_secs(60)),
        overdue: Some(mk_overdue()),
        ..mk_plan("a, b within 10s, !c")
    };
    let mut played = Played::begin(plan, secs(100));
    played.answer([
        missing("does not exist"),
        missing("x"),
        Verdict::Failed("exists".to_owned()),
    ]);
    assert_eq!(
        played.log.last().unwrap(),
        "Overdue for 40s, since 2026-11-24T08:00:00Z (timed out after 1m): still waiting for 3 of \
         3: a (does not exist), b within 10s (x), !c (exists) for 1m40s"
    );
    played.pass_until(secs(104));
    assert_eq!(
        played.asked.len(),
        1,
        "a store answers at once while a term fails"
    );
    played.pass_until(secs(106));
    played.answer([missing("does not exist"), Verdict::Held, Verdict::Held]);
    played.pass_until(secs(9000));
    assert_eq!(played.kind(), None);
    played.answer([Verdict::Held, Verdict::Held, Verdict::Held]);
    assert_eq!(
        played.kind(),
        Some(EndingKind::Ready),
        "better late than never"
    );
}

#[test]
fn what_failed_is_no_matter_of_time() {
    let plan = Plan {
        timeout: Some(Timeout::from_secs(60)),
        policy: TimeoutPolicy::Proceed,
        overdue: Some(mk_overdue()),
        ..mk_plan("!c")
    };
    let mut played = Played::begin(plan, secs(100));
    played.answer([Verdict::Failed("exists".to_owned())]);
    played.pass_until(secs(101));
    assert_eq!(played.kind(), None);
}

#[test]
fn says_what_is_missing_at_a_falling_rate() {
    let mut played = Played::of("a");
    played.answer([missing("does not exist")]);
    let mut moments = vec![played.now.as_secs()];
    while played.now < secs(1200) {
        let lines = played.log.len();
        let wake = played.wait.wake_at().unwrap();
        played.pass_until(wake);
        if played.log.len() > lines {
            moments.push(played.now.as_secs());
        }
    }
    assert_eq!(moments, [0, 5, 30, 60, 120, 240, 540, 840, 1140, 1440]);
}

#[test]
fn says_soon_what_has_changed_but_not_at_every_change() {
    let mut played = Played::of("a, b");
    played.answer([missing("x"), missing("x")]);
    for second in 1..=60 {
        played.pass_until(secs(second));
        let flapping = if second % 2 == 0 {
            missing("x")
        } else {
            Verdict::Held
        };
        played.answer([missing("x"), flapping]);
    }
    let lines = played.said("Waiting for");
    assert!((4..=13).contains(&lines), "{lines} lines in a minute");
}

#[test]
fn the_first_answer_is_followed_by_the_held_question_without_a_pause() {
    let mut played = Played::of("a");
    played.answer([missing("x")]);
    assert_eq!(played.asked.len(), 2);
    assert!(played.asked[1].revision.is_some());
}

#[test]
fn a_store_that_answers_at_once_again_and_again_is_not_asked_as_often() {
    let mut played = Played::of("a");
    while played.now < secs(1) {
        let asked = played.asked.len();
        played.answer([missing("x")]);
        while played.asked.len() == asked {
            let wake = played.wait.wake_at().unwrap();
            played.pass_until(wake);
        }
    }
    assert!(
        played.asked.len() <= 12,
        "asked {} times in a second",
        played.asked.len()
    );
}

#[test]
fn a_long_list_is_named_in_part() {
    let terms: Vec<_> = (0..40).map(|index| format!("v/{index}")).collect();
    let mut played = Played::of(&terms.join(","));
    played.answer(vec![missing("does not exist"); 40]);
    assert!(
        played.log[0].ends_with("v/11 and 28 more"),
        "{}",
        played.log[0]
    );
    assert!(played.log[1].starts_with("Waiting for 40 of 40: v/0 (does not exist), "));
}

#[test]
fn who_is_stopped_says_what_was_missing() {
    let mut played = Played::of("a, b");
    played.answer([Verdict::Held, missing("does not exist")]);
    played.pass_until(secs(4));
    assert_eq!(
        played.wait.stopped_by("SIGTERM", played.now),
        "Stopped by SIGTERM after 4s: still missing b (does not exist) for 4s"
    );
}

#[test]
fn a_deadline_that_goes_by_before_anybody_sleeps_is_still_due() {
    let mut plan = mk_plan("never/there");
    plan.timeout = Some(Timeout::from_secs(10));
    let mut played = Played::begin(plan, Duration::ZERO);
    played.now = secs(9);
    played.answer([missing("does not exist")]);
    // What the answer asked for took its time.
    played.now = secs(11);
    assert_eq!(played.wait.wake_at(), Some(secs(10)));
    played.take(Event::Tick);
    assert_eq!(played.kind(), Some(EndingKind::TimedOut));
}
