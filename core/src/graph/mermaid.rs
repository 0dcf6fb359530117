//! A drawing for Markdown.

use std::fmt::Write;

use super::{
    Graph,
    draw::{Line, ShapeKind},
};

impl Graph<'_> {
    /// Returns the graph as a Mermaid flowchart, which Markdown viewers draw.
    pub fn to_mermaid(&self) -> String {
        let picture = self.picture();
        let mut mermaid = String::from("flowchart LR\n");
        for (index, shape) in picture.shapes.iter().enumerate() {
            let label = escape(&shape.label);
            // Writing to a String cannot fail.
            let _ = match shape.kind {
                ShapeKind::Member => writeln!(mermaid, "  n{index}[\"{label}\"]"),
                ShapeKind::Elsewhere | ShapeKind::Shared => {
                    writeln!(mermaid, "  n{index}([\"{label}\"])")
                }
            };
        }
        for arrow in &picture.arrows {
            let line = match arrow.line {
                Line::Solid => "-->",
                Line::Dashed => "-.->",
                Line::Ring => "==>",
            };
            let label = match arrow.label.as_str() {
                "" => String::new(),
                label => format!("|\"{}\"|", escape(label)),
            };
            let _ = writeln!(mermaid, "  n{} {line}{label} n{}", arrow.from, arrow.to);
        }
        mermaid
    }
}

/// Escapes a label that stands in double quotes: Mermaid reads HTML and Markdown in it.
fn escape(label: &str) -> String {
    label.chars().fold(String::new(), |mut text, character| {
        match character {
            '"' | '#' | '&' | '<' | '>' | '`' | '*' | '_' => {
                let _ = write!(text, "#{};", u32::from(character));
            }
            c if c.is_control() => text.push(' '),
            c => text.push(c),
        }
        text
    })
}
