//! Terms about other namespaces. The installation with each backend has another policy.

use anyhow::Result;
use e2e::{
    backend::Backend,
    kit::{LivePod, Manifest, Namespace, pod, with_temp_ns},
};
use serde_json::json;

#[tokio::test]
async fn a_pod_waits_for_what_another_namespace_lets_it_read() -> Result<()> {
    with_temp_ns(async |ns| {
        with_temp_ns(async |other| {
            let settings = json!({
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {"name": "settings"},
            });
            other.create_object(Manifest::new(settings)).await?;
            other.store().create("first/up").await?;
            let variable = format!("first/up@{}", other.name());
            let existence = format!("configmap:settings@{}", other.name());
            let asking = |name, term: &str| ns.create_pod(pod(name).depends_on(term));
            let follower = asking("follower", &variable).await?;
            let reader = asking("reader", &existence).await?;
            is_forbidden(&reader, (&existence, &ns, &other)).await?;
            match Backend::installed(ns.cluster()).await? {
                Some(Backend::Embedded) => {
                    is_forbidden(&follower, (&variable, &ns, &other)).await?;
                }
                _ => drop(follower.is_running().await?),
            }

            other.annotate("oncue.dev/readable-from", ns.name()).await?;
            for pod in [&follower, &reader] {
                pod.is_running().await?;
                assert_eq!(pod.wait_ended().await?.code, 0);
            }
            Ok(())
        })
        .await
    })
    .await
}

/// Waits until a pod misses a term about another namespace, which forbids it.
async fn is_forbidden(
    pod: &LivePod,
    (term, own, other): (&str, &Namespace, &Namespace),
) -> Result<()> {
    let reason = format!(
        "{term} is forbidden: the namespace {} must let {} read it, with the annotation \
         oncue.dev/readable-from: {}",
        other.name(),
        own.name(),
        own.name()
    );
    pod.misses(&[reason]).await
}
