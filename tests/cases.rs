//! The built binary on manifests that a user would write.
//!
//! `testdata/cases/NAME.yaml` is a file, `NAME.txt` what `check` and `rehearse` print about it.
//! `UPDATE_GOLDEN=1` rewrites these; read the diff before you commit it.

#![allow(clippy::unwrap_used, reason = "a test ends where it fails")]

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/cases");

/// Runs a command on a case, and returns it with what it prints and its exit code.
fn run(case: &Path, args: &[&str]) -> String {
    let name = case.file_name().unwrap().to_str().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_oncue"));
    command.current_dir(FOLDER).env_clear().stdin(Stdio::null());
    let output = command.args(args).args(["-f", name]).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    format!(
        "$ oncue {} -f {name}\n{}{}exit code {}\n",
        args.join(" "),
        text(output.stdout),
        text(output.stderr),
        output.status.code().unwrap()
    )
}

/// Returns the commands of a case: those that play an order are for files that have one.
fn commands(case: &Path) -> Vec<Vec<&'static str>> {
    let text = fs::read_to_string(case).unwrap();
    let mut commands = vec![vec!["check"], vec!["rehearse"]];
    for (annotation, order) in [("helm.sh/hook", "helm"), ("argocd.argoproj.io/", "argo")] {
        if text.contains(annotation) {
            commands.push(vec!["rehearse", "--order", order]);
            commands.push(vec!["rehearse", "--order", order, "--upgrade"]);
        }
    }
    commands
}

#[test]
fn every_case_is_judged_as_its_golden_text_says() {
    let entries = fs::read_dir(FOLDER).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut cases: Vec<PathBuf> = paths
        .filter(|path| path.extension().unwrap() == "yaml")
        .collect();
    cases.sort();
    assert!(cases.len() >= 17);
    for case in cases {
        let commands = commands(&case).into_iter();
        let parts: Vec<_> = commands.map(|args| run(&case, &args)).collect();
        let golden = case.with_extension("txt");
        let actual = parts.join("\n");
        if env::var_os("UPDATE_GOLDEN").is_some() {
            fs::write(&golden, &actual).unwrap();
        }
        let expected = fs::read_to_string(&golden).unwrap_or_default();
        assert_eq!(actual, expected, "{}", golden.display());
    }
}
