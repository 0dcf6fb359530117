//! The files of an authority through restarts, crashes and the version that kept two.

use std::{collections::BTreeSet, time::SystemTime};

use rustix::fs::{CWD, FileType, Mode, mknodat};
use tempfile::TempDir;

use super::*;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn names(folder: &TempDir) -> BTreeSet<String> {
    let entries = fs::read_dir(folder.path()).unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

fn mk_authority() -> Authority {
    Authority::generate(SystemTime::now()).unwrap()
}

/// Makes a folder with an authority in it.
fn mk_files() -> (TempDir, AuthorityFiles, Authority) {
    let folder = tempfile::tempdir().unwrap();
    let files = AuthorityFiles::of(folder.path());
    let authority = mk_authority();
    files.save(&authority).unwrap();
    (folder, files, authority)
}

/// Makes a folder with the two files of a former version in it.
fn mk_pair() -> (TempDir, AuthorityFiles, Authority) {
    let folder = tempfile::tempdir().unwrap();
    let files = AuthorityFiles::of(folder.path());
    let authority = mk_authority();
    fs::write(&files.former_key, authority.key().to_pem()).unwrap();
    fs::write(&files.certificate, authority.bundle_pem()).unwrap();
    (folder, files, authority)
}

#[test]
fn nothing_is_kept_at_first() {
    let folder = tempfile::tempdir().unwrap();
    let files = AuthorityFiles::of(folder.path());
    assert_eq!(files.load().unwrap(), None);
    assert!(names(&folder).is_empty());
}

#[test]
fn a_restart_keeps_the_authority_and_its_key() {
    let (folder, files, authority) = mk_files();
    let public = fs::read_to_string(files.certificate()).unwrap();
    assert_eq!(public, authority.bundle_pem());
    let loaded = files.load().unwrap().unwrap();
    assert_eq!(loaded, authority);
    assert_eq!(loaded.key().to_pem(), authority.key().to_pem());
    assert_eq!(names(&folder).len(), 2, "{:?}", names(&folder));
}

#[test]
fn only_the_owner_reads_the_key() {
    let (_folder, files, _) = mk_files();
    assert_eq!(mode(&files.authority), 0o600);
    assert_eq!(mode(&files.certificate), 0o644);
}

#[test]
fn the_copy_for_clients_is_written_again_when_it_is_lost_or_old() {
    let (_folder, files, authority) = mk_files();
    fs::remove_file(&files.certificate).unwrap();
    files.load().unwrap();
    let copy = || fs::read_to_string(&files.certificate).unwrap();
    assert_eq!(copy(), authority.bundle_pem());
    fs::write(&files.certificate, mk_authority().bundle_pem()).unwrap();
    assert_eq!(files.load().unwrap().unwrap(), authority);
    assert_eq!(copy(), authority.bundle_pem());
}

#[test]
fn the_two_files_of_a_former_version_become_one() {
    let (folder, files, authority) = mk_pair();
    assert_eq!(files.load().unwrap().unwrap(), authority);
    let left = BTreeSet::from(["authority.pem".to_owned(), "ca.crt".to_owned()]);
    assert_eq!(names(&folder), left);
    assert_eq!(files.load().unwrap().unwrap(), authority);
}

#[test]
fn a_move_into_one_file_that_was_cut_short_is_ended() {
    let (folder, files, authority) = mk_pair();
    let key = fs::read_to_string(&files.former_key).unwrap();
    files.load().unwrap();
    fs::write(&files.former_key, key).unwrap();
    assert_eq!(files.load().unwrap().unwrap(), authority);
    assert!(!names(&folder).contains("ca.key"));
}

#[test]
fn another_key_is_not_removed() {
    let (folder, files, authority) = mk_files();
    fs::write(&files.former_key, mk_authority().key().to_pem()).unwrap();
    assert_eq!(files.load().unwrap().unwrap(), authority);
    assert!(names(&folder).contains("ca.key"));
}

#[test]
fn a_missing_half_is_an_error_that_names_both_files() {
    for (lost, expected) in [
        ("ca.key", ["ca.crt without", "authority.pem: restore"]),
        ("ca.crt", ["ca.key without", "ca.crt: restore"]),
    ] {
        let (folder, files, _) = mk_pair();
        fs::remove_file(folder.path().join(lost)).unwrap();
        let text = files.load().unwrap_err().to_string();
        for part in expected {
            assert!(text.contains(part), "{text}");
        }
        assert_eq!(names(&folder).len(), 1, "nothing is made or removed");
    }
}

#[test]
fn a_damaged_file_is_left_alone() {
    let (_folder, files, _) = mk_files();
    fs::write(&files.authority, "damaged").unwrap();
    let error = files.load().unwrap_err();
    assert!(matches!(error, AuthorityError::Damaged(..)), "{error}");
    assert_eq!(fs::read_to_string(&files.authority).unwrap(), "damaged");
}

#[test]
fn a_file_that_was_cut_short_is_an_error_at_any_length() {
    let (_folder, files, _) = mk_files();
    let whole = fs::read_to_string(&files.authority).unwrap();
    let end = whole.rfind("-----END").unwrap();
    for length in (0..end).step_by(97) {
        fs::write(&files.authority, &whole[..length]).unwrap();
        files.load().unwrap_err();
    }
}

#[test]
fn what_is_not_a_regular_file_is_reported_and_not_waited_for() {
    for name in ["authority.pem", "ca.crt", "ca.key"] {
        let folder = tempfile::tempdir().unwrap();
        let files = AuthorityFiles::of(folder.path());
        let path = folder.path().join(name);
        mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        let text = files.load().unwrap_err().to_string();
        assert!(
            text.contains(&format!("{name} is not a regular file")),
            "{text}"
        );
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        assert!(matches!(files.load(), Err(AuthorityError::NotAFile(_))));
    }
}
