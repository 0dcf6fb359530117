//! What `oncue rehearse` plays instead of a pod's own containers.

use std::{fmt, str::FromStr};

use thiserror::Error;

use crate::timeout::Timeout;

/// How a pod behaves in a rehearsal: it starts, becomes ready and ends at once by default.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Rehearsal {
    /// `ready=2s`: from the start until it is ready.
    pub ready: Option<Timeout>,
    /// `run=5s`: from the start until it ends.
    pub run: Option<Timeout>,
    /// `fail`: it ends by failing.
    pub end: End,
}

/// How a pod ends in a rehearsal.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum End {
    /// It fails.
    Failure,
    /// It succeeds.
    #[default]
    Success,
}

impl fmt::Display for Rehearsal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = [
            self.ready.map(|ready| format!("ready={ready}")),
            self.run.map(|run| format!("run={run}")),
            (self.end == End::Failure).then(|| "fail".to_owned()),
        ];
        let words: Vec<_> = words.into_iter().flatten().collect();
        f.write_str(&words.join(" "))
    }
}

impl FromStr for Rehearsal {
    type Err = RehearsalError;

    fn from_str(text: &str) -> Result<Self, RehearsalError> {
        let mut rehearsal = Self::default();
        for word in text.split_whitespace() {
            let error = || RehearsalError {
                word: word.to_owned(),
            };
            match word.split_once('=') {
                None if word == "fail" => rehearsal.end = End::Failure,
                Some(("ready", time)) => rehearsal.ready = Some(time.parse().map_err(|_| error())?),
                Some(("run", time)) => rehearsal.run = Some(time.parse().map_err(|_| error())?),
                _ => return Err(error()),
            }
        }
        Ok(rehearsal)
    }
}

/// A word that a rehearsal does not know.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("{word:?} is not known: write ready=2s, run=5s or fail, separated by spaces")]
pub struct RehearsalError {
    word: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_its_words_in_any_order_and_prints_them_in_one() {
        for (text, printed) in [
            ("", ""),
            ("fail", "fail"),
            (" run=5s  ready=2s ", "ready=2s run=5s"),
            ("fail run=5s", "run=5s fail"),
        ] {
            let rehearsal: Rehearsal = text.parse().unwrap();
            assert_eq!(rehearsal.to_string(), printed);
            assert_eq!(rehearsal.end == End::Failure, text.contains("fail"));
        }
    }

    #[test]
    fn names_the_word_that_is_not_known() {
        for bad in ["fial", "ready", "ready=soon", "run=0s", "fail=1s", "end=2s"] {
            let error = format!("ready=2s {bad}").parse::<Rehearsal>().unwrap_err();
            assert!(
                error
                    .to_string()
                    .starts_with(&format!("{bad:?} is not known")),
                "{error}"
            );
        }
    }
}
