//! How the wait of a live pod goes, as its status says.

use std::fmt;

use serde_json::Value;

use crate::{commands::vars::age, language::escape::Escaped, reporting::wait_status};

/// How the wait of a live pod goes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Wait {
    /// It is over.
    Ended(End),
    /// Its container has not begun, or the kubelet has not said so yet: the store may know better.
    Pending {
        /// What keeps it, in the kubelet's words.
        reason: String,
    },
    /// It goes on.
    Running {
        /// Since when its container has run.
        since: String,
        /// How the container ended before, if it did.
        before: Option<End>,
    },
}

/// How a container ended.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct End {
    code: i64,
    at: String,
    message: String,
}

impl Wait {
    /// Reads it from a pod's status.
    pub(super) fn read(pod: &Value) -> Self {
        let Some(ours) = wait_status(pod) else {
            return Self::Pending {
                reason: unscheduled(pod),
            };
        };
        let text = |pointer| ours.pointer(pointer).and_then(Value::as_str);
        if let Some(end) = End::read(ours.pointer("/state/terminated")) {
            Self::Ended(end)
        } else if let Some(since) = text("/state/running/startedAt") {
            Self::Running {
                since: since.to_owned(),
                before: End::read(ours.pointer("/lastState/terminated")),
            }
        } else {
            let reason = text("/state/waiting/reason").unwrap_or("no reason is known");
            let message = text("/state/waiting/message");
            Self::Pending {
                reason: message.map_or(reason.to_owned(), |text| format!("{reason}: {text}")),
            }
        }
    }
}

/// Prints one or two sentences.
impl fmt::Display for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ended(end) => write!(f, "Its wait {end}."),
            Self::Pending { reason } => {
                write!(
                    f,
                    "The kubelet has not reported a wait yet ({}).",
                    Escaped(reason)
                )
            }
            Self::Running { since, before } => {
                write!(f, "It has waited for {}.", age(since))?;
                match before {
                    Some(end) => write!(f, " Before that, its wait {end}."),
                    None => Ok(()),
                }
            }
        }
    }
}

impl End {
    fn read(terminated: Option<&Value>) -> Option<Self> {
        let terminated = terminated?;
        let text = |key: &str| terminated.get(key).and_then(Value::as_str);
        let message = text("message").or_else(|| text("reason"));
        Some(Self {
            code: terminated.get("exitCode")?.as_i64()?,
            at: text("finishedAt").unwrap_or_default().to_owned(),
            message: message.unwrap_or_default().trim().to_owned(),
        })
    }
}

/// Prints as `ended 5m ago: MESSAGE`.
impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { code, at, message } = self;
        let (at, message) = (age(at), Escaped(message));
        match code {
            0 => write!(f, "ended {at} ago: {message}"),
            3 => write!(f, "failed {at} ago, since a dependency did: {message}"),
            124 => write!(f, "timed out {at} ago: {message}"),
            _ => write!(f, "failed {at} ago with exit code {code}: {message}"),
        }
    }
}

/// Returns why no container of a pod has a status yet.
fn unscheduled(pod: &Value) -> String {
    let conditions = pod.pointer("/status/conditions").and_then(Value::as_array);
    let mut conditions = conditions.into_iter().flatten();
    let text = |condition: &Value, key: &str| {
        condition
            .get(key)
            .and_then(Value::as_str)
            .map(str::to_owned)
    };
    conditions
        .find(|condition| {
            text(condition, "type").as_deref() == Some("PodScheduled")
                && text(condition, "status").as_deref() == Some("False")
        })
        .and_then(|condition| text(condition, "message").or_else(|| text(condition, "reason")))
        .unwrap_or_else(|| "no node has started it".to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::injection::CONTAINER;

    /// A pod whose container of ours has this status.
    fn mk(mut ours: Value) -> Value {
        ours["name"] = CONTAINER.into();
        json!({"status": {"initContainerStatuses": [{"name": "own"}, ours]}})
    }

    #[test]
    fn a_wait_that_goes_on_says_how_it_ended_before() {
        let wait = Wait::read(&mk(json!({
            "state": {"running": {"startedAt": "2026-01-01T00:00:00Z"}},
            "lastState": {"terminated": {
                "exitCode": 124, "finishedAt": "2026-01-01T00:00:00Z", "message": "a is missing\n",
            }},
        })));
        let text = wait.to_string();
        assert!(text.starts_with("It has waited for "), "{text}");
        assert!(text.ends_with(" ago: a is missing."), "{text}");
        assert!(text.contains("its wait timed out "), "{text}");
    }

    #[test]
    fn a_wait_that_held_is_over_and_one_that_failed_is_not() {
        let ended = |code: i64| {
            Wait::read(&mk(json!({"state": {"terminated": {
                "exitCode": code, "finishedAt": "2026-01-01T00:00:00Z", "message": "why",
            }}})))
        };
        assert!(ended(0).to_string().ends_with(" ago: why."));
        assert!(ended(3).to_string().contains("since a dependency did"));
        assert!(ended(1).to_string().contains("with exit code 1"));
    }

    #[test]
    fn what_keeps_a_wait_from_beginning_is_in_the_words_of_kubernetes() {
        let pulling = mk(json!({"state": {"waiting": {
            "reason": "ErrImagePull", "message": "no such image",
        }}}));
        let text = Wait::read(&pulling).to_string();
        assert_eq!(
            text,
            "The kubelet has not reported a wait yet (ErrImagePull: no such image)."
        );
        let unscheduled = json!({"status": {"conditions": [
            {"type": "PodScheduled", "status": "False", "message": "0/3 nodes are available"},
        ]}});
        let text = Wait::read(&unscheduled).to_string();
        assert_eq!(
            text,
            "The kubelet has not reported a wait yet (0/3 nodes are available)."
        );
        let unknown = Wait::read(&json!({})).to_string();
        assert_eq!(
            unknown,
            "The kubelet has not reported a wait yet (no node has started it)."
        );
    }
}
