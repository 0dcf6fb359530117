//! `wait4x KIND ADDRESS`.

use super::{
    dns,
    options::{Known, Options},
    url::{Certificate, Url},
};
use crate::{
    check::{Check, split_port},
    duration,
    shell::{Machine, Run, Status, refuse},
    surroundings::Surroundings,
    text::Text,
};

const WAIT4X: Known = Known {
    program: "wait4x",
    flags: &[
        "insecure-skip-tls-verify",
        "no-color",
        "no-redirect",
        "q",
        "quiet",
        "v",
        "invert-check",
    ],
    values: &[
        "backoff-coefficient",
        "backoff-exponential-max-interval",
        "backoff-policy",
        "connection-timeout",
        "expect-body-json",
        "expect-body-regex",
        "expect-body-xpath",
        "expect-header",
        "expect-ip",
        "expect-key",
        "expected-ip",
        "expect-status-code",
        "i",
        "interval",
        "log-level",
        "n",
        "nameserver",
        "request-body",
        "request-header",
        "t",
        "timeout",
    ],
};

/// How long it waits if it is told nothing, in milliseconds.
const DEFAULT_TIMEOUT: u64 = 10_000;

/// Runs `wait4x`.
pub(super) fn wait4x(machine: &mut Machine<'_>, arguments: &[Text]) -> Run {
    let options = match WAIT4X.read(arguments) {
        Ok(options) => options,
        Err(reason) => return machine.ask_status(Check::Opaque(reason)),
    };
    let timeout = options.value(&["t", "timeout"]);
    let limit = match timeout.map(|text| text.as_known().and_then(duration::of_go)) {
        None => Some(DEFAULT_TIMEOUT),
        Some(Some(0)) => None,
        Some(Some(limit)) => Some(limit),
        Some(None) => return refuse("waits for a time that it does not say"),
    };
    let checks = match options.rest.split_first() {
        // `dns A NAME`
        Some((kind, [record, name])) if kind.as_known() == Some("dns") => {
            vec![dns(machine.surroundings, &options, (record, name))]
        }
        Some((kind, addresses)) if !addresses.is_empty() => {
            let kind = kind.as_known().unwrap_or_default().to_owned();
            addresses
                .iter()
                .map(|address| check(&options, (&kind, address)))
                .collect()
        }
        _ => vec![Check::opaque("calls `wait4x` without an address")],
    };
    let status = machine.wait(&checks, limit, Status::Code(124))?;
    machine.then(status, &options.command)
}

/// Returns the check that a name has a record.
fn dns(
    surroundings: &Surroundings<'_>,
    options: &Options,
    (record, name): (&Text, &Text),
) -> Check {
    if options.has(&["v", "invert-check"]) {
        return Check::opaque("waits until something is down, which no term does");
    }
    let is_address = matches!(record.as_known(), Some("A" | "a" | "AAAA" | "aaaa"));
    if !is_address || options.has(&["expect-ip", "expected-ip", "n", "nameserver"]) {
        return Check::opaque("asks for a certain record, which no term does");
    }
    dns::resolution(surroundings, name)
}

fn check(options: &Options, (kind, address): (&str, &Text)) -> Check {
    if options.has(&["v", "invert-check"]) {
        return Check::opaque("waits until something is down, which no term does");
    }
    match kind {
        "tcp" => match split_port(address) {
            (host, Some(port)) => Check::tcp(&host, &port),
            (Text::Unknown(reason), None) => Check::Opaque(reason),
            _ => Check::opaque("is called without a port"),
        },
        "http" => http(options, address),
        "redis" => redis(options, address),
        "mongodb" | "mysql" | "postgresql" | "rabbitmq" => {
            Check::opaque(format!("checks with a login (`wait4x {kind}`)"))
        }
        _ => Check::opaque(format!(
            "asks with `wait4x {kind}`, for which there is no term"
        )),
    }
}

fn http(options: &Options, address: &Text) -> Check {
    let compares = [
        "expect-body-json",
        "expect-body-regex",
        "expect-body-xpath",
        "expect-header",
    ];
    if options.has(&compares) {
        return Check::opaque("compares the content of an answer");
    }
    if options.has(&["request-body", "request-header"]) {
        return Check::opaque("sends more than a probe does");
    }
    let certificate = if options.has(&["insecure-skip-tls-verify"]) {
        Certificate::Ignored
    } else {
        Certificate::Verified
    };
    let url = match Url::new(address, "http") {
        Ok(url) => url,
        Err(reason) => return Check::Opaque(reason),
    };
    match options
        .value(&["expect-status-code"])
        .and_then(Text::as_known)
    {
        None | Some("0") => url.any_answer(certificate),
        Some(code) if code.starts_with(['2', '3']) => Check::approximate(
            &url.http(),
            &format!("it waits for the status {code}, the term for any 2xx or 3xx"),
        ),
        Some(code) => Check::opaque(format!("waits for the status {code}, which no term does")),
    }
}

fn redis(options: &Options, address: &Text) -> Check {
    if options.has(&["expect-key"]) {
        return Check::opaque("compares the content of an answer");
    }
    match Url::new(address, "redis") {
        Ok(url) if url.scheme == "redis" => {
            let difference = "`wait4x redis` also waits until the server answers as Redis";
            Check::approximate(&url.tcp(), difference)
        }
        Ok(url) => Check::opaque(format!("asks over {}, which no term does", url.scheme)),
        Err(reason) => Check::Opaque(reason),
    }
}
