//! `test`, `[ ]` and `[[ ]]`.

use super::{
    machine::{Machine, Run, Status},
    pattern, regex,
    syntax::{Comparison, Test, Word},
};
use crate::{
    check::Check,
    text::{Answer, ONE_READY, Observed, Text},
};

impl Machine<'_> {
    /// Runs `[[ ]]`.
    pub(super) fn extended_test(&mut self, expression: &Test) -> Run {
        match expression {
            Test::And(one, other) => {
                let status = self.extended_test(one)?;
                if status.holds()? {
                    self.extended_test(other)
                } else {
                    Ok(status)
                }
            }
            Test::Or(one, other) => {
                let status = self.extended_test(one)?;
                if status.holds()? {
                    Ok(status)
                } else {
                    self.extended_test(other)
                }
            }
            Test::Not(test) => {
                let status = self.extended_test(test)?;
                Ok(status.negate())
            }
            Test::Binary(Comparison::Match, one, other) => {
                let text = self.expand_one(one)?;
                self.matches(&text, other)
            }
            Test::Binary(comparison, one, other) => {
                let (one, other) = (self.expand_one(one)?, self.expand_one(other)?);
                self.compare(*comparison, &one, &other)
            }
            Test::IsEmpty(word) => {
                let text = self.expand_one(word)?;
                self.is_set(&text).map(Status::negate)
            }
            Test::IsSet(word) => {
                let text = self.expand_one(word)?;
                self.is_set(&text)
            }
            Test::Unclear(reason) => self.ask_status(Check::opaque(reason.as_str())),
        }
    }

    /// Returns whether a regular expression matches a text; what is in quotes stands for itself.
    fn matches(&mut self, text: &Text, expression: &Word) -> Run {
        let mut pattern = String::new();
        for piece in expression {
            let part = self.piece(piece)?;
            match part.get() {
                Ok(part) if piece.is_quoted() => pattern.push_str(&::regex::escape(part)),
                Ok(part) => pattern.push_str(part),
                Err(reason) => return Ok(Status::Unclear(reason)),
            }
        }
        match text {
            Text::Known(text) => Ok(regex::compile(&pattern, false).map_or_else(
                || Status::Unclear("compares with a regular expression".to_owned()),
                |regex| Status::of(regex.is_match(text)),
            )),
            Text::Answer(_) => self.ask_status(Check::opaque("compares the content of an answer")),
            Text::Unknown(reason) => Ok(Status::Unclear(reason.clone())),
        }
    }

    /// Runs `[ ... ]` without its brackets.
    pub(super) fn test(&mut self, words: &[Text]) -> Run {
        let word = |index: usize| words.get(index).and_then(Text::as_known);
        let position = |name: &str| {
            // An operator stands between two expressions.
            let inner = words.iter().enumerate().skip(1);
            let mut inner = inner.take(words.len().saturating_sub(2));
            inner.find_map(|(index, text)| (text.as_known() == Some(name)).then_some(index))
        };
        if words.len() > 3 {
            if let Some(index) = position("-o") {
                let status = self.test(&words[..index])?;
                return if status.holds()? {
                    Ok(status)
                } else {
                    self.test(&words[index + 1..])
                };
            }
            if let Some(index) = position("-a") {
                let status = self.test(&words[..index])?;
                return if status.holds()? {
                    self.test(&words[index + 1..])
                } else {
                    Ok(status)
                };
            }
        }
        match words {
            [] => Ok(Status::FAILURE),
            [text] => self.is_set(text),
            [_, text] => match word(0) {
                Some("!" | "-z") => self.is_set(text).map(Status::negate),
                Some("-n") => self.is_set(text),
                Some(operator) if operator.starts_with('-') => {
                    let reason = format!("waits for the file {text}");
                    self.ask_status(Check::Opaque(reason))
                }
                _ => Ok(unreadable(words)),
            },
            [one, _, other] if word(0) != Some("!") || is_operator(word(1)) => {
                self.binary_test(one, word(1), other)
            }
            [_, rest @ ..] if word(0) == Some("!") => self.test(rest).map(Status::negate),
            _ => Ok(unreadable(words)),
        }
    }

    fn binary_test(&mut self, one: &Text, operator: Option<&str>, other: &Text) -> Run {
        let (comparison, is_negated) = match operator {
            Some("=" | "==") => (Comparison::Equal, false),
            Some("!=") => (Comparison::Equal, true),
            Some("-eq") => (Comparison::NumberEqual, false),
            Some("-ne") => (Comparison::NumberEqual, true),
            Some("-lt") => (Comparison::Less, false),
            Some("-le") => (Comparison::AtMost, false),
            Some("-gt") => (Comparison::More, false),
            Some("-ge") => (Comparison::AtLeast, false),
            _ => {
                let operator = operator.unwrap_or_default();
                return Ok(Status::Unclear(format!("tests with {operator:?}")));
            }
        };
        let status = if comparison == Comparison::Equal {
            self.same(one, other)?
        } else {
            self.compare(comparison, one, other)?
        };
        Ok(if is_negated { status.negate() } else { status })
    }

    /// Returns whether a text matches a pattern.
    pub(super) fn equals(&mut self, text: &Text, pattern: &Text) -> Run {
        self.compare(Comparison::Equal, text, pattern)
    }

    /// Returns whether two texts are the same; neither is a pattern.
    fn same(&mut self, one: &Text, other: &Text) -> Run {
        match (one, other) {
            (Text::Known(one), Text::Known(other)) => Ok(Status::of(one == other)),
            _ => self.compare(Comparison::Equal, one, other),
        }
    }

    fn compare(&mut self, comparison: Comparison, one: &Text, other: &Text) -> Run {
        match (one, other) {
            (Text::Known(one), Text::Known(other)) => Ok(compare_known(comparison, one, other)),
            (Text::Answer(answer), Text::Known(known)) => {
                self.compare_answer(answer, comparison, known)
            }
            (Text::Known(known), Text::Answer(answer)) => {
                self.compare_answer(answer, mirror(comparison), known)
            }
            (Text::Unknown(reason), _) | (_, Text::Unknown(reason)) => {
                Ok(Status::Unclear(reason.clone()))
            }
            (Text::Answer(_), Text::Answer(_)) => Ok(Status::Unclear(
                "compares what two commands print".to_owned(),
            )),
        }
    }

    fn is_set(&mut self, text: &Text) -> Run {
        match text {
            Text::Known(text) => Ok(Status::of(!text.is_empty())),
            Text::Unknown(reason) => Ok(Status::Unclear(reason.clone())),
            Text::Answer(answer) if answer.before.is_empty() && answer.after.is_empty() => {
                let check = match &answer.what {
                    Observed::Field { object, path } => Check::exact(&format!("{object}{path}")),
                    Observed::Condition { object, name } => Check::approximate(
                        &format!("{object}={name}"),
                        "it waits until the condition is there, the term until it is True",
                    ),
                    Observed::Readiness { pods } => {
                        Check::opaque(format!("waits until {pods} says whether it is Ready"))
                    }
                    Observed::Content(reason) => Check::opaque(reason.as_str()),
                };
                self.ask_status(check)
            }
            Text::Answer(_) => Ok(Status::SUCCESS),
        }
    }

    fn compare_answer(&mut self, answer: &Answer, comparison: Comparison, known: &str) -> Run {
        if let Observed::Content(reason) = &answer.what {
            return self.ask_status(Check::opaque(reason.as_str()));
        }
        let inner = known.strip_prefix(&answer.before);
        let Some(value) = inner.and_then(|inner| inner.strip_suffix(&answer.after)) else {
            return Ok(Status::FAILURE);
        };
        if value.is_empty() && comparison == Comparison::Equal {
            let bare = Text::answer(answer.what.clone());
            return self.is_set(&bare).map(Status::negate);
        }
        self.compare_observed(&answer.what, comparison, value)
    }

    fn compare_observed(&mut self, what: &Observed, comparison: Comparison, value: &str) -> Run {
        let number = value.parse::<i64>().ok();
        let at_least = |object: &str, path: &str, number: Option<i64>| match number {
            Some(number) => Check::exact(&format!("{object}{path}>={number}")),
            None => Check::opaque(format!("compares {object}{path} with {value:?}")),
        };
        let next = number.and_then(|number| number.checked_add(1));
        let (check, is_negated) = match (what, comparison) {
            (Observed::Condition { object, name }, Comparison::Equal) if value == "True" => {
                (Check::exact(&format!("{object}={name}")), false)
            }
            (Observed::Field { object, path }, Comparison::Equal | Comparison::NumberEqual)
                if !value.contains(['*', '?', '[']) =>
            {
                (
                    Check::exact(&format!("{object}{path}={}", quoted(value))),
                    false,
                )
            }
            (Observed::Field { object, path }, Comparison::AtLeast) => {
                (at_least(object, path, number), false)
            }
            (Observed::Field { object, path }, Comparison::More) => {
                (at_least(object, path, next), false)
            }
            (Observed::Field { object, path }, Comparison::Less) => {
                (at_least(object, path, number), true)
            }
            (Observed::Field { object, path }, Comparison::AtMost) => {
                (at_least(object, path, next), true)
            }
            (Observed::Readiness { pods }, Comparison::Equal) if value == "True" => {
                (Check::approximate(pods, ONE_READY), false)
            }
            (
                Observed::Condition { object, .. }
                | Observed::Field { object, .. }
                | Observed::Readiness { pods: object },
                _,
            ) => {
                let reason = format!("compares {object} with {value:?}, which no term does");
                (Check::Opaque(reason), false)
            }
            (Observed::Content(reason), _) => (Check::opaque(reason.as_str()), false),
        };
        let status = self.ask_status(check)?;
        Ok(if is_negated { status.negate() } else { status })
    }
}

/// Returns a value as a term writes it.
fn quoted(value: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '/' | ':');
    if value.chars().all(is_plain) {
        value.to_owned()
    } else {
        format!("{value:?}")
    }
}

fn compare_known(comparison: Comparison, one: &str, other: &str) -> Status {
    if comparison == Comparison::Equal {
        return Status::of(pattern::matches(one, other));
    }
    let number = |text: &str| text.trim().parse::<i64>();
    let (Ok(one), Ok(other)) = (number(one), number(other)) else {
        // The shell complains, and goes on with this status.
        return Status::Code(2);
    };
    Status::of(match comparison {
        Comparison::AtLeast => one >= other,
        Comparison::AtMost => one <= other,
        Comparison::Less => one < other,
        Comparison::More => one > other,
        Comparison::Equal | Comparison::Match | Comparison::NumberEqual => one == other,
    })
}

/// Returns the comparison with its sides exchanged.
fn mirror(comparison: Comparison) -> Comparison {
    match comparison {
        Comparison::AtLeast => Comparison::AtMost,
        Comparison::AtMost => Comparison::AtLeast,
        Comparison::Less => Comparison::More,
        Comparison::More => Comparison::Less,
        same @ (Comparison::Equal | Comparison::Match | Comparison::NumberEqual) => same,
    }
}

fn is_operator(word: Option<&str>) -> bool {
    const OPERATORS: [&str; 9] = ["=", "==", "!=", "-eq", "-ne", "-lt", "-le", "-gt", "-ge"];
    word.is_some_and(|word| OPERATORS.contains(&word))
}

fn unreadable(words: &[Text]) -> Status {
    let words: Vec<_> = words.iter().map(ToString::to_string).collect();
    Status::Unclear(format!("tests {:?}", words.join(" ")))
}
