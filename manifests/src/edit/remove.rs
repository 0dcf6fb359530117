//! Removes items of a list.

use super::{
    Change, EditError,
    layout::Layout,
    tree::{Content, Entry, Tree},
};

/// Returns the changes that remove items of the list at a pointer.
pub(super) fn items(
    tree: &Tree,
    layout: &Layout<'_>,
    (pointer, removed): (&str, &[usize]),
) -> Result<Vec<Change>, EditError> {
    let missing = || EditError::Missing {
        pointer: pointer.to_owned(),
    };
    let (parent, key) = pointer.rsplit_once('/').ok_or_else(missing)?;
    let parent = tree.follow(parent)?;
    let Some(entry) = parent.entry(key) else {
        // A merge key brings it.
        return Err(EditError::Shared);
    };
    let Content::Sequence { is_flow, items } = &entry.value.content else {
        return Err(EditError::Shared);
    };
    let goes: Vec<_> = removed
        .iter()
        .filter_map(|index| items.get(*index))
        .collect();
    if goes.len() != removed.len() {
        return Err(missing());
    }
    let all_go = goes.len() == items.len();
    let parts = if all_go { vec![&entry.value] } else { goes };
    if let Some(node) = tree.used_elsewhere(&parts) {
        return Err(EditError::Anchor {
            name: anchor_name(layout, node),
        });
    }
    if all_go {
        return whole_entry(parent, layout, entry).map(|change| vec![change]);
    }
    let remove = |index: &usize| {
        if *is_flow {
            Ok(flow_item(items, removed, *index))
        } else {
            block_item(items, layout, *index)
        }
    };
    removed.iter().map(remove).collect()
}

/// Removes an item from its dash to the end of its last line, with the comment right above it. A
/// comment above the first item may be about the whole list, so it stays.
fn block_item(items: &[Tree], layout: &Layout<'_>, index: usize) -> Result<Change, EditError> {
    let item = &items[index];
    let dash = layout
        .dash_before(item.span.start)
        .ok_or(EditError::Unconfirmed)?;
    if !layout.begins_line(dash) {
        return Err(EditError::Unconfirmed);
    }
    let line = layout.line_start(dash);
    let start = if index == 0 {
        line
    } else {
        layout.comments_above(line)
    };
    Ok(Change {
        span: start..layout.end_of_node(&item.span, layout.column(dash)),
        text: String::new(),
    })
}

/// Removes an item with the comma behind it, or before it if only removed items follow.
fn flow_item(items: &[Tree], removed: &[usize], index: usize) -> Change {
    let follows = (index + 1..items.len()).any(|other| !removed.contains(&other));
    let span = if follows {
        items[index].span.start..items[index + 1].span.start
    } else {
        items[index - 1].span.end..items[index].span.end
    };
    Change {
        span,
        text: String::new(),
    }
}

/// Removes an entry with its key.
fn whole_entry(parent: &Tree, layout: &Layout<'_>, entry: &Entry) -> Result<Change, EditError> {
    let Content::Mapping { is_flow, entries } = &parent.content else {
        return Err(EditError::Unconfirmed);
    };
    let at = entries
        .iter()
        .position(|other| other.key_span == entry.key_span);
    let at = at.unwrap_or_default();
    let span = if *is_flow {
        match (entries.get(at + 1), at.checked_sub(1)) {
            (Some(next), _) => entry.key_span.start..next.key_span.start,
            (None, Some(before)) => entries[before].value.span.end..entry.value.span.end,
            (None, None) => entry.key_span.start..entry.value.span.end,
        }
    } else if layout.begins_line(entry.key_span.start) && entries.len() > 1 {
        let column = layout.column(entry.key_span.start);
        let whole = entry.key_span.start..entry.value.span.end;
        layout.line_start(whole.start)..layout.end_of_node(&whole, column)
    } else {
        return Err(EditError::Unconfirmed);
    };
    Ok(Change {
        span,
        text: String::new(),
    })
}

/// Returns the name of a node's anchor, which stands before it.
fn anchor_name(layout: &Layout<'_>, node: &Tree) -> String {
    let before = layout.text[..node.span.start].trim_end();
    let name = before.rsplit('&').next().unwrap_or_default();
    name.split_whitespace()
        .next()
        .unwrap_or_default()
        .to_owned()
}
