//! Operations that fail once or a few times in a row: an error means that nothing has changed, and
//! nothing that is acknowledged afterwards is lost.

use rand::{SeedableRng, rngs::StdRng};

use super::{
    crash::{applied, mk_assertion, mk_batch, serve},
    disk::{Disk, Faults},
};
use crate::{
    language::{Namespace, VariableKey},
    memory::Budget,
    store::{Action, Existing, Mutation, embedded::writer::Writer, variables::Variables},
};

/// More operations than there are in a history.
const MAX_OPERATIONS: usize = 5000;
const BATCHES: usize = 8;
/// Enough to let the file grow.
const MANY: usize = 500;

/// A failed sync is the worst of them: what was written before it is shown, and never synced.
#[test]
fn whatever_fails_an_error_changes_nothing_and_later_changes_are_durable() {
    let formatted = Disk::formatted();
    for count in 1..5 {
        let failing = (0..MAX_OPERATIONS).take_while(|&after| {
            let faults = Faults {
                after,
                count,
                kind: None,
            };
            play(&formatted.copy(), faults)
        });
        assert!(failing.count() > 20, "{count} in a row");
    }
}

/// The file looks as it should after such a sync: what was refused leaves everything as it was.
#[test]
fn what_is_read_back_after_a_failed_sync_is_not_trusted() {
    strike_each_operation_of(|random| {
        vec![
            mk_assert("brief", random),
            mk_mutation("brief", Action::Delete),
        ]
    });
}

/// redb shortens the file once the commit is synced: where that fails, so does the commit.
#[test]
fn what_was_written_although_it_failed_is_undone() {
    strike_each_operation_of(|_| {
        let many = names_of_many();
        many.map(|name| mk_mutation(&name, Action::Delete))
            .collect()
    });
}

#[test]
fn a_file_that_is_damaged_while_it_is_open_is_written_anew() {
    let mut random = StdRng::seed_from_u64(0);
    let disk = Disk::formatted();
    let mut writer = Writer::open(disk.clone(), Budget::UNLIMITED).unwrap();
    serve(&mut writer, vec![mk_assert("a", &mut random)]).unwrap();
    disk.damage();
    disk.fail(Faults {
        after: 0,
        count: 1,
        kind: None,
    });
    assert_eq!(serve(&mut writer, vec![mk_assert("b", &mut random)]), None);
    serve(&mut writer, vec![mk_assert("c", &mut random)]).unwrap();
    let found = Writer::open(disk.after_power_cut(&mut random), Budget::UNLIMITED).unwrap();
    assert_eq!(found.variables(), writer.variables());
    assert_eq!(found.variables().assertions().count(), 2);
}

/// Lets each of the operations fail that a change of many variables needs.
fn strike_each_operation_of(mk_batch: impl Fn(&mut StdRng) -> Vec<Mutation>) {
    let mut random = StdRng::seed_from_u64(0);
    let formatted = Disk::formatted();
    let mut writer = Writer::open(formatted.clone(), Budget::UNLIMITED).unwrap();
    let many = names_of_many().map(|name| mk_assert(&name, &mut random));
    serve(&mut writer, many.collect()).unwrap();
    drop(writer);
    let refused = (0..MAX_OPERATIONS).take_while(|&after| {
        let disk = formatted.copy();
        let mut writer = Writer::open(disk.clone(), Budget::UNLIMITED).unwrap();
        disk.fail(Faults {
            after,
            count: 1,
            kind: None,
        });
        if serve(&mut writer, mk_batch(&mut random)).is_some() {
            return false;
        }
        serve(&mut writer, vec![mk_assert("z", &mut random)]).unwrap();
        let found = Writer::open(disk.after_power_cut(&mut random), Budget::UNLIMITED).unwrap();
        assert_eq!(found.variables(), writer.variables(), "{after}");
        true
    });
    assert!(refused.count() > 1);
}

fn names_of_many() -> impl Iterator<Item = String> {
    (0..MANY).map(|number| format!("many-{number}"))
}

/// Returns whether everything failed that was to.
fn play(disk: &Disk, faults: Faults) -> bool {
    let Faults { after, count, .. } = faults;
    let mut random = StdRng::seed_from_u64(after as u64);
    let mut writer = Writer::open(disk.clone(), Budget::UNLIMITED).unwrap();
    disk.fail(faults);
    let mut state = Variables::default();
    for number in 0..BATCHES {
        let batch = mk_batch(&mut random);
        let changed = applied(&state, &batch);
        if serve(&mut writer, batch).is_some() {
            state = changed;
        }
        assert_eq!(
            *writer.variables(),
            state,
            "{count} fail after {after}: batch {number}"
        );
    }
    if disk.is_to_fail() {
        return false;
    }
    // What was refused last may be found after a power cut, unless a change follows it.
    let last = vec![mk_assert("last", &mut random)];
    state = applied(&state, &last);
    assert!(serve(&mut writer, last).is_some());
    let cut = disk.after_power_cut(&mut random);
    let found = Writer::open(cut, Budget::UNLIMITED).unwrap();
    assert_eq!(*found.variables(), state, "{count} fail after {after}");
    true
}

fn mk_assert(name: &str, random: &mut StdRng) -> Mutation {
    let action = Action::Assert {
        assertion: mk_assertion(random),
        existing: Existing::Replace,
    };
    mk_mutation(name, action)
}

fn mk_mutation(name: &str, action: Action) -> Mutation {
    Mutation {
        key: VariableKey::new(Namespace::default(), name.parse().unwrap()),
        action,
    }
}
