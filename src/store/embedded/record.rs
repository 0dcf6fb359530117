//! The row of an assertion in the file: its id as the key, then a checksum of the whole row, then
//! the rest as JSON.
//!
//! The texts here are a file format: they change with [`FORMAT`](super::tables::FORMAT) only.

use oncue_language::{Namespace, OwnerKind, VariableKey};
use serde::{Deserialize, Serialize};

use super::tables::Format;
use crate::life::{Asserter, Assertion, AssertionId, Kind, Owner, Timestamp};

/// The variable's namespace and name; the assertion's kind; its owner's namespace, name and uid,
/// which are empty for assertions by hand.
pub(super) type RowKey<'a> = (&'a str, &'a str, &'a str, &'a str, &'a str, &'a str);

/// The JSON of a row: everything that is not in the key.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Record {
    /// Milliseconds since the epoch, as is `expires`.
    since: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    value: Option<String>,
    /// What the owner is. Only files of the newest format have it.
    #[serde(default, skip_serializing_if = "OwnerKind::is_pod")]
    owner_kind: OwnerKind,
}

/// Returns whether a row with this assertion needs the newest format.
pub(super) fn needs_newest(assertion: &Assertion) -> bool {
    !owner_kind(assertion).is_pod()
}

fn owner_kind(assertion: &Assertion) -> OwnerKind {
    let owner = assertion.id.asserter.owner();
    owner.map(|owner| owner.kind).unwrap_or_default()
}

pub(super) fn row_key<'a>(variable: &'a VariableKey, id: &'a AssertionId) -> RowKey<'a> {
    let (namespace, name, uid) = match &id.asserter {
        Asserter::Hand => ("", "", ""),
        Asserter::Owner(owner) => (owner.namespace.as_str(), &*owner.name, &*owner.uid),
    };
    let VariableKey {
        namespace: own,
        name: variable,
    } = variable;
    (
        own.as_str(),
        variable.as_str(),
        kind_text(id.kind),
        namespace,
        name,
        uid,
    )
}

pub(super) fn encode(key: RowKey<'_>, assertion: &Assertion) -> Vec<u8> {
    let record = Record {
        since: assertion.since.as_millis(),
        expires: assertion.expires.map(Timestamp::as_millis),
        value: assertion.value.as_ref().map(|v| v.as_str().to_owned()),
        owner_kind: owner_kind(assertion),
    };
    let json = serde_json::to_vec(&record).expect("numbers and texts are JSON");
    let mut bytes = checksum(key, &json).to_le_bytes().to_vec();
    bytes.extend(json);
    bytes
}

/// Reads a row. An error names the record and says what is wrong with it.
pub(super) fn decode(
    format: Format,
    key: RowKey<'_>,
    record: &[u8],
) -> Result<(VariableKey, Assertion), String> {
    let (namespace, name, kind, _, owner, _) = key;
    let at = |error: String| match owner {
        "" => format!("the {kind} record of {name}@{namespace} by hand: {error}"),
        owner => format!("the {kind} record of {name}@{namespace} by {owner}: {error}"),
    };
    let json = match format {
        Format::Checked => checked(key, record).ok_or_else(|| at(NO_MATCH.to_owned()))?,
        Format::Plain => record,
    };
    let variable = variable_key(key).map_err(at)?;
    let mut id = assertion_id(key).map_err(at)?;
    let record: Record = serde_json::from_slice(json).map_err(|e| at(e.to_string()))?;
    if let Asserter::Owner(owner) = &mut id.asserter {
        owner.kind = record.owner_kind;
    }
    let value = record.value.map(|text| text.parse()).transpose();
    let assertion = Assertion {
        id,
        value: value.map_err(|error| at(format!("{error}")))?,
        since: Timestamp::from_millis(record.since),
        expires: record.expires.map(Timestamp::from_millis),
    };
    Ok((variable, assertion))
}

const NO_MATCH: &str = "its checksum does not match";

/// Returns the record's JSON if its checksum matches.
fn checked<'a>(key: RowKey<'_>, record: &'a [u8]) -> Option<&'a [u8]> {
    let (sum, json) = record.split_first_chunk()?;
    (u32::from_le_bytes(*sum) == checksum(key, json)).then_some(json)
}

/// Returns the CRC-32 of the key's parts and the JSON. A byte that occurs in no text ends each
/// part.
fn checksum(key: RowKey<'_>, json: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    for part in <[&str; 6]>::from(key) {
        hasher.update(part.as_bytes());
        hasher.update(&[0xff]);
    }
    hasher.update(json);
    hasher.finalize()
}

fn variable_key((namespace, name, ..): RowKey<'_>) -> Result<VariableKey, String> {
    let namespace = parse_namespace(namespace)?;
    let name = name.parse().map_err(|error| format!("{error}"))?;
    Ok(VariableKey { namespace, name })
}

fn assertion_id((_, _, kind, namespace, name, uid): RowKey<'_>) -> Result<AssertionId, String> {
    let asserter = if (namespace, name, uid) == ("", "", "") {
        Asserter::Hand
    } else {
        Asserter::Owner(Owner::pod(parse_namespace(namespace)?, name, uid))
    };
    let kind = parse_kind(kind)?;
    Ok(AssertionId {
        asserter,
        kind,
        object: None,
    })
}

fn parse_namespace(text: &str) -> Result<Namespace, String> {
    text.parse().map_err(|error| format!("{error}"))
}

fn kind_text(kind: Kind) -> &'static str {
    match kind {
        Kind::Durable => "durable",
        Kind::Live => "live",
        Kind::Ready => "ready",
    }
}

fn parse_kind(text: &str) -> Result<Kind, String> {
    [Kind::Durable, Kind::Live, Kind::Ready]
        .into_iter()
        .find(|kind| kind_text(*kind) == text)
        .ok_or_else(|| format!("{text:?} is no kind of assertion"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mk_variable() -> VariableKey {
        VariableKey::new(Namespace::default(), "a/b".parse().unwrap())
    }

    fn mk_assertions() -> [Assertion; 2] {
        let owner = Owner::pod("other".parse().unwrap(), "p/q", "u");
        [
            Assertion {
                id: AssertionId::HAND,
                value: Some("x\n\"é".parse().unwrap()),
                since: Timestamp::from_millis(1),
                expires: Some(Timestamp::from_millis(2)),
            },
            Assertion {
                id: AssertionId::of(owner, Kind::Ready),
                value: None,
                since: Timestamp::MAX,
                expires: None,
            },
        ]
    }

    #[test]
    fn reading_is_the_inverse_of_writing() {
        let variable = mk_variable();
        for assertion in mk_assertions() {
            let key = row_key(&variable, &assertion.id);
            let read = decode(Format::Checked, key, &encode(key, &assertion)).unwrap();
            assert_eq!(read, (variable.clone(), assertion));
        }
    }

    #[test]
    fn the_kind_of_an_owner_is_kept_unless_it_is_a_pod() {
        let variable = mk_variable();
        for kind in OwnerKind::ALL {
            let owner = Owner {
                kind,
                ..Owner::pod(Namespace::default(), "migrate", "u")
            };
            let assertion = Assertion {
                id: AssertionId::of(owner, Kind::Durable),
                ..mk_assertions()[1].clone()
            };
            assert_eq!(needs_newest(&assertion), kind != OwnerKind::Pod);
            let key = row_key(&variable, &assertion.id);
            let row = encode(key, &assertion);
            let (_, read) = decode(Format::Checked, key, &row).unwrap();
            assert_eq!(owner_kind(&read), kind);
        }
    }

    #[test]
    fn the_format_is_what_it_always_was() {
        let [hand, ready] = mk_assertions();
        let variable = mk_variable();
        assert_eq!(
            row_key(&variable, &hand.id),
            ("default", "a/b", "durable", "", "", "")
        );
        assert_eq!(
            row_key(&variable, &ready.id),
            ("default", "a/b", "ready", "other", "p/q", "u")
        );
        let record = encode(row_key(&variable, &hand.id), &hand);
        assert_eq!(record[..4], 0xfc4d_a1d6_u32.to_le_bytes());
        assert_eq!(
            record[4..],
            *r#"{"since":1,"expires":2,"value":"x\n\"é"}"#.as_bytes()
        );
    }

    #[test]
    fn a_flipped_bit_is_an_error_that_names_the_record() {
        let variable = mk_variable();
        for assertion in mk_assertions() {
            let key = row_key(&variable, &assertion.id);
            let record = encode(key, &assertion);
            for bit in 0..8 * record.len() {
                let mut flipped = record.clone();
                flipped[bit / 8] ^= 1 << (bit % 8);
                let error = decode(Format::Checked, key, &flipped).unwrap_err();
                assert!(error.contains("record of a/b@default by"), "{error}");
                assert!(error.ends_with("its checksum does not match"), "{error}");
            }
            let other = ("default", "a/c", key.2, key.3, key.4, key.5);
            assert!(decode(Format::Checked, other, &record).is_err());
        }
    }

    #[test]
    fn a_row_that_cannot_be_says_what_is_wrong_with_it() {
        let good = br#"{"since":1}"#.as_slice();
        for (key, record, wrong) in [
            (("A", "a", "live", "", "", ""), good, "not a namespace"),
            (("a", "..", "live", "", "", ""), good, "must not be"),
            (("a", "b", "dead", "", "", ""), good, "no kind of assertion"),
            (("a", "b", "live", "", "x", "y"), good, "not a namespace"),
            (
                ("a", "b", "live", "", "", ""),
                b"{}",
                "missing field `since`",
            ),
            (("a", "b", "live", "", "", ""), b"\x00", "expected value"),
        ] {
            let error = decode(Format::Plain, key, record).unwrap_err();
            assert!(error.contains(wrong), "{error}");
        }
    }
}
