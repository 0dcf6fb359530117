//! The store's process and its pod are killed while many pods wait.

use anyhow::Result;
use e2e::kit::{LivePod, Run, WAIT, deployment, pod, with_oncue};

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
        let waits = runs_of(&waiters).await?;

        let pod = oncue.store_pod();
        let run = pod.run_of("store").await?;
        pod.delete_by_force().await?;
        pod.runs_again_after("store", &run).await?;
        oncue.is_ready().await?;
        assert_eq!(store.variables().await?, ["before/death"]);
        are_held(&waiters).await?;

        let run = pod.run_of("store").await?;
        pod.kill("store").await?;
        pod.runs_again_after("store", &run).await?;
        oncue.is_ready().await?;
        assert_eq!(store.variables().await?, ["before/death"]);
        are_held(&waiters).await?;

        store.create("go/now").await?;
        for waiter in &waiters {
            waiter.is_running().await?;
            assert_eq!(waiter.wait_ended().await?.code, 0);
        }
        assert_eq!(runs_of(&waiters).await?, waits);
        Ok(())
    })
    .await
}

/// A kubelet under load can fail to start a container, and starts it again: so runs are compared
/// with those that were held, and not counted.
async fn runs_of(waiters: &[LivePod]) -> Result<Vec<Run>> {
    let mut runs = Vec::with_capacity(waiters.len());
    for waiter in waiters {
        runs.push(waiter.run_of(WAIT).await?);
    }
    Ok(runs)
}

async fn are_held(waiters: &[LivePod]) -> Result<()> {
    for waiter in waiters {
        waiter.is_held().await?;
    }
    Ok(())
}
