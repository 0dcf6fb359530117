//! A text that a container would see, as far as the files tell it.

use std::fmt;

/// The pod's own namespace if no file names it, in the notation of terms.
pub(crate) const OWN_NAMESPACE: &str = "$(POD_NAMESPACE)";

/// A text in a shell script or in an argument.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Text {
    /// What `kubectl` prints of an object.
    Answer(Answer),
    /// The text itself.
    Known(String),
    /// Only the running container knows it; the reason reads after "it".
    Unknown(String),
}

/// What a command prints, with what the script puts around it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Answer {
    pub(crate) before: String,
    pub(crate) what: Observed,
    pub(crate) after: String,
}

/// Something that a script can compare.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Observed {
    /// The status of a condition of an object: `job:x`, `Complete`.
    Condition { object: String, name: String },
    /// Content that no term compares; the reason reads after "it".
    Content(String),
    /// A field of an object: `job:x`, `{.status.succeeded}`.
    Field { object: String, path: String },
    /// Whether the one pod that labels select is Ready: `pod:[app=db]`.
    Readiness { pods: String },
}

/// What a term says less than a script that prints the readiness of pods.
pub(crate) const ONE_READY: &str =
    "it waits until one pod matches and is Ready, the term until one of those that match is Ready";

impl Text {
    pub(crate) fn known(text: impl Into<String>) -> Self {
        Self::Known(text.into())
    }

    pub(crate) fn unknown(reason: impl Into<String>) -> Self {
        Self::Unknown(reason.into())
    }

    pub(crate) fn answer(what: Observed) -> Self {
        Self::Answer(Answer {
            before: String::new(),
            what,
            after: String::new(),
        })
    }

    /// Returns the text if it is known.
    pub(crate) fn as_known(&self) -> Option<&str> {
        match self {
            Self::Known(text) => Some(text),
            Self::Answer(_) | Self::Unknown(_) => None,
        }
    }

    /// Returns the text, or why it is not known.
    pub(crate) fn get(&self) -> Result<&str, String> {
        match self {
            Self::Known(text) => Ok(text),
            Self::Unknown(reason) => Err(reason.clone()),
            Self::Answer(_) => Err("uses what a command prints".to_owned()),
        }
    }

    /// Returns this text with `other` behind it.
    pub(crate) fn append(self, other: Self) -> Self {
        match (self, other) {
            (Self::Known(one), Self::Known(other)) => Self::Known(one + &other),
            (Self::Known(one), Self::Answer(mut answer)) => {
                answer.before.insert_str(0, &one);
                Self::Answer(answer)
            }
            (Self::Answer(mut answer), Self::Known(other)) => {
                answer.after.push_str(&other);
                Self::Answer(answer)
            }
            (Self::Unknown(reason), _) | (_, Self::Unknown(reason)) => Self::Unknown(reason),
            (Self::Answer(_), Self::Answer(_)) => {
                Self::unknown("combines what several commands print")
            }
        }
    }

    /// Returns the texts one behind the other.
    pub(crate) fn concat(texts: impl IntoIterator<Item = Self>) -> Self {
        texts.into_iter().fold(Self::known(""), Self::append)
    }

    /// Returns the texts with a separator between them.
    pub(crate) fn joined(texts: impl IntoIterator<Item = Self>, separator: &str) -> Self {
        let texts = texts.into_iter().enumerate();
        Self::concat(texts.map(|(index, text)| {
            let before = if index == 0 { "" } else { separator };
            Self::known(before).append(text)
        }))
    }

    /// Drops line breaks at the end, as command substitution does.
    pub(crate) fn trim_end(self) -> Self {
        match self {
            Self::Known(text) => Self::known(text.trim_end_matches('\n')),
            Self::Answer(mut answer) => {
                answer
                    .after
                    .truncate(answer.after.trim_end_matches('\n').len());
                Self::Answer(answer)
            }
            unknown @ Self::Unknown(_) => unknown,
        }
    }
}

/// Prints it for a reason: an unknown text as `...`.
impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_known().unwrap_or("..."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_part_makes_the_whole_unknown() {
        let text = Text::concat([
            Text::known("a"),
            Text::unknown("is secret"),
            Text::known("b"),
        ]);
        assert_eq!(text, Text::unknown("is secret"));
        assert_eq!(
            Text::concat([Text::known("a"), Text::known("b")]),
            Text::known("ab")
        );
    }

    #[test]
    fn an_answer_keeps_what_stands_around_it() {
        let answer = Text::answer(Observed::Content("compares".to_owned()));
        let text = Text::concat([Text::known("x"), answer, Text::known("y\n")]).trim_end();
        let Text::Answer(answer) = text else {
            panic!("{text:?}");
        };
        assert_eq!((answer.before.as_str(), answer.after.as_str()), ("x", "y"));
    }
}
