//! The timeline: one line for each event, in colours on a terminal.

use std::{io::Write, time::Duration};

use anstyle::{AnsiColor, Style};

use oncue_language::escape::Escaped;
use oncue_simulation::{Entry, Listener, Seconds, Unknown, What};

/// How much is printed as it happens.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Detail {
    /// What happens.
    Events,
    /// Nothing: the summary is enough.
    Nothing,
    /// What happens, and every line that a client prints.
    Output,
}

/// Prints one line for each event.
#[derive(Debug)]
pub(crate) struct Timeline<W> {
    out: W,
    detail: Detail,
    /// How wide the column of names is: it grows with them.
    width: usize,
}

impl<W: Write> Timeline<W> {
    /// Returns a timeline that prints on `out`, which may or may not take colours.
    pub(crate) fn new(out: W, detail: Detail) -> Self {
        Self {
            out,
            detail,
            width: 0,
        }
    }

    fn is_printed(&self, what: &What) -> bool {
        match (self.detail, what) {
            (Detail::Nothing, _) | (Detail::Events, What::Output { .. }) => false,
            (Detail::Events | Detail::Output, _) => true,
        }
    }
}

impl<W: Write> Listener for Timeline<W> {
    fn names(&mut self, names: &mut dyn Iterator<Item = String>) {
        self.width = names.map(|name| name.len()).fold(self.width, usize::max);
    }

    fn unknown(&mut self, unknown: &Unknown) {
        if self.detail == Detail::Nothing {
            return;
        }
        let style = AnsiColor::Yellow.on_default();
        // A stream that is closed is no reason to stop.
        let _ = writeln!(self.out, "{style}{}{style:#}", Escaped(unknown));
    }

    fn entry(&mut self, time: Duration, Entry { subject, what }: &Entry) {
        if !self.is_printed(what) {
            return;
        }
        self.width = self.width.max(subject.len());
        let style = style(what);
        let width = self.width;
        let (time, subject) = (Seconds(time), Escaped(subject).to_string());
        let what = Escaped(what);
        // A stream that is closed is no reason to stop.
        let _ = writeln!(
            self.out,
            "{time:>8}  {subject:<width$}  {style}{what}{style:#}"
        );
    }
}

fn style(what: &What) -> Style {
    let colour = |colour: AnsiColor| colour.on_default();
    match what {
        What::CrashLooping
        | What::Denied { .. }
        | What::Failed { .. }
        | What::GateOverdue { .. }
        | What::GivesUp { .. }
        | What::JobFailed
        | What::JobFailedByPolicy
        | What::JobOverdue
        | What::MarkerFailed { .. }
        | What::WaitRestarted { .. } => colour(AnsiColor::Red),
        What::Gated { .. } | What::GatedByOthers { .. } | What::Held | What::Waiting { .. } => {
            colour(AnsiColor::Yellow)
        }
        What::JobComplete | What::Ready | What::Succeeded | What::WaitOver { .. } => {
            colour(AnsiColor::Green)
        }
        What::Signaled { .. } | What::Withdrawn { .. } => colour(AnsiColor::Cyan),
        What::Output { .. } => Style::new().dimmed(),
        What::Admitted { .. }
        | What::Applies { .. }
        | What::ContainerRestarted { .. }
        | What::Deleted
        | What::InitContainerPassed { .. }
        | What::NotReady
        | What::NotRun { .. }
        | What::Removed
        | What::Scheduled { .. }
        | What::Started { .. } => Style::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(detail: Detail, what: What) -> String {
        let mut out = Vec::new();
        let entry = Entry {
            subject: "web".to_owned(),
            what,
        };
        Timeline::new(anstream::StripStream::new(&mut out), detail)
            .entry(Duration::from_millis(1234), &entry);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_line_has_the_time_the_pod_and_the_event() {
        assert_eq!(
            printed(Detail::Events, What::Ready),
            "   1.23s  web  ready\n"
        );
    }

    #[test]
    fn text_of_the_files_cannot_reach_the_terminal() {
        let why = "\u{1b}[2J\nweb  ready".to_owned();
        let line = printed(Detail::Events, What::Failed { why });
        assert_eq!(line, "   1.23s  web  failed: \\u{1b}[2J\\nweb  ready\n");
    }

    #[test]
    fn prints_the_lines_of_clients_on_request_only() {
        let line = || What::Output {
            line: "Checking: a/b".to_owned(),
        };
        assert_eq!(printed(Detail::Events, line()), "");
        assert!(printed(Detail::Output, line()).ends_with("| Checking: a/b\n"));
        assert_eq!(printed(Detail::Nothing, What::Ready), "");
    }
}
