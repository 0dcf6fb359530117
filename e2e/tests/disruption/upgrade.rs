//! Upgrades from the chart and images of the previous commit to the present ones.

use anyhow::{Context, Result};
use e2e::{
    kit::{WAIT, pod, with_oncue},
    previous,
};
use k8s_openapi::api::core::v1::Pod;

#[tokio::test]
async fn an_upgrade_from_the_previous_commit_keeps_signals_waiters_and_the_authority() -> Result<()>
{
    with_oncue(async |ns, oncue| {
        let (present, store) = (oncue.release(), ns.store());
        let previous = previous::release(ns.cluster(), present).await?;
        present.uninstall().await?;
        oncue.forget_variables().await?;
        previous.install().await?;
        oncue.is_ready().await?;
        store.create_with_value("by/hand", "kept").await?;
        let started = pod("started").depends_on("by/hand").signals("started/up");
        let started = ns.create_pod(started).await?;
        let waiting = pod("waiting").depends_on("started/up, late/signal");
        let waiting = ns.create_pod(waiting).await?;
        store.until("started/up").await?;
        waiting.is_held().await?;
        let authority = oncue.authority().await?;
        let bundles = oncue.ca_bundles().await?;
        let runs = (
            started.run_of("started").await?,
            waiting.run_of(WAIT).await?,
        );

        present.install().await?;
        oncue.is_ready().await?;
        assert_eq!(oncue.authority().await?, authority);
        assert_eq!(oncue.ca_bundles().await?, bundles);
        assert_eq!(store.variables().await?, ["by/hand", "started/up"]);
        store.until("by/hand=kept").await?;
        assert_eq!(started.run_of("started").await?, runs.0);
        assert_eq!(waiting.run_of(WAIT).await?, runs.1);
        waiting.is_held().await?;

        let new = ns.create_pod(pod("new").depends_on("late/signal")).await?;
        new.is_held().await?;
        assert!(wait_image(&waiting.get().await?)?.ends_with(previous.tag()));
        assert!(wait_image(&new.get().await?)?.ends_with(present.tag()));
        store.create("late/signal").await?;
        for pod in [&waiting, &new] {
            pod.is_running().await?;
            assert_eq!(pod.wait_ended().await?.code, 0);
        }
        Ok(())
    })
    .await
}

/// Returns the image of the injected container.
fn wait_image(pod: &Pod) -> Result<&str> {
    let init = pod
        .spec
        .as_ref()
        .and_then(|spec| spec.init_containers.as_ref());
    let wait = init.and_then(|init| init.iter().find(|container| container.name == WAIT));
    let image = wait.and_then(|wait| wait.image.as_deref());
    image.context("it was not injected")
}
