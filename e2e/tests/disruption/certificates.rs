//! Certificates that are renewed, damaged and repaired while pods are created and wait.

use std::{cell::OnceCell, collections::BTreeMap};

use anyhow::{Context, Result};
use e2e::kit::{
    LivePod, Namespace, Oncue, WAIT, are_released, deployment, dry_runs_during, eventually, pod,
    runs_of, with_oncue,
};
use k8s_openapi::{ByteString, api::core::v1::ConfigMap};
use serde_json::{Value, json};

/// Number of waiting pods.
const WAITERS: u32 = 100;

/// The shortest validity of a certificate. A third of it is left at a renewal.
const VALIDITY: &str = "1m";

#[tokio::test]
async fn two_renewals_and_each_damage_of_the_authority_fail_no_admission_and_no_wait() -> Result<()>
{
    with_oncue(async |ns, oncue| {
        oncue.release().install_with(brief_certificates()).await?;
        // The authority of ten years is not due.
        oncue.scale_webhook(0).await?;
        oncue.forget_authority().await?;
        oncue.scale_webhook(2).await?;
        oncue.is_ready().await?;
        let first = Authority::of(&oncue).await?;
        let foreign = ns.api::<ConfigMap>().get("kube-root-ca.crt").await?;
        let foreign = foreign.data.and_then(|mut data| data.remove("ca.crt"));
        let foreign = foreign.context("the API server's own authority")?;
        let (store, waits) = (ns.store(), OnceCell::new());
        let asking = pod("asking").depends_on("never/there");
        let burst = dry_runs_during((&ns, asking), async {
            let waiters = create_waiters(&ns).await?;
            waits.set(runs_of(&waiters, WAIT).await?).ok();
            for (damage, data) in damages(&foreign) {
                match data {
                    Some(data) => oncue.damage_authority(data).await?,
                    None => oncue.recreate_authority().await?,
                }
                is_whole(&oncue, &first.key).await.context(damage)?;
            }
            let second = is_renewed(&oncue, &first).await;
            let second = second.context("the first renewal")?;
            is_renewed(&oncue, &second)
                .await
                .context("the second renewal")?;
            Ok(())
        });
        let burst = Box::pin(burst).await?;

        assert!(burst.refusals.is_empty(), "{:?}", burst.refusals);
        assert!(
            burst.created > 500,
            "{} admissions in two renewals",
            burst.created
        );
        let waiters = ns.pods_of("waiter", WAITERS as usize).await?;
        store.create("go/now").await?;
        are_released(&waiters).await?;
        assert_eq!(Some(&runs_of(&waiters, WAIT).await?), waits.get());
        Ok(())
    })
    .await
}

/// A process that stops without an end is like one behind a broken network: it neither releases its
/// Lease nor knows that it has ended.
#[tokio::test]
async fn another_webhook_repairs_the_authority_if_the_holder_of_the_lease_is_frozen() -> Result<()>
{
    with_oncue(async |ns, oncue| {
        let authority = oncue.authority().await?;
        let frozen = oncue.webhook_leader().await?;
        frozen.pause("webhook").await?;
        let repaired = async {
            oncue.forget_authority().await?;
            is_whole(&oncue, &authority["ca.key"]).await
        };
        let repaired = repaired.await;
        frozen.resume("webhook").await?;
        repaired?;
        oncue.is_ready().await?;
        assert_ne!(oncue.webhook_leader().await?.name(), frozen.name());
        assert_eq!(oncue.authority().await?, authority);
        let waiting = ns.create_pod(pod("waiting").depends_on("never/there"));
        waiting.await?.is_held().await
    })
    .await
}

/// Creates pods, and waits until the store holds all their waits.
async fn create_waiters(ns: &Namespace) -> Result<Vec<LivePod>> {
    let waiter = pod("waiter").depends_on("go/now");
    let waiter = waiter.annotate("oncue.dev/resources", "requests.cpu=1m");
    ns.create_object(deployment(WAITERS, waiter)).await?;
    eventually("all pods wait", async || {
        let waiting = ns.store().waiting_pods().await?;
        Ok((waiting.len() == WAITERS as usize).then_some(()))
    })
    .await?;
    ns.pods_of("waiter", WAITERS as usize).await
}

/// What the Secret holds.
struct Authority {
    certificates: ByteString,
    key: ByteString,
}

impl Authority {
    async fn of(oncue: &Oncue) -> Result<Self> {
        let data = oncue.authority().await?;
        Self::read(data).context("the Secret is whole")
    }

    fn read(mut data: BTreeMap<String, ByteString>) -> Option<Self> {
        Some(Self {
            certificates: data.remove("ca.crt")?,
            key: data.remove("ca.key")?,
        })
    }
}

/// Returns values for certificates that end after a minute.
fn brief_certificates() -> Value {
    let names = ["ONCUE_AUTHORITY_VALIDITY", "ONCUE_LEAF_VALIDITY"];
    let env = names.map(|name| json!({"name": name, "value": VALIDITY}));
    json!({"webhook": {"extraEnv": env}, "store": {"extraEnv": env}})
}

/// Returns what can happen to the Secret: what is merged into its data, or `None` if it is deleted.
fn damages(foreign: &str) -> [(&'static str, Option<Value>); 6] {
    let data = |text: &str| json!(ByteString(text.as_bytes().to_vec()));
    let damaged = data("damaged");
    [
        ("deleted and created again", None),
        ("emptied", Some(json!(null))),
        (
            "corrupted",
            Some(json!({"ca.crt": damaged, "ca.key": damaged})),
        ),
        ("without its key", Some(json!({"ca.key": null}))),
        ("without its certificate", Some(json!({"ca.crt": null}))),
        (
            "with the certificate of another key",
            Some(json!({"ca.crt": data(foreign)})),
        ),
    ]
}

/// Waits until the Secret holds this key again, with certificates that the API server trusts.
async fn is_whole(oncue: &Oncue, key: &ByteString) -> Result<()> {
    eventually("the authority is whole again", async || {
        let Some(now) = Authority::read(oncue.authority().await?) else {
            return Ok(None);
        };
        let certificates = String::from_utf8(now.certificates.0)?;
        let bundles = oncue.ca_bundles().await?;
        let are_trusted = bundles.iter().all(|it| it.contains(certificates.trim()));
        Ok((now.key == *key && are_trusted).then_some(()))
    })
    .await
}

/// Waits until the authority has another certificate under the same key.
async fn is_renewed(oncue: &Oncue, former: &Authority) -> Result<Authority> {
    eventually("the authority is renewed", async || {
        let now = Authority::read(oncue.authority().await?);
        let is_new = |it: &Authority| it.certificates != former.certificates;
        Ok(now.filter(|now| now.key == former.key && is_new(now)))
    })
    .await
}
