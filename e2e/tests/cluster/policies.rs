//! Namespaces with requirements for every container, and pods whose quality of service must stay.

use anyhow::{Context, Result};
use e2e::kit::{
    Manifest, Namespace, PodManifest, eventually, pod, waits_and_signals, with_labelled_temp_ns,
    with_temp_ns,
};
use k8s_openapi::api::core::v1::ResourceQuota;
use serde_json::{Value, json};

#[tokio::test]
async fn a_restricted_namespace_accepts_an_injected_pod() -> Result<()> {
    let enforce = [("pod-security.kubernetes.io/enforce", "restricted")];
    with_labelled_temp_ns(&enforce, async |ns| {
        let careless = refusal(&ns, pod("careless").depends_on("first/container")).await?;
        assert!(
            careless.contains("violates PodSecurity \"restricted"),
            "{careless}"
        );
        assert!(!careless.contains("oncue-wait"), "{careless}");

        let careful = pod("careful").spec(json!({"securityContext": {
            "runAsNonRoot": true,
            "runAsUser": 1000,
            "seccompProfile": {"type": "RuntimeDefault"},
        }}));
        let careful = careful.container(json!({"securityContext": {
            "allowPrivilegeEscalation": false,
            "capabilities": {"drop": ["ALL"]},
        }}));
        waits_and_signals(&ns, careful).await?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_quota_that_requires_limits_accepts_an_injected_pod() -> Result<()> {
    with_temp_ns(async |ns| {
        quota(&ns).await?;
        let careless = refusal(&ns, pod("careless").depends_on("first/container")).await?;
        let demand = "must specify limits.cpu for: careless; limits.memory for: careless";
        assert!(careless.contains(demand), "{careless}");

        waits_and_signals(&ns, pod("careful").container(limited("50m", "16Mi"))).await?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_limit_range_does_not_change_the_injected_container() -> Result<()> {
    with_temp_ns(async |ns| {
        limit_range(
            &ns,
            json!({
                "defaultRequest": {"cpu": "3m", "memory": "6Mi"},
                "default": {"cpu": "150m", "memory": "48Mi"},
                "min": {"cpu": "1m", "memory": "4Mi"},
                "max": {"cpu": "1", "memory": "256Mi"},
            }),
        )
        .await?;
        let open = pod("app").container(json!({"resources": null}));
        let pod = waits_and_signals(&ns, open).await?.get().await?;
        let spec = pod.spec.context("a pod has a spec")?;
        let own = serde_json::to_value(&spec.containers[0].resources)?;
        let filled = json!({
            "requests": {"cpu": "3m", "memory": "6Mi"},
            "limits": {"cpu": "150m", "memory": "48Mi"},
        });
        assert_eq!(own, filled);
        let init = spec.init_containers.context("it is injected")?;
        let ours = serde_json::to_value(&init[0].resources)?;
        assert_eq!(
            ours["limits"],
            json!({"cpu": "200m", "memory": "64Mi"}),
            "{ours}"
        );
        Ok(())
    })
    .await
}

#[tokio::test]
async fn an_annotation_sets_resources_that_a_limit_range_accepts() -> Result<()> {
    with_temp_ns(async |ns| {
        limit_range(
            &ns,
            json!({
                "min": {"cpu": "20m", "memory": "40Mi"},
                "max": {"cpu": "100m", "memory": "256Mi"},
                "maxLimitRequestRatio": {"cpu": "5"},
            }),
        )
        .await?;
        let app = pod("app").container(json!({"resources": {
            "requests": {"cpu": "20m", "memory": "40Mi"},
            "limits": {"cpu": "50m", "memory": "80Mi"},
        }}));
        let refused = refusal(&ns, app.clone().depends_on("first/container")).await?;
        for rule in [
            "minimum cpu usage per Container is 20m, but request is 10m",
            "minimum memory usage per Container is 40Mi, but request is 32Mi",
            "maximum cpu usage per Container is 100m, but limit is 200m",
        ] {
            assert!(refused.contains(rule), "{rule} in {refused}");
        }

        let fitting = "requests.cpu=20m, requests.memory=40Mi, limits.cpu=100m";
        waits_and_signals(&ns, app.annotate("oncue.dev/resources", fitting)).await?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_guaranteed_pod_stays_guaranteed() -> Result<()> {
    with_temp_ns(async |ns| {
        for (name, cpu, memory) in [("large", "100m", "96Mi"), ("small", "10m", "16Mi")] {
            let exactly = json!({"cpu": cpu, "memory": memory});
            let resources = json!({"requests": exactly, "limits": exactly});
            let app = pod(name).container(json!({"resources": resources}));
            let pod = waits_and_signals(&ns, app).await?.get().await?;
            let class = pod.status.and_then(|status| status.qos_class);
            assert_eq!(class.as_deref(), Some("Guaranteed"), "{name}");
        }
        Ok(())
    })
    .await
}

/// Returns the API server's reason to reject the pod.
async fn refusal(ns: &Namespace, pod: PodManifest) -> Result<String> {
    let refused = ns.create_pod(pod).await.err();
    Ok(format!("{:#}", refused.context("the pod was taken")?))
}

fn limited(cpu: &str, memory: &str) -> Value {
    let most = json!({"cpu": cpu, "memory": memory});
    json!({"resources": {"requests": most, "limits": most}})
}

/// Creates a `LimitRange` and waits until it is in force.
async fn limit_range(ns: &Namespace, mut limit: Value) -> Result<()> {
    limit["type"] = json!("Container");
    ns.create_object(Manifest::new(json!({
        "apiVersion": "v1",
        "kind": "LimitRange",
        "metadata": {"name": "containers"},
        "spec": {"limits": [limit]},
    })))
    .await?;
    eventually("the limit range is in force", async || {
        let open = pod("open").container(json!({"resources": null}));
        let filled = ns.dry_run(open).await?;
        let annotations = &filled["metadata"]["annotations"];
        Ok(annotations.get("kubernetes.io/limit-ranger").map(drop))
    })
    .await
}

/// Creates a quota and waits until it is in force. Before, pods are rejected for another reason.
async fn quota(ns: &Namespace) -> Result<()> {
    let most = json!({
        "requests.cpu": "1",
        "requests.memory": "1Gi",
        "limits.cpu": "2",
        "limits.memory": "2Gi",
    });
    ns.create_object(Manifest::new(json!({
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "all"},
        "spec": {"hard": most},
    })))
    .await?;
    eventually("the quota is in force", async || {
        let quota = ns.api::<ResourceQuota>().get("all").await?;
        Ok(quota.status.and_then(|status| status.used).map(drop))
    })
    .await
}
