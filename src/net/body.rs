//! The timeout for request bodies, and the end of response bodies.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::body::Body as ResponseBody;
use http_body_util::BodyExt;
use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use parking_lot::Mutex;
use tokio::{
    runtime::Handle,
    time::{Sleep, sleep},
};

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
    /// `None` once it was left to `rest`.
    inner: Option<Incoming>,
    patience: Duration,
    /// Made when the body first is late: most arrive together with the head.
    timer: Option<Pin<Box<Sleep>>>,
    /// Where it goes if it is dropped before its end.
    rest: Option<RestOfBody>,
}

impl TimedBody {
    pub(crate) fn new(inner: Incoming, patience: Duration) -> Self {
        Self {
            inner: Some(inner),
            patience,
            timer: None,
            rest: None,
        }
    }

    /// Leaves to `rest` what is not read.
    pub(crate) fn leaving(mut self, rest: Option<RestOfBody>) -> Self {
        self.rest = rest;
        self
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
        let Some(inner) = &mut this.inner else {
            return Poll::Ready(None);
        };
        match Pin::new(inner).poll_frame(cx) {
            Poll::Ready(frame) => Poll::Ready(frame.map(|f| f.map_err(BodyError::Read))),
            Poll::Pending => this.poll_patience(cx).map(|error| Some(Err(error))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        let inner = self.inner.as_ref();
        inner.map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

impl Drop for TimedBody {
    fn drop(&mut self) {
        if let Some(rest) = self.rest.take()
            && !self.is_end_stream()
        {
            *rest.0.lock() = Some(Self {
                inner: self.inner.take(),
                patience: self.patience,
                timer: self.timer.take(),
                rest: None,
            });
        }
    }
}

/// What a handler has not read of a request's body over HTTP/2.
///
/// A client that is still sending when its stream is reset may drop the answer, even though the reset
/// says that there was no error: curl does. So the rest is read and thrown away after the answer.
#[derive(Clone, Debug, Default)]
pub(crate) struct RestOfBody(Arc<Mutex<Option<TimedBody>>>);

impl RestOfBody {
    /// Reads the rest until it ends, or is too slow or too long; `exchange` lasts until then.
    fn drain(&self, exchange: Exchange) {
        let rest = self.0.lock().take();
        if let (Some(rest), Ok(runtime)) = (rest, Handle::try_current()) {
            // Ends with its connection, as the task of the stream does.
            runtime.spawn(async move {
                drain(rest).await;
                drop(exchange);
            });
        }
    }
}

async fn drain(mut rest: TimedBody) {
    let mut left = LONGEST_REST;
    while let Some(Ok(frame)) = rest.frame().await {
        let length = frame.data_ref().map_or(0, Bytes::len);
        match left.checked_sub(length) {
            Some(rest) => left = rest,
            None => return,
        }
    }
}

/// The most that is read of a body for nothing, in bytes: twice the longest that is of use.
const LONGEST_REST: usize = 16 << 20;

/// A response's body; when it is dropped, its exchange has ended.
#[derive(Debug)]
pub(crate) struct ExchangeBody {
    inner: ResponseBody,
    /// `None` once this is dropped.
    exchange: Option<Exchange>,
    /// What is drained then.
    rest: Option<RestOfBody>,
}

impl ExchangeBody {
    pub(crate) fn new(inner: ResponseBody, exchange: Exchange) -> Self {
        Self {
            inner,
            exchange: Some(exchange),
            rest: None,
        }
    }

    /// Drains `rest` when the response is complete.
    pub(crate) fn draining(mut self, rest: Option<RestOfBody>) -> Self {
        self.rest = rest;
        self
    }
}

impl Drop for ExchangeBody {
    fn drop(&mut self) {
        if let (Some(exchange), Some(rest)) = (self.exchange.take(), &self.rest) {
            rest.drain(exchange);
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
