//! The answer to a request: bytes in, bytes out.

use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    outcome::{IgnoreReason, Outcome},
    rejection::Rejection,
    review::{Response, Review, Ruling},
};
use crate::{
    injection::{
        Decision, Injection, PodView, Refusal, Refused, Settings, Target, Warning, inject,
    },
    language::Keys,
    net::excerpt,
};

/// The answer to a request.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: StatusCode,
    /// The content type of the body.
    pub content_type: &'static str,
    /// The body: a review, or a text that says what is wrong.
    pub body: Vec<u8>,
    /// The outcome of the review.
    pub outcome: Outcome,
    /// The length of the JSON Patch; 0 without one.
    pub patch_bytes: usize,
}

/// Answers `body` with the decision about the pod in it.
///
/// Review and pod are read in one pass. If that fails, they are read one after the other to find
/// out which of them is wrong.
pub fn answer(body: &[u8], settings: &Settings) -> Answer {
    let answered = match Review::<PodView<'_>>::decode(body) {
        Ok(review) => reply(&review, |review| {
            rule(
                review,
                |pod, target| pod.inject(target, settings),
                &settings.keys,
            )
        }),
        Err(_) => Review::<&RawValue>::decode(body).and_then(|review| {
            reply(&review, |review| {
                let read =
                    |pod: &&RawValue, target: &Target<'_>| inject(pod.get(), target, settings);
                rule(review, read, &settings.keys)
            })
        }),
    };
    answered.unwrap_or_else(Answer::from)
}

/// Answers a review with the ruling of `rule`.
pub(super) fn reply<O>(
    review: &Review<'_, O>,
    rule: impl FnOnce(&Review<'_, O>) -> Result<Ruled, Rejection>,
) -> Result<Answer, Rejection> {
    let (ruling, warnings, outcome) = rule(review)?;
    let response = Response {
        uid: &review.uid,
        warnings,
        outcome,
        ruling,
    };
    let body = response
        .encode()
        .map_err(|error| Rejection::Failure(error.to_string()))?;
    Ok(Answer {
        status: StatusCode::OK,
        content_type: "application/json",
        body,
        outcome,
        patch_bytes: match &response.ruling {
            Ruling::Patch(patch) => patch.len(),
            Ruling::Allow | Ruling::Deny { .. } => 0,
        },
    })
}

/// The ruling, the warnings, and the outcome for metrics.
pub(super) type Ruled = (Ruling, Vec<String>, Outcome);

/// Rules on a review. `inject` decides about its pod.
fn rule<'a, O: Deserialize<'a>>(
    review: &Review<'a, O>,
    inject: impl FnOnce(&O, &Target<'_>) -> Result<Injection, Refused>,
    keys: &Keys,
) -> Result<Ruled, Rejection> {
    if !review.kind.is_pod() {
        return Ok(ignore(IgnoreReason::OtherKind));
    }
    if review.operation != "CREATE" {
        return Ok(ignore(IgnoreReason::OtherOperation));
    }
    let pod = review.object()?;
    let namespace = review.namespace()?;
    let target = Target {
        namespace: &namespace,
        name: Some(&*review.name).filter(|name| !name.is_empty()),
    };
    match inject(pod, &target) {
        Ok(injection) => Ok(allow(injection)),
        Err(Refused {
            refusal: Refusal::Pod(error),
            ..
        }) => Err(Rejection::NotPod(error)),
        Err(Refused {
            refusal: Refusal::Incomplete(_),
            ..
        }) => Ok(ignore(IgnoreReason::Incomplete)),
        Err(refused) => Ok(deny(&refused, keys)),
    }
}

pub(super) fn ignore(reason: IgnoreReason) -> Ruled {
    (Ruling::Allow, Vec::new(), Outcome::Ignored(reason))
}

fn allow(injection: Injection) -> Ruled {
    let warnings = texts(&injection.warnings);
    match injection.decision {
        Decision::Patch(patch) => (
            Ruling::Patch(patch.into_json()),
            warnings,
            Outcome::Injected,
        ),
        Decision::Skip(reason) => (Ruling::Allow, warnings, Outcome::Skipped(reason)),
    }
}

fn deny(Refused { refusal, warnings }: &Refused, keys: &Keys) -> Ruled {
    let ruling = Ruling::Deny {
        code: refusal.status(),
        message: refusal.told(keys),
    };
    (ruling, texts(warnings), refusal.into())
}

fn texts(warnings: &[Warning]) -> Vec<String> {
    warnings.iter().map(ToString::to_string).collect()
}

impl From<Rejection> for Answer {
    fn from(rejection: Rejection) -> Self {
        Self {
            status: rejection.status(),
            content_type: "text/plain; charset=utf-8",
            outcome: Outcome::from(&rejection),
            body: format!("{}\n", excerpt(&rejection)).into_bytes(),
            patch_bytes: 0,
        }
    }
}
