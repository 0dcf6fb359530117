//! The timeline: one line an event, on a terminal in colours.

use std::{io::Write, time::Duration};

use anstyle::{AnsiColor, Style};

use super::{
    cue::{Cue, Seconds, Unknown, What},
    play::Audience,
};

/// What of a rehearsal is told as it happens.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Detail {
    /// What happens.
    Events,
    /// Nothing: the summary is enough.
    Nothing,
    /// What happens, and every line that a client prints.
    Output,
}

/// Prints a line an event.
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

    fn is_told(&self, what: &What) -> bool {
        match (self.detail, what) {
            (Detail::Nothing, _) | (Detail::Events, What::Output { .. }) => false,
            (Detail::Events | Detail::Output, _) => true,
        }
    }
}

impl<W: Write> Audience for Timeline<W> {
    fn meet(&mut self, names: &mut dyn Iterator<Item = String>) {
        self.width = names.map(|name| name.len()).fold(self.width, usize::max);
    }

    fn miss(&mut self, unknown: Unknown<'_>) {
        if self.detail == Detail::Nothing {
            return;
        }
        let style = AnsiColor::Yellow.on_default();
        // As in `hear`: a stream that is closed is no reason to stop.
        let _ = writeln!(self.out, "{style}{unknown}{style:#}");
    }

    fn hear(&mut self, time: Duration, Cue { subject, what }: &Cue) {
        if !self.is_told(what) {
            return;
        }
        self.width = self.width.max(subject.len());
        let style = style(what);
        let width = self.width;
        let time = Seconds(time);
        // Whoever closes the stream misses the rest, which is no reason to stop.
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
        | What::JobFailed
        | What::MarkerFailed { .. }
        | What::WaitRestarted { .. } => colour(AnsiColor::Red),
        What::Gated { .. } | What::Held | What::Waiting { .. } => colour(AnsiColor::Yellow),
        What::JobComplete | What::Ready | What::Succeeded | What::WaitOver { .. } => {
            colour(AnsiColor::Green)
        }
        What::Signaled { .. } | What::Withdrawn { .. } => colour(AnsiColor::Cyan),
        What::Output { .. } => Style::new().dimmed(),
        What::Admitted { .. }
        | What::ContainerRestarted { .. }
        | What::Deleted
        | What::InitContainerPassed { .. }
        | What::NotReady
        | What::NotRun { .. }
        | What::Scheduled { .. }
        | What::Started { .. } => Style::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(detail: Detail, what: What) -> String {
        let mut out = Vec::new();
        let cue = Cue {
            subject: "web".to_owned(),
            what,
        };
        Timeline::new(anstream::StripStream::new(&mut out), detail)
            .hear(Duration::from_millis(1234), &cue);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_line_says_when_who_and_what() {
        assert_eq!(told(Detail::Events, What::Ready), "   1.23s  web  ready\n");
    }

    #[test]
    fn what_clients_print_is_told_on_request_only() {
        let line = || What::Output {
            line: "Checking: a/b".to_owned(),
        };
        assert_eq!(told(Detail::Events, line()), "");
        assert!(told(Detail::Output, line()).ends_with("| Checking: a/b\n"));
        assert_eq!(told(Detail::Nothing, What::Ready), "");
    }
}
