use std::collections::BTreeMap;

use super::*;

fn read(annotations: &[(&str, &str)]) -> (PodAnnotations, Vec<AnnotationWarning>) {
    let reading = PodAnnotations::read(&Keys::default(), annotations.iter().copied());
    (reading.annotations.unwrap(), reading.warnings)
}

fn errors(annotations: &[(&str, &str)]) -> Vec<String> {
    let reading = PodAnnotations::read(&Keys::default(), annotations.iter().copied());
    let errors = reading.annotations.unwrap_err();
    errors.iter().map(ToString::to_string).collect()
}

#[test]
fn reads_every_key_bare_or_prefixed() {
    let (pod, warnings) = read(&[
        ("depends-on", "a, b"),
        ("oncue.dev/depends-on", "a, b"),
        ("oncue.dev/depends-on-timeout", "5m"),
        ("depends-on-position", "after-sidecars"),
        ("depends-on-timeout-policy", "proceed"),
        ("depends-on-mode", "gate"),
        ("signals", "c"),
        ("signals-on-init", "d"),
        ("signals-on-wait", "w"),
        ("signals-on-ready", "e"),
        ("signals-on-success", "f"),
        ("signals-on-failure", "g"),
        ("signals-container", "app"),
        ("oncue.dev/inject", "client"),
        ("oncue.dev/resources", "requests.cpu=1m"),
        ("oncue.dev/rehearse", "ready=2s run=5s fail"),
        ("example.com/signals", "no"),
        ("inject", "nothing of ours"),
        ("signalsmith", "nothing of ours"),
    ]);
    assert_eq!(warnings, []);
    assert_eq!(pod.depends_on.len(), 2);
    assert_eq!(pod.timeout, Some(Timeout::from_secs(300)));
    assert_eq!(
        (pod.position, pod.timeout_policy, pod.mode, pod.inject),
        (
            Position::AfterSidecars,
            TimeoutPolicy::Proceed,
            Mode::Gate,
            Inject::Client
        )
    );
    assert!(pod.all_signals().iter().all(|(_, list)| list.len() == 1));
    assert_eq!(pod.rehearsal.to_string(), "ready=2s run=5s fail");
    assert!(pod.asks_for_anything());
}

#[test]
fn an_unknown_key_is_a_warning_with_the_nearest_known_one() {
    let (pod, warnings) = read(&[
        ("depends-on-timout", "5m"),
        ("oncue.dev/signal", "a"),
        ("oncue.dev/ready", "a"),
        ("oncue.dev/depends-on-restart", "true"),
        ("oncue.dev/release", "now"),
    ]);
    let texts: Vec<_> = warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        texts,
        [
            "depends-on-timout is not a key of oncue: did you mean depends-on-timeout?",
            "oncue.dev/signal is not a key of oncue: did you mean signals?",
            "oncue.dev/ready is not a key of oncue: did you mean signals-on-ready?",
            "oncue.dev/depends-on-restart is reserved and does nothing yet",
            "oncue.dev/release releases only the existing pod whose uid it names: remove it from \
             manifests",
        ]
    );
    assert!(!pod.asks_for_anything());
}

#[test]
fn an_empty_list_is_a_warning() {
    let (pod, warnings) = read(&[
        ("depends-on", ""),
        ("oncue.dev/signals-on-ready", " \n"),
        ("signals-container", ""),
    ]);
    let texts: Vec<_> = warnings.iter().map(ToString::to_string).collect();
    let rest = "is empty and asks for nothing: if it began with !, put the value in quotes";
    assert_eq!(
        texts,
        [
            format!("depends-on {rest}"),
            format!("oncue.dev/signals-on-ready {rest}"),
        ]
    );
    assert!(!pod.asks_for_anything());
}

#[test]
fn a_key_that_does_nothing_is_never_suggested() {
    let (_, warnings) = read(&[
        ("oncue.dev/ready", "a"),
        ("oncue.dev/releases", "a"),
        ("depends-on-restarts", "a"),
    ]);
    assert_eq!(warnings.len(), 3);
    for warning in warnings.iter().map(ToString::to_string) {
        let (_, suggested) = warning.split_once("did you mean").unwrap();
        let is_reserved = suggested.contains("release") || suggested.contains("restart");
        assert!(!is_reserved, "{warning}");
    }
}

#[test]
fn reports_every_error_with_key_term_and_column() {
    let errors = errors(&[
        ("signals", "a b"),
        ("depends-on", "x, y*"),
        ("oncue.dev/depends-on", "x"),
        ("depends-on-mode", "wait"),
        ("oncue.dev/depends-on-timeout", "soon"),
    ]);
    assert_eq!(errors.len(), 5, "{errors:#?}");
    assert!(errors[0].starts_with("depends-on: the key appears twice"));
    assert!(errors[1].starts_with("depends-on: column 4: in \"y*\": * stands alone"));
    assert_eq!(
        errors[2],
        "depends-on-mode: \"wait\" is not right: it is one of init, gate"
    );
    assert!(errors[3].starts_with("depends-on-timeout: \"soon\" is not a duration"));
    assert!(errors[4].starts_with("signals: column 3: in \"a b\": \"b\" was not expected"));
}

#[test]
fn warns_of_what_is_unknown_beside_what_is_wrong() {
    let annotations = [("depends-on", "a b"), ("depends-on-timout", "5m")];
    let reading = PodAnnotations::read(&Keys::default(), annotations);
    assert_eq!(reading.annotations.unwrap_err().len(), 1);
    assert_eq!(reading.warnings.len(), 1);
}

#[test]
fn a_value_of_many_lines_is_pointed_into_by_line_and_column() {
    let read = |value: &str| errors(&[("depends-on", value)]).remove(0);
    let first = read("a, b c\nd\n");
    assert!(
        first.starts_with("depends-on: line 1, column 6: in \"b c\":"),
        "{first}"
    );
    let later = read("a,\n\u{e9}x\n");
    assert!(
        later.starts_with("depends-on: line 2, column 1: in"),
        "{later}"
    );
    let later = read("a,\r\n  b c,\r\nd");
    assert!(
        later.starts_with("depends-on: line 2, column 5: in \"b c\":"),
        "{later}"
    );
    let single = read("a, b c\n");
    assert!(single.starts_with("depends-on: column 6: in"), "{single}");

    let (pod, _) = self::read(&[("depends-on", "a,\nb\n\n  m/$(labels['v']), c")]);
    let facts = Facts {
        labels: Some(&BTreeMap::new()),
        ..Facts::default()
    };
    let error = pod.resolve(&facts).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("depends-on: line 4, column 3: in"),
        "{error}"
    );
    assert_eq!(error.column(), 9, "over the whole value");
}

#[test]
fn a_prefix_of_ones_own_makes_the_default_one_foreign() {
    let keys = Keys::new("cue.example.com", BareKeys::Ignored).unwrap();
    let annotations = [
        ("cue.example.com/signals", "a"),
        ("oncue.dev/depends-on", "x"),
        ("depends-on", "x"),
    ];
    let Reading {
        annotations,
        warnings,
    } = PodAnnotations::read(&keys, annotations);
    let pod = annotations.unwrap();
    assert_eq!(warnings, []);
    assert!(pod.depends_on.is_empty());
    assert_eq!(pod.signals.len(), 1);
    assert!(Keys::new("a/b", BareKeys::Read).is_err());
}

#[test]
fn resolving_names_the_key_and_the_term_of_an_empty_substitution() {
    let (pod, _) = read(&[
        ("signals", "a, m/$(labels['v'])"),
        ("depends-on", "n/$(NODE_NAME)"),
    ]);
    let facts = Facts {
        labels: Some(&BTreeMap::from([("v", "1")])),
        ..Facts::default()
    };
    let resolved = pod.resolve(&facts).unwrap();
    assert_eq!(resolved.signals[1].value.to_string(), "m/1");
    assert_eq!(resolved.depends_on[0].value.to_string(), "n/$(NODE_NAME)");
    let facts = Facts {
        labels: Some(&BTreeMap::new()),
        ..Facts::default()
    };
    assert_eq!(
        pod.resolve(&facts).unwrap_err().to_string(),
        "signals: column 4: in \"m/$(labels['v'])\": $(labels['v']) is empty for this pod"
    );
}

#[test]
fn each_thing_that_is_asked_for_counts() {
    for (key, value) in [
        ("depends-on", "a"),
        ("signals", "a"),
        ("signals-on-init", "a"),
        ("signals-on-wait", "a"),
        ("signals-on-ready", "a"),
        ("signals-on-success", "a"),
        ("signals-on-failure", "a"),
        ("oncue.dev/inject", "client"),
    ] {
        assert!(read(&[(key, value)]).0.asks_for_anything(), "{key}");
    }
    for (key, value) in [("oncue.dev/inject", "false"), ("signals-container", "a")] {
        assert!(!read(&[(key, value)]).0.asks_for_anything(), "{key}");
    }
}

#[test]
fn a_word_may_have_blanks_around_it() {
    let (pod, _) = read(&[
        ("signals-container", " app "),
        ("depends-on-mode", " gate\n"),
        ("depends-on-timeout", " 5m "),
    ]);
    assert_eq!(pod.signals_container.as_deref(), Some("app"));
    assert_eq!(pod.mode, Mode::Gate);
    let rules = pod.timeout_rules();
    assert_eq!(rules.whole, Some(Timeout::from_secs(300)));
    assert_eq!(
        (rules.policy, rules.attempt),
        (TimeoutPolicy::Fail, Attempt::First)
    );
}

#[test]
fn at_most_16_unknown_keys_are_warned_of() {
    let keys: Vec<_> = (0..20).map(|n| format!("signals-{n}")).collect();
    let annotations: Vec<_> = keys.iter().map(|key| (&**key, "a")).collect();
    assert_eq!(read(&annotations).1.len(), 16);
}
