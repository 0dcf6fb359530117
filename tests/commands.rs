//! The built binary: what its commands print, and how they exit.
//!
//! Each folder of `testdata/manifests` has an `input` and the expected outputs of the commands.
//! `UPDATE_GOLDEN=1` rewrites these files; read the diff before you commit it.

#![allow(clippy::unwrap_used, reason = "a test ends where it fails")]

use std::{
    env, fs,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

use serde_json::Value;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/manifests");

/// A command of ours in a clean environment.
fn mk_command(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_oncue"));
    command.current_dir(folder).args(args).env_clear();
    command
}

fn run_in(folder: &Path, args: &[&str]) -> Output {
    mk_command(folder, args).output().unwrap()
}

fn run(args: &[&str]) -> Output {
    run_in(Path::new(FOLDER), args)
}

/// Runs with `input` as the standard input.
fn run_with(input: &str, args: &[&str]) -> Output {
    let mut command = mk_command(Path::new(FOLDER), args);
    command.stdin(Stdio::piped());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_owned();
    let writer = std::thread::spawn(move || {
        // A command that never reads its input is free to.
        let _ = stdin.write_all(input.as_bytes());
    });
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    output
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[track_caller]
fn assert_exit(output: &Output, code: i32, message: &str) {
    let errors = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{errors}");
    assert!(errors.contains(message), "{errors}");
}

fn cases() -> Vec<PathBuf> {
    let entries = fs::read_dir(FOLDER).unwrap();
    let mut folders: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    assert!(folders.len() >= 5);
    folders
}

fn input(folder: &Path) -> &'static str {
    if folder.join("input.json").exists() {
        "input.json"
    } else {
        "input.yaml"
    }
}

#[track_caller]
fn assert_golden(path: &Path, actual: &str) {
    if env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(path, actual).unwrap();
    }
    let expected = fs::read_to_string(path).unwrap_or_default();
    assert_eq!(actual, expected, "{}", path.display());
}

fn inject(folder: &Path) -> Output {
    let image = "--inject-image=oncue/client:golden";
    run_in(folder, &["inject", "-f", input(folder), image])
}

#[test]
fn inject_prints_the_golden_manifests_or_why_not() {
    for folder in cases() {
        let output = inject(&folder);
        let (name, printed) = if output.status.success() {
            (input(&folder).replace("input", "injected"), &output.stdout)
        } else {
            assert_exit(&output, 1, "error[");
            assert!(output.stdout.is_empty(), "half an answer is none");
            ("refused.txt".to_owned(), &output.stderr)
        };
        assert_golden(&folder.join(name), &text(printed));
    }
}

#[test]
fn check_graph_and_explain_print_the_golden_text() {
    for folder in cases() {
        for (name, args) in [
            ("check.txt", &["check"][..]),
            ("graph.txt", &["graph"]),
            ("graph.dot", &["graph", "--output=dot"]),
            ("graph.mermaid", &["graph", "--output=mermaid"]),
        ] {
            let output = run_in(&folder, &[args, &["-f", input(&folder)]].concat());
            assert_golden(&folder.join(name), &text(&output.stdout));
        }
    }
}

#[test]
fn what_is_injected_stays_as_it_is() {
    for folder in cases() {
        let once = inject(&folder);
        if once.status.success() {
            let once = text(&once.stdout);
            let again = run_with(
                &once,
                &["inject", "-f", "-", "--inject-image=oncue/client:golden"],
            );
            assert_eq!(text(&again.stdout), once, "{}", folder.display());
        }
    }
}

/// Injects one workload whose pods have these annotations, which signal a name that is filled in.
fn inject_signals(kind: &str, template: &str) -> Output {
    let version = match kind {
        "Pod" => "v1",
        _ => "apps/v1",
    };
    let head = format!("apiVersion: {version}\nkind: {kind}\n");
    let rest = match kind {
        "Pod" => template.to_owned(),
        _ => format!("metadata: {{name: web}}\nspec: {{template: {{{template}}}}}\n"),
    };
    run_with(&(head + &rest), &["inject", "-f", "-"])
}

#[test]
fn only_a_bare_pod_is_named_as_its_template_is() {
    let metadata = "{name: web, annotations: {signals: workers/$(POD_NAME)}}";
    let spec = "{containers: [{name: a, image: a}]}";
    let of_workload = format!("metadata: {metadata}, spec: {spec}");
    let output = inject_signals("Deployment", &of_workload);
    let injected = text(&output.stdout);
    assert!(
        injected.contains("--mark=workers/$(POD_NAME)"),
        "{injected}"
    );
    let of_pod = format!("metadata: {metadata}\nspec: {spec}\n");
    let output = inject_signals("Pod", &of_pod);
    let injected = text(&output.stdout);
    assert!(injected.contains("--mark=workers/web"), "{injected}");
}

#[test]
fn inject_says_which_labels_only_admission_knows() {
    let template = |label: &str| {
        format!(
            "metadata: {{annotations: {{signals: \"w/$(labels['{label}'])\"}}}}, \
             spec: {{containers: [{{name: a, image: a}}]}}"
        )
    };
    let added = template("apps.kubernetes.io/pod-index");
    let output = inject_signals("StatefulSet", &added);
    let message = "only admission knows $(labels['apps.kubernetes.io/pod-index']), which a \
                   controller adds to each pod: leave this StatefulSet to the webhook";
    assert_exit(&output, 1, message);
    let output = inject_signals("Deployment", &added);
    assert_exit(&output, 1, "is empty for this pod");
}

#[test]
fn pull_secrets_never_take_the_place_of_those_of_the_service_account() {
    let pod = |secrets: &str| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: web, annotations: {{depends-on: a}}}}\n\
             spec: {{{secrets}containers: [{{name: a, image: a}}]}}\n"
        )
    };
    let inject = |yaml: &str| run_with(yaml, &["inject", "-f", "-", "--inject-pull-secrets=ours"]);
    for secrets in ["", "imagePullSecrets: [], "] {
        let output = inject(&pod(secrets));
        assert_exit(&output, 0, "the configured pull secrets are left out");
        let injected = text(&output.stdout);
        assert!(injected.contains("oncue-wait"), "{injected}");
        assert!(!injected.contains("ours"), "{injected}");
        assert_eq!(text(&inject(&injected).stdout), injected);
    }
    let injected = text(&inject(&pod("imagePullSecrets: [{name: theirs}], ")).stdout);
    assert!(injected.contains("ours"), "{injected}");
}

#[test]
fn check_says_by_its_exit_code_whether_there_is_an_error() {
    for (case, code) in [
        ("shop/input.yaml", 0),
        ("wrong/input.yaml", 1),
        ("ring/input.yaml", 1),
        ("json/input.json", 0),
    ] {
        let output = run(&["check", "-f", case]);
        assert_eq!(output.status.code(), Some(code), "{case}");
    }
}

#[test]
fn check_prints_json_for_programs() {
    let output = run(&["check", "-f", "ring/input.yaml", "--output", "json"]);
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    let first = &answer["findings"][0];
    assert_eq!(first["code"], "deadlock");
    assert_eq!(first["object"], "Deployment/api");
    assert_eq!(first["file"], "ring/input.yaml");
    assert_eq!(
        (first["line"].as_u64(), first["column"].as_u64()),
        (Some(6), Some(43))
    );
    let findings = answer["findings"].as_array().unwrap();
    let errors = findings.iter().filter(|f| f["severity"] == "error").count();
    assert_eq!(answer["errors"], errors);
}

#[test]
fn explain_tells_of_one_pod() {
    let shop = &["-f", "shop/input.yaml"][..];
    let explain = |rest: &[&str]| run(&[&["explain"], rest, shop].concat());
    let told = text(&explain(&["deployment/web"]).stdout);
    for part in [
        "Job/migrate signals it when the pod has succeeded",
        "given up after 30s",
        "web/up\n      when the container web has started",
        "add /spec/initContainers\n",
    ] {
        assert!(told.contains(part), "{told}");
    }
    let told = text(&explain(&["redis"]).stdout);
    assert!(
        told.contains("Nothing is injected: no annotation asks for anything."),
        "{told}"
    );
    assert_exit(
        &explain(&[]),
        1,
        "StatefulSet/redis, Job/migrate, Deployment/web",
    );
    assert_exit(
        &explain(&["nobody"]),
        1,
        "there is no pod or workload \"nobody\"",
    );
}

#[test]
fn explain_tells_of_annotations_that_nobody_reads() {
    let yaml = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\n  annotations:\n    \
                depends-on: a\nspec: {template: {spec: {containers: [{name: a, image: a}]}}}\n";
    let output = run_with(yaml, &["explain", "-f", "-"]);
    let message = "depends-on on the Deployment itself is not read: \
                   move it to spec.template.metadata.annotations";
    let told = text(&output.stdout);
    assert!(told.contains(message), "{told}");
}

#[test]
fn what_can_be_read_beside_broken_documents_is_checked_and_converted() {
    let pod = |name: &str, term: &str| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata:\n  name: {name}\n  annotations: {{depends-on: {term}}}\n\
             spec:\n  initContainers:\n  - name: wait\n    image: busybox\n    \
             command: [sh, -c, until nc -z db 5432; do sleep 1; done]\n  containers: [{{name: c, image: i}}]\n"
        )
    };
    let good = pod("web", "b c").replace("b c", "'b c'");
    let yaml = pod("a", "{{ .Values.term }}") + "---\n" + &good;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.yaml");
    fs::write(&path, &yaml).unwrap();
    fs::write(folder.path().join("y.yaml"), pod("y", "'d e'")).unwrap();
    let checked = run_in(folder.path(), &["check", "-f", "x.yaml", "y.yaml"]);
    let found = text(&checked.stdout);
    assert_eq!(checked.status.code(), Some(1), "{found}");
    for expected in [
        "x.yaml:5:30: error[unreadable]: ",
        "Render it first, as with helm template",
        "x.yaml:17:32: error[bad-annotation]: ",
        "y.yaml:5:32: error[bad-annotation]: ",
        "3 errors and 0 warnings in 2 workloads of 2 files",
    ] {
        assert!(found.contains(expected), "{expected}\n{found}");
    }
    let github = text(&run_in(folder.path(), &["check", "-f", ".", "-o", "github"]).stdout);
    assert!(
        github.starts_with("::error file=./x.yaml,line=5,"),
        "{github}"
    );
    let whole = yaml.replace("'b c'", "b/c");
    fs::write(&path, &whole).unwrap();
    let converted = run_in(folder.path(), &["convert", "--write", "-f", "x.yaml"]);
    assert_exit(&converted, 1, "error: x.yaml:5:");
    let (before, after) = (
        whole.split_once("---").unwrap().0,
        fs::read_to_string(&path).unwrap(),
    );
    assert!(
        after.starts_with(before) && after.contains("tcp://db:5432"),
        "{after}"
    );
}

#[test]
fn files_that_cannot_be_read_are_named() {
    let output = run(&["check", "-f", "nowhere.yaml", "-f", "shop/input.yaml"]);
    assert_exit(&output, 1, "error: failed to read nowhere.yaml: ");
    let summary = String::from_utf8_lossy(&output.stdout);
    assert!(
        summary.ends_with("; 1 file could not be read\n"),
        "{summary}"
    );
    let output = run_with("a: [\n", &["inject", "-f", "-"]);
    assert_exit(&output, 1, "error: <stdin>:1:4: ");
    let folder = tempfile::tempdir().unwrap();
    let output = run_in(folder.path(), &["graph", "-f", "."]);
    assert_exit(
        &output,
        1,
        "there is no *.yaml, *.yml or *.json in this folder",
    );
}

#[test]
fn a_configuration_file_is_used_wherever_its_store_listens() {
    let folder = tempfile::tempdir().unwrap();
    let config = "http: '0.0.0.0:9999'\n\
                  inject: {prefix: cue.example, bare-keys: false, image: 'registry/x:1'}\n";
    fs::write(folder.path().join("oncue.yaml"), config).unwrap();
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: a, annotations: {cue.example/depends-on: x}}\n\
               spec: {containers: [{name: a, image: a}]}\n";
    fs::write(folder.path().join("pod.yaml"), pod).unwrap();
    let output = run_in(
        folder.path(),
        &["inject", "-f", "pod.yaml", "--config", "oncue.yaml"],
    );
    assert!(
        text(&output.stdout).contains("image: registry/x:1"),
        "{}",
        text(&output.stderr)
    );
    let output = run_in(folder.path(), &["inject", "-f", "pod.yaml"]);
    assert_eq!(text(&output.stdout), pod);
}

#[test]
fn usage_errors_exit_with_2() {
    for args in [
        &["check"][..],
        &["nonsense"],
        &["inject", "-f", "x", "--controller", "maybe"],
        &["graph", "-f", "x", "-n", "Not A Namespace"],
        &["vars", "get", "a//..//b"],
        &["vars", "create", "a=b", "--ttl", "soon"],
        &["vars", "list", "--tree", "-A"],
    ] {
        assert_eq!(run(args).status.code(), Some(2), "{args:?}");
    }
}

#[test]
fn every_help_shows_an_example() {
    for args in [
        &["check"][..],
        &["explain"],
        &["graph"],
        &["inject"],
        &["serve"],
        &["status"],
        &["vars"],
        &["vars", "apply"],
        &["vars", "list"],
        &["vars", "get"],
        &["vars", "create"],
        &["vars", "delete"],
        &["vars", "watch"],
    ] {
        let output = run(&[args, &["--help"]].concat());
        assert!(text(&output.stdout).contains("Example"), "{args:?}");
    }
}

#[test]
fn a_store_that_is_not_there_is_named() {
    // Nothing listens on the port of the discard service.
    let server = "--server=http://127.0.0.1:9";
    for args in [&["vars", "list", server][..], &["status", server]] {
        assert_exit(&run(args), 1, "error: failed to reach http://127.0.0.1:9");
    }
}

/// A store of its own, which ends with the test.
struct Store {
    child: Child,
    url: String,
    _folder: tempfile::TempDir,
}

impl Store {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let any = "127.0.0.1:0";
        let args = [
            "serve",
            "--store=memory",
            "--http",
            any,
            "--webhook",
            any,
            "--admin",
            any,
        ];
        let mut command = mk_command(folder.path(), &args);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let url = lines
            .map_while(Result::ok)
            .find_map(|line| line.strip_prefix("store").map(|url| url.trim().to_owned()));
        Self {
            child,
            url: url.unwrap(),
            _folder: folder,
        }
    }

    #[track_caller]
    fn run(&self, args: &[&str]) -> String {
        let output = run(&[args, &["--server", &self.url]].concat());
        assert_exit(&output, 0, "");
        text(&output.stdout)
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn variables_are_created_listed_and_deleted() {
    let store = Store::start();
    let create = |signal| store.run(&["vars", "create", signal]);
    assert_eq!(create("a/b=\"v 1\""), "a/b created\n");
    assert_eq!(create("a/b=v2"), "a/b updated\n");
    assert_eq!(create("c"), "c created\n");
    let list = store.run(&["vars", "list"]);
    let rows: Vec<Vec<_>> = list
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(rows[0], ["NAME", "KIND", "OWNERS", "VALUE", "AGE"]);
    assert_eq!(rows[1][..4], ["a/b", "durable", "1", "v2"]);
    assert_eq!(rows.len(), 3);
    assert!(
        store
            .run(&["vars", "list", "a", "--tree"])
            .starts_with("`-- a\n    `-- b=v2  (durable, 1, ")
    );
    let json: Value =
        serde_json::from_str(&store.run(&["vars", "get", "a/b", "-o", "json"])).unwrap();
    assert_eq!(json["assertions"][0]["value"], "v2");
    assert_eq!(store.run(&["vars", "delete", "c"]), "c deleted\n");
    let gone = run(&["vars", "get", "c", "--server", &store.url]);
    assert_exit(&gone, 1, "does not exist");
    assert_eq!(
        store.run(&["status"]),
        "no pod waits in the namespace default\n"
    );
}

#[test]
fn variables_that_were_saved_are_created_in_another_store() {
    let (before, after) = (Store::start(), Store::start());
    before.run(&["vars", "create", "a/b=\"v 1\"", "-n", "shop"]);
    before.run(&["vars", "create", "c", "--ttl", "1h"]);
    let saved = before.run(&["vars", "list", "-A", "-o", "yaml"]);
    let apply = ["vars", "apply", "-f", "-", "--server", &after.url];
    let output = run_with(&saved, &apply);
    assert_exit(&output, 0, "");
    assert_eq!(
        text(&output.stdout),
        "c@default created\na/b@shop created\n"
    );
    let list = |store: &Store| {
        let list = store.run(&["vars", "list", "-A"]);
        let without_age = |line: &str| line.rsplit_once(' ').unwrap().0.to_owned();
        list.lines().map(without_age).collect::<Vec<_>>()
    };
    assert_eq!(list(&after), list(&before));

    let wrong = saved.replace("a/b", "a//b");
    let output = run_with(
        &wrong,
        &["vars", "apply", "-f", "-", "--server", &after.url],
    );
    assert_exit(&output, 1, "nothing was created");
    assert_exit(&output, 1, "write a/b");
    let told = text(&output.stderr);
    assert!(!told.contains("u{1b}"), "{told}");
}

#[test]
fn findings_name_the_template_that_helm_rendered() {
    let rendered = "---\n# Source: shop/templates/web.yaml\n# The web.\napiVersion: v1\nkind: Pod\n\
                    metadata: {name: web, annotations: {depends-on: a/b}}\n\
                    spec: {containers: [{name: web, image: web}]}\n";
    let output = run_with(rendered, &["check", "-f", "-"]);
    let told = text(&output.stdout);
    assert!(
        told.contains(":6:49 (shop/templates/web.yaml): warning[unproduced]"),
        "{told}"
    );
    let output = run_with(rendered, &["check", "-f", "-", "-o", "json"]);
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(found["findings"][0]["template"], "shop/templates/web.yaml");
    let output = run_with(rendered, &["check", "-f", "-", "-o", "github"]);
    let told = text(&output.stdout);
    let expected = "::warning file=shop/templates/web.yaml,title=oncue%3A unproduced::nothing in";
    assert!(told.starts_with(expected), "{told}");
}

#[test]
fn suggest_lists_what_pods_mention_and_the_cycles() {
    let service = |name: &str| {
        format!(
            "apiVersion: v1\nkind: Service\nmetadata: {{name: {name}}}\nspec: {{selector: {{app: \
             {name}}}, ports: [{{port: 80}}]}}\n---\n"
        )
    };
    let pod = |name: &str, other: &str| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: {name}, labels: {{app: {name}}}}}\nspec: \
             {{containers: [{{name: c, image: c, env: [{{name: PEER_URL, value: \
             'http://{other}:80/'}}]}}]}}\n---\n"
        )
    };
    let files = service("a") + &service("b") + &pod("a", "b") + &pod("b", "a");
    let output = run_with(&files, &["suggest", "-f", "-"]);
    let told = text(&output.stdout);
    for part in [
        "Pod/a\n  depends-on: service:b\n    service:b from variable PEER_URL of the container c\n",
        "pods would wait for each other: Pod/a waits for service:b from Pod/b, Pod/b waits for",
    ] {
        assert!(told.contains(part), "{told}");
    }
    let output = run_with(&files, &["suggest", "-f", "-", "-o", "json"]);
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(found["suggestions"].as_array().unwrap().len(), 2);
    assert_eq!(found["cycles"].as_array().unwrap().len(), 1);
}

#[test]
fn shells_and_man_know_every_command() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let output = run(&["completion", shell]);
        let script = text(&output.stdout);
        for command in ["rehearse", "suggest", "order"] {
            assert!(script.contains(command), "{shell}: {command}");
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let output = run(&["manual", folder.path().to_str().unwrap()]);
    assert_exit(&output, 0, "");
    let page = fs::read_to_string(folder.path().join("oncue-rehearse.1")).unwrap();
    assert!(page.contains("deadlock"), "{page}");
}
