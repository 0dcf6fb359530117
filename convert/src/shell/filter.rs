//! Programs that change or search what others print.

use super::{
    edit,
    machine::{Machine, Run, Status},
    regex,
};
use crate::{
    check::Check,
    text::{Answer, ONE_READY, Observed, Text},
};

const FILTERS: [&str; 17] = [
    "awk", "base64", "cut", "egrep", "fgrep", "gawk", "grep", "head", "jq", "rev", "sed", "sort",
    "tail", "tr", "uniq", "wc", "yq",
];

/// Runs the program of this name, if it is one of these.
pub(super) fn run(machine: &mut Machine<'_>, name: &str, arguments: &[Text]) -> Option<Run> {
    // With arguments, it runs a program.
    let is_xargs_alone = name == "xargs" && arguments.is_empty();
    if !FILTERS.contains(&name) && !is_xargs_alone {
        return None;
    }
    let input = machine.input.take();
    Some(match input {
        Some(Text::Known(input)) => Ok(of_known(machine, name, arguments, &input)),
        Some(Text::Answer(answer)) if let Some(check) = of_answer(name, arguments, &answer) => {
            machine.write(Text::Answer(answer));
            machine.ask_status(check)
        }
        Some(Text::Answer(Answer { what, .. })) => {
            let reason = match what {
                Observed::Content(reason) => reason,
                _ => "compares the content of an answer".to_owned(),
            };
            machine.write(Text::answer(Observed::Content(reason.clone())));
            machine.ask_status(Check::Opaque(reason))
        }
        Some(Text::Unknown(reason)) => {
            machine.write(Text::unknown(reason.as_str()));
            Ok(Status::Unclear(reason))
        }
        None => {
            let reason = format!("uses what `{name}` finds in a file");
            machine.write(Text::unknown(reason.as_str()));
            machine.ask_status(Check::Opaque(reason))
        }
    })
}

fn of_known(machine: &mut Machine<'_>, name: &str, arguments: &[Text], input: &str) -> Status {
    let words: Option<Vec<_>> = arguments.iter().map(Text::as_known).collect();
    let words = words.unwrap_or_default();
    if let Some(holds) = grep(name, &words, input) {
        return Status::of(holds);
    }
    if let Some(found) = edit::changed(name, &words, input) {
        machine.write(Text::Known(found));
        return Status::SUCCESS;
    }
    let reason = format!("uses what `{name}` prints");
    machine.write(Text::unknown(reason.as_str()));
    Status::Unclear(reason)
}

/// Returns what `grep` asks of a field or a condition that `kubectl` prints, if a term asks that.
fn of_answer(name: &str, arguments: &[Text], answer: &Answer) -> Option<Check> {
    let words: Option<Vec<_>> = arguments.iter().map(Text::as_known).collect();
    let Search { pattern, is_whole } = Search::read(name, &words?)?;
    if !answer.before.trim().is_empty() || !answer.after.trim().is_empty() {
        return None;
    }
    match &answer.what {
        Observed::Condition { object, name } if pattern.eq_ignore_ascii_case("true") => {
            Some(Check::exact(&format!("{object}={name}")))
        }
        Observed::Field { object, path } if matches!(pattern, "." | ".+" | ".*") => {
            Some(Check::exact(&format!("{object}{path}")))
        }
        Observed::Field { object, path } if is_text(pattern) => {
            let target = format!("{object}{path}={pattern}");
            // The phases of Kubernetes are no parts of each other.
            Some(if is_whole || path == "{.status.phase}" {
                Check::exact(&target)
            } else {
                let difference = "it looks for a part of the value, the term for all of it";
                Check::approximate(&target, difference)
            })
        }
        Observed::Readiness { pods } if pattern.eq_ignore_ascii_case("true") => {
            Some(Check::approximate(pods, ONE_READY))
        }
        Observed::Condition { .. }
        | Observed::Content(_)
        | Observed::Field { .. }
        | Observed::Readiness { .. } => None,
    }
}

/// A call of `grep` with one pattern, and with options that are understood.
struct GrepCall<'w> {
    /// All options, one after the other, with their dashes.
    flags: String,
    pattern: &'w str,
}

impl<'w> GrepCall<'w> {
    /// Reads a call; `understood` are the characters that options may have.
    fn read(name: &str, words: &[&'w str], understood: &str) -> Option<Self> {
        if !matches!(name, "grep" | "fgrep" | "egrep") {
            return None;
        }
        let (options, patterns): (Vec<&str>, Vec<&str>) =
            words.iter().partition(|word| word.starts_with('-'));
        let [pattern] = patterns.as_slice() else {
            return None;
        };
        let flags = options.concat();
        let is_understood = flags.chars().all(|flag| understood.contains(flag));
        is_understood.then_some(Self { flags, pattern })
    }
}

/// What `grep` looks for.
struct Search<'w> {
    pattern: &'w str,
    /// Whether it must be the whole line or a whole word.
    is_whole: bool,
}

impl<'w> Search<'w> {
    fn read(name: &str, words: &[&'w str]) -> Option<Self> {
        let GrepCall { flags, pattern } = GrepCall::read(name, words, "-qisEFwx")?;
        let anchored = pattern
            .strip_prefix('^')
            .and_then(|it| it.strip_suffix('$'));
        Some(Self {
            pattern: anchored.unwrap_or(pattern),
            is_whole: anchored.is_some() || flags.contains(['w', 'x']),
        })
    }
}

fn is_text(pattern: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    !pattern.is_empty() && pattern.chars().all(is_plain)
}

/// Returns whether `grep` finds its pattern.
fn grep(name: &str, words: &[&str], input: &str) -> Option<bool> {
    let GrepCall { flags, pattern } = GrepCall::read(name, words, "-qisEFwxo")?;
    let pattern = if name == "fgrep" || flags.contains('F') {
        ::regex::escape(pattern)
    } else if name == "egrep" || flags.contains('E') {
        pattern.to_owned()
    } else {
        regex::of_basic(pattern)
    };
    let pattern = match (flags.contains('x'), flags.contains('w')) {
        (true, _) => format!("^(?:{pattern})$"),
        (false, true) => format!(r"\b(?:{pattern})\b"),
        (false, false) => pattern,
    };
    let pattern = regex::compile(&pattern, flags.contains('i'))?;
    Some(input.lines().any(|line| pattern.is_match(line)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grep_finds_expressions() {
        assert_eq!(grep("grep", &["-q", "PONG"], "PONG\n"), Some(true));
        assert_eq!(grep("grep", &["-qi", "pong"], "PONG\n"), Some(true));
        assert_eq!(grep("grep", &["PONG"], ""), Some(false));
        assert_eq!(grep("grep", &["^PONG$"], "PONG"), Some(true));
        assert_eq!(grep("grep", &["-E", "^(2|3)"], "302"), Some(true));
        assert_eq!(grep("grep", &["(2|3)"], "302"), Some(false));
        assert_eq!(grep("grep", &["-w", "20"], "200"), Some(false));
        assert_eq!(grep("grep", &["-v", "PONG"], "PONG"), None);
    }
}
