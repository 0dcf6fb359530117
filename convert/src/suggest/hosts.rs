//! Names of Services in a text. A name alone may be any word, so that something around it must say
//! that it is a host.

/// A name in a text that is a host.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Mentioned<'t> {
    pub(super) host: &'t str,
    pub(super) port: Option<u16>,
}

/// Returns the hosts in `text`, which is the value of `key`. `ports` returns the ports of a Service
/// of this name, if there is one.
pub(super) fn hosts<'t>(
    key: &str,
    text: &'t str,
    ports: impl Fn(&Mentioned<'t>) -> Option<Vec<u16>>,
) -> Vec<Mentioned<'t>> {
    let mut found = Vec::new();
    for (start, host) in words(text) {
        let (before, after) = (&text[..start], &text[start + host.len()..]);
        let mentioned = Mentioned {
            host,
            port: port(after),
        };
        let Some(ports) = ports(&mentioned) else {
            continue;
        };
        let has_port = mentioned.port.is_some_and(|port| ports.contains(&port));
        let is_in_url = before.ends_with("://") || before.ends_with('@') && before.contains("://");
        let is_value = before.is_empty() && (after.is_empty() || mentioned.port.is_some());
        let is_named = if is_value {
            is_about_hosts(key)
        } else {
            is_about_hosts(key_of(before))
        };
        if is_in_url || has_port || is_named || host.contains(".svc") {
            found.push(mentioned);
        }
    }
    found
}

/// Returns the words that may be host names, each with where it begins.
fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
    let mut rest = 0;
    std::iter::from_fn(move || {
        let start = rest + text[rest..].find(is_part)?;
        let length = text[start..].find(|c| !is_part(c));
        let end = length.map_or(text.len(), |length| start + length);
        rest = end;
        // Options begin with dashes, sentences end with a full stop.
        let word = &text[start..end];
        let trimmed = word.trim_start_matches(['-', '.']);
        let start = end - trimmed.len();
        Some((start, trimmed.trim_end_matches(['-', '.'])))
    })
    .filter(|(_, word)| !word.is_empty())
}

fn port(after: &str) -> Option<u16> {
    let digits = after.strip_prefix(':')?;
    let end = digits
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(digits.len());
    digits[..end].parse().ok()
}

/// Returns the key that stands before a value, as in `--db-host=` or `hostname: `.
fn key_of(before: &str) -> &str {
    let before = before.trim_end_matches(['"', '\'', ' ']);
    let Some(key) = before.strip_suffix(['=', ':']) else {
        return "";
    };
    let key = key.trim_end_matches(['"', '\'', ' ']);
    let start = key.rfind(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '_' | '-' | '.'));
    start.map_or(key, |start| &key[start + 1..])
}

fn is_about_hosts(key: &str) -> bool {
    const WORDS: [&str; 12] = [
        "addr",
        "backend",
        "bootstrap",
        "broker",
        "dsn",
        "endpoint",
        "host",
        "peer",
        "server",
        "upstream",
        "uri",
        "url",
    ];
    let key = key.to_ascii_lowercase();
    WORDS.iter().any(|word| key.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(key: &str, text: &str) -> Vec<String> {
        let is_known = |it: &Mentioned<'_>| match it.host {
            "db" | "db.data.svc" => Some(vec![5432]),
            "web" => Some(vec![80]),
            _ => None,
        };
        let found = hosts(key, text, is_known).into_iter();
        found.map(|it| it.host.to_owned()).collect()
    }

    #[test]
    fn a_host_is_known_by_what_stands_around_it() {
        for (key, text, expected) in [
            ("DB_HOST", "db", &["db"][..]),
            ("NAME", "db", &[]),
            ("", "postgres://u:p@db/app", &["db"]),
            ("", "http://web/x and db:5432", &["web", "db"]),
            ("", "db:1", &[]),
            ("DB_ADDR", "db:1", &["db"]),
            ("", "--db-host=db", &["db"]),
            ("", "--name=db", &[]),
            ("", "  hostname: \"db\"", &["db"]),
            ("", "see the web and the db.", &[]),
            ("", "ping db.data.svc", &["db.data.svc"]),
            ("SERVERS", "web,db:5432", &["db"]),
        ] {
            assert_eq!(found(key, text), expected, "{key} {text:?}");
        }
    }
}
