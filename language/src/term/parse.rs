//! The grammar of one term.

mod object;
mod probe;

use std::num::NonZeroU32;

use super::{Demand, Presence, Scheme, Target, Term};
use crate::{
    name::Namespace,
    object::{ObjectDemand, ObjectKind},
    syntax::{Broken, Cursor, Quoted},
    template::{NameTemplate, ValueTemplate, ValueTemplateError},
};

pub(super) fn term(cursor: &mut Cursor<'_>) -> Result<Term, Broken> {
    let start = cursor.offset;
    let presence = presence(cursor);
    let mut target = target(cursor)?;
    if presence == Presence::Failure && !may_fail(&target) {
        return Err(Broken::at(
            start,
            "! goes with a variable, or a job: without a condition or field, such as \
             !migrate/failed or !job:migrate",
        ));
    }
    if let Some(on_node) = object::on_node(cursor, &target)?
        && let Target::Object(object) = &mut target
    {
        object.on_node = Some(on_node);
    }
    let within = within(cursor, presence)?;
    Ok(Term {
        presence,
        target,
        within,
    })
}

fn presence(cursor: &mut Cursor<'_>) -> Presence {
    if cursor.eat("!") {
        Presence::Failure
    } else if cursor.eat("?") {
        Presence::Optional
    } else {
        Presence::Required
    }
}

fn may_fail(target: &Target) -> bool {
    match target {
        Target::Below { .. } | Target::Variable { .. } => true,
        Target::Object(object) => {
            object.kind == ObjectKind::Job && object.demand == ObjectDemand::Rule
        }
        Target::Probe(_) => false,
    }
}

fn target(cursor: &mut Cursor<'_>) -> Result<Target, Broken> {
    if is_probe(cursor.rest_of_word()) {
        return probe::probe(cursor).map(Target::Probe);
    }
    let start = cursor.offset;
    let name = cursor.take_name("/*");
    if cursor.peek() == Some(':') {
        cursor.offset = start;
        let object = object::object(cursor)?;
        return Ok(Target::Object(Box::new(object)));
    }
    match name.strip_suffix('*') {
        Some(prefix) => below(cursor, start, prefix),
        None => variable(cursor, start, name),
    }
}

/// Returns whether `word` can be nothing but a URL: a value, behind its `=`, may hold one too.
fn is_probe(word: &str) -> bool {
    let is_scheme = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    let scheme = word.split_once("://").map(|(scheme, _)| scheme);
    word.starts_with('"') || scheme.is_some_and(|scheme| scheme.chars().all(is_scheme))
}

fn name_template(start: usize, text: &str) -> Result<NameTemplate, Broken> {
    text.parse().map_err(|error| Broken::at(start, error))
}

fn variable(cursor: &mut Cursor<'_>, start: usize, name: &str) -> Result<Target, Broken> {
    if name.is_empty() {
        return Err(unexpected(cursor));
    }
    let name = name_template(start, name)?;
    let namespace = namespace(cursor)?;
    let demand = if let Some(count) = count(cursor)? {
        Demand::Owners(count)
    } else if cursor.eat("=") {
        Demand::Equals(value(cursor)?)
    } else {
        Demand::Exists
    };
    Ok(Target::Variable {
        name,
        namespace,
        demand,
    })
}

fn value(cursor: &mut Cursor<'_>) -> Result<ValueTemplate, Broken> {
    let start = cursor.offset;
    let value = cursor.take_word()?.parse();
    value.map_err(|error: ValueTemplateError| Broken::at(start, error))
}

fn below(cursor: &mut Cursor<'_>, start: usize, prefix: &str) -> Result<Target, Broken> {
    if !prefix.ends_with('/') || prefix.trim_matches('/').is_empty() {
        return Err(Broken::at(
            start,
            "* stands alone in the last segment below a name, such as workers/*",
        ));
    }
    let prefix = name_template(start, prefix)?;
    let namespace = namespace(cursor)?;
    let at_least = count(cursor)?.unwrap_or(NonZeroU32::MIN);
    if cursor.peek() == Some('=') {
        return Err(
            cursor.broken("a * counts variables: write >= and a number, such as workers/*>=3")
        );
    }
    Ok(Target::Below {
        prefix,
        namespace,
        at_least,
    })
}

/// Says what was perhaps meant by a URL without its slashes.
fn no_slashes(scheme: Scheme, rest: &str) -> String {
    let scheme = scheme.as_str();
    let rest = rest.trim_start_matches('/');
    let is_host = !rest.bytes().all(|byte| byte.is_ascii_digit());
    let url = format!("{scheme}://{}", if is_host { rest } else { "redis:6379" });
    let url = Quoted(&url);
    format!("{scheme:?} is not a kind that can be waited for: write a URL, such as {url}")
}

fn namespace(cursor: &mut Cursor<'_>) -> Result<Option<Namespace>, Broken> {
    if !cursor.eat("@") {
        return Ok(None);
    }
    let start = cursor.offset;
    let text = cursor.take_while(|c| !c.is_whitespace() && !matches!(c, ',' | '=' | '>' | '{'));
    text.parse()
        .map(Some)
        .map_err(|error| Broken::at(start, error))
}

fn count(cursor: &mut Cursor<'_>) -> Result<Option<NonZeroU32>, Broken> {
    if cursor.peek() != Some('>') {
        return Ok(None);
    }
    let start = cursor.offset;
    let digits = if cursor.eat(">=") {
        cursor.take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.'))
    } else {
        ""
    };
    match digits.parse() {
        Ok(count) => Ok(Some(count)),
        Err(_) => Err(Broken::at(
            start,
            format!(
                "a count is >= and a number from 1 to {}, such as >=3",
                u32::MAX
            ),
        )),
    }
}

fn within(cursor: &mut Cursor<'_>, presence: Presence) -> Result<Option<super::Timeout>, Broken> {
    let before = cursor.offset;
    cursor.skip_blanks();
    let start = cursor.offset;
    if start == before || cursor.rest_of_word() != "within" {
        return Ok(None);
    }
    if presence == Presence::Failure {
        return Err(cursor.broken("a failure term takes no within: it never delays a wait"));
    }
    cursor.eat("within");
    cursor.skip_blanks();
    let start = cursor.offset;
    let text = cursor.take_while(|c| !crate::value::ends_word(c));
    text.parse()
        .map(Some)
        .map_err(|error| Broken::at(start, error))
}

fn unexpected(cursor: &Cursor<'_>) -> Broken {
    let word = cursor.rest_of_word();
    cursor.broken(if word.is_empty() {
        "a variable, an object or a URL is missing".to_owned()
    } else {
        format!(
            "{} is not a variable, an object such as job:migrate or a URL such as tcp://redis:6379",
            Quoted(word)
        )
    })
}
