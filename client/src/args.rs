//! The command line.

mod help;

use std::{ffi::OsString, fmt, path::PathBuf};

use lexopt::{Arg, Parser, ValueExt};
use oncue_language::{Namespace, Signal, Term, Timeout, VariableName, annotation::TimeoutPolicy};
use strum::VariantNames;
use thiserror::Error;

pub(crate) use self::help::Topic;

/// A command with its arguments.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Command {
    Create(Create),
    /// `create --marked`
    CreateMarked,
    Exists(Exists),
    Help(Topic),
    Install {
        directory: PathBuf,
    },
    Mark {
        original: Vec<OsString>,
    },
    Version,
    Wait(Box<Wait>),
}

/// The store to use, and the namespace in it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct StoreChoice {
    pub(crate) server: Option<String>,
    pub(crate) namespace: Option<Namespace>,
}

/// `create SIGNAL...`
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Create {
    pub(crate) store: StoreChoice,
    pub(crate) signals: Vec<Signal>,
}

/// `exists NAME...`
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Exists {
    pub(crate) store: StoreChoice,
    pub(crate) names: Vec<VariableName>,
}

/// `wait [--] TERM...`
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Wait {
    pub(crate) store: StoreChoice,
    pub(crate) directory: Option<PathBuf>,
    pub(crate) install: Install,
    pub(crate) timeout: Option<Timeout>,
    pub(crate) policy: TimeoutPolicy,
    pub(crate) signals: Vec<Signal>,
    pub(crate) early_signals: Vec<Signal>,
    pub(crate) marks: Vec<Signal>,
    pub(crate) terms: Vec<Term>,
}

/// Whether the client is copied to the shared folder.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Install {
    #[default]
    No,
    Yes,
}

/// A command line that is wrong.
#[derive(Debug, Error)]
#[error("{rule}")]
pub(crate) struct UsageError {
    pub(crate) topic: Topic,
    pub(crate) rule: String,
}

impl Command {
    /// Reads the arguments after the program's own name.
    pub(crate) fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Self, UsageError> {
        let mut parser = Parser::from_args(args);
        let next = parser.next().map_err(|error| Topic::All.error(error))?;
        match next {
            None => Err(Topic::All.error("a command is missing: wait, exists, create or install")),
            Some(Arg::Short('h') | Arg::Long("help")) => Ok(Self::Help(Topic::All)),
            Some(Arg::Short('V') | Arg::Long("version")) => Ok(Self::Version),
            Some(Arg::Value(word)) => Topic::of_command(&word)?.parse(parser),
            Some(other) => Err(Topic::All.error(other.unexpected())),
        }
    }
}

impl Topic {
    fn of_command(word: &OsString) -> Result<Self, UsageError> {
        match word.to_str() {
            Some("create") => Ok(Self::Create),
            Some("exists") => Ok(Self::Exists),
            Some("help") => Ok(Self::All),
            Some("install") => Ok(Self::Install),
            Some("wait") => Ok(Self::Wait),
            _ => Err(Self::All.error(format!(
                "there is no command {}: there are wait, exists, create and install",
                word.to_string_lossy()
            ))),
        }
    }

    fn parse(self, parser: Parser) -> Result<Command, UsageError> {
        let parsed = match self {
            Self::All => return Ok(Command::Help(Self::All)),
            Self::Create => create(parser),
            Self::Exists => exists(parser),
            Self::Install => install(parser),
            Self::Wait => wait(parser),
        };
        parsed.map_err(|rule| self.error(rule))
    }

    fn error(self, rule: impl fmt::Display) -> UsageError {
        UsageError {
            topic: self,
            rule: rule.to_string(),
        }
    }
}

impl StoreChoice {
    /// Takes the argument if it is about the store.
    fn take(&mut self, option: &str, parser: &mut Parser) -> Result<bool, lexopt::Error> {
        match option {
            "server" => self.server = Some(parser.value()?.string()?),
            "namespace" => self.namespace = Some(parser.value()?.parse()?),
            _ => return Ok(false),
        }
        Ok(true)
    }
}

fn wait(mut parser: Parser) -> Result<Command, lexopt::Error> {
    let mut wait = Wait::default();
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Short('h') | Arg::Long("help") => return Ok(Command::Help(Topic::Wait)),
            Arg::Value(term) => wait.terms.push(parse_argument(&term)?),
            Arg::Long(option) => {
                let option = option.to_owned();
                wait.take(&option, &mut parser)?;
            }
            Arg::Short(_) => return Err(arg.unexpected()),
        }
    }
    let needs_directory = wait.install == Install::Yes || !wait.marks.is_empty();
    if needs_directory && wait.directory.is_none() {
        return Err("--install and --mark leave files in --dir: name that folder".into());
    }
    Ok(Command::Wait(Box::new(wait)))
}

impl Wait {
    fn take(&mut self, option: &str, parser: &mut Parser) -> Result<(), lexopt::Error> {
        match option {
            "dir" => self.directory = Some(parser.value()?.into()),
            "install" => self.install = Install::Yes,
            "mark" => self.marks.push(parse_argument(&parser.value()?)?),
            "signal" => self.signals.push(parse_argument(&parser.value()?)?),
            "signal-on-wait" => self.early_signals.push(parse_argument(&parser.value()?)?),
            "timeout" => self.timeout = Some(parser.value()?.parse()?),
            "timeout-policy" => self.policy = policy(&parser.value()?.string()?)?,
            _ if self.store.take(option, parser)? => {}
            _ => return Err(Arg::Long(option).unexpected()),
        }
        Ok(())
    }
}

fn policy(text: &str) -> Result<TimeoutPolicy, lexopt::Error> {
    text.parse().map_err(|_| {
        let policies = TimeoutPolicy::VARIANTS.join(" or ");
        format!("--timeout-policy is {policies}, not {text:?}").into()
    })
}

fn exists(mut parser: Parser) -> Result<Command, lexopt::Error> {
    let mut exists = Exists::default();
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Short('h') | Arg::Long("help") => return Ok(Command::Help(Topic::Exists)),
            Arg::Value(name) => exists.names.push(parse_argument(&name)?),
            Arg::Long(option) => {
                let option = option.to_owned();
                if !exists.store.take(&option, &mut parser)? {
                    return Err(Arg::Long(&option).unexpected());
                }
            }
            Arg::Short(_) => return Err(arg.unexpected()),
        }
    }
    if exists.names.is_empty() {
        return Err("the name of a variable is missing".into());
    }
    Ok(Command::Exists(exists))
}

fn create(mut parser: Parser) -> Result<Command, lexopt::Error> {
    let mut create = Create::default();
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Short('h') | Arg::Long("help") => return Ok(Command::Help(Topic::Create)),
            Arg::Long("marked") => return Ok(Command::CreateMarked),
            Arg::Long("marker") => return mark(parser),
            Arg::Value(signal) => create.signals.push(parse_argument(&signal)?),
            Arg::Long(option) => {
                let option = option.to_owned();
                if !create.store.take(&option, &mut parser)? {
                    return Err(Arg::Long(&option).unexpected());
                }
            }
            Arg::Short(_) => return Err(arg.unexpected()),
        }
    }
    if create.signals.is_empty() {
        return Err("a signal is missing: NAME or NAME=VALUE".into());
    }
    Ok(Command::Create(create))
}

/// Returns everything after `--`, which is another program's command line. Ignores options before
/// it, because a mistake there must not end the container.
fn mark(mut parser: Parser) -> Result<Command, lexopt::Error> {
    let mut rest = parser.raw_args()?;
    rest.find(|word| word == "--");
    Ok(Command::Mark {
        original: rest.collect(),
    })
}

fn install(mut parser: Parser) -> Result<Command, lexopt::Error> {
    let mut directory = None;
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Short('h') | Arg::Long("help") => return Ok(Command::Help(Topic::Install)),
            Arg::Value(value) if directory.is_none() => directory = Some(value.into()),
            _ => return Err(arg.unexpected()),
        }
    }
    let directory = directory.ok_or("the folder is missing")?;
    Ok(Command::Install { directory })
}

fn parse_argument<T>(argument: &OsString) -> Result<T, lexopt::Error>
where
    T: std::str::FromStr<Err: std::error::Error + Send + Sync + 'static>,
{
    argument.parse::<T>()
}

#[cfg(test)]
mod tests;
