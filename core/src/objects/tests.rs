//! What holds for every kind.

use oncue_language::{ObjectState, escape::hidden_character};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{
    claim, condition, daemonset, deployment, job, node, pod, reason::LONGEST, service, statefulset,
    trim,
};

/// Returns why the object does not hold.
pub(super) fn reason(state: &ObjectState) -> Result<(), String> {
    match state {
        ObjectState::Holds => Ok(()),
        ObjectState::Failed(reason) | ObjectState::Pending(reason) => Err(reason.clone()),
    }
}

/// A way to judge one object.
#[derive(Debug)]
struct Kind {
    judge: fn(&Value) -> ObjectState,
    trim: fn(&Value) -> Value,
    /// An object that holds.
    holding: fn() -> Value,
}

static KINDS: [Kind; 10] = [
    Kind {
        judge: claim::state,
        trim: trim::claim,
        holding: || json!({"status": {"phase": "Bound"}}),
    },
    Kind {
        judge: |object| condition::state(object, "Ready"),
        trim: trim::other,
        holding: mk_ready,
    },
    Kind {
        judge: daemonset::state,
        trim: trim::daemonset,
        holding: || {
            mk_observed(json!({
                "desiredNumberScheduled": 2, "numberAvailable": 2, "numberReady": 2,
                "updatedNumberScheduled": 2,
            }))
        },
    },
    Kind {
        judge: deployment::state,
        trim: trim::deployment,
        holding: || {
            mk_observed(json!({"availableReplicas": 2, "replicas": 2, "updatedReplicas": 2}))
        },
    },
    Kind {
        judge: job::state,
        trim: trim::job,
        holding: || json!({"status": {"conditions": [{"type": "Complete", "status": "True"}]}}),
    },
    Kind {
        judge: node::state,
        trim: trim::other,
        holding: mk_ready,
    },
    Kind {
        judge: pod::state,
        trim: trim::pod,
        holding: mk_ready,
    },
    Kind {
        judge: |service| service::state(service, [&mk_slice()]),
        trim: trim::service,
        holding: mk_service,
    },
    Kind {
        judge: |slice| service::state(&mk_service(), [slice]),
        trim: trim::slice,
        holding: mk_slice,
    },
    Kind {
        judge: statefulset::state,
        trim: trim::statefulset,
        holding: || mk_observed(json!({"readyReplicas": 2, "updatedReplicas": 2})),
    },
];

fn mk_ready() -> Value {
    json!({"status": {"conditions": [{"type": "Ready", "status": "True"}]}})
}

fn mk_observed(mut status: Value) -> Value {
    status["observedGeneration"] = 2.into();
    json!({"metadata": {"generation": 2}, "spec": {"replicas": 2}, "status": status})
}

fn mk_service() -> Value {
    json!({"metadata": {"uid": "u"}, "spec": {"selector": {"app": "db"}}})
}

fn mk_slice() -> Value {
    let owner = json!({"apiVersion": "v1", "kind": "Service", "name": "db", "uid": "u", "controller": true});
    json!({
        "metadata": {"ownerReferences": [owner]},
        "endpoints": [{"conditions": {"ready": true}}],
    })
}

#[test]
fn the_objects_that_the_others_are_made_of_hold() {
    for Kind {
        judge,
        trim,
        holding,
    } in &KINDS
    {
        let object = holding();
        assert_eq!(judge(&object), ObjectState::Holds, "{object}");
        assert_eq!(judge(&trim(&object)), ObjectState::Holds, "{object}");
    }
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

/// A kind with an object of it that holds but for a few fields.
fn object() -> impl Strategy<Value = (&'static Kind, Value)> {
    let value = prop_oneof![9 => scalar(), 1 => json()];
    let field = (prop::sample::select(patterns()), 0..2_usize, value);
    let fields = prop::collection::vec(field, 0..12);
    (
        prop::sample::select((0..KINDS.len()).collect::<Vec<_>>()),
        fields,
    )
        .prop_map(|(kind, fields)| {
            let kind = &KINDS[kind];
            let mut object = (kind.holding)();
            for (pattern, index, value) in fields {
                let steps: Vec<_> = pattern.split('/').skip(1).collect();
                put(&mut object, &steps, index, value);
            }
            (kind, object)
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

proptest! {
    #[test]
    fn no_json_makes_a_judgement_panic(object in json()) {
        for Kind { judge, trim, .. } in &KINDS {
            prop_assert_eq!(judge(&trim(&object)), judge(&object));
        }
    }

    #[test]
    fn what_is_kept_of_an_object_is_judged_like_all_of_it((kind, object) in object()) {
        prop_assert_eq!((kind.judge)(&(kind.trim)(&object)), (kind.judge)(&object));
    }

    #[test]
    fn unknown_fields_change_nothing((kind, object) in object()) {
        let mut extended = object.clone();
        add_unknown(&mut extended);
        prop_assert_eq!((kind.judge)(&extended), (kind.judge)(&object));
    }

    #[test]
    fn reasons_are_short_and_hide_nothing((kind, object) in object()) {
        if let Err(reason) = reason(&(kind.judge)(&object)) {
            prop_assert_eq!(hidden_character(&reason), None);
            // A hidden character becomes at most ten visible ones.
            prop_assert!(reason.chars().count() <= 2 * 10 * LONGEST + 100, "{}", reason);
        }
    }
}
