//! Lines, indentation and comments of a text.

use std::ops::Range;

/// The text of one document within that of its file.
#[derive(Clone, Debug)]
pub(super) struct Layout<'t> {
    pub(super) text: &'t str,
    part: Range<usize>,
    /// How its lines end.
    pub(super) newline: &'static str,
}

impl<'t> Layout<'t> {
    pub(super) fn new(text: &'t str, part: Range<usize>) -> Self {
        let is_dos = text[part.clone()].contains("\r\n");
        Self {
            text,
            part,
            newline: if is_dos { "\r\n" } else { "\n" },
        }
    }

    /// Returns where the line of `offset` begins.
    pub(super) fn line_start(&self, offset: usize) -> usize {
        let before = &self.text[self.part.start..offset];
        before
            .rfind('\n')
            .map_or(self.part.start, |newline| self.part.start + newline + 1)
    }

    /// Returns where the next line begins; the end of the text if there is none.
    pub(super) fn next_line(&self, offset: usize) -> usize {
        if offset > self.part.start && self.text[..offset].ends_with('\n') {
            return offset;
        }
        self.text[offset..]
            .find('\n')
            .map_or(self.text.len(), |newline| offset + newline + 1)
    }

    /// Returns where the line behind a node's last line begins. A block of text may reach over blank
    /// lines and comments that do not belong to it: those that are not deeper than `column`.
    pub(super) fn end_of_node(&self, span: &Range<usize>, column: usize) -> usize {
        // A block of text ends where the next token begins.
        let mut end = if self.begins_line(span.end) {
            self.line_start(span.end)
        } else {
            self.next_line(span.end)
        };
        while end > span.start {
            let line = self.line_start(end - 1);
            let text = &self.text[line..end];
            let content = text.trim_start();
            let indent = text.chars().count() - content.chars().count();
            let is_foreign = content.starts_with('#') && indent <= column;
            if line <= span.start || !(content.is_empty() || is_foreign) {
                break;
            }
            end = line;
        }
        end
    }

    /// Returns the number of columns before `offset` in its line.
    pub(super) fn column(&self, offset: usize) -> usize {
        self.text[self.line_start(offset)..offset].chars().count()
    }

    /// Returns whether nothing but white space stands before `offset` in its line.
    pub(super) fn begins_line(&self, offset: usize) -> bool {
        self.text[self.line_start(offset)..offset].trim().is_empty()
    }

    /// Returns where the comments begin that stand right above the line that begins at `line`.
    pub(super) fn comments_above(&self, line: usize) -> usize {
        let mut start = line;
        while start > self.part.start {
            let above = self.line_start(start - 1);
            if !self.text[above..start].trim_start().starts_with('#') {
                break;
            }
            start = above;
        }
        start
    }

    /// Returns where the dash of a list's item stands, for an item that begins at `item`.
    pub(super) fn dash_before(&self, item: usize) -> Option<usize> {
        let mut end = item;
        loop {
            let line = self.line_start(end);
            let text = &self.text[line..end];
            let indent = text.len() - text.trim_start().len();
            let rest = text.trim_start();
            if rest.starts_with('-') {
                return Some(line + indent);
            }
            // An anchor or a comment may stand between the dash and the item.
            if line <= self.part.start || !(rest.is_empty() || rest.starts_with(['#', '&', '!'])) {
                return None;
            }
            end = line - 1;
        }
    }
}
