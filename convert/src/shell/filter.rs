//! Programs that change or search what others print.

use super::machine::{Machine, Run, Status};
use crate::{
    check::Check,
    text::{Answer, Observed, Text},
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
        Some(Text::Answer(Answer { .. })) => {
            let reason = "compares the content of an answer".to_owned();
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
    if let Some(found) = cut(name, &words, input) {
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
        Observed::Condition { .. } | Observed::Content(_) | Observed::Field { .. } => None,
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

/// Returns whether `grep` finds a text that is no expression.
fn grep(name: &str, words: &[&str], input: &str) -> Option<bool> {
    let GrepCall { flags, pattern } = GrepCall::read(name, words, "-qisEF")?;
    let is_text = pattern
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || matches!(c, ' ' | '_' | '-' | ':'));
    if !is_text {
        return None;
    }
    Some(if flags.contains('i') {
        input
            .to_ascii_lowercase()
            .contains(&pattern.to_ascii_lowercase())
    } else {
        input.contains(pattern)
    })
}

/// Returns what `cut -d X -f N` prints.
fn cut(name: &str, words: &[&str], input: &str) -> Option<String> {
    if name != "cut" {
        return None;
    }
    let mut options = words.iter();
    let (mut delimiter, mut field) = (None, None);
    while let Some(option) = options.next() {
        let (flag, value) = option.split_at_checked(2)?;
        let value = if value.is_empty() {
            options.next()?
        } else {
            value
        };
        match flag {
            "-d" => delimiter = Some(value),
            "-f" => field = value.parse::<usize>().ok(),
            _ => return None,
        }
    }
    let (delimiter, index) = (delimiter?, field?.checked_sub(1)?);
    let lines = input.lines().map(|line| {
        if line.contains(delimiter) {
            line.split(delimiter).nth(index).unwrap_or_default()
        } else {
            line
        }
    });
    let lines: Vec<_> = lines.collect();
    Some(lines.join("\n") + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grep_finds_text_and_leaves_expressions() {
        assert_eq!(grep("grep", &["-q", "PONG"], "PONG\n"), Some(true));
        assert_eq!(grep("grep", &["-qi", "pong"], "PONG\n"), Some(true));
        assert_eq!(grep("grep", &["PONG"], ""), Some(false));
        assert_eq!(grep("grep", &["^PONG$"], "PONG"), None);
        assert_eq!(grep("grep", &["-v", "PONG"], "PONG"), None);
    }

    #[test]
    fn cut_takes_one_field() {
        assert_eq!(
            cut("cut", &["-d:", "-f1"], "db:5432\n").as_deref(),
            Some("db\n")
        );
        assert_eq!(
            cut("cut", &["-d", ":", "-f", "2"], "db:5432").as_deref(),
            Some("5432\n")
        );
        assert_eq!(cut("cut", &["-c1-3"], "db"), None);
    }
}
