use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

fn parse(text: &str) -> Term {
    text.parse()
        .unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn reads_the_terms_of_the_design() {
    let text = "first/container, workers/*>=3, job:migrate, tcp://redis:6379 within 2m, \
                ?cache/warm within 30s, !migrate/failed";
    let terms = Term::parse_list(text).unwrap();
    let printed: Vec<_> = terms.iter().map(|term| term.value.to_string()).collect();
    assert_eq!(printed.join(", "), text);
    let columns: Vec<_> = terms.iter().map(|term| term.at.column).collect();
    assert_eq!(columns, [1, 18, 32, 45, 73, 97]);
}

#[test]
fn prints_the_canonical_form() {
    for (text, canonical) in [
        (" /a//b/ ", "a/b"),
        ("a/b@other=v within 90s", "a/b@other=v within 1m30s"),
        ("a/*>=1", "a/*"),
        ("a/b>=3", "a/b>=3"),
        (
            "a=\"x, \\\"y\\\"\" within 1s",
            "a=\"x, \\\"y\\\"\" within 1s",
        ),
        ("a=", "a=\"\""),
        ("config/url=http://web", "config/url=http://web"),
        (
            "?config/url@ops=\"http://web/a,b\" within 1s",
            "?config/url@ops=\"http://web/a,b\" within 1s",
        ),
        ("http://web:80/ready", "http://web/ready"),
        ("https://WEB", "https://web/"),
        (
            "\"http://web/a?b=1,2\" within 5s",
            "\"http://web/a?b=1,2\" within 5s",
        ),
        ("tcp://[::1]:80", "tcp://[::1]:80"),
        (
            "certificates.cert-manager.io:x@ns=Ready",
            "certificates.cert-manager.io:x@ns=Ready",
        ),
        ("!job:migrate@ops", "!job:migrate@ops"),
        ("deploy:x", "deployment:x"),
        ("sts:x@ns", "statefulset:x@ns"),
        ("cm:x", "configmap:x"),
        ("no:worker-1=MemoryPressure", "node:worker-1=MemoryPressure"),
        ("secrets.core:x", "secret:x"),
        ("endpoints.core:x", "endpoints.core:x"),
        ("job:x=Ready", "job:x=Ready"),
        ("pod:[tier=x, app=db]>=2", "pod:[app=db,tier=x]>=2"),
        ("pod:[ app=db ]>=1", "pod:[app=db]"),
        ("!job:[app=db]@ns", "!job:[app=db]@ns"),
        (
            "pod:[example.com/app=$(labels['app']),v=$(POD_NAME)-x]",
            "pod:[example.com/app=$(labels['app']),v=$(POD_NAME)-x]",
        ),
        (
            "pod:[app=db]@ns=Initialized on node within 5m",
            "pod:[app=db]@ns=Initialized on node within 5m",
        ),
        ("?ds:x@ns  on  node", "?daemonset:x@ns on node"),
        (
            "daemonset:x on node=worker-1",
            "daemonset:x on node=worker-1",
        ),
        (
            "pvc:x{.status['phase']}=Bound",
            "persistentvolumeclaim:x{.status.phase}=Bound",
        ),
        (
            "configmap:x@ns{.data['a,b}']}=\"x, y\" within 1m",
            "configmap:x@ns{.data['a,b}']}=\"x, y\" within 1m",
        ),
        (
            "deployment:x{.status.readyReplicas}>=3",
            "deployment:x{.status.readyReplicas}>=3",
        ),
        (
            "foos.example.com:x{.a[0]}>=-1",
            "foos.example.com:x{.a[0]}>=-1",
        ),
        ("foos.example.com:x{.a}", "foos.example.com:x{.a}"),
        (
            "foos.example.com:x{.a}=$(POD_NAME)",
            "foos.example.com:x{.a}=$(POD_NAME)",
        ),
        ("a=$(POD_NAME)$$(POD_UID)", "a=$(POD_NAME)$$(POD_UID)"),
        ("job:m-$(labels['v'])", "job:m-$(labels['v'])"),
        ("cni/$(NODE_NAME)@cni-system", "cni/$(NODE_NAME)@cni-system"),
        (
            "a/$(labels['app.kubernetes.io/version'])",
            "a/$(labels['app.kubernetes.io/version'])",
        ),
    ] {
        assert_eq!(parse(text).to_string(), canonical, "{text}");
        assert_eq!(parse(canonical), parse(text), "{text}");
    }
}

#[test]
fn separators_may_be_repeated_and_be_newlines() {
    let terms = Term::parse_list("\na,\n  b\n\n,c,\n").unwrap();
    let printed: Vec<_> = terms.iter().map(|term| term.value.to_string()).collect();
    assert_eq!(printed, ["a", "b", "c"]);
    assert!(Term::parse_list(" ,\n").unwrap().is_empty());
}

#[test]
fn an_optional_term_is_waited_for_30_seconds() {
    assert_eq!(parse("?a").timeout(), Some(Timeout::from_secs(30)));
    assert_eq!(parse("?a within 5s").timeout(), Some(Timeout::from_secs(5)));
    assert_eq!(parse("a").timeout(), None);
}

#[test]
fn each_error_names_column_term_and_rule() {
    for (text, column, term, rule) in [
        ("a, b c", 6, "b c", "\"c\" was not expected here"),
        ("a, workers/*>=x", 13, "workers/*>=x", "number from 1 to"),
        ("workers/*>=0", 10, "workers/*>=0", "number from 1 to"),
        ("a>3", 2, "a>3", "such as >=3"),
        ("*>=3", 1, "*>=3", "below a name"),
        ("a/b*", 1, "a/b*", "below a name"),
        ("a/*=v", 4, "a/*=v", "write >="),
        ("a/../b", 1, "a/../b", "must not be \"..\""),
        ("é/b", 1, "é/b", "'é' is not allowed"),
        ("é, b=\"x", 1, "é", "'é' is not allowed"),
        ("a=\"x", 3, "a=\"x", "never closed"),
        ("a@Bad", 3, "a@Bad", "not a namespace"),
        ("a within soon", 10, "a within soon", "not a duration"),
        ("a within", 9, "a within", "not a duration"),
        ("!a within 3s", 4, "!a within 3s", "takes no within"),
        ("!tcp://a:1", 1, "!tcp://a:1", "a variable, or a job:"),
        ("!pod:x", 1, "!pod:x", "a variable, or a job:"),
        (
            "!job:x=Failed",
            1,
            "!job:x=Failed",
            "without a condition or field",
        ),
        (
            "!job:x{.a}",
            1,
            "!job:x{.a}",
            "without a condition or field",
        ),
        ("jbo:x", 1, "jbo:x", "did you mean job:?"),
        (
            "redis:6379",
            1,
            "redis:6379",
            "did you mean tcp://redis:6379?",
        ),
        ("a/b.c:x=Ready", 1, "a/b.c:x=Ready", "not a kind"),
        ("jobs:x", 1, "jobs:x", "did you mean job:?"),
        ("job:/x", 5, "job:/x", "not an object's name"),
        (
            "job:x_$(POD_NAME)",
            5,
            "job:x_$(POD_NAME)",
            "not an object's name",
        ),
        (
            "a=\"x, y\" z, b",
            10,
            "a=\"x, y\" z",
            "\"z\" was not expected",
        ),
        ("job:", 5, "job:", "name of the job is missing"),
        ("job:A", 5, "job:A", "not an object's name"),
        ("node:x@ns", 7, "node:x@ns", "a node lives in no namespace"),
        ("secret:x=Ready", 9, "secret:x=Ready", "for its existence"),
        (
            "secret:x@ns{.data}",
            12,
            "secret:x@ns{.data}",
            "for its existence",
        ),
        (
            "secrets.core:x{.data}",
            15,
            "secrets.core:x{.data}",
            "for its existence",
        ),
        (
            "cm:x=Ready",
            5,
            "cm:x=Ready",
            "a ConfigMap has no conditions",
        ),
        ("job:x=", 7, "job:x=", "condition is missing"),
        (
            "job:x=Ready=True",
            12,
            "job:x=Ready=True",
            "a condition holds if it is True",
        ),
        (
            "deployment:x=condition=Available",
            14,
            "deployment:x=condition=Available",
            "drop condition=",
        ),
        ("job:x=\"Ready\"", 7, "job:x=\"Ready\"", "bare word"),
        ("job:x='Ready'", 7, "job:x='Ready'", "bare word"),
        ("job:x=$(TYPE)", 7, "job:x=$(TYPE)", "bare word"),
        ("job:x=a$(TYPE)", 7, "job:x=a$(TYPE)", "bare word"),
        (
            "pvc:data=bound",
            9,
            "pvc:data=bound",
            "Bound is not a condition: write persistentvolumeclaim:data",
        ),
        (
            "pvc:data=Lost",
            9,
            "pvc:data=Lost",
            "write persistentvolumeclaim:data{.status.phase}=Lost",
        ),
        (
            "job:x=Ready{.a}",
            12,
            "job:x=Ready{.a}",
            "one thing is asked",
        ),
        ("job:x{.a}{.b}", 10, "job:x{.a}{.b}", "one thing is asked"),
        (
            "pod:[a=b]>=2{.a}",
            13,
            "pod:[a=b]>=2{.a}",
            "one thing is asked",
        ),
        (
            "pod:x{.a}>=2>=3",
            13,
            "pod:x{.a}>=2>=3",
            "one thing is asked",
        ),
        (
            "job:x>=2",
            6,
            "job:x>=2",
            "a count goes with the labels of pods",
        ),
        (
            "job:[a=b]>=2",
            10,
            "job:[a=b]>=2",
            "a count goes with the labels of pods",
        ),
        ("pod:[a=b]>=0", 10, "pod:[a=b]>=0", "number from 1 to"),
        ("pod:x{.a}>=", 10, "pod:x{.a}>=", "a whole number"),
        ("pod:x{.a}>=1.5", 10, "pod:x{.a}>=1.5", "a whole number"),
        ("pod:x{.a}>3", 10, "pod:x{.a}>3", "a whole number"),
        ("pod:x{.a, b", 6, "pod:x{.a", "this { is never closed"),
        (
            "pod:x{.a['b, c]}",
            6,
            "pod:x{.a['b, c]}",
            "this { is never closed",
        ),
        (
            "pod:x{status.phase}",
            7,
            "pod:x{status.phase}",
            "not a step of a path",
        ),
        ("pod:x{.a.}, b", 9, "pod:x{.a.}", "not a step of a path"),
        ("pod:x{}", 7, "pod:x{}", "path of a field is missing"),
        ("service:[a=b]", 9, "service:[a=b]", "pod: and job: only"),
        ("pod:[]", 6, "pod:[]", "key=value"),
        ("pod:[a]", 6, "pod:[a]", "key=value"),
        ("pod:[a!=b, c=d]", 6, "pod:[a!=b, c=d]", "key=value"),
        ("pod:[-a=b]", 6, "pod:[-a=b]", "key=value"),
        ("pod:[a=]", 8, "pod:[a=]", "value of the label a is missing"),
        (
            "pod:[a=b,a=c]",
            10,
            "pod:[a=b,a=c]",
            "the label a appears twice",
        ),
        ("pod:[a=b c=d]", 10, "pod:[a=b c=d]", "key=value"),
        ("pod:[a=-b]", 8, "pod:[a=-b]", "not a label's value"),
        ("pod:[a=..]", 8, "pod:[a=..]", "not a label's value"),
        ("pod:[a=$(X)]", 8, "pod:[a=$(X)]", "stands for nothing"),
        ("pod:[a=b, c", 11, "pod:[a=b", "key=value"),
        ("pod:[a=b", 5, "pod:[a=b", "this [ is never closed"),
        ("pod:[a=b]x", 10, "pod:[a=b]x", "was not expected"),
        (
            "pod:[a=b]on node",
            10,
            "pod:[a=b]on node",
            "was not expected",
        ),
        (
            "pod:x on node",
            7,
            "pod:x on node",
            "on node goes with a DaemonSet",
        ),
        (
            "a/b on node",
            5,
            "a/b on node",
            "on node goes with a DaemonSet",
        ),
        (
            "job:[a=b] on node",
            11,
            "job:[a=b] on node",
            "on node goes with a DaemonSet",
        ),
        (
            "tcp://h:1 on node",
            11,
            "tcp://h:1 on node",
            "on node goes with a DaemonSet",
        ),
        (
            "ds:x=Foo on node",
            10,
            "ds:x=Foo on node",
            "takes no condition or field",
        ),
        ("ds:x on", 8, "ds:x on", "write node after on"),
        ("ds:x on nodes", 9, "ds:x on nodes", "write node after on"),
        ("ds:x on node=A", 14, "ds:x on node=A", "not a node's name"),
        (
            "ds:x within 5m on node",
            16,
            "ds:x within 5m on node",
            "was not expected",
        ),
        ("a=$(POD)", 3, "a=$(POD)", "write $$( for the characters $("),
        ("tcp://redis", 1, "tcp://redis", "port is missing"),
        ("tcp://redis:0", 1, "tcp://redis:0", "not a port"),
        ("tcp://redis:+1", 1, "tcp://redis:+1", "not a port"),
        ("tcp://redis:1/x", 1, "tcp://redis:1/x", "not the path"),
        ("redis://redis:1", 1, "redis://redis:1", "cannot be probed"),
        ("my+db.v1-x://h", 1, "my+db.v1-x://h", "cannot be probed"),
        ("a/b://h", 1, "a/b://h", "not a kind"),
        (
            "tcp:redis:6379",
            1,
            "tcp:redis:6379",
            "such as \"tcp://redis:6379\"",
        ),
        (
            "https:/h/up?a within 5s",
            1,
            "https:/h/up?a within 5s",
            "such as \"https://h/up?a\"",
        ),
        ("http:h", 1, "http:h", "such as \"http://h\""),
        ("tcp:6379", 1, "tcp:6379", "such as \"tcp://redis:6379\""),
        ("http:", 1, "http:", "such as \"http://redis:6379\""),
        ("http://u:p@h/", 1, "http://u:p@h/", "no user name"),
        (
            "a, http://h/<x>",
            13,
            "http://h/<x>",
            "no '<' here: write %3C",
        ),
        ("http://h/x`", 11, "http://h/x`", "write %60"),
        ("http://h?q=a>b", 13, "http://h?q=a>b", "write %3E"),
        ("http://h?q=\"1\"", 12, "http://h?q=\"1\"", "write %22"),
        (
            "\"http://h/\\\\?q=a b\"",
            17,
            "\"http://h/\\\\?q=a b\"",
            "write %20",
        ),
        (
            "\"http://h/\\\"?q=\\\"\"",
            16,
            "\"http://h/\\\"?q=\\\"\"",
            "write %22",
        ),
        ("http:///x", 1, "http:///x", "not a host name"),
        (
            "tcp://$(POD_NAME):1",
            1,
            "tcp://$(POD_NAME):1",
            "stand in names",
        ),
        ("a/$(POD)", 1, "a/$(POD)", "stands for nothing"),
        ("?", 2, "?", "is missing"),
        ("=v", 1, "=v", "is not a variable"),
    ] {
        let error = Term::parse_list(text).unwrap_err();
        assert_eq!(
            (error.at.column, error.term.as_str()),
            (column, term),
            "{text}: {error}"
        );
        assert!(error.rule.contains(rule), "{text}: {error}");
    }
}

#[test]
fn what_is_not_sent_or_may_stand_bare_needs_no_encoding() {
    for url in ["http://h/\"a\"?`{b}`|[]^", "http://h/a#<b>"] {
        parse(url);
    }
}

#[test]
fn a_url_is_no_longer_than_the_client_requests() {
    let url = |bytes: usize| format!("http://h/{}", "x".repeat(bytes - "http://h/".len()));
    assert!(url(65_534).parse::<Term>().is_ok());
    let error = url(65_535).parse::<Term>().unwrap_err();
    assert!(error.rule.contains("at most 65534 bytes"), "{error}");
    assert!(error.to_string().len() < 1000);
}

#[test]
fn a_label_must_make_an_objects_name() {
    let resolve = |version| {
        let facts = Facts {
            labels: Some(&BTreeMap::from([("v", version)])),
            ..Facts::default()
        };
        let resolved = parse("job:m-$(labels['v'])").resolve(&facts);
        resolved
            .map(|term| term.to_string())
            .map_err(|error| error.to_string())
    };
    assert_eq!(resolve("1.2"), Ok("job:m-1.2".to_owned()));
    let error = resolve("RC_1").unwrap_err();
    assert!(
        error.starts_with("\"m-RC_1\" is not an object's name"),
        "{error}"
    );
}

#[test]
fn a_message_quotes_so_much_as_a_person_reads() {
    let error = Term::parse_list(&"\u{e9}".repeat(1 << 16)).unwrap_err();
    assert!(error.to_string().len() < 1000);
}

#[test]
fn everything_that_is_known_of_the_pod_is_filled_in() {
    let labels = BTreeMap::from([("v", "1.2"), ("bad", "-x")]);
    let facts = Facts {
        labels: Some(&labels),
        node_name: Some("worker-1"),
        pod_name: Some("web-0"),
        ..Facts::default()
    };
    let resolve = |text| {
        let resolved = parse(text).resolve(&facts);
        resolved
            .map(|term| term.to_string())
            .map_err(|error| error.to_string())
    };
    for (text, resolved) in [
        ("a/$(POD_NAME)=$(labels['v'])", "a/web-0=1.2"),
        ("a/$(POD_NAME)/*", "a/web-0/*"),
        (
            "pod:x-$(POD_NAME){.a}=$(labels['v'])",
            "pod:x-web-0{.a}=1.2",
        ),
        (
            "pod:[a=$(labels['v'])] on node",
            "pod:[a=1.2] on node=worker-1",
        ),
        ("daemonset:x on node=n", "daemonset:x on node=n"),
        ("a=$$(POD_NAME)", "a=$$(POD_NAME)"),
    ] {
        assert_eq!(resolve(text), Ok(resolved.to_owned()), "{text}");
    }
    for (text, rule) in [
        ("pod:[a=$(labels['bad'])]", "\"-x\" is not a label's value"),
        (
            "a=$(labels['none'])",
            "$(labels['none']) is empty for this pod",
        ),
    ] {
        let error = resolve(text).unwrap_err();
        assert!(error.starts_with(rule), "{text}: {error}");
    }
    let facts = Facts {
        node_name: Some("A"),
        ..facts
    };
    let error = parse("daemonset:x on node").resolve(&facts).unwrap_err();
    assert!(matches!(error, ResolveError::Node(_)), "{error}");
    assert!(parse("daemonset:x").resolve(&facts).is_ok());
}

#[test]
fn a_term_says_what_it_needs_of_the_pod() {
    for (text, placeholders, needs_node) in [
        (
            "a/$(POD_NAME)=$(POD_UID)",
            &["$(POD_NAME)", "$(POD_UID)"][..],
            false,
        ),
        ("a/$(NODE_NAME)/*", &["$(NODE_NAME)"], true),
        ("a=$(NODE_NAME)", &["$(NODE_NAME)"], true),
        (
            "pod:[a=$(NODE_NAME),b=$(POD_NAME)]{.a}=$(POD_UID)",
            &["$(NODE_NAME)", "$(POD_NAME)", "$(POD_UID)"],
            true,
        ),
        ("job:$(CONTAINER)", &["$(CONTAINER)"], false),
        ("daemonset:x on node", &[], true),
        ("daemonset:x on node=n", &[], false),
        ("tcp://h:1", &[], false),
    ] {
        let term = parse(text);
        let found: Vec<_> = term.placeholders().map(ToString::to_string).collect();
        assert_eq!(found, placeholders, "{text}");
        assert_eq!(term.needs_node(), needs_node, "{text}");
    }
}

#[test]
fn a_labels_value_has_at_most_63_characters() {
    let select = |count: usize| format!("pod:[a={}]", "x".repeat(count)).parse::<Term>();
    assert!(select(63).is_ok());
    let error = select(64).unwrap_err();
    assert!(error.rule.contains("at most 63"), "{error}");
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        "[A-Za-z0-9_-]{1,6}(/[A-Za-z0-9._-]{0,3}x){0,3}",
        "[a-z]{1,4}/\\$\\(POD_NAME\\)(/x)?",
        "\\$\\(labels\\['[a-z]{1,4}(\\.[a-z]{1,2}/[a-z])?'\\]\\)-[a-z]{1,3}",
    ]
}

fn target() -> impl Strategy<Value = String> {
    let at = prop_oneof![Just(String::new()), "@[a-z]([a-z0-9-]{0,5}[a-z0-9])?"];
    let demand = prop_oneof![
        Just(String::new()),
        (1u32..).prop_map(|count| format!(">={count}")),
        "[^\\\\\",\\s\\p{C}]{1,9}".prop_map(|value| format!("={}", literal(&value))),
        "[^\"\\\\]{0,9}".prop_map(|value| format!("=\"{}\"", literal(&value))),
        "=[a-z]{0,5}://[a-z:/]{0,5}",
        "=\"[a-z]{0,5}://[a-z, ]{0,5}\"",
    ];
    prop_oneof![
        (name(), at.clone(), demand).prop_map(|(name, at, demand)| format!("{name}{at}{demand}")),
        (name(), at.clone(), 1u32..).prop_map(|(name, at, n)| format!("{name}/*{at}>={n}")),
        object(),
        ("[a-z]{1,9}", 1u16..).prop_map(|(host, port)| format!("tcp://{host}:{port}")),
        ("https?", "[a-z.]{1,9}", "(/[a-z?&=]{0,9})?")
            .prop_map(|(s, h, p)| format!("{s}://{h}{p}")),
        "[a-z,= ?]{1,9}".prop_map(|query| format!("\"http://h/{}\"", query.replace(' ', "+"))),
    ]
}

/// Returns a value in which nothing stands for something else.
fn literal(value: &str) -> String {
    value.replace("$(", "$$(")
}

fn object() -> impl Strategy<Value = String> {
    let at = prop_oneof![Just(String::new()), "@[a-z]{1,5}"];
    let kind = "(job|pod|service|deploy|statefulset|cm|secret|foos\\.example\\.com|x\\.core)";
    let path = r"(\.[a-zA-Z]{1,4}|\[[0-9]{1,3}\]|\['[a-z.,/}=]{1,4}'\]){1,3}";
    let field = prop_oneof![
        Just(String::new()),
        any::<i64>().prop_map(|number| format!(">={number}")),
        "=[a-z$]{0,4}(\\$\\(POD_NAME\\)|\\$\\$\\()?",
        "=\"[a-z, ]{0,4}\"",
    ];
    let labels = r"\[[a-z]{1,3}=[a-z]{1,3}(, ?x\.io/[a-z]{1,3}=\$\(POD_NAME\))?\]";
    let on_node = "( on node(=[a-z]{1,3})?)?";
    prop_oneof![
        (kind, "[a-z]{1,5}", at.clone()).prop_map(|(kind, name, at)| format!("{kind}:{name}{at}")),
        ("(job|pod|node|x\\.y)", "[a-z]{1,5}", "[A-Za-z/]{1,9}")
            .prop_map(|(kind, name, condition)| format!("{kind}:{name}={condition}")),
        ("(job|cm|x\\.y)", at.clone(), path, field)
            .prop_map(|(kind, at, path, field)| format!("{kind}:x{at}{{{path}}}{field}")),
        (labels, at.clone(), 1u32.., on_node)
            .prop_map(|(labels, at, count, node)| format!("pod:{labels}{at}>={count}{node}")),
        (labels, at.clone()).prop_map(|(labels, at)| format!("job:{labels}{at}")),
        (at, on_node).prop_map(|(at, node)| format!("ds:x{at}{node}")),
    ]
}

proptest! {
    #[test]
    fn printing_and_parsing_are_inverse(
        optional in any::<bool>(),
        target in target(),
        within in proptest::option::of(1u32..100_000),
    ) {
        let mark = if optional { "?" } else { "" };
        let within = within.map_or_else(String::new, |seconds| format!(" within {seconds}s"));
        let text = format!("{mark}{target}{within}");
        let term: Term = text.parse().unwrap();
        prop_assert_eq!(term.to_string().parse::<Term>().unwrap(), term);
    }

    #[test]
    fn any_text_parses_or_points_into_itself(text in ".*") {
        if let Err(error) = Term::parse_list(&text) {
            prop_assert!((1..=text.chars().count() + 1).contains(&error.at.column));
        }
    }
}

#[test]
fn what_is_asked_of_an_object_is_said_in_words() {
    for (text, holds_when) in [
        ("job:x", "is complete"),
        ("pod:[a=b]>=2", "is Ready"),
        ("foos.example.com:x=Synced", "has the condition Synced"),
        ("pvc:x{.status.phase}", "has {.status.phase} set"),
        (
            "pvc:x{.status.phase}=Bound",
            "has {.status.phase} with the value Bound",
        ),
        ("deploy:x{.a.b}>=3", "has {.a.b} of at least 3"),
    ] {
        let Target::Object(object) = parse(text).target else {
            panic!("{text}");
        };
        assert_eq!(object.demand.holds_when(&object.kind), holds_when);
    }
}

#[test]
fn a_url_leaves_out_the_port_of_its_scheme() {
    for (text, host, port, url) in [
        ("http://h", "h", 80, "http://h/"),
        ("http://h:443/", "h", 443, "http://h:443/"),
        ("https://h:443?a", "h", 443, "https://h/?a"),
        ("https://h:80/x#y", "h", 80, "https://h:80/x"),
        ("tcp://h:80/", "h", 80, "tcp://h:80"),
        ("http://[::1]/", "::1", 80, "http://[::1]/"),
        ("tcp://h:65535", "h", 65_535, "tcp://h:65535"),
    ] {
        let term = parse(text);
        let probe = term.probe().unwrap();
        assert_eq!((&*probe.host, probe.port), (host, port), "{text}");
        assert_eq!(probe.url(), url);
    }
    for bad in [
        "tcp://h:65536",
        "tcp://h:",
        "tcp://[::1:1",
        "tcp://[x]:1",
        "tcp://a:b:1",
    ] {
        assert!(bad.parse::<Term>().is_err(), "{bad}");
    }
}
