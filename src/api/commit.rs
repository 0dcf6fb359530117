//! Changes, counted and timed.

use std::time::Instant;

use oncue_language::VariableKey;

use super::{
    Api,
    audit::{ChangeOutcome, Changed},
    caller::Caller,
    error::ApiError,
    metrics::Cause,
};
use crate::store::{Asserted, Effect, NewAssertion, StoreError};

impl Api {
    /// Asserts a variable for a caller.
    pub(super) async fn assert(
        &self,
        caller: &Caller,
        (key, assertion): (&VariableKey, NewAssertion),
    ) -> Result<Asserted, ApiError> {
        let who = assertion.id.asserter.clone();
        let asserted = self
            .timed(self.store().assert(key.clone(), assertion))
            .await;
        let effect = asserted.as_ref().ok().map(|asserted| asserted.effect);
        self.metrics().asserted(Cause::from(&who), effect);
        let outcome = match &asserted {
            Ok(Asserted { effect, .. }) => match effect {
                Effect::Created => ChangeOutcome::Done("created"),
                Effect::Changed => ChangeOutcome::Done("changed"),
                Effect::Deleted | Effect::Unchanged => return asserted,
            },
            Err(error) => ChangeOutcome::Failed(error.code()),
        };
        self.changed(Changed {
            caller,
            action: "assert",
            key,
            asserter: Some(&who),
            outcome,
        });
        asserted
    }

    /// Deletes a variable for a caller; returns whether there was one.
    pub(super) async fn delete(
        &self,
        caller: &Caller,
        key: &VariableKey,
    ) -> Result<bool, ApiError> {
        let deleted = self.timed(self.store().delete(key.clone())).await;
        let outcome = match &deleted {
            Ok(true) => ChangeOutcome::Done("deleted"),
            Ok(false) => return Ok(false),
            Err(error) => ChangeOutcome::Failed(error.code()),
        };
        self.changed(Changed {
            caller,
            action: "delete",
            key,
            asserter: None,
            outcome,
        });
        deleted
    }

    async fn timed<T>(
        &self,
        change: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, ApiError> {
        let begin = Instant::now();
        let changed = change.await.map_err(ApiError::Store)?;
        self.metrics().committed(begin.elapsed());
        Ok(changed)
    }
}
