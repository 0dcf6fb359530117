//! `oncue suggest`: which Services pods mention, and the annotations that would wait for them.

use std::{
    collections::{BTreeMap, BTreeSet},
    process::ExitCode,
};

use clap::Args;
use oncue_convert::suggest::{Suggestion, suggest};
use serde_json::{Value, json};

use super::{
    file_args::FileArgs,
    opening::Opening,
    output::{self, Format},
};
use crate::{
    graph,
    language::{annotation::Key, escape::Escaped},
    manifests::Document,
    model::Model,
};

const HELP: &str = "\
Examples:
  oncue suggest -f app/
  helm template my-release chart/ | oncue suggest -f -

A pod mentions a Service in its environment, its command and arguments, its probes, or the \
ConfigMaps that it uses. The command lists the Services of the files that are mentioned and not \
waited for, with the annotation that would wait for them, and names the cycles that this would \
create.
These are suggestions: a pod need not wait for everything that it mentions. No file changes.
Exit codes: 0 done, 1 a file cannot be read, 2 wrong usage.";

/// The arguments of `oncue suggest`.
#[derive(Args, Debug)]
#[command(after_help = HELP)]
pub(super) struct Suggest {
    #[command(flatten)]
    files: FileArgs,

    /// Output format
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

impl Suggest {
    /// Prints the suggestions.
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let opening = self.files.open()?;
        let objects = opening.objects();
        let modelled = opening.model();
        let suggestions = suggest(&objects, &modelled.model, &opening.frame.namespace);
        let cycles = cycles(&opening, &modelled.model, &suggestions);
        match self.output {
            Format::Json => output::print_json(&to_json(&opening, &suggestions, &cycles))?,
            Format::Text => output::print(&to_text(&opening, &suggestions, &cycles))?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Returns the cycles that there would be with all suggestions, and are not there in `model`.
fn cycles(opening: &Opening, model: &Model, suggestions: &[Suggestion]) -> Vec<String> {
    if suggestions.is_empty() {
        return Vec::new();
    }
    let mut objects = opening.objects();
    let changed = changed(opening, suggestions);
    for (document, object) in &changed {
        objects[*document] = object;
    }
    let before: BTreeSet<_> = described(model).into_iter().collect();
    let mut cycles = described(&opening.linter().model(&objects).model);
    cycles.retain(|cycle| !before.contains(cycle));
    cycles
}

fn described(model: &Model) -> Vec<String> {
    let links = model.links();
    let cycles = links.cycles();
    cycles
        .iter()
        .map(|it| graph::describe(&links, it))
        .collect()
}

/// Returns the documents with the suggested terms, by their numbers.
fn changed(opening: &Opening, suggestions: &[Suggestion]) -> BTreeMap<usize, Value> {
    let objects = opening.objects();
    let keys = &opening.frame.settings.keys;
    let mut changed = BTreeMap::new();
    for suggestion in suggestions {
        let object = changed
            .entry(suggestion.document)
            .or_insert_with(|| objects[suggestion.document].clone());
        let Some(template) = object.pointer_mut(&suggestion.template) else {
            continue;
        };
        let annotations = &mut template["metadata"]["annotations"];
        let present = annotations.as_object().into_iter().flatten();
        let mut present = present.filter(|(key, _)| keys.key(key) == Some(Key::DependsOn));
        let key = present.next().map(|(key, _)| key.clone());
        let key = key.unwrap_or_else(|| keys.prefixed(Key::DependsOn));
        let mut terms: Vec<_> = suggestion.terms.keys().cloned().collect();
        terms.extend(annotations[&key].as_str().map(str::to_owned));
        annotations[key] = terms.join("\n").into();
    }
    changed
}

fn to_text(opening: &Opening, suggestions: &[Suggestion], cycles: &[String]) -> String {
    if suggestions.is_empty() {
        return "no pod of these files mentions a Service that it does not wait for\n".to_owned();
    }
    let mut lines = Vec::new();
    for (suggestion, (file, line)) in located(opening, suggestions) {
        let terms: Vec<_> = suggestion.terms.keys().map(String::as_str).collect();
        lines.push(format!(
            "{}:{line}: {}\n  depends-on: {}",
            Escaped(file),
            Escaped(&suggestion.object),
            Escaped(terms.join(", "))
        ));
        for (term, places) in &suggestion.terms {
            let places = places.join(", ");
            lines.push(format!("    {} from {}", Escaped(term), Escaped(places)));
        }
    }
    for cycle in cycles {
        lines.push(format!(
            "with all of these, pods would wait for each other: {}",
            Escaped(cycle)
        ));
    }
    lines.join("\n") + "\n"
}

fn to_json(opening: &Opening, suggestions: &[Suggestion], cycles: &[String]) -> Value {
    let suggestions = located(opening, suggestions).map(|(suggestion, (file, line))| {
        json!({
            "file": file, "line": line, "object": suggestion.object,
            "pointer": suggestion.template, "terms": suggestion.terms,
        })
    });
    json!({"suggestions": suggestions.collect::<Vec<_>>(), "cycles": cycles})
}

/// Returns each suggestion with the file and the line of its pod template.
fn located<'a>(
    opening: &'a Opening,
    suggestions: &'a [Suggestion],
) -> impl Iterator<Item = (&'a Suggestion, (&'a str, usize))> {
    let documents: Vec<&Document> = opening.manifests.documents().collect();
    suggestions.iter().map(move |suggestion| {
        let document = documents[suggestion.document];
        let line = document.places().locate(&suggestion.template).line();
        (suggestion, (document.file(), line))
    })
}
