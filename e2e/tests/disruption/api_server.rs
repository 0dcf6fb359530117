//! The API server restarts while many pods wait.

use anyhow::Result;
use e2e::kit::{WAIT, are_released, deployment, eventually, pod, runs_of, with_oncue};

/// Number of waiting pods.
const WAITERS: u32 = 200;

#[tokio::test]
async fn two_hundred_waiting_pods_survive_the_restart_of_the_api_server() -> Result<()> {
    with_oncue(async |ns, oncue| {
        let store = ns.store();
        store.create_with_value("before/restart", "kept").await?;
        let waiter = pod("waiter").depends_on("before/restart=kept, go/now");
        // On a node with two cores, the default request does not fit for all pods.
        let waiter = waiter.annotate("oncue.dev/resources", "requests.cpu=1m");
        ns.create_object(deployment(WAITERS, waiter)).await?;
        let waiters = ns.pods_of("waiter", WAITERS as usize).await?;
        let all_wait = || {
            eventually("all pods wait", async || {
                Ok((store.waiting_pods().await?.len() == waiters.len()).then_some(()))
            })
        };
        all_wait().await?;
        let waits = runs_of(&waiters, WAIT).await?;

        oncue.restart_api_server().await?;
        oncue.is_ready().await?;
        all_wait().await?;
        assert_eq!(store.variables().await?, ["before/restart"]);
        store.create("go/now").await?;
        are_released(&waiters).await?;
        assert_eq!(runs_of(&waiters, WAIT).await?, waits);
        Ok(())
    })
    .await
}
