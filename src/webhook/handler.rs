//! The shell around a review: content type, size, budget, deadline.

use std::{
    error::Error,
    net::IpAddr,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    body::{Body, Bytes, HttpBody},
    extract::State,
    http::{HeaderMap, HeaderValue, Request, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use tokio::time::timeout;
use tracing::{debug, error};

use super::{Entry, MAX_BODY, Webhook, answer::Answer, rejection::Rejection};
use crate::{fairness::Part, language::Timeout, memory::charged, net::Peer};

/// Answers `POST /mutate`.
pub(crate) async fn mutate(
    State(webhook): State<Arc<Webhook>>,
    request: Request<Body>,
) -> Response {
    handle(&webhook, Entry::Mutate, request).await
}

/// Answers `POST /lint`.
pub(crate) async fn lint(State(webhook): State<Arc<Webhook>>, request: Request<Body>) -> Response {
    handle(&webhook, Entry::Lint, request).await
}

async fn handle(webhook: &Webhook, entry: Entry, request: Request<Body>) -> Response {
    let start = Instant::now();
    let _in_flight = webhook.context.metrics.begin();
    let deadline = deadline(request.uri());
    let peer = Peer::address(request.extensions());
    let answer = timeout(deadline, review(webhook, (entry, peer), request))
        .await
        .unwrap_or(Err(Rejection::DeadlineExceeded(deadline)))
        .unwrap_or_else(report);
    let (answer, room) = with_room(webhook, peer, answer);
    webhook
        .context
        .metrics
        .observe(entry, &answer, start.elapsed());
    respond(answer, room)
}

/// Reserves memory for an answer until its peer has received it. If none is left, returns the answer
/// that says so instead.
fn with_room(webhook: &Webhook, peer: IpAddr, answer: Answer) -> (Answer, Part<IpAddr>) {
    let mut room = webhook.answers.part(&peer);
    match room.grow(ANSWER_HEAD + answer.body.capacity()) {
        Ok(()) => (answer, room),
        Err(_) => (report(Rejection::Overloaded), room),
    }
}

async fn review(
    webhook: &Webhook,
    (entry, peer): (Entry, IpAddr),
    request: Request<Body>,
) -> Result<Answer, Rejection> {
    require_json(request.headers())?;
    refuse_too_large(request.body())?;
    let mut part = webhook.bodies.part(&peer);
    let head = part.grow(REQUEST_HEAD);
    head.map_err(|_| Rejection::Overloaded)?;
    let body = read(request.into_body(), &mut part).await?;
    let mut linting = webhook.linting.share();
    let has_room = match entry {
        Entry::Lint => linting.grow(super::lint::memory(body.len())).is_ok(),
        Entry::Mutate => part.grow(DECODING * body.len()).is_ok(),
    };
    if !has_room {
        return Err(Rejection::Overloaded);
    }
    // A panic is a bug of oncue, and answered like any other failure of its own.
    catch_unwind(AssertUnwindSafe(|| webhook.answer(entry, &body)))
        .map_err(|_| Rejection::Failure("it panicked".to_owned()))
}

/// Returns the caller's timeout, which the API server puts in the query.
fn deadline(uri: &Uri) -> Duration {
    uri.query()
        .unwrap_or_default()
        .split('&')
        .find_map(|parameter| parameter.strip_prefix("timeout="))
        .and_then(|value| value.parse::<Timeout>().ok())
        .map_or(DEFAULT_DEADLINE, |timeout| {
            timeout.duration().min(MAX_DEADLINE)
        })
}

fn require_json(headers: &HeaderMap) -> Result<(), Rejection> {
    headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .filter(|media_type| media_type.trim().eq_ignore_ascii_case("application/json"))
        .map(|_| ())
        .ok_or(Rejection::UnsupportedMediaType)
}

/// Rejects a body by its declared length, before any of it is read.
fn refuse_too_large(body: &Body) -> Result<(), Rejection> {
    match body.size_hint().exact() {
        Some(declared) if declared > MAX_BODY as u64 => Err(Rejection::BodyTooLarge),
        _ => Ok(()),
    }
}

/// Reads a body.
///
/// A body that arrives in one piece, as most do, is not copied. The buffer that joins several
/// pieces may have a capacity of twice their bytes, so each byte is charged to `part` twice.
async fn read(body: Body, part: &mut Part<IpAddr>) -> Result<Bytes, Rejection> {
    let mut body = Limited::new(body, MAX_BODY);
    let (mut first, mut joined) = (Bytes::new(), Vec::new());
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(refused)?.into_data() else {
            continue;
        };
        let grown = part.grow(2 * data.len());
        grown.map_err(|_| Rejection::Overloaded)?;
        if first.is_empty() {
            first = data;
            continue;
        }
        if joined.is_empty() {
            joined.extend_from_slice(&first);
        }
        joined.extend_from_slice(&data);
    }
    Ok(if joined.is_empty() {
        first
    } else {
        joined.into()
    })
}

fn refused(error: Box<dyn Error + Send + Sync>) -> Rejection {
    if error.is::<LengthLimitError>() {
        Rejection::BodyTooLarge
    } else {
        Rejection::unreadable(error)
    }
}

/// Logs failures of oncue itself, and turns a rejection into the answer.
fn report(rejection: Rejection) -> Answer {
    match &rejection {
        Rejection::Failure(_) => error!(error = %rejection, "failed to answer a review"),
        rejection => debug!(error = %rejection, "rejected a request"),
    }
    rejection.into()
}

fn respond(answer: Answer, room: Part<IpAddr>) -> Response {
    let content_type = HeaderValue::from_static(answer.content_type);
    let headers = [(header::CONTENT_TYPE, content_type)];
    let body = charged(answer.body, room);
    let mut response = (answer.status, headers, body).into_response();
    if answer.status == StatusCode::SERVICE_UNAVAILABLE {
        let seconds = HeaderValue::from_static("1");
        response.headers_mut().insert(header::RETRY_AFTER, seconds);
    }
    response
}

/// What a request takes besides its body, in bytes: a head as long as HTTP/2 lets it be, in the form in
/// which it is kept.
const REQUEST_HEAD: usize = 32 * 1024;

/// What reading a pod takes for each byte of it, at the most: an error quotes it before it is cut.
const DECODING: usize = 4;

/// What an answer takes besides its body, in bytes.
const ANSWER_HEAD: usize = 1024;

/// The API server's own default, and the most that it accepts.
const DEFAULT_DEADLINE: Duration = Duration::from_secs(10);
const MAX_DEADLINE: Duration = Duration::from_secs(30);
