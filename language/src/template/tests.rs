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
    ] {
        let error = text.parse::<NameTemplate>().unwrap_err().to_string();
        assert!(error.contains(rule), "{text}: {error}");
    }
}

#[test]
fn a_name_of_one_placeholder_is_a_name() {
    assert_eq!(template("//$(POD_NAME)//").to_string(), "$(POD_NAME)");
}
