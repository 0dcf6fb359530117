//! Sets a field to a text.

use std::{fmt::Write, ops::Range};

use serde_json::Value;

use super::{
    Change, EditError,
    layout::Layout,
    tree::{Content, Entry, Tree},
};
use crate::emit::to_yaml;

/// Fields of one mapping, below keys that lead to it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fields<'e> {
    pub(super) keys: &'e [String],
    pub(super) entries: &'e [(String, String)],
}

/// Returns the changes that set fields below a pointer.
pub(super) fn texts(
    tree: &Tree,
    layout: &Layout<'_>,
    (pointer, fields): (&str, Fields<'_>),
) -> Result<Vec<Change>, EditError> {
    let mut place = tree.follow(pointer)?;
    let mut owner = None;
    for depth in 0..=fields.keys.len() {
        if place.has_anchor() && tree.used_elsewhere(&[place]).is_some() {
            return Err(EditError::Shared);
        }
        let rest = Fields {
            keys: &fields.keys[depth..],
            ..fields
        };
        match (&place.content, rest.keys) {
            (Content::Mapping { .. }, []) => return in_mapping(place, layout, rest.entries),
            (Content::Mapping { .. }, [key, ..]) => match place.entry(key) {
                Some(entry) => {
                    owner = Some((place, entry));
                    place = &entry.value;
                }
                None if place.entry("<<").is_some() => return Err(EditError::Shared),
                None => return Ok(vec![add(place, layout, rest)?]),
            },
            (Content::Scalar { is_plain: true, .. }, _) => {
                let (parent, entry) = owner.ok_or(EditError::Unconfirmed)?;
                return Ok(vec![fill(parent, layout, (entry, rest))]);
            }
            (Content::Alias(_), _) => return Err(EditError::Shared),
            (Content::Scalar { .. } | Content::Sequence { .. }, _) => {
                return Err(EditError::Unconfirmed);
            }
        }
    }
    Err(EditError::Unconfirmed)
}

/// Sets fields of a mapping that is there.
fn in_mapping(
    mapping: &Tree,
    layout: &Layout<'_>,
    entries: &[(String, String)],
) -> Result<Vec<Change>, EditError> {
    let mut changes = Vec::new();
    let mut new = Vec::new();
    for (key, value) in entries {
        match mapping.entry(key) {
            Some(entry) => changes.push(replace(mapping, layout, (entry, value))?),
            None => new.push((key.clone(), value.clone())),
        }
    }
    if !new.is_empty() {
        if mapping.entry("<<").is_some() {
            return Err(EditError::Shared);
        }
        let fields = Fields {
            keys: &[],
            entries: &new,
        };
        changes.push(add(mapping, layout, fields)?);
    }
    Ok(changes)
}

/// Adds fields behind the last one.
fn add(mapping: &Tree, layout: &Layout<'_>, fields: Fields<'_>) -> Result<Change, EditError> {
    let Content::Mapping { is_flow, entries } = &mapping.content else {
        return Err(EditError::Unconfirmed);
    };
    if *is_flow {
        return Ok(add_to_flow(mapping, layout, (entries, fields)));
    }
    let (Some(first), Some(last)) = (entries.first(), entries.last()) else {
        return Err(EditError::Unconfirmed);
    };
    let indent = layout.column(first.key_span.start);
    let lines = block(layout, indent, fields);
    // A pod's metadata goes before its spec, where people look for it.
    let spec = entries.iter().find(|entry| entry.key == "spec");
    let is_metadata = fields.keys.first().is_some_and(|key| key == "metadata");
    let spec = spec.filter(|entry| is_metadata && layout.begins_line(entry.key_span.start));
    let at = match spec {
        Some(spec) => layout.comments_above(layout.line_start(spec.key_span.start)),
        None => layout.end_of_node(&(last.key_span.start..last.value.span.end), indent),
    };
    let is_on_new_line = at == 0 || layout.text[..at].ends_with('\n');
    let newline = if is_on_new_line { "" } else { layout.newline };
    Ok(Change {
        span: at..at,
        text: format!("{newline}{lines}"),
    })
}

fn add_to_flow(
    mapping: &Tree,
    layout: &Layout<'_>,
    (entries, fields): (&[Entry], Fields<'_>),
) -> Change {
    let entry = flow(fields);
    let Some(last) = entries.last() else {
        let inner = mapping.span.start + 1..mapping.span.end - 1;
        return Change {
            span: inner,
            text: entry,
        };
    };
    let key = last.key_span.start;
    let space = if layout.begins_line(key) {
        let indent = &layout.text[layout.line_start(key)..key];
        format!("{}{indent}", layout.newline)
    } else {
        " ".to_owned()
    };
    let at = last.value.span.end;
    Change {
        span: at..at,
        text: format!(",{space}{entry}"),
    }
}

/// Puts a mapping in the place of an empty value.
fn fill(parent: &Tree, layout: &Layout<'_>, (entry, fields): (&Entry, Fields<'_>)) -> Change {
    let colon = colon_of(layout, entry);
    let is_empty = matches!(entry.value.content, Content::Scalar { is_empty: true, .. });
    let end = if is_empty {
        colon
    } else {
        entry.value.span.end
    };
    let is_flow = matches!(parent.content, Content::Mapping { is_flow: true, .. });
    let text = if is_flow {
        format!(" {{{}}}", flow(fields))
    } else {
        let indent = layout.column(entry.key_span.start) + 2;
        let lines = block(layout, indent, fields);
        format!("{}{}", layout.newline, lines.trim_end())
    };
    Change {
        span: colon..end,
        text,
    }
}

/// Puts another text in the place of a scalar.
fn replace(
    parent: &Tree,
    layout: &Layout<'_>,
    (entry, value): (&Entry, &str),
) -> Result<Change, EditError> {
    let Content::Scalar { is_block, .. } = entry.value.content else {
        return Err(EditError::Shared);
    };
    let is_flow = matches!(parent.content, Content::Mapping { is_flow: true, .. });
    let text = if is_flow {
        quoted(value)
    } else {
        scalar(layout, layout.column(entry.key_span.start), value)
    };
    let Range { start, end } = entry.value.span;
    if !is_block {
        return Ok(Change {
            span: start..end,
            text,
        });
    }
    // A block begins with its indicator, right behind the colon. The line break at its end stays.
    let colon = colon_of(layout, entry);
    let end = colon + layout.text[colon..end].trim_end().len();
    Ok(Change {
        span: colon..end,
        text: format!(" {text}"),
    })
}

/// Returns where the text behind an entry's colon begins.
fn colon_of(layout: &Layout<'_>, entry: &Entry) -> usize {
    let key_end = entry.key_span.end;
    let colon = layout.text[key_end..].find(':');
    colon.map_or(key_end, |colon| key_end + colon + 1)
}

/// Returns fields as lines of a block, below the keys that lead to them.
fn block(layout: &Layout<'_>, mut indent: usize, fields: Fields<'_>) -> String {
    let mut lines = String::new();
    for key in fields.keys {
        let key = plain_or_quoted(key);
        // Writing to a String cannot fail.
        let _ = write!(lines, "{:indent$}{key}:{}", "", layout.newline);
        indent += 2;
    }
    for (key, value) in fields.entries {
        let (key, value) = (plain_or_quoted(key), scalar(layout, indent, value));
        let _ = write!(lines, "{:indent$}{key}: {value}{}", "", layout.newline);
    }
    lines
}

/// Returns a text as a value behind a key at `indent`: several lines as a literal block.
fn scalar(layout: &Layout<'_>, indent: usize, value: &str) -> String {
    if !value.contains('\n') {
        return plain_or_quoted(value);
    }
    let mut block = "|-".to_owned();
    for line in value.lines() {
        block += layout.newline;
        block += &" ".repeat(indent + 2);
        block += line;
    }
    block
}

fn plain_or_quoted(text: &str) -> String {
    let yaml = to_yaml(&Value::from(text)).unwrap_or_else(|_| quoted(text));
    let yaml = yaml.trim_end();
    if yaml.contains('\n') {
        quoted(text)
    } else {
        yaml.to_owned()
    }
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

fn flow(fields: Fields<'_>) -> String {
    let keys = fields.keys.iter().map(|key| format!("{}: {{", quoted(key)));
    let entries = fields.entries.iter();
    let entries = entries.map(|(key, value)| format!("{}: {}", quoted(key), quoted(value)));
    let entries: Vec<_> = entries.collect();
    let end = "}".repeat(fields.keys.len());
    format!("{}{}{end}", keys.collect::<String>(), entries.join(", "))
}
