//! `nc`, and other programs that connect to a port.

use super::options::Known;
use crate::{
    check::Check,
    duration,
    shell::{Machine, Run, Status, refuse},
    text::{Observed, Text},
};

/// Runs `nc HOST PORT`.
pub(super) fn nc(machine: &mut Machine<'_>, arguments: &[Text]) -> Run {
    const NC: Known = Known {
        program: "nc",
        flags: &[
            "4", "6", "C", "D", "N", "d", "n", "t", "v", "z", "u", "l", "vv",
        ],
        values: &["G", "W", "e", "i", "p", "q", "s", "w"],
    };
    let options = match NC.read(arguments) {
        Ok(options) => options,
        Err(reason) => return machine.ask_status(Check::Opaque(reason)),
    };
    if options.has(&["e", "l"]) {
        return refuse("runs `nc` as a server, or with a program");
    }
    let input = if options.has(&["z"]) {
        None
    } else {
        machine.input.take()
    };
    let sends = input.is_some_and(|input| input != Text::known(""));
    if options.has(&["v"]) || sends {
        let reason = "compares the content of an answer";
        machine.write(Text::answer(Observed::Content(reason.to_owned())));
    }
    let check = match options.rest.as_slice() {
        _ if options.has(&["u"]) => Check::opaque("asks a UDP port, which no term does"),
        [host, port] => Check::tcp(host, port),
        _ => Check::opaque("calls `nc` for something other than one host and one port"),
    };
    machine.ask_status(check)
}

/// Runs `wait-for-port` of bitnami's images.
pub(super) fn wait_for_port(machine: &mut Machine<'_>, arguments: &[Text]) -> Run {
    const TOOL: Known = Known {
        program: "wait-for-port",
        flags: &[],
        values: &["host", "state", "timeout"],
    };
    const DEFAULT_TIMEOUT: u64 = 30;
    let options = match TOOL.read(arguments) {
        Ok(options) => options,
        Err(reason) => return machine.ask_status(Check::Opaque(reason)),
    };
    let localhost = Text::known("localhost");
    let host = options.value(&["host"]).unwrap_or(&localhost);
    let check = match (
        options.value(&["state"]).and_then(Text::as_known),
        options.rest.as_slice(),
    ) {
        (None | Some("inuse"), [port]) => Check::tcp(host, port),
        _ => Check::opaque("waits until a port is free, which no term does"),
    };
    let timeout = options.value(&["timeout"]).and_then(Text::as_known);
    let limit = timeout
        .and_then(duration::of_sleep)
        .unwrap_or(DEFAULT_TIMEOUT * 1000);
    machine.wait(&[check], Some(limit), Status::FAILURE)
}

/// Runs a program that only asks something for which there is no term.
pub(super) fn inexpressible(
    machine: &mut Machine<'_>,
    name: &str,
    arguments: &[Text],
) -> Option<Run> {
    let reason = match name {
        "psql" | "mysql" | "mariadb" | "sqlcmd" | "pg_dump" => {
            if !is_question(arguments) {
                return None;
            }
            format!("checks with a login (`{name}`)")
        }
        "mongo" | "mongosh" | "cqlsh" | "clickhouse-client" => {
            if !is_question(arguments) {
                return None;
            }
            if logs_in(arguments) {
                format!("checks with a login (`{name}`)")
            } else {
                format!("runs a query with `{name}`, for which there is no term")
            }
        }
        "rabbitmq-diagnostics"
        | "vault"
        | "etcdctl"
        | "consul"
        | "mc"
        | "kafka-topics"
        | "kafka-topics.sh"
        | "kafka-broker-api-versions"
        | "kafka-broker-api-versions.sh"
        | "kafkacat"
        | "kcat"
        | "temporal"
        | "tctl" => {
            if !is_question(arguments) {
                return None;
            }
            format!("asks with `{name}`, for which there is no term")
        }
        "ping" | "ping6" | "arping" | "telnet" | "dig" | "ssh-keyscan" | "openssl"
        | "grpc_health_probe" | "nmap" | "traceroute" => {
            format!("asks with `{name}`, for which there is no term")
        }
        _ => return None,
    };
    machine.write(Text::answer(Observed::Content(reason.clone())));
    Some(machine.ask_status(Check::Opaque(reason)))
}

/// Returns whether the arguments of a client say who asks.
fn logs_in(arguments: &[Text]) -> bool {
    const LOGINS: [&str; 4] = ["-u", "-p", "--user", "--password"];
    arguments.iter().any(|text| match text.as_known() {
        Some(text) => {
            LOGINS.iter().any(|login| text.starts_with(login)) && !text.starts_with("--port")
                || text.contains("://") && text.contains('@')
        }
        None => true,
    })
}

/// Returns whether the arguments of a client ask something and change nothing, as far as a look at
/// their words tells.
fn is_question(arguments: &[Text]) -> bool {
    const CHANGES: [&str; 22] = [
        "add", "alter", "apply", "copy", "create", "delete", "drop", "grant", "import", "init",
        "insert", "load", "login", "migrate", "put", "register", "remove", "replace", "restore",
        "set", "update", "write",
    ];
    let words = arguments.iter().flat_map(|text| {
        let text = text.as_known().unwrap_or_default().to_ascii_lowercase();
        let words = text.split(|c: char| !c.is_ascii_alphanumeric());
        words.map(str::to_owned).collect::<Vec<_>>()
    });
    let reads_file = arguments
        .iter()
        .any(|text| matches!(text.as_known(), Some("-f" | "--file")));
    !reads_file
        && !words
            .into_iter()
            .any(|word| CHANGES.contains(&word.as_str()))
}
