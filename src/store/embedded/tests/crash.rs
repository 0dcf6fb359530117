//! Random histories on storage that loses power: what was acknowledged is there, and what was not
//! is there wholly or not at all.

use rand::{RngExt, SeedableRng, rngs::StdRng};
use tokio::sync::oneshot::{self, error::TryRecvError};

use super::disk::Disk;
use crate::{
    language::{Namespace, VariableKey},
    life::{Assertion, AssertionId, Kind, Owner, Timestamp},
    memory::Budget,
    store::{
        Action, Existing, Mutation,
        embedded::writer::{Request, Writer},
        variables::Variables,
    },
};

const HISTORIES: u64 = 2000;
const CUTS: usize = 3;
/// More than any history needs to use its power up.
const MAX_BATCHES: usize = 1000;

#[test]
fn what_was_acknowledged_survives_every_power_cut() {
    let formatted = Disk::formatted();
    let seeds = std::env::var("ONCUE_SEEDS").map_or(HISTORIES, |seeds| seeds.parse().unwrap());
    let acknowledged: usize = (0..seeds).map(|seed| play(seed, formatted.copy())).sum();
    // Most histories must get somewhere before the power goes, else nothing is tested.
    assert!(acknowledged as u64 > seeds * 20, "{acknowledged}");
}

/// Plays one history with a few power cuts and returns how many changes were acknowledged.
fn play(seed: u64, mut disk: Disk) -> usize {
    let mut random = StdRng::seed_from_u64(seed);
    let mut acknowledged = 0;
    let mut expected = vec![Variables::default()];
    for cut in 0..CUTS {
        let mut writer = Writer::open(disk.clone(), Budget::UNLIMITED).unwrap();
        let found = writer.variables().clone();
        assert!(
            expected.contains(&found),
            "seed {seed}, cut {cut}:\n{found:#?}\n{expected:#?}"
        );
        disk.cut_power_after(random.random_range(0..60));
        let (known, in_doubt, count) = until_refused(&mut writer, found, &mut random);
        acknowledged += count;
        expected = vec![known, in_doubt];
        assert!(
            !disk.has_power(),
            "seed {seed}, cut {cut}: refused with power"
        );
        drop(writer);
        disk = disk.after_power_cut(&mut random);
    }
    acknowledged
}

/// Returns the state that was acknowledged, the state had the refused batch been too, and how many
/// changes were acknowledged.
fn until_refused(
    writer: &mut Writer<Disk>,
    mut state: Variables,
    random: &mut StdRng,
) -> (Variables, Variables, usize) {
    let mut acknowledged = 0;
    for _ in 0..MAX_BATCHES {
        let batch = mk_batch(random);
        let after = applied(&state, &batch);
        match serve(writer, batch) {
            Some(answers) => acknowledged += answers,
            None => return (state, after, acknowledged),
        }
        state = after;
    }
    panic!("the power was never cut: changes are acknowledged without being written");
}

/// Returns how many changes were acknowledged, none where they were refused.
pub(super) fn serve(writer: &mut Writer<Disk>, batch: Vec<Mutation>) -> Option<usize> {
    let (requests, answers): (Vec<_>, Vec<_>) = batch
        .into_iter()
        .map(|mutation| {
            let (reply, answer) = oneshot::channel();
            (Request::Commit { mutation, reply }, answer)
        })
        .unzip();
    let count = answers.len();
    writer.serve(requests.into_iter());
    let acknowledged = answers
        .into_iter()
        .filter_map(|mut answer| match answer.try_recv() {
            Ok(answer) => answer.ok(),
            Err(TryRecvError::Empty | TryRecvError::Closed) => panic!("not answered"),
        });
    match acknowledged.count() {
        0 => None,
        all if all == count => Some(all),
        some => panic!("{some} of {count} in one commit"),
    }
}

pub(super) fn applied(state: &Variables, batch: &[Mutation]) -> Variables {
    let mut state = state.clone();
    for mutation in batch {
        for update in mutation.decide(&state).updates {
            state.apply(&update);
        }
    }
    state
}

pub(super) fn mk_batch(random: &mut StdRng) -> Vec<Mutation> {
    let len = random.random_range(1..6);
    (0..len).map(|_| mk_mutation(random)).collect()
}

fn mk_mutation(random: &mut StdRng) -> Mutation {
    let name = ["a", "a/b", "a/b/c", "d", "e-f", "g"][random.random_range(0..6)];
    let action = match random.random_range(0..10) {
        0 => Action::Delete,
        1 => Action::Withdraw(mk_id(random)),
        _ => Action::Assert {
            assertion: mk_assertion(random),
            existing: Existing::Replace,
        },
    };
    Mutation {
        key: VariableKey::new(Namespace::default(), name.parse().unwrap()),
        action,
    }
}

pub(super) fn mk_assertion(random: &mut StdRng) -> Assertion {
    let bytes = [0, 10, 300, 4000][random.random_range(0..4)];
    Assertion {
        id: mk_id(random),
        value: Some("v".repeat(bytes).parse().unwrap()),
        since: Timestamp::from_millis(random.random_range(0..1000)),
        expires: None,
    }
}

fn mk_id(random: &mut StdRng) -> AssertionId {
    match random.random_range(0..3) {
        0 => AssertionId::HAND,
        1 => AssertionId::of(mk_owner(random), Kind::Live),
        _ => AssertionId::of(mk_owner(random), Kind::Durable),
    }
}

fn mk_owner(random: &mut StdRng) -> Owner {
    Owner::pod(
        Namespace::default(),
        format!("pod-{}", random.random_range(0..3)),
        "uid",
    )
}
