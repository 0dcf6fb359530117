//! `oncue vars apply`.

use std::collections::BTreeMap;

use anyhow::bail;
use clap::Args;

use super::{Creation, HandAssertion, document::now};
use crate::{
    commands::{
        files::{self, Files},
        installation::StoreArgs,
        output, report,
        signal_manifests::SignalManifests,
    },
    language::{Timeout, Timestamp, VariableKey},
    life::Assertion,
    lint::Severity,
    manifests::Document,
    model::ExistingVariable,
};

#[derive(Args, Debug)]
pub(super) struct Apply {
    #[command(flatten)]
    files: Files,

    #[command(flatten)]
    store: StoreArgs,
}

impl Apply {
    /// Creates the variables of all durable Signals in the files, unless one of the Signals is wrong.
    pub(super) fn run(self) -> anyhow::Result<()> {
        let manifests = files::read(&self.files.inputs)?;
        let installation = self.store.open()?;
        let objects = manifests.documents().map(Document::object);
        let SignalManifests { existing, findings } =
            SignalManifests::read(objects, &installation.namespace);
        let findings = report::locate(&manifests, findings);
        anstream::eprint!("{}", report::text(&findings));
        if report::count(&findings, Severity::Error) > 0 {
            bail!("nothing was created, because some Signals are wrong");
        }
        for (key, assertion) in by_hand(existing, now()) {
            let what = match installation.backend.create(&key, assertion)? {
                Creation::Created => "created",
                Creation::Updated => "updated",
            };
            output::print(&format!("{key} {what}\n"))?;
        }
        Ok(())
    }
}

/// Returns what is asserted by hand in place of Signals that have not expired: of several about one
/// variable, the newest.
fn by_hand(
    existing: Vec<ExistingVariable>,
    now: Timestamp,
) -> impl Iterator<Item = (VariableKey, HandAssertion)> {
    let mut newest: BTreeMap<VariableKey, Assertion> = BTreeMap::new();
    for ExistingVariable { key, assertion, .. } in existing {
        let is_newer = newest
            .get(&key)
            .is_none_or(|it| it.since <= assertion.since);
        if is_newer && !assertion.is_expired(now) {
            newest.insert(key, assertion);
        }
    }
    newest.into_iter().map(move |(key, assertion)| {
        let left = assertion
            .expires
            .map(|expires| expires.since(now).as_secs());
        let ttl = left.map(|left| Timeout::from_secs(u32::try_from(left).unwrap_or(u32::MAX)));
        let Assertion { value, .. } = assertion;
        (key, HandAssertion { value, ttl })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        life::{AssertionId, Kind, Owner},
        model::ExistingSource,
    };

    fn mk(name: &str, since: u64, expires: Option<u64>) -> ExistingVariable {
        let job = Owner::pod("shop".parse().unwrap(), "migrate", "u-1");
        ExistingVariable {
            key: VariableKey::new("shop".parse().unwrap(), name.parse().unwrap()),
            assertion: Assertion {
                id: AssertionId::of(job, Kind::Durable),
                value: since.to_string().parse().ok(),
                since: Timestamp::from_millis(since),
                expires: expires.map(Timestamp::from_millis),
            },
            source: ExistingSource::Signal("x".into()),
        }
    }

    #[test]
    fn the_newest_signal_of_a_variable_that_has_not_expired_is_made_by_hand() {
        let signals = vec![
            mk("a", 2_000, None),
            mk("a", 1_000, None),
            mk("a", 3_000, Some(5_000)),
            mk("b", 1_000, Some(65_000)),
            mk("c", 1_000, Some(5_000)),
        ];
        let made = by_hand(signals, Timestamp::from_millis(5_000));
        let made = made.map(|(key, HandAssertion { value, ttl })| {
            let value = value.map(|value| value.to_string());
            let ttl = ttl.map(|ttl| ttl.to_string());
            (key.to_string(), value.unwrap(), ttl)
        });
        let expected = [
            ("a@shop".to_owned(), "2000".to_owned(), None),
            (
                "b@shop".to_owned(),
                "1000".to_owned(),
                Some("1m".to_owned()),
            ),
        ];
        assert_eq!(made.collect::<Vec<_>>(), expected);
    }
}
