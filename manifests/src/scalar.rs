//! What a scalar means: YAML 1.1 as `kubectl` reads it, so that a file means the same to both.

use granit_parser::Tag;
use serde_json::{Number, Value};

/// What `!!` stands for.
const YAML_NAMESPACE: &str = "tag:yaml.org,2002:";

/// Returns what a scalar without a tag or quotes means.
pub(super) fn plain(text: &str) -> Result<Value, String> {
    Ok(match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            Value::Bool(true)
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            Value::Bool(false)
        }
        _ if is_not_finite(text) => {
            return Err(format!(
                "{text} cannot be said in JSON, which is what the API server reads: put it in quotes"
            ));
        }
        _ => number(text).map_or_else(|| text.into(), Value::Number),
    })
}

/// Returns what a scalar with a tag means; a tag that is not YAML's own makes it a string.
pub(super) fn tagged(tag: &Tag, text: &str) -> Result<Value, String> {
    let kind = tag.suffix_in_namespace(YAML_NAMESPACE).unwrap_or_default();
    let value = match &*kind {
        "binary" => {
            return Err("!!binary is not supported: write the base64 text as a string".to_owned());
        }
        "bool" | "float" | "int" | "null" => plain(text)?,
        _ => return Ok(text.into()),
    };
    let fits = match &*kind {
        "bool" => value.is_boolean(),
        "null" => value.is_null(),
        _ => value.is_number(),
    };
    if fits {
        Ok(value)
    } else {
        Err(format!("{text:?} is not what its tag !!{kind} says"))
    }
}

/// Returns whether a tag is one of a program's own, such as `!custom`; `!` alone is none.
pub(super) fn is_local(tag: &Tag) -> bool {
    tag.handle() == "!" && !tag.suffix().is_empty()
}

/// Returns the key that the API server sees: keys are strings there.
pub(super) fn key(value: Value) -> Option<String> {
    match value {
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        Value::String(text) => Some(text),
        Value::Array(_) | Value::Null | Value::Object(_) => None,
    }
}

fn is_not_finite(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    matches!(unsigned, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN")
}

fn number(text: &str) -> Option<Number> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    if !digits.starts_with(|c: char| c == '.' || c.is_ascii_digit()) {
        return None;
    }
    let digits = digits.replace('_', "");
    integer(negative, &digits).or_else(|| float(negative, &digits))
}

/// Reads `0x`, `0o`, `0b` and a leading zero, which is octal: `defaultMode: 0644` is 420.
fn integer(negative: bool, text: &str) -> Option<Number> {
    let (radix, digits) = match text.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, &text[2..]),
        [b'0', b'o' | b'O', ..] => (8, &text[2..]),
        [b'0', b'b' | b'B', ..] => (2, &text[2..]),
        [b'0', _, ..] => (8, &text[1..]),
        _ => (10, text),
    };
    if !digits.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        return None;
    }
    let size = u64::from_str_radix(digits, radix).ok()?;
    if negative {
        0_i64.checked_sub_unsigned(size).map(Number::from)
    } else {
        Some(size.into())
    }
}

/// A float without a fraction is an integer to the API server: `1e3` is 1000.
fn float(negative: bool, digits: &str) -> Option<Number> {
    let size: f64 = digits.parse().ok()?;
    let value = if negative { -size } else { size };
    let whole = (value.fract() == 0.0).then(|| format!("{value:.0}").parse::<i64>().ok());
    match whole.flatten() {
        Some(whole) => Some(whole.into()),
        None => Number::from_f64(value),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn reads_plain_scalars_as_kubectl_does() {
        for (text, value) in [
            ("", json!(null)),
            ("~", json!(null)),
            ("NULL", json!(null)),
            ("yes", json!(true)),
            ("on", json!(true)),
            ("y", json!(true)),
            ("Off", json!(false)),
            ("yEs", json!("yEs")),
            ("0644", json!(420)),
            ("0o644", json!(420)),
            ("-0b101", json!(-5)),
            ("0x1F", json!(31)),
            ("08", json!(8)),
            ("0", json!(0)),
            ("1_000", json!(1000)),
            ("1e3", json!(1000)),
            ("3.0", json!(3)),
            ("-1.5", json!(-1.5)),
            (".5", json!(0.5)),
            ("1.", json!(1)),
            ("18446744073709551615", json!(u64::MAX)),
            ("-9223372036854775808", json!(i64::MIN)),
            (
                "18446744073709551616",
                json!(18_446_744_073_709_551_616_f64),
            ),
            ("1e999", json!("1e999")),
            ("2024-01-01", json!("2024-01-01")),
            ("12:30", json!("12:30")),
            ("1.2.3", json!("1.2.3")),
            ("0b+1", json!("0b+1")),
            ("-", json!("-")),
            ("_1", json!("_1")),
            ("500m", json!("500m")),
            ("1Gi", json!("1Gi")),
            ("inf", json!("inf")),
        ] {
            assert_eq!(plain(text), Ok(value), "{text:?}");
        }
    }

    #[test]
    fn refuses_what_json_cannot_say() {
        for text in [".inf", "-.INF", "+.Inf", ".nan"] {
            assert!(plain(text).is_err(), "{text}");
        }
    }
}
