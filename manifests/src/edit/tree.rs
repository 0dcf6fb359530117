//! The nodes of a text where they stand: an alias is an alias, and not what it stands for.

use std::ops::Range;

use granit_parser::{Event, Parser, ScalarStyle, StrInput, StructureStyle};
use jsonptr::Pointer;

use super::EditError;

/// Deepest nesting, as for every document.
const MAX_DEPTH: usize = crate::node::MAX_DEPTH;

/// One node.
#[derive(Debug)]
pub(super) struct Tree {
    /// From its first byte to the end of its last token, without an anchor or a tag before it.
    pub(super) span: Range<usize>,
    pub(super) content: Content,
    /// The number of its anchor; 0 if it has none.
    anchor: usize,
}

#[derive(Debug)]
pub(super) enum Content {
    /// Of the anchor of this number.
    Alias(usize),
    Mapping {
        is_flow: bool,
        entries: Vec<Entry>,
    },
    Scalar {
        is_block: bool,
        /// Whether no text stands for it.
        is_empty: bool,
        /// Whether it may stand for null.
        is_plain: bool,
    },
    Sequence {
        is_flow: bool,
        items: Vec<Tree>,
    },
}

#[derive(Debug)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) key_span: Range<usize>,
    pub(super) value: Tree,
}

impl Tree {
    /// Reads the first document in a part of `text` that is not empty.
    pub(super) fn read(text: &str, part: Range<usize>) -> Option<Self> {
        let options = granit_parser::options! {
            emit_comments: false,
            block_scalar_eof_without_line_feed: true,
        };
        let base = part.start;
        let mut reader = Reader {
            parser: Parser::new_from_str_with_options(&text[part], options),
            base,
            end: base,
        };
        loop {
            match reader.next()? {
                (Event::DocumentStart(..), _) => {
                    let (event, span) = reader.next()?;
                    let tree = reader.node(event, span, 0)?;
                    if !matches!(tree.content, Content::Scalar { .. }) {
                        return Some(tree);
                    }
                }
                (Event::StreamEnd, _) => return None,
                _ => {}
            }
        }
    }

    /// Follows a JSON pointer.
    pub(super) fn follow(&self, pointer: &str) -> Result<&Self, EditError> {
        let missing = || EditError::Missing {
            pointer: pointer.to_owned(),
        };
        let tokens = Pointer::parse(pointer).map_err(|_| missing())?;
        let mut tree = self;
        for token in tokens.tokens() {
            tree = match &tree.content {
                Content::Mapping { .. } => match tree.entry(&token.decoded()) {
                    Some(entry) => &entry.value,
                    None if tree.entry("<<").is_some() => return Err(EditError::Shared),
                    None => return Err(missing()),
                },
                Content::Sequence { items, .. } => {
                    let index = token.decoded().parse::<usize>().ok();
                    index
                        .and_then(|index| items.get(index))
                        .ok_or_else(missing)?
                }
                Content::Alias(_) => return Err(EditError::Shared),
                Content::Scalar { .. } => return Err(missing()),
            };
        }
        Ok(tree)
    }

    /// Returns the entry of a key.
    pub(super) fn entry(&self, key: &str) -> Option<&Entry> {
        match &self.content {
            Content::Mapping { entries, .. } => entries.iter().find(|entry| entry.key == key),
            _ => None,
        }
    }

    /// Returns whether it is an anchor's node, of which there may be aliases.
    pub(super) fn has_anchor(&self) -> bool {
        self.anchor != 0
    }

    /// Returns every node in it, itself first.
    pub(super) fn nodes(&self) -> Vec<&Self> {
        let mut nodes = vec![self];
        let mut next = 0;
        while let Some(node) = nodes.get(next).copied() {
            next += 1;
            match &node.content {
                Content::Mapping { entries, .. } => {
                    nodes.extend(entries.iter().map(|entry| &entry.value));
                }
                Content::Sequence { items, .. } => nodes.extend(items),
                Content::Alias(_) | Content::Scalar { .. } => {}
            }
        }
        nodes
    }

    /// Returns the node in these parts that an alias elsewhere stands for, if there is one.
    pub(super) fn used_elsewhere(&self, parts: &[&Self]) -> Option<&Self> {
        let is_inside = |node: &Self| {
            let mut parts = parts.iter();
            parts.any(|part| part.span.start <= node.span.start && node.span.end <= part.span.end)
        };
        let nodes = self.nodes();
        let outside = nodes.iter().filter(|node| !is_inside(node));
        let aliases: Vec<_> = outside
            .filter_map(|node| match node.content {
                Content::Alias(anchor) => Some(anchor),
                _ => None,
            })
            .collect();
        let mut inside = nodes.into_iter().filter(|node| is_inside(node));
        inside.find(|node| node.has_anchor() && aliases.contains(&node.anchor))
    }
}

struct Reader<'t> {
    parser: Parser<'t, StrInput<'t>>,
    base: usize,
    /// Where the last token that is not empty ended.
    end: usize,
}

impl<'t> Reader<'t> {
    fn next(&mut self) -> Option<(Event<'t>, Range<usize>)> {
        let (event, span) = self.parser.next_event()?.ok()?;
        let span = span.byte_range().unwrap_or_default();
        let span = self.base + span.start..self.base + span.end;
        if !span.is_empty() {
            self.end = span.end;
        }
        Some((event, span))
    }

    fn node(&mut self, event: Event<'t>, span: Range<usize>, depth: usize) -> Option<Tree> {
        if depth > MAX_DEPTH {
            return None;
        }
        let start = span.start;
        let (content, anchor, end) = match event {
            Event::Alias(anchor) => (Content::Alias(anchor), 0, span.end),
            Event::Scalar(text, style, anchor, _) => {
                let content = Content::Scalar {
                    is_block: matches!(style, ScalarStyle::Literal | ScalarStyle::Folded),
                    is_empty: span.is_empty(),
                    is_plain: style == ScalarStyle::Plain && matches!(&*text, "" | "~" | "null"),
                };
                (content, anchor, span.end)
            }
            Event::SequenceStart(style, anchor, _) => {
                let mut items = Vec::new();
                let end = loop {
                    let (event, span) = self.next()?;
                    if event == Event::SequenceEnd {
                        break self.end_of(style, &span);
                    }
                    items.push(self.node(event, span, depth + 1)?);
                };
                let is_flow = style == StructureStyle::Flow;
                (Content::Sequence { is_flow, items }, anchor, end)
            }
            Event::MappingStart(style, anchor, _) => {
                let mut entries = Vec::new();
                let end = loop {
                    let (event, span) = self.next()?;
                    if event == Event::MappingEnd {
                        break self.end_of(style, &span);
                    }
                    entries.push(self.entry((event, span), depth)?);
                };
                let is_flow = style == StructureStyle::Flow;
                (Content::Mapping { is_flow, entries }, anchor, end)
            }
            _ => return None,
        };
        Some(Tree {
            span: start..end,
            content,
            anchor,
        })
    }

    fn entry(
        &mut self,
        (event, key_span): (Event<'t>, Range<usize>),
        depth: usize,
    ) -> Option<Entry> {
        let key = match &event {
            Event::Scalar(text, ..) => text.to_string(),
            _ => String::new(),
        };
        self.node(event, key_span.clone(), depth + 1)?;
        let (event, span) = self.next()?;
        Some(Entry {
            key,
            key_span,
            value: self.node(event, span, depth + 1)?,
        })
    }

    fn end_of(&self, style: StructureStyle, span: &Range<usize>) -> usize {
        match style {
            StructureStyle::Block => self.end,
            StructureStyle::Flow => span.end,
        }
    }
}
