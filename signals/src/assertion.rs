//! A Signal read as an assertion, and an assertion written as a Signal.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference, Time};
use oncue_core::assertion::{Asserter, Assertion, AssertionId, Kind, Owner, OwnerKind, Timestamp};
use oncue_language::{Namespace, VariableKey};

use crate::{
    Signal, SignalError, SignalOwner, SignalSpec,
    name::{name_of_content, object_name},
    resource::read_member,
};

impl Signal {
    /// Reads an object's JSON, such as that of a manifest. What it says of its kind is not looked
    /// at.
    ///
    /// # Errors
    /// [`SignalError::Field`] with the first member that is wrong.
    pub fn read(object: &serde_json::Value) -> Result<Self, SignalError> {
        let member = |name| object.get(name).unwrap_or(&serde_json::Value::Null);
        Ok(Self {
            metadata: read_member("metadata", member("metadata"))?,
            spec: SignalSpec::read(member("spec"))?,
        })
    }
}

/// Reads the assertion that an object makes. One without a time of creation has been there for
/// ever.
///
/// # Errors
/// [`SignalError`] if the object is no assertion: it was written past the rules of the resource, or
/// is a manifest without name or namespace.
impl TryFrom<&Signal> for (VariableKey, Assertion) {
    type Error = SignalError;

    fn try_from(Signal { metadata, spec }: &Signal) -> Result<Self, SignalError> {
        let key = VariableKey::new(namespace(metadata)?, spec.variable.clone());
        let kind = spec.kind.into();
        let asserter = match &spec.owner {
            Some(owner) => Asserter::Owner(owner.read(&key.namespace)?),
            None => Asserter::Hand,
        };
        let is_pod = asserter.owner().is_some_and(|owner| owner.kind.is_pod());
        if kind != Kind::Durable && !is_pod {
            return Err(SignalError::NoPod);
        }
        let id = AssertionId {
            asserter,
            kind,
            object: None,
        };
        let name = required(metadata.name.as_deref(), "metadata.name")?;
        let object = (name != name_of_content(&key, &id)).then(|| name.into());
        let created = metadata.creation_timestamp.as_ref().map(moment);
        let assertion = Assertion {
            id: AssertionId { object, ..id },
            value: spec.value.clone(),
            since: spec.since.or(created).unwrap_or_default(),
            expires: spec.expires,
        };
        Ok((key, assertion))
    }
}

/// Writes the object of an assertion, as it is created: a live or ready one refers to its pod, so
/// that the garbage collection of Kubernetes deletes it with the pod. A durable one says since when
/// it holds; for the others, the time of creation does.
///
/// # Errors
/// [`SignalError`] if the owner is one that no object can name. Files from before may have such.
impl TryFrom<(&VariableKey, &Assertion)> for Signal {
    type Error = SignalError;

    fn try_from((key, assertion): (&VariableKey, &Assertion)) -> Result<Self, SignalError> {
        let Assertion {
            id,
            value,
            since,
            expires,
        } = assertion;
        let owner = id.asserter.owner();
        let owner = owner.map(|owner| SignalOwner::of(owner, &key.namespace));
        let owner = owner.transpose()?;
        let reference = owner.as_ref().filter(|_| id.kind != Kind::Durable);
        Ok(Self {
            metadata: ObjectMeta {
                name: Some(object_name(key, id)),
                namespace: Some(key.namespace.to_string()),
                owner_references: reference.map(|owner| vec![owner.reference()]),
                ..ObjectMeta::default()
            },
            spec: SignalSpec {
                variable: key.name.clone(),
                kind: id.kind.into(),
                value: value.clone(),
                since: (id.kind == Kind::Durable).then_some(*since),
                owner,
                expires: *expires,
            },
        })
    }
}

impl SignalOwner {
    fn of(owner: &Owner, variable: &Namespace) -> Result<Self, SignalError> {
        let Owner {
            namespace,
            name,
            uid,
            kind,
        } = owner;
        if namespace != variable {
            return Err(SignalError::ForeignOwner {
                owner: namespace.clone(),
                variable: variable.clone(),
            });
        }
        owner.check_name().map_err(SignalError::OwnerName)?;
        Ok(Self {
            kind: *kind,
            name: name.clone(),
            uid: uid.clone(),
        })
    }

    fn read(&self, namespace: &Namespace) -> Result<Owner, SignalError> {
        let Self { kind, name, uid } = self;
        let owner = Owner {
            namespace: namespace.clone(),
            name: name.clone(),
            uid: uid.clone(),
            kind: *kind,
        };
        owner.check_name().map_err(SignalError::OwnerName)?;
        Ok(owner)
    }

    /// Returns the reference to a pod. It blocks no deletion and controls nothing.
    fn reference(&self) -> OwnerReference {
        OwnerReference {
            api_version: "v1".to_owned(),
            kind: OwnerKind::Pod.to_string(),
            name: self.name.to_string(),
            uid: self.uid.to_string(),
            block_owner_deletion: None,
            controller: None,
        }
    }
}

fn namespace(metadata: &ObjectMeta) -> Result<Namespace, SignalError> {
    let path = "metadata.namespace";
    let text = required(metadata.namespace.as_deref(), path)?;
    text.parse().map_err(|error| SignalError::Field {
        path: path.to_owned(),
        rule: format!("{error}"),
    })
}

fn required<'a>(text: Option<&'a str>, path: &str) -> Result<&'a str, SignalError> {
    let text = text.filter(|text| !text.is_empty());
    text.ok_or_else(|| SignalError::Field {
        path: path.to_owned(),
        rule: "is missing".to_owned(),
    })
}

fn moment(Time(moment): &Time) -> Timestamp {
    Timestamp::from_millis(u64::try_from(moment.as_millisecond()).unwrap_or_default())
}
