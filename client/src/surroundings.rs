//! What the client uses besides the store; a rehearsal or a test may replace it.

use std::{
    fmt,
    io::{self, Write},
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use oncue_language::escape::Escaped;

use crate::{
    environment::Environment,
    interrupts::Interrupts,
    names::Names,
    prober::{Prober, SocketProber},
};

/// What the client reads, writes and asks besides the store.
pub struct Surroundings {
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Where it prints.
    pub console: Console,
    /// The environment variables.
    pub environment: Environment,
    /// The client's own file: what `install` copies, and where a marker looks for its folder.
    pub executable: PathBuf,
    /// Which signals end it.
    pub interrupts: Interrupts,
    /// Turns host names into addresses.
    pub names: Names,
    /// Makes the checks of `tcp://` and `http://` terms.
    pub prober: Arc<dyn Prober>,
}

impl Surroundings {
    /// Returns the real ones: this process's environment, streams, signals and sockets.
    pub fn of_this_process() -> Self {
        let names = Names::of_the_system();
        Self {
            clock: Arc::new(SystemClock::default()),
            console: Console::new(io::stdout(), io::stderr()),
            environment: Environment::of_this_process(),
            executable: own_executable(),
            interrupts: Interrupts::Signals,
            prober: Arc::new(SocketProber::new(names.clone())),
            names,
        }
    }
}

impl fmt::Debug for Surroundings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Surroundings")
            .field("executable", &self.executable)
            .finish_non_exhaustive()
    }
}

/// Falls back on the command line where `/proc` is not mounted.
fn own_executable() -> PathBuf {
    std::env::current_exe()
        .ok()
        .or_else(|| std::env::args_os().next().map(PathBuf::from))
        .unwrap_or_default()
}

/// Time as the wait sees it; a rehearsal may run it faster.
pub trait Clock: Send + Sync {
    /// Returns the time since a fixed moment; it never runs backwards.
    fn now(&self) -> Duration;

    /// Returns the time since the Unix epoch.
    fn since_epoch(&self) -> Duration;

    /// Returns how long to sleep in reality until `duration` has gone by on this clock.
    fn in_reality(&self, duration: Duration) -> Duration;
}

/// The clocks of the operating system.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    origin: Instant,
}

impl Default for SystemClock {
    fn default() -> Self {
        Self {
            origin: Instant::now(),
        }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Duration {
        self.origin.elapsed()
    }

    fn since_epoch(&self) -> Duration {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
    }

    fn in_reality(&self, duration: Duration) -> Duration {
        duration
    }
}

/// Two streams to print lines on. A stream that is closed is no reason to stop waiting, so errors
/// are dropped.
pub struct Console {
    out: Mutex<Box<dyn Write + Send>>,
    err: Mutex<Box<dyn Write + Send>>,
}

impl Console {
    /// Returns a console that prints on these streams.
    pub fn new(out: impl Write + Send + 'static, err: impl Write + Send + 'static) -> Self {
        Self {
            out: Mutex::new(Box::new(out)),
            err: Mutex::new(Box::new(err)),
        }
    }

    /// Prints a line on standard output; what would end it or move the cursor is escaped.
    pub fn say(&self, line: impl fmt::Display) {
        print(&self.out, Escaped(line));
    }

    /// Prints a line on standard error, with the program's name in front; what would end it or
    /// move the cursor is escaped.
    pub fn complain(&self, line: impl fmt::Display) {
        print(&self.err, format_args!("oncue-client: {}", Escaped(line)));
    }

    /// Prints a text of our own on standard output, as it is.
    pub(crate) fn show(&self, text: &str) {
        print(&self.out, text);
    }
}

impl fmt::Debug for Console {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Console").finish_non_exhaustive()
    }
}

fn print(stream: &Mutex<Box<dyn Write + Send>>, line: impl fmt::Display) {
    let mut stream = stream.lock().unwrap_or_else(PoisonError::into_inner);
    let mut line = line.to_string();
    line.truncate(line.floor_char_boundary(MAX_LINE_BYTES));
    line.push('\n');
    // One write a line, so that lines of several processes do not mix.
    let _ = stream
        .write_all(line.as_bytes())
        .and_then(|()| stream.flush());
}

/// Longest line: container runtimes split longer ones.
const MAX_LINE_BYTES: usize = 16 << 10;
