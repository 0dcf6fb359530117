//! The table of hosts.

use std::net::IpAddr;

/// Returns the addresses of `host` in the text of a hosts file, in their order.
pub(super) fn lookup(text: &[u8], host: &str) -> Vec<IpAddr> {
    let host = without_dot(host);
    String::from_utf8_lossy(text)
        .lines()
        .filter_map(|line| {
            let mut words = line.split('#').next()?.split_whitespace();
            let address = words.next()?.parse().ok()?;
            words
                .any(|name| without_dot(name).eq_ignore_ascii_case(host))
                .then_some(address)
        })
        .collect()
}

fn without_dot(name: &str) -> &str {
    name.strip_suffix('.').unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &[u8] = b"\
# Kubernetes-managed hosts file.
127.0.0.1\tlocalhost
::1\tlocalhost ip6-localhost # both
10.0.0.7 web-0.web web-0
not-an-address web-0
10.0.0.8 #web-9
\xff\xfe 10.0.0.9
";

    #[test]
    fn finds_every_address_of_a_name_whatever_its_case() {
        for (host, addresses) in [
            ("localhost", vec!["127.0.0.1", "::1"]),
            ("LOCALHOST.", vec!["127.0.0.1", "::1"]),
            ("web-0", vec!["10.0.0.7"]),
            ("web-0.web", vec!["10.0.0.7"]),
            ("web-9", vec![]),
            ("web", vec![]),
            ("10.0.0.8", vec![]),
        ] {
            let found: Vec<_> = lookup(TABLE, host)
                .iter()
                .map(ToString::to_string)
                .collect();
            assert_eq!(found, addresses, "{host}");
        }
    }
}
