//! The table, row by row.

use oncue_language::Keys;

use super::*;
use crate::cross_namespace::{self, CrossNamespace, Knowledge, Policy, Read};

fn namespace(name: &str) -> Namespace {
    name.parse().unwrap()
}

fn mk_pod(in_namespace: &str, name: &str) -> Owner {
    Owner::pod(namespace(in_namespace), name, format!("uid-of-{name}"))
}

/// Who calls, as the rows name it.
fn identity(name: &str) -> Identity {
    let user = || format!("system:serviceaccount:oncue-system:{name}");
    match name {
        "anonymous" => Identity::Anonymous,
        "account" => Identity::Account { user: user() },
        "operator" => Identity::Operator { user: user() },
        "web" => Identity::Pod(PodIdentity {
            pod: mk_pod("shop", "web"),
            node: None,
            account: "default".into(),
        }),
        _ => panic!("{name}"),
    }
}

/// What the rows ask for, each in the namespaces `shop` (of the pod `web`), `till` and `legacy`.
struct Asked {
    namespaces: [(&'static str, Namespace); 3],
    owners: [(&'static str, Option<Owner>); 4],
    forbidden: cross_namespace::Refusal,
}

impl Asked {
    fn new() -> Self {
        let policy = Policy::new(CrossNamespace::Annotated, [], &Keys::default());
        let read = Read {
            by: &namespace("shop"),
            of: &namespace("till"),
            asked: cross_namespace::Asked::Variables,
        };
        Self {
            forbidden: policy
                .judge(&read, (None, Knowledge::Complete))
                .unwrap_err(),
            namespaces: ["shop", "till", "legacy"].map(|it| (it, namespace(it))),
            owners: [
                ("nobody", None),
                ("itself", Some(mk_pod("shop", "web"))),
                ("another", Some(mk_pod("shop", "db"))),
                (
                    "namesake",
                    Some(Owner::pod(namespace("shop"), "web", "older")),
                ),
            ],
        }
    }

    fn in_namespace(&self, name: &str) -> &Namespace {
        &self
            .namespaces
            .iter()
            .find(|(it, _)| *it == name)
            .unwrap()
            .1
    }

    fn forbidden(&self, word: &str) -> Option<&cross_namespace::Refusal> {
        (word == "forbidden").then_some(&self.forbidden)
    }

    fn request(&self, text: &str) -> Request<'_> {
        let mut words = text.split(' ');
        let mut word = || words.next().unwrap_or_default();
        match word() {
            "assert" => Request::Assert {
                namespace: self.in_namespace(word()),
                owner: {
                    let name = word();
                    let owner = self.owners.iter().find(|(it, _)| *it == name);
                    owner.unwrap_or_else(|| panic!("{text}")).1.as_ref()
                },
                vouched: vouched(word()),
            },
            "create" => Request::Create {
                namespace: self.in_namespace(word()),
            },
            "delete" => Request::Delete {
                namespace: self.in_namespace(word()),
            },
            "exists" => Request::Exists {
                namespace: self.in_namespace(word()),
                forbidden: self.forbidden(word()),
            },
            "identify" => Request::Identify,
            "metrics" => Request::Metrics,
            "read" => Request::Read {
                namespace: match word() {
                    "all" => None,
                    name => Some(self.in_namespace(name)),
                },
                forbidden: self.forbidden(word()),
            },
            "wait" => Request::Wait {
                namespace: self.in_namespace(word()),
                vouched: vouched(word()),
            },
            _ => panic!("{text}"),
        }
    }
}

fn vouched(word: &str) -> Vouched {
    match word {
        "never" => Vouched::Never,
        "no" | "" => Vouched::No,
        "not-yet" => Vouched::NotYet,
        "yes" => Vouched::Yes,
        _ => panic!("{word}"),
    }
}

/// Checks rows of (who, what, expected): `allowed`, `as-pod`, or the label of a refusal.
#[track_caller]
fn check(rules: &Rules, channel: Channel, rows: &[(&str, &str, &str)]) {
    let asked = Asked::new();
    for (who, what, expected) in rows {
        let decided = rules.decide((&identity(who), channel), &asked.request(what));
        let actual = match &decided {
            Ok(Allowed::AsAsked) => "allowed",
            Ok(Allowed::AsPod(pod)) => {
                assert_eq!(*pod, mk_pod("shop", "web"), "{who} {what}");
                "as-pod"
            }
            Err(refusal) => refusal.label(),
        };
        assert_eq!(actual, *expected, "{who} {what}: {decided:?}");
    }
}

fn strict() -> Rules {
    Rules::default()
}

fn lenient() -> Rules {
    Rules {
        accepts_plain: true,
        plain_namespaces: [namespace("legacy")].into(),
    }
}

#[test]
fn a_pod_changes_and_waits_in_its_own_namespace_and_name_only() {
    let rows = [
        ("web", "identify", "allowed"),
        ("web", "assert shop nobody", "as-pod"),
        ("web", "assert shop itself", "as-pod"),
        ("web", "assert shop another", "other-owner"),
        ("web", "assert shop namesake", "other-owner"),
        ("web", "assert till nobody", "other-namespace"),
        ("web", "assert till itself", "other-namespace"),
        ("web", "create shop", "allowed"),
        ("web", "create till", "other-namespace"),
        ("web", "delete shop", "allowed"),
        ("web", "delete till", "other-namespace"),
        ("web", "wait shop", "as-pod"),
        ("web", "wait till", "other-namespace"),
        ("web", "exists shop", "allowed"),
        ("web", "exists till", "allowed"),
        ("web", "read shop", "allowed"),
        ("web", "read till", "allowed"),
        ("web", "read till forbidden", "unreadable-namespace"),
        ("web", "exists till forbidden", "unreadable-namespace"),
        ("web", "read all", "operators-only"),
        ("web", "metrics", "operators-only"),
    ];
    check(&strict(), Channel::Tls, &rows);
    // What is open to all changes nothing for a pod: it has a token.
    check(&lenient(), Channel::Tls, &rows);
    check(
        &lenient(),
        Channel::Tls,
        &[
            ("web", "create legacy", "other-namespace"),
            ("web", "assert till nobody yes", "other-namespace"),
            ("web", "wait till yes", "other-namespace"),
        ],
    );
}

#[test]
fn an_operator_does_everything_by_hand() {
    let rows = [
        ("operator", "identify", "allowed"),
        ("operator", "assert till nobody", "allowed"),
        ("operator", "assert till another", "owner-by-hand"),
        ("operator", "create till", "allowed"),
        ("operator", "delete till", "allowed"),
        ("operator", "exists till", "allowed"),
        ("operator", "wait till", "allowed"),
        ("operator", "read till", "allowed"),
        ("operator", "read all", "allowed"),
        ("operator", "metrics", "allowed"),
    ];
    check(&strict(), Channel::Tls, &rows);
}

#[test]
fn another_account_may_only_ask_who_it_is() {
    for what in EVERYTHING {
        let expected = match *what {
            "identify" => "allowed",
            _ => "unknown-account",
        };
        check(&strict(), Channel::Tls, &[("account", what, expected)]);
        check(&lenient(), Channel::Tls, &[("account", what, expected)]);
    }
}

#[test]
fn nobody_does_anything_without_a_token_unless_the_installation_allows_it() {
    for what in EVERYTHING {
        check(&strict(), Channel::Tls, &[("anonymous", what, "no-token")]);
        let is_of_pod = what.starts_with("assert") || what.starts_with("wait");
        let expected = if is_of_pod { "plain-pod" } else { "plain-http" };
        check(&strict(), Channel::Plain, &[("anonymous", what, expected)]);
    }
}

#[test]
fn the_two_classic_calls_are_open_in_plain_namespaces() {
    let rows = [
        ("anonymous", "create legacy", "allowed"),
        ("anonymous", "exists legacy", "allowed"),
    ];
    check(&lenient(), Channel::Plain, &rows);
    check(&lenient(), Channel::Tls, &rows);
    let others = [
        ("anonymous", "create shop", "plain-http"),
        ("anonymous", "exists shop", "plain-http"),
        ("anonymous", "delete legacy", "plain-http"),
        ("anonymous", "read legacy", "plain-http"),
        ("anonymous", "read all", "plain-http"),
        ("anonymous", "metrics", "plain-http"),
        ("anonymous", "identify", "plain-http"),
    ];
    check(&lenient(), Channel::Plain, &others);
}

#[test]
fn pods_that_were_injected_before_wait_and_signal_what_they_declare() {
    let rows = [
        ("anonymous", "assert shop itself yes", "allowed"),
        ("anonymous", "assert shop itself no", "undeclared"),
        ("anonymous", "assert shop itself not-yet", "unknown-pod"),
        ("anonymous", "assert shop itself never", "no-controller"),
        ("anonymous", "assert legacy nobody no", "undeclared"),
        ("anonymous", "wait shop yes", "allowed"),
        ("anonymous", "wait shop no", "undeclared"),
        ("anonymous", "wait shop not-yet", "unknown-pod"),
        ("anonymous", "wait shop never", "no-controller"),
    ];
    check(&lenient(), Channel::Plain, &rows);
    // They know no TLS: what comes over it needs a token.
    for (who, what, _) in rows {
        check(&lenient(), Channel::Tls, &[(who, what, "no-token")]);
    }
}

#[test]
fn a_token_in_the_clear_proves_nothing() {
    for who in ["account", "operator", "web"] {
        for what in EVERYTHING {
            check(
                &lenient(),
                Channel::Plain,
                &[(who, what, "token-in-the-clear")],
            );
        }
    }
}

#[test]
fn a_caller_is_told_whether_to_say_who_it_is_to_give_up_or_to_try_again() {
    for (refusal, kind) in [
        (Refusal::NoToken, RefusalKind::Unauthorized),
        (Refusal::TokenInTheClear, RefusalKind::Unauthorized),
        (Refusal::UnknownPod, RefusalKind::Later),
        (Refusal::OperatorsOnly, RefusalKind::Forbidden),
        (Refusal::Undeclared, RefusalKind::Forbidden),
    ] {
        assert_eq!(refusal.kind(), kind, "{refusal}");
    }
}

/// One request of every kind, where a pod of `shop` would be allowed most of them.
const EVERYTHING: &[&str] = &[
    "assert shop nobody",
    "assert shop itself",
    "create shop",
    "delete shop",
    "exists shop",
    "identify",
    "metrics",
    "read all",
    "read shop",
    "wait shop",
];
