//! `wait-for-it.sh`, `wait-for` and `wait-for-dependencies`.

use super::{
    http::seconds,
    options::Known,
    url::{Certificate, Url},
};
use crate::{
    check::{Check, split_port},
    duration,
    shell::{Machine, Run, Status},
    text::Text,
};

/// How long both scripts wait if they are told nothing, in seconds.
const DEFAULT_TIMEOUT: u64 = 15;

/// The arguments of one of the two scripts.
#[derive(Debug)]
struct Call<'a> {
    host: Option<Text>,
    port: Option<Text>,
    url: Option<Text>,
    is_strict: bool,
    /// In milliseconds; `None` is for ever.
    limit: Option<u64>,
    command: &'a [Text],
}

impl<'a> Call<'a> {
    fn read(arguments: &'a [Text]) -> Result<Self, String> {
        let mut call = Call {
            host: None,
            port: None,
            url: None,
            is_strict: false,
            limit: Some(DEFAULT_TIMEOUT * 1000),
            command: &[],
        };
        let mut rest = arguments;
        while let [argument, others @ ..] = rest {
            rest = others;
            let known = argument.as_known().unwrap_or_default();
            let (name, attached) = match known.split_once('=') {
                Some((name, value)) if name.starts_with("--") => (name, Some(Text::known(value))),
                _ => (known, None),
            };
            let mut value = || {
                attached.clone().or_else(|| {
                    let (first, others) = rest.split_first()?;
                    rest = others;
                    Some(first.clone())
                })
            };
            match name {
                "--" => {
                    call.command = rest;
                    break;
                }
                "-s" | "--strict" => call.is_strict = true,
                "-q" | "--quiet" => {}
                "-h" | "--host" => call.host = value(),
                "-p" | "--port" => call.port = value(),
                "-t" | "--timeout" => {
                    let value = value();
                    let limit = seconds(value.as_ref());
                    let limit =
                        limit.ok_or_else(|| "waits for a time that it does not say".to_owned())?;
                    call.limit = (limit > 0).then_some(limit);
                }
                name if name.starts_with('-') => {
                    return Err(format!("is called with {name}, which is not known"));
                }
                name if name.contains("://") => call.url = Some(argument.clone()),
                _ => match split_port(argument) {
                    (host, Some(port)) => {
                        call.host = Some(host);
                        call.port = Some(port);
                    }
                    (host, None) => {
                        // An address that is not known as a whole.
                        call.host = Some(host);
                    }
                },
            }
        }
        Ok(call)
    }

    fn check(&self) -> Check {
        if let Some(url) = &self.url {
            return match Url::new(url, "http") {
                Ok(url) if url.is_http() => url.answer(Certificate::Verified),
                Ok(url) => Check::exact(&url.tcp()),
                Err(reason) => Check::Opaque(reason),
            };
        }
        match (&self.host, &self.port) {
            (Some(host), Some(port)) => Check::tcp(host, port),
            (Some(Text::Unknown(reason)), None) => Check::opaque(reason.as_str()),
            _ => Check::opaque("is called without a host and a port"),
        }
    }
}

/// Runs `wait-for-it.sh HOST:PORT -- COMMAND`. Unless it is strict, the command runs even if the
/// time is over.
pub(super) fn wait_for_it(machine: &mut Machine<'_>, arguments: &[Text]) -> Run {
    let call = match Call::read(arguments) {
        Ok(call) => call,
        Err(reason) => return machine.ask_status(Check::Opaque(reason)),
    };
    let status = machine.wait(&[call.check()], call.limit, Status::Code(124))?;
    if call.is_strict || call.command.is_empty() {
        return machine.then(status, call.command);
    }
    machine.then(Status::SUCCESS, call.command)
}

/// Runs `wait-for HOST:PORT -- COMMAND`, or the program of that name that takes several `--host`.
pub(super) fn wait_for(machine: &mut Machine<'_>, arguments: &[Text]) -> Run {
    let has_host = |text: &Text| {
        let option = text.as_known().unwrap_or_default();
        let name = option.split('=').next().unwrap_or_default();
        matches!(name, "--host" | "-s")
    };
    if arguments.iter().any(has_host) {
        return wait_for_hosts(machine, arguments);
    }
    let call = match Call::read(arguments) {
        Ok(call) => call,
        Err(reason) => return machine.ask_status(Check::Opaque(reason)),
    };
    let status = machine.wait(&[call.check()], call.limit, Status::FAILURE)?;
    machine.then(status, call.command)
}

/// Runs `wait-for --host HOST:PORT --host HOST:PORT -- COMMAND`.
fn wait_for_hosts(machine: &mut Machine<'_>, arguments: &[Text]) -> Run {
    const TOOL: Known = Known {
        program: "wait-for",
        flags: &["v", "verbose"],
        values: &["e", "every", "host", "s", "t", "timeout"],
    };
    const DEFAULT_TIMEOUT: u64 = 10_000;
    let options = match TOOL.read(arguments) {
        Ok(options) => options,
        Err(reason) => return machine.ask_status(Check::Opaque(reason)),
    };
    let timeout = options.value(&["t", "timeout"]).and_then(Text::as_known);
    let limit = timeout.and_then(duration::of_go).unwrap_or(DEFAULT_TIMEOUT);
    let checks = options
        .values(&["host", "s"])
        .map(|host| match Url::new(host, "tcp") {
            Ok(url) if url.is_http() => url.answer(Certificate::Verified),
            Ok(url) if url.scheme == "tcp" => Check::exact(&url.tcp()),
            Ok(url) => Check::opaque(format!("waits over {}, which no term does", url.scheme)),
            Err(reason) => Check::Opaque(reason),
        });
    let checks: Vec<_> = checks.collect();
    let status = machine.wait(&checks, Some(limit), Status::FAILURE)?;
    machine.then(status, &options.command)
}

/// Runs the image `wait-for-dependencies` with `HOST:PORT` and more.
pub(super) fn dependencies(machine: &mut Machine<'_>, arguments: &[Text]) -> Run {
    const DEFAULT_TIMEOUT: u64 = 120;
    let timeout = machine.value("TIMEOUT_LENGTH").ok();
    let limit = seconds(timeout.as_ref()).unwrap_or(DEFAULT_TIMEOUT * 1000);
    for argument in arguments {
        let check = match split_port(argument) {
            (host, Some(port)) => Check::tcp(&host, &port),
            (Text::Unknown(reason), None) => Check::Opaque(reason),
            _ => Check::opaque("is called without a host and a port"),
        };
        let status = machine.wait(&[check], Some(limit), Status::FAILURE)?;
        if status != Status::SUCCESS {
            return Ok(status);
        }
    }
    Ok(Status::SUCCESS)
}
