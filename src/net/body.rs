//! The timeout for request bodies, and the end of response bodies.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use axum::body::Body as ResponseBody;
use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use tokio::time::{Sleep, sleep};

use super::pace::Exchange;

/// Why a request's body could not be read.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// The connection failed, or what came is not a body.
    #[error("failed to read the request's body")]
    Read(#[source] hyper::Error),
    /// The client was too slow.
    #[error("the request's body did not arrive within {0:?}")]
    TimedOut(Duration),
}

/// A request's body that fails once its client is too slow.
#[derive(Debug)]
pub(crate) struct TimedBody {
    inner: Incoming,
    patience: Duration,
    /// Made when the body first is late: most arrive together with the head.
    timer: Option<Pin<Box<Sleep>>>,
}

impl TimedBody {
    pub(crate) fn new(inner: Incoming, patience: Duration) -> Self {
        Self {
            inner,
            patience,
            timer: None,
        }
    }

    fn poll_patience(&mut self, cx: &mut Context<'_>) -> Poll<BodyError> {
        let patience = self.patience;
        self.timer
            .get_or_insert_with(|| Box::pin(sleep(patience)))
            .as_mut()
            .poll(cx)
            .map(|()| BodyError::TimedOut(patience))
    }
}

impl Body for TimedBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        match Pin::new(&mut this.inner).poll_frame(cx) {
            Poll::Ready(frame) => Poll::Ready(frame.map(|f| f.map_err(BodyError::Read))),
            Poll::Pending => this.poll_patience(cx).map(|error| Some(Err(error))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// A response's body; when it is dropped, its exchange has ended.
#[derive(Debug)]
pub(crate) struct ExchangeBody {
    inner: ResponseBody,
    _exchange: Exchange,
}

impl ExchangeBody {
    pub(crate) fn new(inner: ResponseBody, exchange: Exchange) -> Self {
        Self {
            inner,
            _exchange: exchange,
        }
    }
}

impl Body for ExchangeBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.inner).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
