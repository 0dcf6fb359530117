//! What was true a moment ago is judged as it was judged then.

use proptest::prelude::*;

use oncue_language::{Condition, Grace, Keys, Namespace, ObjectKind, State, Term};

use super::*;
use crate::{
    assertion::{Assertion, AssertionId, Kind, Owner},
    cross_namespace::{CrossNamespace, Policy},
};

const NAMES: [&str; 5] = ["a", "a/b", "a/b/c", "a-b", "d"];

const TERMS: [&str; 9] = [
    "a", "a/b>=2", "a/*", "a/*>=2", "a/b/*", "!d", "a-b", "job:m", "!job:m",
];

#[derive(Clone, Debug)]
enum Step {
    Mutate(Mutation),
    Object(Option<ObjectState>),
    /// Who may read the default namespace.
    Readers(Option<&'static str>),
}

fn mk_world() -> World {
    World::new(Epoch::new(7))
}

fn mk_conditions<'a>(terms: impl IntoIterator<Item = &'a str>) -> Vec<Condition> {
    let condition = |term: &str| {
        let term: Term = term.parse().unwrap();
        term.condition(&Namespace::default()).unwrap().unwrap()
    };
    terms.into_iter().map(condition).collect()
}

fn mk_key(name: &str) -> VariableKey {
    VariableKey::new(Namespace::default(), name.parse().unwrap())
}

fn mk_job() -> ObjectKey {
    ObjectKey::named(ObjectKind::Job, Some(Namespace::default()), "m")
}

fn mk_assert(name: &str, owner: u8, value: &str) -> Mutation {
    let owner = Owner::pod(Namespace::default(), owner.to_string(), "uid");
    let assertion = Assertion {
        id: AssertionId::of(owner, Kind::Live),
        value: Some(value.parse().unwrap()),
        since: Timestamp::default(),
        expires: None,
    };
    Mutation {
        key: mk_key(name),
        action: Action::Assert {
            assertion,
            existing: Existing::Replace,
        },
    }
}

fn steps() -> impl Strategy<Value = Step> {
    let name = || prop::sample::select(NAMES.as_slice());
    let delete = |name| Mutation {
        key: mk_key(name),
        action: Action::Delete,
    };
    let object = prop_oneof![
        Just(None),
        Just(Some(ObjectState::Holds)),
        Just(Some(ObjectState::Failed {
            reason: "has failed".to_owned(),
            since: None,
        })),
    ];
    prop_oneof![
        4 => (name(), 0..3u8).prop_map(|(name, owner)| Step::Mutate(mk_assert(name, owner, "v"))),
        3 => name().prop_map(move |name| Step::Mutate(delete(name))),
        1 => object.prop_map(Step::Object),
        1 => prop::option::of(prop::sample::select(["*", "shop", "other"].as_slice()))
            .prop_map(Step::Readers),
    ]
}

fn take(world: &mut World, step: Step) {
    match step {
        Step::Mutate(mutation) => {
            for update in mutation.decide(world.variables()).updates {
                world.update(update);
            }
        }
        Step::Object(state) => {
            world.set_object(&mk_job(), state);
        }
        Step::Readers(value) => {
            world.set_readers(&Namespace::default(), value.map(Readers::from));
        }
    }
}

/// Returns a world that shows nothing without an annotation.
fn mk_closed_world() -> World {
    let mut world = mk_world();
    world.set_policy(Policy::new(CrossNamespace::Annotated, [], &Keys::default()));
    world.know_namespaces(Knowledge::Complete);
    world
}

fn states(conditions: &[Condition], view: &impl View) -> Vec<State> {
    verdicts(conditions, view).iter().map(State::of).collect()
}

proptest! {
    #[test]
    fn the_past_is_judged_as_it_was_then(steps in prop::collection::vec(steps(), 1..60)) {
        let conditions = mk_conditions(TERMS);
        let mut world = mk_closed_world();
        let readers = [None, Some("shop".parse().unwrap()), Some(Namespace::default())];
        let judged = |world: &World| {
            readers.each_ref().map(|reader| {
                verdicts(&conditions, &ReadBy::new(world, reader.as_ref(), Grace::Over))
            })
        };
        let mut then = vec![(world.revision(), judged(&world))];
        for step in steps {
            take(&mut world, step);
            then.push((world.revision(), judged(&world)));
        }
        for (revision, verdicts_then) in then {
            let past = world.at(revision).unwrap();
            prop_assert!(past.can_judge(&conditions, Grace::Over));
            let judged = readers.each_ref().map(|reader| {
                verdicts(&conditions, &ReadBy::new(&past, reader.as_ref(), Grace::Over))
            });
            prop_assert_eq!(judged, verdicts_then, "{}", revision);
        }
    }
}

#[test]
fn a_value_that_may_have_changed_cannot_be_judged() {
    let conditions = mk_conditions(["a=v"]);
    let mut world = mk_world();
    take(&mut world, Step::Mutate(mk_assert("a", 0, "v")));
    let before = world.revision();
    take(&mut world, Step::Mutate(mk_assert("d", 0, "w")));
    assert!(
        world
            .at(before)
            .unwrap()
            .can_judge(&conditions, Grace::Over)
    );
    take(&mut world, Step::Mutate(mk_assert("a", 0, "w")));
    assert!(
        !world
            .at(before)
            .unwrap()
            .can_judge(&conditions, Grace::Over)
    );
}

/// Asserts `name` by an owner at the second `since`.
fn mk_assert_at(name: &str, owner: u8, since: u64) -> Step {
    let mut mutation = mk_assert(name, owner, "v");
    if let Action::Assert { assertion, .. } = &mut mutation.action {
        assertion.since = Timestamp::from_millis(since * 1_000);
    }
    Step::Mutate(mutation)
}

#[test]
fn a_failure_is_as_new_as_its_newest_assertion() {
    let created = Timestamp::from_millis(9_000);
    let grace = Grace::of_pod(created, created);
    let mut world = mk_world();
    for (name, owner, since) in [("a", 0, 9), ("a/b", 0, 1), ("a/b", 1, 10), ("d/e", 0, 9)] {
        take(&mut world, mk_assert_at(name, owner, since));
    }
    for (term, state) in [
        ("!a", State::Held),
        ("!a=v", State::Held),
        ("!a/b", State::Failed),
        ("!a/b=v", State::Failed),
        ("!a/b=w", State::Held),
        ("!a/b>=2", State::Failed),
        ("!a/b>=3", State::Held),
        ("!a/*", State::Failed),
        ("!d/*", State::Held),
        ("a, d/e, a/b", State::Held),
    ] {
        let conditions = mk_conditions(term.split(", "));
        let states = states(&conditions, &ReadBy::new(&world, None, grace));
        assert_eq!(State::together(states), state, "{term}");
    }
}

#[test]
fn a_new_failure_counts_however_many_old_ones_are_beside_it() {
    let created = Timestamp::from_millis(9_000);
    let grace = Grace::of_pod(created, created);
    let mut world = mk_world();
    for number in 0..1_100 {
        // These stand before `a/`.
        take(&mut world, mk_assert_at(&format!("a-{number}"), 0, 1));
        take(&mut world, mk_assert_at(&format!("a/{number:04}"), 0, 1));
    }
    let conditions = mk_conditions(["!a/*", "!a/z=v"]);
    let judged = |world: &World| states(&conditions, &ReadBy::new(world, None, grace));
    assert_eq!(judged(&world), [State::Held, State::Held]);
    take(&mut world, mk_assert_at("a/z", 0, 10));
    assert_eq!(judged(&world), [State::Failed, State::Failed]);
    let delete = Mutation {
        key: mk_key("a/z"),
        action: Action::Delete,
    };
    take(&mut world, Step::Mutate(delete));
    assert_eq!(judged(&world), [State::Held, State::Held]);
}

#[test]
fn another_value_is_a_new_failure_and_the_same_one_is_not() {
    let created = Timestamp::from_millis(9_000);
    let grace = Grace::of_pod(created, created);
    let conditions = mk_conditions(["!a=failed", "!a"]);
    for (before, state) in [("failed", State::Held), ("running", State::Failed)] {
        let mut world = mk_world();
        for (value, since) in [(before, 1), ("failed", 10)] {
            let mut mutation = mk_assert("a", 0, value);
            if let Action::Assert { assertion, .. } = &mut mutation.action {
                assertion.since = Timestamp::from_millis(since * 1_000);
            }
            take(&mut world, Step::Mutate(mutation));
        }
        let judged = states(&conditions, &ReadBy::new(&world, None, grace));
        assert_eq!(judged, [state, state], "{before}");
    }
}

#[test]
fn moments_that_may_have_changed_cannot_be_judged() {
    let conditions = mk_conditions(["!a", "!d/*"]);
    let grace = Grace::of_pod(Timestamp::default(), Timestamp::default());
    for (changed, owner) in [("a", 0), ("d/e", 0), ("d/old", 1)] {
        let mut world = mk_world();
        take(&mut world, mk_assert_at("d/old", 0, 0));
        let before = world.revision();
        take(&mut world, mk_assert_at("a-b", 0, 1));
        assert!(world.at(before).unwrap().can_judge(&conditions, grace));
        take(&mut world, mk_assert_at(changed, owner, 1));
        let past = world.at(before).unwrap();
        assert!(!past.can_judge(&conditions, grace), "{changed}");
        assert!(past.can_judge(&conditions, Grace::Over), "{changed}");
    }
}

#[test]
fn nobody_knows_what_is_long_past_in_the_future_or_of_another_epoch() {
    let mut world = mk_world();
    let first = world.revision();
    for number in 0..4096 {
        take(
            &mut world,
            Step::Mutate(mk_assert("a", 0, &number.to_string())),
        );
    }
    assert!(world.at(first).is_some());
    take(&mut world, Step::Mutate(mk_assert("a", 0, "last")));
    assert!(world.at(first).is_none());
    let next = |revision: Revision| Revision {
        number: revision.number + 1,
        ..revision
    };
    assert!(world.at(world.revision()).is_some());
    assert!(world.at(next(world.revision())).is_none());
    let other_epoch = Revision {
        epoch: Epoch::new(8),
        ..world.revision()
    };
    assert!(world.at(other_epoch).is_none());
}

#[test]
fn what_changes_nothing_makes_no_revision() {
    let mut world = mk_world();
    let mutation = mk_assert("a", 0, "v");
    take(&mut world, Step::Mutate(mutation.clone()));
    take(&mut world, Step::Object(None));
    let revision = world.revision();
    take(&mut world, Step::Mutate(mutation));
    take(&mut world, Step::Object(None));
    assert_eq!(world.revision(), revision);
}

#[test]
fn what_an_object_is_like_is_told_apart_from_its_state() {
    let conditions = mk_conditions(["job:m"]);
    let mut world = mk_world();
    assert_eq!(states(&conditions, &world), [State::Missing]);
    let before = world.revision();
    let pending = |text: &str| Some(ObjectState::Pending(text.to_owned()));
    take(&mut world, Step::Object(pending("0 of 1")));
    assert_ne!(world.revision(), before);
    assert_eq!(
        states(&conditions, &world.at(before).unwrap()),
        [State::Missing]
    );
    take(&mut world, Step::Object(Some(ObjectState::Holds)));
    assert_eq!(states(&conditions, &world), [State::Held]);
}

fn names_in(page: &Page) -> Vec<String> {
    let names = page.assertions.iter();
    names
        .map(|(key, _)| format!("{}/{}", key.namespace, key.name))
        .collect()
}

/// Reads all pages.
fn listed(world: &World, scope: &Scope, limit: usize) -> Vec<String> {
    let mut names = Vec::new();
    let mut position = None;
    loop {
        let page = world.page(scope, limit, position);
        assert!(page.assertions.len() <= limit);
        names.extend(names_in(&page));
        match page.next {
            Some(next) => position = Some(next),
            None => return names,
        }
    }
}

fn in_namespace(namespace: &str, mutation: Mutation) -> Mutation {
    let key = VariableKey::new(namespace.parse().unwrap(), mutation.key.name);
    Mutation { key, ..mutation }
}

#[test]
fn pages_of_any_size_hold_what_is_in_their_scope_and_nothing_else() {
    let mut world = mk_world();
    for namespace in ["default", "m", "z"] {
        for name in ["a", "a-b", "a/x", "a/x/y", "a0", "b"] {
            for owner in 0..3 {
                let mutation = in_namespace(namespace, mk_assert(name, owner, "v"));
                take(&mut world, Step::Mutate(mutation));
            }
        }
    }
    let below = |namespace: Option<&str>, names| Scope {
        namespace: namespace.map(|it| it.parse().unwrap()),
        names,
    };
    let a = || "a".parse().unwrap();
    let three = |names: &[&str]| -> Vec<String> {
        names
            .iter()
            .flat_map(|it| [(); 3].map(|()| (*it).to_owned()))
            .collect()
    };
    for limit in 1..20 {
        let scope = below(Some("m"), Names::AtOrBelow(a()));
        let expected = three(&["m/a", "m/a/x", "m/a/x/y"]);
        assert_eq!(listed(&world, &scope, limit), expected, "{limit}");
        let scope = below(None, Names::Only(a()));
        let expected = three(&["default/a", "m/a", "z/a"]);
        assert_eq!(listed(&world, &scope, limit), expected, "{limit}");
        assert_eq!(listed(&world, &Scope::default(), limit).len(), 54);
        let nothing = below(Some("n"), Names::All);
        assert!(listed(&world, &nothing, limit).is_empty());
    }
}

#[test]
fn a_page_passes_what_it_has_listed_and_nothing_else() {
    let mut world = mk_world();
    for name in ["a", "b", "c"] {
        take(&mut world, Step::Mutate(mk_assert(name, 0, "v")));
    }
    let position = world.page(&Scope::default(), 2, None).next.unwrap();
    let all = world.page(&Scope::default(), 9, None).assertions;
    let passed: Vec<_> = all
        .iter()
        .map(|(key, it)| position.has_passed(key, &it.id))
        .collect();
    assert_eq!(passed, [true, true, false]);
}

#[test]
fn a_forbidden_term_is_missing_whatever_its_presence_until_the_namespace_permits_it() {
    let conditions = mk_conditions(["a", "!d", "!a", "?a/*", "job:m", "!job:m"]);
    let shop: Namespace = "shop".parse().unwrap();
    let mut world = mk_closed_world();
    take(&mut world, Step::Mutate(mk_assert("a", 0, "v")));
    let judged = |world: &World| {
        let view = ReadBy::new(world, Some(&shop), Grace::Over);
        verdicts(&conditions, &view)
    };
    for verdict in judged(&world) {
        let reason = verdict.reason().unwrap().to_string();
        assert_eq!(State::of(&verdict), State::Missing);
        let expected = "is forbidden: the namespace default must let shop read it, with the \
                        annotation oncue.dev/readable-from: shop";
        assert_eq!(reason, expected);
    }
    let shift = world.set_readers(&Namespace::default(), Some("shop".into()));
    assert_eq!(shift, Some(Shift::Readers(Namespace::default())));
    assert_eq!(judged(&world), verdicts(&conditions, &world));
    let same = world.set_readers(&Namespace::default(), Some("shop".into()));
    assert_eq!(same, None);
}

#[test]
fn without_a_policy_everything_may_be_read() {
    let conditions = mk_conditions(["configmap:x", "a"]);
    let shop = "shop".parse().unwrap();
    let world = mk_world();
    let view = ReadBy::new(&world, Some(&shop), Grace::Over);
    assert_eq!(verdicts(&conditions, &view), verdicts(&conditions, &world));
}
