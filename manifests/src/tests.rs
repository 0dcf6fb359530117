use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn mk_file(text: &str) -> File {
    File::parse("a.yaml", text.to_owned()).unwrap()
}

fn objects(text: &str) -> Vec<Value> {
    let file = mk_file(text);
    file.documents()
        .iter()
        .map(|d| d.object().clone())
        .collect()
}

/// Returns the files as one stream, with an object in the place of some documents, by position.
fn rewrite(files: &[File], changed: &[(usize, Value)]) -> String {
    let mut position = 0;
    let texts = files.iter().map(|file| {
        let mut text = Rewriting::new(file.source());
        for document in file.documents() {
            if let Some((_, object)) = changed.iter().find(|(index, _)| *index == position) {
                text.replace(document, object).unwrap();
            }
            position += 1;
        }
        (file.source().format(), text.finish())
    });
    join(texts)
}

#[track_caller]
fn assert_error(text: &str, at: &str, rule: &str) {
    let error = File::parse("a.yaml", text.to_owned())
        .unwrap_err()
        .to_string();
    assert!(error.starts_with(&format!("a.yaml:{at}: ")), "{error}");
    assert!(error.contains(rule), "{error}");
}

#[test]
fn reads_documents_and_skips_empty_ones() {
    let text = "# head\n---\na: 1\n---\n# nothing\n---\nb: 2\n...\n";
    assert_eq!(objects(text), [json!({"a": 1}), json!({"b": 2})]);
    assert!(objects("").is_empty());
}

#[test]
fn keeps_the_order_of_keys() {
    let keys: Vec<_> = objects("z: 1\na: 2\nm: 3\n")[0]
        .as_object()
        .unwrap()
        .keys()
        .cloned()
        .collect();
    assert_eq!(keys, ["z", "a", "m"]);
}

#[test]
fn resolves_anchors_aliases_and_merge_keys() {
    let text = "base: &b {x: 1, w: 2}\nboth:\n  <<: *b\n  w: 3\nlist:\n- *b\n- <<: [*b, {z: 4}]\n";
    let base = json!({"x": 1, "w": 2});
    let expected = json!({
        "base": base, "both": {"w": 3, "x": 1}, "list": [base, {"x": 1, "w": 2, "z": 4}],
    });
    assert_eq!(objects(text), [expected]);
}

#[test]
fn keys_are_what_the_api_server_sees() {
    let text = "on: a\n1: b\n\"yes\": c\n0x10: d\n";
    assert_eq!(
        objects(text),
        [json!({"true": "a", "1": "b", "yes": "c", "16": "d"})]
    );
}

#[test]
fn tags_choose_the_type() {
    let text = "a: !!str 12\nb: !!int \"12\"\nc: !custom yes\n";
    assert_eq!(objects(text), [json!({"a": "12", "b": 12, "c": "yes"})]);
    assert_error("a: !!int x\n", "1:10", "not what its tag !!int says");
    assert_error("a: !!binary eA==\n", "1:13", "!!binary is not supported");
}

#[test]
fn a_tag_in_front_of_an_annotation_is_meant_as_text() {
    let pod =
        |value: &str| format!("metadata:\n  annotations:\n    depends-on: {value}\nspec: !x y\n");
    for (value, at) in [("!db/failed", "3:27"), ("!job:migrate", "3:29")] {
        let rule = format!("put the value in quotes, as in {value:?}");
        assert_error(&pod(value), at, &rule);
    }
    for value in ["\"!db/failed\"", "'!db/failed'", "|\n      !db/failed"] {
        let text = &objects(&pod(value))[0]["metadata"]["annotations"]["depends-on"];
        assert_eq!(text.as_str().unwrap().trim(), "!db/failed");
    }
    let text = &objects(&pod("!!str 12"))[0]["metadata"]["annotations"]["depends-on"];
    assert_eq!(text, "12");
}

#[test]
fn the_documents_around_broken_ones_are_read() {
    let text = "a: 1\n---\nb: [}\n---\n- c\n--- # x\nd: 4\n---\ne: {{ x }}\n---\nf: |\n  ---\n  x\n...\n---\n\
                g: \"h\n---\ni: 9\n";
    let (file, errors) = File::read_rest(&Source::new("a.yaml", text.to_owned()));
    let found: Vec<_> = file.documents().iter().map(Document::object).collect();
    assert_eq!(
        found,
        [
            &json!({"a": 1}),
            &json!({"d": 4}),
            &json!({"f": "---\nx\n"}),
            &json!({"i": 9})
        ]
    );
    let places: Vec<_> = errors
        .iter()
        .map(|error| error.to_string().split(": ").next().unwrap().to_owned())
        .collect();
    assert_eq!(
        places,
        ["a.yaml:3:4", "a.yaml:5:1", "a.yaml:9:5", "a.yaml:16:4"]
    );
    let d = &file.documents()[1];
    assert_eq!(d.places().locate("/d").line(), 7);
}

#[test]
fn the_hint_at_a_template_is_about_the_broken_document_alone() {
    let text = "a: [}\n---\nb: |\n  {{ x }}\n---\nc: {{ x }}\n---\nd: [}\n";
    let (_, errors) = File::read_rest(&Source::new("a.yaml", text.to_owned()));
    let hints = errors
        .iter()
        .map(|it| it.to_string().contains("helm template"));
    assert_eq!(hints.collect::<Vec<_>>(), [false, true, false]);
}

#[test]
fn names_the_place_and_the_rule() {
    assert_error(
        "a: 1\nb: {x: 1, x: 2}\n",
        "2:11",
        "the key \"x\" is there twice",
    );
    assert_error("a: b: c\n", "1:5", "mapping values are not allowed");
    assert_error("a:\n\t- x\n", "2:2", "tabs disallowed");
    assert_error("a: *nope\n", "1:4", "unknown anchor");
    assert_error("a: {{ .Values.x }}\n", "1:5", "helm template");
    assert_error("- a\n", "1:1", "not a list");
    assert_error("a: 1\n---\nhello\n", "3:1", "not a single value");
    assert_error("? [a]\n: 1\n", "1:3", "the key of a field is a string");
    assert_error("a: &x [*x]\n", "1:8", "stands inside of the node");
    assert_error("a: &x 1\n<<: *x\n", "2:1", "<< takes a mapping");
}

#[test]
fn a_key_that_is_there_twice_is_found_in_a_mapping_of_any_size() {
    for size in [1, 15, 16, 17, 40] {
        let keys: Vec<_> = (0..size).map(|number| format!("k{number}: 1\n")).collect();
        assert_eq!(objects(&keys.concat())[0].as_object().unwrap().len(), size);
        for again in [0, size - 1] {
            let text = format!("{}k{again}: 2\n", keys.concat());
            let at = format!("{}:1", size + 1);
            assert_error(&text, &at, &format!("the key \"k{again}\" is there twice"));
        }
    }
}

#[test]
fn the_own_keys_of_a_large_mapping_win_over_merged_ones() {
    let keys = |value: u8| -> Vec<_> { (0..40).map(|key| format!("k{key}: {value}")).collect() };
    let (base, own) = (keys(1).join(", "), keys(2)[..20].join(", "));
    let object = &objects(&format!("base: &b {{{base}}}\nboth: {{<<: *b, {own}}}\n"))[0];
    let both = object["both"].as_object().unwrap();
    assert_eq!(both.len(), 40);
    assert_eq!((&both["k19"], &both["k20"]), (&json!(2), &json!(1)));
}

#[test]
fn an_alias_bomb_is_refused() {
    let level = |n: i32| {
        format!(
            "a{}: &a{} [{}]\n",
            n + 1,
            n + 1,
            vec![format!("*a{n}"); 4].join(",")
        )
    };
    let text = "a0: &a0 xxxxxxxxxxxxxxxx\n".to_owned() + &(0..30).map(level).collect::<String>();
    let error = File::parse("a.yaml", text).unwrap_err().to_string();
    assert!(error.contains("times as large as the file"), "{error}");
}

#[test]
fn a_ladder_of_aliases_is_refused() {
    let level = |n: i32| format!("a{}: &a{} [*a{n}]\n", n + 1, n + 1);
    let text = "a0: &a0 [x]\n".to_owned() + &(0..5000).map(level).collect::<String>();
    let error = File::parse("a.yaml", text).unwrap_err().to_string();
    assert!(error.contains("nested more than"), "{error}");
}

#[test]
fn deep_nesting_is_refused() {
    let error = File::parse("a.yaml", "[".repeat(100_000)).unwrap_err();
    assert!(error.to_string().starts_with("a.yaml:1:"), "{error}");
}

#[test]
fn locates_values_keys_and_terms() {
    let text = "\
metadata:
  annotations:
    plain: a/b, c/d
    quoted: 'it''s, c/d'
    literal: |-  # two
      a/b,
      c/d
    folded: >
      a/b,

      c/d
";
    let file = mk_file(text);
    let document = &file.documents()[0];
    let at = |name: &str, column| {
        document
            .places()
            .locate_in(&format!("/metadata/annotations/{name}"), column)
            .to_string()
    };
    assert_eq!(at("plain", 6), "a.yaml:3:17");
    assert_eq!(at("quoted", 7), "a.yaml:4:21");
    assert_eq!(at("literal", 6), "a.yaml:7:7");
    assert_eq!(at("folded", 6), "a.yaml:11:7");
    let key = document
        .places()
        .locate_key("/metadata/annotations/literal");
    assert_eq!(key.to_string(), "a.yaml:5:5");
    assert_eq!(key.line_text(), "    literal: |-  # two");
    assert_eq!(
        document.places().locate("/metadata/labels/x").to_string(),
        "a.yaml:2:3"
    );
}

#[test]
fn reads_json_with_positions() {
    let text =
        "{\"a\": {\"depends~on/x\": \"b, c\", \"n\": 1.0}}\n{\"b\": \"\\ud83d\\ude00, x\"}\n";
    let file = File::parse("a.json", text.to_owned()).unwrap();
    assert_eq!(file.source().format(), Format::Json);
    let [first, second] = file.documents() else {
        panic!("two documents");
    };
    assert_eq!(
        first.places().locate_in("/a/depends~0on~1x", 4).to_string(),
        "a.json:1:28"
    );
    assert_eq!(first.object()["a"]["n"].to_string(), "1.0");
    assert_eq!(second.object(), &json!({"b": "\u{1f600}, x"}));
    assert_eq!(second.places().locate("/b").to_string(), "a.json:2:7");
}

#[test]
fn json_errors_name_the_place() {
    let error = File::parse("a.json", "{\n  \"a\": x\n}".to_owned()).unwrap_err();
    assert!(error.to_string().starts_with("a.json:2:8: "), "{error}");
    let error = File::parse("a.json", "{\"a\": 1,\n \"a\": 2}".to_owned()).unwrap_err();
    assert!(error.to_string().contains("a.json:2:2: the key"), "{error}");
}

#[test]
fn what_begins_with_a_brace_may_be_yaml() {
    assert_eq!(mk_file("{a: 1}\n").source().format(), Format::Yaml);
    assert_eq!(mk_file("{\"a\": 1}\n").source().format(), Format::Json);
}

#[test]
fn unchanged_documents_stay_byte_for_byte() {
    let text = "# head\r\n--- # one\nb:   1 # x\n\n---\na: {x: 1}   # y\n\n# tail\n---\nc: |\n  x\n\n...\n";
    let files = [mk_file(text)];
    assert_eq!(rewrite(&files, &[]), text);
    assert_eq!(
        rewrite(&files, &[(1, json!({"new": "yes"}))]),
        text.replace("a: {x: 1}   # y\n", "new: \"yes\"\n")
    );
}

#[test]
fn a_document_on_its_marker_line_can_be_changed() {
    let files = [mk_file("--- {a: 1}\n---\nb: 1")];
    let changed = [(0, json!({"x": 1})), (1, json!({"z": 2}))];
    assert_eq!(rewrite(&files, &changed), "--- \nx: 1\n---\nz: 2\n");
}

#[test]
fn files_become_one_stream() {
    let json = File::parse("b.json", "{\"b\": 1}".to_owned()).unwrap();
    let files = [mk_file("a: 1"), json, mk_file("---\nc: 1\n")];
    assert_eq!(
        rewrite(&files, &[(1, json!({"b": 2}))]),
        "a: 1\n---\n{\n  \"b\": 2\n}\n---\nc: 1\n"
    );
}

/// Strings that some reader or other takes for something else, and such as need care.
fn tricky_string() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ -~\\n\\t]{0,40}",
        "\\PC{0,20}",
        "[ \\n]{0,3}[a-z:#'\"\\\\]{0,6}[ \\n]{0,3}",
        "[-+0-9._eExXob:]{1,8}",
        proptest::sample::select(vec![
            "yes",
            "on",
            "y",
            "N",
            "0644",
            "0o7",
            "1e3",
            "null",
            "~",
            "1_000",
            "2024-01-01",
            ":",
            "#",
            "a: b",
            "a #b",
            "- a",
            "? a",
            "|",
            ">",
            "*a",
            "&a",
            "!a",
            "%a",
            "@a",
            "`a",
            "{}",
            "[",
            "<<",
            "=",
            "---",
            "...",
            "\u{feff}",
            "\u{85}",
            "\u{2028}",
            "\r\n",
            " ",
            ".inf",
            "0x1F",
            "12:30:45",
            "---\na",
            "a\n---\nb\n",
        ])
        .prop_map(str::to_owned),
    ]
}

fn tricky_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        tricky_string().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            proptest::collection::vec((tricky_string(), inner), 0..5)
                .prop_map(|entries| entries.into_iter().collect()),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(value in tricky_value()) {
        let object = json!({"object": value});
        let text = to_yaml(&object).unwrap();
        let file = File::parse("a.yaml", text.clone());
        let read = file.map_err(|error| TestCaseError::fail(format!("{error}: {text}")))?;
        prop_assert_eq!(read.documents().len(), 1, "{}", text);
        prop_assert_eq!(read.documents()[0].object(), &object, "{}", text);
        prop_assert_eq!(rewrite(&[read], &[(0, object)]), text);
    }

    #[test]
    fn any_text_is_read_or_refused_with_a_place(text in "[ -~\\n]{0,80}|\\PC{0,40}") {
        if let Err(error) = File::parse("a.yaml", text) {
            prop_assert!(error.to_string().starts_with("a.yaml:"));
        }
    }

    #[test]
    fn every_column_leads_into_the_scalar(text in "[a-z, \\n'\"]{1,30}", column in 0_usize..40) {
        let yaml = to_yaml(&json!({"key": text, "next": 1})).unwrap();
        let file = mk_file(&yaml);
        let document = &file.documents()[0];
        let location = document.places().locate_in("/key", column);
        prop_assert!(location.line() <= document.places().locate("/next").line());
    }
}

#[test]
fn every_document_of_a_stream_is_found_again() {
    let file =
        mk_file("# one\n  a: [x,\n    y]\n--- {b: &q 1, c: *q}\n...\n# two\n---\n\n\nd:\n  e: 2\n");
    let at = |index: usize, pointer: &str| {
        let places = file.documents()[index].places();
        places.locate(pointer).to_string()
    };
    assert_eq!(at(0, "/a/1"), "a.yaml:3:5");
    assert_eq!(at(1, "/c"), "a.yaml:4:12", "where its anchor stands");
    assert_eq!(at(2, "/d/e"), "a.yaml:11:6");
}
