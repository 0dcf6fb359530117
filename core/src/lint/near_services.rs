//! The Service that a misspelt name probably means.

use super::waits::Waits;
use crate::{language::Namespace, model::Service};

impl Waits<'_> {
    /// Returns the Service that `name` in `namespace` probably means, if there is no such Service:
    /// one with a similar name, or one of the same name elsewhere.
    pub(super) fn near_service(&self, name: &str, namespace: &Namespace) -> Option<&Service> {
        let model = self.links.model();
        let mut near: Vec<_> = model
            .services()
            .filter_map(|service| Some((likeness(name, namespace, service)?, service)))
            .collect();
        near.sort_by_key(|(likeness, service)| (*likeness, &service.namespace, &service.name));
        near.first().map(|(_, service)| *service)
    }
}

/// How a name resembles that of a Service, the most likely first.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Likeness {
    /// `db.data`, where a name was expected.
    Qualified,
    Misspelt,
    /// One of both has an additional part that charts give to a second Service of the same pods.
    Suffixed,
    Elsewhere,
}

fn likeness(name: &str, namespace: &Namespace, service: &Service) -> Option<Likeness> {
    if name.split_once('.') == Some((&service.name, service.namespace.as_str())) {
        return Some(Likeness::Qualified);
    }
    if service.namespace != *namespace {
        return (*service.name == *name).then_some(Likeness::Elsewhere);
    }
    if is_misspelt(name, &service.name) {
        return Some(Likeness::Misspelt);
    }
    let is_suffixed = |long: &str, short: &str| {
        let rest = long
            .strip_prefix(short)
            .and_then(|rest| rest.strip_prefix('-'));
        rest.is_some_and(|rest| SUFFIXES.contains(&rest))
    };
    let is_suffixed = is_suffixed(name, &service.name) || is_suffixed(&service.name, name);
    is_suffixed.then_some(Likeness::Suffixed)
}

/// Returns whether one name is the other with one slip, or two in a long one. Numbers tell names
/// apart: `redis-1` is not `redis-2`.
fn is_misspelt(name: &str, right: &str) -> bool {
    let letters = |text: &str| text.trim_end_matches(|c: char| c.is_ascii_digit()).len();
    let (length, other) = (name.chars().count(), right.chars().count());
    if length.abs_diff(other) > 2 || length.min(other) < 3 {
        return false;
    }
    // Each slip brings in or drops at most two characters. The distance takes far longer, and
    // there may be thousands of names, each to be compared with thousands of Services.
    if (characters(name) ^ characters(right)).count_ones() > 4 {
        return false;
    }
    let has_other_number = name[..letters(name)] == right[..letters(right)];
    let slips = strsim::osa_distance(name, right);
    !has_other_number && slips <= if length < 10 { 1 } else { 2 }
}

/// Returns the set of the characters of a name, a bit for each; some share one.
fn characters(name: &str) -> u64 {
    name.chars()
        .fold(0, |set, c| set | 1 << (u32::from(c) % 64))
}

const SUFFIXES: [&str; 10] = [
    "client", "headless", "hl", "internal", "master", "primary", "rw", "server", "service", "svc",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_makes_a_name_similar_and_a_number_does_not() {
        for (name, right, expected) in [
            ("wep", "web", true),
            ("st-mongo", "st-mongodb", false),
            ("postgers", "postgres", true),
            ("payment-service", "payments-servic", true),
            ("redis-1", "redis-2", false),
            ("abcdefghij", "xbcdefghiy", true),
            ("abcdefghij", "xbcdyfghiz", false),
            ("db", "dx", false),
            ("api", "web", false),
        ] {
            assert_eq!(is_misspelt(name, right), expected, "{name} {right}");
        }
    }
}
