//! The embedded backend on a real directory: what it refuses, and that it damages nothing.

#![allow(clippy::unwrap_used, reason = "a test ends where it fails")]

use std::{fs, path::Path, sync::Arc};

use oncue::{
    language::{Namespace, VariableKey},
    life::AssertionId,
    store::{Embedded, Existing, Limits, NewAssertion, Scope, Store, StoreError, SystemClock},
};

#[tokio::test]
async fn everything_is_there_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path()).await;
    for name in ["a", "a/b", "c"] {
        store.assert(mk_key(name), mk_hand(name)).await.unwrap();
    }
    store.delete(mk_key("c")).await.unwrap();
    let before = store.list(&Scope::default()).variables;
    drop(store);
    let after = open(directory.path())
        .await
        .list(&Scope::default())
        .variables;
    assert_eq!(after.len(), 2);
    assert_eq!(after, before);
}

#[test]
fn creates_the_directory_and_those_above_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a/b");
    let embedded = Embedded::open(&path).unwrap();
    assert_eq!(embedded.path(), path.join("oncue.redb"));
    assert!(embedded.path().is_file());
}

#[test]
fn a_directory_in_use_is_refused_and_free_again_afterwards() {
    let directory = tempfile::tempdir().unwrap();
    let first = Embedded::open(directory.path()).unwrap();
    let error = Embedded::open(directory.path()).unwrap_err();
    assert!(matches!(error, StoreError::Locked { .. }), "{error}");
    drop(first);
    Embedded::open(directory.path()).unwrap();
}

#[test]
fn a_file_that_is_not_ours_is_refused_and_left_alone() {
    let redb = tempfile::tempdir().unwrap();
    let foreign_redb = redb.path().join("foreign");
    redb::Database::create(&foreign_redb).unwrap();
    for content in [
        b"".to_vec(),
        b"hello".to_vec(),
        vec![0; 10_000],
        fs::read(&foreign_redb).unwrap(),
    ] {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("oncue.redb");
        fs::write(&file, &content).unwrap();
        let error = Embedded::open(directory.path()).unwrap_err();
        assert!(matches!(error, StoreError::NotOurs { .. }), "{error}");
        assert!(
            fs::read(&file).unwrap() == content,
            "{} bytes",
            content.len()
        );
    }
}

#[test]
fn a_later_format_is_refused_and_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let file = Embedded::open(directory.path()).unwrap().path().to_owned();
    let meta = redb::TableDefinition::<&str, u64>::new("oncue");
    let database = redb::Database::open(&file).unwrap();
    let transaction = database.begin_write().unwrap();
    transaction
        .open_table(meta)
        .unwrap()
        .insert("format", 2)
        .unwrap();
    transaction.commit().unwrap();
    drop(database);
    let before = fs::read(&file).unwrap();
    let error = Embedded::open(directory.path()).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("has format 2, and this version reads up to 1"),
        "{error}"
    );
    assert!(fs::read(&file).unwrap() == before);
}

/// The file's own container has versions too; its byte stands in both commit slots.
#[test]
fn a_later_container_format_is_told_from_damage() {
    let directory = tempfile::tempdir().unwrap();
    let file = Embedded::open(directory.path()).unwrap().path().to_owned();
    let mut content = fs::read(&file).unwrap();
    for slot in [64, 192] {
        assert_eq!(content[slot], 3, "the version's place");
        content[slot] = 9;
    }
    fs::write(&file, &content).unwrap();
    let error = Embedded::open(directory.path()).unwrap_err();
    assert!(
        matches!(error, StoreError::Newer { found: 9, .. }),
        "{error}"
    );
    assert!(fs::read(&file).unwrap() == content);
}

#[test]
fn damage_is_called_damage() {
    let directory = tempfile::tempdir().unwrap();
    let file = Embedded::open(directory.path()).unwrap().path().to_owned();
    let mut content = fs::read(&file).unwrap();
    content.truncate(5000);
    fs::write(&file, &content).unwrap();
    let error = Embedded::open(directory.path()).unwrap_err();
    assert!(matches!(error, StoreError::Damaged { .. }), "{error:?}");
}

#[test]
fn what_a_crash_left_of_a_creation_is_overwritten() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("oncue.redb.new"), "half").unwrap();
    Embedded::open(directory.path()).unwrap();
    assert!(!directory.path().join("oncue.redb.new").exists());
}

#[test]
fn a_directory_that_cannot_be_written_is_named() {
    // Not even root can create a file there, and an attempt changes nothing.
    let path = Path::new("/sys/kernel");
    if !path.is_dir() {
        return;
    }
    let error = Embedded::open(path).unwrap_err();
    assert!(matches!(error, StoreError::ReadOnly { .. }), "{error:?}");
    assert!(error.to_string().starts_with("/sys/kernel"), "{error}");
}

#[test]
fn a_file_in_the_place_of_the_directory_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("file");
    fs::write(&path, "x").unwrap();
    let error = Embedded::open(&path).unwrap_err();
    assert!(error.to_string().contains("file"), "{error}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "x");
}

async fn open(directory: &Path) -> Store {
    let backend = Arc::new(Embedded::open(directory).unwrap());
    Store::open(backend, Limits::within(1000), Arc::new(SystemClock))
        .await
        .unwrap()
}

fn mk_key(name: &str) -> VariableKey {
    VariableKey::new(Namespace::default(), name.parse().unwrap())
}

fn mk_hand(value: &str) -> NewAssertion {
    NewAssertion {
        id: AssertionId::HAND,
        value: Some(value.parse().unwrap()),
        ttl: None,
        existing: Existing::Replace,
    }
}
