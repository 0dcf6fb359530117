//! What became of each init container, for people and for programs.

use std::fmt::Write;

use oncue_convert::plan::Outcome;
use serde_json::{Value, json};

use super::conversion::{Container, Conversion};
use crate::{commands::report::counted, language::escape::Escaped};

/// Returns one paragraph for each init container, and a summary that ends with `hint`.
pub(super) fn text(conversion: &Conversion, hint: &str) -> String {
    let mut text = String::new();
    for container in &conversion.containers {
        describe(&mut text, container);
    }
    if !conversion.leftovers.is_empty() {
        text += "\nPerhaps no longer needed:\n";
        for leftover in &conversion.leftovers {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "  {}", Escaped(leftover));
        }
    }
    let total = conversion.containers.len();
    let converted = conversion.containers.iter();
    let converted = converted.filter(|it| matches!(it.plan.outcome, Outcome::Converted { .. }));
    let converted = converted.count();
    let files = counted(conversion.changed_files().len(), "file");
    let _ = match (total, converted) {
        (0, _) => writeln!(text, "no init containers in these files"),
        (_, 0) => writeln!(
            text,
            "\n0 of {} converted",
            counted(total, "init container")
        ),
        _ => writeln!(
            text,
            "\n{converted} of {} converted, in {files}; {hint}",
            counted(total, "init container")
        ),
    };
    text
}

fn describe(text: &mut String, container: &Container) {
    let Container {
        file,
        line,
        object,
        plan,
        ..
    } = container;
    let _ = write!(
        text,
        "{}:{line}: {}: init container {}",
        Escaped(file),
        Escaped(object),
        Escaped(&plan.name)
    );
    let _ = match &plan.outcome {
        Outcome::Approximate { terms, difference } => writeln!(
            text,
            " stays: {} is nearly the same ({}); --approximate converts it",
            Escaped(terms.join(", ")),
            Escaped(difference)
        ),
        Outcome::Converted { terms } => {
            writeln!(text, " becomes {}", Escaped(terms.join(", ")))
        }
        Outcome::Left { reason } => writeln!(text, " stays: it {}", Escaped(reason)),
    };
    for note in &plan.notes {
        let _ = writeln!(text, "    note: {}", Escaped(note));
    }
}

/// Returns the same for programs.
pub(super) fn json(conversion: &Conversion) -> Value {
    let containers = conversion.containers.iter().map(container_json);
    let leftovers = conversion.leftovers.iter().map(ToString::to_string);
    let files = conversion.changed_files();
    json!({
        "containers": containers.collect::<Vec<_>>(),
        "leftovers": leftovers.collect::<Vec<_>>(),
        "changedFiles": files.iter().map(|file| file.name).collect::<Vec<_>>(),
    })
}

fn container_json(container: &Container) -> Value {
    let Container {
        file,
        line,
        object,
        pointer,
        plan,
    } = container;
    let (outcome, terms, reason) = match &plan.outcome {
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
        "pointer": pointer,
        "container": plan.name,
        "outcome": outcome,
        "terms": terms,
        "reason": reason,
        "notes": plan.notes,
    })
}
