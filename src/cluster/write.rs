//! One write to the API server, and how long it asks to wait before the next try.

use std::time::Duration;

use http::{
    HeaderMap, Method, Request, Response,
    header::{CONTENT_TYPE, RETRY_AFTER},
};
use http_body_util::BodyExt;
use kube::{Client, client::Body, core::Status};
use serde_json::Value;

use super::call::{ApiError, call};

/// Why a write failed.
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
pub(crate) struct WriteError {
    pub(crate) error: ApiError,
    /// How long the API server asks to wait before the next try.
    pub(crate) retry_after: Option<Duration>,
}

impl From<ApiError> for WriteError {
    fn from(error: ApiError) -> Self {
        Self {
            error,
            retry_after: None,
        }
    }
}

/// One write.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Write<'a> {
    pub(crate) verb: Verb,
    /// The path of the object; that of its kind for [`Verb::Create`].
    pub(crate) path: &'a str,
    /// The owner of the fields that are written, as the API server notes it.
    pub(crate) field_manager: &'static str,
    /// The object, or the patch.
    pub(crate) body: &'a Value,
}

/// How an object is written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Verb {
    Create,
    JsonPatch,
    MergePatch,
    StrategicMergePatch,
}

impl Verb {
    fn method(self) -> Method {
        match self {
            Self::Create => Method::POST,
            Self::JsonPatch | Self::MergePatch | Self::StrategicMergePatch => Method::PATCH,
        }
    }

    fn content_type(self) -> &'static str {
        match self {
            Self::Create => "application/json",
            Self::JsonPatch => "application/json-patch+json",
            Self::MergePatch => "application/merge-patch+json",
            Self::StrategicMergePatch => "application/strategic-merge-patch+json",
        }
    }
}

impl Write<'_> {
    /// Makes this write, and drops the object that the API server answers.
    pub(crate) async fn send(self, client: &Client) -> Result<(), WriteError> {
        let Self {
            verb,
            path,
            field_manager,
            body,
        } = self;
        let request = Request::builder()
            .method(verb.method())
            .uri(format!("{path}?fieldManager={field_manager}"))
            .header(CONTENT_TYPE, verb.content_type())
            .body(body.to_string().into_bytes());
        let request = request.map_err(|error| ApiError::Unanswered(error.to_string()))?;
        send(client, request).await
    }
}

async fn send(client: &Client, request: Request<Vec<u8>>) -> Result<(), WriteError> {
    let answer = call(async {
        let response = client.send(request.map(Body::from)).await?;
        let (head, body) = response.into_parts();
        let body = body.collect().await?.to_bytes();
        Ok(Response::from_parts(head, body))
    });
    let (head, body) = answer.await?.into_parts();
    if head.status.is_success() {
        return Ok(());
    }
    let code = head.status.as_u16();
    // Not every answer is a Status: a proxy, or an API server with too many requests, writes text.
    let status = serde_json::from_slice::<Status>(&body).unwrap_or_else(|_| {
        let text = String::from_utf8_lossy(&body);
        Status::failure(text.trim(), "").with_code(code)
    });
    Err(WriteError {
        error: kube::Error::Api(status.boxed()).into(),
        retry_after: retry_after(&head.headers),
    })
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::mock;

    #[tokio::test]
    async fn an_answer_that_is_no_status_is_told_in_its_own_words() {
        let (client, server) = mock::mk_client();
        let text = serde_json::Value::from("Too many requests, please try again later.");
        let server = mock::answer(server, vec![(429, text)]);
        let write = Write {
            verb: Verb::JsonPatch,
            path: "/api/v1/namespaces/shop/pods/first",
            field_manager: "oncue",
            body: &Value::Array(Vec::new()),
        };
        let failure = write.send(&client).await.unwrap_err().to_string();
        assert!(failure.contains("(429): \"Too many requests"), "{failure}");
        let asked = server.await.unwrap();
        let path = "/api/v1/namespaces/shop/pods/first?fieldManager=oncue";
        assert_eq!(asked, [path]);
    }
}
