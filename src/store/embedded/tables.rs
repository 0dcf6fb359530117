//! The tables of the file.

use std::sync::Arc;

use oncue_language::VariableKey;
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition, WriteTransaction};

use super::{
    StoreError,
    fault::Attempt,
    record::{self, RowKey},
};
use crate::{
    life::{Assertion, AssertionId},
    store::{Variable, variables::Variables},
};

/// The format of the file, as far as it is ours: a file of a later one is refused.
pub(super) const FORMAT: u64 = 1;

const META: TableDefinition<'static, &str, u64> = TableDefinition::new("oncue");
const FORMAT_KEY: &str = "format";
const ASSERTIONS: TableDefinition<'static, RowKey<'static>, &[u8]> =
    TableDefinition::new("assertions");

/// One row that is written.
#[derive(Debug)]
pub(super) enum RowChange<'a> {
    Put(&'a VariableKey, &'a Assertion),
    Remove(&'a VariableKey, &'a AssertionId),
}

/// Makes an empty file one of ours that holds `variables`; they are durable afterwards.
pub(super) fn create(database: &Database, variables: &Variables) -> Result<(), redb::Error> {
    let transaction = database.begin_write()?;
    transaction.open_table(META)?.insert(FORMAT_KEY, FORMAT)?;
    let rows: Vec<_> = variables.iter().flat_map(|it| rows(it)).collect();
    write_rows(&transaction, &rows)?;
    transaction.commit()?;
    Ok(())
}

fn rows(variable: &Variable) -> impl Iterator<Item = RowChange<'_>> {
    let assertions = variable.assertions().iter();
    assertions.map(|assertion| RowChange::Put(variable.key(), assertion))
}

/// Writes all of `changes` or none; they are durable afterwards.
pub(super) fn write(database: &Database, changes: &[RowChange<'_>]) -> Result<(), redb::Error> {
    let transaction = database.begin_write()?;
    write_rows(&transaction, changes)?;
    transaction.commit()?;
    Ok(())
}

fn write_rows(
    transaction: &WriteTransaction,
    changes: &[RowChange<'_>],
) -> Result<(), redb::Error> {
    let mut table = transaction.open_table(ASSERTIONS)?;
    for change in changes {
        match change {
            RowChange::Put(variable, assertion) => {
                let record = record::encode(assertion);
                table.insert(record::row_key(variable, &assertion.id), &*record)?;
            }
            RowChange::Remove(variable, id) => {
                table.remove(record::row_key(variable, id))?;
            }
        }
    }
    Ok(())
}

/// Reads everything there is.
pub(super) fn load(database: &Database, attempt: Attempt<'_>) -> Result<Variables, StoreError> {
    check_format(database, attempt)?;
    let rows = read_rows(database, attempt)?;
    let mut variables = Variables::default();
    for rows in rows.chunk_by(|(a, _), (b, _)| a == b) {
        let assertions = rows.iter().map(|(_, assertion)| Arc::clone(assertion));
        if let [(key, _), ..] = rows {
            let variable = Variable::new(key.clone(), assertions.collect());
            variables.set(key, variable.map(Arc::new));
        }
    }
    Ok(variables)
}

/// Makes sure that the file is one of ours and that this version reads it.
pub(super) fn check_format(
    database: &impl ReadableDatabase,
    attempt: Attempt<'_>,
) -> Result<(), StoreError> {
    let failed = |error: redb::Error| attempt.redb(error);
    let transaction = database.begin_read().map_err(|e| failed(e.into()))?;
    let found = match transaction.open_table(META) {
        Ok(meta) => meta.get(FORMAT_KEY).map_err(|e| failed(e.into()))?,
        Err(redb::TableError::Storage(error)) => return Err(failed(error.into())),
        Err(_) => None,
    };
    match found.map(|found| found.value()) {
        Some(FORMAT) => Ok(()),
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

/// Returns all rows in the order of their keys.
fn read_rows(
    database: &Database,
    attempt: Attempt<'_>,
) -> Result<Vec<(VariableKey, Arc<Assertion>)>, StoreError> {
    let failed = |error: redb::Error| attempt.redb(error);
    let transaction = database.begin_read().map_err(|e| failed(e.into()))?;
    let table = transaction.open_table(ASSERTIONS);
    let table = table.map_err(|e| failed(e.into()))?;
    let mut rows = Vec::new();
    for row in table.iter().map_err(|e| failed(e.into()))? {
        let (key, record) = row.map_err(|e| failed(e.into()))?;
        let (variable, assertion) = record::decode(key.value(), record.value())
            .map_err(|detail| attempt.damaged(detail))?;
        rows.push((variable, Arc::new(assertion)));
    }
    Ok(rows)
}
