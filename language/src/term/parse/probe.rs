//! The grammar of the URLs that the client probes.

use crate::{
    name::is_name_character,
    syntax::{Broken, Cursor, Quoted},
    term::{Probe, Scheme},
};

pub(super) fn probe(cursor: &mut Cursor<'_>) -> Result<Probe, Broken> {
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
