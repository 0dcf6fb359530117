//! The log of a test, as text.

use std::{
    cell::RefCell,
    io::{self, Write},
    sync::{Arc, Mutex, Once},
};

use tracing_subscriber::{Layer, filter::dynamic_filter_fn, layer::SubscriberExt};

thread_local! {
    /// Where this thread's log goes; `None` if nobody reads it.
    static LOG: RefCell<Option<Log>> = const { RefCell::new(None) };
}

/// Everything that is logged on one thread, at every level.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

/// Logs until it is dropped.
pub(crate) struct Logging;

impl Drop for Logging {
    fn drop(&mut self) {
        LOG.set(None);
    }
}

impl Log {
    /// Logs what this thread does. The subscriber is that of the process: one of a thread alone
    /// misses what another thread has said first.
    pub(crate) fn start(&self) -> Logging {
        static SUBSCRIBER: Once = Once::new();
        SUBSCRIBER.call_once(|| {
            let layer = tracing_subscriber::fmt::layer().with_ansi(false);
            let layer =
                layer.with_writer(|| LOG.with_borrow(|log| log.clone().unwrap_or_default()));
            let is_read = dynamic_filter_fn(|_, _| LOG.with_borrow(Option::is_some));
            let subscriber = tracing_subscriber::registry().with(layer.with_filter(is_read));
            tracing::subscriber::set_global_default(subscriber).unwrap();
        });
        LOG.set(Some(self.clone()));
        Logging
    }

    /// Returns what was logged.
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
