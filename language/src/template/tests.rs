use std::collections::BTreeMap;

use super::*;

fn template(text: &str) -> NameTemplate {
    text.parse().unwrap()
}

#[test]
fn fills_in_what_is_known_and_leaves_the_rest() {
    let facts = Facts {
        labels: Some(&BTreeMap::from([("app.kubernetes.io/version", "1.2")])),
        pod_name: Some("web-0"),
        ..Facts::default()
    };
    let name = template("/m/$(labels['app.kubernetes.io/version'])//$(POD_NAME)-$(NODE_NAME)/");
    assert_eq!(
        name.to_string(),
        "m/$(labels['app.kubernetes.io/version'])/$(POD_NAME)-$(NODE_NAME)"
    );
    let resolved = name.resolve(&facts).unwrap();
    assert_eq!(resolved.to_string(), "m/1.2/web-0-$(NODE_NAME)");
    assert_eq!(resolved.variable_name(), None);
    let facts = Facts {
        node_name: Some("n1"),
        ..facts
    };
    let resolved = resolved.resolve(&facts).unwrap();
    assert_eq!(resolved.variable_name().unwrap().as_str(), "m/1.2/web-0-n1");
}

#[test]
fn a_label_that_is_not_there_is_an_empty_substitution() {
    let facts = Facts {
        labels: Some(&BTreeMap::new()),
        ..Facts::default()
    };
    let error = template("m/$(labels['version'])")
        .resolve(&facts)
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "$(labels['version']) is empty for this pod"
    );
}

#[test]
fn a_label_of_a_later_moment_is_left() {
    let facts = Facts {
        labels: Some(&BTreeMap::from([("index", "0"), ("app", "db")])),
        later_labels: &["index"],
        ..Facts::default()
    };
    let name = template("$(labels['app'])/$(labels['index'])");
    let resolved = name.resolve(&facts).unwrap();
    assert_eq!(resolved.to_string(), "db/$(labels['index'])");
}

#[test]
fn names_what_stands_for_nothing() {
    for (text, rule) in [
        ("a/$(POD)", "\"$(POD)\" stands for nothing"),
        ("a/$(labels[x])", "stands for nothing"),
        ("a/$(POD_NAME", "never closed"),
        ("a/../$(POD_NAME)", "must not be \"..\""),
        ("a b/$(POD_NAME)", "' ' is not allowed"),
        ("a/$$(POD_NAME)", "'$' is not allowed"),
    ] {
        let error = text.parse::<NameTemplate>().unwrap_err().to_string();
        assert!(error.contains(rule), "{text}: {error}");
    }
}

#[test]
fn a_name_of_one_placeholder_is_a_name() {
    assert_eq!(template("//$(POD_NAME)//").to_string(), "$(POD_NAME)");
}

const ALL: [(&str, Option<&str>); 6] = [
    ("$(CONTAINER)", None),
    ("$(NODE_NAME)", Some("NODE_NAME")),
    ("$(POD_NAME)", Some("POD_NAME")),
    ("$(POD_NAMESPACE)", Some("POD_NAMESPACE")),
    ("$(POD_UID)", Some("POD_UID")),
    ("$(labels['app.kubernetes.io/name'])", None),
];

#[test]
fn each_placeholder_prints_as_it_is_read_and_has_its_variable() {
    for (text, variable) in ALL {
        let name = template(text);
        let placeholders: Vec<_> = name.placeholders().collect();
        assert_eq!(placeholders.len(), 1, "{text}");
        assert_eq!(placeholders[0].to_string(), text);
        assert_eq!(placeholders[0].environment_variable(), variable, "{text}");
        assert_eq!(name.literal(), None, "{text}");
    }
}

#[test]
fn each_placeholder_stands_for_its_fact() {
    let labels = BTreeMap::from([("app.kubernetes.io/name", "label")]);
    let facts = Facts {
        container: Some("container"),
        labels: Some(&labels),
        later_labels: &[],
        node_name: Some("node"),
        pod_name: Some("name"),
        pod_namespace: Some("namespace"),
        pod_uid: Some("uid"),
    };
    let all: Vec<_> = ALL.iter().map(|(text, _)| *text).collect();
    let resolved = template(&all.join("/")).resolve(&facts).unwrap();
    let words = "container/node/name/namespace/uid/label";
    assert_eq!(resolved.literal(), Some(words));
    let error = template("$(POD_UID)").resolve(&Facts {
        pod_uid: Some(""),
        ..facts
    });
    assert!(matches!(error, Err(ResolveError::Empty(_))));
}

#[test]
fn the_key_of_a_label_is_one_of_kubernetes() {
    for key in ["a", "A1", "a-b_c.d", "example.com/a", "1/2"] {
        let text = format!("$(labels['{key}'])");
        assert_eq!(template(&text).to_string(), text);
    }
    for key in ["", "-a", "a-", "/a", "a/", "a/b/c", "a b", "a/-b", "a'b"] {
        let text = format!("$(labels['{key}'])");
        assert!(text.parse::<NameTemplate>().is_err(), "{text}");
    }
}

#[test]
fn the_literal_parts_are_as_long_as_a_name() {
    let with = |bytes: usize| format!("{}$(POD_NAME)", "x".repeat(bytes)).parse::<NameTemplate>();
    assert!(with(255).is_ok());
    let error = with(256).unwrap_err().to_string();
    assert!(error.contains("this one has 256"), "{error}");
    let around = format!("{0}$(POD_NAME){0}", "x".repeat(128));
    assert!(around.parse::<NameTemplate>().is_err(), "both parts count");
}

#[test]
fn slashes_are_dropped_around_the_name_and_kept_beside_placeholders() {
    for (text, printed) in [
        ("/$(POD_NAME)/$(POD_UID)/", "$(POD_NAME)/$(POD_UID)"),
        ("a//$(POD_NAME)//b/", "a/$(POD_NAME)/b"),
        ("$(POD_NAME)-b//", "$(POD_NAME)-b"),
        ("a/.$(POD_NAME)", "a/.$(POD_NAME)"),
    ] {
        assert_eq!(template(text).to_string(), printed, "{text}");
    }
    for bad in ["./$(POD_NAME)", "$(POD_NAME)/..", "$(POD_NAME)/./a"] {
        assert!(bad.parse::<NameTemplate>().is_err(), "{bad}");
    }
}

#[test]
fn what_a_placeholder_brings_must_make_a_name() {
    let facts = Facts {
        pod_name: Some("a b"),
        ..Facts::default()
    };
    let error = template("x/$(POD_NAME)").resolve(&facts).unwrap_err();
    assert!(matches!(error, ResolveError::Template(_)), "{error}");
}

#[test]
fn a_variables_name_is_a_template_of_itself() {
    let name: VariableName = "a/b".parse().unwrap();
    let template = NameTemplate::from(name.clone());
    assert_eq!(template.literal(), Some("a/b"));
    assert_eq!(template.variable_name(), Some(name));
    assert_eq!(template.placeholders().count(), 0);
}
