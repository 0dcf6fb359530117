//! What commands print: text that may end early, tables and ages.

use std::{
    io::{self, Write},
    ops::ControlFlow,
};

use anyhow::Context;
use clap::ValueEnum;
use tabwriter::TabWriter;

/// How a table is printed.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub(super) enum Format {
    /// JSON.
    Json,
    /// Text, for people.
    #[default]
    Text,
}

/// Prints `text` to the standard output; colours are dropped where it is not a terminal.
///
/// A reader that has had enough, such as `head`, is no error.
pub(super) fn print(text: &str) -> anyhow::Result<()> {
    print_next(text).map(drop)
}

/// Prints one of many texts, as [`print`] does; breaks where the reader has had enough.
pub(super) fn print_next(text: &str) -> anyhow::Result<ControlFlow<()>> {
    let mut out = anstream::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Ok(ControlFlow::Continue(())),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(ControlFlow::Break(())),
        Err(error) => Err(error).context("failed to write to the standard output"),
    }
}

/// Says something beside what was asked for, on the standard error.
pub(super) fn note(text: &str) {
    anstream::eprintln!("note: {text}");
}

/// Prints `value` as indented JSON.
pub(super) fn print_json(value: &serde_json::Value) -> anyhow::Result<()> {
    print(&format!("{value:#}\n"))
}

/// Returns rows as a table in the style of `kubectl`; the first row is the head.
pub(super) fn table<const N: usize>(rows: &[[String; N]]) -> anyhow::Result<String> {
    let mut table = TabWriter::new(Vec::new()).minwidth(5).padding(3);
    for row in rows {
        writeln!(table, "{}", row.join("\t"))?;
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
}
