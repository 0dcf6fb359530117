//! Options as most programs write them: `-zv`, `-w5`, `-w 5`, `--host=db`, `--host db`.

use crate::text::Text;

/// The options that a program knows. Others end the understanding of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    pub(super) program: &'static str,
    /// Options without a value, without their dashes.
    pub(super) flags: &'static [&'static str],
    /// Options with a value.
    pub(super) values: &'static [&'static str],
}

/// The options and other arguments of a call.
#[derive(Debug, Default)]
pub(super) struct Options {
    given: Vec<(&'static str, Text)>,
    /// What is no option.
    pub(super) rest: Vec<Text>,
    /// What stands behind `--`.
    pub(super) command: Vec<Text>,
}

impl Known {
    /// Reads a call; the reason for a failure reads after "it".
    pub(super) fn read(&self, arguments: &[Text]) -> Result<Options, String> {
        let mut options = Options::default();
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            let known = argument.as_known();
            match known {
                Some("--") => {
                    options.command = arguments.cloned().collect();
                    break;
                }
                Some(text) if text.starts_with("--") => {
                    let next = || arguments.next().cloned();
                    options.given.push(self.long(&text[2..], next)?);
                }
                Some(text) if text.starts_with('-') && text.len() > 1 => {
                    self.short(&text[1..], &mut options.given, || arguments.next().cloned())?;
                }
                _ => match self.unknown_value(argument) {
                    Some(given) => options.given.push(given),
                    None => options.rest.push(argument.clone()),
                },
            }
        }
        Ok(options)
    }

    fn long(
        &self,
        text: &str,
        next: impl FnOnce() -> Option<Text>,
    ) -> Result<(&'static str, Text), String> {
        let (name, value) = match text.split_once('=') {
            Some((name, value)) => (name, Some(Text::known(value))),
            None => (text, None),
        };
        if let Some(name) = self.value(name) {
            let value = value.or_else(next);
            return value
                .map(|value| (name, value))
                .ok_or_else(|| format!("calls `{}` without a value for --{name}", self.program));
        }
        let flag = self.flags.iter().find(|flag| **flag == name);
        let flag = flag.ok_or_else(|| self.not_known(&format!("--{name}")))?;
        Ok((flag, value.unwrap_or(Text::known("true"))))
    }

    fn short(
        &self,
        letters: &str,
        given: &mut Vec<(&'static str, Text)>,
        next: impl FnOnce() -> Option<Text>,
    ) -> Result<(), String> {
        for (at, letter) in letters.char_indices() {
            let rest = &letters[at + letter.len_utf8()..];
            let letter = letter.encode_utf8(&mut [0; 4]).to_owned();
            if let Some(name) = self.value(&letter) {
                let attached = rest.strip_prefix('=').unwrap_or(rest);
                let value = match attached {
                    "" => next(),
                    attached => Some(Text::known(attached)),
                };
                let missing = || format!("calls `{}` without a value for -{name}", self.program);
                given.push((name, value.ok_or_else(missing)?));
                return Ok(());
            }
            let flag = self.flags.iter().find(|flag| **flag == letter);
            let flag = flag.ok_or_else(|| self.not_known(&format!("-{letter}")))?;
            given.push((flag, Text::known("true")));
        }
        Ok(())
    }

    /// Recognises `--host=...` whose value is not known.
    fn unknown_value(&self, argument: &Text) -> Option<(&'static str, Text)> {
        let Text::Answer(answer) = argument else {
            return None;
        };
        let name = answer.before.strip_prefix("--")?.strip_suffix('=')?;
        Some((
            self.value(name)?,
            Text::unknown("uses what a command prints"),
        ))
    }

    fn value(&self, name: &str) -> Option<&'static str> {
        self.values.iter().find(|value| **value == name).copied()
    }

    fn not_known(&self, option: &str) -> String {
        format!(
            "calls `{}` with {option}, which has no equivalent in a term",
            self.program
        )
    }
}

impl Options {
    /// Returns the last value of an option, under any of its names.
    pub(super) fn value(&self, names: &[&str]) -> Option<&Text> {
        let mut given = self.given.iter().rev();
        given
            .find(|(name, _)| names.contains(name))
            .map(|(_, value)| value)
    }

    /// Returns all values of an option.
    pub(super) fn values(&self, names: &[&str]) -> impl Iterator<Item = &Text> {
        let given = self.given.iter();
        given
            .filter(move |(name, _)| names.contains(name))
            .map(|(_, value)| value)
    }

    /// Returns why an argument is not known, if there is one: it may be an option with its value.
    pub(super) fn unknown(&self) -> Option<String> {
        self.rest.iter().find_map(|text| text.get().err())
    }

    /// Returns whether an option is given.
    pub(super) fn has(&self, names: &[&str]) -> bool {
        self.value(names)
            .is_some_and(|value| value.as_known() != Some("false"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: Known = Known {
        program: "nc",
        flags: &["z", "v", "quiet"],
        values: &["w", "host"],
    };

    fn read(line: &str) -> Result<Options, String> {
        let words: Vec<_> = line.split_whitespace().map(Text::known).collect();
        KNOWN.read(&words)
    }

    #[test]
    fn options_are_read_in_every_spelling() {
        for line in [
            "-zvw5 db 1",
            "-z -v -w 5 db 1",
            "db 1 -zv -w5",
            "-z -v --quiet -w=5 db 1",
        ] {
            let options = read(line).unwrap();
            assert!(options.has(&["z"]) && options.has(&["v"]), "{line}");
            assert_eq!(options.value(&["w"]), Some(&Text::known("5")), "{line}");
            assert_eq!(options.rest, ["db", "1"].map(Text::known), "{line}");
        }
        let options = read("--host=db --host other -- x y").unwrap();
        assert_eq!(options.value(&["host"]), Some(&Text::known("other")));
        assert_eq!(options.command, ["x", "y"].map(Text::known));
    }

    #[test]
    fn an_unknown_option_is_named() {
        let reason = read("-zu db 1").unwrap_err();
        assert_eq!(
            reason,
            "calls `nc` with -u, which has no equivalent in a term"
        );
        assert!(read("--x").is_err());
        assert!(read("-w").is_err());
    }
}
