//! The objects that make no assertion, and why.

use std::collections::BTreeMap;

use oncue_language::{VariableKey, VariableName, escape::Escaped};
use oncue_signals::SignalError;
use tracing::warn;

use super::replica::{ObjectState, Place};
use crate::memory::Exhausted;

/// Why an object makes no assertion.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub(super) enum Skip {
    /// It was written past the rules of the resource.
    #[error("{0}: correct it, or delete it")]
    Invalid(SignalError),
    /// The variables have reached their memory limit.
    #[error("{0}: delete some signals, or raise --memory-limit")]
    OverBudget(Exhausted),
}

impl Skip {
    /// Every reason, as metrics name it.
    pub(super) const REASONS: [&str; 2] = [Self::INVALID, Self::MEMORY];
    const INVALID: &str = "invalid";
    pub(super) const MEMORY: &str = "memory";

    pub(super) fn reason(&self) -> &'static str {
        match self {
            Self::Invalid(_) => Self::INVALID,
            Self::OverBudget(_) => Self::MEMORY,
        }
    }
}

/// The objects that make no assertion. At most [`MOST`] are remembered: others are only counted.
#[derive(Debug, Default)]
pub(super) struct Skipped {
    objects: BTreeMap<Place, Remembered>,
    counts: Counts,
    /// Those that are not remembered, since the last list began.
    beyond: Counts,
    /// The limit that was reached last by one that is not remembered.
    last_limit: Option<Exhausted>,
}

type Counts = BTreeMap<&'static str, usize>;

/// What is remembered of an object, so that it can be deleted.
#[derive(Debug)]
pub(super) struct SkippedObject {
    pub(super) state: ObjectState,
    /// The number of the last list that has shown it.
    pub(super) list: u64,
    /// The variable that it states, if that can be read.
    pub(super) variable: Option<VariableName>,
}

#[derive(Debug)]
struct Remembered {
    object: SkippedObject,
    /// `None` if the object is invalid.
    limit: Option<Exhausted>,
}

impl Remembered {
    fn reason(&self) -> &'static str {
        match self.limit {
            Some(_) => Skip::MEMORY,
            None => Skip::INVALID,
        }
    }
}

impl Skipped {
    /// Takes note of an object, and logs it unless it was skipped for this reason before.
    pub(super) fn put(&mut self, place: Place, object: SkippedObject, skip: &Skip) {
        let reason = skip.reason();
        let limit = match skip {
            Skip::OverBudget(exhausted) => Some(exhausted.clone()),
            Skip::Invalid(_) => None,
        };
        let earlier = self.remove(&place);
        if self.objects.len() >= MOST {
            return self.count_only(reason, limit);
        }
        if earlier != Some(reason) {
            let Place { namespace, name } = &place;
            warn!(%namespace, signal = %name, error = %Escaped(skip), "skipped a signal");
        }
        self.objects.insert(place, Remembered { object, limit });
        *self.counts.entry(reason).or_default() += 1;
    }

    fn count_only(&mut self, reason: &'static str, limit: Option<Exhausted>) {
        if self.beyond.is_empty() && self.last_limit.is_none() {
            warn!("skipped more than {MOST} signals: others are counted, and not named here");
        }
        *self.beyond.entry(reason).or_default() += 1;
        self.last_limit = limit.or(self.last_limit.take());
    }

    /// Forgets an object; returns the reason for which it was skipped.
    pub(super) fn remove(&mut self, place: &Place) -> Option<&'static str> {
        let reason = self.objects.remove(place)?.reason();
        if let Some(count) = self.counts.get_mut(reason) {
            *count -= 1;
        }
        Some(reason)
    }

    /// Takes note that a list begins, which counts anew what is not remembered.
    pub(super) fn begin_list(&mut self) {
        self.beyond.clear();
    }

    /// Removes the objects that the list of this number has not shown.
    pub(super) fn end_list(&mut self, list: u64) {
        let gone = self.objects.iter().filter(|(_, it)| it.object.list != list);
        for place in gone.map(|(place, _)| place.clone()).collect::<Vec<_>>() {
            self.remove(&place);
        }
    }

    /// Returns what is remembered of an object.
    pub(super) fn get(&self, place: &Place) -> Option<&SkippedObject> {
        self.objects.get(place).map(|it| &it.object)
    }

    /// Returns the remembered objects that state a variable.
    pub(super) fn of_variable(
        &self,
        key: &VariableKey,
    ) -> impl Iterator<Item = (&Place, &SkippedObject)> {
        let first = Place {
            namespace: key.namespace.as_str().into(),
            name: "".into(),
        };
        let objects = self.objects.range(first..);
        objects
            .take_while(|(place, _)| *place.namespace == *key.namespace.as_str())
            .map(|(place, it)| (place, &it.object))
            .filter(|(_, it)| it.variable.as_ref() == Some(&key.name))
    }

    /// Returns the limit for which an object without an assertion was skipped, as far as is known.
    pub(super) fn limit(&self, place: &Place) -> Option<Exhausted> {
        match self.objects.get(place) {
            Some(remembered) => remembered.limit.clone(),
            None if self.objects.len() >= MOST => self.last_limit.clone(),
            None => None,
        }
    }

    /// Returns how many objects are skipped for a reason.
    pub(super) fn count(&self, reason: &str) -> usize {
        let count = |counts: &Counts| counts.get(reason).copied().unwrap_or_default();
        count(&self.counts) + count(&self.beyond)
    }
}

/// The most objects that are remembered: each takes up to 1 KiB.
const MOST: usize = 10_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::ByteSize;

    fn put_all(skipped: &mut Skipped, list: u64) {
        let limit = ByteSize(1);
        let skip = Skip::OverBudget(Exhausted {
            name: "variables",
            namespace: None,
            limit,
        });
        for number in 0..MOST + 10 {
            let object = SkippedObject {
                state: ObjectState {
                    uid: "uid".into(),
                    version: 1,
                },
                list,
                variable: None,
            };
            skipped.put(mk_place(number), object, &skip);
        }
    }

    fn mk_place(number: usize) -> Place {
        Place {
            namespace: "default".into(),
            name: number.to_string().into(),
        }
    }

    #[test]
    fn those_that_are_not_remembered_are_counted_once_in_each_list() {
        let mut skipped = Skipped::default();
        for list in 1..4 {
            skipped.begin_list();
            put_all(&mut skipped, list);
            skipped.end_list(list);
            assert_eq!(skipped.count(Skip::MEMORY), MOST + 10);
            assert_eq!(skipped.objects.len(), MOST);
        }
        let last = skipped.limit(&mk_place(MOST + 1));
        assert!(last.is_some(), "it may be one of them");
        skipped.begin_list();
        skipped.end_list(4);
        assert_eq!(skipped.count(Skip::MEMORY), 0);
    }
}
