//! `curl` and `wget`.

use super::{
    options::{Known, Options},
    proxy,
    url::{Certificate, Url},
};
use crate::{
    check::Check,
    duration,
    shell::{Machine, Run, Status, Stop, refuse},
    text::{Observed, Text},
};

const CURL: Known = Known {
    program: "curl",
    flags: &[
        "4",
        "6",
        "G",
        "I",
        "L",
        "N",
        "S",
        "f",
        "g",
        "i",
        "k",
        "s",
        "v",
        "#",
        "compressed",
        "fail",
        "fail-early",
        "fail-with-body",
        "globoff",
        "head",
        "http1.1",
        "http2",
        "include",
        "insecure",
        "ipv4",
        "ipv6",
        "location",
        "no-buffer",
        "no-keepalive",
        "no-progress-meter",
        "progress-bar",
        "retry-all-errors",
        "retry-connrefused",
        "show-error",
        "silent",
        "verbose",
        "path-as-is",
        "tcp-nodelay",
        "no-sessionid",
    ],
    values: &[
        "A",
        "F",
        "H",
        "T",
        "X",
        "d",
        "m",
        "o",
        "u",
        "w",
        "E",
        "cacert",
        "cert",
        "connect-timeout",
        "data",
        "data-binary",
        "data-raw",
        "form",
        "header",
        "key",
        "max-time",
        "noproxy",
        "oauth2-bearer",
        "output",
        "request",
        "retry",
        "retry-delay",
        "retry-max-time",
        "upload-file",
        "url",
        "user",
        "user-agent",
        "write-out",
    ],
};

const WGET: Known = Known {
    program: "wget",
    flags: &[
        "4",
        "6",
        "S",
        "c",
        "d",
        "q",
        "v",
        "no-check-certificate",
        "no-verbose",
        "quiet",
        "retry-connrefused",
        "server-response",
        "spider",
        "nv",
        "no-cache",
        "inet4-only",
        "no-proxy",
        "no-hsts",
        "verbose",
        "content-on-error",
        "delete-after",
    ],
    values: &[
        "O",
        "T",
        "U",
        "Y",
        "o",
        "t",
        "w",
        "connect-timeout",
        "dns-timeout",
        "header",
        "method",
        "output-document",
        "output-file",
        "password",
        "post-data",
        "post-file",
        "proxy",
        "read-timeout",
        "timeout",
        "tries",
        "user",
        "user-agent",
        "wait",
        "waitretry",
        "http-user",
        "http-password",
        "body-data",
        "max-redirect",
        "ca-certificate",
        "P",
        "directory-prefix",
        "retry-on-http-error",
    ],
};

/// Headers that do not change who asks whom.
const HARMLESS_HEADERS: [&str; 4] = ["accept", "connection", "content-type", "user-agent"];

/// Runs `curl URL`.
pub(super) fn curl(machine: &mut Machine<'_>, arguments: &[Text]) -> Run {
    let options = match CURL.read(arguments) {
        Ok(options) => options,
        Err(reason) => return machine.ask_status(Check::Opaque(reason)),
    };
    let method = options.value(&["X", "request"]).and_then(Text::as_known);
    let sends = options.has(&[
        "d",
        "data",
        "data-binary",
        "data-raw",
        "F",
        "form",
        "T",
        "upload-file",
    ]);
    if sends && !options.has(&["G"]) || !matches!(method, None | Some("GET" | "HEAD")) {
        return refuse("sends data with `curl`");
    }
    for file in options.values(&["o", "output"]) {
        machine.write_file(file)?;
    }
    let urls: Vec<_> = options
        .rest
        .iter()
        .chain(options.values(&["url"]))
        .collect();
    let is_discarded = options.has(&["o", "output"]);
    if !options.has(&["noproxy"])
        && let Some(reason) = proxied(machine, &urls)
    {
        write_content(machine);
        return machine.ask_status(Check::Opaque(reason));
    }
    let [url] = urls.as_slice() else {
        let checks = urls.iter().map(|url| request(&options, url));
        return several(machine, checks.collect());
    };
    match options.value(&["w", "write-out"]) {
        Some(format) if is_discarded => status_of(machine, &options, url, format),
        _ => {
            if !is_discarded {
                write_content(machine);
            }
            let check = request(&options, url);
            let limit = retries(&options);
            match limit {
                Some(limit) => machine.wait(&[check], Some(limit), Status::Code(7)),
                None => Ok(if machine.ask(check)? {
                    Status::SUCCESS
                } else {
                    Status::Code(if options.has(FAIL) { 22 } else { 7 })
                }),
            }
        }
    }
}

/// Returns why a request is not made of its server itself, if that is so.
fn proxied(machine: &mut Machine<'_>, urls: &[&Text]) -> Option<String> {
    let mut urls = urls.iter().filter_map(|url| Url::new(url, "http").ok());
    urls.find_map(|url| proxy::reason(machine, &url))
}

fn several(machine: &mut Machine<'_>, checks: Vec<Check>) -> Run {
    let mut status = Status::SUCCESS;
    if checks.is_empty() {
        return machine.ask_status(Check::opaque("calls `curl` without a URL"));
    }
    for check in checks {
        // curl's status is that of its last request.
        status = Status::of(machine.ask(check)?);
    }
    Ok(status)
}

/// Runs a request of which the script reads the status, as `%{http_code}`.
fn status_of(machine: &mut Machine<'_>, options: &Options, url: &Text, format: &Text) -> Run {
    let is_checked = options.has(FAIL);
    let check = match (login(options), Url::new(url, "http")) {
        (Some(reason), _) | (None, Err(reason)) => Check::Opaque(reason),
        (None, Ok(url)) if is_checked => url.answer(certificate(options)),
        (None, Ok(url)) if url.is_http() => Check::Status {
            http: url.http(),
            tcp: url.tcp(),
        },
        (None, Ok(url)) => Check::exact(&url.tcp()),
    };
    let holds = machine.ask(check)?;
    let code = if holds {
        machine.hypothesis.http_status
    } else {
        0
    };
    machine.write(match format.as_known() {
        Some(format) if !format.replace("%{http_code}", "").contains('%') => {
            let code = format!("{code:03}");
            Text::known(format.replace("%{http_code}", &code).replace("\\n", "\n"))
        }
        _ => Text::answer(Observed::Content(
            "compares what `curl` measures".to_owned(),
        )),
    });
    Ok(if holds {
        Status::SUCCESS
    } else {
        Status::Code(7)
    })
}

const FAIL: &[&str] = &["f", "fail", "fail-with-body"];

fn certificate(options: &Options) -> Certificate {
    if options.has(&["k", "insecure", "no-check-certificate"]) {
        Certificate::Ignored
    } else {
        Certificate::Verified
    }
}

fn request(options: &Options, url: &Text) -> Check {
    if let Some(reason) = login(options) {
        return Check::Opaque(reason);
    }
    match Url::new(url, "http") {
        Err(reason) => Check::Opaque(reason),
        Ok(url) if matches!(url.scheme.as_str(), "telnet" | "tcp") => Check::exact(&url.tcp()),
        Ok(url) if !url.is_http() => {
            Check::opaque(format!("asks over {}, which no term does", url.scheme))
        }
        Ok(url) if options.has(FAIL) => url.answer(certificate(options)),
        Ok(url) => url.any_answer(certificate(options)),
    }
}

/// Returns why a request is more than the request of a probe: it shows who asks.
fn login(options: &Options) -> Option<String> {
    let credentials = [
        "E",
        "cert",
        "key",
        "oauth2-bearer",
        "u",
        "user",
        "password",
        "http-user",
        "http-password",
    ];
    if options.has(&credentials) {
        return Some("checks with a login".to_owned());
    }
    options.values(&["H", "header"]).find_map(|header| {
        let name = header
            .as_known()
            .and_then(|header| header.split(':').next());
        let name = name.unwrap_or_default().trim().to_ascii_lowercase();
        match name.as_str() {
            name if HARMLESS_HEADERS.contains(&name) => None,
            "authorization" => Some("checks with a login".to_owned()),
            _ => Some(format!("sends the header {name:?}, which a probe does not")),
        }
    })
}

/// Returns for how long `curl --retry` tries, if it tries again at all when nobody listens.
fn retries(options: &Options) -> Option<u64> {
    const DELAY: u64 = 5;
    if !options.has(&["retry-connrefused", "retry-all-errors"]) {
        return None;
    }
    let number = |name| {
        options
            .value(&[name])
            .and_then(Text::as_known)?
            .parse::<u64>()
            .ok()
    };
    let tries = number("retry")?;
    let limit = number("retry-max-time");
    let time = tries.saturating_mul(number("retry-delay").unwrap_or(DELAY));
    Some(
        limit
            .map_or(time, |limit| limit.min(time))
            .saturating_mul(1000),
    )
}

fn write_content(machine: &mut Machine<'_>) {
    let reason = "compares the content of an answer";
    machine.write(Text::answer(Observed::Content(reason.to_owned())));
}

/// Runs `wget URL`.
pub(super) fn wget(machine: &mut Machine<'_>, arguments: &[Text]) -> Run {
    // The only options of two letters.
    let arguments: Vec<_> = arguments
        .iter()
        .filter(|text| !matches!(text.as_known(), Some("-nv" | "-nc")))
        .cloned()
        .collect();
    let options = match WGET.read(&arguments) {
        Ok(options) => options,
        Err(reason) => return machine.ask_status(Check::Opaque(reason)),
    };
    let method = options.value(&["method"]).and_then(Text::as_known);
    let sends = options.has(&["post-data", "post-file", "body-data"]);
    if sends || !matches!(method, None | Some("GET" | "HEAD")) {
        return refuse("sends data with `wget`");
    }
    if options.has(&["S", "server-response"]) {
        // The headers go to the error output, which a pipe may read as well.
        write_content(machine);
    }
    write_document(machine, &options)?;
    let [url] = options.rest.as_slice() else {
        return machine.ask_status(Check::opaque(
            "calls `wget` for something other than one URL",
        ));
    };
    let is_direct = options.has(&["no-proxy"])
        || matches!(
            options.value(&["Y", "proxy"]).and_then(Text::as_known),
            Some("off")
        );
    if !is_direct && let Some(reason) = proxied(machine, &[url]) {
        return machine.ask_status(Check::Opaque(reason));
    }
    let ignores = machine.surroundings.image.has_busybox();
    let certificate = if ignores {
        Certificate::Ignored
    } else {
        certificate(&options)
    };
    let check = match (login(&options), Url::new(url, "http")) {
        (Some(reason), _) | (None, Err(reason)) => Check::Opaque(reason),
        (None, Ok(url)) if url.is_http() => url.answer(certificate),
        (None, Ok(url)) => Check::opaque(format!("asks over {}, which no term does", url.scheme)),
    };
    machine.ask_status(check)
}

fn write_document(machine: &mut Machine<'_>, options: &Options) -> Result<(), Stop> {
    let document = options.value(&["O", "output-document"]);
    match document.map(|document| (document, document.as_known())) {
        Some((_, Some("-"))) => {
            write_content(machine);
            Ok(())
        }
        Some((document, _)) => machine.write_file(document),
        None if options.has(&["spider", "delete-after"]) => Ok(()),
        None => refuse("fetches a file with `wget`"),
    }
}

/// Returns the time of an option in seconds, in milliseconds.
pub(super) fn seconds(text: Option<&Text>) -> Option<u64> {
    text.and_then(Text::as_known).and_then(duration::of_sleep)
}
