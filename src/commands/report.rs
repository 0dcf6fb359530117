//! Findings with their places in files, for people and for programs.

use std::fmt::Write;

use anstyle::{AnsiColor, Style};
use serde_json::{Value, json};

use crate::{
    language::escape::Escaped,
    lint::{Code, Finding, Part, Place, Severity},
    manifests::{Document, Location, ManifestError, Manifests, Places},
    workload,
};

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const ERROR: Style = AnsiColor::Red.on_default().bold();
const WARNING: Style = AnsiColor::Yellow.on_default().bold();

/// One finding with its place in a file.
#[derive(Debug)]
pub(super) struct Located {
    finding: Finding,
    location: Location,
    /// The object, such as `Deployment/web`.
    object: String,
    /// The template that it was rendered from, if the file says so.
    template: Option<String>,
}

/// Returns the findings in the order of the files, each with its place.
pub(super) fn locate(manifests: &Manifests, mut findings: Vec<Finding>) -> Vec<Located> {
    findings.sort_by_key(|finding| finding.place.object);
    let documents: Vec<_> = manifests.documents().collect();
    let mut findings = findings.into_iter().peekable();
    let mut located = Vec::new();
    while let Some(first) = findings.next() {
        let object = first.place.object;
        let rest = std::iter::from_fn(|| findings.next_if(|it| it.place.object == object));
        let own = std::iter::once(first).chain(rest).collect();
        located.extend(locate_in(documents[object], own));
    }
    located
}

/// Returns the findings about texts that are no objects, and the errors that have no place in a file.
pub(super) fn unreadable(errors: Vec<ManifestError>) -> (Vec<Located>, Vec<ManifestError>) {
    let mut found = Vec::new();
    let mut others = Vec::new();
    for error in errors {
        match error {
            ManifestError::Syntax { at, rule } => found.push(Located {
                finding: Finding {
                    severity: Severity::Error,
                    code: Code::Unreadable,
                    message: rule,
                    place: Place {
                        object: 0,
                        pointer: String::new(),
                        part: Part::Value,
                    },
                },
                location: at,
                object: String::new(),
                template: None,
            }),
            other => others.push(other),
        }
    }
    (found, others)
}

/// Returns the findings of one document in its order, each with its place.
pub(super) fn locate_in(document: &Document, findings: Vec<Finding>) -> Vec<Located> {
    if findings.is_empty() {
        return Vec::new();
    }
    let places = document.places();
    let findings = findings.into_iter();
    let located = findings.map(|finding| Located {
        location: location(&places, &finding),
        object: object(document, &finding.place.pointer),
        template: document.template().map(str::to_owned),
        finding,
    });
    let mut located: Vec<_> = located.collect();
    located.sort_by_key(|located| (located.location.line(), located.location.column()));
    located
}

fn location(places: &Places<'_>, finding: &Finding) -> Location {
    let pointer = &finding.place.pointer;
    match finding.place.part {
        Part::Column(column) => places.locate_in(pointer, column),
        Part::Key => places.locate_key(pointer),
        Part::Value => places.locate(pointer),
    }
}

/// Returns the name of the object in which `pointer` lies.
fn object(document: &Document, pointer: &str) -> String {
    let object = workload::object_at(document.object(), pointer);
    let text = |pointer| object.pointer(pointer).and_then(Value::as_str);
    let name = text("/metadata/name").or_else(|| text("/metadata/generateName"));
    format!(
        "{}/{}",
        text("/kind").unwrap_or_default(),
        name.unwrap_or_default()
    )
}

pub(super) fn count(findings: &[Located], severity: Severity) -> usize {
    let same = |located: &&Located| located.finding.severity == severity;
    findings.iter().filter(same).count()
}

/// Returns the findings as a compiler prints them: the place, what is wrong, and the line.
pub(super) fn text(findings: &[Located]) -> String {
    let mut text = String::new();
    for Located {
        finding,
        location,
        template,
        ..
    } in findings
    {
        let Finding {
            severity,
            code,
            message,
            ..
        } = finding;
        let style = match severity {
            Severity::Error => ERROR,
            Severity::Warning => WARNING,
        };
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "{BOLD}{}{}:{BOLD:#} {style}{severity}[{code}]{style:#}: {}",
            Escaped(location),
            Escaped(from(template.as_deref())),
            Escaped(message),
        );
        excerpt(&mut text, location, style);
    }
    text
}

/// Says which template an object is from.
fn from(template: Option<&str>) -> String {
    template.map_or_else(String::new, |template| format!(" ({template})"))
}

/// Returns the findings as commands of GitHub Actions, which shows them at the lines of a pull
/// request.
pub(super) fn github(findings: &[Located]) -> String {
    let mut text = String::new();
    for located in findings {
        let Located {
            finding, location, ..
        } = located;
        // The place in a rendered file says nothing in a repository of templates.
        let place = match &located.template {
            Some(template) => format!("file={}", property(template)),
            None => format!(
                "file={},line={},col={}",
                property(location.file()),
                location.line(),
                location.column()
            ),
        };
        let _ = writeln!(
            text,
            "::{} {place},title={}::{}",
            finding.severity,
            property(&format!("oncue: {}", finding.code)),
            data(&finding.message)
        );
    }
    text
}

fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// Writes the line with a caret below the place.
fn excerpt(text: &mut String, location: &Location, style: Style) {
    let number = location.line().to_string();
    let margin = " ".repeat(number.len());
    let (line, column) = shown(location);
    let line = line.trim_end();
    let before: String = line.chars().take(column - 1).collect();
    let indent = " ".repeat(visible(&before).chars().count());
    let _ = writeln!(text, "{DIM}{number} |{DIM:#} {}", visible(line));
    let _ = writeln!(text, "{DIM}{margin} |{DIM:#} {indent}{style}^{style:#}");
}

/// Returns a part of a line, a space for each tab, with everything else that is hidden escaped.
fn visible(part: &str) -> String {
    Escaped(part.replace('\t', " ")).to_string()
}

/// Returns the line, or a part of a long one, and the column in what is returned.
fn shown(location: &Location) -> (String, usize) {
    const WIDEST: usize = 160;
    const BEFORE: usize = 80;
    let (line, column) = (location.line_text(), location.column());
    if line.chars().count() <= WIDEST {
        return (line.to_owned(), column);
    }
    let skip = column.saturating_sub(BEFORE);
    (
        line.chars().skip(skip).take(WIDEST).collect(),
        column - skip,
    )
}

/// Returns the findings for programs.
pub(super) fn json(findings: &[Located]) -> Value {
    let documents = findings.iter().map(|located| {
        let Located {
            finding,
            location,
            object,
            template,
        } = located;
        json!({
            "severity": finding.severity.as_str(),
            "code": finding.code.as_str(),
            "message": finding.message,
            "object": object,
            "template": template,
            "pointer": finding.place.pointer,
            "file": location.file(),
            "line": location.line(),
            "column": location.column(),
        })
    });
    json!({
        "findings": documents.collect::<Vec<_>>(),
        "errors": count(findings, Severity::Error),
        "warnings": count(findings, Severity::Warning),
    })
}

/// Returns a number with its noun, such as `1 error` or `2 errors`.
pub(super) fn counted(count: usize, noun: &str) -> String {
    match count {
        1 => format!("1 {noun}"),
        _ => format!("{count} {noun}s"),
    }
}
