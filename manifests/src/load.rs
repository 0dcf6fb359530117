//! From parser events to nodes: anchors, merge keys, duplicate keys, and bounds on all of them.

use std::{
    collections::{HashMap, HashSet},
    ops::Range,
    sync::Arc,
};

use granit_parser::{Event, Parser, ScalarStyle, StrInput, StructureStyle, Tag};
use serde_json::Value;

use super::{
    ManifestError, Source,
    node::{Content, Entry, MAX_DEPTH, Node},
    scalar,
};

/// Aliases may make a document so many times as large as its text ...
const GROWTH: usize = 16;
/// ... and small texts so large, in bytes.
const SMALL: usize = 64 * 1024;

/// A mapping with fewer entries is searched; a larger one has an index of its keys.
const SEARCHED: usize = 16;

/// The key of the annotations of an object.
const ANNOTATIONS: &str = "annotations";

/// A document's root and the part of the text that it takes.
pub(super) struct Loaded {
    pub(super) root: Arc<Node>,
    /// From the root's first byte to the last byte of its last token.
    pub(super) span: Range<usize>,
    /// With the markers and directives before it.
    pub(super) whole: Range<usize>,
}

/// Something wrong at a byte of the text.
#[derive(Debug)]
pub(super) struct Broken {
    pub(super) offset: usize,
    pub(super) rule: String,
}

impl Broken {
    fn at(span: &Range<usize>, rule: impl Into<String>) -> Self {
        Self {
            offset: span.start,
            rule: rule.into(),
        }
    }

    /// Says it with its place in `source`.
    pub(super) fn into_error(self, source: &Arc<Source>) -> ManifestError {
        ManifestError::Syntax {
            at: source.location(self.offset),
            rule: self.rule,
        }
    }

    /// Adds what a person most often did where text with `{{` in it cannot be read.
    pub(super) fn explain(mut self, text: &str) -> Self {
        if text.contains("{{") {
            self.rule += " (is this a template? Render it first, as with helm template)";
        }
        self
    }
}

/// Reads the first document in a part of `text` that is not empty; places are those in the whole.
pub(super) fn load_part(text: &str, part: Range<usize>) -> Result<Option<Loaded>, Broken> {
    Loader::new(text, part).next_document()
}

/// Reads one document after the other.
pub(super) struct Loader<'a> {
    /// The anchored nodes that are complete.
    anchors: HashMap<usize, Arc<Node>>,
    /// Where `text` begins in the whole.
    base: usize,
    /// Where the last token that is not empty ended.
    end: usize,
    /// Whether the value that is read now is that of the key `annotations`.
    is_annotations: bool,
    parser: Parser<'a, StrInput<'a>>,
    text: &'a str,
}

impl<'a> Loader<'a> {
    pub(super) fn new(text: &'a str, part: Range<usize>) -> Self {
        let options = granit_parser::options! {
            emit_comments: false,
            block_scalar_eof_without_line_feed: true,
        };
        Self {
            anchors: HashMap::new(),
            base: part.start,
            end: part.start,
            is_annotations: false,
            parser: Parser::new_from_str_with_options(&text[part.clone()], options),
            text: &text[part],
        }
    }

    /// Returns the next document; empty ones count for nothing.
    pub(super) fn next_document(&mut self) -> Result<Option<Loaded>, Broken> {
        loop {
            let before = self.end;
            let (event, _) = self.next()?;
            match event {
                Event::StreamEnd => return Ok(None),
                Event::DocumentStart(..) => {
                    if let Some(loaded) = self.document(before)? {
                        return Ok(Some(loaded));
                    }
                }
                _ => {}
            }
        }
    }

    fn next(&mut self) -> Result<(Event<'a>, Range<usize>), Broken> {
        match self.parser.next_event() {
            Some(Ok((event, span))) => {
                let span = span.byte_range().unwrap_or_default();
                let span = self.base + span.start..self.base + span.end;
                if !span.is_empty() {
                    self.end = span.end;
                }
                Ok((event, span))
            }
            Some(Err(error)) => Err(Broken {
                offset: self.base + error.marker().byte_offset().unwrap_or_default(),
                rule: explain_tag(error.info()),
            }),
            None => Ok((Event::StreamEnd, self.end..self.end)),
        }
    }

    fn document(&mut self, before: usize) -> Result<Option<Loaded>, Broken> {
        self.anchors.clear();
        let (event, span) = self.next()?;
        let root = self.node(event, span)?;
        let span = root.span.start..self.end;
        let whole = before..self.end;
        self.next()?;
        // Nodes that nothing else holds become values without a copy.
        self.anchors.clear();
        let is_empty = matches!(root.content, Content::Scalar(Value::Null));
        Ok((!is_empty).then_some(Loaded { root, span, whole }))
    }

    /// Reads the node that begins with `event`.
    fn node(&mut self, event: Event<'a>, span: Range<usize>) -> Result<Arc<Node>, Broken> {
        let (anchor, node) = match event {
            Event::Alias(anchor) => return self.alias(anchor, &span),
            Event::Scalar(text, style, anchor, tag) => {
                let value = scalar(&text, style, tag.as_deref());
                let value = value.map_err(|rule| Broken::at(&span, rule))?;
                (anchor, Node::new(span, Content::Scalar(value)))
            }
            Event::SequenceStart(style, anchor, _) => (anchor, self.sequence(style, span)?),
            Event::MappingStart(style, anchor, _) => (anchor, self.mapping(style, span)?),
            _ => return Err(Broken::at(&span, "a value was expected here")),
        };
        let node = Arc::new(self.bounded(node)?);
        if anchor != 0 {
            self.anchors.insert(anchor, Arc::clone(&node));
        }
        Ok(node)
    }

    fn alias(&self, anchor: usize, span: &Range<usize>) -> Result<Arc<Node>, Broken> {
        let node = self.anchors.get(&anchor).ok_or_else(|| {
            Broken::at(
                span,
                "this alias stands inside of the node that it stands for",
            )
        })?;
        Ok(Arc::clone(node))
    }

    fn bounded(&self, node: Node) -> Result<Node, Broken> {
        if node.depth() > MAX_DEPTH {
            let rule = format!("nodes are nested more than {MAX_DEPTH} deep here");
            return Err(Broken::at(&node.span, rule));
        }
        if node.weight() > self.text.len().saturating_mul(GROWTH).max(SMALL) {
            let rule = format!("aliases make this more than {GROWTH} times as large as the file");
            return Err(Broken::at(&node.span, rule));
        }
        Ok(node)
    }

    fn sequence(&mut self, style: StructureStyle, start: Range<usize>) -> Result<Node, Broken> {
        let mut items = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if event == Event::SequenceEnd {
                let span = start.start..self.end_of(style, &span);
                return Ok(Node::new(span, Content::Sequence(items)));
            }
            items.push(self.node(event, span)?);
        }
    }

    fn mapping(&mut self, style: StructureStyle, start: Range<usize>) -> Result<Node, Broken> {
        let mut entries = Entries::default();
        let holds_annotations = std::mem::take(&mut self.is_annotations);
        loop {
            let (event, span) = self.next()?;
            if event == Event::MappingEnd {
                let span = start.start..self.end_of(style, &span);
                return Ok(Node::new(span, Content::Mapping(entries.finish())));
            }
            let is_merge = matches!(&event,
                Event::Scalar(text, ScalarStyle::Plain, _, None) if text == "<<");
            let key = self.node(event, span.clone())?;
            let (event, value_span) = self.next()?;
            if holds_annotations {
                check_annotation(&event, &value_span)?;
            }
            self.is_annotations = matches!(&key.content,
                Content::Scalar(Value::String(text)) if text == ANNOTATIONS);
            let node = self.node(event, value_span)?;
            self.is_annotations = false;
            if is_merge {
                entries.merge(&node, &span)?;
            } else {
                entries.insert(key, span, node)?;
            }
        }
    }

    fn end_of(&self, style: StructureStyle, span: &Range<usize>) -> usize {
        match style {
            StructureStyle::Block => self.end,
            StructureStyle::Flow => span.end,
        }
    }
}

/// The entries of one mapping while it is read.
#[derive(Default)]
struct Entries {
    own: Vec<Entry>,
    /// The keys of `own` once it is too long to be searched.
    index: HashSet<Box<str>>,
    merged: Vec<Entry>,
}

impl Entries {
    fn insert(
        &mut self,
        key: Arc<Node>,
        span: Range<usize>,
        node: Arc<Node>,
    ) -> Result<(), Broken> {
        let text = match Node::into_content(key) {
            Content::Scalar(value) => scalar::key(value),
            Content::Mapping(_) | Content::Sequence(_) => None,
        };
        let text = text
            .ok_or_else(|| Broken::at(&span, "the key of a field is a string"))?
            .into_boxed_str();
        if self.has(&text) {
            let rule = format!("the key {text:?} is there twice in this mapping: keep one");
            return Err(Broken::at(&span, rule));
        }
        self.push(Entry {
            key: text,
            key_span: span,
            node,
        });
        Ok(())
    }

    fn has(&self, key: &str) -> bool {
        if self.own.len() < SEARCHED {
            return self.own.iter().any(|entry| *entry.key == *key);
        }
        self.index.contains(key)
    }

    fn push(&mut self, entry: Entry) {
        self.own.push(entry);
        let first_new = match self.own.len() {
            ..SEARCHED => return,
            SEARCHED => 0,
            length => length - 1,
        };
        let new = self.own[first_new..].iter();
        self.index.extend(new.map(|entry| entry.key.clone()));
    }

    /// Takes the entries of `<<: *other` or of a list of such; the first of two wins.
    fn merge(&mut self, node: &Node, span: &Range<usize>) -> Result<(), Broken> {
        match &node.content {
            Content::Mapping(entries) => self.merged.extend(entries.iter().cloned()),
            Content::Sequence(items) => {
                for item in items {
                    match &item.content {
                        Content::Mapping(entries) => self.merged.extend(entries.iter().cloned()),
                        _ => return Err(not_mergeable(span)),
                    }
                }
            }
            Content::Scalar(_) => return Err(not_mergeable(span)),
        }
        Ok(())
    }

    fn finish(mut self) -> Vec<Entry> {
        for entry in std::mem::take(&mut self.merged) {
            if !self.has(&entry.key) {
                self.push(entry);
            }
        }
        self.own
    }
}

/// Refuses a tag that is not YAML's own in front of an annotation: it was meant as text.
fn check_annotation(event: &Event<'_>, span: &Range<usize>) -> Result<(), Broken> {
    let Event::Scalar(text, _, _, Some(tag)) = event else {
        return Ok(());
    };
    let tag = tag.as_ref();
    if !scalar::is_local(tag) {
        return Ok(());
    }
    let tag = format!("!{}", tag.suffix());
    let written = format!("{tag} {text}");
    let written = written.trim_end();
    Err(Broken::at(
        span,
        format!(
            "{tag} is a YAML tag here, not a part of the text: put the value in quotes, as in \
             {written:?}"
        ),
    ))
}

/// Adds what a person most often meant by a tag that cannot be read.
fn explain_tag(rule: String) -> String {
    if rule.contains("tag") {
        return rule + " (a value that begins with ! goes in quotes)";
    }
    rule
}

fn not_mergeable(span: &Range<usize>) -> Broken {
    Broken::at(span, "<< takes a mapping or a list of mappings")
}

fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Result<Value, String> {
    match (tag, style) {
        (Some(tag), _) => scalar::tagged(tag, text),
        (None, ScalarStyle::Plain) => scalar::plain(text),
        (None, _) => Ok(text.into()),
    }
}
