//! Whether a request goes through a proxy: the answer is then the proxy's, not the server's.

use super::url::Url;
use crate::{shell::Machine, text::Text};

/// Returns why a probe is no such request, if the environment names a proxy for it.
pub(super) fn reason(machine: &mut Machine<'_>, url: &Url) -> Option<String> {
    let scheme = format!("{}_proxy", url.scheme);
    let upper = scheme.to_ascii_uppercase();
    // Both programs ignore HTTP_PROXY, which a CGI client could set.
    let names = if url.scheme == "http" {
        vec![scheme.as_str(), "all_proxy", "ALL_PROXY"]
    } else {
        vec![scheme.as_str(), upper.as_str(), "all_proxy", "ALL_PROXY"]
    };
    let name = names.into_iter().find(|name| is_set(machine, name))?;
    let goes_around = ["no_proxy", "NO_PROXY"].iter().any(|list| {
        let list = machine.value(list).ok();
        list.as_ref()
            .and_then(Text::as_known)
            .is_some_and(|list| covers(list, url.host()))
    });
    (!goes_around).then(|| format!("asks through the proxy of ${name}"))
}

fn is_set(machine: &mut Machine<'_>, name: &str) -> bool {
    let value = machine.value(name);
    value.is_ok_and(|value| value.as_known().is_none_or(|value| !value.is_empty()))
}

/// Returns whether a list of hosts and domains names a host.
fn covers(list: &str, host: &str) -> bool {
    let mut entries = list.split([',', ' ']).map(str::trim);
    entries.any(|entry| {
        let domain = entry.trim_start_matches("*.").trim_start_matches('.');
        let is_below = |rest: &str| rest.is_empty() || rest.ends_with('.');
        entry == "*" || !domain.is_empty() && host.strip_suffix(domain).is_some_and(is_below)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_names_hosts_and_domains() {
        for (list, host, expected) in [
            ("localhost,.svc,web", "web", true),
            ("localhost,.svc", "web.shop.svc", true),
            ("svc.cluster.local", "web.shop.svc.cluster.local", true),
            ("*", "web", true),
            ("eb", "web", false),
            ("localhost, ", "web", false),
        ] {
            assert_eq!(covers(list, host), expected, "{list} {host}");
        }
    }
}
