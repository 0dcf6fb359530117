//! `AdmissionReview` v1 on the wire.
//!
//! Reading borrows from the body and skips unneeded fields.

use std::borrow::Cow;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use serde_json::{error::Category, value::RawValue};

use super::{outcome::Outcome, rejection::Rejection};
use crate::{language::Namespace, net::MAX_EXCERPT_BYTES};

/// The part of `request` that concerns oncue, with its object read as an `O`.
#[derive(Debug, Deserialize)]
#[serde(bound = "O: Deserialize<'de>")]
pub struct Review<'a, O = &'a RawValue> {
    /// The id of the request, which the response repeats.
    #[serde(borrow)]
    pub uid: Cow<'a, str>,
    /// The kind of the object.
    #[serde(borrow)]
    pub kind: Kind<'a>,
    /// The operation, such as `CREATE`.
    #[serde(borrow)]
    pub operation: Cow<'a, str>,
    /// The namespace; empty for an object without one.
    #[serde(borrow, default)]
    pub namespace: Cow<'a, str>,
    /// The object's name; empty if it is not generated yet.
    #[serde(borrow, default)]
    pub name: Cow<'a, str>,
    /// The object; `None` if it is deleted.
    #[serde(default = "Option::default")]
    pub object: Option<O>,
    /// The object before an update.
    #[serde(borrow, default, rename = "oldObject")]
    pub old_object: Option<&'a RawValue>,
}

/// The kind of an object.
#[derive(Debug, Deserialize)]
pub struct Kind<'a> {
    #[serde(borrow, default)]
    group: Cow<'a, str>,
    #[serde(borrow)]
    version: Cow<'a, str>,
    #[serde(borrow, rename = "kind")]
    name: Cow<'a, str>,
}

impl Kind<'_> {
    /// Returns whether this is a Pod of the core group.
    pub fn is_pod(&self) -> bool {
        self.group.is_empty() && self.version == "v1" && self.name == "Pod"
    }
}

impl<'a, O: Deserialize<'a>> Review<'a, O> {
    /// Reads the body of a request.
    pub fn decode(body: &'a [u8]) -> Result<Self, Rejection> {
        // Checking all of the text at once is faster than checking each string in it.
        let envelope: Envelope<'a, O> = match str::from_utf8(body) {
            Ok(text) => serde_json::from_str(text),
            Err(_) => serde_json::from_slice(body),
        }
        .map_err(explain)?;
        if envelope.kind != "AdmissionReview" || !envelope.api_version.starts_with(GROUP) {
            let Envelope {
                api_version, kind, ..
            } = envelope;
            let found = format!("it is a {kind:?} of {api_version:?}");
            return Err(Rejection::NotReview(found));
        }
        if envelope.api_version != API_VERSION {
            let found = envelope.api_version.into_owned();
            return Err(Rejection::UnsupportedVersion(found));
        }
        let review = envelope.request;
        let review = review.ok_or_else(|| Rejection::NotReview("it has no request".to_owned()))?;
        // The response repeats the id: one of the API server has 36 bytes.
        if review.uid.len() > MAX_EXCERPT_BYTES {
            let found = format!("request.uid is longer than {MAX_EXCERPT_BYTES} bytes");
            return Err(Rejection::NotReview(found));
        }
        Ok(review)
    }

    /// Returns the object.
    ///
    /// # Errors
    /// [`Rejection`] if the review has none.
    pub(super) fn object(&self) -> Result<&O, Rejection> {
        self.object
            .as_ref()
            .ok_or_else(|| Rejection::NotReview("request.object is missing".to_owned()))
    }

    pub(super) fn namespace(&self) -> Result<Namespace, Rejection> {
        self.namespace.parse().map_err(Rejection::Namespace)
    }
}

#[derive(Deserialize)]
#[serde(bound = "O: Deserialize<'de>", rename_all = "camelCase")]
struct Envelope<'a, O> {
    #[serde(borrow, default)]
    api_version: Cow<'a, str>,
    #[serde(borrow, default)]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    request: Option<Review<'a, O>>,
}

fn explain(error: serde_json::Error) -> Rejection {
    match error.classify() {
        Category::Data => Rejection::NotReview(error.to_string()),
        Category::Eof | Category::Io | Category::Syntax => Rejection::NotJson(error),
    }
}

/// The response to a review.
#[derive(Debug)]
pub(super) struct Response<'a> {
    /// The id of the request.
    pub uid: &'a str,
    /// Whether the object is admitted, and its changes.
    pub ruling: Ruling,
    /// Warnings for the user.
    pub warnings: Vec<String>,
    /// The outcome, for the audit log.
    pub outcome: Outcome,
}

/// Whether an object is admitted, and how.
#[derive(Debug)]
pub(super) enum Ruling {
    /// Admitted unchanged.
    Allow,
    /// Admitted with this JSON Patch.
    Patch(String),
    /// Denied.
    Deny {
        /// The HTTP status.
        code: u16,
        /// The reason, for the user.
        message: String,
    },
}

impl Response<'_> {
    /// Writes the body of a response.
    pub(super) fn encode(&self) -> serde_json::Result<Vec<u8>> {
        let (patch, status) = match &self.ruling {
            Ruling::Allow => (None, None),
            Ruling::Patch(patch) => (Some(patch), None),
            Ruling::Deny { code, message } => (None, Some(Status::new(*code, message))),
        };
        let review = ReviewOut {
            api_version: API_VERSION,
            kind: "AdmissionReview",
            response: ResponseOut {
                uid: self.uid,
                allowed: status.is_none(),
                status,
                warnings: &self.warnings,
                audit_annotations: AuditAnnotations {
                    outcome: self.outcome.label(),
                    reason: self.outcome.reason(),
                },
            },
        };
        let room = ROOM + patch.map_or(0, |patch| patch.len().div_ceil(3) * 4);
        let mut body = Vec::with_capacity(room);
        serde_json::to_writer(&mut body, &review)?;
        Ok(match patch {
            Some(patch) => with_patch(body, patch),
            None => body,
        })
    }
}

/// Adds a patch to the end of a response: base64 needs none of the escapes that a serializer would
/// look for.
fn with_patch(mut review: Vec<u8>, patch: &str) -> Vec<u8> {
    review.truncate(review.len() - END.len());
    review.extend_from_slice(br#","patchType":"JSONPatch","patch":""#);
    let start = review.len();
    review.resize(start + patch.len().div_ceil(3) * 4, 0);
    STANDARD
        .encode_slice(patch, &mut review[start..])
        .expect("base64 makes four bytes of three");
    review.push(b'"');
    review.extend_from_slice(END);
    review
}

/// The end of a review whose last member is its response.
const END: &[u8] = b"}}";

/// The bytes of a response without its patch and warnings, and some more.
const ROOM: usize = 512;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ReviewOut<'a> {
    api_version: &'static str,
    kind: &'static str,
    response: ResponseOut<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ResponseOut<'a> {
    uid: &'a str,
    allowed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<Status<'a>>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    warnings: &'a [String],
    audit_annotations: AuditAnnotations,
}

/// The API server puts the webhook's name before the keys.
#[derive(Serialize)]
struct AuditAnnotations {
    outcome: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    reason: &'static str,
}

/// A `metav1.Status`.
#[derive(Serialize)]
struct Status<'a> {
    #[serde(rename = "status")]
    result: &'static str,
    message: &'a str,
    reason: &'static str,
    code: u16,
}

impl<'a> Status<'a> {
    fn new(code: u16, message: &'a str) -> Self {
        Self {
            result: "Failure",
            message,
            reason: "Invalid",
            code,
        }
    }
}

const GROUP: &str = "admission.k8s.io/";
const API_VERSION: &str = "admission.k8s.io/v1";
