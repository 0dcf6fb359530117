//! Variables as Signals for `kubectl apply`.

use std::sync::Arc;

use anyhow::Context;

use super::document::now;
use crate::{
    cluster::manifest,
    commands::output,
    language::{Kind, Timestamp, VariableKey},
    life::Assertion,
    manifests::to_yaml,
};

/// Prints the durable assertions as Signals, and notes what is left out.
pub(super) fn print(assertions: &[(VariableKey, Arc<Assertion>)]) -> anyhow::Result<()> {
    let Manifests { text, notes } = Manifests::of(assertions, now())?;
    for note in notes {
        output::note(&note);
    }
    output::print_as_it_is(&text)
}

/// Signals as YAML, and what could not be written as one.
#[derive(Debug, Default)]
struct Manifests {
    text: String,
    notes: Vec<String>,
}

impl Manifests {
    /// Writes the durable assertions: the others end with their pods, and pods that are there assert
    /// them again.
    fn of(assertions: &[(VariableKey, Arc<Assertion>)], now: Timestamp) -> anyhow::Result<Self> {
        let mut manifests = Self::default();
        let (mut live, mut expired) = (0, 0);
        for (key, assertion) in assertions {
            match assertion.id.kind {
                Kind::Live | Kind::Ready => live += 1,
                Kind::Durable if assertion.is_expired(now) => expired += 1,
                Kind::Durable => manifests.add(key, assertion)?,
            }
        }
        manifests.note(live, "live or ready", "their pods assert them again");
        manifests.note(expired, "expired", "they have ended");
        Ok(manifests)
    }

    fn add(&mut self, key: &VariableKey, assertion: &Assertion) -> anyhow::Result<()> {
        match manifest(key, assertion) {
            Ok(object) => {
                let object = to_yaml(&object).with_context(|| format!("failed to write {key}"))?;
                self.text.push_str("---\n");
                self.text.push_str(&object);
            }
            Err(error) => self.notes.push(format!("left out {key}: {error}")),
        }
        Ok(())
    }

    fn note(&mut self, count: usize, what: &str, why: &str) {
        if count > 0 {
            self.notes
                .push(format!("left out {count} {what} assertions: {why}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::{
        life::{AssertionId, Owner},
        manifests::{Document, File},
    };

    fn mk(name: &str, id: AssertionId, value: &str) -> (VariableKey, Arc<Assertion>) {
        let key = VariableKey::new("shop".parse().unwrap(), name.parse().unwrap());
        let assertion = Assertion {
            id,
            value: value.parse().ok(),
            since: "2026-11-27T10:00:00Z".parse().unwrap(),
            expires: None,
        };
        (key, Arc::new(assertion))
    }

    fn read(text: String) -> Vec<Value> {
        let file = File::parse("all.yaml", text).unwrap();
        let documents = file.documents().iter();
        documents.map(|it| Document::object(it).clone()).collect()
    }

    #[test]
    fn durable_assertions_are_signals_and_the_others_are_left_out() {
        let job = Owner::pod("shop".parse().unwrap(), "migrate", "u-1");
        let pod = Owner::pod("shop".parse().unwrap(), "web", "u-2");
        let stranger = Owner::pod("other".parse().unwrap(), "x", "u-3");
        let mut mine = AssertionId::HAND;
        mine.object = Some("mine".into());
        let mut expired = mk("old", AssertionId::HAND, "");
        Arc::make_mut(&mut expired.1).expires = "2026-11-27T11:00:00Z".parse().ok();
        let mut lasting = mk("ttl", AssertionId::HAND, "on: \"off\"\n");
        Arc::make_mut(&mut lasting.1).expires = "2026-11-29T11:00:00Z".parse().ok();
        let assertions = [
            mk("migrated", AssertionId::of(job, Kind::Durable), "v42"),
            mk("migrated", mine, "v41"),
            mk("web/up", AssertionId::of(pod.clone(), Kind::Live), ""),
            mk("web/ready", AssertionId::of(pod, Kind::Ready), ""),
            mk("x", AssertionId::of(stranger, Kind::Durable), ""),
            expired,
            lasting,
        ];
        let now = "2026-11-28T00:00:00Z".parse().unwrap();
        let Manifests { text, notes } = Manifests::of(&assertions, now).unwrap();
        assert_eq!(notes.len(), 3, "{notes:?}");
        assert!(notes[0].starts_with("left out x@shop: the owner is in the namespace other"));
        assert!(notes[1].starts_with("left out 2 live or ready assertions"));
        assert!(notes[2].starts_with("left out 1 expired assertions"));
        let objects = read(text);
        assert_eq!(objects.len(), 3);
        for object in &objects {
            assert_eq!(object["apiVersion"], "oncue.dev/v1alpha1");
            assert_eq!(object["metadata"]["namespace"], "shop");
            assert!(object["metadata"].get("creationTimestamp").is_none());
            assert!(object["metadata"].get("ownerReferences").is_none());
        }
        assert_eq!(objects[0]["spec"]["owner"]["name"], "migrate");
        assert_eq!(objects[1]["metadata"]["name"], "mine");
        let spec = json!({
            "variable": "ttl", "kind": "Durable", "value": "on: \"off\"\n",
            "since": "2026-11-27T10:00:00Z", "expires": "2026-11-29T11:00:00Z",
        });
        assert_eq!(objects[2]["spec"], spec);
    }
}
