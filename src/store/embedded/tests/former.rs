//! Files of the former format, whose records have no checksums.

use std::{path::Path, sync::Arc};

use redb::{Database, ReadableDatabase, TableDefinition};

use crate::{
    language::{Namespace, OwnerKind, VariableKey},
    life::{AssertionId, Kind, Owner},
    memory::{Budget, StoreMemory},
    store::{Embedded, Existing, Limits, NewAssertion, Scope, Store, SystemClock},
};

/// What is in a row's key: namespace, name, lifetime, and the owner's namespace, name and uid.
pub(super) type Key<'a> = (&'a str, &'a str, &'a str, &'a str, &'a str, &'a str);

const META: TableDefinition<'static, &str, u64> = TableDefinition::new("oncue");
const ROWS: TableDefinition<'static, Key<'_>, &[u8]> = TableDefinition::new("assertions");

/// Makes an empty file one of the former format with these rows.
pub(super) fn write<'a>(database: &Database, rows: impl IntoIterator<Item = (Key<'a>, &'a str)>) {
    let transaction = database.begin_write().unwrap();
    let mut table = transaction.open_table(META).unwrap();
    table.insert("format", 1).unwrap();
    drop(table);
    let mut table = transaction.open_table(ROWS).unwrap();
    for (key, record) in rows {
        table.insert(key, record.as_bytes()).unwrap();
    }
    drop(table);
    transaction.commit().unwrap();
}

fn format(file: &Path) -> u64 {
    let database = Database::open(file).unwrap();
    let transaction = database.begin_read().unwrap();
    let table = transaction.open_table(META).unwrap();
    table.get("format").unwrap().unwrap().value()
}

async fn open(directory: &Path) -> Store {
    let backend = Embedded::open(directory, Budget::UNLIMITED).unwrap();
    let limits = Limits::within(1000, StoreMemory::default());
    let store = Store::open(Arc::new(backend), limits, Arc::new(SystemClock));
    store.await.unwrap()
}

#[tokio::test]
async fn a_file_of_the_former_format_is_written_anew_with_checksums() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("oncue.redb");
    let database = Database::create(&file).unwrap();
    let key = ("default", "a/b", "live", "shop", "p", "u");
    write(&database, [(key, r#"{"since":1,"value":"x"}"#)]);
    drop(database);
    let first = open(directory.path()).await;
    let page = first.list(&Scope::default(), 9, None).assertions;
    let name = VariableKey::new(Namespace::default(), "a/b".parse().unwrap());
    assert_eq!(page[0].0, name);
    assert_eq!(page[0].1.value, Some("x".parse().unwrap()));
    drop(first);
    let second = open(directory.path()).await;
    assert_eq!(second.list(&Scope::default(), 9, None).assertions, page);
    drop(second);
    assert_eq!(format(&file), 2);
}

#[tokio::test]
async fn an_earlier_version_reads_a_file_until_it_names_the_kind_of_an_owner() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("oncue.redb");
    for (kind, expected) in [
        (OwnerKind::Pod, 2),
        (OwnerKind::Job, 3),
        (OwnerKind::Pod, 3),
    ] {
        let store = open(directory.path()).await;
        let owner = Owner {
            kind,
            ..Owner::pod(Namespace::default(), kind.as_str().to_lowercase(), "u")
        };
        let assertion = NewAssertion {
            id: AssertionId::of(owner, Kind::Durable),
            value: None,
            ttl: None,
            existing: Existing::Replace,
        };
        let key = VariableKey::new(Namespace::default(), "a".parse().unwrap());
        store.assert(key, assertion).await.unwrap();
        drop(store);
        assert_eq!(format(&file), expected, "{kind}");
    }
    let store = open(directory.path()).await;
    let assertions = store.list(&Scope::default(), 9, None).assertions;
    let owners = assertions
        .iter()
        .map(|(_, it)| it.id.asserter.owner().unwrap());
    let kinds: Vec<_> = owners.map(|owner| owner.kind).collect();
    assert_eq!(kinds, [OwnerKind::Job, OwnerKind::Pod]);
}
