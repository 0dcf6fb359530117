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
    let mut checks = Vec::new();
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
            "wait" | "wait-list" | "timeout" | "wait-retry-interval"
        );
        if takes_value && value.is_none() {
            value = rest.first().cloned();
            rest = rest.get(1..).unwrap_or_default();
        }
        match (name, value) {
            ("", _) => break,
            ("wait", Some(url)) => checks.push(check(&url)),
            ("wait-list", Some(Text::Known(urls))) => {
                checks.extend(urls.split_whitespace().map(|url| check(&Text::known(url))));
            }
            ("wait-list", Some(_)) => {
                checks.push(Check::opaque("waits for a list that is not known"));
            }
            ("timeout", Some(text)) => match text.as_known().and_then(duration::of_go) {
                Some(time) => limit = time,
                None => return refuse("waits for a time that it does not say"),
            },
            ("wait-retry-interval" | "skip-tls-verify", _) => {}
            (name, _) => return refuse(format!("calls `dockerize` with -{name}")),
        }
    }
    let status = machine.wait(&checks, Some(limit), Status::FAILURE)?;
    machine.then(status, rest)
}

fn check(url: &Text) -> Check {
    if url
        .as_known()
        .is_some_and(|url| url.starts_with("file:") || url.starts_with("unix:"))
    {
        return Check::opaque(format!("waits for {url}, which no term does"));
    }
    match Url::new(url, "tcp") {
        Ok(url) if url.is_http() => url.answer(Certificate::Verified),
        Ok(url) if matches!(url.scheme.as_str(), "tcp" | "tcp4" | "tcp6") => {
            Check::exact(&url.tcp())
        }
        Ok(url) => Check::opaque(format!("waits over {}, which no term does", url.scheme)),
        Err(reason) => Check::Opaque(reason),
    }
}
