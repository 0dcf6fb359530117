//! All processes and all pods of the store are killed while many pods wait.

use anyhow::Result;
use e2e::kit::{WAIT, are_held, are_released, deployment, pod, runs_of, with_oncue};

/// Number of waiting pods.
const WAITERS: u32 = 50;

#[tokio::test]
async fn fifty_waiting_pods_survive_two_kills_of_the_store() -> Result<()> {
    with_oncue(async |ns, oncue| {
        let store = ns.store();
        store.create_with_value("before/death", "kept").await?;
        let waiter = pod("waiter").depends_on("before/death=kept, go/now");
        ns.create_object(deployment(WAITERS, waiter)).await?;
        let waiters = ns.pods_of("waiter", WAITERS as usize).await?;
        are_held(&waiters).await?;
        let waits = runs_of(&waiters, WAIT).await?;

        oncue.replace_store().await?;
        oncue.is_ready().await?;
        assert_eq!(store.variables().await?, ["before/death"]);
        are_held(&waiters).await?;

        oncue.kill_store().await?;
        oncue.is_ready().await?;
        assert_eq!(store.variables().await?, ["before/death"]);
        are_held(&waiters).await?;

        store.create("go/now").await?;
        are_released(&waiters).await?;
        assert_eq!(runs_of(&waiters, WAIT).await?, waits);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn fifty_waiting_pods_go_on_while_the_store_is_replaced() -> Result<()> {
    with_oncue(async |ns, oncue| {
        let waiter = pod("waiter").depends_on("go/now");
        ns.create_object(deployment(WAITERS, waiter)).await?;
        let waiters = ns.pods_of("waiter", WAITERS as usize).await?;
        are_held(&waiters).await?;
        let waits = runs_of(&waiters, WAIT).await?;

        oncue.roll_store_out().await?;
        are_held(&waiters).await?;
        ns.store().create("go/now").await?;
        are_released(&waiters).await?;
        assert_eq!(runs_of(&waiters, WAIT).await?, waits);
        Ok(())
    })
    .await
}
