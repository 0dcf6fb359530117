//! Everything the client uses besides the store. A rehearsal or a test may replace it.

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

/// Everything the client uses besides the store.
pub struct Surroundings {
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// The output streams.
    pub console: Console,
    /// The environment variables.
    pub environment: Environment,
    /// The client's own file: `install` copies it, and a marker finds its folder by it.
    pub executable: PathBuf,
    /// The signals that end the client.
    pub interrupts: Interrupts,
    /// Turns host names into addresses.
    pub names: Names,
    /// Makes the checks of `tcp://` and `http://` terms.
    pub prober: Arc<dyn Prober>,
}

impl Surroundings {
    /// Returns the environment, streams, signals and sockets of this process.
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

/// Falls back to the command line if `/proc` is not mounted.
fn own_executable() -> PathBuf {
    std::env::current_exe()
        .ok()
        .or_else(|| std::env::args_os().next().map(PathBuf::from))
        .unwrap_or_default()
}

/// The time of a wait. A rehearsal may run it faster.
pub trait Clock: Send + Sync {
    /// Returns the time since a fixed moment. It never runs backwards.
    fn now(&self) -> Duration;

    /// Returns the time since the Unix epoch.
    fn since_epoch(&self) -> Duration;

    /// Returns the real time in which `duration` passes on this clock.
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

/// Two streams to print lines on. Errors are ignored, because a closed stream must not end a wait.
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

    /// Prints a line on standard output. Line breaks and control characters are escaped.
    pub fn say(&self, line: impl fmt::Display) {
        print(&self.out, Escaped(line));
    }

    /// Prints a line on standard error, after the program's name. Line breaks and control
    /// characters are escaped.
    pub fn complain(&self, line: impl fmt::Display) {
        print(&self.err, format_args!("oncue-client: {}", Escaped(line)));
    }

    /// Prints a text of the client itself on standard output, without escapes.
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
    // One write per line, so that lines of several processes do not mix.
    let _ = stream
        .write_all(line.as_bytes())
        .and_then(|()| stream.flush());
}

/// Longest line: container runtimes split longer ones.
const MAX_LINE_BYTES: usize = 16 << 10;
