//! The timeouts for heads and idle connections, below HTTP.
//!
//! hyper's own header timeout also runs between two requests, where a client may be quiet for
//! longer. So the transport keeps the time: it sees the bytes come, and [`Exchange`]s tell it when
//! a request is being served.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use futures_util::task::AtomicWaker;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep_until},
};

use super::stall::WriteTimeout;

/// Counts the exchanges of one connection.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    begun: AtomicUsize,
    ended: AtomicUsize,
    /// The reader of the connection, if it waits for our answer.
    reader: AtomicWaker,
}

impl Pace {
    /// Begins an exchange: from now until it is dropped the client waits for us.
    pub(crate) fn begin(self: &Arc<Self>) -> Exchange {
        self.begun.fetch_add(1, Ordering::Relaxed);
        Exchange(Arc::clone(self))
    }
}

/// A request that is being served, up to the last byte of the response's body.
#[derive(Debug)]
pub(crate) struct Exchange(Arc<Pace>);

impl Drop for Exchange {
    fn drop(&mut self) {
        self.0.ended.fetch_add(1, Ordering::Release);
        // hyper reads on before it drops a response's body, and then not until something comes:
        // without this the connection would never be found idle.
        self.0.reader.wake();
    }
}

/// How long a client may keep us waiting for what comes next.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// For the rest of a head that has begun, and for the first one of all.
    pub(crate) head: Duration,
    /// For the next request.
    pub(crate) idle: Duration,
    /// For a peer to take a byte of what is written.
    pub(crate) write: Duration,
    /// What bytes mean that come between two requests.
    pub(crate) first_byte: FirstByte,
}

/// What the first byte after an exchange means.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum FirstByte {
    /// HTTP/1.1: the next head has begun.
    BeginsHead,
    /// HTTP/2: nothing, it may belong to a ping.
    MeansNothing,
}

/// A transport whose reads fail once the client has kept us waiting for too long.
#[derive(Debug)]
pub(crate) struct PacedIo<T> {
    inner: T,
    pace: Arc<Pace>,
    patience: Patience,
    stage: Stage,
    /// The exchanges that had ended when we last looked.
    ended: usize,
    deadline: Instant,
    /// Made when a read first has to wait, then kept.
    timer: Option<Pin<Box<Sleep>>>,
    writes: WriteTimeout,
}

/// What the next bytes of the client will be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Stage {
    /// The start of a head.
    Idle,
    /// The rest of a head.
    Head,
    /// None are due: the client waits for us.
    Busy,
}

impl<T> PacedIo<T> {
    /// Wraps a connection that has just been made: its first head is due.
    pub(crate) fn new(inner: T, pace: Arc<Pace>, patience: Patience) -> Self {
        Self {
            inner,
            pace,
            patience,
            stage: Stage::Head,
            ended: 0,
            deadline: Instant::now() + patience.head,
            timer: None,
            writes: WriteTimeout::new(patience.write),
        }
    }

    /// Follows the exchanges that began and ended since we last looked.
    fn observe_exchanges(&mut self) {
        let ended = self.pace.ended.load(Ordering::Acquire);
        let begun = self.pace.begun.load(Ordering::Acquire);
        if begun != ended {
            self.stage = Stage::Busy;
        } else if self.stage == Stage::Busy || self.ended != ended {
            self.stage = Stage::Idle;
            self.deadline = Instant::now() + self.patience.idle;
        }
        self.ended = ended;
    }

    fn observe_bytes(&mut self) {
        if self.stage == Stage::Idle && self.patience.first_byte == FirstByte::BeginsHead {
            self.stage = Stage::Head;
            self.deadline = Instant::now() + self.patience.head;
        }
    }

    fn poll_patience(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        if self.stage == Stage::Busy {
            self.pace.reader.register(cx.waker());
            self.observe_exchanges();
        }
        if self.stage == Stage::Busy {
            return Poll::Pending;
        }
        let deadline = self.deadline;
        let timer = self
            .timer
            .get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if timer.deadline() != deadline {
            timer.as_mut().reset(deadline);
        }
        timer
            .as_mut()
            .poll(cx)
            .map(|()| io::ErrorKind::TimedOut.into())
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for PacedIo<T> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.observe_exchanges();
        match Pin::new(&mut this.inner).poll_read(cx, buffer) {
            Poll::Ready(result) => {
                this.observe_bytes();
                Poll::Ready(result)
            }
            Poll::Pending => this.poll_patience(cx).map(Err),
        }
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for PacedIo<T> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.inner).poll_write(cx, bytes);
        this.writes.watch(cx, written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.inner).poll_write_vectored(cx, slices);
        this.writes.watch(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let flushed = Pin::new(&mut this.inner).poll_flush(cx);
        this.writes.watch(cx, flushed)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let shut = Pin::new(&mut this.inner).poll_shutdown(cx);
        this.writes.watch(cx, shut)
    }
}
