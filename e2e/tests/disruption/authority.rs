//! The certificate authority that the webhooks share, and its copy in the `caBundle`.

use anyhow::{Context, Result};
use e2e::kit::{LivePod, Oncue, eventually, image, pod, with_oncue};
use k8s_openapi::ByteString;
use serde_json::json;

#[tokio::test]
async fn webhooks_that_start_together_agree_on_one_authority() -> Result<()> {
    with_oncue(async |ns, oncue| {
        let before = certificate(&oncue).await?;
        oncue.scale_webhook(0).await?;
        oncue.forget_authority().await?;
        assert!(oncue.authority().await?.is_empty());

        oncue.scale_webhook(3).await?;
        let made = certificate(&oncue).await?;
        assert_ne!(made, before);
        let asker = pod("asker").image(image::CURL);
        let asker = asker.container(json!({"env": [{"name": "CA", "value": made}]}));
        let asker = ns.create_pod(asker).await?;
        asker.is_running().await?;
        for webhook in oncue.webhook_pods().await? {
            trusts(&asker, &webhook).await?;
        }
        let second = ns.create_pod(pod("second").depends_on("first/container"));
        second.await?.is_held().await
    })
    .await
}

#[tokio::test]
async fn the_webhooks_repair_a_wiped_ca_bundle() -> Result<()> {
    with_oncue(async |ns, oncue| {
        let certificate = certificate(&oncue).await?;
        oncue.wipe_ca_bundles().await?;
        eventually("each entry has a caBundle again", async || {
            let bundles = oncue.ca_bundles().await?;
            let is_whole = bundles.iter().all(|it| it.contains(&certificate));
            Ok(is_whole.then_some(()))
        })
        .await?;
        oncue.admits().await?;
        let second = ns.create_pod(pod("second").depends_on("first/container"));
        second.await?.is_held().await
    })
    .await
}

/// Returns the authority's certificates in PEM.
async fn certificate(oncue: &Oncue) -> Result<String> {
    let mut authority = oncue.authority().await?;
    let ByteString(pem) = authority
        .remove("ca.crt")
        .context("the Secret has a certificate")?;
    Ok(String::from_utf8(pem)?.trim().to_owned())
}

/// Checks that the authority of `asker` verifies the certificate that this webhook pod serves.
async fn trusts(asker: &LivePod, webhook: &LivePod) -> Result<()> {
    let status = webhook.get().await?.status;
    let address = status.and_then(|status| status.pod_ip);
    let address = address.context("a pod that is ready has an address")?;
    let name = "oncue-webhook.oncue-system.svc";
    let ask = format!(
        r#"printf %s "$CA" >/tmp/ca && curl -sS --cacert /tmp/ca --resolve {name}:10250:{address} https://{name}:10250/"#
    );
    let answer = asker.exec(&["sh", "-c", &ask]).await;
    answer.with_context(|| format!("{} serves no certificate under it", webhook.name()))?;
    Ok(())
}
