//! What a wait is answered.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use oncue_language::{
    Condition, Grace, Namespace, ObjectState, Presence, ServiceReadiness, State, Subject, Verdict,
    View, evaluate,
};

use super::Revision;
use crate::release::ReleaseReason;

/// The verdicts on a list of conditions at one revision.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Answer {
    /// The conditions, in the order of the request.
    pub conditions: Arc<[Condition]>,
    /// The revision at which all of them were judged.
    pub revision: Revision,
    /// Which failures counted.
    pub grace: Grace,
    /// The namespace for which they were judged; `None` if it makes no difference.
    pub reader: Option<Namespace>,
    /// The state of all of them together, without the optional ones.
    pub outcome: State,
    /// The readiness of the Services that the optional ones ask for, in their order.
    pub nudges: Vec<ServiceReadiness>,
    /// The verdict on each, in their order.
    pub terms: Vec<Verdict>,
    /// Why a person let the waiting pod go, whatever the verdicts.
    pub release: Option<ReleaseReason>,
    encoded: OnceLock<Bytes>,
}

impl Answer {
    /// Judges `conditions` together.
    pub fn judge(conditions: Arc<[Condition]>, view: &impl View, revision: Revision) -> Self {
        let terms = verdicts(&conditions, view);
        let counts = conditions
            .iter()
            .map(|it| it.presence != Presence::Optional);
        let counting = counts.zip(&terms).filter(|(counts, _)| *counts);
        Self {
            revision,
            grace: view.grace(),
            reader: None,
            outcome: State::together(counting.map(|(_, verdict)| State::of(verdict))),
            nudges: nudges(&conditions, view),
            terms,
            conditions,
            release: None,
            encoded: OnceLock::new(),
        }
    }

    /// Returns the same answer, which was judged for this namespace.
    #[must_use]
    pub fn read_by(self, reader: Option<Namespace>) -> Self {
        Self { reader, ..self }
    }

    /// Returns the same answer for a pod that a person let go for this reason; `None` if nobody did.
    #[must_use]
    pub fn released(self, release: Option<ReleaseReason>) -> Self {
        Self { release, ..self }
    }

    /// Returns the answer as `encode` first wrote it: thousands of waiters may share it.
    ///
    /// # Errors
    /// That of `encode`; the next caller tries again.
    pub fn encoded<E>(&self, encode: impl FnOnce(&Self) -> Result<Bytes, E>) -> Result<Bytes, E> {
        if let Some(bytes) = self.encoded.get() {
            return Ok(bytes.clone());
        }
        let bytes = encode(self)?;
        Ok(self.encoded.get_or_init(|| bytes).clone())
    }

    /// Returns the state of each condition, in their order.
    pub fn states(&self) -> impl Iterator<Item = State> {
        self.terms.iter().map(State::of)
    }
}

fn nudges(conditions: &[Condition], view: &impl View) -> Vec<ServiceReadiness> {
    let optional = conditions
        .iter()
        .filter(|it| it.presence == Presence::Optional);
    let readiness = |condition: &Condition| match &condition.subject {
        Subject::Object(key) => {
            let forbidden = view.forbids(&condition.subject).map(ObjectState::Unknown);
            let state = forbidden.unwrap_or_else(|| view.object(key));
            Some(ServiceReadiness::of(&state))
        }
        Subject::Below { .. } | Subject::Variable { .. } => None,
    };
    optional.filter_map(readiness).collect()
}

/// Judges each condition on its own, in their order.
pub fn verdicts(conditions: &[Condition], view: &impl View) -> Vec<Verdict> {
    let judge = |condition| evaluate::judge(condition, view);
    conditions.iter().map(judge).collect()
}

/// Judges each condition on its own, without saying why.
pub fn states(conditions: &[Condition], view: &impl View) -> impl Iterator<Item = State> {
    conditions
        .iter()
        .map(|condition| evaluate::state(condition, view))
}
