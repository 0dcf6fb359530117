//! The pods of `testdata/admission`: `NAME.golden.json` has the expected result of `NAME.json`.
//!
//! `UPDATE_GOLDEN=1` rewrites the golden files; read the diff before you commit it. Pods whose name
//! begins with `no-controller-` use the settings of a laptop, those with `identity-` the settings of
//! a cluster whose pods get tokens, and all others those of a cluster without.

use std::{
    fs,
    path::{Path, PathBuf},
};

use k8s_openapi::api::core::v1 as core;
use serde_json::{Value, json};

use super::{Identity, admit, assert_nothing_to_do, cluster, laptop, raw, with_tokens};
use crate::injection::{Decision, Injection, Refused, Settings, Warning};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../testdata/admission");
const GOLDEN: &str = ".golden.json";

struct Case {
    name: String,
    pod: String,
    settings: Settings,
}

impl Case {
    fn read(path: &Path) -> Self {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let settings = match name.split_once('-') {
            Some(("identity", _)) => with_tokens(),
            Some(("no", rest)) if rest.starts_with("controller-") => laptop(),
            _ => cluster(),
        };
        Self {
            pod: fs::read_to_string(path).unwrap(),
            name,
            settings,
        }
    }

    fn golden_path(&self) -> PathBuf {
        Path::new(FOLDER).join(format!("{}{GOLDEN}", self.name))
    }

    /// Returns the pod as it is once it was admitted, where it was changed.
    fn patched(&self) -> Option<String> {
        match admit(&self.pod, &self.settings).ok()?.decision {
            Decision::Patch(patch) => Some(raw::patched(&self.pod, &patch)),
            Decision::Skip(_) => None,
        }
    }
}

fn cases() -> Vec<Case> {
    let entries = fs::read_dir(FOLDER).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut paths: Vec<_> = paths
        .filter(|path| !path.to_str().unwrap().ends_with(GOLDEN))
        .collect();
    paths.sort();
    paths.iter().map(|path| Case::read(path)).collect()
}

fn patched_cases() -> impl Iterator<Item = (Case, String)> {
    cases().into_iter().filter_map(|case| {
        let patched = case.patched()?;
        Some((case, patched))
    })
}

fn describe(result: &Result<Injection, Refused>) -> Value {
    let (mut golden, warnings) = match result {
        Ok(injection) => (decided(&injection.decision), &injection.warnings),
        Err(Refused { refusal, warnings }) => {
            let refusal = json!({
                "status": refusal.status(),
                "reason": refusal.label(),
                "message": refusal.to_string(),
            });
            (json!({ "refusal": refusal }), warnings)
        }
    };
    if !warnings.is_empty() {
        golden["warnings"] = warnings.iter().map(told).collect();
    }
    golden
}

fn decided(decision: &Decision) -> Value {
    match decision {
        Decision::Patch(patch) => json!({ "patch": patch }),
        Decision::Skip(reason) => json!({"skip": reason.label()}),
    }
}

fn told(warning: &Warning) -> Value {
    assert!(warning.to_string().len() <= 256, "{warning}");
    warning.to_string().into()
}

#[test]
fn every_pod_becomes_what_its_golden_file_says() {
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    for case in cases() {
        let described = describe(&admit(&case.pod, &case.settings));
        if update {
            let text = serde_json::to_string_pretty(&described).unwrap();
            fs::write(case.golden_path(), text + "\n").unwrap();
        }
        let golden = fs::read_to_string(case.golden_path()).unwrap_or_default();
        let golden: Value = serde_json::from_str(&golden).unwrap_or_default();
        assert!(
            described == golden,
            "{} is not as its golden file says: UPDATE_GOLDEN=1 and git diff show where",
            case.name
        );
    }
}

#[test]
fn there_are_enough_pods_and_every_golden_file_has_its_pod() {
    let cases = cases();
    assert!(cases.len() >= 30);
    let files = fs::read_dir(FOLDER).unwrap().count();
    assert_eq!(files, 2 * cases.len());
}

#[test]
fn a_second_round_finds_nothing_to_do() {
    for (case, patched) in patched_cases() {
        assert_nothing_to_do(&patched, &case.settings);
    }
}

#[test]
fn what_is_not_ours_survives_byte_for_byte() {
    for (case, patched) in patched_cases() {
        let patched = raw::Node::parse(&patched).leaves();
        for (path, token) in raw::Node::parse(&case.pod).leaves() {
            let chained = path.contains("/postStart/exec/command[");
            let absent = token == "null";
            let survived = patched.contains(&(path.clone(), token.clone()));
            assert!(
                survived || chained || absent,
                "{}: {path}: {token}",
                case.name
            );
        }
    }
}

#[test]
fn the_result_is_a_pod() {
    for (case, patched) in patched_cases() {
        let pod: core::Pod =
            serde_json::from_str(&patched).unwrap_or_else(|error| panic!("{}: {error}", case.name));
        let spec = pod.spec.unwrap();
        let mut names: Vec<_> = spec.containers.iter().map(|c| &c.name).collect();
        names.extend(spec.init_containers.iter().flatten().map(|c| &c.name));
        names.sort();
        let count = names.len();
        names.dedup();
        assert_eq!(
            names.len(),
            count,
            "{}: two containers of one name",
            case.name
        );
    }
}

#[test]
fn another_annotation_replaces_ours_in_place() {
    for (case, before) in patched_cases() {
        let mut pod: Value = serde_json::from_str(&before).unwrap();
        let annotations = pod["metadata"]["annotations"].as_object_mut().unwrap();
        let prefixed = annotations.contains_key("oncue.dev/depends-on");
        let key = if prefixed {
            "oncue.dev/depends-on"
        } else {
            "depends-on"
        };
        let terms = annotations.get(key).and_then(Value::as_str).unwrap_or("");
        let terms = format!("{terms}, one/more");
        annotations.insert(key.to_owned(), terms.into());
        let edited = pod.to_string();
        let identity = Identity::of(&edited);
        let Decision::Patch(patch) = identity.admit(&edited, &case.settings).unwrap().decision
        else {
            panic!("{}: the new annotation changes nothing", case.name);
        };
        let after = raw::patched(&edited, &patch);
        assert_nothing_to_do(&after, &case.settings);
        let (before, after) = (ours(&before), ours(&after));
        let gate = pod["spec"].get("schedulingGates").is_some();
        assert!(after.len() == 1 || gate, "{}", case.name);
        assert!(before.is_empty() || before == after, "{}", case.name);
    }
}

/// Returns where our containers stand.
fn ours(pod: &str) -> Vec<usize> {
    let pod: Value = serde_json::from_str(pod).unwrap();
    let init = pod["spec"]["initContainers"].as_array();
    let init = init.into_iter().flatten().enumerate();
    init.filter(|(_, container)| container["name"] == "oncue-wait")
        .map(|(index, _)| index)
        .collect()
}
