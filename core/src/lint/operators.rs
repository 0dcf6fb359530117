//! Comparisons that are written as in other languages, and are values here.

use super::{Code, Finding, Part, Place, Places, Severity};
use crate::{
    language::{Demand, Target, Term, annotation::Key},
    model::Member,
};

/// Warns about `a/b=>3` and `a/b==v`, which ask for the values `>3` and `=v`.
pub(super) fn findings(member: &Member, places: &Places<'_>) -> Vec<Finding> {
    let terms = member.annotations.depends_on.iter();
    let found = terms.filter_map(|term| {
        let message = message(&term.value)?;
        Some(Finding {
            severity: Severity::Warning,
            code: Code::BadAnnotation,
            message,
            place: Place {
                part: Part::Column(term.at.column),
                ..places.of(Key::DependsOn)
            },
        })
    });
    found.collect()
}

fn message(term: &Term) -> Option<String> {
    let Target::Variable {
        name,
        demand: Demand::Equals(value),
        ..
    } = &term.target
    else {
        return None;
    };
    let value = value.value()?;
    let value = value.as_str();
    let meant = match value.strip_prefix('>') {
        Some(count) if count.parse::<u32>().is_ok() => format!("{name}>={count}"),
        _ => format!("{name}={}", value.strip_prefix('=')?),
    };
    Some(format!(
        "{} asks for the value {value:?}: did you mean {meant}?",
        term.target
    ))
}
