//! Releases by hand: they let a pod go although its dependencies do not hold.
//!
//! A release is an annotation of the pod. It names the pod's uid, so that one in a template, in a
//! copied manifest or in a backup releases nothing.

use std::{fmt, str::FromStr};

use oncue_language::{
    Keys,
    annotation::Key,
    escape::{Escaped, hidden_character},
};
use serde::Deserialize;
use serde_json::{Value, json};
use thiserror::Error;

use crate::workload::uid;

/// Why a person released a pod: 1 to [`MAX_REASON`] bytes without control characters.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ReleaseReason(Box<str>);

/// The most bytes of a reason.
pub const MAX_REASON: usize = 256;

/// How the annotation looks.
const FORM: &str = r#"{"uid":"...","reason":"..."}"#;

/// What the annotation says.
#[derive(Deserialize)]
struct Release {
    uid: String,
    reason: String,
}

impl ReleaseReason {
    /// Returns the value of the annotation that releases the pod with this uid.
    pub fn annotation(&self, uid: &str) -> String {
        json!({"uid": uid, "reason": &*self.0}).to_string()
    }

    /// Reads a pod's JSON. Returns why the pod was released, or `None` if nobody released it.
    ///
    /// # Errors
    /// [`ReleaseProblem`] if the annotation does not release this pod.
    pub fn of_pod(pod: &Value, keys: &Keys) -> Result<Option<Self>, ReleaseProblem> {
        let key = keys.prefixed(Key::Release);
        let annotations = pod.pointer("/metadata/annotations");
        let Some(annotation) = annotations.and_then(|it| it.get(&key)?.as_str()) else {
            return Ok(None);
        };
        let unreadable = |reason: String| ReleaseProblem::Unreadable {
            key: key.clone(),
            reason,
        };
        let release: Release = serde_json::from_str(annotation)
            .map_err(|error| unreadable(format!("it is not {FORM} ({})", Escaped(error))))?;
        if uid(pod) != Some(&release.uid) {
            return Err(ReleaseProblem::OtherPod { key });
        }
        let reason = release.reason.parse();
        let reason = reason.map_err(|error: ReasonError| unreadable(error.to_string()))?;
        Ok(Some(reason))
    }
}

impl FromStr for ReleaseReason {
    type Err = ReasonError;

    fn from_str(text: &str) -> Result<Self, ReasonError> {
        let text = text.trim();
        let length = text.len();
        if text.is_empty() {
            return Err(ReasonError::Empty);
        }
        if length > MAX_REASON {
            return Err(ReasonError::TooLong { length });
        }
        match hidden_character(text) {
            Some(hidden) => Err(ReasonError::Hidden { hidden }),
            None => Ok(Self(text.into())),
        }
    }
}

impl fmt::Display for ReleaseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A text that is no reason of a release.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum ReasonError {
    /// It says nothing.
    #[error("the reason is empty: say why the pod may start")]
    Empty,
    /// It has a character that a terminal obeys or does not show.
    #[error("the reason has the hidden character {}: leave it out", .hidden.escape_default())]
    Hidden {
        /// The first such character.
        hidden: char,
    },
    /// It is too long.
    #[error("the reason has {length} bytes: write at most {MAX_REASON}")]
    TooLong {
        /// How many bytes it has.
        length: usize,
    },
}

/// Why an annotation releases no pod.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum ReleaseProblem {
    /// It names another pod.
    #[error(
        "its annotation {key} names another uid and releases nothing: release the pod with `oncue \
         release`"
    )]
    OtherPod {
        /// The key of the annotation.
        key: String,
    },
    /// It cannot be read.
    #[error(
        "its annotation {key} releases nothing: {reason}; release the pod with `oncue release`"
    )]
    Unreadable {
        /// The key of the annotation.
        key: String,
        /// What is wrong with it.
        reason: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mk_pod(release: &str) -> Value {
        json!({"metadata": {"uid": "u-2", "annotations": {"oncue.dev/release": release}}})
    }

    fn read(pod: &Value) -> Result<Option<String>, String> {
        let read = ReleaseReason::of_pod(pod, &Keys::default());
        let read = read.map(|reason| reason.map(|it| it.to_string()));
        read.map_err(|problem| problem.to_string())
    }

    #[test]
    fn what_is_written_releases_the_pod_with_that_uid() {
        let reason: ReleaseReason = " \"the\" mirror is down\n".parse().unwrap();
        let annotation = reason.annotation("u-2");
        assert_eq!(
            annotation,
            r#"{"uid":"u-2","reason":"\"the\" mirror is down"}"#
        );
        let mut pod = mk_pod(&annotation);
        let expected = "\"the\" mirror is down".to_owned();
        assert_eq!(read(&pod), Ok(Some(expected)));
        pod["metadata"]["uid"] = json!("u-3");
        assert!(read(&pod).unwrap_err().contains("names another uid"));
        pod["metadata"]["annotations"] = json!({});
        assert_eq!(read(&pod), Ok(None));
    }

    #[test]
    fn an_annotation_that_is_no_release_says_so() {
        for (annotation, problem) in [
            (
                "the mirror is down",
                "it is not {\"uid\":\"...\",\"reason\":\"...\"} (",
            ),
            ("{\"reason\":\"a\"}", "missing field `uid`"),
            (r#"{"uid":"u-2","reason":" "}"#, "the reason is empty"),
            (r#"{"uid":"u-2","reason":"a\nb"}"#, "hidden character \\n"),
        ] {
            let told = read(&mk_pod(annotation)).unwrap_err();
            assert!(told.contains(problem), "{told}");
            assert!(told.contains("oncue release"), "{told}");
        }
    }

    #[test]
    fn a_reason_is_short_and_hides_nothing() {
        let parse = |text: &str| text.parse::<ReleaseReason>().map_err(|it| it.to_string());
        for (text, problem) in [
            ("", "the reason is empty: say why the pod may start"),
            (
                "a\u{202e}b",
                "the reason has the hidden character \\u{202e}: leave it out",
            ),
            (
                &"a".repeat(257),
                "the reason has 257 bytes: write at most 256",
            ),
        ] {
            assert_eq!(parse(text), Err(problem.to_owned()));
        }
        assert!(parse(&"a".repeat(256)).is_ok());
    }
}
