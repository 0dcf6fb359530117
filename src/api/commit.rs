//! Changes, counted and timed.

use std::time::Instant;

use oncue_language::VariableKey;

use super::{Api, error::ApiError, metrics::Cause};
use crate::store::{Asserted, NewAssertion, StoreError};

impl Api {
    /// Asserts a variable.
    pub(super) async fn assert(
        &self,
        key: VariableKey,
        assertion: NewAssertion,
    ) -> Result<Asserted, ApiError> {
        let cause = Cause::from(&assertion.id.asserter);
        let asserted = self.timed(self.store().assert(key, assertion)).await;
        let effect = asserted.as_ref().ok().map(|asserted| asserted.effect);
        self.metrics().asserted(cause, effect);
        asserted
    }

    /// Deletes a variable; returns whether there was one.
    pub(super) async fn delete(&self, key: VariableKey) -> Result<bool, ApiError> {
        self.timed(self.store().delete(key)).await
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
