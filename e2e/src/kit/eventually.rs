//! Waiting with a limit.

use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use tokio::time;

use crate::patience::PATIENCE;

/// Time between two polls.
const INTERVAL: Duration = Duration::from_millis(200);

/// Waits for a future. `what` describes it in the error.
pub async fn in_time<T>(what: &str, work: impl Future<Output = Result<T>>) -> Result<T> {
    // Boxed, because the future of a watch is large.
    let done = time::timeout(PATIENCE, Box::pin(work)).await;
    done.map_err(|_| anyhow!("not within {} s: {what}", PATIENCE.as_secs()))?
        .with_context(|| format!("failed while waiting: {what}"))
}

/// Polls until there is an answer. Use it only if nothing reports the change.
pub async fn eventually<T>(what: &str, ask: impl AsyncFn() -> Result<Option<T>>) -> Result<T> {
    in_time(what, async {
        let mut interval = time::interval(INTERVAL);
        loop {
            interval.tick().await;
            if let Some(answer) = ask().await? {
                return Ok(answer);
            }
        }
    })
    .await
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use anyhow::bail;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn asks_again_until_there_is_an_answer() {
        let asked = Cell::new(0);
        let answer = eventually("three", async || {
            asked.set(asked.get() + 1);
            Ok((asked.get() == 3).then_some("there"))
        });
        assert_eq!(answer.await.unwrap(), "there");
        assert_eq!(asked.get(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn says_what_it_waited_for_in_vain() {
        let answer = eventually("a sign", async || Ok(None::<()>)).await;
        let said = answer.unwrap_err().to_string();
        assert!(said.ends_with(" s: a sign"), "{said}");
    }

    #[tokio::test]
    async fn ends_at_a_failure() {
        let answer: Result<()> = eventually("a sign", async || bail!("no cluster")).await;
        let said = format!("{:#}", answer.unwrap_err());
        assert_eq!(said, "failed while waiting: a sign: no cluster");
    }
}
