//! The API server rejects what the language rejects: the CRD's schema and its CEL rules, evaluated
//! as an API server does.

use std::sync::LazyLock;

use jsonschema::Validator;
use kube::CustomResourceExt;
use oncue_language::{Timestamp, Value as Text, VariableName, name::is_dns_subdomain};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::{Signal, SignalSpec};

static SCHEMA: LazyLock<Value> = LazyLock::new(|| {
    let crd = json!(Signal::crd());
    crd.pointer("/spec/versions/0/schema/openAPIV3Schema")
        .unwrap()
        .clone()
});

static VALIDATOR: LazyLock<Validator> = LazyLock::new(|| {
    let options = jsonschema::options().should_validate_formats(true);
    options.build(&SCHEMA).unwrap()
});

/// Returns why an API server rejects a change from `old`, or a creation; nothing if it accepts it.
fn rejections(spec: &Value, old: Option<&Value>) -> Vec<String> {
    let object = |spec: &Value| json!({"apiVersion": "oncue.dev/v1alpha1", "spec": spec});
    let new = object(spec);
    let of_schema = VALIDATOR.iter_errors(&new).map(|error| error.to_string());
    let of_schema: Vec<_> = of_schema.collect();
    if !of_schema.is_empty() {
        return of_schema;
    }
    let old = old.map(object);
    let rules = kube_cel::Validator::new().validate(&SCHEMA, &new, old.as_ref());
    let errors = rules.err().map(|errors| errors.to_string());
    errors.into_iter().collect()
}

fn is_accepted(spec: &Value) -> bool {
    rejections(spec, None).is_empty()
}

fn mk_owner(kind: &str) -> Value {
    json!({"kind": kind, "name": "web-0", "uid": "u-1"})
}

fn with_name(variable: &str) -> Value {
    json!({"variable": variable})
}

#[test]
fn what_the_language_allows_is_accepted() {
    let long = "x".repeat(255);
    let value = "v".repeat(4096);
    for spec in [
        with_name("first/container"),
        with_name("a"),
        with_name("..."),
        with_name(".a/b./-_"),
        with_name(&long),
        json!({"variable": "a", "kind": "Durable", "value": ""}),
        json!({"variable": "a", "kind": "Durable", "value": value}),
        json!({"variable": "a", "kind": "Durable", "owner": mk_owner("CronJob")}),
        json!({"variable": "a", "kind": "Durable", "owner": mk_owner("Pod")}),
        json!({"variable": "a", "kind": "Live", "owner": mk_owner("Pod")}),
        json!({"variable": "a", "kind": "Ready", "owner": mk_owner("Pod"), "value": "\u{e9}\n"}),
        json!({"variable": "a", "kind": "Durable", "expires": "2026-12-01T00:00:00Z"}),
        json!({"variable": "a", "kind": "Durable", "since": "1970-01-01T00:00:00.5+00:00"}),
    ] {
        let defaulted = with_kind(&spec);
        assert_eq!(rejections(&defaulted, None), [""; 0], "{spec}");
        SignalSpec::read(&spec).unwrap();
    }
}

/// Adds what an API server adds before it looks at the rules.
fn with_kind(spec: &Value) -> Value {
    let mut spec = spec.clone();
    if spec.get("kind").is_none() {
        spec["kind"] = json!("Durable");
    }
    spec
}

#[test]
fn what_the_language_rejects_is_rejected_with_the_rule() {
    let long = "x".repeat(256);
    let value = "\u{e9}".repeat(2049);
    let name = "single slashes";
    let dots = "the segment . or ..";
    let pod = "needs an owner of kind Pod";
    for (spec, rule) in [
        (with_name(""), "shorter than 1"),
        (with_name(&long), "longer than 255"),
        (with_name("a b"), name),
        (with_name("a\n"), name),
        (with_name("\u{e9}"), name),
        (with_name("/a"), name),
        (with_name("a/"), name),
        (with_name("a//b"), name),
        (with_name("."), dots),
        (with_name("a/.."), dots),
        (with_name("a/./b"), dots),
        (json!({}), "required"),
        (
            json!({"variable": "a", "value": "v".repeat(4097)}),
            "longer than 4096",
        ),
        (
            json!({"variable": "a", "value": value}),
            "at most 4096 bytes",
        ),
        (json!({"variable": "a", "kind": "durable"}), "is not one of"),
        (json!({"variable": "a", "kind": "Live"}), pod),
        (
            json!({"variable": "a", "kind": "Live", "owner": mk_owner("Job")}),
            pod,
        ),
        (
            json!({"variable": "a", "kind": "Ready", "owner": mk_owner("CronJob")}),
            pod,
        ),
        (
            json!({"variable": "a", "owner": mk_owner("Node")}),
            "is not one of",
        ),
        (
            json!({"variable": "a", "owner": {"kind": "Pod", "name": "a", "uid": ""}}),
            "shorter than 1",
        ),
        (
            json!({"variable": "a", "owner": {"kind": "Pod", "name": "a", "uid": "u 1"}}),
            "must be a uid",
        ),
        (
            json!({"variable": "a", "owner": {"kind": "Pod", "name": "A", "uid": "u"}}),
            "name of an object",
        ),
        (
            json!({"variable": "a", "owner": {"kind": "Pod", "name": "a/b", "uid": "u"}}),
            "name of an object",
        ),
        (json!({"variable": "a", "expires": "tomorrow"}), "date-time"),
        (
            json!({"variable": "a", "expires": "1969-12-31T23:59:59Z"}),
            "before 1970",
        ),
        (
            json!({"variable": "a", "since": "1969-12-31T23:59:59Z"}),
            "before 1970",
        ),
    ] {
        let found = rejections(&with_kind(&spec), None).join("; ");
        assert!(found.contains(rule), "{spec}: {found:?}");
    }
}

#[test]
fn what_identifies_a_signal_is_immutable() {
    let pod = json!({"variable": "a", "kind": "Live", "owner": mk_owner("Pod"), "value": "v"});
    let hand = json!({"variable": "a", "kind": "Durable"});
    let mut other_uid = pod.clone();
    other_uid["owner"]["uid"] = json!("u-2");
    let with = |spec: &Value, member: &str, value: Value| {
        let mut spec = spec.clone();
        spec[member] = value;
        spec
    };
    for (old, new, rule) in [
        (&pod, with(&pod, "value", json!("w")), ""),
        (
            &hand,
            with(&hand, "expires", json!("2026-12-01T00:00:00Z")),
            "",
        ),
        (
            &hand,
            with(&hand, "since", json!("2026-12-01T00:00:00Z")),
            "",
        ),
        (
            &pod,
            with(&pod, "variable", json!("b")),
            "variable is immutable",
        ),
        (
            &pod,
            with(&pod, "kind", json!("Ready")),
            "kind is immutable",
        ),
        (&pod, other_uid, "owner is immutable"),
        (
            &hand,
            with(&hand, "owner", mk_owner("Job")),
            "owner is immutable",
        ),
        (
            &with(&hand, "owner", mk_owner("Job")),
            hand.clone(),
            "owner is immutable",
        ),
    ] {
        let found = rejections(&new, Some(old)).join("; ");
        assert_eq!(found.is_empty(), rule.is_empty(), "{new}: {found}");
        assert!(found.contains(rule), "{new}: {found}");
    }
}

proptest! {
    #[test]
    fn a_name_is_accepted_if_it_is_its_own_canonical_text(text in "[a/.]{0,6}|[A-Za-z0-9._/ é-]{0,8}") {
        let canonical: Result<VariableName, _> = text.parse();
        let is_canonical = canonical.is_ok_and(|name| name.as_str() == text);
        let spec = json!({"variable": text, "kind": "Durable"});
        prop_assert_eq!(is_accepted(&spec), is_canonical);
    }

    #[test]
    fn a_value_is_accepted_if_the_language_takes_it(size in 4090..4100usize, wide in 0..4usize) {
        let text = "v".repeat(size - wide) + &"\u{e9}".repeat(wide);
        let spec = json!({"variable": "a", "kind": "Durable", "value": text});
        prop_assert_eq!(is_accepted(&spec), text.parse::<Text>().is_ok());
    }

    #[test]
    fn the_name_of_an_owner_is_accepted_if_it_is_a_dns_subdomain(name in "[a0.-]{0,6}|[a-zA-Z0-9./é-]{0,8}") {
        let owner = json!({"kind": "Pod", "name": name, "uid": "u"});
        let spec = json!({"variable": "a", "kind": "Durable", "owner": owner});
        prop_assert_eq!(is_accepted(&spec), is_dns_subdomain(&name));
    }

    #[test]
    fn every_moment_is_accepted(millis in 0..=Timestamp::MAX.as_millis()) {
        let moment = Timestamp::from_millis(millis);
        let spec = json!({"variable": "a", "kind": "Durable", "since": moment, "expires": moment});
        prop_assert_eq!(rejections(&spec, None), [""; 0]);
    }
}
