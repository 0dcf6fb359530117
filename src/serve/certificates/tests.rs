//! What is served while things change, against an API server in memory.

use base64::{Engine, engine::general_purpose::STANDARD};
use http::Method;
use oncue_webhook_certs::Authority;
use serde_json::json;

use super::*;
use crate::{
    admin::Readiness,
    cluster::{
        AuthoritySecret, WebhookConfiguration,
        fake::{CONFIGURATION, FakeCluster, SECRET},
    },
    config::ObjectRef,
    serve::ca_bundle::CaBundleMetrics,
};

const DAY: Duration = Duration::from_hours(24);

fn names() -> Vec<ServerName<'static>> {
    vec!["oncue-webhook.oncue-system.svc".try_into().unwrap()]
}

async fn load(cluster: &FakeCluster) -> Certificates<AuthoritySecret> {
    let place = ObjectRef {
        namespace: "oncue-system".parse().unwrap(),
        name: "oncue-webhook-ca".parse().unwrap(),
    };
    let secret = AuthoritySecret::new(cluster.client(), place);
    let metrics = CertificateMetrics::default();
    Certificates::load(secret, names(), metrics).await.unwrap()
}

fn mk_bundle(cluster: &FakeCluster) -> CaBundle {
    let (readying, _) = Readiness::new();
    let name = "oncue".parse().unwrap();
    let configuration = WebhookConfiguration::new(cluster.client(), name, names());
    CaBundle::new(
        configuration,
        readying.latch("it"),
        CaBundleMetrics::default(),
    )
}

/// Puts another authority into the Secret, as an operator would.
fn replace_authority(cluster: &FakeCluster) -> Authority {
    let other = Authority::generate(SystemTime::now()).unwrap();
    cluster.change(SECRET, |secret| {
        secret["data"] = json!({
            "ca.crt": STANDARD.encode(other.bundle_pem()),
            "ca.key": STANDARD.encode(other.key().to_pem()),
        });
    });
    other
}

#[tokio::test]
async fn a_leaf_is_renewed_in_time_while_the_api_server_fails() {
    let cluster = FakeCluster::of_the_chart();
    let mut certificates = load(&cluster).await;
    let mut bundle = mk_bundle(&cluster);
    for path in [SECRET, CONFIGURATION] {
        cluster.refuse(Method::GET, path, (500, "etcd is gone"));
    }
    let first = certificates.leaves.validity();
    let later = SystemTime::now() + 5 * DAY;
    assert!(!certificates.refresh(Some(&mut bundle), later).await);
    let second = certificates.leaves.validity();
    assert!(second.not_after > first.not_after);
    assert!(second.contains(later));
}

#[tokio::test]
async fn nothing_is_served_under_an_authority_that_is_not_published() {
    let cluster = FakeCluster::of_the_chart();
    let mut certificates = load(&cluster).await;
    let mut bundle = mk_bundle(&cluster);
    let now = SystemTime::now();
    assert!(certificates.refresh(Some(&mut bundle), now).await);
    let former = Arc::clone(certificates.leaves.authority());

    let other = replace_authority(&cluster);
    cluster.refuse(Method::PATCH, CONFIGURATION, (403, "no"));
    assert!(!certificates.refresh(Some(&mut bundle), now).await);
    assert_eq!(*certificates.leaves.authority(), former);

    cluster.recover();
    assert!(certificates.refresh(Some(&mut bundle), now).await);
    assert_eq!(**certificates.leaves.authority(), other);
}

#[tokio::test]
async fn a_renewed_authority_is_published_and_served_under() {
    let cluster = FakeCluster::of_the_chart();
    let mut certificates = load(&cluster).await;
    let mut bundle = mk_bundle(&cluster);
    let late = SystemTime::now() + 3000 * DAY;
    assert!(certificates.refresh(Some(&mut bundle), late).await);
    let renewed = certificates.leaves.authority();
    assert_eq!(renewed.certificates().count(), 2);
    assert!(certificates.leaves.validity().contains(late));
    let bundle = &cluster.get(CONFIGURATION)["webhooks"][0]["clientConfig"]["caBundle"];
    let published = STANDARD.decode(bundle.as_str().unwrap()).unwrap();
    assert_eq!(published, renewed.bundle_pem().into_bytes());
}
