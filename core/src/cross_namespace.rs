//! What a pod may ask about other namespaces: pure.
//!
//! The owner of a namespace says who may read it, in an annotation of the namespace. The
//! installation says what may be read without that annotation.
//!
//! | module | what it holds |
//! | --- | --- |
//! | `readers` | [`Readers`], the value of the annotation |
//! | `namespaces` | [`Namespaces`], what is known of the annotations of all namespaces |
//! | `refusal` | [`Refusal`], why something may not be read, and what to do |

mod namespaces;
mod readers;
mod refusal;

use std::{collections::BTreeSet, str::FromStr};

use oncue_language::{Keys, Namespace, Subject, Target};
use serde_json::Value;

pub use self::{
    namespaces::{Knowledge, Namespaces},
    readers::Readers,
    refusal::Refusal,
};

/// What a namespace shows to namespaces that its annotation does not name.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum CrossNamespace {
    /// Nothing.
    Annotated,
    /// Its variables, and the readiness of its pods, Services and workloads.
    #[default]
    Open,
}

impl FromStr for CrossNamespace {
    type Err = CrossNamespaceError;

    fn from_str(text: &str) -> Result<Self, CrossNamespaceError> {
        match text {
            "annotated" => Ok(Self::Annotated),
            "open" => Ok(Self::Open),
            _ => Err(CrossNamespaceError(text.to_owned())),
        }
    }
}

/// A text that is not a [`CrossNamespace`].
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{0:?} is not a policy for other namespaces: it is annotated or open")]
pub struct CrossNamespaceError(String);

/// What is read of a namespace.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Asked {
    /// Fields and the existence of objects, other kinds, and who waits for what: only the annotation
    /// permits it.
    Details,
    /// The readiness of pods, Services and workloads.
    Readiness,
    /// Variables with their values.
    Variables,
}

/// The rules of an installation for reads of other namespaces.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Policy {
    cross_namespace: CrossNamespace,
    /// The namespaces that all others may read as if the policy were open.
    readable_by_all: BTreeSet<Namespace>,
    /// The key of the annotation.
    annotation: Box<str>,
}

/// A read of another namespace.
#[derive(Clone, Copy, Debug)]
pub struct Read<'a> {
    /// The namespace of the one who reads.
    pub by: &'a Namespace,
    /// The namespace that is read.
    pub of: &'a Namespace,
    /// What is read of it.
    pub asked: Asked,
}

impl Asked {
    /// Returns what a condition reads.
    pub fn by_subject(subject: &Subject) -> Self {
        match subject {
            Subject::Object(key) if key.is_readiness() => Self::Readiness,
            Subject::Object(_) => Self::Details,
            Subject::Below { .. } | Subject::Variable { .. } => Self::Variables,
        }
    }

    /// Returns what a term of a pod in `own` reads of another namespace, and of which; `None` if it
    /// reads of none.
    pub fn by_target<'t>(target: &'t Target, own: &Namespace) -> Option<(&'t Namespace, Self)> {
        let (namespace, asked) = match target {
            Target::Below { namespace, .. } | Target::Variable { namespace, .. } => {
                (namespace.as_ref()?, Self::Variables)
            }
            Target::Object(object) if object.is_private_to_others(own) => {
                (object.namespace.as_ref()?, Self::Details)
            }
            Target::Object(object) => (object.namespace.as_ref()?, Self::Readiness),
            Target::Probe(_) => return None,
        };
        (namespace != own).then_some((namespace, asked))
    }
}

impl Policy {
    /// Returns the rules of an installation whose annotations have the prefix of `keys`.
    pub fn new(
        cross_namespace: CrossNamespace,
        readable_by_all: impl IntoIterator<Item = Namespace>,
        keys: &Keys,
    ) -> Self {
        Self {
            cross_namespace,
            readable_by_all: readable_by_all.into_iter().collect(),
            annotation: annotation(keys).into(),
        }
    }

    /// Returns the key of the annotation of a namespace.
    pub fn annotation(&self) -> &str {
        &self.annotation
    }

    /// Returns who may read a namespace, from its object; `None` if it does not say.
    pub fn readers(&self, namespace: &Value) -> Option<Readers> {
        let annotations = namespace.pointer("/metadata/annotations")?;
        let value = annotations.get(self.annotation())?.as_str()?;
        Some(value.into())
    }

    /// Returns whether a read needs the annotation.
    pub fn needs_annotation(&self, read: &Read<'_>) -> bool {
        let is_open =
            self.cross_namespace == CrossNamespace::Open || self.readable_by_all.contains(read.of);
        read.by != read.of && (read.asked == Asked::Details || !is_open)
    }

    /// Decides about a read, by what is known of the annotations.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn judge(
        &self,
        read: &Read<'_>,
        (readers, knowledge): (Option<&Readers>, Knowledge),
    ) -> Result<(), Refusal> {
        let is_permitted = readers.is_some_and(|readers| readers.contains(read.by));
        if is_permitted || !self.needs_annotation(read) {
            return Ok(());
        }
        Err(Refusal {
            annotation: self.annotation.clone(),
            by: read.by.clone(),
            of: read.of.clone(),
            is_wrong: readers.is_some_and(|readers| readers.wrong().is_some()),
            knowledge,
        })
    }
}

/// Returns the name of a Namespace object, or `None` for any other object.
pub fn name_of(object: &Value) -> Option<Namespace> {
    let text = |pointer| object.pointer(pointer).and_then(Value::as_str);
    let is_namespace = text("/apiVersion") == Some("v1") && text("/kind") == Some("Namespace");
    let name = text("/metadata/name").filter(|_| is_namespace)?;
    name.parse().ok()
}

/// Returns the key of the annotation with which a namespace says who may read it.
pub fn annotation(keys: &Keys) -> String {
    format!("{}/{READABLE_FROM}", keys.prefix())
}

const READABLE_FROM: &str = "readable-from";

#[cfg(test)]
mod tests {
    use oncue_language::{Term, annotation::BareKeys};
    use serde_json::json;

    use super::*;

    fn ns(name: &str) -> Namespace {
        name.parse().unwrap()
    }

    fn mk_policy(cross_namespace: CrossNamespace) -> Policy {
        Policy::new(cross_namespace, [ns("kube-system")], &Keys::default())
    }

    fn is_permitted(policy: &Policy, (of, asked): (&str, Asked), annotation: Option<&str>) -> bool {
        let (by, of) = (ns("shop"), ns(of));
        let readers = annotation.map(Readers::from);
        let read = Read {
            by: &by,
            of: &of,
            asked,
        };
        let judged = policy.judge(&read, (readers.as_ref(), Knowledge::Complete));
        judged.is_ok()
    }

    #[test]
    fn the_annotation_permits_everything_and_the_policy_some_of_it() {
        use Asked::{Details, Readiness, Variables};
        let (open, annotated) = (
            mk_policy(CrossNamespace::Open),
            mk_policy(CrossNamespace::Annotated),
        );
        for (of, asked, by_open, by_annotated) in [
            ("other", Variables, true, false),
            ("other", Readiness, true, false),
            ("other", Details, false, false),
            ("kube-system", Variables, true, true),
            ("kube-system", Readiness, true, true),
            ("kube-system", Details, false, false),
            ("shop", Details, true, true),
            ("shop", Variables, true, true),
        ] {
            let row = format!("{asked:?} of {of}");
            let read = (of, asked);
            assert_eq!(is_permitted(&open, read, None), by_open, "open: {row}");
            assert_eq!(is_permitted(&annotated, read, None), by_annotated, "{row}");
            for policy in [&open, &annotated] {
                for value in ["*", "shop", "a, shop"] {
                    assert!(is_permitted(policy, read, Some(value)), "{row}: {value}");
                }
            }
            let of_others = is_permitted(&annotated, read, Some("shop-2, sho"));
            assert_eq!(of_others, by_annotated, "{row}");
        }
    }

    #[test]
    fn a_term_reads_variables_readiness_or_details() {
        let own = ns("shop");
        for (term, expected) in [
            ("a/b@other", Some(Asked::Variables)),
            ("!a/*@other", Some(Asked::Variables)),
            ("a/b", None),
            ("a/b@shop", None),
            ("job:m@other", Some(Asked::Readiness)),
            ("pod:[a=b]@other", Some(Asked::Readiness)),
            ("deployment:x@other=Available", Some(Asked::Readiness)),
            ("pod:x@other{.spec.nodeName}", Some(Asked::Details)),
            ("configmap:x@other", Some(Asked::Details)),
            ("secret:x@other", Some(Asked::Details)),
            ("persistentvolumeclaim:x@other", Some(Asked::Details)),
            (
                "certificates.cert-manager.io:x@other=Ready",
                Some(Asked::Details),
            ),
            ("configmap:x", None),
            ("node:n", None),
            ("tcp://redis.other:1", None),
        ] {
            let term: Term = term.parse().unwrap();
            let asked = Asked::by_target(&term.target, &own);
            assert_eq!(asked.map(|(_, asked)| asked), expected, "{term}");
            let Ok(Some(condition)) = term.condition(&own) else {
                continue;
            };
            if let Some(expected) = expected {
                assert_eq!(Asked::by_subject(&condition.subject), expected, "{term}");
                assert_eq!(condition.subject.namespace(), Some(&ns("other")), "{term}");
            }
        }
    }

    #[test]
    fn the_annotation_has_the_prefix_of_the_installation() {
        let keys = Keys::new("cue.example.com", BareKeys::Read).unwrap();
        let policy = Policy::new(CrossNamespace::Open, [], &keys);
        assert_eq!(policy.annotation(), "cue.example.com/readable-from");
        let object = |key: &str| json!({"metadata": {"annotations": {key: "shop"}}});
        let readers = policy.readers(&object("cue.example.com/readable-from"));
        assert!(readers.unwrap().contains(&ns("shop")));
        assert_eq!(policy.readers(&object("oncue.dev/readable-from")), None);
        assert_eq!(policy.readers(&object("readable-from")), None);
    }

    #[test]
    fn only_a_namespace_object_names_one() {
        let object = |version: &str, kind: &str, name: &str| json!({"apiVersion": version, "kind": kind, "metadata": {"name": name}});
        assert_eq!(name_of(&object("v1", "Namespace", "a")), Some(ns("a")));
        assert_eq!(name_of(&object("v1", "Pod", "a")), None);
        assert_eq!(name_of(&object("x/v1", "Namespace", "a")), None);
        assert_eq!(name_of(&object("v1", "Namespace", "A")), None);
    }
}
