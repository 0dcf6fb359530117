//! What became of each init container, for people and for programs.

use std::fmt::Write;

use oncue_convert::plan::Outcome;
use serde_json::{Value, json};

use super::conversion::{Conversion, Decision, Kind};
use crate::{commands::report::counted, language::escape::Escaped};

/// Returns one paragraph for each init container, and a summary that ends with `hint`.
pub(super) fn text(conversion: &Conversion, hint: &str) -> String {
    let mut text = String::new();
    for decision in &conversion.decisions {
        describe(&mut text, decision);
    }
    if !conversion.leftovers.is_empty() {
        text += "\nPerhaps no longer needed:\n";
        for leftover in &conversion.leftovers {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "  {}", Escaped(leftover));
        }
    }
    let total = conversion.decisions.len();
    let converted = conversion.decisions.iter();
    let converted = converted.filter(|it| matches!(it.outcome, Outcome::Converted { .. }));
    let converted = converted.count();
    let files = counted(conversion.changed_files().len(), "file");
    let _ = match (total, converted) {
        (0, _) => writeln!(text, "no waits in these files: there is nothing to convert"),
        (_, 0) => writeln!(text, "\n0 of {total} converted"),
        _ => writeln!(
            text,
            "\n{converted} of {total} converted, in {files}; {hint}"
        ),
    };
    text
}

fn describe(text: &mut String, decision: &Decision) {
    let Decision {
        file,
        line,
        object,
        kind,
        name,
        outcome,
        notes,
    } = decision;
    let kind = match kind {
        Kind::Dependency => "depends_on",
        Kind::InitContainer => "init container",
        Kind::SchedulingGate => "scheduling gate",
    };
    let subject = format!("{object}: {kind} {name}");
    let _ = write!(text, "{}:{line}: {}", Escaped(file), Escaped(subject));
    let _ = match outcome {
        Outcome::Approximate { terms, difference } => writeln!(
            text,
            " stays: {} is nearly the same ({}); --approximate converts it",
            Escaped(terms.join(", ")),
            Escaped(difference)
        ),
        Outcome::Converted { terms } => writeln!(text, " becomes {}", Escaped(terms.join(", "))),
        Outcome::Left { reason } => writeln!(text, " stays: it {}", Escaped(reason)),
    };
    for note in notes {
        let _ = writeln!(text, "    note: {}", Escaped(note));
    }
}

/// Returns the same for programs.
pub(super) fn json(conversion: &Conversion) -> Value {
    let decisions = conversion.decisions.iter().map(decision_json);
    let leftovers = conversion.leftovers.iter().map(ToString::to_string);
    let files = conversion.changed_files();
    json!({
        "decisions": decisions.collect::<Vec<_>>(),
        "leftovers": leftovers.collect::<Vec<_>>(),
        "changedFiles": files.iter().map(|file| file.name).collect::<Vec<_>>(),
    })
}

fn decision_json(decision: &Decision) -> Value {
    let Decision {
        file,
        line,
        object,
        kind,
        name,
        outcome,
        notes,
    } = decision;
    let kind = match kind {
        Kind::Dependency => "dependsOn",
        Kind::InitContainer => "container",
        Kind::SchedulingGate => "gate",
    };
    let (outcome, terms, reason) = match outcome {
        Outcome::Approximate { terms, difference } => {
            ("approximate", terms.as_slice(), Some(difference.clone()))
        }
        Outcome::Converted { terms } => ("converted", terms.as_slice(), None),
        Outcome::Left { reason } => ("left", &[][..], Some(format!("it {reason}"))),
    };
    json!({
        "file": file,
        "line": line,
        "object": object,
        kind: name,
        "outcome": outcome,
        "terms": terms,
        "reason": reason,
        "notes": notes,
    })
}
