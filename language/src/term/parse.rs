//! The grammar of one term.

use std::num::NonZeroU32;

use super::{Demand, ObjectKind, Presence, Probe, Scheme, Target, Term};
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
        return probe(cursor).map(Target::Probe);
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

fn probe(cursor: &mut Cursor<'_>) -> Result<Probe, Broken> {
    let (start, written) = (cursor.offset, cursor.rest());
    let url = cursor.take_word()?;
    let broken = |rule: String| Broken::at(start, rule);
    let (scheme, rest) = probe_scheme(&url).map_err(broken)?;
    if rest.contains("$(") {
        return Err(broken(
            "substitutions such as $(POD_NAME) stand in names, not in URLs".to_owned(),
        ));
    }
    if rest.chars().any(char::is_control) {
        return Err(broken("a URL holds no control characters".to_owned()));
    }
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let (host, port) = host_and_port(authority, scheme).map_err(broken)?;
    let probe = Probe {
        scheme,
        host: host.into(),
        port,
        path: probe_path(scheme, path).map_err(broken)?.into(),
    };
    if let Some((index, character)) = first_to_encode(path) {
        let before = &url[..url.len() - path.len() + index];
        let code = u32::from(character);
        return Err(Broken::at(
            start + written_bytes(written, before),
            format!("a URL holds no {character:?} here: write %{code:02X}"),
        ));
    }
    match probe.url().len() {
        0..=MAX_URL_BYTES => Ok(probe),
        bytes => Err(broken(format!(
            "a URL has at most {MAX_URL_BYTES} bytes, this one has {bytes}"
        ))),
    }
}

/// Longest URL that the client's HTTP library requests.
const MAX_URL_BYTES: usize = 65_534;

/// Returns the scheme of `url`, and what stands behind it.
fn probe_scheme(url: &str) -> Result<(Scheme, &str), String> {
    let (scheme, rest) = url.split_once("://").ok_or_else(|| {
        "in double quotes a URL was expected, such as \"http://web/ready?a=1,2\"".to_owned()
    })?;
    let known = Scheme::ALL.into_iter().find(|s| s.as_str() == scheme);
    let known = known.ok_or_else(|| {
        format!("{scheme}:// cannot be probed: there are tcp://host:port, http:// and https://")
    })?;
    Ok((known, rest))
}

/// Returns the first character, with its offset, that the client's HTTP library requests only
/// percent-encoded; what is behind a `#` is never sent.
fn first_to_encode(path: &str) -> Option<(usize, char)> {
    let path = path.split('#').next().unwrap_or_default();
    let query = path.find('?').unwrap_or(path.len());
    path.char_indices().find(|(index, character)| {
        let special = if *index < query { '`' } else { '"' };
        matches!(character, ' ' | '<' | '>') || *character == special
    })
}

/// Returns how many bytes of `written`, a word that may be in double quotes, say `before`.
fn written_bytes(written: &str, before: &str) -> usize {
    if written.starts_with('"') {
        1 + before.len() + before.matches(['"', '\\']).count()
    } else {
        before.len()
    }
}

fn probe_path(scheme: Scheme, path: &str) -> Result<String, String> {
    let path = path.split('#').next().unwrap_or_default();
    match scheme {
        Scheme::Tcp if path.is_empty() || path == "/" => Ok(String::new()),
        Scheme::Tcp => Err(format!(
            "tcp:// takes a host and a port only, not the path {path:?}"
        )),
        Scheme::Http | Scheme::Https if path.starts_with('/') => Ok(path.to_owned()),
        Scheme::Http | Scheme::Https => Ok(format!("/{path}")),
    }
}

fn host_and_port(authority: &str, scheme: Scheme) -> Result<(String, u16), String> {
    if authority.contains('@') {
        return Err("a URL holds no user name or password here".to_owned());
    }
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest
                .split_once(']')
                .ok_or("the [ of the IPv6 address is never closed")?;
            host.parse::<std::net::Ipv6Addr>()
                .map_err(|_| format!("{host:?} is not an IPv6 address"))?;
            (host, port.strip_prefix(':'))
        }
        None => match authority.rsplit_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    let host_ok = |c: char| is_name_character(c) || authority.starts_with('[') && c == ':';
    if host.is_empty() || !host.chars().all(host_ok) {
        return Err(format!(
            "{host:?} is not a host name, IPv4 address or [IPv6 address]"
        ));
    }
    Ok((host.to_ascii_lowercase(), probe_port(port, scheme)?))
}

fn probe_port(port: Option<&str>, scheme: Scheme) -> Result<u16, String> {
    match port {
        Some(text) => {
            let digits = text.bytes().all(|digit| digit.is_ascii_digit());
            match text.parse() {
                Ok(port @ 1..) if digits => Ok(port),
                _ => Err(format!("{} is not a port from 1 to 65535", Quoted(text))),
            }
        }
        None => scheme
            .default_port()
            .ok_or_else(|| "a port is missing, as in tcp://redis:6379".to_owned()),
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
