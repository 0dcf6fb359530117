//! The tables of the file.

use std::sync::Arc;

use redb::{
    Database, ReadableDatabase, ReadableTable, ReadableTableMetadata, TableDefinition,
    WriteTransaction,
};

use super::{
    StoreError,
    fault::Attempt,
    record::{self, RowKey},
};
use crate::store::{Update, variables::Variables};

/// The newest format: records may name the kind of an owner. A file of a later format is rejected.
///
/// A file gets it with the first such record, so that an earlier version reads it until then.
pub(super) const FORMAT: u64 = 3;

/// The format of a new file: records with checksums.
const CHECKED: u64 = 2;

/// The first format.
const PLAIN: u64 = 1;

/// A format that is read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Format {
    /// The former format: records without checksums.
    Plain,
    /// Records with checksums.
    Checked,
}

const META: TableDefinition<'static, &str, u64> = TableDefinition::new("oncue");
const FORMAT_KEY: &str = "format";
const ASSERTIONS: TableDefinition<'static, RowKey<'static>, &[u8]> =
    TableDefinition::new("assertions");

/// Turns an empty file into a store's file with these variables, and makes them durable.
pub(super) fn create(database: &Database, variables: &Variables) -> Result<(), redb::Error> {
    let transaction = database.begin_write()?;
    transaction.open_table(META)?.insert(FORMAT_KEY, CHECKED)?;
    let updates = variables.assertions().map(|(key, assertion)| Update {
        key,
        before: None,
        after: Some(Arc::clone(assertion)),
    });
    write_rows(&transaction, updates)?;
    transaction.commit()?;
    Ok(())
}

/// Writes all of `updates` or none, and makes them durable.
pub(super) fn write(database: &Database, updates: &[Update]) -> Result<(), redb::Error> {
    let transaction = database.begin_write()?;
    write_rows(&transaction, updates.iter().cloned())?;
    transaction.commit()?;
    Ok(())
}

fn write_rows(
    transaction: &WriteTransaction,
    updates: impl Iterator<Item = Update>,
) -> Result<(), redb::Error> {
    let mut table = transaction.open_table(ASSERTIONS)?;
    let mut needs_newest = false;
    for update in updates {
        let key = record::row_key(&update.key, update.id());
        match &update.after {
            Some(assertion) => {
                needs_newest |= record::needs_newest(assertion);
                table.insert(key, &*record::encode(key, assertion))?;
            }
            None => {
                table.remove(key)?;
            }
        }
    }
    if needs_newest {
        transaction.open_table(META)?.insert(FORMAT_KEY, FORMAT)?;
    }
    Ok(())
}

/// Reads all rows.
pub(super) fn load(
    database: &Database,
    attempt: Attempt<'_>,
) -> Result<(Variables, Format), StoreError> {
    let format = check_format(database, attempt)?;
    let failed = |error: redb::Error| attempt.redb(error);
    let transaction = database.begin_read().map_err(|e| failed(e.into()))?;
    let table = transaction.open_table(ASSERTIONS);
    let table = table.map_err(|e| failed(e.into()))?;
    let mut variables = Variables::default();
    let mut rows = 0;
    for row in table.iter().map_err(|e| failed(e.into()))? {
        let (key, record) = row.map_err(|e| failed(e.into()))?;
        let decoded = record::decode(format, key.value(), record.value());
        let (variable, assertion) = decoded.map_err(|detail| attempt.damaged(detail))?;
        if variables.put(&variable, Arc::new(assertion)).is_some() {
            return Err(attempt.damaged(format!("{variable} has a record twice")));
        }
        rows += 1;
    }
    let promised = table.len().map_err(|e| failed(e.into()))?;
    if rows != promised {
        let detail = format!("{promised} records were written, and {rows} are there");
        return Err(attempt.damaged(detail));
    }
    Ok((variables, format))
}

/// Checks that the file is a store's, in a format that this version reads.
pub(super) fn check_format(
    database: &impl ReadableDatabase,
    attempt: Attempt<'_>,
) -> Result<Format, StoreError> {
    let failed = |error: redb::Error| attempt.redb(error);
    let transaction = database.begin_read().map_err(|e| failed(e.into()))?;
    let found = match transaction.open_table(META) {
        Ok(meta) => meta.get(FORMAT_KEY).map_err(|e| failed(e.into()))?,
        Err(redb::TableError::Storage(error)) => return Err(failed(error.into())),
        Err(_) => None,
    };
    match found.map(|found| found.value()) {
        Some(PLAIN) => Ok(Format::Plain),
        Some(CHECKED | FORMAT) => Ok(Format::Checked),
        Some(found) => Err(StoreError::Newer {
            path: attempt.path.to_owned(),
            found,
            known: FORMAT,
        }),
        None => Err(StoreError::NotOurs {
            path: attempt.path.to_owned(),
        }),
    }
}
