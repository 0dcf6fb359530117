//! Signals: assertions as objects of a cluster, read and written with the rights of the one who asks.

use std::{fmt, sync::Arc};

use futures_util::StreamExt;
use kube::{
    Api, Client,
    api::{ApiResource, DeleteParams, DynamicObject, Preconditions},
    core::Request,
    runtime::watcher::{Config, watcher},
};
use oncue_signals::{Signal, SignalError, object_name, patch};
use serde_json::Value;

use super::{
    ApiError, Place, Question, Resource, Unlisted, Verb, WatchEvents, Write, call, find, get,
};
use crate::{
    language::{Kind, Namespace, VariableKey, VariableName},
    life::Assertion,
    model::{ExistingSource, ExistingVariable},
    world::{Action, Effect, Existing, Mutation, Update, variables::Variables},
};

/// The Signals of a cluster.
#[derive(Clone)]
pub(crate) struct Signals {
    client: Client,
}

/// Objects that were read.
#[derive(Debug, Default)]
pub(crate) struct ReadSignals {
    pub(crate) signals: Vec<StoredSignal>,
    /// Those that are no assertions: they were written past the rules of the resource.
    pub(crate) skipped: Vec<SkippedSignal>,
}

/// An assertion, with the object that makes it.
#[derive(Clone, Debug)]
pub(crate) struct StoredSignal {
    pub(crate) key: VariableKey,
    pub(crate) assertion: Arc<Assertion>,
    name: String,
    pub(crate) uid: String,
    pub(crate) version: String,
}

/// An object that is no assertion.
#[derive(Debug)]
pub(crate) struct SkippedSignal {
    namespace: String,
    name: String,
    error: SignalError,
}

impl fmt::Display for SkippedSignal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            namespace,
            name,
            error,
        } = self;
        write!(f, "signal/{name} -n {namespace}: {error}")
    }
}

/// Why a Signal was not written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SignalWriteError {
    /// The request failed.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// Others changed the object each time.
    #[error("others keep changing signal/{name} -n {namespace}: try again")]
    Contended { namespace: Namespace, name: String },
    /// The object is about to go.
    #[error("signal/{name} -n {namespace} is being deleted: try again")]
    Deleted { namespace: Namespace, name: String },
    /// Objects cannot be listed.
    #[error(transparent)]
    Listed(#[from] Unlisted),
    /// An object of this name is there that cannot be read.
    #[error("{0}; correct it, or delete it")]
    Skipped(SkippedSignal),
    /// The assertion is none that an object can make.
    #[error(transparent)]
    Unwritable(#[from] SignalError),
}

impl Signals {
    pub(crate) fn new(client: Client) -> Self {
        Self { client }
    }

    /// Reads the Signals in a place, without those that are being deleted; all of them, or those of
    /// one variable.
    pub(crate) async fn list(
        &self,
        place: &Place,
        variable: Option<&VariableName>,
    ) -> Result<ReadSignals, Unlisted> {
        let Some(variable) = variable else {
            return self.select(place, "").await;
        };
        let selector = format!("spec.variable={variable}");
        let listed = match self.select(place, &selector).await {
            // Before Kubernetes 1.31, no field of a custom resource is selected by.
            Err(Unlisted::Failed {
                source: ApiError::Refused(status),
                ..
            }) if status.code == 400 => self.select(place, "").await,
            listed => listed,
        };
        listed.map(|mut read| {
            read.signals.retain(|it| it.key.name == *variable);
            read
        })
    }

    async fn select(&self, place: &Place, fields: &str) -> Result<ReadSignals, Unlisted> {
        let question = Question {
            fields,
            ..Question::default()
        };
        let signals = (&self.client, Resource::SIGNAL);
        let mut read = ReadSignals::default();
        for signal in find(signals, place, question, StoredSignal::read).await? {
            match signal {
                Ok(signal) => read.signals.push(signal),
                Err(skipped) => read.skipped.push(skipped),
            }
        }
        Ok(read)
    }

    /// Makes an assertion in place of one with the same id. Returns what it did to the variable, as
    /// far as this one object tells.
    pub(crate) async fn assert(
        &self,
        key: &VariableKey,
        assertion: &Assertion,
    ) -> Result<Effect, SignalWriteError> {
        let mutation = Mutation {
            key: key.clone(),
            action: Action::Assert {
                assertion: assertion.clone(),
                existing: Existing::Replace,
            },
        };
        let name = object_name(key, &assertion.id);
        for _ in 0..ATTEMPTS {
            let current = self.current(key, &name).await?;
            let step = mutation.decide(&variables(current.as_ref()));
            let Some(update) = step.updates.first() else {
                return Ok(step.effect);
            };
            match self.write(current.as_ref(), update).await {
                Err(SignalWriteError::Api(ApiError::Conflict(_))) => {}
                written => return written.map(|()| step.effect),
            }
        }
        Err(SignalWriteError::Contended {
            namespace: key.namespace.clone(),
            name,
        })
    }

    /// Reads the object of this name, if there is one.
    async fn current(
        &self,
        VariableKey { namespace, .. }: &VariableKey,
        name: &str,
    ) -> Result<Option<StoredSignal>, SignalWriteError> {
        let object = match get(&self.client, Resource::SIGNAL, (Some(namespace), name)).await {
            Err(ApiError::NotFound(_)) => return Ok(None),
            object => object?,
        };
        match StoredSignal::read(&object) {
            Some(Ok(signal)) => Ok(Some(signal)),
            Some(Err(skipped)) => Err(SignalWriteError::Skipped(skipped)),
            None => Err(SignalWriteError::Deleted {
                namespace: namespace.clone(),
                name: name.to_owned(),
            }),
        }
    }

    async fn write(
        &self,
        current: Option<&StoredSignal>,
        Update { key, after, .. }: &Update,
    ) -> Result<(), SignalWriteError> {
        let Some(after) = after else {
            return Ok(());
        };
        let signals = Resource::SIGNAL.path(Some(key.namespace.as_str()));
        let (verb, path, body) = match current {
            None => (Verb::Create, signals, manifest(key, after)?),
            Some(current) => (
                Verb::MergePatch,
                format!("{signals}/{}", current.name),
                patch(
                    (&current.assertion, after),
                    (&current.uid, &current.version),
                ),
            ),
        };
        let write = Write {
            verb,
            path: &path,
            field_manager: FIELD_MANAGER,
            body: &body,
        };
        let written = write.send(&self.client).await;
        written.map_err(|failure| failure.error.into())
    }

    /// Deletes the Signals of a variable, under whatever names. Returns how many there were.
    pub(crate) async fn delete(&self, key: &VariableKey) -> Result<usize, SignalWriteError> {
        let place = Place::Namespace(key.namespace.clone());
        let signals = self.list(&place, Some(&key.name)).await?.signals;
        for signal in &signals {
            self.delete_one(signal).await?;
        }
        Ok(signals.len())
    }

    /// Deletes one object, unless it has gone, or another has taken its place.
    async fn delete_one(&self, signal: &StoredSignal) -> Result<(), ApiError> {
        let params = DeleteParams::default().preconditions(Preconditions {
            uid: Some(signal.uid.clone()),
            resource_version: None,
        });
        let path = Resource::SIGNAL.path(Some(signal.key.namespace.as_str()));
        let request = Request::new(path).delete(&signal.name, &params);
        let request = request.map_err(kube::Error::BuildRequest)?;
        match call(self.client.request::<Value>(request)).await {
            Ok(_) | Err(ApiError::NotFound(_) | ApiError::Conflict(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Follows the Signals of a namespace.
    pub(crate) fn watch(&self, namespace: &Namespace) -> WatchEvents<DynamicObject> {
        let resource = ApiResource::erase::<Signal>(&());
        let api: Api<DynamicObject> =
            Api::namespaced_with(self.client.clone(), namespace.as_str(), &resource);
        watcher(api, Config::default()).boxed()
    }
}

impl ReadSignals {
    /// Returns the variables that durable Signals assert.
    pub(crate) fn existing(self) -> impl Iterator<Item = ExistingVariable> {
        let signals = self.signals.into_iter();
        let durable = signals.filter(|it| it.assertion.id.kind == Kind::Durable);
        durable.map(|signal| ExistingVariable {
            key: signal.key,
            assertion: Arc::unwrap_or_clone(signal.assertion),
            source: ExistingSource::Signal(signal.name.into()),
        })
    }
}

impl StoredSignal {
    /// Reads an object; `None` if it is being deleted.
    pub(crate) fn read(object: &Value) -> Option<Result<Self, SkippedSignal>> {
        let text = |pointer| object.pointer(pointer).and_then(Value::as_str);
        if text("/metadata/deletionTimestamp").is_some() {
            return None;
        }
        let field = |pointer| text(pointer).unwrap_or_default().to_owned();
        let assertion = Signal::read(object).and_then(|signal| (&signal).try_into());
        let name = field("/metadata/name");
        Some(match assertion {
            Ok((key, assertion)) => Ok(Self {
                key,
                assertion: Arc::new(assertion),
                name,
                uid: field("/metadata/uid"),
                version: field("/metadata/resourceVersion"),
            }),
            Err(error) => Err(SkippedSignal {
                namespace: field("/metadata/namespace"),
                name,
                error,
            }),
        })
    }
}

/// Returns the object of an assertion, as `kubectl apply` takes it.
pub(crate) fn manifest(key: &VariableKey, assertion: &Assertion) -> Result<Value, SignalError> {
    let signal = Signal::try_from((key, assertion))?;
    serde_json::to_value(signal).map_err(|error| SignalError::Field {
        path: "spec".to_owned(),
        rule: error.to_string(),
    })
}

/// Returns the variables as far as one object makes them.
fn variables(current: Option<&StoredSignal>) -> Variables {
    let mut variables = Variables::default();
    if let Some(signal) = current {
        variables.put(&signal.key, Arc::clone(&signal.assertion));
    }
    variables
}

/// How often a write is tried if others change the object meanwhile.
const ATTEMPTS: usize = 5;
/// The owner of the fields, as the API server notes it.
const FIELD_MANAGER: &str = "oncue";
