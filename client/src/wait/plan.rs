//! The terms and timeouts of a wait.

use std::{ffi::OsString, time::Duration};

use oncue_language::{Namespace, Term, Timeout, annotation::TimeoutPolicy};
use thiserror::Error;

use crate::{
    args::{self, Command},
    wait::terms::{self, TermError},
};

/// The terms and timeouts of a wait, and an earlier failure.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The terms.
    pub terms: Vec<Term>,
    /// The timeout of the whole wait.
    pub timeout: Option<Timeout>,
    /// The consequence of a timeout.
    pub policy: TimeoutPolicy,
    /// The pod's namespace, by which the names of Services are told.
    pub namespace: Namespace,
    /// How long earlier processes of this wait were without the store.
    pub without_store: Duration,
    /// The earlier failure. A wait that has failed before does not fail a second time.
    pub overdue: Option<Overdue>,
    /// The source of jitter.
    pub random: fastrand::Rng,
}

/// The failure of an earlier process of the same wait.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Overdue {
    /// The time of the failure, on the axis of the wait.
    pub at: Duration,
    /// The time of the failure, as text.
    pub moment: String,
    /// The cause in a few words.
    pub cause: String,
}

impl Plan {
    /// Returns the plan of the command line `wait ... -- TERM...`, without the program's own name:
    /// the wait has not failed yet.
    ///
    /// # Errors
    /// [`PlanError`] if the arguments are not those of a wait.
    pub fn of_arguments(
        arguments: impl IntoIterator<Item = OsString>,
        random: fastrand::Rng,
    ) -> Result<Self, PlanError> {
        match Command::parse(arguments) {
            Ok(Command::Wait(wait)) => Ok(Self::new(*wait, Namespace::default(), random)),
            Ok(_) => Err(PlanError("it is not the command \"wait\"".to_owned())),
            Err(error) => Err(PlanError(error.rule)),
        }
    }

    /// Sets the pod's namespace, and fills in the name of the node in every `on node`.
    ///
    /// # Errors
    /// [`TermError`] if something is left to be filled in.
    pub fn filled_in(self, node: Option<&str>, namespace: &Namespace) -> Result<Self, TermError> {
        let terms = terms::filled_in(&self.terms, node, namespace)?;
        Ok(Self {
            terms,
            namespace: namespace.clone(),
            ..self
        })
    }

    /// Returns the plan of a wait that has not failed yet.
    pub(crate) fn new(arguments: args::Wait, namespace: Namespace, random: fastrand::Rng) -> Self {
        Self {
            terms: arguments.terms,
            timeout: arguments.timeout,
            policy: arguments.policy,
            namespace,
            without_store: Duration::ZERO,
            overdue: None,
            random,
        }
    }
}

/// Arguments that are not those of a wait.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("failed to read the arguments of a wait: {0}")]
pub struct PlanError(String);

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &str) -> Result<Plan, PlanError> {
        let words = arguments.split(' ').map(OsString::from);
        Plan::of_arguments(words, fastrand::Rng::with_seed(1))
    }

    #[test]
    fn reads_what_is_injected() {
        let plan = parse("wait --dir=/oncue --install --timeout=5m --signal=a/b -- c/d").unwrap();
        assert_eq!(plan.terms[0].to_string(), "c/d");
        assert_eq!(plan.timeout, Some(Timeout::from_secs(300)));
        assert_eq!(plan.policy, TimeoutPolicy::Fail);
        assert_eq!(plan.overdue, None);
    }

    #[test]
    fn rejects_other_commands_and_options() {
        assert!(parse("create a/b").is_err());
        assert!(parse("wait --no-such-option -- a/b").is_err());
    }
}
