//! The embedded backend on a real directory: what it refuses, and that it damages nothing.

#![allow(clippy::unwrap_used, reason = "a test ends where it fails")]

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use oncue::{
    language::{Namespace, VariableKey},
    life::AssertionId,
    memory::{Budget, StoreMemory},
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
    let before = store.list(&Scope::default(), 9, None).assertions;
    drop(store);
    let store = open(directory.path()).await;
    let after = store.list(&Scope::default(), 9, None).assertions;
    assert_eq!(after.len(), 2);
    assert_eq!(after, before);
}

#[test]
fn creates_the_directory_and_those_above_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a/b");
    let embedded = Embedded::open(&path, Budget::UNLIMITED).unwrap();
    assert_eq!(embedded.path(), path.join("oncue.redb"));
    assert!(embedded.path().is_file());
}

#[test]
fn a_directory_in_use_is_refused_and_free_again_afterwards() {
    let directory = tempfile::tempdir().unwrap();
    let first = Embedded::open(directory.path(), Budget::UNLIMITED).unwrap();
    let error = Embedded::open(directory.path(), Budget::UNLIMITED).unwrap_err();
    assert!(matches!(error, StoreError::Locked { .. }), "{error}");
    drop(first);
    Embedded::open(directory.path(), Budget::UNLIMITED).unwrap();
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
        let error = Embedded::open(directory.path(), Budget::UNLIMITED).unwrap_err();
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
    let file = mk_file(directory.path());
    let meta = redb::TableDefinition::<&str, u64>::new("oncue");
    let database = redb::Database::open(&file).unwrap();
    let transaction = database.begin_write().unwrap();
    transaction
        .open_table(meta)
        .unwrap()
        .insert("format", 4)
        .unwrap();
    transaction.commit().unwrap();
    drop(database);
    let before = fs::read(&file).unwrap();
    let error = Embedded::open(directory.path(), Budget::UNLIMITED).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("has format 4, and this version reads up to 3"),
        "{error}"
    );
    assert!(fs::read(&file).unwrap() == before);
}

/// The file's own container has versions too; its byte stands in both commit slots.
#[test]
fn a_later_container_format_is_told_from_damage() {
    let directory = tempfile::tempdir().unwrap();
    let file = mk_file(directory.path());
    let mut content = fs::read(&file).unwrap();
    for slot in [64, 192] {
        assert_eq!(content[slot], 3, "the version's place");
        content[slot] = 9;
    }
    fs::write(&file, &content).unwrap();
    let error = Embedded::open(directory.path(), Budget::UNLIMITED).unwrap_err();
    assert!(
        matches!(error, StoreError::Newer { found: 9, .. }),
        "{error}"
    );
    assert!(fs::read(&file).unwrap() == content);
}

#[test]
fn damage_is_called_damage() {
    let directory = tempfile::tempdir().unwrap();
    let file = mk_file(directory.path());
    let mut content = fs::read(&file).unwrap();
    content.truncate(5000);
    fs::write(&file, &content).unwrap();
    let error = Embedded::open(directory.path(), Budget::UNLIMITED).unwrap_err();
    assert!(matches!(error, StoreError::Damaged { .. }), "{error:?}");
}

#[test]
fn what_a_crash_left_of_a_creation_is_overwritten() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("oncue.redb.new"), "half").unwrap();
    Embedded::open(directory.path(), Budget::UNLIMITED).unwrap();
    assert!(!directory.path().join("oncue.redb.new").exists());
}

#[test]
fn a_directory_that_cannot_be_written_is_named() {
    // Not even root can create a file there, and an attempt changes nothing.
    let path = Path::new("/sys/kernel");
    if !path.is_dir() {
        return;
    }
    let error = Embedded::open(path, Budget::UNLIMITED).unwrap_err();
    assert!(matches!(error, StoreError::ReadOnly { .. }), "{error:?}");
    assert!(error.to_string().starts_with("/sys/kernel"), "{error}");
}

#[test]
fn a_file_in_the_place_of_the_directory_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("file");
    fs::write(&path, "x").unwrap();
    let error = Embedded::open(&path, Budget::UNLIMITED).unwrap_err();
    assert!(error.to_string().contains("file"), "{error}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "x");
}

#[test]
fn what_is_no_file_is_refused_and_never_waited_for() {
    for name in ["oncue.redb", "oncue.lock", "oncue.reserve"] {
        let directory = tempfile::tempdir().unwrap();
        let place = directory.path().join(name);
        fs::create_dir(&place).unwrap();
        assert_is_not_ours(&place);
        fs::remove_dir(&place).unwrap();
        let made = std::process::Command::new("mkfifo").arg(&place).status();
        assert!(made.unwrap().success());
        assert_is_not_ours(&place);
    }
}

fn assert_is_not_ours(place: &Path) {
    let error = Embedded::open(place.parent().unwrap(), Budget::UNLIMITED).unwrap_err();
    assert!(
        matches!(&error, StoreError::NotOurs { path } if path == place),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_file_that_is_deleted_or_replaced_is_reported() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("oncue.redb");
    let store = open(directory.path()).await;
    store.assert(mk_key("a"), mk_hand("x")).await.unwrap();
    let content = fs::read(&file).unwrap();
    fs::remove_file(&file).unwrap();
    for _ in 0..2 {
        let error = store.assert(mk_key("b"), mk_hand("x")).await.unwrap_err();
        assert!(matches!(error, StoreError::Gone { .. }), "{error:?}");
        fs::write(&file, &content).unwrap();
    }
    assert!(fs::read(&file).unwrap() == content);
    assert!(store.exists(&mk_key("a")));
}

/// A bit that flips on the disk is an error, or changes nothing: never another value.
#[tokio::test]
async fn a_flipped_bit_is_never_another_value() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("oncue.redb");
    let store = open(directory.path()).await;
    for name in ["a", "a/b", "c"] {
        store.assert(mk_key(name), mk_hand("value")).await.unwrap();
    }
    let before = store.list(&Scope::default(), 9, None).assertions;
    drop(store);
    let content = fs::read(&file).unwrap();
    let used: Vec<_> = (0..content.len()).filter(|at| content[*at] != 0).collect();
    let mut refused = 0;
    for (number, at) in used.iter().enumerate().step_by(3) {
        let mut flipped = content.clone();
        flipped[*at] ^= 1 << (number % 8);
        fs::write(&file, flipped).unwrap();
        let Ok(backend) = Embedded::open(directory.path(), Budget::UNLIMITED) else {
            refused += 1;
            continue;
        };
        let limits = Limits::within(1000, StoreMemory::default());
        let store = Store::open(Arc::new(backend), limits, Arc::new(SystemClock));
        let store = store.await.unwrap();
        let after = store.list(&Scope::default(), 9, None).assertions;
        assert_eq!(after, before, "byte {at}");
    }
    assert!(refused > 20, "{refused}");
}

/// A file may hold more than today's limit allows.
#[tokio::test]
async fn a_store_beyond_its_limit_starts_and_serves_reads_and_deletes() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path()).await;
    for number in 0..30 {
        let key = mk_key(&format!("v-{number}"));
        store.assert(key, mk_hand("x")).await.unwrap();
    }
    drop(store);
    let small = Budget {
        total: 16 << 10,
        per_namespace: 16 << 10,
    };
    let backend = Arc::new(Embedded::open(directory.path(), small).unwrap());
    let limits = Limits::within(1000, StoreMemory::default());
    let store = Store::open(backend, limits, Arc::new(SystemClock));
    let store = store.await.unwrap();
    assert!(store.exists(&mk_key("v-29")));
    let refused = store.assert(mk_key("w"), mk_hand("x")).await.unwrap_err();
    assert!(matches!(refused, StoreError::OverLimit(_)), "{refused:?}");
    for number in 0..30 {
        let key = mk_key(&format!("v-{number}"));
        assert!(store.delete(key).await.unwrap());
    }
    store.assert(mk_key("w"), mk_hand("x")).await.unwrap();
}

/// Creates the file of an empty store, and returns its path.
fn mk_file(directory: &Path) -> PathBuf {
    let embedded = Embedded::open(directory, Budget::UNLIMITED).unwrap();
    embedded.path().to_owned()
}

async fn open(directory: &Path) -> Store {
    let backend = Arc::new(Embedded::open(directory, Budget::UNLIMITED).unwrap());
    Store::open(
        backend,
        Limits::within(1000, StoreMemory::default()),
        Arc::new(SystemClock),
    )
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
