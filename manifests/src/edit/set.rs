//! Sets a field to a text.

use std::ops::Range;

use serde_json::Value;

use super::{
    Change, EditError,
    layout::Layout,
    tree::{Content, Entry, Tree},
};
use crate::emit::to_yaml;

/// Returns the change that sets the field at `keys` below a pointer.
pub(super) fn text(
    tree: &Tree,
    layout: &Layout<'_>,
    (pointer, keys, value): (&str, &[String], &str),
) -> Result<Change, EditError> {
    let mut place = tree.follow(pointer)?;
    let mut owner = None;
    for (depth, key) in keys.iter().enumerate() {
        if place.has_anchor() && tree.used_elsewhere(&[place]).is_some() {
            return Err(EditError::Shared);
        }
        match &place.content {
            Content::Mapping { .. } => match place.entry(key) {
                Some(entry) => {
                    owner = Some((place, entry));
                    place = &entry.value;
                }
                None if place.entry("<<").is_some() => return Err(EditError::Shared),
                None => return add(place, layout, (&keys[depth..], value)),
            },
            Content::Scalar { is_plain: true, .. } => {
                let (parent, entry) = owner.ok_or(EditError::Unconfirmed)?;
                return Ok(fill(parent, layout, (entry, &keys[depth..], value)));
            }
            Content::Alias(_) => return Err(EditError::Shared),
            Content::Scalar { .. } | Content::Sequence { .. } => {
                return Err(EditError::Unconfirmed);
            }
        }
    }
    let (parent, entry) = owner.ok_or(EditError::Unconfirmed)?;
    replace(parent, layout, (entry, value))
}

/// Adds an entry behind the last one.
fn add(
    mapping: &Tree,
    layout: &Layout<'_>,
    (keys, value): (&[String], &str),
) -> Result<Change, EditError> {
    let Content::Mapping { is_flow, entries } = &mapping.content else {
        return Err(EditError::Unconfirmed);
    };
    if *is_flow {
        return Ok(add_to_flow(mapping, layout, (entries, keys, value)));
    }
    let (Some(first), Some(last)) = (entries.first(), entries.last()) else {
        return Err(EditError::Unconfirmed);
    };
    let indent = layout.column(first.key_span.start);
    let lines = block(layout, indent, (keys, value));
    // A pod's metadata goes before its spec, where people look for it.
    let spec = entries.iter().find(|entry| entry.key == "spec");
    let spec =
        spec.filter(|entry| keys[0] == "metadata" && layout.begins_line(entry.key_span.start));
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
    (entries, keys, value): (&[Entry], &[String], &str),
) -> Change {
    let entry = flow(keys, value);
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
fn fill(
    parent: &Tree,
    layout: &Layout<'_>,
    (entry, keys, value): (&Entry, &[String], &str),
) -> Change {
    let colon = colon_of(layout, entry);
    let is_empty = matches!(entry.value.content, Content::Scalar { is_empty: true, .. });
    let end = if is_empty {
        colon
    } else {
        entry.value.span.end
    };
    let is_flow = matches!(parent.content, Content::Mapping { is_flow: true, .. });
    let text = if is_flow {
        format!(" {{{}}}", flow(keys, value))
    } else {
        let indent = layout.column(entry.key_span.start) + 2;
        let lines = block(layout, indent, (keys, value));
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

/// Returns nested keys with their value as lines of a block.
fn block(layout: &Layout<'_>, indent: usize, (keys, value): (&[String], &str)) -> String {
    let mut lines = String::new();
    for (depth, key) in keys.iter().enumerate() {
        let indent = indent + 2 * depth;
        lines += &" ".repeat(indent);
        lines += &plain_or_quoted(key);
        lines.push(':');
        if depth + 1 == keys.len() {
            lines.push(' ');
            lines += &scalar(layout, indent, value);
        }
        lines += layout.newline;
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

fn flow(keys: &[String], value: &str) -> String {
    let mut text = String::new();
    for (depth, key) in keys.iter().enumerate() {
        text += &quoted(key);
        text += ": ";
        if depth + 1 < keys.len() {
            text.push('{');
        }
    }
    text += &quoted(value);
    text + &"}".repeat(keys.len().saturating_sub(1))
}
