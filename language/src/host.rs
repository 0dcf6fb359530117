//! Hosts that always mean the machine, or the pod, that asks.

use std::net::IpAddr;

/// Returns whether a host is the loopback: an address of it, in brackets or not, or a name that
/// RFC 6761 reserves for it.
///
/// ```
/// use oncue_language::host::is_loopback;
///
/// assert!(["127.0.0.9", "[::1]", "::ffff:127.0.0.1", "LOCALHOST.", "db.localhost"]
///     .into_iter()
///     .all(is_loopback));
/// assert!(!["10.0.0.1", "localhost.example", "notlocalhost", ""].into_iter().any(is_loopback));
/// ```
pub fn is_loopback(host: &str) -> bool {
    let bare = host.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
    if let Ok(address) = bare.unwrap_or(host).parse::<IpAddr>() {
        return address.to_canonical().is_loopback();
    }
    let name = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    name == "localhost" || name.ends_with(".localhost")
}
