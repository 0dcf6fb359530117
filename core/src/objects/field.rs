//! `KIND:x{.status.phase}=Bound`: what a field holds, as `kubectl wait --for=jsonpath` reads it.
//!
//! No reason says what the field holds: the waiting pod may have no right to read the object.

use oncue_language::{
    ObjectState, Value as Wanted,
    object::{FieldDemand, FieldPath, FieldStep},
};
use serde_json::{Number, Value};

use super::reason::pending;

/// Judges one field of an object.
pub(super) fn state(object: &Value, path: &FieldPath, demand: &FieldDemand<Wanted>) -> ObjectState {
    let Some(field) = find(object, path) else {
        return pending("the field is not set");
    };
    match demand {
        FieldDemand::AtLeast(least) => at_least(field, *least),
        FieldDemand::Equals(wanted) => equals(field, wanted.as_str()),
        FieldDemand::IsSet if is_empty(field) => pending("the field is empty"),
        FieldDemand::IsSet => ObjectState::Holds,
    }
}

/// Returns the field at a path; one that is null counts as not set.
fn find<'a>(object: &'a Value, path: &FieldPath) -> Option<&'a Value> {
    let step = |value: &'a Value, step: &FieldStep| match step {
        FieldStep::Index(index) => value.as_array()?.get(usize::try_from(*index).ok()?),
        FieldStep::Member(name) => value.as_object()?.get(&**name),
    };
    let field = path.steps().iter().try_fold(object, step)?;
    (!field.is_null()).then_some(field)
}

fn is_empty(field: &Value) -> bool {
    match field {
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::String(text) => text.is_empty(),
        Value::Bool(_) | Value::Null | Value::Number(_) => false,
    }
}

fn at_least(field: &Value, least: i64) -> ObjectState {
    match field {
        Value::Number(number) if reaches(number, least) => ObjectState::Holds,
        Value::Number(_) => pending(format_args!("the field is less than {least}")),
        other => pending(format_args!("the field is {}, not a number", kind(other))),
    }
}

fn reaches(number: &Number, least: i64) -> bool {
    match (number.as_i64(), number.as_f64()) {
        (Some(number), _) => number >= least,
        // The numbers that are asked for are far below those that a float cannot tell apart.
        #[expect(clippy::cast_precision_loss)]
        (None, number) => number.is_some_and(|number| number >= least as f64),
    }
}

/// Spaces around either text do not count.
fn equals(field: &Value, wanted: &str) -> ObjectState {
    match printed(field) {
        Some(text) if text.trim() == wanted.trim() => ObjectState::Holds,
        Some(_) => pending("the field has another value"),
        None => pending(format_args!(
            "the field is {}, not a single value",
            kind(field)
        )),
    }
}

/// Returns a field as kubectl prints it; `None` for what has parts of its own.
fn printed(field: &Value) -> Option<String> {
    match field {
        Value::Bool(value) => Some(value.to_string()),
        Value::Number(number) => Some(printed_number(number)),
        Value::String(text) => Some(text.clone()),
        Value::Array(_) | Value::Null | Value::Object(_) => None,
    }
}

/// Prints a whole number as it is, and any other like Go: large and small ones with an exponent.
fn printed_number(number: &Number) -> String {
    if let Some(whole) = number.as_i64() {
        return whole.to_string();
    }
    let float = number.as_f64().unwrap_or_default();
    let scientific = format!("{float:e}");
    let Some((digits, exponent)) = scientific.split_once('e') else {
        return scientific;
    };
    match exponent.parse() {
        Ok(-4..6) => float.to_string(),
        Ok(exponent) => format!("{digits}e{exponent:+03}"),
        Err(_) => scientific,
    }
}

fn kind(field: &Value) -> &'static str {
    match field {
        Value::Array(_) => "a list",
        Value::Bool(_) => "true or false",
        Value::Null => "null",
        Value::Number(_) => "a number",
        Value::Object(_) => "an object",
        Value::String(_) => "text",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{super::tests::reason, *};

    fn judged(field: &Value, demand: &FieldDemand<Wanted>) -> Result<(), String> {
        let object = json!({"status": {"x": [{"a.b": field}]}});
        let path: FieldPath = ".status.x[0]['a.b']".parse().unwrap();
        reason(&state(&object, &path, demand))
    }

    fn mk_equals(text: &str) -> FieldDemand<Wanted> {
        FieldDemand::Equals(text.parse().unwrap())
    }

    #[test]
    fn a_field_is_set_if_it_is_neither_null_nor_empty() {
        let empty = Err("the field is empty".to_owned());
        for (field, expected) in [
            (json!("x"), Ok(())),
            (json!(""), empty.clone()),
            (json!(0), Ok(())),
            (json!(false), Ok(())),
            (json!([null]), Ok(())),
            (json!([]), empty.clone()),
            (json!({"a": null}), Ok(())),
            (json!({}), empty.clone()),
            (json!(null), Err("the field is not set".to_owned())),
        ] {
            assert_eq!(judged(&field, &FieldDemand::IsSet), expected, "{field}");
        }
    }

    #[test]
    fn a_path_that_leads_nowhere_is_not_set() {
        let object = json!({"a": [1], "b": "text", "c": {"0": 1}});
        for path in [".x", ".a[1]", ".a.b", ".b.x", ".b[0]", ".c[0]", ".a[0].x"] {
            let path: FieldPath = path.parse().unwrap();
            for demand in [FieldDemand::IsSet, FieldDemand::AtLeast(0), mk_equals("x")] {
                let expected = Err("the field is not set".to_owned());
                assert_eq!(reason(&state(&object, &path, &demand)), expected, "{path}");
            }
        }
    }

    #[test]
    fn a_value_is_compared_as_kubectl_prints_it() {
        for (field, wanted) in [
            (json!("Bound"), "Bound"),
            (json!(" Bound\n"), "Bound "),
            (json!(3), "3"),
            (json!("3"), "3"),
            (json!(-3), "-3"),
            (json!(9_007_199_254_740_993_i64), "9007199254740993"),
            (json!(true), "true"),
            (json!(1.0), "1"),
            (json!(0.5), "0.5"),
            (json!(123_456.5), "123456.5"),
            (json!(1_234_567.5), "1.2345675e+06"),
            (json!(0.0001), "0.0001"),
            (json!(0.000_012), "1.2e-05"),
            (json!(1e100), "1e+100"),
            (json!(u64::MAX), "1.8446744073709552e+19"),
        ] {
            assert_eq!(judged(&field, &mk_equals(wanted)), Ok(()), "{field}");
        }
        for (field, wanted) in [
            (json!("Bound"), "bound"),
            (json!(3), "3.0"),
            (json!(true), "True"),
            (json!("secret"), "other"),
            (json!(""), "x"),
        ] {
            let expected = Err("the field has another value".to_owned());
            assert_eq!(judged(&field, &mk_equals(wanted)), expected, "{field}");
        }
    }

    #[test]
    fn numbers_are_compared_as_numbers() {
        let less = Err("the field is less than 3".to_owned());
        for (field, expected) in [
            (json!(3), Ok(())),
            (json!(10), Ok(())),
            (json!(2), less.clone()),
            (json!(i64::MIN), less.clone()),
            (json!(3.0), Ok(())),
            (json!(3.5), Ok(())),
            (json!(2.9), less.clone()),
            (json!(u64::MAX), Ok(())),
        ] {
            assert_eq!(
                judged(&field, &FieldDemand::AtLeast(3)),
                expected,
                "{field}"
            );
        }
    }

    #[test]
    fn another_type_is_named() {
        for (field, found) in [
            (json!("3"), "text"),
            (json!(true), "true or false"),
            (json!([3]), "a list"),
            (json!({"a": 3}), "an object"),
        ] {
            let expected = Err(format!("the field is {found}, not a number"));
            assert_eq!(judged(&field, &FieldDemand::AtLeast(3)), expected);
        }
        for (field, found) in [(json!([]), "a list"), (json!({}), "an object")] {
            let expected = Err(format!("the field is {found}, not a single value"));
            assert_eq!(judged(&field, &mk_equals("x")), expected);
        }
    }
}
