//! Files of the former format, whose records have no checksums.

use std::sync::Arc;

use redb::{Database, ReadableDatabase, TableDefinition};

use crate::{
    language::{Namespace, VariableKey},
    memory::{Budget, StoreMemory},
    store::{Embedded, Limits, Scope, Store, SystemClock},
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

#[tokio::test]
async fn a_file_of_the_former_format_is_written_anew_with_checksums() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("oncue.redb");
    let database = Database::create(&file).unwrap();
    let key = ("default", "a/b", "live", "shop", "p", "u");
    write(&database, [(key, r#"{"since":1,"value":"x"}"#)]);
    drop(database);
    let open = async || {
        let backend = Embedded::open(directory.path(), Budget::UNLIMITED).unwrap();
        let limits = Limits::within(1000, StoreMemory::default());
        let store = Store::open(Arc::new(backend), limits, Arc::new(SystemClock));
        store.await.unwrap()
    };
    let first = open().await;
    let page = first.list(&Scope::default(), 9, None).assertions;
    let name = VariableKey::new(Namespace::default(), "a/b".parse().unwrap());
    assert_eq!(page[0].0, name);
    assert_eq!(page[0].1.value, Some("x".parse().unwrap()));
    drop(first);
    let second = open().await;
    assert_eq!(second.list(&Scope::default(), 9, None).assertions, page);
    drop(second);
    let database = Database::open(&file).unwrap();
    let transaction = database.begin_read().unwrap();
    let table = transaction.open_table(META).unwrap();
    assert_eq!(table.get("format").unwrap().unwrap().value(), 2);
}
