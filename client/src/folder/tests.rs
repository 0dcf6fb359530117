use std::os::unix::fs::{MetadataExt, symlink};

use oncue_language::Owner;

use super::*;
use crate::{api::Endpoint, pod_file::Marker};

fn mk_folder() -> (tempfile::TempDir, Folder) {
    let directory = tempfile::tempdir().unwrap();
    let folder = Folder::new(directory.path());
    (directory, folder)
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn files(directory: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_file_that_everybody_may_run_is_linked() {
    let (directory, folder) = mk_folder();
    let executable = directory.path().join("own");
    fs::write(&executable, "client").unwrap();
    fs::set_permissions(&executable, fs::Permissions::from_mode(0o755)).unwrap();
    let target = folder.install(&executable).unwrap();
    assert_eq!(
        fs::metadata(&target).unwrap().ino(),
        fs::metadata(&executable).unwrap().ino()
    );
}

#[test]
fn any_other_file_is_copied_and_replaces_what_was_there() {
    let (directory, folder) = mk_folder();
    let executable = directory.path().join("own");
    fs::write(&executable, "new client").unwrap();
    fs::set_permissions(&executable, fs::Permissions::from_mode(0o700)).unwrap();
    let target = directory.path().join("oncue-client");
    fs::write(&target, "old client").unwrap();
    assert_eq!(folder.install(&executable).unwrap(), target);
    assert_eq!(fs::read_to_string(&target).unwrap(), "new client");
    assert_eq!(mode(&target), 0o555);
    assert_eq!(mode(&executable), 0o700, "our own file stays as it was");
    assert_eq!(
        files(directory.path()),
        ["oncue-client", "own"],
        "no draft is left"
    );
}

#[test]
fn installing_into_nowhere_names_both_files() {
    let folder = Folder::new("/nowhere/at/all");
    let error = folder
        .install(Path::new("/also/nowhere"))
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("/also/nowhere to /nowhere/at/all/oncue-client"),
        "{error}"
    );
}

#[test]
fn the_other_containers_find_what_a_wait_left() {
    let (directory, folder) = mk_folder();
    let endpoint = Endpoint {
        fallback: Some("10.96.0.17".parse().unwrap()),
        token_file: Some("/run/token".into()),
        ..Endpoint::new("https://store:9999".parse().unwrap())
    };
    let marker = Marker {
        owner: Owner::pod("shop".parse().unwrap(), "web-0", "u-1"),
        signals: vec!["a/b=\"v, w\"".to_owned()],
    };
    let file = PodFile::new(&endpoint, &"shop".parse().unwrap(), Some(marker));
    assert_eq!(folder.read_pod_file().unwrap(), None);
    folder.write_pod_file(&file).unwrap();
    folder.write_pod_file(&file).unwrap();
    assert_eq!(folder.read_pod_file().unwrap().unwrap(), file);
    assert_eq!(file.endpoint().unwrap(), endpoint);
    let path = directory.path().join("pod.json");
    assert_eq!(mode(&path), 0o444);
    assert_eq!(
        fs::read_to_string(path).unwrap(),
        r#"{"server":"https://store:9999","serverIp":"10.96.0.17","tokenFile":"/run/token","namespace":"shop","marker":{"owner":{"namespace":"shop","name":"web-0","uid":"u-1"},"signals":["a/b=\"v, w\""]}}"#
    );
}

/// The client in the folder may be older or newer than the one that wrote the file.
#[test]
fn clients_of_different_versions_read_each_others_files() {
    let old = r#"{"server":"https://store:9999","namespace":"shop"}"#;
    let file: PodFile = serde_json::from_str(old).unwrap();
    assert_eq!(file.endpoint().unwrap().token_file, None);
    let of_tomorrow = r#"{"server":"https://store:9999","tokenFile":"/run/token","namespace":"shop",
                          "ofTomorrow":{"a":[1]}}"#;
    let file: PodFile = serde_json::from_str(of_tomorrow).unwrap();
    let token_file = file.endpoint().unwrap().token_file;
    assert_eq!(token_file, Some("/run/token".into()));
}

#[test]
fn what_a_killed_client_left_half_done_is_no_hindrance() {
    let (directory, folder) = mk_folder();
    // Root may write to what is read-only: a link to nowhere stands for it.
    symlink("/nowhere/at/all", folder.draft("started")).unwrap();
    folder.write_started(Started::default()).unwrap();
    assert_eq!(files(directory.path()), ["started"]);
}

#[test]
fn the_first_wait_is_stamped_once() {
    let (_directory, folder) = mk_folder();
    let first = Started::at(Duration::from_secs(1_795_000_000));
    assert_eq!(folder.begin(first).unwrap(), first);
    let later = Started::at(Duration::from_secs(1_795_000_100));
    assert_eq!(folder.begin(later).unwrap(), first);
    let with_outage = Started {
        without_store: Duration::from_millis(1500),
        ..first
    };
    folder.write_started(with_outage).unwrap();
    assert_eq!(folder.begin(later).unwrap(), with_outage);
    folder.forget_the_wait();
    assert_eq!(folder.begin(later).unwrap(), later);
}

#[test]
fn a_failure_is_remembered_until_a_wait_ends_well() {
    let (directory, folder) = mk_folder();
    assert_eq!(folder.failed(), None);
    let failed = Failed {
        at: Duration::from_secs(1_795_000_000),
        cause: "timed out after 5m".to_owned(),
    };
    folder.write_failed(&failed).unwrap();
    assert_eq!(folder.failed(), Some(failed));
    folder.forget_the_wait();
    assert_eq!(files(directory.path()), [""; 0]);
}

#[test]
fn stamps_that_make_no_sense_do_no_harm() {
    let (directory, folder) = mk_folder();
    fs::write(directory.path().join("started"), "yesterday").unwrap();
    fs::write(directory.path().join("failed"), b"\xff\xfe").unwrap();
    let now = Started::at(Duration::from_secs(5));
    assert_eq!(folder.begin(now).unwrap(), now);
    assert!(
        folder.failed().is_some(),
        "it failed, whatever the file says"
    );
}
