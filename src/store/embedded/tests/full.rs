//! A disk that runs full: a clear error, nothing changed, and work goes on once there is space.

use std::{io, sync::Arc};

use tokio::sync::oneshot;

use super::{
    disk::{Asked, Disk, Faults},
    former,
};
use crate::{
    language::{Namespace, VariableKey},
    life::{Assertion, AssertionId, Timestamp},
    memory::{Budget, StoreMemory},
    store::{
        Action, Backend, Existing, Limits, Mutation, NewAssertion, Scope, Store, StoreError,
        SystemClock,
        backend::Committed,
        embedded::{
            Embedded, Medium,
            writer::{Request, Writer},
        },
    },
};

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

#[tokio::test]
async fn a_full_disk_changes_nothing_and_is_left_behind_once_there_is_space() {
    for kib in (0..400).step_by(10) {
        let disk = Disk::formatted();
        disk.set_space(Some(disk.used() + kib * KIB));
        let store = open(&disk).await;
        let created = fill(&store).await;
        let created_now = listed(&store);
        assert_eq!(created_now.len(), created, "{kib} KiB");
        let again = store.assert(mk_key(created), mk_large()).await.unwrap_err();
        assert!(
            matches!(again, StoreError::Full { .. }),
            "{kib} KiB: {again}"
        );

        disk.set_space(None);
        store.assert(mk_key(created), mk_large()).await.unwrap();
        let kept = listed(&store);
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
        let kept = listed(&store);
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
        let before = listed(&store);
        disk.fail(Faults {
            after,
            count: 1,
            kind: Some(io::ErrorKind::StorageFull),
        });
        if let Err(error) = store.assert(mk_key(1), mk_large()).await {
            assert!(matches!(error, StoreError::Full { .. }), "{error}");
            assert_eq!(listed(&store), before, "{after}");
            assert_eq!(reopened(store, &disk).await, before, "{after}");
            refused += 1;
        }
    }
    assert!(refused > 5, "{refused}");
}

type Listed = Vec<(VariableKey, Arc<Assertion>)>;

fn listed(store: &Store) -> Listed {
    store.list(&Scope::default(), 1000, None).assertions
}

#[tokio::test]
async fn everything_can_be_deleted_on_a_full_disk_and_then_there_is_room_again() {
    for kib in (0..400).step_by(50) {
        let disk = Disk::formatted();
        disk.set_space(Some(disk.used() + kib * KIB));
        let store = open(&disk).await;
        for (key, _) in fill_all(&store).await {
            assert!(store.delete(key).await.unwrap(), "{kib} KiB");
        }
        assert!(listed(&store).is_empty());
        if kib > 100 {
            store.assert(mk_key(0), mk_large()).await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_file_of_the_former_format_is_served_on_a_full_disk_and_written_anew_later() {
    let disk = former_format();
    disk.set_space(Some(disk.used() + 100 * KIB));
    let store = open(&disk).await;
    assert_eq!(listed(&store).len(), 100);
    let refused = store.assert(mk_key(100), mk_large()).await.unwrap_err();
    assert!(matches!(refused, StoreError::Full { .. }), "{refused}");
    assert!(store.delete(mk_key(0)).await.unwrap());
    let kept = listed(&store);
    assert_eq!(reopened(store, &disk).await, kept);

    disk.set_space(None);
    let store = open(&disk).await;
    store.assert(mk_key(100), mk_large()).await.unwrap();
    let kept = listed(&store);
    assert_eq!(kept.len(), 100);
    assert_eq!(reopened(store, &disk).await, kept);
}

/// Returns a disk with a hundred variables in a file of the former format.
fn former_format() -> Disk {
    let disk = Disk::formatted();
    let file = disk.create_new().unwrap();
    let database = redb::Builder::new().create_with_backend(file).unwrap();
    let names: Vec<_> = (0..100).map(|number| format!("v-{number}")).collect();
    let record = format!(r#"{{"since":1,"value":"{}"}}"#, "v".repeat(4096));
    let keys = names
        .iter()
        .map(|name| ("default", &**name, "durable", "", "", ""));
    former::write(&database, keys.map(|key| (key, &*record)));
    drop(database);
    disk.adopt_new().unwrap();
    disk.release_reserve();
    disk
}

/// The space that the reserve gave up is no reason to try again.
#[tokio::test]
async fn creates_on_a_full_disk_are_refused_without_work() {
    let disk = Disk::formatted();
    disk.set_space(Some(disk.used() + 100 * KIB));
    let store = open(&disk).await;
    let created = fill(&store).await;
    let before = disk.asked();
    for number in 0..100 {
        let key = mk_key(created + number);
        let refused = store.assert(key, mk_large()).await.unwrap_err();
        assert!(matches!(refused, StoreError::Full { .. }), "{refused}");
    }
    let after = disk.asked();
    assert_eq!(after.times, before.times + 100);
    let times = before.times;
    assert_eq!(Asked { times, ..after }, before);
}

/// Each of them changes another page, and a commit copies all of the pages that it changes.
#[test]
fn many_deletes_at_once_get_through_on_a_full_disk() {
    let disk = Disk::formatted();
    disk.set_space(Some(disk.used() + 6 * MIB));
    let mut writer = Writer::open(disk, Budget::UNLIMITED).unwrap();
    let pieces = (0..).step_by(100).map(|first| first..first + 100);
    let created = pieces
        .take_while(|piece| {
            let created = ask(&mut writer, piece.clone().map(mk_put));
            created.iter().all(Result::is_ok)
        })
        .count();
    let scattered = (0..100 * created).step_by(created / 10).map(mk_delete);
    for answer in ask(&mut writer, scattered) {
        answer.unwrap();
    }
}

/// Lets the writer serve all of `mutations` at once.
fn ask(
    writer: &mut Writer<Disk>,
    mutations: impl Iterator<Item = Mutation>,
) -> Vec<Result<Committed, StoreError>> {
    let (requests, answers): (Vec<_>, Vec<_>) = mutations
        .map(|mutation| {
            let (reply, answer) = oneshot::channel();
            (Request::Commit { mutation, reply }, answer)
        })
        .unzip();
    writer.serve(requests.into_iter());
    let answers = answers.into_iter();
    answers
        .map(|mut answer| answer.try_recv().unwrap())
        .collect()
}

fn mk_delete(number: usize) -> Mutation {
    Mutation {
        key: mk_key(number),
        action: Action::Delete,
    }
}

fn mk_put(number: usize) -> Mutation {
    Mutation {
        key: mk_key(number),
        action: Action::Assert {
            assertion: Assertion {
                id: AssertionId::HAND,
                value: Some("v".repeat(500).parse().unwrap()),
                since: Timestamp::default(),
                expires: None,
            },
            existing: Existing::Replace,
        },
    }
}

#[tokio::test]
async fn what_expired_on_a_full_disk_is_gone_after_the_start() {
    let disk = Disk::formatted();
    let backend = Embedded::on(disk.clone(), Budget::UNLIMITED).unwrap();
    let expired = Mutation {
        key: mk_key(9999),
        action: Action::Assert {
            assertion: Assertion {
                id: AssertionId::HAND,
                value: mk_large().value,
                since: Timestamp::default(),
                expires: Some(Timestamp::from_millis(1)),
            },
            existing: Existing::Replace,
        },
    };
    backend.commit(expired).await.unwrap();
    drop(backend);
    disk.set_space(Some(disk.used()));
    let store = open(&disk).await;
    assert!(!store.exists(&mk_key(9999)));
}

/// Creates variables until there is no space, and returns them.
async fn fill_all(store: &Store) -> Listed {
    fill(store).await;
    listed(store)
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
    let backend = Arc::new(Embedded::on(disk.clone(), Budget::UNLIMITED).unwrap());
    let clock = Arc::new(SystemClock);
    Store::open(backend, Limits::within(1000, StoreMemory::default()), clock)
        .await
        .unwrap()
}

async fn reopened(store: Store, disk: &Disk) -> Listed {
    drop(store);
    listed(&open(disk).await)
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
