//! One request to the API server, with a deadline, and why it failed.

use std::{error::Error, iter, time::Duration};

use kube::core::Status;
use strum::IntoStaticStr;
use tokio::time::timeout;

/// How long an API server may take for one request.
pub(crate) const DEADLINE: Duration = Duration::from_secs(10);

/// Makes one request: within [`DEADLINE`], the client's own retries included.
pub(crate) fn call<T>(
    request: impl Future<Output = Result<T, kube::Error>>,
) -> impl Future<Output = Result<T, ApiError>> {
    call_within(DEADLINE, request)
}

/// Makes one request within `limit`, the client's own retries included.
pub(crate) async fn call_within<T>(
    limit: Duration,
    request: impl Future<Output = Result<T, kube::Error>>,
) -> Result<T, ApiError> {
    timeout(limit, request)
        .await
        .map_err(|_| ApiError::TimedOut(limit))?
        .map_err(ApiError::from)
}

/// Why a request failed.
#[derive(Debug, IntoStaticStr, thiserror::Error)]
#[strum(serialize_all = "kebab-case")]
pub enum ApiError {
    /// The object changed since it was read.
    #[error("the object was changed meanwhile: {}", .0.message)]
    Conflict(Box<Status>),
    /// A permission is missing; the API server's words say which.
    #[error("a permission is missing (RBAC): {}", .0.message)]
    Forbidden(Box<Status>),
    /// There is no such object.
    #[error("not found: {}", .0.message)]
    NotFound(Box<Status>),
    /// The API server says no.
    #[error("the API server refused it ({}): {}", .0.code, .0.message)]
    Refused(Box<Status>),
    /// No answer came in time.
    #[error("no answer from the API server within {0:?}")]
    TimedOut(Duration),
    /// No answer came at all, or none that can be read.
    #[error("failed to ask the API server: {0}")]
    Unanswered(String),
}

impl ApiError {
    /// Returns the reason as one word, for metrics.
    pub fn label(&self) -> &'static str {
        self.into()
    }
}

impl From<kube::Error> for ApiError {
    fn from(error: kube::Error) -> Self {
        match error {
            kube::Error::Api(status) => match status.code {
                403 => Self::Forbidden(status),
                404 => Self::NotFound(status),
                409 => Self::Conflict(status),
                _ => Self::Refused(status),
            },
            error => Self::Unanswered(tell_once(&error)),
        }
    }
}

/// Joins an error's causes: the client's own texts repeat those of their causes.
fn tell_once(error: &kube::Error) -> String {
    let causes = iter::successors(Some(error as &dyn Error), |&error| error.source());
    let mut told = String::new();
    for cause in causes.map(ToString::to_string) {
        if !told.contains(&cause) {
            let separator = if told.is_empty() { "" } else { ": " };
            told.push_str(separator);
            told.push_str(&cause);
        }
    }
    told
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    fn api_error(code: u16, message: &str) -> ApiError {
        let status = Status::failure(message, "Reason").with_code(code);
        kube::Error::Api(status.boxed()).into()
    }

    #[test]
    fn a_missing_permission_is_told_in_the_api_servers_words() {
        let words = "secrets \"a\" is forbidden: User \"b\" cannot update resource \"secrets\"";
        let text = api_error(403, words).to_string();
        assert_eq!(text, format!("a permission is missing (RBAC): {words}"));
    }

    #[test]
    fn tells_each_cause_once() {
        let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
        let error = ApiError::from(kube::Error::Service(Box::new(refused)));
        let text = error.to_string();
        assert_eq!(text.matches("connection refused").count(), 1, "{text}");
    }

    #[tokio::test(start_paused = true)]
    async fn does_not_wait_for_ever() {
        let never = std::future::pending::<Result<(), kube::Error>>();
        let error = call(never).await.unwrap_err();
        assert!(matches!(error, ApiError::TimedOut(DEADLINE)));
    }
}
