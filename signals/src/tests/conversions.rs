//! What an object says, and what is written of an assertion.

use k8s_openapi::{apimachinery::pkg::apis::meta::v1::Time, jiff};
use oncue_core::assertion::{Asserter, Assertion, AssertionId, Kind, Owner, OwnerKind, Timestamp};
use oncue_language::{Namespace, VariableKey};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::{Signal, object_name};

type Read = (VariableKey, Assertion);

fn read(metadata: &Value, spec: &Value) -> Result<Read, String> {
    let object = json!({"kind": "Signal", "metadata": metadata, "spec": spec});
    let signal = Signal::read(&object).map_err(|error| error.to_string())?;
    Read::try_from(&signal).map_err(|error| error.to_string())
}

fn mk_metadata(name: &str) -> Value {
    json!({"namespace": "shop", "name": name, "creationTimestamp": "2026-11-27T10:00:00Z"})
}

fn mk_key(name: &str) -> VariableKey {
    VariableKey::new("shop".parse().unwrap(), name.parse().unwrap())
}

fn mk_live() -> (VariableKey, Assertion) {
    let owner = Owner::pod("shop".parse().unwrap(), "first", "u-1");
    let assertion = Assertion {
        id: AssertionId::of(owner, Kind::Live),
        value: Some("v".parse().unwrap()),
        since: "2026-11-27T10:00:00Z".parse().unwrap(),
        expires: None,
    };
    (mk_key("first/container"), assertion)
}

#[test]
fn an_object_under_the_name_that_follows_from_its_content_is_the_assertion_itself() {
    let (key, assertion) = mk_live();
    let metadata = mk_metadata(&object_name(&key, &assertion.id));
    let owner = json!({"kind": "Pod", "name": "first", "uid": "u-1"});
    let spec = json!({"variable": "first/container", "kind": "Live", "value": "v", "owner": owner});
    assert_eq!(read(&metadata, &spec), Ok((key, assertion)));
}

#[test]
fn an_object_under_another_name_is_an_assertion_of_its_own() {
    let (key, assertion) = read(&mk_metadata("mine"), &json!({"variable": "/a//b/"})).unwrap();
    assert_eq!(key, mk_key("a/b"));
    assert_eq!(assertion.id.asserter, Asserter::Hand);
    assert_eq!(assertion.id.kind, Kind::Durable);
    assert_eq!(assertion.id.object.as_deref(), Some("mine"));
    assert_eq!(assertion.since.to_string(), "2026-11-27T10:00:00Z");
}

#[test]
fn the_object_says_since_when_if_its_creation_does_not() {
    let spec = json!({"variable": "a", "since": "2026-11-26T08:00:00.25Z"});
    let (_, assertion) = read(&mk_metadata("mine"), &spec).unwrap();
    assert_eq!(assertion.since.to_string(), "2026-11-26T08:00:00.25Z");
    let manifest = json!({"namespace": "shop", "name": "mine"});
    let (_, assertion) = read(&manifest, &json!({"variable": "a"})).unwrap();
    assert_eq!(assertion.since, Timestamp::default());
}

#[test]
fn what_is_no_assertion_says_what_is_wrong_and_where() {
    let good = json!({"variable": "a"});
    let metadata = mk_metadata("mine");
    let owner = |kind: &str, name: &str| json!({"kind": kind, "name": name, "uid": "u"});
    for (metadata, spec, wrong) in [
        (&metadata, json!(null), "spec: invalid type: null"),
        (&metadata, json!({}), "spec: missing field `variable`"),
        (
            &metadata,
            json!({"variable": "a/.."}),
            "spec.variable: a segment of a variable name",
        ),
        (
            &metadata,
            json!({"variable": 1}),
            "spec.variable: invalid type",
        ),
        (
            &metadata,
            json!({"variable": "a", "value": "v".repeat(4097)}),
            "spec.value: a value has at most 4096",
        ),
        (
            &metadata,
            json!({"variable": "a", "kind": "Dead"}),
            "spec.kind: unknown variant `Dead`",
        ),
        (
            &metadata,
            json!({"variable": "a", "kind": "Live"}),
            "spec.owner: a Live or Ready signal",
        ),
        (
            &metadata,
            json!({"variable": "a", "kind": "Ready", "owner": owner("Job", "a")}),
            "spec.owner: a Live or Ready signal",
        ),
        (
            &metadata,
            json!({"variable": "a", "owner": owner("Node", "a")}),
            "spec.owner.kind: unknown variant",
        ),
        (
            &metadata,
            json!({"variable": "a", "owner": owner("Pod", "A")}),
            "spec.owner.name: \"A\" is not the name",
        ),
        (
            &metadata,
            json!({"variable": "a", "owner": owner("Pod", "")}),
            "spec.owner.name: a name or uid has 1",
        ),
        (
            &metadata,
            json!({"variable": "a", "expires": "now"}),
            "spec.expires: \"now\" is not a time",
        ),
        (
            &json!({"name": "mine"}),
            good.clone(),
            "metadata.namespace: is missing",
        ),
        (
            &json!({"name": "mine", "namespace": "A"}),
            good.clone(),
            "metadata.namespace: \"A\" is not a namespace",
        ),
        (
            &json!({"generateName": "a-", "namespace": "shop"}),
            good.clone(),
            "metadata.name: is missing",
        ),
        (
            &json!({"name": 1}),
            good.clone(),
            "metadata.name: invalid type",
        ),
        (&json!(null), good, "metadata: invalid type"),
    ] {
        let error = read(metadata, &spec).unwrap_err();
        assert!(error.starts_with(wrong), "{spec}: {error}");
    }
}

#[test]
fn a_live_signal_refers_to_its_pod_and_a_durable_one_to_nothing() {
    let (key, live) = mk_live();
    let signal = Signal::try_from((&key, &live)).unwrap();
    let expected = json!({
        "apiVersion": "oncue.dev/v1alpha1",
        "kind": "Signal",
        "metadata": {
            "namespace": "shop",
            "name": object_name(&key, &live.id),
            "ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": "first", "uid": "u-1"}],
        },
        "spec": {
            "variable": "first/container", "kind": "Live", "value": "v",
            "owner": {"kind": "Pod", "name": "first", "uid": "u-1"},
        },
    });
    assert_eq!(json!(signal), expected);
    let job = Owner {
        kind: OwnerKind::Job,
        ..Owner::pod("shop".parse().unwrap(), "migrate", "u-2")
    };
    let durable = Assertion {
        id: AssertionId::of(job, Kind::Durable),
        ..live
    };
    let signal = Signal::try_from((&key, &durable)).unwrap();
    assert_eq!(signal.metadata.owner_references, None);
    assert_eq!(json!(signal)["spec"]["owner"]["kind"], "Job");
    assert_eq!(json!(signal)["spec"]["since"], "2026-11-27T10:00:00Z");
}

#[test]
fn an_owner_that_no_object_can_name_is_not_written() {
    let (key, live) = mk_live();
    for (namespace, name, wrong) in [
        ("other", "first", "the owner is in the namespace other"),
        ("shop", "a/b", "spec.owner.name: \"a/b\" is not the name"),
    ] {
        let owner = Owner::pod(namespace.parse().unwrap(), name, "u");
        let assertion = Assertion {
            id: AssertionId::of(owner, Kind::Live),
            ..live.clone()
        };
        let error = Signal::try_from((&key, &assertion))
            .unwrap_err()
            .to_string();
        assert!(error.starts_with(wrong), "{error}");
    }
}

fn assertions() -> impl Strategy<Value = Read> {
    let owner = (
        any::<bool>(),
        prop::sample::select(&OwnerKind::ALL),
        "[a-z]([a-z-]{0,9}[a-z])?",
        "[!-~]{1,40}",
    );
    let parts = (
        ("[a-zA-Z0-9_-]{1,9}(/[A-Za-z0-9_-]{1,9})?", "[a-z]{1,9}"),
        prop::option::of(owner),
        prop::sample::select(&Kind::ALL),
        prop::option::of(".{0,20}"),
        (
            0..4_000_000_000_u64,
            prop::option::of(0..=Timestamp::MAX.as_millis()),
        ),
        prop::option::of("[a-z]{1,9}"),
    );
    parts.prop_map(
        |((name, namespace), owner, kind, value, (seconds, expires), object)| {
            let namespace: Namespace = namespace.parse().unwrap();
            let owner = owner.map(|(_, owner_kind, name, uid)| Owner {
                // Only a pod can have what does not last.
                kind: if kind == Kind::Durable {
                    owner_kind
                } else {
                    OwnerKind::Pod
                },
                ..Owner::pod(namespace.clone(), name, uid)
            });
            let kind = if owner.is_some() { kind } else { Kind::Durable };
            let assertion = Assertion {
                id: AssertionId {
                    asserter: owner.map_or(Asserter::Hand, Asserter::Owner),
                    kind,
                    object: object.map(Into::into),
                },
                value: value.map(|value| value.parse().unwrap()),
                // A time of creation has whole seconds.
                since: Timestamp::from_millis(seconds * 1_000),
                expires: expires.map(Timestamp::from_millis),
            };
            (
                VariableKey::new(namespace, name.parse().unwrap()),
                assertion,
            )
        },
    )
}

proptest! {
    #[test]
    fn reading_is_the_inverse_of_writing((key, assertion) in assertions()) {
        let mut signal = Signal::try_from((&key, &assertion)).unwrap();
        let seconds = i64::try_from(assertion.since.as_millis() / 1_000).unwrap();
        let created = jiff::Timestamp::from_second(seconds).unwrap();
        signal.metadata.creation_timestamp = Some(Time(created));
        let through_json = Signal::read(&json!(signal)).unwrap();
        prop_assert_eq!(&through_json, &signal);
        let (read_key, read) = Read::try_from(&through_json).unwrap();
        prop_assert_eq!((read_key, &read), (key, &assertion));
        let kind = |it: &Assertion| it.id.asserter.owner().map(|owner| owner.kind);
        prop_assert_eq!(kind(&read), kind(&assertion));
    }
}
