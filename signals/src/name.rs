//! The name of an object, which follows from its content: whoever creates it twice creates one.

use oncue_core::assertion::AssertionId;
use oncue_language::{VariableKey, name::MAX_SUBDOMAIN_BYTES};
use ring::digest::{SHA256, digest};

use crate::SignalKind;

/// Returns the name of the object of an assertion: a readable part, `-`, and 32 hexadecimal digits.
///
/// The digits are the first 128 bits of the SHA-256 hash of the variable's name, the owner's uid
/// and the kind, joined by NUL bytes. If people keep an assertion under a name of their own, that
/// is its name.
pub fn object_name(key: &VariableKey, id: &AssertionId) -> String {
    match &id.object {
        Some(name) => name.to_string(),
        None => name_of_content(key, id),
    }
}

/// Returns the name that follows from the content alone.
pub(crate) fn name_of_content(key: &VariableKey, id: &AssertionId) -> String {
    let variable = key.name.as_str();
    let uid = id.asserter.owner().map_or("", |owner| &owner.uid);
    let kind = SignalKind::from(id.kind).as_str();
    let hash = digest(&SHA256, [variable, uid, kind].join("\0").as_bytes());
    let digits = hash.as_ref().iter().take(HASH_BYTES);
    let mut name = readable(variable);
    name.push('-');
    name.extend(digits.flat_map(|byte| [byte >> 4, byte & 0xf]).map(hex));
    name
}

/// Returns what a DNS subdomain can show of a variable's name: `first.container` for
/// `first/container`.
fn readable(variable: &str) -> String {
    let lower = variable.to_ascii_lowercase();
    let parts = lower.split(['/', '.']).map(|part| part.replace('_', "-"));
    let parts = parts.map(|part| part.trim_matches('-').to_owned());
    let parts: Vec<_> = parts.filter(|part| !part.is_empty()).collect();
    let name = parts.join(".");
    let name = name[..name.len().min(READABLE_BYTES)].trim_end_matches(['-', '.']);
    if name.is_empty() { "signal" } else { name }.to_owned()
}

fn hex(digit: u8) -> char {
    char::from(if digit < 10 {
        b'0' + digit
    } else {
        b'a' + digit - 10
    })
}

const HASH_BYTES: usize = 16;
const READABLE_BYTES: usize = MAX_SUBDOMAIN_BYTES - 1 - 2 * HASH_BYTES;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use oncue_core::assertion::{Kind, Owner, OwnerKind};
    use oncue_language::{Namespace, name::is_dns_subdomain};
    use proptest::prelude::*;

    use super::*;

    fn mk_key(name: &str) -> VariableKey {
        VariableKey::new(Namespace::default(), name.parse().unwrap())
    }

    fn mk_owned(uid: &str, kind: Kind) -> AssertionId {
        AssertionId::of(Owner::pod(Namespace::default(), "p", uid), kind)
    }

    #[test]
    fn the_name_begins_with_what_a_person_can_read() {
        for (variable, begin) in [
            ("first/container", "first.container-"),
            ("A/b_c", "a.b-c-"),
            ("v1.2/-x-", "v1.2.x-"),
            ("a.-/.b", "a.b-"),
            ("_", "signal-"),
            ("-./-", "signal-"),
        ] {
            let name = object_name(&mk_key(variable), &AssertionId::HAND);
            let (readable, digits) = name.split_at(name.len() - 32);
            assert_eq!(readable, begin, "{variable}");
            assert!(digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        }
    }

    /// A name that changed would make every object of before one of another name.
    #[test]
    fn the_name_is_what_it_always_was() {
        let id = mk_owned("2b9b9b2e-1f6a-4a0f-8d0e-3f1f1d1c9a55", Kind::Live);
        assert_eq!(
            object_name(&mk_key("first/container"), &id),
            "first.container-daa2b6ab350c1329a2c17ede121bb468"
        );
    }

    #[test]
    fn other_content_has_another_name() {
        let ids = [
            AssertionId::HAND,
            mk_owned("1", Kind::Durable),
            mk_owned("1", Kind::Live),
            mk_owned("1", Kind::Ready),
            mk_owned("2", Kind::Live),
        ];
        let names = ["a/b", "a.b", "a"].map(mk_key);
        let all = names
            .iter()
            .flat_map(|key| ids.iter().map(move |id| (key, id)));
        let distinct: BTreeSet<_> = all.map(|(key, id)| object_name(key, id)).collect();
        assert_eq!(distinct.len(), names.len() * ids.len());
    }

    #[test]
    fn the_namespace_and_the_kind_of_the_owner_are_not_in_the_name() {
        let elsewhere = VariableKey::new("shop".parse().unwrap(), "a".parse().unwrap());
        let job = Owner {
            kind: OwnerKind::Job,
            ..Owner::pod(Namespace::default(), "p", "1")
        };
        let of_job = object_name(&elsewhere, &AssertionId::of(job, Kind::Durable));
        let of_pod = object_name(&mk_key("a"), &mk_owned("1", Kind::Durable));
        assert_eq!(of_job, of_pod);
    }

    #[test]
    fn a_name_of_a_persons_own_stays() {
        let id = AssertionId {
            object: Some("mine".into()),
            ..AssertionId::HAND
        };
        assert_eq!(object_name(&mk_key("a"), &id), "mine");
    }

    proptest! {
        #[test]
        fn every_name_is_a_dns_subdomain(variable in "[A-Za-z0-9_-][A-Za-z0-9._-]{0,120}(/[A-Za-z0-9_-][A-Za-z0-9._-]{0,120})?") {
            let name = object_name(&mk_key(&variable), &AssertionId::HAND);
            prop_assert!(is_dns_subdomain(&name), "{}", name);
        }
    }
}
