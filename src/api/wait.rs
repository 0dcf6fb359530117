//! Waits: judges terms together, and holds a waiter until the result changes.

use std::{future::pending, sync::Arc, time::Duration};

use axum::{
    extract::{FromRequest, FromRequestParts, Request},
    handler::Handler,
    response::{IntoResponse, Response},
};
use futures_util::future::{BoxFuture, FutureExt};
use oncue_core::access::{self, Allowed};
use oncue_language::{Condition, Namespace, Presence, Subject, Target, Term};
use oncue_wire::{WaitAnswer, WaitRequest};
use tokio::time::sleep;

use super::{
    Api,
    answer::{self, Content},
    caller::Caller,
    documents,
    error::ApiError,
    json::Json,
    path::InNamespace,
    query::{NoParameters, Parameters},
    wait_revision::WaitRevision,
};
use crate::{
    identity::{Session, Wish},
    language::Owner,
    net::Phase,
    store::{self, Answer, WaitError, Waiter},
};

/// Returns what the store is asked; a revision that it cannot have given out counts as none.
fn resolve(
    request: WaitRequest,
    namespace: Namespace,
    api: &Api,
) -> Result<store::WaitRequest, ApiError> {
    let conditions = conditions(&request, &namespace, api.settings().terms)?;
    let WaitRequest {
        revision,
        waiter,
        since,
        ..
    } = request;
    let (pod, uid) = waiter.map(|it| (it.name, it.uid)).unzip();
    let revision: Option<WaitRevision> = revision.and_then(|revision| revision.parse().ok());
    Ok(store::WaitRequest {
        conditions,
        who: Waiter {
            namespace,
            pod,
            uid,
            since: since.unwrap_or_else(|| api.store().now()),
        },
        revision: revision.map(|it| it.store),
        knows_release: revision.is_some_and(|it| it.released),
    })
}

/// Returns the conditions of the terms, and optional ones of the nudges behind them.
fn conditions(
    WaitRequest { terms, nudges, .. }: &WaitRequest,
    namespace: &Namespace,
    limit: usize,
) -> Result<Arc<[Condition]>, ApiError> {
    let count = terms.len() + nudges.len();
    if count > limit {
        return Err(ApiError::TooManyTerms { count, limit });
    }
    let terms = terms.iter().map(|term| condition(term, namespace));
    let nudges = nudges.iter().map(|nudge| optional(nudge, namespace));
    terms.chain(nudges).collect()
}

/// A client asks to be nudged about a Service that it probes.
fn optional(nudge: &str, namespace: &Namespace) -> Result<Condition, ApiError> {
    let Condition { subject, .. } = condition(nudge, namespace)?;
    match &subject {
        Subject::Object(key) if key.is_service() => Ok(Condition {
            presence: Presence::Optional,
            subject,
        }),
        _ => Err(ApiError::UnjudgedTerm {
            term: nudge.to_owned(),
            rule: NO_SERVICE.to_owned(),
        }),
    }
}

fn condition(text: &str, namespace: &Namespace) -> Result<Condition, ApiError> {
    let unjudged = |rule: String| ApiError::UnjudgedTerm {
        term: text.to_owned(),
        rule,
    };
    let term: Term = text.parse().map_err(ApiError::Term)?;
    if matches!(term.target, Target::Object(_)) && text.len() > MAX_OBJECT_TERM {
        return Err(unjudged(format!(
            "it is longer than {MAX_OBJECT_TERM} bytes"
        )));
    }
    let condition = term
        .condition(namespace)
        .map_err(|error| unjudged(error.to_string()))?
        .ok_or_else(|| unjudged(NO_PROBES.to_owned()))?;
    Ok(condition.counting())
}

/// A term about objects is kept by the controller for as long as someone asks.
const MAX_OBJECT_TERM: usize = 2048;

const NO_SERVICE: &str = "a nudge is about a Service that the client probes: write service:NAME";

const NO_PROBES: &str = "a probe is made by the client, as seen from its pod: send the others only";

/// Answers a wait.
///
/// A handler by hand: what the request was made of is gone before anybody is held, and takes no
/// room in the future that holds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wait;

impl Handler<(), Api> for Wait {
    type Future = BoxFuture<'static, Response>;

    fn call(self, request: Request, api: Api) -> Self::Future {
        let asked = asked(request, api.clone()).boxed();
        let answered = async move {
            let asked = asked.await?;
            let namespace = asked.request.who.namespace.clone();
            let held = api.hold(asked).await;
            api.answer(held, &namespace)
        };
        answered.map(IntoResponse::into_response).boxed()
    }
}

/// A wait that a caller may ask for.
struct Asked {
    request: store::WaitRequest,
    /// What the caller has proven; `None` without a token.
    session: Option<Arc<Session>>,
}

/// Reads what is waited for out of a request.
async fn asked(request: Request, api: Api) -> Result<Asked, ApiError> {
    let (mut parts, body) = request.into_parts();
    let InNamespace(namespace) = InNamespace::from_request_parts(&mut parts, &api).await?;
    let caller = Caller::from_request_parts(&mut parts, &api).await?;
    Parameters::<NoParameters>::from_request_parts(&mut parts, &api).await?;
    let request = Request::from_parts(parts, body);
    let Json(mut wait) = Json::<WaitRequest>::from_request(request, &api).await?;
    let in_namespace = |pod: &&Owner| pod.namespace == namespace;
    let named = wait.waiter.as_ref().filter(in_namespace);
    let vouched = caller.vouched(&api, (named, Wish::Wait));
    let asked = access::Request::Wait {
        namespace: &namespace,
        vouched,
    };
    if let Allowed::AsPod(pod) = caller.may(&api, &asked)? {
        wait.waiter = Some(pod);
    }
    Ok(Asked {
        request: resolve(wait, namespace, &api)?,
        session: caller.session().cloned(),
    })
}

/// Waits until what the caller has proven is not true any more.
async fn ended(session: Option<Arc<Session>>) {
    match session {
        Some(session) => session.ended().await,
        None => pending().await,
    }
}

pub(super) fn refusal(error: WaitError) -> ApiError {
    match error {
        WaitError::NoObjects { condition } => ApiError::UnjudgedTerm {
            term: condition.to_string(),
            rule: NO_OBJECTS.to_owned(),
        },
        WaitError::Closed => ApiError::ShuttingDown,
        WaitError::Stale => ApiError::Stale,
        WaitError::OverLimit(exhausted) => ApiError::MemoryExhausted(exhausted),
        WaitError::ShareTaken(taken) => ApiError::ShareTaken(taken),
        WaitError::TooMany { .. } => ApiError::TooManyWaiters(error),
    }
}

const NO_OBJECTS: &str =
    "this store watches no objects: they are judged in a cluster, where the controller runs";

impl Api {
    /// Holds a wait until there is something new to say, its time is over, the caller's token is not
    /// valid any more, or we shut down.
    fn hold(
        &self,
        Asked { request, session }: Asked,
    ) -> impl Future<Output = Result<Arc<Answer>, WaitError>> {
        let mut news = self.store().wait(request);
        // Then, a failure may count that does not yet.
        let end = news.grace().end();
        let young = end.map(|end| end.since(self.store().now()));
        let longest = self.settings().hold;
        let hold = young.map_or(longest, |young| young.min(longest));
        let valid = session.as_ref().map(|session| self.time_left(session));
        let hold = valid.map_or(hold, |valid| valid.min(hold));
        async move {
            tokio::select! {
                biased;
                answer = &mut news => return answer,
                () = sleep(hold) => {}
                () = ended(session) => {}
                () = self.turn_to_leave() => {}
            }
            match news.present(self.store().now()) {
                Some(present) => present,
                None => news.await,
            }
        }
    }

    /// Waits until the process drains and it is a waiter's turn to be answered, so that it turns to
    /// another replica. News still reach those whose turn is later.
    async fn turn_to_leave(&self) {
        self.shutdown().reached(Phase::Draining).await;
        let waiters = self.store().stats().waiters;
        sleep(spread(waiters).mul_f64(rand::random())).await;
    }

    fn answer(
        &self,
        held: Result<Arc<Answer>, WaitError>,
        namespace: &Namespace,
    ) -> Result<Response, ApiError> {
        let outcome = held.as_ref().ok().map(|answer| answer.outcome);
        self.metrics().answered(outcome);
        let body = held.map_err(refusal)?.encoded(|answer| {
            let document = answer::to_json(&document(answer));
            answer::counted((self.answers(), Some(namespace)), document)
        });
        let body = body.map_err(ApiError::MemoryExhausted)?;
        Ok(answer::ok(Content::Json, body))
    }
}

/// Returns over how long the answers to so many waiters are spread when the process drains: each
/// of them costs another replica a connection, and thousands at once would time out there.
fn spread(waiters: usize) -> Duration {
    let waiters = u32::try_from(waiters).unwrap_or(u32::MAX);
    PER_WAITER
        .saturating_mul(waiters)
        .clamp(SHORTEST_SPREAD, LONGEST_SPREAD)
}

/// A core makes more than 1,000 TLS handshakes a second.
const PER_WAITER: Duration = Duration::from_millis(1);

const SHORTEST_SPREAD: Duration = Duration::from_millis(500);

/// Ends before the listener cuts off what is still held.
const LONGEST_SPREAD: Duration = Duration::from_secs(6);

fn document(answer: &Answer) -> WaitAnswer {
    WaitAnswer {
        revision: WaitRevision::of(answer).to_string(),
        outcome: answer.outcome,
        terms: documents::judged(answer),
        nudges: answer.nudges.clone(),
        released: answer.release.as_ref().map(ToString::to_string),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::Limits;

    #[test]
    fn many_waiters_leave_more_slowly_and_all_before_they_are_cut_off() {
        for (waiters, millis) in [(0, 500), (1, 500), (2_000, 2_000), (1 << 40, 6_000)] {
            assert_eq!(spread(waiters), Duration::from_millis(millis), "{waiters}");
        }
        assert!(LONGEST_SPREAD < Limits::STORE.drain);
    }
}
