//! A pod as its controller counts it.

/// One pod that a controller has created, as far as its plan cares.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Attempt {
    /// The replica, ordinal, node or completion index it stands for.
    pub(crate) slot: u32,
    /// How often its containers failed and were started again in place.
    pub(crate) restarts: u32,
    /// How it stands.
    pub(crate) state: AttemptState,
}

/// How a pod stands with its controller.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum AttemptState {
    /// It has been created and has not ended.
    Active {
        /// Whether it is ready.
        ready: bool,
    },
    /// Admission refused it.
    Denied,
    /// It has failed.
    Failed,
    /// It has succeeded.
    Succeeded,
}

impl Attempt {
    pub(super) fn is_active(&self) -> bool {
        matches!(self.state, AttemptState::Active { .. })
    }

    pub(super) fn is_ready(&self) -> bool {
        self.state == AttemptState::Active { ready: true }
    }

    pub(super) fn has_succeeded(&self) -> bool {
        self.state == AttemptState::Succeeded
    }

    pub(super) fn was_denied(&self) -> bool {
        self.state == AttemptState::Denied
    }

    pub(super) fn failures(&self) -> u32 {
        self.restarts + u32::from(self.state == AttemptState::Failed)
    }
}

pub(super) fn count(attempts: &[Attempt], is: impl Fn(&Attempt) -> bool) -> u32 {
    let number = attempts.iter().filter(|attempt| is(attempt)).count();
    u32::try_from(number).unwrap_or(u32::MAX)
}
