//! A disk that runs full: a clear error, nothing changed, and work goes on once there is space.

use std::{io, sync::Arc};

use super::disk::{Disk, Faults};
use crate::{
    language::{Namespace, VariableKey},
    life::AssertionId,
    store::{
        Existing, Limits, NewAssertion, Scope, Store, StoreError, SystemClock, Variable,
        embedded::Embedded,
    },
};

const KIB: usize = 1024;

#[tokio::test]
async fn a_full_disk_changes_nothing_and_is_left_behind_once_there_is_space() {
    for kib in (0..400).step_by(10) {
        let disk = Disk::formatted();
        disk.set_space(Some(disk.used() + kib * KIB));
        let store = open(&disk).await;
        let created = fill(&store).await;
        let listed = store.list(&Scope::default()).variables;
        assert_eq!(listed.len(), created, "{kib} KiB");
        let again = store.assert(mk_key(created), mk_large()).await.unwrap_err();
        assert!(
            matches!(again, StoreError::Full { .. }),
            "{kib} KiB: {again}"
        );

        disk.set_space(None);
        store.assert(mk_key(created), mk_large()).await.unwrap();
        let kept = store.list(&Scope::default()).variables;
        assert_eq!(kept.len(), created + 1, "{kib} KiB");
        assert_eq!(reopened(store, &disk).await, kept, "{kib} KiB");
    }
}

#[tokio::test]
async fn a_full_disk_is_opened_again_with_everything_that_was_acknowledged() {
    for kib in (0..400).step_by(10) {
        let disk = Disk::formatted();
        disk.set_space(Some(disk.used() + kib * KIB));
        let store = open(&disk).await;
        fill(&store).await;
        let kept = store.list(&Scope::default()).variables;
        assert_eq!(reopened(store, &disk).await, kept, "{kib} KiB");
    }
}

/// Where space is allotted late, as on NFS, it is the sync that finds none.
#[tokio::test]
async fn a_disk_that_is_found_full_at_the_sync_changes_nothing() {
    let mut refused = 0;
    for after in 0..40 {
        let disk = Disk::formatted();
        let store = open(&disk).await;
        store.assert(mk_key(0), mk_large()).await.unwrap();
        let before = store.list(&Scope::default()).variables;
        disk.fail(Faults {
            after,
            count: 1,
            kind: Some(io::ErrorKind::StorageFull),
        });
        if let Err(error) = store.assert(mk_key(1), mk_large()).await {
            assert!(matches!(error, StoreError::Full { .. }), "{error}");
            assert_eq!(store.list(&Scope::default()).variables, before, "{after}");
            assert_eq!(reopened(store, &disk).await, before, "{after}");
            refused += 1;
        }
    }
    assert!(refused > 5, "{refused}");
}

/// Creates variables until there is no space, and returns how many were created.
async fn fill(store: &Store) -> usize {
    for number in 0.. {
        match store.assert(mk_key(number), mk_large()).await {
            Ok(_) => {}
            Err(StoreError::Full { .. }) => return number,
            Err(error) => panic!("{error}"),
        }
    }
    0
}

async fn open(disk: &Disk) -> Store {
    let backend = Arc::new(Embedded::on(disk.clone()).unwrap());
    let clock = Arc::new(SystemClock);
    Store::open(backend, Limits::within(1000), clock)
        .await
        .unwrap()
}

async fn reopened(store: Store, disk: &Disk) -> Vec<Arc<Variable>> {
    drop(store);
    open(disk).await.list(&Scope::default()).variables
}

fn mk_key(number: usize) -> VariableKey {
    VariableKey::new(Namespace::default(), format!("v-{number}").parse().unwrap())
}

fn mk_large() -> NewAssertion {
    NewAssertion {
        id: AssertionId::HAND,
        value: Some("v".repeat(4096).parse().unwrap()),
        ttl: None,
        existing: Existing::Replace,
    }
}
