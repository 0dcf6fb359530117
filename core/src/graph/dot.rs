//! A drawing for Graphviz.

use std::fmt::Write;

use super::{
    Graph,
    draw::{Line, ShapeKind},
};

impl Graph<'_> {
    /// Returns the graph in the DOT language, to be drawn by `dot -Tsvg`.
    pub fn to_dot(&self) -> String {
        let picture = self.picture();
        let mut dot = String::from(
            "digraph oncue {\n  rankdir=LR;\n  node [shape=box, style=rounded, fontname=sans];\n  \
             edge [fontname=sans, fontsize=10];\n",
        );
        for (index, shape) in picture.shapes.iter().enumerate() {
            let label = quote(&shape.label);
            let style = match shape.kind {
                ShapeKind::Member => "",
                ShapeKind::Elsewhere => ", shape=ellipse, style=dashed",
                ShapeKind::Shared => ", shape=ellipse, style=solid",
            };
            // Writing to a String cannot fail.
            let _ = writeln!(dot, "  n{index} [label={label}{style}];");
        }
        for arrow in &picture.arrows {
            let label = quote(&arrow.label);
            let style = match arrow.line {
                Line::Solid => "",
                Line::Dashed => ", style=dashed",
                Line::Ring => ", color=red, fontcolor=red",
            };
            let _ = writeln!(
                dot,
                "  n{} -> n{} [label={label}{style}];",
                arrow.from, arrow.to
            );
        }
        dot + "}\n"
    }
}

/// Quotes a label: a backslash would begin an escape such as `\N`.
fn quote(label: &str) -> String {
    let label = label.replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{label}\"")
}
