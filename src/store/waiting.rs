//! The handle of a wait.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use oncue_language::Grace;
use tokio::sync::oneshot;

use super::{
    Answer, WaitError,
    shared::{Entry, NewWait, Shared},
    waiters::Ticket,
};
use crate::life::Timestamp;

/// A wait that is answered or held. Dropping it releases its place.
#[derive(Debug)]
pub struct Waiting {
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
    pub(super) fn begin(shared: &Arc<Shared>, wait: NewWait) -> Self {
        match shared.wait(wait) {
            Ok(Entry::Held(place)) => Self {
                grace: place.grace,
                state: Progress::Held(Held {
                    answer: place.answer,
                    shared: Arc::clone(shared),
                    ticket: place.ticket,
                }),
            },
            Ok(Entry::Answered(answer)) => Self::answered(Ok(answer)),
            Err(error) => Self::answered(Err(error)),
        }
    }

    fn answered(answer: Result<Arc<Answer>, WaitError>) -> Self {
        Self {
            grace: Grace::Over,
            state: Progress::Answered(Some(answer)),
        }
    }

    /// Returns which failures count. When that [ends](Grace::end), the caller has to ask for the
    /// [present](Self::present) answer.
    pub fn grace(&self) -> Grace {
        self.grace
    }

    /// Ends a wait that was held, and returns the answer as it is now. Returns `None` if there is
    /// nothing to end, because the answer is there or on its way: then await it.
    ///
    /// # Errors
    /// [`WaitError::NoObjects`].
    pub fn present(&mut self, now: Timestamp) -> Option<Result<Arc<Answer>, WaitError>> {
        match &self.state {
            Progress::Answered(_) => None,
            Progress::Held(Held { shared, ticket, .. }) => shared.present(*ticket, now),
        }
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
                answer.map_err(|_| held.shared.refusal())
            }
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.shared.leave(self.ticket);
    }
}
