//! The full names of a host by the search list and `ndots`.

use super::LookupError;

/// Returns the full names to query, without their last dot, in order.
pub(super) fn candidates(
    host: &str,
    config: &resolv_conf::Config,
) -> Result<Vec<String>, LookupError> {
    let (name, is_absolute) = match host.strip_suffix('.') {
        Some(name) => (name, true),
        None => (host, false),
    };
    if name
        .split('.')
        .any(|label| !(1..=63).contains(&label.len()))
        || !name.is_ascii()
    {
        return Err(LookupError::NotAName {
            host: host.to_owned(),
        });
    }
    if is_absolute {
        return Ok(vec![name.to_owned()]);
    }
    let searched = config
        .get_last_search_or_domain()
        .map(|domain| domain.trim_matches('.'))
        .filter(|domain| !domain.is_empty())
        .map(|domain| format!("{name}.{domain}"));
    let dots = name.matches('.').count();
    let as_it_is = std::iter::once(name.to_owned());
    Ok(
        if u32::try_from(dots).is_ok_and(|dots| dots >= config.ndots) {
            as_it_is.chain(searched).collect()
        } else {
            searched.chain(as_it_is).collect()
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(host: &str, conf: &str) -> Vec<String> {
        candidates(host, &resolv_conf::Config::parse(conf).unwrap()).unwrap()
    }

    const CLUSTER: &str =
        "search ns.svc.cluster.local svc.cluster.local cluster.local\noptions ndots:5\n";

    #[test]
    fn a_trailing_dot_is_asked_for_alone() {
        assert_eq!(of("a.b.", CLUSTER), ["a.b"]);
    }

    #[test]
    fn few_dots_go_through_the_search_list_first() {
        assert_eq!(
            of("redis", CLUSTER),
            [
                "redis.ns.svc.cluster.local",
                "redis.svc.cluster.local",
                "redis.cluster.local",
                "redis"
            ]
        );
    }

    #[test]
    fn as_many_dots_as_ndots_go_first_as_they_are() {
        assert_eq!(of("a.b", "search x.org\n"), ["a.b", "a.b.x.org"]);
        assert_eq!(of("a", "domain x.org\n"), ["a.x.org", "a"]);
        assert_eq!(of("a", "search .\n"), ["a"]);
    }

    #[test]
    fn rejects_what_is_no_name() {
        let long = "x".repeat(64);
        for host in ["", ".", "a..b", "é", &long] {
            let config = resolv_conf::Config::new();
            assert!(candidates(host, &config).is_err(), "{host:?}");
        }
    }
}
