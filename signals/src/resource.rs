//! The types from which the CRD is generated. Their comments are the text of `kubectl explain`.

use kube::{CustomResource, KubeSchema};
use oncue_language::{Kind, OwnerKind, Timestamp, Value, VariableName, owner::identifier};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::SignalError;

/// The API group.
pub const GROUP: &str = "oncue.dev";
/// The kind.
pub const KIND: &str = "Signal";
/// The resource, as in a URL.
pub const PLURAL: &str = "signals";
/// The version of the API.
pub const VERSION: &str = "v1alpha1";

// What the attribute says must be literals; a test compares them with the constants.
/// The statement: which variable exists, for how long, and who says so.
#[derive(Clone, CustomResource, Debug, Deserialize, KubeSchema, PartialEq, Serialize)]
#[kube(
    group = "oncue.dev",
    version = "v1alpha1",
    kind = "Signal",
    plural = "signals",
    namespaced,
    category = "oncue",
    derive = "PartialEq",
    selectable = ".spec.variable",
    doc = "Signal is one statement that a variable exists, such as \"first/container has started\". \
           Pods wait for variables with the annotation depends-on. A variable exists while at least \
           one Signal in its namespace names it. oncue creates the Signals of pods, and deletes \
           them when they are no longer true. You can also apply one yourself, under any name; it \
           counts until you delete it.",
    printcolumn(name = "Variable", type_ = "string", json_path = ".spec.variable"),
    printcolumn(name = "Value", type_ = "string", json_path = ".spec.value"),
    printcolumn(name = "Kind", type_ = "string", json_path = ".spec.kind"),
    printcolumn(name = "Owner", type_ = "string", json_path = ".spec.owner.name"),
    printcolumn(
        name = "Age",
        type_ = "date",
        json_path = ".metadata.creationTimestamp"
    )
)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("self.kind == 'Durable' || (has(self.owner) && self.owner.kind == 'Pod')")
        .message("a Live or Ready signal lasts as long as its pod: it needs an owner of kind Pod"),
    validation = Rule::new("has(self.owner) == has(oldSelf.owner) && (!has(self.owner) || self.owner == oldSelf.owner)")
        .message("owner is immutable: delete this Signal and create another")
)]
pub struct SignalSpec {
    /// The name of the variable: segments of A-Z a-z 0-9 . _ - joined by slashes, such as
    /// first/container. It cannot be changed.
    #[schemars(with = "String", length(min = 1, max = 255))]
    #[x_kube(
        validation = Rule::new("self.matches('^[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*$')")
            .message("must be segments of A-Z a-z 0-9 . _ - joined by single slashes, such as first/container"),
        validation = Rule::new("!self.matches('(^|/)[.][.]?(/|$)')")
            .message("must not have the segment . or .."),
        validation = Rule::new("self == oldSelf")
            .message("variable is immutable: delete this Signal and create another")
    )]
    pub variable: VariableName,

    /// How long the Signal lasts. Durable: until someone deletes it. Live: until its pod has ended.
    /// Ready: while its pod is Ready. It cannot be changed.
    #[serde(default)]
    #[x_kube(
        validation = Rule::new("self == oldSelf")
            .message("kind is immutable: delete this Signal and create another")
    )]
    pub kind: SignalKind,

    /// A value of at most 4096 bytes, for pods that depend on variable=value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", length(max = 4096))]
    #[x_kube(
        validation = Rule::new("size(bytes(self)) <= 4096").message("must have at most 4096 bytes")
    )]
    pub value: Option<Value>,

    /// The pod that made the statement or, after the end of a run, its Job or CronJob. Without an
    /// owner, the Signal counts as made by hand. It cannot be changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "SignalOwner")]
    pub owner: Option<SignalOwner>,

    /// When the statement became true. Without it, the creation of the object is that time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "moment")]
    #[x_kube(
        validation = Rule::new("self >= timestamp('1970-01-01T00:00:00Z')")
            .message("must not be before 1970")
    )]
    pub since: Option<Timestamp>,

    /// When oncue deletes the Signal. Without it, the Signal does not expire.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "moment")]
    #[x_kube(
        validation = Rule::new("self >= timestamp('1970-01-01T00:00:00Z')")
            .message("must not be before 1970")
    )]
    pub expires: Option<Timestamp>,
}

/// How long a Signal lasts.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub enum SignalKind {
    /// Until someone deletes it.
    #[default]
    Durable,
    /// Until its pod has ended.
    Live,
    /// While its pod is Ready.
    Ready,
}

/// What made a statement.
#[derive(Clone, Debug, Deserialize, Eq, KubeSchema, PartialEq, Serialize)]
pub struct SignalOwner {
    /// What the owner is: Pod, Job or CronJob.
    #[schemars(schema_with = "owner_kind")]
    pub kind: OwnerKind,

    /// The name of the owner in the namespace of the Signal.
    #[serde(deserialize_with = "identifier")]
    #[schemars(with = "String", length(min = 1, max = 253))]
    #[x_kube(
        validation = Rule::new("self.matches('^[a-z0-9]([a-z0-9-]*[a-z0-9])?([.][a-z0-9]([a-z0-9-]*[a-z0-9])?)*$')")
            .message("must be the name of an object: a-z 0-9 - and dots between them, such as web-0")
    )]
    pub name: Box<str>,

    /// The uid of the owner. For a CronJob, it is that of the Job.
    #[serde(deserialize_with = "identifier")]
    #[schemars(with = "String", length(min = 1, max = 253))]
    #[x_kube(
        validation = Rule::new("self.matches('^[!-~]+$')")
            .message("must be a uid: visible ASCII characters, and no white space")
    )]
    pub uid: Box<str>,
}

fn moment(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "format": "date-time"})
}

fn owner_kind(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "enum": OwnerKind::ALL})
}

impl SignalSpec {
    /// The names of all fields.
    pub const FIELDS: [&str; 6] = ["variable", "kind", "value", "owner", "since", "expires"];

    /// Reads the spec of an object. Members that this version does not know are ignored.
    ///
    /// # Errors
    /// [`SignalError::Field`] with the first member that is wrong.
    pub fn read(spec: &serde_json::Value) -> Result<Self, SignalError> {
        read_member("spec", spec)
    }
}

/// Reads a member of an object. An error names the member within it that is wrong.
pub(crate) fn read_member<'a, T: Deserialize<'a>>(
    member: &str,
    value: &'a serde_json::Value,
) -> Result<T, SignalError> {
    serde_path_to_error::deserialize(value).map_err(|error| SignalError::Field {
        path: match error.path().to_string().as_str() {
            "." => member.to_owned(),
            path => format!("{member}.{path}"),
        },
        rule: error.into_inner().to_string(),
    })
}

impl SignalKind {
    /// Returns the text in the resource.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Durable => "Durable",
            Self::Live => "Live",
            Self::Ready => "Ready",
        }
    }
}

impl From<Kind> for SignalKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Durable => Self::Durable,
            Kind::Live => Self::Live,
            Kind::Ready => Self::Ready,
        }
    }
}

impl From<SignalKind> for Kind {
    fn from(kind: SignalKind) -> Self {
        match kind {
            SignalKind::Durable => Self::Durable,
            SignalKind::Live => Self::Live,
            SignalKind::Ready => Self::Ready,
        }
    }
}
