//! Texts before and after.

use super::*;
use crate::File;

const LIST: &str = "/spec/init";

fn remove(items: &[usize]) -> Edit {
    Edit::RemoveItems {
        pointer: LIST.to_owned(),
        items: items.to_vec(),
    }
}

fn set(value: &str) -> Edit {
    Edit::Set {
        pointer: String::new(),
        keys: ["metadata", "annotations"].map(str::to_owned).to_vec(),
        entries: vec![("on".to_owned(), value.to_owned())],
    }
}

fn edited(name: &str, text: &str, edits: &[Edit]) -> Result<String, EditError> {
    let file = File::parse(name, text.to_owned()).unwrap();
    let document = file.documents().last().unwrap();
    let changes = document.edit(edits)?;
    Ok(apply(text, 0..text.len(), &changes))
}

#[track_caller]
fn assert_edited(text: &str, edits: &[Edit], expected: &str) {
    assert_eq!(
        edited("a.yaml", text, edits).as_deref(),
        Ok(expected),
        "{text}"
    );
}

const THREE: &str = "\
# head
spec:
  # about the list
  init:
    - name: a   # one
      args: [x]
    # about b
    - name: b
      script: |
        until x; do
          sleep 1
        done

    # about c
    - name: c
  containers: []   # keep
";

#[test]
fn an_item_goes_with_the_comment_above_it() {
    assert_edited(
        THREE,
        &[remove(&[1])],
        "\
# head
spec:
  # about the list
  init:
    - name: a   # one
      args: [x]

    # about c
    - name: c
  containers: []   # keep
",
    );
    assert_edited(
        THREE,
        &[remove(&[0, 2])],
        "\
# head
spec:
  # about the list
  init:
    # about b
    - name: b
      script: |
        until x; do
          sleep 1
        done

  containers: []   # keep
",
    );
}

#[test]
fn a_list_goes_with_its_last_item() {
    assert_edited(
        THREE,
        &[remove(&[0, 1, 2])],
        "\
# head
spec:
  # about the list
  containers: []   # keep
",
    );
}

#[test]
fn a_list_without_indentation_and_with_dos_lines_is_changed() {
    assert_edited(
        "spec:\r\n  init:\r\n  - name: a\r\n    x: 1\r\n  - name: b\r\n  c: d\r\n",
        &[remove(&[0]), set("x")],
        "metadata:\r\n  annotations:\r\n    on: x\r\nspec:\r\n  init:\r\n  - name: b\r\n  c: d\r\n"
            .replace("on: x", "\"on\": x")
            .as_str(),
    );
}

#[test]
fn a_flow_list_loses_its_comma() {
    let text = "spec: {init: [{name: a}, {name: b}, *c], other: [&c {name: c}]}\n";
    let text = text.replace("*c", "{name: c}").replace("&c ", "");
    for (items, expected) in [
        (
            &[0][..],
            "spec: {init: [{name: b}, {name: c}], other: [{name: c}]}\n",
        ),
        (
            &[1],
            "spec: {init: [{name: a}, {name: c}], other: [{name: c}]}\n",
        ),
        (
            &[2],
            "spec: {init: [{name: a}, {name: b}], other: [{name: c}]}\n",
        ),
        (&[1, 2], "spec: {init: [{name: a}], other: [{name: c}]}\n"),
        (&[0, 1, 2], "spec: {other: [{name: c}]}\n"),
    ] {
        assert_edited(&text, &[remove(items)], expected);
    }
}

#[test]
fn a_field_is_set_wherever_it_is_missing() {
    for (text, expected) in [
        (
            "spec: 1\n",
            "metadata:\n  annotations:\n    key: v\nspec: 1\n",
        ),
        (
            "# c\nspec: 1",
            "metadata:\n  annotations:\n    key: v\n# c\nspec: 1",
        ),
        (
            "metadata:\n  name: x # c\nspec: 1\n",
            "metadata:\n  name: x # c\n  annotations:\n    key: v\nspec: 1\n",
        ),
        (
            "metadata:\n    annotations:\n        a: b\n\n        # d\n        c: |\n          e\n    name: x\n",
            "metadata:\n    annotations:\n        a: b\n\n        # d\n        c: |\n          e\n        key: v\n    name: x\n",
        ),
        (
            "metadata:\n  annotations: {}\n",
            "metadata:\n  annotations: {\"key\": \"v\"}\n",
        ),
        (
            "metadata:\n  annotations: # none\n  name: x\n",
            "metadata:\n  annotations:\n    key: v # none\n  name: x\n",
        ),
        (
            "metadata:\n  annotations: null\n",
            "metadata:\n  annotations:\n    key: v\n",
        ),
        (
            "metadata: {annotations: {a: b}}",
            "metadata: {annotations: {a: b, \"key\": \"v\"}}",
        ),
        (
            "metadata: {name: x}",
            "metadata: {name: x, \"annotations\": {\"key\": \"v\"}}",
        ),
        (
            "metadata:\n  annotations:\n    key: old # c\n    b: c\n",
            "metadata:\n  annotations:\n    key: v # c\n    b: c\n",
        ),
        (
            "metadata:\n  annotations:\n    key: |\n      old\n      older\n    b: c\n",
            "metadata:\n  annotations:\n    key: v\n    b: c\n",
        ),
        (
            "{\n  \"metadata\": {\n    \"name\": \"x\"\n  }\n}\n",
            "{\n  \"metadata\": {\n    \"name\": \"x\",\n    \"annotations\": {\"key\": \"v\"}\n  }\n}\n",
        ),
    ] {
        let edit = Edit::Set {
            pointer: String::new(),
            keys: ["metadata", "annotations"].map(str::to_owned).to_vec(),
            entries: vec![("key".to_owned(), "v".to_owned())],
        };
        assert_edited(text, &[edit], expected);
    }
}

#[test]
fn several_fields_of_one_mapping_are_set_together() {
    for (text, expected) in [
        (
            "spec: 1\n",
            "metadata:\n  annotations:\n    key: v\n    to: w\nspec: 1\n",
        ),
        (
            "metadata:\n  annotations:\n    to: x # c\n    b: c\n",
            "metadata:\n  annotations:\n    to: w # c\n    b: c\n    key: v\n",
        ),
        (
            "metadata:\n  annotations:\n  name: x\n",
            "metadata:\n  annotations:\n    key: v\n    to: w\n  name: x\n",
        ),
        (
            "metadata: {name: x}",
            "metadata: {name: x, \"annotations\": {\"key\": \"v\", \"to\": \"w\"}}",
        ),
        (
            "metadata: {annotations: {a: b}}",
            "metadata: {annotations: {a: b, \"key\": \"v\", \"to\": \"w\"}}",
        ),
    ] {
        let edit = Edit::Set {
            pointer: String::new(),
            keys: ["metadata", "annotations"].map(str::to_owned).to_vec(),
            entries: [("key", "v"), ("to", "w")]
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .to_vec(),
        };
        assert_edited(text, &[edit], expected);
    }
}

#[test]
fn a_value_is_written_as_yaml_reads_it() {
    for value in [
        "tcp://db:5432, job:x",
        "?a within 30s",
        "!a",
        "a\nb",
        "a: b",
        "*a",
        "#a",
        "\"a\"",
    ] {
        let text = edited("a.yaml", "spec: 1\n", &[set(value)]).unwrap();
        let file = File::parse("a.yaml", text).unwrap();
        let read = file.documents()[0].object();
        assert_eq!(read.pointer("/metadata/annotations/on").unwrap(), value);
    }
}

#[test]
fn another_document_of_the_file_stays() {
    assert_edited(
        "a: 1\n--- # two\nspec:\n  init: [{name: a}]\n  x: 1\n",
        &[remove(&[0])],
        "a: 1\n--- # two\nspec:\n  x: 1\n",
    );
}

#[test]
fn what_other_places_share_is_not_changed() {
    let anchor = |name: &str| EditError::Anchor {
        name: name.to_owned(),
    };
    for (text, error) in [
        (
            "spec:\n  init:\n  - &a\n    name: a\n  - name: b\n  other: *a\n",
            anchor("a"),
        ),
        (
            "spec:\n  init:\n  - name: &n a\n  - name: b\n  other: *n\n",
            anchor("n"),
        ),
        (
            "x: &l [{name: a}, {name: b}]\nspec:\n  init: *l\n",
            EditError::Shared,
        ),
        (
            "x: &s\n  init: [{name: a}]\nspec:\n  <<: *s\n",
            EditError::Shared,
        ),
        (
            "x: &s\n  init: [{name: a}]\n  y: 1\nspec: *s\n",
            EditError::Shared,
        ),
    ] {
        assert_eq!(
            edited("a.yaml", text, &[remove(&[0])]),
            Err(error),
            "{text}"
        );
    }
}

#[test]
fn an_alias_as_an_item_goes_without_its_anchor() {
    assert_edited(
        "x: &a {name: a}\nspec:\n  init:\n  - *a\n  - name: b\n",
        &[remove(&[0])],
        "x: &a {name: a}\nspec:\n  init:\n  - name: b\n",
    );
}
