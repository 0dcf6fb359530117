//! `dockerize -wait URL`.

use super::url::{Certificate, Url};
use crate::{
    check::Check,
    duration,
    shell::{Machine, Run, Status, refuse},
    text::Text,
};

/// How long it waits if it is told nothing, in milliseconds.
const DEFAULT_TIMEOUT: u64 = 10_000;

/// Runs `dockerize`, of jwilder or powerman.
pub(super) fn dockerize(machine: &mut Machine<'_>, arguments: &[Text]) -> Run {
    let mut urls = Vec::new();
    let mut demand = Demand::default();
    let mut limit = DEFAULT_TIMEOUT;
    let mut rest = arguments;
    while let [argument, others @ ..] = rest
        && let Some(option) = argument.as_known()
        && let Some(option) = option.strip_prefix('-')
    {
        rest = others;
        let option = option.strip_prefix('-').unwrap_or(option);
        let (name, mut value) = match option.split_once('=') {
            Some((name, value)) => (name, Some(Text::known(value))),
            None => (option, None),
        };
        let takes_value = matches!(
            name,
            "wait"
                | "wait-list"
                | "timeout"
                | "wait-retry-interval"
                | "wait-http-header"
                | "wait-http-status-code"
        );
        if takes_value && value.is_none() {
            value = rest.first().cloned();
            rest = rest.get(1..).unwrap_or_default();
        }
        match (name, value) {
            ("", _) => break,
            ("wait", Some(url)) => urls.push(url),
            ("wait-list", Some(Text::Known(list))) => {
                urls.extend(list.split_whitespace().map(Text::known));
            }
            ("wait-list", Some(_)) => {
                urls.push(Text::unknown("waits for a list that is not known"));
            }
            ("timeout", Some(text)) => match text.as_known().and_then(duration::of_go) {
                Some(time) => limit = time,
                None => return refuse("waits for a time that it does not say"),
            },
            ("wait-http-header", _) => demand.sends_headers = true,
            ("wait-http-status-code", Some(code)) => demand.statuses.push(code.to_string()),
            ("skip-tls-verify", _) => demand.certificate = Certificate::Ignored,
            ("wait-retry-interval", _) => {}
            (name, _) => return refuse(format!("calls `dockerize` with -{name}")),
        }
    }
    let checks: Vec<_> = urls.iter().map(|url| demand.check(url)).collect();
    let status = machine.wait(&checks, Some(limit), Status::FAILURE)?;
    machine.then(status, rest)
}

/// What it demands of all its requests.
#[derive(Debug)]
struct Demand {
    certificate: Certificate,
    sends_headers: bool,
    /// The accepted statuses. If empty, any 2xx is accepted.
    statuses: Vec<String>,
}

impl Default for Demand {
    fn default() -> Self {
        Self {
            certificate: Certificate::Verified,
            sends_headers: false,
            statuses: Vec::new(),
        }
    }
}

impl Demand {
    fn check(&self, url: &Text) -> Check {
        let is_local = |url: &str| url.starts_with("file:") || url.starts_with("unix:");
        if url.as_known().is_some_and(is_local) {
            return Check::opaque(format!("waits for {url}, which no term does"));
        }
        match Url::new(url, "tcp") {
            Ok(url) if url.is_http() => self.of_request(&url),
            Ok(url) if matches!(url.scheme.as_str(), "tcp" | "tcp4" | "tcp6") => {
                Check::exact(&url.tcp())
            }
            Ok(url) => Check::opaque(format!("waits over {}, which no term does", url.scheme)),
            Err(reason) => Check::Opaque(reason),
        }
    }

    fn of_request(&self, url: &Url) -> Check {
        if self.sends_headers {
            return Check::opaque("sends more than a probe does");
        }
        if self.statuses.is_empty() {
            return url.answer(self.certificate);
        }
        let codes = self.statuses.join(" or ");
        if self
            .statuses
            .iter()
            .all(|code| code.starts_with(['2', '3']))
        {
            let difference =
                format!("it waits for the status {codes}, the term for any 2xx or 3xx");
            return Check::approximate(&url.http(), &difference);
        }
        Check::opaque(format!("waits for the status {codes}, which no term does"))
    }
}
