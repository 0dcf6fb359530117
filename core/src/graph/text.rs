//! A drawing for a terminal.

use std::fmt::Write;

use super::{
    Graph, Remark, describe,
    draw::{after, suffix},
};
use crate::{
    language::annotation::Key,
    model::{Link, MemberId, MemberKind, Names},
};

/// One line of a member: what it waits for or signals, and the producers or consumers of that.
struct Row {
    verb: &'static str,
    what: String,
    other: String,
}

impl Graph<'_> {
    /// Returns the graph as text: for each workload what it waits for and what it signals.
    pub fn to_text(&self) -> String {
        let blocks = self.links.members().filter_map(|id| self.block(id));
        let blocks: Vec<_> = blocks.collect();
        let cycles = self.cycles.iter();
        let cycles = cycles.map(|cycle| format!("deadlock: {}\n", describe(&self.links, cycle)));
        let parts = [blocks.join("\n"), cycles.collect()];
        let parts: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        if parts.is_empty() {
            return "nothing waits or signals here\n".to_owned();
        }
        parts.join("\n")
    }

    fn block(&self, id: MemberId) -> Option<String> {
        let mut rows: Vec<_> = self.links.of(id).iter().map(|l| self.wait_row(l)).collect();
        rows.extend(self.signal_rows(id));
        let width = rows.iter().map(|row| row.what.chars().count()).max()?;
        let mut block = format!("{}\n", self.links.model().name(id));
        let mut verb_before = "";
        for Row { verb, what, other } in &rows {
            let shown = if *verb == verb_before { "" } else { verb };
            // Writing to a String cannot fail.
            let _ = writeln!(block, "  {shown:<9}  {what:<width$}  {other}");
            verb_before = verb;
        }
        for Remark { word, text } in self.remarks(id).into_iter().take(MOST_REMARKS) {
            let _ = writeln!(block, "  {word:<9}  {text}");
        }
        Some(block)
    }

    fn wait_row(&self, link: &Link) -> Row {
        let model = self.links.model();
        let producers = self.links.producers(link);
        let names = producers.iter().map(|producer| {
            let name = model.name(producer.member);
            name + &suffix(producer)
        });
        Row {
            verb: "waits for",
            what: self.links.term(link).value.to_string(),
            other: format!("<- {}", or_nothing(&Names::new(producers.len(), names))),
        }
    }

    fn signal_rows(&self, id: MemberId) -> impl Iterator<Item = Row> {
        let member = self.links.model().member(id);
        let verb = match member.kind {
            MemberKind::Existing(_) => "asserts",
            MemberKind::Custom { .. } | MemberKind::Workload(_) => "signals",
        };
        let signals = member.signals().enumerate();
        signals.map(move |(index, (key, signal))| Row {
            verb,
            what: match key {
                Key::Signals => signal.to_string(),
                key => format!("{signal} {}", after(key)),
            },
            other: format!("-> {}", or_nothing(&self.links.consumer_names(id, index))),
        })
    }
}

/// How many remarks there are on one member.
const MOST_REMARKS: usize = 3;

fn or_nothing(names: &Names) -> String {
    if names.is_empty() {
        "nothing here".to_owned()
    } else {
        names.join(", ")
    }
}
