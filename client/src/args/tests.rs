use super::*;

fn parse(line: &[&str]) -> Result<Command, String> {
    Command::parse(line.iter().map(OsString::from)).map_err(|error| error.to_string())
}

#[test]
fn reads_the_line_that_is_injected() {
    let Ok(Command::Wait(wait)) = parse(&[
        "wait",
        "--dir=/oncue",
        "--install",
        "--timeout=5m",
        "--timeout-policy=proceed",
        "--signal-on-wait=here",
        "--signal=a/b=v",
        "--signal=c",
        "--mark=second/dependent",
        "--",
        "first/container",
        "tcp://redis:6379 within 2m",
        "!migrate/failed",
    ]) else {
        panic!("not a wait");
    };
    let Wait {
        store,
        directory,
        install,
        timeout,
        policy,
        signals,
        early_signals,
        marks,
        terms,
    } = *wait;
    assert_eq!(store, StoreChoice::default());
    assert_eq!(directory, Some("/oncue".into()));
    assert_eq!(install, Install::Yes);
    assert_eq!(timeout, Some(Timeout::from_secs(300)));
    assert_eq!(policy, TimeoutPolicy::Proceed);
    assert_eq!(
        signals.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["a/b=v", "c"]
    );
    assert_eq!(early_signals[0].to_string(), "here");
    assert_eq!(early_signals.len(), 1);
    assert_eq!(marks[0].to_string(), "second/dependent");
    assert_eq!(terms[1].to_string(), "tcp://redis:6379 within 2m");
    assert_eq!(terms.len(), 3);
}

#[test]
fn what_follows_a_marker_is_taken_as_it_is() {
    assert_eq!(
        parse(&["create", "--marker", "--", "/bin/sh", "-c", "--help", "--"]).unwrap(),
        Command::Mark {
            original: ["/bin/sh", "-c", "--help", "--"]
                .map(OsString::from)
                .to_vec()
        }
    );
    let alone = Command::Mark {
        original: Vec::new(),
    };
    for args in [
        &["create", "--marker"][..],
        &["create", "--marker", "--unknown", "word"],
    ] {
        assert_eq!(
            parse(args).unwrap(),
            alone,
            "a mistake here must not end the container"
        );
    }
}

#[test]
fn chooses_the_store_for_each_command() {
    let store = StoreChoice {
        server: Some("http://s:1".to_owned()),
        namespace: Some("shop".parse().unwrap()),
    };
    let options = ["--server", "http://s:1", "--namespace=shop", "a/b"];
    for (command, expected) in [
        (
            "create",
            Command::Create(Create {
                store: store.clone(),
                signals: vec!["a/b".parse().unwrap()],
            }),
        ),
        (
            "exists",
            Command::Exists(Exists {
                store: store.clone(),
                names: vec!["a/b".parse().unwrap()],
            }),
        ),
    ] {
        assert_eq!(
            parse(&[&[command], &options[..]].concat()).unwrap(),
            expected
        );
    }
}

#[test]
fn every_command_explains_itself() {
    for (line, topic) in [
        (&["--help"][..], Topic::All),
        (&["help"], Topic::All),
        (&["wait", "--help"], Topic::Wait),
        (&["exists", "-h"], Topic::Exists),
        (&["create", "--help"], Topic::Create),
        (&["install", "--help"], Topic::Install),
    ] {
        assert_eq!(parse(line).unwrap(), Command::Help(topic));
        assert!(topic.text().contains("Example"), "{topic:?}");
    }
    assert_eq!(parse(&["--version"]).unwrap(), Command::Version);
}

#[test]
fn says_in_one_line_what_is_wrong_and_shows_what_is_right() {
    for (line, rule) in [
        (&[][..], "a command is missing"),
        (&["weit"], "there is no command weit"),
        (&["wait", "--foo"], "invalid option '--foo'"),
        (&["wait", "a b"], "\"b\" was not expected here"),
        (&["wait", "--timeout=5"], "5"),
        (
            &["wait", "--timeout-policy=maybe"],
            "fail or proceed, not \"maybe\"",
        ),
        (&["wait", "--install", "a"], "--dir"),
        (&["wait", "--mark=a", "a"], "--dir"),
        (&["wait", "--namespace=A", "a"], "DNS label"),
        (&["exists"], "the name of a variable is missing"),
        (&["exists", "a/../b"], "must not be \"..\""),
        (&["create"], "a signal is missing"),
        (&["create", "a@b"], "drop the @"),
        (&["install"], "the folder is missing"),
        (&["install", "a", "b"], "unexpected argument"),
    ] {
        let error = parse(line).unwrap_err();
        assert!(error.contains(rule), "{line:?}: {error}");
    }
}

#[test]
fn the_examples_are_right() {
    for topic in [
        Topic::All,
        Topic::Create,
        Topic::Exists,
        Topic::Install,
        Topic::Wait,
    ] {
        let words: Vec<_> = topic.example().split(' ').skip(1).collect();
        assert!(parse(&words).is_ok(), "{words:?}");
    }
}
