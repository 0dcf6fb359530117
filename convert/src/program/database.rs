//! Clients of databases that ask whether the server is up.

use super::options::Known;
use crate::{
    check::{Check, split_port},
    shell::{Machine, Run, Status},
    text::{Observed, Text},
};

/// Runs `pg_isready -h HOST`.
pub(super) fn pg_isready(machine: &mut Machine<'_>, arguments: &[Text]) -> Run {
    const TOOL: Known = Known {
        program: "pg_isready",
        flags: &["q", "quiet"],
        values: &[
            "U", "d", "dbname", "h", "host", "p", "port", "t", "timeout", "username",
        ],
    };
    const DIFFERENCE: &str = "`pg_isready` also waits until the server accepts sessions";
    let options = match TOOL.read(arguments) {
        Ok(options) => options,
        Err(reason) => return machine.ask_status(Check::Opaque(reason)),
    };
    if let Some(reason) = options.unknown() {
        return machine.ask_status(Check::Opaque(reason));
    }
    let names_host = options.has(&["h", "host"]);
    let given = match options.value(&["d", "dbname"]) {
        // The name of a database does not matter; a connection string would.
        Some(Text::Unknown(_)) if names_host => Connection::default(),
        Some(database) => match Connection::read(database) {
            Ok(given) => given,
            Err(reason) => return machine.ask_status(Check::Opaque(reason)),
        },
        None => Connection::default(),
    };
    let host = given
        .host
        .or_else(|| options.value(&["h", "host"]).cloned());
    let host = host.unwrap_or_else(|| variable(machine, "PGHOST", "localhost"));
    let port = given
        .port
        .or_else(|| options.value(&["p", "port"]).cloned());
    let port = port.unwrap_or_else(|| variable(machine, "PGPORT", "5432"));
    let holds = machine.ask(Check::nearly_tcp(&host, &port, DIFFERENCE))?;
    let answer = if holds {
        "accepting connections\n"
    } else {
        "no response\n"
    };
    machine.write(Text::known(answer));
    Ok(if holds {
        Status::SUCCESS
    } else {
        Status::Code(2)
    })
}

/// Where a connection string of `PostgreSQL` leads: `postgres://me@db:5432/x`, or `host=db port=5432`.
#[derive(Debug, Default)]
struct Connection {
    host: Option<Text>,
    port: Option<Text>,
}

impl Connection {
    /// Reads a connection string, or the plain name of a database.
    fn read(text: &Text) -> Result<Self, String> {
        let text = text.get()?;
        let known = |text: &str| (!text.is_empty()).then(|| Text::known(text));
        if let Some((_, rest)) = text.split_once("://") {
            let address = rest.split(['/', '?']).next().unwrap_or_default();
            let address = address.rsplit('@').next().unwrap_or_default();
            if address.contains(',') || rest.contains("host=") {
                return Err("asks several hosts of a connection string".to_owned());
            }
            let (host, port) = split_port(&Text::known(address));
            return Ok(Self {
                host: host.as_known().and_then(known),
                port,
            });
        }
        let value = |name: &str| {
            let mut pairs = text
                .split_whitespace()
                .filter_map(|pair| pair.split_once('='));
            let found = pairs.find(|(key, _)| *key == name);
            found.and_then(|(_, value)| known(value.trim_matches('\'')))
        };
        Ok(Self {
            host: value("host"),
            port: value("port"),
        })
    }
}

/// Returns the value of a variable that a client reads, or its default.
fn variable(machine: &mut Machine<'_>, name: &str, default: &str) -> Text {
    match machine.value(name) {
        Ok(value) => value,
        Err(unset) if unset.is_certain => Text::known(default),
        Err(unset) => Text::Unknown(unset.reason),
    }
}

/// Runs `mysqladmin ping -h HOST`.
pub(super) fn mysqladmin(machine: &mut Machine<'_>, arguments: &[Text]) -> Run {
    const TOOL: Known = Known {
        program: "mysqladmin",
        flags: &[
            "s", "silent", "skip-ssl", "p", "w", "wait", "password", "v", "verbose", "b",
        ],
        values: &[
            "P",
            "connect-timeout",
            "connect_timeout",
            "h",
            "host",
            "port",
            "protocol",
            "ssl-mode",
            "t",
            "u",
            "user",
            "defaults-file",
            "ssl",
        ],
    };
    const DIFFERENCE: &str = "`mysqladmin ping` also waits until the server answers as MySQL";
    // The password stands behind -p without a space. A ping that is denied is an answer too.
    let is_password = |text: &&Text| match text {
        Text::Known(text) => text.starts_with("-p") || text.starts_with("--password"),
        _ => false,
    };
    let arguments: Vec<_> = arguments
        .iter()
        .filter(|it| !is_password(it))
        .cloned()
        .collect();
    let options = match TOOL.read(&arguments) {
        Ok(options) => options,
        Err(reason) => return machine.ask_status(Check::Opaque(reason)),
    };
    if let Some(reason) = options.unknown() {
        return machine.ask_status(Check::Opaque(reason));
    }
    if !options
        .rest
        .iter()
        .any(|word| word.as_known() == Some("ping"))
    {
        return machine.ask_status(Check::opaque("checks with a login (`mysqladmin`)"));
    }
    let localhost = Text::known("localhost");
    let host = options.value(&["h", "host"]).unwrap_or(&localhost);
    let default = Text::known("3306");
    let port = options.value(&["P", "port"]).unwrap_or(&default);
    let check = Check::nearly_tcp(host, port, DIFFERENCE);
    if options.has(&["w", "wait"]) {
        return machine.wait(&[check], None, Status::FAILURE);
    }
    let holds = machine.ask(check)?;
    machine.write(Text::known(if holds { "mysqld is alive\n" } else { "" }));
    Ok(Status::of(holds))
}

/// Runs `redis-cli -h HOST ping`.
pub(super) fn redis_cli(machine: &mut Machine<'_>, arguments: &[Text]) -> Run {
    const TOOL: Known = Known {
        program: "redis-cli",
        flags: &["no-auth-warning", "tls", "insecure", "raw", "no-raw", "e"],
        values: &[
            "a", "cacert", "cert", "h", "key", "n", "p", "pass", "t", "u", "user", "sni",
        ],
    };
    const DIFFERENCE: &str = "`redis-cli ping` also waits until the server answers as Redis";
    let options = match TOOL.read(arguments) {
        Ok(options) => options,
        Err(reason) => return machine.ask_status(Check::Opaque(reason)),
    };
    if let Some(reason) = options.unknown() {
        return machine.ask_status(Check::Opaque(reason));
    }
    let command: Vec<_> = options.rest.iter().map(ToString::to_string).collect();
    if !matches!(command.as_slice(), [word] if word.eq_ignore_ascii_case("ping")) {
        let reason = "asks `redis-cli` for more than ping";
        machine.write(Text::answer(Observed::Content(reason.to_owned())));
        return machine.ask_status(Check::opaque(reason));
    }
    let localhost = Text::known("localhost");
    let host = options.value(&["h"]).unwrap_or(&localhost);
    let default = Text::known("6379");
    let port = options.value(&["p"]).unwrap_or(&default);
    let logs_in =
        options.has(&["a", "pass", "u", "user"]) || machine.value("REDISCLI_AUTH").is_ok();
    let check = if options.has(&["u", "tls"]) {
        Check::opaque("asks with a login or over TLS (`redis-cli`)")
    } else {
        Check::nearly_tcp(host, port, DIFFERENCE)
    };
    let holds = machine.ask(check)?;
    // Without a login, a server with a password answers something else.
    machine.write(if logs_in {
        Text::answer(Observed::Content(
            "checks with a login (`redis-cli`)".to_owned(),
        ))
    } else {
        Text::known(if holds { "PONG\n" } else { "" })
    });
    Ok(Status::of(holds))
}
