//! Admission reviews: what the API server sends, and what it makes of the answer.

use base64::{Engine, engine::general_purpose::STANDARD};
use http::StatusCode;
use json_patch::Patch;
use oncue_simulation::{Admission, Creation};
use serde::Deserialize;
use serde_json::{Value, json};
use thiserror::Error;

use crate::{
    injection::{Controller, Image, Settings, StoreAddress},
    webhook,
};

/// The image that the webhook injects; nothing pulls it.
const IMAGE: &str = "oncue-client";

/// The webhook's own code, without a socket.
#[derive(Debug)]
pub(super) struct Webhook {
    settings: Settings,
    reviews: u64,
}

impl Webhook {
    /// Returns a webhook that injects clients of the store at `url`.
    pub(super) fn new(url: &str) -> Self {
        Self {
            settings: settings(url),
            reviews: 0,
        }
    }

    /// Reviews the creation of a pod.
    pub(super) fn admit(&mut self, creation: Creation<'_>) -> Result<Admission, AdmissionError> {
        self.reviews += 1;
        let body = review(self.reviews, creation).to_string();
        let answer = webhook::answer(body.as_bytes(), &self.settings);
        read(answer.status, &answer.body, creation.object).map_err(|source| AdmissionError {
            pod: creation.pod.to_owned(),
            file: creation.file.to_owned(),
            source: Box::new(source),
        })
    }
}

/// Returns what a webhook injects, with the store at `url`.
pub(super) fn settings(url: &str) -> Settings {
    Settings {
        controller: Controller::Present,
        ..Settings::new(Image::new(IMAGE), StoreAddress::new(url))
    }
}

/// Returns the review of a pod's creation as the API server sends it.
pub(super) fn review(number: u64, creation: Creation<'_>) -> Value {
    let Creation {
        namespace, object, ..
    } = creation;
    let pods = json!({"group": "", "version": "v1", "resource": "pods"});
    let pod = json!({"group": "", "version": "v1", "kind": "Pod"});
    json!({
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": format!("rehearsal-{number}"),
            "kind": pod, "resource": pods, "requestKind": pod, "requestResource": pods,
            "name": object["metadata"]["name"].as_str().unwrap_or_default(),
            "namespace": namespace.as_str(),
            "operation": "CREATE",
            "userInfo": {"username": "oncue-rehearsal", "groups": ["system:authenticated"]},
            "object": object,
            "oldObject": null,
            "dryRun": false,
            "options": {"kind": "CreateOptions", "apiVersion": "meta.k8s.io/v1"},
        },
    })
}

#[derive(Deserialize)]
struct Review {
    response: Response,
}

#[derive(Deserialize)]
struct Response {
    allowed: bool,
    #[serde(default)]
    patch: Option<String>,
    #[serde(default)]
    warnings: Vec<String>,
    #[serde(default)]
    status: Status,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Status {
    message: String,
}

/// Reads the webhook's answer to the review of `object`, and applies the patch.
pub(super) fn read(
    status: StatusCode,
    body: &[u8],
    object: &Value,
) -> Result<Admission, AnswerError> {
    if !status.is_success() {
        let message = String::from_utf8_lossy(body).trim().to_owned();
        return Err(AnswerError::Status { status, message });
    }
    let Review { response } = serde_json::from_slice(body).map_err(AnswerError::Review)?;
    if !response.allowed {
        return Ok(Admission::Denied {
            message: response.status.message,
        });
    }
    let mut object = object.clone();
    if let Some(patch) = response.patch {
        let patch = STANDARD.decode(patch)?;
        let patch: Patch = serde_json::from_slice(&patch).map_err(AnswerError::Review)?;
        json_patch::patch(&mut object, &patch)?;
    }
    Ok(Admission::Allowed {
        object,
        warnings: response.warnings,
    })
}

/// A pod that could not be sent for admission.
#[derive(Debug, Error)]
#[error("failed to have pod {pod} of {file} admitted")]
pub(crate) struct AdmissionError {
    /// The pod's name.
    pub(super) pod: String,
    /// The file that the pod, or what created it, is in.
    pub(super) file: String,
    pub(super) source: Box<dyn std::error::Error + Send + Sync>,
}

/// An answer that is of no use.
#[derive(Debug, Error)]
pub(crate) enum AnswerError {
    /// The patch is not base64.
    #[error("failed to decode the webhook's patch")]
    Base64(#[from] base64::DecodeError),
    /// The patch does not fit the pod.
    #[error("failed to apply the webhook's patch")]
    Patch(#[from] json_patch::PatchError),
    /// The answer does not follow the protocol.
    #[error("failed to read the webhook's answer")]
    Review(#[source] serde_json::Error),
    /// The webhook failed.
    #[error("the webhook answered {status}: {message}")]
    Status {
        /// The HTTP status.
        status: StatusCode,
        message: String,
    },
}
