//! What holds for every kind.

use oncue_language::{
    ObjectDemand, ObjectKey, ObjectKind, ObjectState, Value as Wanted, Which,
    escape::hidden_character,
    object::{FieldDemand, LabelSelector},
};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{
    Found, Sources, claim, condition, daemonset, deployment, job, pod, reason::LONGEST, service,
    state, statefulset, trim,
};

/// Returns why the object does not hold.
pub(super) fn reason(state: &ObjectState) -> Result<(), String> {
    state.clone().into_reason().map_or(Ok(()), Err)
}

/// Judges a term on `object`, and holds what is kept of it to the same.
pub(super) fn judge(key: &ObjectKey, object: &Value, related: &[Value]) -> ObjectState {
    let world = World {
        named: Some(object.clone()),
        related: related.to_vec(),
    };
    let state = world.judge(key);
    assert_eq!(world.trimmed(key).judge(key), state, "{object}");
    state
}

/// Judges `object` by the rule of its kind.
pub(super) fn judged(kind: &str, object: &Value) -> Result<(), String> {
    reason(&judge(&mk_named(kind, ObjectDemand::Rule), object, &[]))
}

/// Returns `KIND:x@shop`, or `node:x`.
pub(super) fn mk_named(kind: &str, demand: ObjectDemand<Wanted>) -> ObjectKey {
    let kind: ObjectKind = kind.parse().unwrap();
    ObjectKey {
        namespace: (!kind.is_cluster_scoped()).then(|| "shop".parse().unwrap()),
        kind,
        which: Which::Named("x".into()),
        demand,
        node: None,
    }
}

/// Returns `KIND:[app=db,tier=x]@shop`.
pub(super) fn mk_labelled(kind: &str, at_least: u32) -> ObjectKey {
    let labels = [("tier", "x"), ("app", "db")];
    let labels = labels.map(|(key, value)| (key.into(), value.into()));
    ObjectKey {
        which: Which::Labelled {
            labels: LabelSelector::from_iter(labels),
            at_least: at_least.try_into().unwrap(),
        },
        ..mk_named(kind, ObjectDemand::Rule)
    }
}

pub(super) fn mk_on_node(key: ObjectKey) -> ObjectKey {
    let node = Some("n1".parse().unwrap());
    ObjectKey { node, ..key }
}

/// Returns `=Ready`.
pub(super) fn mk_condition() -> ObjectDemand<Wanted> {
    ObjectDemand::Condition("Ready".parse().unwrap())
}

/// Returns `{.status.phase}=Bound`.
pub(super) fn mk_field() -> ObjectDemand<Wanted> {
    ObjectDemand::Field {
        path: ".status.phase".parse().unwrap(),
        demand: FieldDemand::Equals("Bound".parse().unwrap()),
    }
}

/// What a watch has found.
#[derive(Clone, Debug)]
struct World {
    named: Option<Value>,
    related: Vec<Value>,
}

impl World {
    fn judge(&self, key: &ObjectKey) -> ObjectState {
        let found = Found {
            named: self.named.as_ref(),
            related: self.related.iter().collect(),
        };
        state(key, &found)
    }

    fn trimmed(&self, key: &ObjectKey) -> Self {
        let Sources { named, related } = Sources::of(key);
        let trimmed = |object| related.as_ref().map(|source| source.trim(object));
        Self {
            named: named.and_then(|source| self.named.as_ref().map(|object| source.trim(object))),
            related: self.related.iter().filter_map(trimmed).collect(),
        }
    }

    /// Returns every object.
    fn objects(&mut self) -> impl Iterator<Item = &mut Value> {
        self.named.iter_mut().chain(&mut self.related)
    }
}

/// Returns terms of every shape, each with objects of which it holds.
fn holding() -> Vec<(ObjectKey, World)> {
    let rule = || ObjectDemand::Rule;
    let named = |kind, demand, object| {
        let named = Some(mk_object(object));
        let related = Vec::new();
        (mk_named(kind, demand), World { named, related })
    };
    let labelled = |kind, object: Value| {
        let related = vec![mk_object(object.clone()), mk_object(object)];
        let named = None;
        (mk_labelled(kind, 2), World { named, related })
    };
    let beside = |key, object, beside: Value| {
        let named = Some(mk_object(object));
        let related = vec![mk_object(beside.clone()), mk_object(beside)];
        (key, World { named, related })
    };
    let bound = || json!({"status": {"phase": "Bound"}});
    vec![
        named("configmap", rule(), json!({})),
        named("daemonset", rule(), mk_daemonset()),
        named("deployment", rule(), mk_deployment()),
        named("job", rule(), mk_complete()),
        named("node", rule(), mk_ready()),
        named("persistentvolumeclaim", rule(), bound()),
        named("pod", rule(), mk_ready()),
        named("secret", rule(), json!({})),
        named("statefulset", rule(), mk_statefulset()),
        named("certificates.cert-manager.io", rule(), json!({})),
        named("certificates.cert-manager.io", mk_condition(), mk_ready()),
        named("persistentvolumeclaim", mk_field(), bound()),
        labelled("pod", mk_ready()),
        labelled("job", mk_complete()),
        beside(mk_named("service", rule()), mk_service(), mk_slice()),
        beside(
            mk_on_node(mk_named("daemonset", rule())),
            mk_daemonset(),
            mk_pod_of_set(),
        ),
        named_on_node(),
    ]
}

fn named_on_node() -> (ObjectKey, World) {
    let key = mk_on_node(mk_named("pod", ObjectDemand::Rule));
    let named = Some(mk_object(mk_pod_of_set()));
    let related = Vec::new();
    (key, World { named, related })
}

/// Adds what every selector of these tests selects.
fn mk_object(mut object: Value) -> Value {
    let metadata = &mut object["metadata"];
    metadata["name"] = "x".into();
    if metadata["namespace"].is_null() {
        metadata["namespace"] = "shop".into();
    }
    metadata["uid"] = "u".into();
    metadata["labels"] = json!({"app": "db", "tier": "x", service::SERVICE_NAME: "x"});
    object
}

fn mk_ready() -> Value {
    json!({"status": {"conditions": [{"type": "Ready", "status": "True"}]}})
}

fn mk_complete() -> Value {
    json!({"status": {"conditions": [{"type": "Complete", "status": "True"}]}})
}

fn mk_observed(mut status: Value) -> Value {
    status["observedGeneration"] = 2.into();
    json!({"metadata": {"generation": 2}, "spec": {"replicas": 2}, "status": status})
}

fn mk_daemonset() -> Value {
    mk_observed(json!({
        "desiredNumberScheduled": 2, "numberAvailable": 2, "numberReady": 2,
        "updatedNumberScheduled": 2,
    }))
}

fn mk_deployment() -> Value {
    mk_observed(json!({"availableReplicas": 2, "replicas": 2, "updatedReplicas": 2}))
}

fn mk_statefulset() -> Value {
    mk_observed(json!({"readyReplicas": 2, "updatedReplicas": 2}))
}

fn mk_pod_of_set() -> Value {
    let mut pod = mk_ready();
    pod["metadata"]["ownerReferences"] = mk_owner("apps/v1", "DaemonSet");
    pod["spec"]["nodeName"] = "n1".into();
    pod
}

fn mk_service() -> Value {
    json!({"spec": {"selector": {"app": "db"}}})
}

fn mk_slice() -> Value {
    json!({
        "metadata": {"ownerReferences": mk_owner("v1", "Service")},
        "endpoints": [{"conditions": {"ready": true}}],
    })
}

fn mk_owner(version: &str, kind: &str) -> Value {
    json!([{"apiVersion": version, "kind": kind, "name": "x", "uid": "u", "controller": true}])
}

/// Values as they stand in objects, and others.
fn scalar() -> impl Strategy<Value = Value> {
    let words = [
        "True",
        "False",
        "Ready",
        "Complete",
        "Failed",
        "FailureTarget",
        "PodScheduled",
        "Progressing",
        "ProgressDeadlineExceeded",
        "ReplicaFailure",
        "SuccessCriteriaMet",
        "ExternalName",
        "OnDelete",
        "RollingUpdate",
        "Bound",
        "u",
        "Service",
        "v1",
        "\u{202e}\n",
    ];
    prop_oneof![
        4 => prop::sample::select(words.to_vec()).prop_map(Value::from),
        4 => (-1..4_i64).prop_map(Value::from),
        1 => prop::sample::select(vec![i64::MIN, i64::MAX]).prop_map(Value::from),
        1 => any::<u64>().prop_map(Value::from),
        1 => any::<f64>().prop_map(Value::from),
        1 => any::<bool>().prop_map(Value::from),
        1 => Just(Value::Null),
        1 => "\\PC{0,9}".prop_map(|text| Value::from(text.repeat(99))),
    ]
}

/// Any JSON.
fn json() -> impl Strategy<Value = Value> {
    scalar().prop_recursive(4, 32, 4, |inner| {
        let fields = prop::collection::vec((field(), inner.clone()), 0..4)
            .prop_map(|fields| Value::Object(fields.into_iter().collect()));
        prop_oneof![
            prop::collection::vec(inner, 0..3).prop_map(Value::from),
            fields
        ]
    })
}

/// The names of fields that are read.
fn field() -> impl Strategy<Value = String> {
    let read = patterns();
    let fields = read.iter().flat_map(|pattern| pattern.split('/').skip(1));
    prop::sample::select(fields.map(str::to_owned).collect::<Vec<_>>())
}

/// A term with objects of which it holds but for a few fields.
fn nearly_holding() -> impl Strategy<Value = (ObjectKey, World)> {
    let value = prop_oneof![9 => scalar(), 1 => json()];
    let field = (prop::sample::select(patterns()), 0..2_usize, value);
    let fields = prop::collection::vec((0..3_usize, field), 0..12);
    (prop::sample::select(holding()), fields).prop_map(|((key, mut world), fields)| {
        for (which, (pattern, index, value)) in fields {
            let steps: Vec<_> = pattern.split('/').skip(1).collect();
            if let Some(object) = world.objects().nth(which) {
                put(object, &steps, index, value);
            }
        }
        (key, world)
    })
}

/// Puts a value where a pattern leads, by way of the item at `index` of every list.
fn put(object: &mut Value, steps: &[&str], index: usize, value: Value) {
    match steps {
        [] => *object = value,
        ["*", rest @ ..] => {
            if !object.is_array() {
                *object = json!([]);
            }
            let items = object.as_array_mut().unwrap();
            items.resize(items.len().max(index + 1), json!({}));
            put(&mut items[index], rest, index, value);
        }
        [field, rest @ ..] => {
            if !object.is_object() {
                *object = json!({});
            }
            put(&mut object[*field], rest, index, value);
        }
    }
}

/// Every field that is read of some kind.
fn patterns() -> Vec<&'static str> {
    let mut patterns = [
        &claim::READ[..],
        &condition::READ,
        &daemonset::READ,
        &deployment::READ,
        &job::READ,
        &pod::READ,
        &service::READ,
        &service::READ_SLICE,
        &statefulset::READ,
        &trim::IDENTITY,
        &[
            "/metadata/ownerReferences/*/uid",
            "/metadata/ownerReferences/*/kind",
        ],
    ]
    .concat();
    patterns.sort_unstable();
    patterns.dedup();
    patterns
}

/// Adds an unknown field to every object, except where the fields are a person's own.
fn add_unknown(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(add_unknown),
        Value::Object(fields) => {
            let known = fields
                .iter_mut()
                .filter(|(key, _)| !["labels", "selector"].contains(&key.as_str()));
            known.for_each(|(_, value)| add_unknown(value));
            fields.insert(
                "unknown".to_owned(),
                json!({"status": "True", "type": "Ready"}),
            );
        }
        _ => {}
    }
}

#[test]
fn each_term_holds_of_its_objects_and_of_nothing_less() {
    for (key, mut world) in holding() {
        assert_eq!(world.judge(&key), ObjectState::Holds, "{key}");
        assert_eq!(world.trimmed(&key).judge(&key), ObjectState::Holds, "{key}");
        let expected = match &key.which {
            Which::Labelled { .. } => match key.kind {
                ObjectKind::Job => "there are no such Jobs",
                _ => "there are no such pods",
            },
            Which::Named(_) => "does not exist",
        };
        world.named = None;
        world.related.clear();
        assert_eq!(
            reason(&world.judge(&key)),
            Err(expected.to_owned()),
            "{key}"
        );
    }
}

#[test]
fn objects_that_the_source_does_not_contain_are_passed_over() {
    for (key, mut world) in holding() {
        if world.related.is_empty() {
            continue;
        }
        for object in &mut world.related {
            object["metadata"]["namespace"] = "other".into();
        }
        assert_ne!(world.judge(&key), ObjectState::Holds, "{key}");
        assert_ne!(world.trimmed(&key).judge(&key), ObjectState::Holds, "{key}");
    }
}

#[test]
fn what_is_asked_counts_instead_of_the_rule_of_the_kind() {
    let pod = mk_object(mk_ready());
    let judged = |key: &ObjectKey, object: &Value| {
        let found = Found {
            named: Some(object),
            related: vec![object],
        };
        reason(&state(key, &found))
    };
    let another = Err("the field is not set".to_owned());
    for kind in ["pod", "deployment", "configmap", "service", "job"] {
        assert_eq!(judged(&mk_named(kind, mk_condition()), &pod), Ok(()));
        assert_eq!(judged(&mk_named(kind, mk_field()), &pod), another);
    }
    let pods = |demand| ObjectKey {
        demand,
        ..mk_labelled("pod", 1)
    };
    assert_eq!(judged(&pods(mk_condition()), &pod), Ok(()));
    assert_eq!(
        judged(&pods(mk_field()), &pod),
        Err("0 of 1 pods hold; x: the field is not set".to_owned())
    );
}

#[test]
fn an_object_that_is_being_deleted_is_named_last() {
    let mk = |name: &str, deleted: Option<&str>| {
        let mut object = mk_object(json!({}));
        object["metadata"]["name"] = name.into();
        object["metadata"]["deletionTimestamp"] = deleted.into();
        object
    };
    let objects = [mk("a", Some("2026-01-01T00:00:00Z")), mk("b", None)];
    for (kind, expected) in [
        ("pod", "0 of 1 pods are Ready; b: is not Ready"),
        ("job", "0 of 2 Jobs are complete; b: 0 of 1 pods succeeded"),
    ] {
        let state = judge(&mk_labelled(kind, 1), &json!({}), &objects);
        assert_eq!(reason(&state), Err(expected.to_owned()));
    }
}

proptest! {
    #[test]
    fn no_json_makes_a_judgement_panic(a in json(), b in json()) {
        for (key, _) in holding() {
            let world = World { named: Some(a.clone()), related: vec![a.clone(), b.clone()] };
            prop_assert_eq!(world.trimmed(&key).judge(&key), world.judge(&key));
        }
    }

    #[test]
    fn what_is_kept_of_objects_is_judged_like_all_of_them((key, world) in nearly_holding()) {
        prop_assert_eq!(world.trimmed(&key).judge(&key), world.judge(&key));
    }

    #[test]
    fn unknown_fields_change_nothing((key, world) in nearly_holding()) {
        let mut extended = world.clone();
        extended.objects().for_each(add_unknown);
        prop_assert_eq!(extended.judge(&key), world.judge(&key));
    }

    #[test]
    fn the_order_of_objects_changes_nothing((key, world) in nearly_holding()) {
        let mut turned = world.clone();
        turned.related.reverse();
        prop_assert_eq!(turned.judge(&key), world.judge(&key));
    }

    #[test]
    fn reasons_are_short_and_hide_nothing((key, world) in nearly_holding()) {
        if let Err(reason) = reason(&world.judge(&key)) {
            prop_assert_eq!(hidden_character(&reason), None);
            // A hidden character becomes at most ten visible ones.
            prop_assert!(reason.chars().count() <= 2 * 10 * LONGEST + 100, "{}", reason);
        }
    }
}
