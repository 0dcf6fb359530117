//! The grammar of one term.

mod probe;

use std::num::NonZeroU32;

use super::{Demand, Presence, Scheme, Target, Term};
use crate::{
    name::{Namespace, is_name_character},
    object::{ConditionTypeError, ObjectDemand, ObjectKind, ObjectKindError, ObjectTerm, Which},
    syntax::{Broken, Cursor, Quoted},
    template::{NameTemplate, ObjectNameError, ResolveError, TemplateError},
    value::Value,
};

pub(super) fn term(cursor: &mut Cursor<'_>) -> Result<Term, Broken> {
    let start = cursor.offset;
    let presence = presence(cursor);
    let target = target(cursor)?;
    if presence == Presence::Failure && !may_fail(&target) {
        return Err(Broken::at(
            start,
            "! goes with a variable or a job: only, such as !migrate/failed or !job:migrate",
        ));
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
        Target::Object(object) => object.kind == ObjectKind::Job,
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
        return object(cursor);
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
        let at = cursor.offset;
        let value = cursor.take_word()?;
        Demand::Equals(value.parse().map_err(|error| Broken::at(at, error))?)
    } else {
        Demand::Exists
    };
    Ok(Target::Variable {
        name,
        namespace,
        demand,
    })
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

fn object(cursor: &mut Cursor<'_>) -> Result<Target, Broken> {
    let start = cursor.offset;
    let resource = cursor.take_while(|c| c != ':');
    cursor.eat(":");
    let name_start = cursor.offset;
    if let Some(scheme) = Scheme::ALL.into_iter().find(|it| it.as_str() == resource) {
        return Err(Broken::at(start, no_slashes(scheme, cursor.rest_of_word())));
    }
    let text = cursor.take_name("/*");
    if text.is_empty() {
        return Err(cursor.broken(format!(
            "the name of the {resource} is missing, as in {resource}:migrate"
        )));
    }
    let kind: ObjectKind = resource.parse().map_err(|error: ObjectKindError| {
        Broken::at(start, unknown_kind(resource, text, &error))
    })?;
    let name = object_name(text).map_err(|rule| Broken::at(name_start, rule))?;
    let namespace = namespace(cursor)?;
    let demand = object_demand(cursor, &kind)?;
    Ok(Target::Object(Box::new(ObjectTerm {
        kind,
        which: Which::Named(name),
        namespace,
        demand,
        on_node: None,
    })))
}

fn object_name(text: &str) -> Result<NameTemplate, ResolveError> {
    let error = || ObjectNameError {
        text: text.to_owned(),
    };
    let name: NameTemplate = match text.parse() {
        // Its rule speaks of variables.
        Err(TemplateError::Name(_)) => return Err(error().into()),
        parsed => parsed?,
    };
    // A variable's name drops these slashes.
    let is_whole = text.trim_matches('/') == text;
    if is_whole && name.may_name_object() {
        Ok(name)
    } else {
        Err(error().into())
    }
}

fn object_demand(
    cursor: &mut Cursor<'_>,
    kind: &ObjectKind,
) -> Result<ObjectDemand<Value>, Broken> {
    if !matches!(kind, ObjectKind::Other(_)) {
        return match cursor.peek() {
            Some('=' | '>') => Err(cursor.broken(format!(
                "{kind}: takes no value or count: it holds when the object {}",
                kind.holds_when()
            ))),
            _ => Ok(ObjectDemand::Rule),
        };
    }
    if !cursor.eat("=") {
        return Err(cursor.broken(format!("a condition is missing, as in {kind}:x=Ready")));
    }
    let start = cursor.offset;
    let condition = cursor.take_while(|c| is_name_character(c) || c == '/');
    let condition = condition
        .parse()
        .map_err(|error: ConditionTypeError| Broken::at(start, error))?;
    Ok(ObjectDemand::Condition(condition))
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

fn unknown_kind(resource: &str, name: &str, error: &ObjectKindError) -> String {
    let quoted = Quoted(resource);
    if !name.is_empty() && name.bytes().all(|digit| digit.is_ascii_digit()) {
        return format!(
            "{quoted} is not a kind that can be waited for; did you mean tcp://{resource}:{name}?"
        );
    }
    format!("{quoted} is not a kind that can be waited for; {error}")
}

fn namespace(cursor: &mut Cursor<'_>) -> Result<Option<Namespace>, Broken> {
    if !cursor.eat("@") {
        return Ok(None);
    }
    let start = cursor.offset;
    let text = cursor.take_while(|c| !c.is_whitespace() && !matches!(c, ',' | '=' | '>'));
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
