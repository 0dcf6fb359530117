//! The handle of a wait.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use oncue_language::{Condition, Grace};
use tokio::sync::oneshot;

use super::{
    Answer, WaitError, WaitRequest,
    shared::{Entry, Shared, Until},
    waiters::Ticket,
};
use crate::life::Timestamp;

/// A wait that is answered or held. Dropping it releases its place.
#[derive(Debug)]
pub struct Waiting {
    conditions: Arc<[Condition]>,
    grace: Grace,
    state: Progress,
}

#[derive(Debug)]
enum Progress {
    Answered(Option<Result<Arc<Answer>, WaitError>>),
    Held(Held),
}

/// The place of a held waiter.
#[derive(Debug)]
struct Held {
    answer: oneshot::Receiver<Arc<Answer>>,
    shared: Arc<Shared>,
    ticket: Ticket,
}

impl Waiting {
    pub(super) fn begin(
        shared: &Arc<Shared>,
        request: WaitRequest,
        (until, now): (Until, Timestamp),
    ) -> Self {
        let own = Arc::clone(&request.conditions);
        match shared.wait(request, until, now) {
            Ok(Entry::Held(place)) => Self {
                conditions: place.conditions,
                grace: place.grace,
                state: Progress::Held(Held {
                    answer: place.answer,
                    shared: Arc::clone(shared),
                    ticket: place.ticket,
                }),
            },
            Ok(Entry::Answered(answer)) => Self::answered(own, Ok(answer)),
            Err(error) => Self::answered(own, Err(error)),
        }
    }

    fn answered(conditions: Arc<[Condition]>, answer: Result<Arc<Answer>, WaitError>) -> Self {
        Self {
            conditions,
            grace: Grace::Over,
            state: Progress::Answered(Some(answer)),
        }
    }

    /// Returns the conditions, which waiters with the same conditions share.
    pub fn conditions(&self) -> &Arc<[Condition]> {
        &self.conditions
    }

    /// Returns which failures count. When that [ends](Grace::end), the caller has to
    /// [judge](super::Store::judge) again.
    pub fn grace(&self) -> Grace {
        self.grace
    }
}

impl Future for Waiting {
    type Output = Result<Arc<Answer>, WaitError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.state {
            Progress::Answered(answer) => {
                Poll::Ready(answer.take().unwrap_or(Err(WaitError::Closed)))
            }
            Progress::Held(held) => {
                let answer = Pin::new(&mut held.answer).poll(cx);
                answer.map_err(|_| WaitError::Closed)
            }
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.shared.leave(self.ticket);
    }
}
