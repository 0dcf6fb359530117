//! `read`: a line of the standard input into variables.

use super::machine::{Machine, Run, Status, refuse};
use crate::text::Text;

/// Runs `read NAME...`.
pub(super) fn run(machine: &mut Machine<'_>, arguments: &[Text]) -> Run {
    let call = match Call::read(arguments) {
        Ok(call) => call,
        Err(reason) => return refuse(reason),
    };
    let (line, rest) = match machine.input.take() {
        None => (None, String::new()),
        Some(Text::Known(input)) if input.is_empty() => (None, input),
        Some(Text::Known(input)) => match input.split_once('\n') {
            Some((line, rest)) => (Some(line.to_owned()), rest.to_owned()),
            None => (Some(input), String::new()),
        },
        Some(Text::Unknown(reason)) => return refuse(reason),
        Some(Text::Answer(_)) => return refuse("reads what a command prints"),
    };
    machine.input = Some(Text::Known(rest));
    machine.progress = true;
    let Some(line) = line else {
        return Ok(Status::FAILURE);
    };
    call.assign(machine, &line)
}

/// Where a line goes.
struct Call<'a> {
    names: Vec<&'a str>,
    is_array: bool,
}

impl<'a> Call<'a> {
    /// Reads the arguments; the reason for a failure reads after "it".
    fn read(arguments: &'a [Text]) -> Result<Self, String> {
        let mut call = Call {
            names: Vec::new(),
            is_array: false,
        };
        for argument in arguments {
            match argument.get()? {
                "-r" => {}
                "-a" | "-ra" => call.is_array = true,
                option if option.starts_with('-') => {
                    return Err(format!("calls `read` with {option}"));
                }
                name => call.names.push(name),
            }
        }
        if call.names.is_empty() {
            call.names.push("REPLY");
        }
        Ok(call)
    }

    fn assign(&self, machine: &mut Machine<'_>, line: &str) -> Run {
        let separators = machine.separators()?;
        if self.is_array {
            let fields = separators.split(line).into_iter().map(Text::known);
            machine.set_array(self.names[0], fields.collect());
            return Ok(Status::SUCCESS);
        }
        let fields = separators.split_at_most(line, self.names.len());
        for (index, name) in self.names.iter().enumerate() {
            let field = fields.get(index).copied().unwrap_or_default();
            machine.assign(name, Text::known(field));
        }
        Ok(Status::SUCCESS)
    }
}
