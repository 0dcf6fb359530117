//! Runs a script under a hypothesis about its checks, on a virtual clock.
//!
//! Nothing is executed: `sleep` moves the clock, a check is answered by the hypothesis, and a
//! program that may do more than wait ends the run.

use std::{collections::HashMap, rc::Rc};

use super::{
    hypothesis::{Fate, Hypothesis, MAX_CHECKS},
    syntax::{AndOr, Command, Kind, List, Operator, Pipeline, Redirect, Word},
};
use crate::{
    check::Check,
    surroundings::{Dialect, Surroundings},
    text::Text,
};

/// Most commands in one run. A loop that has not ended by then counts as endless.
const MAX_STEPS: u32 = 60_000;

/// Longest virtual time of one run, in milliseconds: 30 days.
const MAX_TIME: u64 = 30 * 24 * 3_600_000;

/// Deepest nesting of calls.
const MAX_CALLS: u32 = 20;

/// How a command ended.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Status {
    /// Its exit code.
    Code(u8),
    /// Only the running container knows; the reason reads after "it".
    Unclear(String),
}

impl Status {
    pub(crate) const SUCCESS: Self = Self::Code(0);
    pub(crate) const FAILURE: Self = Self::Code(1);

    pub(crate) fn of(holds: bool) -> Self {
        if holds { Self::SUCCESS } else { Self::FAILURE }
    }

    /// Returns whether it is a success; a status that is not known ends the run.
    pub(crate) fn holds(&self) -> Result<bool, Stop> {
        match self {
            Self::Code(code) => Ok(*code == 0),
            Self::Unclear(reason) => refuse(reason.clone()),
        }
    }

    pub(super) fn negate(self) -> Self {
        match self {
            Self::Code(code) => Self::of(code != 0),
            unclear @ Self::Unclear(_) => unclear,
        }
    }
}

/// Why a list of commands does not go on.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Stop {
    Break(u32),
    Continue(u32),
    /// It goes on for ever.
    Endless,
    Exit(Status),
    /// It does more than wait, or cannot be understood; the reason reads after "it".
    Refused(String),
    Return(Status),
    /// The time of a `timeout` around it is over.
    TimedOut,
}

pub(crate) type Run = Result<Status, Stop>;

pub(crate) fn refuse<T>(reason: impl Into<String>) -> Result<T, Stop> {
    Err(Stop::Refused(reason.into()))
}

/// The state of one run.
#[derive(Debug)]
pub(crate) struct Machine<'w> {
    pub(crate) surroundings: &'w Surroundings<'w>,
    pub(crate) hypothesis: &'w mut Hypothesis,
    pub(crate) variables: HashMap<String, Text>,
    pub(super) arrays: HashMap<String, Vec<Text>>,
    pub(crate) functions: HashMap<String, Rc<Command>>,
    /// The functions that a shell started here has, too.
    pub(super) exported: HashMap<String, Rc<Command>>,
    /// `$0`: the name of the script.
    pub(crate) script_name: Text,
    pub(crate) positional: Vec<Text>,
    /// What has been written, for each command substitution and pipe that is being run.
    pub(crate) sinks: Vec<Vec<Text>>,
    /// What commands can still read from the standard input.
    pub(crate) input: Option<Text>,
    pub(crate) last: Status,
    /// How the last command substitution of the present command ended.
    pub(super) substituted: Option<Status>,
    pub(crate) options: Options,
    pub(crate) dialect: Dialect,
    /// Whether the script has read bitnami's libraries.
    pub(crate) has_bitnami: bool,
    /// In milliseconds.
    pub(crate) clock: u64,
    /// What bash adds to the seconds of the clock for `$SECONDS`; it wraps.
    pub(super) seconds: u64,
    pub(crate) deadline: Option<u64>,
    /// Whether something happened that can end a loop.
    pub(crate) progress: bool,
    /// Whether a status is only tested: then `set -e` does not end the script.
    tested: u32,
    calls: u32,
    steps: u32,
}

/// What `set` and the shell's own options change.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Options {
    pub(crate) exits_on_error: bool,
    pub(crate) fails_in_pipes: bool,
}

impl<'w> Machine<'w> {
    pub(crate) fn new(surroundings: &'w Surroundings<'w>, hypothesis: &'w mut Hypothesis) -> Self {
        Self {
            surroundings,
            hypothesis,
            variables: HashMap::new(),
            arrays: HashMap::new(),
            functions: HashMap::new(),
            exported: HashMap::new(),
            script_name: Text::known("sh"),
            positional: Vec::new(),
            sinks: Vec::new(),
            input: None,
            last: Status::SUCCESS,
            substituted: None,
            options: Options::default(),
            dialect: Dialect::Posix,
            has_bitnami: false,
            clock: 0,
            seconds: 0,
            deadline: None,
            progress: false,
            tested: 0,
            calls: 0,
            steps: 0,
        }
    }

    /// Asks a check, and returns whether it holds now.
    pub(crate) fn ask(&mut self, check: Check) -> Result<bool, Stop> {
        let Some((holds, is_settled)) = self.hypothesis.answer(check, self.clock) else {
            return refuse(format!("asks for more than {MAX_CHECKS} things"));
        };
        self.progress |= !is_settled;
        Ok(holds)
    }

    /// Asks a check, as a command does.
    pub(crate) fn ask_status(&mut self, check: Check) -> Run {
        Ok(Status::of(self.ask(check)?))
    }

    /// Lets time pass.
    pub(crate) fn pass(&mut self, millis: u64) -> Result<(), Stop> {
        self.clock = self.clock.saturating_add(millis);
        if let Some(deadline) = self.deadline.filter(|deadline| *deadline < self.clock) {
            self.clock = deadline;
            return Err(Stop::TimedOut);
        }
        if self.clock > MAX_TIME {
            return Err(Stop::Endless);
        }
        Ok(())
    }

    /// Writes to the standard output.
    pub(crate) fn write(&mut self, text: Text) {
        if let Some(sink) = self.sinks.last_mut() {
            sink.push(text);
        }
    }

    /// Runs `body` and returns what it writes.
    pub(crate) fn capture(
        &mut self,
        body: impl FnOnce(&mut Self) -> Run,
    ) -> Result<(Status, Text), Stop> {
        self.sinks.push(Vec::new());
        let ended = body(self);
        let written = self.sinks.pop().unwrap_or_default();
        Ok((ended?, Text::concat(written)))
    }

    /// Runs `body` as a shell of its own: what it assigns is lost, and its end is not ours.
    pub(crate) fn subshell(&mut self, body: impl FnOnce(&mut Self) -> Run) -> Run {
        let (variables, arrays) = (self.variables.clone(), self.arrays.clone());
        let (script_name, positional) = (self.script_name.clone(), self.positional.clone());
        let options = self.options;
        let ended = body(self);
        (self.variables, self.arrays) = (variables, arrays);
        (self.script_name, self.positional) = (script_name, positional);
        self.options = options;
        match ended {
            Err(Stop::Exit(status) | Stop::Return(status)) => Ok(status),
            other => other,
        }
    }

    /// Runs `body` one call deeper.
    pub(crate) fn nest(&mut self, body: impl FnOnce(&mut Self) -> Run) -> Run {
        if self.calls == MAX_CALLS {
            return refuse("calls itself");
        }
        self.calls += 1;
        let ended = body(self);
        self.calls -= 1;
        ended
    }

    /// Runs `body` for at most `millis`; after that, returns the status of `timeout`.
    pub(crate) fn limit(&mut self, millis: u64, body: impl FnOnce(&mut Self) -> Run) -> Run {
        const TIMED_OUT: Status = Status::Code(124);
        let outer = self.deadline;
        let own = self.clock.saturating_add(millis);
        let inner = outer.map_or(own, |outer| outer.min(own));
        self.deadline = Some(inner);
        let ended = body(self);
        self.deadline = outer;
        match ended {
            Err(Stop::TimedOut | Stop::Endless) if inner == own => {
                self.clock = own;
                self.progress = true;
                Ok(TIMED_OUT)
            }
            Err(Stop::Endless) => Err(Stop::TimedOut),
            other => other,
        }
    }

    pub(crate) fn list(&mut self, list: &List) -> Run {
        for and_or in list {
            self.and_or(and_or)?;
        }
        Ok(self.last.clone())
    }

    fn and_or(&mut self, and_or: &AndOr) -> Run {
        let AndOr { first, rest } = and_or;
        let mut is_last = rest.is_empty();
        let mut status = self.pipeline(first, is_last)?;
        for (index, (operator, next)) in rest.iter().enumerate() {
            let holds = status.holds()?;
            is_last = index + 1 == rest.len();
            if holds == (*operator == Operator::And) {
                status = self.pipeline(next, is_last)?;
            } else if is_last {
                // The status of a part that was tested ends no script.
                return Ok(status);
            }
        }
        Ok(status)
    }

    /// Runs a pipeline; the status of one that is not the last of its list is tested.
    fn pipeline(&mut self, pipeline: &Pipeline, is_last: bool) -> Run {
        let Pipeline {
            is_negated,
            commands,
        } = pipeline;
        let is_tested = *is_negated || !is_last;
        self.tested += u32::from(is_tested);
        let ended = match commands.as_slice() {
            [command] => self.command(command),
            commands => self.pipe(commands),
        };
        self.tested -= u32::from(is_tested);
        let mut status = ended?;
        if *is_negated {
            status = status.negate();
        }
        self.last = status.clone();
        let exits = self.options.exits_on_error && self.tested == 0 && !is_tested;
        if exits && matches!(status, Status::Code(1..)) {
            return Err(Stop::Exit(status));
        }
        Ok(status)
    }

    fn pipe(&mut self, commands: &[Command]) -> Run {
        let mut failed = None;
        let mut status = Status::SUCCESS;
        let mut input = self.input.take();
        for (index, command) in commands.iter().enumerate() {
            let read = input.take();
            let run = |machine: &mut Self| {
                machine.input = read;
                machine.subshell(|machine| machine.command(command))
            };
            if index + 1 == commands.len() {
                status = run(self)?;
            } else {
                let (ended, written) = self.capture(run)?;
                status = ended;
                input = Some(written);
            }
            if status != Status::SUCCESS {
                failed = Some(status.clone());
            }
        }
        self.input = None;
        let fails = self.options.fails_in_pipes;
        Ok(failed.filter(|_| fails).unwrap_or(status))
    }

    /// Runs a list whose status is only tested.
    fn condition(&mut self, list: &List) -> Result<bool, Stop> {
        self.tested += 1;
        let ended = self.list(list);
        self.tested -= 1;
        let status = ended?;
        status.holds()
    }

    fn step(&mut self) -> Result<(), Stop> {
        self.steps += 1;
        if self.steps > MAX_STEPS {
            return Err(Stop::Endless);
        }
        Ok(())
    }

    pub(crate) fn command(&mut self, command: &Command) -> Run {
        self.step()?;
        let sinks = self.sinks.len();
        let outer = self.input.clone();
        let ended = match self.redirect(&command.redirects) {
            Ok(true) => self.run(command),
            Ok(false) => Ok(Status::FAILURE),
            Err(stop) => Err(stop),
        };
        self.sinks.truncate(sinks);
        if command.redirects.iter().any(Redirect::is_input) {
            self.input = outer;
        }
        ended
    }

    fn run(&mut self, command: &Command) -> Run {
        let status = match &command.kind {
            Kind::Arithmetic(word) => {
                let number = self.compute(word)?;
                Ok(match number {
                    Ok(number) => Status::of(number != 0),
                    Err(reason) => Status::Unclear(reason),
                })
            }
            Kind::ArithmeticFor {
                start,
                condition,
                step,
                body,
            } => {
                self.compute_part(start.as_ref())?;
                let test = |machine: &mut Self| {
                    let number = machine.compute_part(condition.as_ref())?;
                    Ok(number != Some(0))
                };
                let after = |machine: &mut Self| machine.compute_part(step.as_ref()).map(drop);
                self.looping(test, body, after)
            }
            Kind::Case { word, arms } => self.case(word, arms),
            Kind::For { name, items, body } => self.for_each(name, items.as_deref(), body),
            Kind::Function { name, body } => {
                self.functions.insert(name.clone(), Rc::clone(body));
                Ok(Status::SUCCESS)
            }
            Kind::Group(list) => self.list(list),
            Kind::If {
                branches,
                otherwise,
            } => self.branch(branches, otherwise),
            Kind::Loop {
                until,
                condition,
                body,
            } => {
                let test = |machine: &mut Self| Ok(machine.condition(condition)? != *until);
                self.looping(test, body, |_| Ok(()))
            }
            Kind::Simple { assignments, words } => self.simple(assignments, words),
            Kind::Subshell(list) => self.subshell(|machine| machine.list(list)),
            Kind::Test(test) => self.extended_test(test),
        }?;
        self.last = status.clone();
        Ok(status)
    }

    fn branch(&mut self, branches: &[(List, List)], otherwise: &List) -> Run {
        for (condition, body) in branches {
            if self.condition(condition)? {
                return self.list_or_success(body);
            }
        }
        self.list_or_success(otherwise)
    }

    fn list_or_success(&mut self, list: &List) -> Run {
        self.last = Status::SUCCESS;
        self.list(list)
    }

    fn case(&mut self, word: &Word, arms: &[(Vec<Word>, List)]) -> Run {
        let text = self.expand_one(word)?;
        for (patterns, body) in arms {
            for pattern in patterns {
                let pattern = self.expand_one(pattern)?;
                let status = self.equals(&text, &pattern)?;
                if status.holds()? {
                    return self.list_or_success(body);
                }
            }
        }
        Ok(Status::SUCCESS)
    }

    fn for_each(&mut self, name: &str, items: Option<&[Word]>, body: &List) -> Run {
        let items = match items {
            Some(words) => self.expand_items(words)?,
            None => self.positional.clone(),
        };
        let mut items = items.into_iter();
        let test = |machine: &mut Self| {
            let Some(item) = items.next() else {
                return Ok(false);
            };
            machine.progress = true;
            machine.assign(name, item);
            Ok(true)
        };
        self.looping(test, body, |_| Ok(()))
    }

    /// Runs a loop. One in which nothing happens that can end it is endless.
    fn looping(
        &mut self,
        mut test: impl FnMut(&mut Self) -> Result<bool, Stop>,
        body: &List,
        after: impl Fn(&mut Self) -> Result<(), Stop>,
    ) -> Run {
        let outer = self.progress;
        let mut status = Status::SUCCESS;
        loop {
            self.progress = false;
            if !test(self)? {
                break;
            }
            match self.list(body) {
                Ok(ended) => status = ended,
                Err(Stop::Break(1)) => break,
                Err(Stop::Break(levels)) => return Err(Stop::Break(levels - 1)),
                Err(Stop::Continue(1)) => {}
                Err(Stop::Continue(levels)) => return Err(Stop::Continue(levels - 1)),
                Err(stop) => return Err(stop),
            }
            after(self)?;
            self.step()?;
            if !self.progress {
                return Err(Stop::Endless);
            }
        }
        self.progress |= outer;
        Ok(status)
    }

    pub(crate) fn assign(&mut self, name: &str, value: Text) {
        let number = value.as_known().map(str::parse::<u64>);
        if let ("SECONDS", Dialect::Bash, Some(Ok(seconds))) = (name, self.dialect, number) {
            self.seconds = seconds.wrapping_sub(self.clock / 1000);
            return;
        }
        if self.variables.get(name) != Some(&value) {
            self.progress = true;
            self.variables.insert(name.to_owned(), value);
        }
    }

    /// Runs a function with these arguments.
    pub(crate) fn call_function(&mut self, body: &Command, arguments: Vec<Text>) -> Run {
        let outer = std::mem::replace(&mut self.positional, arguments);
        let ended = self.nest(|machine| machine.command(body));
        self.positional = outer;
        match ended {
            Err(Stop::Return(status)) => Ok(status),
            other => other,
        }
    }
}

/// How a run ended.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum End {
    Endless,
    /// With this code, after so many milliseconds.
    Exit {
        code: u8,
        after: u64,
    },
    Refused(String),
}

/// Runs a program with its arguments under a hypothesis.
pub(crate) fn run(surroundings: &Surroundings<'_>, hypothesis: &mut Hypothesis) -> End {
    hypothesis.begin();
    let mut machine = Machine::new(surroundings, hypothesis);
    let ended = machine.call(surroundings.argv.clone());
    let after = machine.clock;
    match ended {
        Ok(status) | Err(Stop::Exit(status) | Stop::Return(status)) => match status {
            Status::Code(code) => End::Exit { code, after },
            // The end of a program that only prints.
            Status::Unclear(_) => End::Exit { code: 0, after },
        },
        Err(Stop::Break(_) | Stop::Continue(_)) => End::Exit { code: 0, after },
        Err(Stop::Endless | Stop::TimedOut) => End::Endless,
        Err(Stop::Refused(reason)) => End::Refused(reason),
    }
}

/// Returns the fate of a check that holds only after a few attempts.
pub(crate) const LATE: Fate = Fate::After(2);
