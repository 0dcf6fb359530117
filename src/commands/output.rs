//! What commands print: text that may end early, tables and ages.
//!
//! Much of it is text of other people: values, names, messages. [`print`] and [`note`] escape what
//! a terminal would obey or not show. What may not break a line either is [`Escaped`] before.

use std::{
    fmt::{self, Write as _},
    io::{self, Write},
    ops::ControlFlow,
};

use anyhow::Context;
use clap::ValueEnum;
use tabwriter::TabWriter;

use crate::language::escape::{Escaped, is_hidden};

/// How a table is printed.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub(super) enum Format {
    /// JSON.
    Json,
    /// Text, for people.
    #[default]
    Text,
}

/// Prints `text` to the standard output, with everything hidden in it escaped except line breaks.
///
/// A reader that has had enough, such as `head`, is no error.
pub(super) fn print(text: &str) -> anyhow::Result<()> {
    print_next(text).map(drop)
}

/// Prints one of many texts, as [`print`] does; breaks if the reader has had enough.
pub(super) fn print_next(text: &str) -> anyhow::Result<ControlFlow<()>> {
    write_out(&printable(text))
}

/// Prints `text` without escaping anything: it has colours, or it is a document for a program.
/// Colours are dropped if the standard output is not a terminal.
pub(super) fn print_as_it_is(text: &str) -> anyhow::Result<()> {
    write_out(text).map(drop)
}

fn write_out(text: &str) -> anyhow::Result<ControlFlow<()>> {
    let mut out = anstream::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Ok(ControlFlow::Continue(())),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(ControlFlow::Break(())),
        Err(error) => Err(error).context("failed to write to the standard output"),
    }
}

/// Says something beside what was asked for, on the standard error.
pub(super) fn note(text: &str) {
    anstream::eprintln!("note: {}", printable(text));
}

/// Returns the text with everything hidden in it escaped except line breaks.
pub(super) fn printable(text: impl fmt::Display) -> String {
    let text = text.to_string();
    let lines: Vec<_> = text
        .split('\n')
        .map(|line| Escaped(line).to_string())
        .collect();
    lines.join("\n")
}

/// Prints `value` as indented JSON.
pub(super) fn print_json(value: &serde_json::Value) -> anyhow::Result<()> {
    print_as_it_is(&json(&format!("{value:#}\n")))
}

/// Returns a JSON text whose strings have everything hidden escaped, as JSON does.
pub(super) fn json(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_ascii() || !is_hidden(character) {
            escaped.push(character);
            continue;
        }
        for unit in character.encode_utf16(&mut [0; 2]) {
            let _infallible = write!(escaped, "\\u{unit:04x}");
        }
    }
    escaped
}

/// Returns rows as a table in the style of `kubectl`; the first row is the head. Everything hidden
/// in a cell is escaped, so that none can look like two.
pub(super) fn table<const N: usize>(rows: &[[String; N]]) -> anyhow::Result<String> {
    let mut table = TabWriter::new(Vec::new()).minwidth(5).padding(3);
    for row in rows {
        let cells = row.each_ref().map(|cell| Escaped(cell).to_string());
        writeln!(table, "{}", cells.join("\t"))?;
    }
    table.flush()?;
    let bytes = table.into_inner().context("failed to lay out a table")?;
    let text = String::from_utf8(bytes).context("failed to lay out a table")?;
    let lines = text.lines().map(|line| format!("{}\n", line.trim_end()));
    Ok(lines.collect())
}

/// Returns a duration as `kubectl` prints ages: the shorter, the finer.
pub(super) fn age(seconds: u64) -> String {
    const MINUTE: u64 = 60;
    const HOUR: u64 = 60 * MINUTE;
    const DAY: u64 = 24 * HOUR;
    let pair = |large: u64, unit, small: u64, part| match small {
        0 => format!("{large}{unit}"),
        _ => format!("{large}{unit}{small}{part}"),
    };
    match seconds {
        0..=119 => format!("{seconds}s"),
        _ if seconds < 10 * MINUTE => pair(seconds / MINUTE, "m", seconds % MINUTE, "s"),
        _ if seconds < 3 * HOUR => format!("{}m", seconds / MINUTE),
        _ if seconds < 8 * HOUR => pair(seconds / HOUR, "h", seconds % HOUR / MINUTE, "m"),
        _ if seconds < 2 * DAY => format!("{}h", seconds / HOUR),
        _ => format!("{}d", seconds / DAY),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_coarser_the_longer_they_are() {
        for (seconds, text) in [
            (0, "0s"),
            (119, "119s"),
            (120, "2m"),
            (299, "4m59s"),
            (600, "10m"),
            (10_799, "179m"),
            (10_800, "3h"),
            (12_240, "3h24m"),
            (172_799, "47h"),
            (172_800, "2d"),
        ] {
            assert_eq!(age(seconds), text, "{seconds}");
        }
    }

    #[test]
    fn columns_are_aligned() {
        let rows = [["NAME", "", "AGE"], ["a/long/name", "x", ""]];
        let rows = rows.map(|row| row.map(str::to_owned));
        assert_eq!(
            table(&rows).unwrap(),
            "NAME                  AGE\na/long/name   x\n"
        );
    }
    #[test]
    fn a_cell_makes_no_row_and_no_column_of_its_own() {
        let rows = [["NAME", "VALUE"], ["a", "v\nb\t\x1b[2J\u{202e}"]];
        let rows = rows.map(|row| row.map(str::to_owned));
        assert_eq!(
            table(&rows).unwrap(),
            "NAME    VALUE\na       v\\nb\\t\\u{1b}[2J\\u{202e}\n"
        );
    }

    #[test]
    fn what_is_printed_keeps_its_lines_and_nothing_else_that_is_hidden() {
        assert_eq!(printable("a\nb\r\u{200b}\n"), "a\nb\\r\\u{200b}\n");
    }

    #[test]
    fn json_stays_the_same_value_and_hides_nothing() {
        let value = serde_json::json!({"v": "\n\x1b\u{9b}\u{202e}\u{e0001}\u{e9}"});
        let text = json(&value.to_string());
        assert_eq!(text, r#"{"v":"\n\u001b\u009b\u202e\udb40\udc01é"}"#);
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&text).unwrap(),
            value
        );
    }
}
