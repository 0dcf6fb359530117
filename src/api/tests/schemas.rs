//! Each document of the wire format has the members that its schema announces, and no others.

use std::collections::{BTreeMap, BTreeSet};

use oncue_language::{
    Kind, Namespace, Owner, OwnerKind, ServiceReadiness, State, Timeout, Timestamp, Value as Text,
    VariableName,
};
use oncue_wire::{
    AssertRequest, Asserted, Assertion, Bookmark, Branch, Change, CreateRequest, Event, Identity,
    IdentityKind, JudgedTerm, Problem, ProblemCode, Reference, Variable, VariableList,
    VariablePage, VariableTree, WaitAnswer, WaitRequest, Waiter, WaiterList,
    limits::{DEFAULT_PAGE, MAX_BODY_BYTES, MAX_PAGE},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::contract::CONTRACT;

fn namespace() -> Namespace {
    "shop".parse().unwrap()
}

fn name() -> VariableName {
    "a/b".parse().unwrap()
}

fn owner() -> Owner {
    Owner::pod(namespace(), "web-0", "1")
}

fn assertion() -> Assertion {
    Assertion {
        owner: Some(owner()),
        kind: Kind::Live,
        object: Some("mine".into()),
        value: "v".parse().ok(),
        since: Timestamp::default(),
        expires: Some(Timestamp::MAX),
    }
}

fn variable() -> Variable {
    Variable {
        namespace: namespace(),
        name: name(),
        assertions: vec![assertion()],
    }
}

fn judged() -> JudgedTerm {
    JudgedTerm {
        term: "a".to_owned(),
        state: State::Missing,
        reason: Some("does not exist".to_owned()),
    }
}

fn waiter() -> Waiter {
    Waiter {
        pod: Some("web-0".to_owned()),
        namespace: namespace(),
        since: Timestamp::default(),
        terms: vec![judged()],
    }
}

fn revision() -> String {
    "e-1".to_owned()
}

fn keys(object: &Value) -> BTreeSet<String> {
    object.as_object().unwrap().keys().cloned().collect()
}

/// Checks a type by a document with all its members and one with those alone that it must have.
#[track_caller]
fn check<T: DeserializeOwned + Serialize>(schema: &str, full: &T, bare: &T) {
    let (full, bare) = (json!(full), json!(bare));
    let announced = CONTRACT.definition(schema);
    assert_eq!(keys(&announced["properties"]), keys(&full), "{schema}");
    let required: BTreeSet<String> = match &announced["required"] {
        Value::Null => BTreeSet::new(),
        names => serde_json::from_value(names.clone()).unwrap(),
    };
    assert_eq!(required, keys(&bare), "{schema}");
    for document in [full, bare] {
        CONTRACT.validate(schema, &document);
        serde_json::from_value::<T>(document).unwrap();
    }
}

#[test]
fn requests_have_the_members_of_their_schemas() {
    let request = CreateRequest {
        variable: name(),
        namespace: Some(namespace()),
        config: Some(namespace()),
    };
    let bare = CreateRequest {
        namespace: None,
        config: None,
        ..request.clone()
    };
    check("CreateRequest", &request, &bare);
    let request = AssertRequest {
        value: "v".parse().ok(),
        ttl: Some(Timeout::from_secs(90)),
        kind: Some(Kind::Ready),
        owner: Some(owner()),
    };
    check("AssertRequest", &request, &AssertRequest::default());
    let request = WaitRequest {
        terms: vec!["a".to_owned()],
        nudges: vec!["service:redis".to_owned()],
        revision: Some(revision()),
        waiter: Some(owner()),
        since: Some(Timestamp::default()),
    };
    check("WaitRequest", &request, &WaitRequest::default());
    let job = Owner {
        kind: OwnerKind::Job,
        ..owner()
    };
    check("Owner", &job, &owner());
    check("Pod", &owner(), &owner());
}

#[test]
fn variables_have_the_members_of_their_schemas() {
    let bare = Assertion {
        owner: None,
        object: None,
        value: None,
        expires: None,
        ..assertion()
    };
    check("Assertion", &assertion(), &bare);
    let asserted = Asserted {
        namespace: namespace(),
        name: name(),
        assertion: assertion(),
    };
    check("Asserted", &asserted, &asserted);
    check("Variable", &variable(), &variable());
    let branch = Branch {
        variable: Some(variable()),
        children: BTreeMap::from([("a".to_owned(), Branch::default())]),
    };
    check("Branch", &branch, &Branch::default());
    let list = VariableList {
        revision: revision(),
        variables: vec![variable()],
        r#continue: Some("t".to_owned()),
    };
    let bare = VariableList {
        r#continue: None,
        ..list.clone()
    };
    check("VariableList", &list, &bare);
    let page = VariablePage {
        namespace: namespace(),
        name: name(),
        assertions: vec![assertion()],
        r#continue: Some("t".to_owned()),
    };
    let bare = VariablePage {
        r#continue: None,
        ..page.clone()
    };
    check("VariablePage", &page, &bare);
    let tree = VariableTree {
        revision: revision(),
        tree: branch.children,
        r#continue: Some("t".to_owned()),
    };
    let bare = VariableTree {
        r#continue: None,
        ..tree.clone()
    };
    check("VariableTree", &tree, &bare);
    let reference = Reference {
        variable: name(),
        namespace: namespace(),
    };
    check("Reference", &reference, &reference);
}

#[test]
fn waits_have_the_members_of_their_schemas() {
    let bare = JudgedTerm {
        reason: None,
        ..judged()
    };
    check("JudgedTerm", &judged(), &bare);
    let answer = WaitAnswer {
        revision: revision(),
        outcome: State::Missing,
        terms: vec![judged()],
        nudges: ServiceReadiness::ALL.to_vec(),
        released: Some("the mirror is down".to_owned()),
    };
    let bare = WaitAnswer {
        nudges: Vec::new(),
        released: None,
        ..answer.clone()
    };
    check("WaitAnswer", &answer, &bare);
    let bare = Waiter {
        pod: None,
        ..waiter()
    };
    check("Waiter", &waiter(), &bare);
    let list = WaiterList {
        revision: revision(),
        waiters: vec![waiter()],
        r#continue: Some("t".to_owned()),
    };
    let bare = WaiterList {
        r#continue: None,
        ..list.clone()
    };
    check("WaiterList", &list, &bare);
}

#[test]
fn events_have_the_members_of_their_schemas() {
    let change = Change {
        revision: revision(),
        namespace: namespace(),
        name: name(),
        assertion: assertion(),
    };
    for event in [
        Event::Added(change.clone()),
        Event::Deleted(change.clone()),
        Event::Modified(change),
    ] {
        check("Change", &event, &event);
        CONTRACT.validate("Event", &json!(event));
    }
    let bookmark = Event::Bookmark(Bookmark {
        revision: revision(),
    });
    check("Bookmark", &bookmark, &bookmark);
    CONTRACT.validate("Event", &json!(bookmark));
}

#[test]
fn an_identity_has_the_members_of_its_schema() {
    let pod = Identity {
        identity: IdentityKind::Pod,
        namespace: Some(namespace()),
        pod: Some("web-0".to_owned()),
        uid: Some("1".to_owned()),
        node: Some("worker".to_owned()),
        account: Some("default".to_owned()),
    };
    let bare = Identity {
        identity: IdentityKind::Anonymous,
        namespace: None,
        pod: None,
        uid: None,
        node: None,
        account: None,
    };
    check("Identity", &pod, &bare);
}

#[test]
fn a_problem_has_the_members_of_its_schema() {
    let bare = Problem::new(ProblemCode::InvalidTerm, "wrong".to_owned());
    let full = Problem {
        term: Some("a b".to_owned()),
        line: Some(1),
        column: Some(2),
        rule: Some("it is".to_owned()),
        namespace: Some("shop".to_owned()),
        ..bare.clone()
    };
    check("Problem", &full, &bare);
}

#[test]
fn enumerations_have_the_values_of_their_schemas() {
    let announced = |pointer: &str| -> BTreeSet<String> {
        let values = CONTRACT.definition(pointer)["enum"].clone();
        serde_json::from_value(values).unwrap()
    };
    let texts = |values: Value| serde_json::from_value::<BTreeSet<String>>(values).unwrap();
    assert_eq!(announced("Kind"), texts(json!(Kind::ALL)));
    assert_eq!(announced("State"), texts(json!(State::ALL)));
    let readiness = texts(json!(ServiceReadiness::ALL));
    assert_eq!(announced("ServiceReadiness"), readiness);
    let identities = texts(json!(IdentityKind::ALL));
    assert_eq!(announced("Identity/properties/identity"), identities);
    let codes = texts(json!(ProblemCode::ALL));
    assert_eq!(announced("Problem/properties/type"), codes);
}

/// Checks that a text of `maxLength` is read and one that is longer is not.
#[track_caller]
fn check_length<T: DeserializeOwned>(schema: &str) {
    let most = &CONTRACT.definition(schema)["maxLength"];
    let most = usize::try_from(most.as_u64().unwrap()).unwrap();
    let read = |length| serde_json::from_value::<T>("x".repeat(length).into());
    assert!(read(most).is_ok(), "{schema}");
    assert!(read(most + 1).is_err(), "{schema}");
}

#[test]
fn the_document_states_the_real_lengths() {
    check_length::<Namespace>("Namespace");
    check_length::<VariableName>("Name");
    check_length::<Text>("Value");
    let most = &CONTRACT.definition("Identifier")["maxLength"];
    let most = usize::try_from(most.as_u64().unwrap()).unwrap();
    for (length, is_read) in [(0, false), (1, true), (most, true), (most + 1, false)] {
        let mut document = json!(owner());
        document["uid"] = "x".repeat(length).into();
        assert_eq!(serde_json::from_value::<Owner>(document).is_ok(), is_read);
    }
    let limit = CONTRACT.parameter("Limit");
    assert_eq!(limit["schema"]["default"], DEFAULT_PAGE);
    assert_eq!(limit["schema"]["maximum"], MAX_PAGE);
    let too_large = CONTRACT.text("/components/responses/BodyTooLarge/description");
    assert!(
        too_large.contains(&MAX_BODY_BYTES.to_string()),
        "{too_large}"
    );
}
