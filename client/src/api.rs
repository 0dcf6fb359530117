//! The store's HTTP API, as a blocking client.

mod agent;
mod endpoint;
mod error;
mod socket;
mod token;

pub use self::{
    endpoint::{Endpoint, EndpointError, ServerUrl},
    error::ApiError,
    token::{Token, TokenError, Tokens},
};

use std::{
    fmt,
    io::{BufRead, BufReader, Read},
    sync::Arc,
    time::Duration,
};

use serde::{Serialize, de::DeserializeOwned};
use ureq::{
    Body,
    http::{Method, Request, Response, StatusCode},
};

use oncue_language::{Namespace, VariableName};
use oncue_wire::{AssertRequest, WaitAnswer, WaitRequest};

use crate::names::Names;

use self::token::TokenFile;

pub(crate) use self::agent::{describe, unverified_agent};

/// The timeout of an answer that the store does not hold.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// The timeout of a held answer. The store answers within 50 s.
const HELD_PATIENCE: Duration = Duration::from_mins(1);

/// How long a watch may be silent. The store sends a bookmark every 30 s.
const WATCH_PATIENCE: Duration = Duration::from_secs(65);

/// Largest answer that is read, and longest line of a watch, unless the caller says otherwise.
pub const MAX_ANSWER_BYTES: u64 = 1 << 20;

/// A connection to a store. The first request opens it, and the next ones reuse it.
#[derive(Clone)]
pub struct Api {
    agent: ureq::Agent,
    tokens: Option<Arc<dyn Tokens>>,
    endpoint: Endpoint,
    names: Names,
    patience: Duration,
    answer_limit: u64,
}

impl Api {
    /// Returns a client of the store at `endpoint`. Does not connect yet.
    ///
    /// # Errors
    /// [`EndpointError`] if there is no trusted certificate for TLS, or a token without TLS.
    pub fn new(endpoint: &Endpoint, names: &Names) -> Result<Self, EndpointError> {
        let file = endpoint.token_file.clone();
        if file.is_some() && !endpoint.url.is_https() {
            return Err(EndpointError::TokenInPlainText {
                url: endpoint.url.to_string(),
            });
        }
        Ok(Self {
            agent: agent::agent(endpoint, names)?,
            tokens: file.map(|file| Arc::new(TokenFile(file)) as Arc<dyn Tokens>),
            endpoint: endpoint.clone(),
            names: names.clone(),
            patience: PATIENCE,
            answer_limit: MAX_ANSWER_BYTES,
        })
    }

    /// Returns the same client, which presents these tokens instead of those in a file.
    #[must_use]
    pub fn with_tokens(self, tokens: Arc<dyn Tokens>) -> Self {
        Self {
            tokens: Some(tokens),
            ..self
        }
    }

    /// Returns whether the client presents a token.
    pub(crate) fn has_token(&self) -> bool {
        self.tokens.is_some()
    }

    /// Returns the same client with another timeout of answers that the store does not hold.
    #[must_use]
    pub fn with_patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// Returns the same client with another limit on the bytes of an answer, and of a line of a
    /// watch.
    #[must_use]
    pub fn with_answer_limit(self, answer_limit: u64) -> Self {
        Self {
            answer_limit,
            ..self
        }
    }

    /// Returns a client with a separate connection.
    pub(crate) fn reconnected(&self) -> Result<Self, EndpointError> {
        Ok(Self {
            agent: agent::agent(&self.endpoint, &self.names)?,
            ..self.clone()
        })
    }

    /// Closes the connection. A request on it fails.
    pub(crate) fn hang_up(self) {
        self.agent.shutdown();
    }

    /// Returns the address of the store.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Gets `path`, such as `/v1/waiters`.
    pub fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ApiError> {
        self.answer(self.send(Method::GET, path, None)?)
    }

    /// Puts `body` to `path`. The status distinguishes a new resource from an existing one.
    pub fn put<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<(StatusCode, T), ApiError> {
        let response = self.send(Method::PUT, path, Some(to_json(body)))?;
        Ok((response.status(), self.answer(response)?))
    }

    /// Posts `body` to `path`.
    pub fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, ApiError> {
        self.answer(self.send(Method::POST, path, Some(to_json(body)))?)
    }

    /// Deletes `path`.
    pub fn delete(&self, path: &str) -> Result<(), ApiError> {
        self.send(Method::DELETE, path, None).map(drop)
    }

    /// Gets `path` and returns the lines of the answer as they arrive, without line breaks.
    pub fn lines(
        &self,
        path: &str,
    ) -> Result<impl Iterator<Item = Result<String, ApiError>> + use<>, ApiError> {
        let request = self
            .agent
            .configure_request(self.request(Method::GET, path, ())?);
        let request = request
            .timeout_recv_response(Some(self.patience))
            .timeout_per_read(Some(WATCH_PATIENCE))
            .build();
        let response = self.checked(self.agent.run(request))?;
        let (url, limit) = (self.endpoint.url.clone(), self.answer_limit);
        let mut reader = BufReader::new(response.into_body().into_reader());
        Ok(std::iter::from_fn(move || {
            next_line(&mut reader, limit, &url).transpose()
        }))
    }

    /// Returns whether the variable exists.
    pub fn exists(&self, namespace: &Namespace, name: &VariableName) -> Result<bool, ApiError> {
        match self.get::<serde::de::IgnoredAny>(&variable_path(namespace, name)) {
            Ok(_) => Ok(true),
            Err(error) if error.is_not_found() => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Presents the token, so that the store has reviewed it when a marker presents it again.
    pub(crate) fn present_token(&self) -> Result<(), ApiError> {
        self.get::<serde::de::IgnoredAny>("/v1/identity").map(drop)
    }

    /// Asserts the variable. Returns whether it is new.
    pub fn create(
        &self,
        namespace: &Namespace,
        name: &VariableName,
        assertion: &AssertRequest,
    ) -> Result<bool, ApiError> {
        let (status, _) =
            self.put::<serde::de::IgnoredAny>(&variable_path(namespace, name), assertion)?;
        Ok(status == StatusCode::CREATED)
    }

    /// Asks for the state of terms. With a revision, the store holds the answer until the state
    /// changes.
    pub fn wait(
        &self,
        namespace: &Namespace,
        request: &WaitRequest,
    ) -> Result<WaitAnswer, ApiError> {
        let patience = match request.revision {
            Some(_) => HELD_PATIENCE,
            None => self.patience,
        };
        let path = format!("/v1/namespaces/{namespace}/wait");
        let api = self.clone().with_patience(patience);
        let answer: WaitAnswer = api.post(&path, request)?;
        let is_complete = answer.terms.len() == request.terms.len()
            && answer.nudges.len() == request.nudges.len();
        if is_complete {
            Ok(answer)
        } else {
            Err(ApiError::garbled(
                &self.endpoint.url,
                "another number of terms",
            ))
        }
    }

    fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<Vec<u8>>,
    ) -> Result<Response<Body>, ApiError> {
        let patience = Some(self.patience);
        let result = match body {
            None => {
                let request = self.request(method, path, ())?;
                let request = self.agent.configure_request(request);
                self.agent.run(request.timeout_global(patience).build())
            }
            Some(body) => {
                let request = self.request(method, path, body)?;
                let request = self.agent.configure_request(request);
                self.agent.run(request.timeout_global(patience).build())
            }
        };
        self.checked(result)
    }

    fn request<B>(&self, method: Method, path: &str, body: B) -> Result<Request<B>, ApiError> {
        let mut request = Request::new(body);
        *request.method_mut() = method;
        *request.uri_mut() = self.endpoint.url.join(path);
        let json = const { ureq::http::HeaderValue::from_static("application/json") };
        request.headers_mut().insert("content-type", json);
        if let Some(tokens) = &self.tokens {
            let header = tokens.token()?.header();
            request.headers_mut().insert("authorization", header);
        }
        Ok(request)
    }

    fn checked(
        &self,
        result: Result<Response<Body>, ureq::Error>,
    ) -> Result<Response<Body>, ApiError> {
        let response = result.map_err(|error| ApiError::lost(&self.endpoint.url, error))?;
        if response.status().is_success() {
            Ok(response)
        } else {
            Err(ApiError::status(&self.endpoint.url, response))
        }
    }

    fn answer<T: DeserializeOwned>(&self, response: Response<Body>) -> Result<T, ApiError> {
        let url = &self.endpoint.url;
        let bytes = response
            .into_body()
            .into_with_config()
            .limit(self.answer_limit)
            .read_to_vec()
            .map_err(|error| ApiError::lost(url, error))?;
        serde_json::from_slice(&bytes).map_err(|error| ApiError::garbled(url, error))
    }
}

/// Leaves out the tokens, although they are not shown either.
impl fmt::Debug for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Api")
            .field("endpoint", &self.endpoint)
            .finish_non_exhaustive()
    }
}

fn variable_path(namespace: &Namespace, name: &VariableName) -> String {
    format!("/v1/namespaces/{namespace}/variables/{name}")
}

fn to_json(body: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(body).expect("what is sent has string keys only")
}

fn next_line(
    reader: &mut impl BufRead,
    limit: u64,
    url: &ServerUrl,
) -> Result<Option<String>, ApiError> {
    let mut line = Vec::new();
    let read = reader
        .by_ref()
        .take(limit)
        .read_until(b'\n', &mut line)
        .map_err(|error| ApiError::lost(url, error.into()))?;
    if read == 0 {
        return Ok(None);
    }
    if !line.ends_with(b"\n") && u64::try_from(read).is_ok_and(|read| read == limit) {
        return Err(ApiError::garbled(
            url,
            format_args!("a line of it is longer than {limit} bytes"),
        ));
    }
    let line = str::from_utf8(line.trim_ascii_end());
    let line = line.map_err(|error| ApiError::garbled(url, error))?;
    Ok(Some(line.to_owned()))
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    fn mk_url() -> ServerUrl {
        "http://store:9999".parse().unwrap()
    }

    #[test]
    fn a_line_is_as_long_as_an_answer_may_be() {
        let mut reader = &b"12345678\nshort\n"[..];
        let mut next = || next_line(&mut reader, 9, &mk_url()).unwrap();
        assert_eq!(next().as_deref(), Some("12345678"));
        assert_eq!(next().as_deref(), Some("short"));
        assert_eq!(next(), None);
    }

    #[test]
    fn a_line_without_end_makes_no_sense() {
        let mut endless = BufReader::new(io::repeat(b'x'));
        let error = next_line(&mut endless, MAX_ANSWER_BYTES, &mk_url()).unwrap_err();
        assert!(matches!(error, ApiError::Garbled { .. }), "{error}");
        assert!(
            error.to_string().contains("longer than 1048576 bytes"),
            "{error}"
        );
    }
}
