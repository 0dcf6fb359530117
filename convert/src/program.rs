//! The programs that a waiting container starts, and what they ask.
//!
//! | module | programs |
//! | --- | --- |
//! | `port` | `nc`, bitnami's `wait-for-port`, and programs that oncue knows but has no term for |
//! | `http`, `url`, `proxy` | `curl` and `wget` |
//! | `dns` | `nslookup`, `getent`, `host` |
//! | `database` | `pg_isready`, `mysqladmin ping`, `redis-cli ping` |
//! | `kubectl`, `kind` | `kubectl get`, `wait` and `rollout status` |
//! | `wait_for`, `dockerize`, `wait4x` | tools that wait for hosts |
//! | `k8s_wait_for`, `kubernetes_entrypoint` | tools that wait for objects |
//! | `bitnami` | functions of bitnami's libraries |
//! | `options` | options as most programs write them |

mod bitnami;
mod database;
mod dns;
mod dockerize;
mod http;
mod k8s_wait_for;
pub(crate) mod kind;
mod kubectl;
mod kubernetes_entrypoint;
mod options;
mod port;
mod proxy;
pub(crate) mod url;
mod wait4x;
mod wait_for;

use crate::{
    check::Check,
    shell::{Machine, Run, Status, Stop},
    text::Text,
};

/// Runs the program of this name, if it is known.
pub(crate) fn run(machine: &mut Machine<'_>, name: &str, arguments: &[Text]) -> Option<Run> {
    if machine.has_bitnami
        && let Some(ended) = bitnami::run(machine, name, arguments)
    {
        return Some(ended);
    }
    Some(match name {
        "nc" | "netcat" | "ncat" => port::nc(machine, arguments),
        "wait-for-port" => port::wait_for_port(machine, arguments),
        "curl" => http::curl(machine, arguments),
        "wget" => http::wget(machine, arguments),
        "nslookup" | "host" => dns::look_up(machine, arguments),
        "getent" => dns::getent(machine, arguments),
        "pg_isready" => database::pg_isready(machine, arguments),
        "mysqladmin" | "mariadb-admin" => database::mysqladmin(machine, arguments),
        "redis-cli" | "valkey-cli" => database::redis_cli(machine, arguments),
        "kubectl" | "oc" => kubectl::kubectl(machine, arguments),
        "wait-for-it" | "wait-for-it.sh" | "wait_for_it.sh" => {
            wait_for::wait_for_it(machine, arguments)
        }
        "wait-for" | "wait-for.sh" => wait_for::wait_for(machine, arguments),
        "wait-for-dependencies" => wait_for::dependencies(machine, arguments),
        "dockerize" => dockerize::dockerize(machine, arguments),
        "wait4x" => wait4x::wait4x(machine, arguments),
        "k8s-wait-for" | "wait_for.sh" => k8s_wait_for::k8s_wait_for(machine, arguments),
        "kubernetes-entrypoint" => kubernetes_entrypoint::kubernetes_entrypoint(machine),
        _ => return port::inexpressible(machine, name, arguments),
    })
}

impl Machine<'_> {
    /// Waits as a tool does that asks until all checks hold, for at most `limit` milliseconds;
    /// after that, returns `failed`.
    pub(crate) fn wait(&mut self, checks: &[Check], limit: Option<u64>, failed: Status) -> Run {
        const INTERVAL: u64 = 1000;
        let start = self.clock;
        loop {
            self.progress = false;
            let mut holds = true;
            for check in checks {
                holds &= self.ask(check.clone())?;
            }
            let may_change = std::mem::replace(&mut self.progress, true);
            let left = limit.map(|limit| (start + limit).saturating_sub(self.clock));
            match (holds, left) {
                (true, _) => return Ok(Status::SUCCESS),
                (false, Some(left)) if left == 0 || !may_change => {
                    self.pass(left)?;
                    return Ok(failed);
                }
                (false, None) if !may_change => return Err(Stop::Endless),
                (false, left) => self.pass(left.map_or(INTERVAL, |left| left.min(INTERVAL)))?,
            }
        }
    }

    /// Waits, and then runs the command that a tool has been given, if there is one.
    pub(crate) fn then(&mut self, status: Status, command: &[Text]) -> Run {
        if status != Status::SUCCESS || command.is_empty() {
            return Ok(status);
        }
        self.call(command.to_vec())
    }
}
