//! The grammar of one term.

mod probe;

use std::num::NonZeroU32;

use super::{Demand, ObjectKind, Presence, Scheme, Target, Term};
use crate::{
    name::{Namespace, is_dns_label, is_name_character},
    syntax::{Broken, Cursor, Quoted},
    template::{NameTemplate, ObjectNameError, ResolveError, TemplateError},
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
        Target::Object { kind, .. } => *kind == ObjectKind::Job,
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
    let known = ObjectKind::BUILT_IN
        .iter()
        .any(|kind| kind.resource() == resource);
    if !known && !is_resource(resource) {
        return Err(Broken::at(start, unknown_kind(resource, text)));
    }
    let name = object_name(text).map_err(|rule| Broken::at(name_start, rule))?;
    let namespace = namespace(cursor)?;
    let kind = object_kind(cursor, resource)?;
    Ok(Target::Object {
        kind,
        name,
        namespace,
    })
}

/// Returns whether `text` is a plural with its group, such as `certificates.cert-manager.io`.
fn is_resource(text: &str) -> bool {
    text.contains('.') && text.split('.').all(is_dns_label)
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

fn object_kind(cursor: &mut Cursor<'_>, resource: &str) -> Result<ObjectKind, Broken> {
    if let Some(kind) = ObjectKind::BUILT_IN
        .into_iter()
        .find(|kind| kind.resource() == resource)
    {
        return match cursor.peek() {
            Some('=' | '>') => Err(cursor.broken(format!(
                "{resource}: takes no value or count: it holds when the object {}",
                kind.holds_when()
            ))),
            _ => Ok(kind),
        };
    }
    if !cursor.eat("=") {
        return Err(cursor.broken(format!("a condition is missing, as in {resource}:x=Ready")));
    }
    let condition = cursor.take_while(|c| is_name_character(c) || c == '/');
    if condition.is_empty() {
        return Err(cursor.broken("the type of a status condition is missing, such as Ready"));
    }
    Ok(ObjectKind::Custom {
        resource: resource.into(),
        condition: condition.into(),
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

fn unknown_kind(resource: &str, name: &str) -> String {
    let quoted = Quoted(resource);
    if !name.is_empty() && name.bytes().all(|digit| digit.is_ascii_digit()) {
        return format!(
            "{quoted} is not a kind that can be waited for; did you mean tcp://{resource}:{name}?"
        );
    }
    let kinds = ObjectKind::BUILT_IN;
    let nearest = kinds
        .iter()
        .map(ObjectKind::resource)
        .max_by(|a, b| strsim::jaro(a, resource).total_cmp(&strsim::jaro(b, resource)))
        .unwrap_or_default();
    format!(
        "{quoted} is not a kind that can be waited for; did you mean {nearest}:? There are job: pod: \
         service: deployment: statefulset: daemonset: and any other as plural.group:name=Condition"
    )
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
