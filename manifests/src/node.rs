//! A value with its place in the text.

use std::{ops::Range, sync::Arc};

use jsonptr::Pointer;
use serde_json::Value;

/// How deep nodes may lie within each other, aliases included.
pub(super) const MAX_DEPTH: usize = 400;

/// One node of a document. Anchored nodes are shared with their aliases.
#[derive(Debug)]
pub(super) struct Node {
    /// Where it stands, in bytes of the file's text.
    pub(super) span: Range<usize>,
    pub(super) content: Content,
    depth: usize,
    /// How many bytes it takes at least once every alias in it is written out.
    weight: usize,
}

#[derive(Clone, Debug)]
pub(super) enum Content {
    Mapping(Vec<Entry>),
    Scalar(Value),
    Sequence(Vec<Arc<Node>>),
}

/// One entry of a mapping.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) key: Box<str>,
    pub(super) key_span: Range<usize>,
    pub(super) node: Arc<Node>,
}

/// What the last token of a pointer leads to.
pub(super) struct Found<'a> {
    pub(super) node: &'a Node,
    /// The key that leads to it, where its parent is a mapping.
    pub(super) key_span: Option<Range<usize>>,
}

impl Node {
    pub(super) fn new(span: Range<usize>, content: Content) -> Self {
        let (depth, weight) = match &content {
            Content::Mapping(entries) => measure(entries.iter().map(|entry| &*entry.node)),
            Content::Scalar(Value::String(text)) => (0, 1 + text.len()),
            Content::Scalar(_) => (0, 1),
            Content::Sequence(items) => measure(items.iter().map(|node| &**node)),
        };
        Self {
            span,
            content,
            depth,
            weight,
        }
    }

    pub(super) fn depth(&self) -> usize {
        self.depth
    }

    pub(super) fn weight(&self) -> usize {
        self.weight
    }

    /// Returns its value. What no other node shares is moved, not copied.
    pub(super) fn into_value(node: Arc<Self>) -> Value {
        match Self::into_content(node) {
            Content::Mapping(entries) => entries
                .into_iter()
                .map(|entry| (entry.key.into_string(), Self::into_value(entry.node)))
                .collect(),
            Content::Scalar(value) => value,
            Content::Sequence(items) => items.into_iter().map(Self::into_value).collect(),
        }
    }

    /// Returns its content, or a copy of it if another node shares it.
    pub(super) fn into_content(node: Arc<Self>) -> Content {
        Arc::try_unwrap(node).map_or_else(|shared| shared.content.clone(), |own| own.content)
    }

    /// Follows a JSON pointer as far as it goes.
    pub(super) fn follow(&self, pointer: &str) -> Found<'_> {
        let mut found = Found {
            node: self,
            key_span: None,
        };
        let pointer = Pointer::parse(pointer).unwrap_or(Pointer::root());
        for token in pointer.tokens() {
            match found.node.child(&token.decoded()) {
                Some(child) => found = child,
                None => break,
            }
        }
        found
    }

    fn child(&self, token: &str) -> Option<Found<'_>> {
        match &self.content {
            Content::Mapping(entries) => {
                entries
                    .iter()
                    .find(|entry| &*entry.key == token)
                    .map(|entry| Found {
                        node: &entry.node,
                        key_span: Some(entry.key_span.clone()),
                    })
            }
            Content::Scalar(_) => None,
            Content::Sequence(items) => token
                .parse::<usize>()
                .ok()
                .and_then(|index| items.get(index))
                .map(|node| Found {
                    node,
                    key_span: None,
                }),
        }
    }
}

fn measure<'a>(children: impl Iterator<Item = &'a Node>) -> (usize, usize) {
    children.fold((0, 1), |(depth, weight), child| {
        (
            depth.max(child.depth + 1),
            weight.saturating_add(child.weight),
        )
    })
}
