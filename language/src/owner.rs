//! The pod that asserts a variable, or that waits.

use std::{
    cmp::Ordering,
    fmt,
    hash::{Hash, Hasher},
};

use serde::{Deserialize, Deserializer, Serialize, de};
use thiserror::Error;

use crate::{
    escape::is_hidden,
    name::{MAX_SUBDOMAIN_BYTES, Namespace, is_dns_subdomain},
    syntax::Quoted,
};

/// The pod that asserts a variable, or that waits.
///
/// What stays when a run has ended is owned by its producer: for a Job's pods, `name` is that of
/// the Job (of the `CronJob`, if there is one) and `uid` that of the run.
///
/// The uid tells owners apart, and the kind only describes one: owners that differ in nothing but
/// the kind are equal. Requests and files from before have no kind.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Owner {
    /// The namespace of the pod.
    pub namespace: Namespace,
    /// The name of the pod.
    #[serde(deserialize_with = "identifier")]
    pub name: Box<str>,
    /// The uid, which tells the pod from a later one of the same name.
    #[serde(deserialize_with = "identifier")]
    pub uid: Box<str>,
    /// What it is.
    #[serde(default, skip_serializing_if = "OwnerKind::is_pod")]
    pub kind: OwnerKind,
}

/// What an owner is: a pod or, of what stays when a run has ended, its producer.
#[derive(
    Clone, Copy, Debug, Default, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize,
)]
pub enum OwnerKind {
    /// A `CronJob`: the producer of all its Jobs.
    CronJob,
    /// A Job.
    Job,
    /// A pod.
    #[default]
    Pod,
}

impl OwnerKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::CronJob, Self::Job, Self::Pod];

    /// Returns the name of the kind in Kubernetes.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CronJob => "CronJob",
            Self::Job => "Job",
            Self::Pod => "Pod",
        }
    }

    /// Returns whether it is a pod.
    pub const fn is_pod(&self) -> bool {
        matches!(self, Self::Pod)
    }
}

impl fmt::Display for OwnerKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Owner {
    /// Returns the pod of this name and uid.
    pub fn pod(namespace: Namespace, name: impl Into<Box<str>>, uid: impl Into<Box<str>>) -> Self {
        Self {
            namespace,
            name: name.into(),
            uid: uid.into(),
            kind: OwnerKind::Pod,
        }
    }

    /// Returns what tells it from other owners.
    fn identity(&self) -> (&Namespace, &str, &str) {
        (&self.namespace, &self.name, &self.uid)
    }

    /// Returns whether both are runs of one producer: the same name, and any uid.
    pub fn is_same_producer(&self, other: &Self) -> bool {
        (&self.namespace, &self.name) == (&other.namespace, &other.name)
    }

    /// Checks that a pod can have the name. Files from before may have owners of any name, so that
    /// only requests are held to it.
    ///
    /// # Errors
    /// [`PodNameError`] if no pod can have it.
    pub fn check_name(&self) -> Result<(), PodNameError> {
        if is_dns_subdomain(&self.name) {
            Ok(())
        } else {
            let text = self.name.to_string();
            Err(PodNameError { text })
        }
    }
}

impl PartialEq for Owner {
    fn eq(&self, other: &Self) -> bool {
        self.identity() == other.identity()
    }
}

impl Eq for Owner {}

impl Hash for Owner {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.identity().hash(state);
    }
}

impl Ord for Owner {
    fn cmp(&self, other: &Self) -> Ordering {
        self.identity().cmp(&other.identity())
    }
}

impl PartialOrd for Owner {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// A text that no pod can be called.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error(
    "{} is not the name of a pod: a DNS subdomain has at most {MAX_SUBDOMAIN_BYTES} of a-z 0-9 - \
     and dots between them, such as web-0",
    Quoted(.text)
)]
pub struct PodNameError {
    text: String,
}

/// The most bytes of an owner's name, and of its uid.
pub const MAX_IDENTIFIER_BYTES: usize = 253;

/// A text that cannot be the name or uid of an owner.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error(
    "a name or uid has 1 to {MAX_IDENTIFIER_BYTES} bytes, and no white space, control, zero-width or \
     bidi characters"
)]
struct IdentifierError;

/// Reads the name or the uid of an owner.
///
/// # Errors
/// The error of the deserializer if it is no text, is empty or too long, or holds white space or
/// hidden characters.
pub fn identifier<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Box<str>, D::Error> {
    let text = Box::<str>::deserialize(deserializer)?;
    let allowed = |c: char| !c.is_whitespace() && !is_hidden(c);
    if (1..=MAX_IDENTIFIER_BYTES).contains(&text.len()) && text.chars().all(allowed) {
        Ok(text)
    } else {
        Err(de::Error::custom(IdentifierError))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn mk_owner(name: &str, uid: &str) -> Result<Owner, serde_json::Error> {
        serde_json::from_value(json!({"namespace": "shop", "name": name, "uid": uid}))
    }

    #[test]
    fn a_name_or_uid_is_visible_text_of_1_to_253_bytes() {
        for good in ["web-0", "\u{e9}/\u{6f22}", &"x".repeat(253)] {
            let owner = mk_owner(good, good).unwrap();
            assert_eq!((&*owner.name, &*owner.uid), (good, good));
        }
        for bad in [
            "",
            &"x".repeat(254),
            "a b",
            "a\nb",
            "a\u{200b}",
            "\u{202e}a",
            "\u{3000}",
        ] {
            for error in [mk_owner(bad, "u"), mk_owner("a", bad)] {
                let error = error.unwrap_err().to_string();
                assert!(
                    error.starts_with("a name or uid has 1 to 253 bytes"),
                    "{bad:?}: {error}"
                );
            }
        }
    }

    #[test]
    fn the_kind_is_that_of_a_pod_unless_it_says_otherwise() {
        let pod = mk_owner("a", "1").unwrap();
        assert_eq!(pod.kind, OwnerKind::Pod);
        let without_kind = json!({"namespace": "shop", "name": "a", "uid": "1"});
        assert_eq!(serde_json::to_value(&pod).unwrap(), without_kind);
        for kind in [OwnerKind::CronJob, OwnerKind::Job] {
            let owner = Owner {
                kind,
                ..pod.clone()
            };
            let json = serde_json::to_value(&owner).unwrap();
            assert_eq!(json["kind"], kind.as_str());
            let read: Owner = serde_json::from_value(json).unwrap();
            assert_eq!(read.kind, kind);
            assert_eq!(read, pod, "the kind tells no owners apart");
        }
        let unknown = json!({"namespace": "shop", "name": "a", "uid": "1", "kind": "Node"});
        assert!(serde_json::from_value::<Owner>(unknown).is_err());
    }

    #[test]
    fn the_name_of_a_pod_is_a_dns_subdomain() {
        for good in ["web-0", "a.b-c.d", "0", &"x".repeat(253)] {
            assert_eq!(mk_owner(good, "1").unwrap().check_name(), Ok(()));
        }
        for bad in [
            "web/0", "a?b", "a#b", "a%2fb", "..", "a.", "-a", "a-", "A", "\u{e9}",
        ] {
            let error = mk_owner(bad, "1").unwrap().check_name().unwrap_err();
            let error = error.to_string();
            assert!(error.contains("is not the name of a pod"), "{error}");
        }
    }

    #[test]
    fn a_producer_is_told_by_its_name_and_not_by_its_uid() {
        let first = mk_owner("a", "1").unwrap();
        assert!(first.is_same_producer(&mk_owner("a", "2").unwrap()));
        assert!(!first.is_same_producer(&mk_owner("b", "1").unwrap()));
        let elsewhere = Owner {
            namespace: "other".parse().unwrap(),
            ..first.clone()
        };
        assert!(!first.is_same_producer(&elsewhere));
    }
}
