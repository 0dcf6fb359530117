//! Functions of bitnami's libraries, for scripts that read them.

use super::{dns, http::seconds};
use crate::{
    shell::{Machine, Run, Status},
    text::Text,
};

/// Runs the function of this name, if it is one of these.
pub(super) fn run(machine: &mut Machine<'_>, name: &str, arguments: &[Text]) -> Option<Run> {
    Some(match name {
        "info" | "warn" | "error" | "debug" | "log" | "stderr_print" | "indent" => {
            Ok(Status::SUCCESS)
        }
        "debug_execute" => machine.call(arguments.to_vec()),
        "retry_while" => {
            let command = arguments.first().cloned();
            let [tries, pause] = numbers(arguments, [12, 5]);
            retry(machine, tries, pause, |machine| {
                match command.as_ref().map(Text::get) {
                    Some(Ok(command)) => machine.script_here(command),
                    Some(Err(reason)) => crate::shell::refuse(reason),
                    None => Ok(Status::SUCCESS),
                }
            })
        }
        "wait_for_dns_lookup" => {
            let [tries, pause] = numbers(arguments, [10, 5]);
            let host = arguments.first().cloned().unwrap_or(Text::known(""));
            retry(machine, tries, pause, |machine| {
                let check = dns::resolution(machine.surroundings, &host);
                machine.ask_status(check)
            })
        }
        _ => return None,
    })
}

/// Returns the number of tries and the seconds between them, which follow the first argument.
fn numbers(arguments: &[Text], defaults: [u64; 2]) -> [u64; 2] {
    let number = |index: usize| {
        let millis = seconds(arguments.get(index))?;
        Some(millis / 1000)
    };
    [
        number(1).unwrap_or(defaults[0]),
        number(2).unwrap_or(defaults[1]),
    ]
}

fn retry(
    machine: &mut Machine<'_>,
    tries: u64,
    pause: u64,
    body: impl Fn(&mut Machine<'_>) -> Run,
) -> Run {
    for _ in 0..tries {
        machine.progress = true;
        let status = body(machine)?;
        if status.holds()? {
            return Ok(Status::SUCCESS);
        }
        machine.pass(pause * 1000)?;
    }
    Ok(Status::FAILURE)
}

impl Machine<'_> {
    /// Runs a command line in this shell, with its functions.
    fn script_here(&mut self, script: &str) -> Run {
        self.call(vec![Text::known("eval"), Text::known(script)])
    }
}
