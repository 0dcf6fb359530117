//! Interrupts a rehearsal and looks for what it leaves behind.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test ends where it fails")]

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    path::Path,
    process::{Child, Command, Stdio},
};

#[test]
fn an_interrupt_leaves_no_process_and_no_file() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path().to_str().unwrap().to_owned();
    let files = temporary.path().join("web.yaml");
    let pod = "{apiVersion: v1, kind: Pod, metadata: {name: web, annotations: {depends-on: '?a/b \
               within 1h'}}, spec: {containers: [{name: web}]}}";
    fs::write(&files, pod).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_oncue"))
        .args(["rehearse", "--real", "-v", "-f", files.to_str().unwrap()])
        .env("TMPDIR", &folder)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    read_until(&mut child, "| Waiting");
    assert_eq!(processes_below(&folder).len(), 1, "the client runs");
    assert_eq!(interrupt(&mut child), Some(130));
    assert_eq!(processes_below(&folder), [] as [String; 0]);
    let left = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name());
    assert_eq!(left.collect::<Vec<_>>(), ["web.yaml"]);
}

/// The child fills the pipe and can never end by itself.
#[test]
fn an_interrupt_ends_virtual_time_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let files = folder.path().join("pods.yaml");
    let pods = (0..2000).map(|pod| {
        format!("---\n{{apiVersion: v1, kind: Pod, metadata: {{name: p{pod}}}, spec: {{containers: [{{name: c}}]}}}}\n")
    });
    fs::write(&files, pods.collect::<String>()).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_oncue"))
        .args(["rehearse", "-f", files.to_str().unwrap()])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    read_until(&mut child, "admitted");
    assert_eq!(interrupt(&mut child), Some(130));
}

/// Interrupts the child, and returns its exit code once it has ended.
fn interrupt(child: &mut Child) -> Option<i32> {
    let id = child.id().to_string();
    let sent = Command::new("kill").args(["-INT", &id]).status();
    assert!(sent.unwrap().success());
    child.wait().unwrap().code()
}

/// Reads the child's output up to the first line with `text` in it.
fn read_until(child: &mut Child, text: &str) {
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while !line.contains(text) {
        line.clear();
        assert_ne!(
            out.read_line(&mut line).unwrap(),
            0,
            "it ended before {text:?}"
        );
    }
    child.stdout = Some(out.into_inner());
}

/// Returns the command lines of the processes that name `folder`.
fn processes_below(folder: &str) -> Vec<String> {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let command_line = |path: &Path| {
        let mut text = Vec::new();
        fs::File::open(path.join("cmdline"))
            .ok()?
            .read_to_end(&mut text)
            .ok()?;
        Some(String::from_utf8_lossy(&text).replace('\0', " "))
    };
    let all = processes.filter_map(|process| command_line(&process.path()));
    all.filter(|line| line.contains(folder) && line.starts_with("oncue-client"))
        .collect()
}
