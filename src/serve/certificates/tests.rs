//! What is served while things change, against an API server in memory.

use base64::{Engine, engine::general_purpose::STANDARD};
use http::Method;
use oncue_webhook_certs::{Authority, Custody, Profile};
use rustls::pki_types::ServerName;
use serde_json::json;

use super::*;
use crate::{
    cluster::fake::{CONFIGURATION, FakeCluster, SECRET},
    config::{CertificatePlace, ConfigurationKind, ConfigurationRef, ObjectRef},
    serve::keeper::Holder,
};

const DAY: Duration = Duration::from_hours(24);

fn names() -> Vec<ServerName<'static>> {
    vec!["oncue-webhook.oncue-system.svc".try_into().unwrap()]
}

fn mk_certificates(cluster: &FakeCluster) -> Certificates {
    let place = ObjectRef {
        namespace: "oncue-system".parse().unwrap(),
        name: "oncue-webhook-ca".parse().unwrap(),
    };
    let configuration = ConfigurationRef {
        kind: ConfigurationKind::Mutating,
        name: "oncue".parse().unwrap(),
    };
    let leadership = Leadership::sole();
    let metrics = CertificateMetrics::default();
    let holder = Holder {
        names: names(),
        leadership: leadership.clone(),
        metrics: metrics.clone(),
    };
    let client = cluster.client();
    let place = CertificatePlace::Secret(place);
    let folder = std::path::Path::new("/nowhere");
    let bundles = Bundles::none(metrics.clone());
    let (trusted, _) = watch::channel(Trusted::default());
    Certificates {
        custody: Custody::new(Profile::default(), names()),
        keeper: CertificateKeeper::new((&place, folder), Some(&client), holder).unwrap(),
        bundles: bundles.in_cluster(&client, &[configuration], (&names(), &leadership)),
        leadership,
        right: Right::Write,
        watches: Vec::new(),
        patience: Duration::MAX,
        latches: Latches::default(),
        outages: Outages::of("certificate authority"),
        metrics,
        outlets: Outlets {
            served: Arc::default(),
            trusted,
            injected: Box::new(|_| {}),
        },
    }
}

/// Looks once, and returns whether all is well.
async fn refresh(certificates: &mut Certificates, now: SystemTime) -> bool {
    let settled = certificates.settle(now).await;
    certificates.note(&settled);
    certificates.outages.note(settled)
}

fn leaf(certificates: &Certificates) -> oncue_webhook_certs::Validity {
    certificates.custody.served().unwrap().validity
}

/// Puts another authority into the Secret, as an operator would.
fn replace_authority(cluster: &FakeCluster) -> Credentials {
    let other = Authority::generate(SystemTime::now()).unwrap();
    cluster.change(SECRET, |secret| {
        secret["data"] = json!({
            "ca.crt": STANDARD.encode(other.bundle_pem()),
            "ca.key": STANDARD.encode(other.key().to_pem()),
        });
    });
    Credentials::Authority(Arc::new(other))
}

#[tokio::test]
async fn a_leaf_is_renewed_in_time_while_the_api_server_fails() {
    let cluster = FakeCluster::of_the_chart();
    let mut certificates = mk_certificates(&cluster);
    certificates.load().await.unwrap();
    for path in [SECRET, CONFIGURATION] {
        cluster.refuse(Method::GET, path, (500, "etcd is gone"));
    }
    let first = leaf(&certificates);
    let later = SystemTime::now() + 5 * DAY;
    assert!(!refresh(&mut certificates, later).await);
    let second = leaf(&certificates);
    assert!(second.not_after > first.not_after);
    assert!(second.contains(later));
}

#[tokio::test]
async fn nothing_is_served_under_an_authority_that_is_not_published() {
    let cluster = FakeCluster::of_the_chart();
    let mut certificates = mk_certificates(&cluster);
    let now = SystemTime::now();
    assert!(refresh(&mut certificates, now).await);
    let served = |it: &Certificates| it.custody.served().unwrap().credentials.clone();
    let former = served(&certificates);

    let other = replace_authority(&cluster);
    cluster.refuse(Method::PATCH, CONFIGURATION, (403, "no"));
    assert!(!refresh(&mut certificates, now).await);
    assert_eq!(served(&certificates), former);

    cluster.recover();
    assert!(refresh(&mut certificates, now).await);
    assert_eq!(served(&certificates), other);
}

#[tokio::test]
async fn a_renewed_authority_is_published_and_served_under() {
    let cluster = FakeCluster::of_the_chart();
    let mut certificates = mk_certificates(&cluster);
    assert!(refresh(&mut certificates, SystemTime::now()).await);
    let late = SystemTime::now() + 3000 * DAY;
    assert!(refresh(&mut certificates, late).await);
    let renewed = certificates.custody.held().unwrap();
    assert_eq!(renewed.trusted().len(), 2);
    assert!(leaf(&certificates).contains(late));
    let bundle = &cluster.get(CONFIGURATION)["webhooks"][0]["clientConfig"]["caBundle"];
    let published = STANDARD.decode(bundle.as_str().unwrap()).unwrap();
    assert_eq!(published, renewed.bundle_pem().into_bytes());
    assert_eq!(*certificates.trusted(), [renewed.bundle_pem()]);
}

#[tokio::test]
async fn what_hinders_serving_at_the_start_is_an_error() {
    let cluster = FakeCluster::of_the_chart();
    cluster.refuse(Method::PUT, SECRET, (403, "no"));
    let error = mk_certificates(&cluster).load().await.unwrap_err();
    assert!(matches!(error, CertificatesError::Keeper(_)), "{error}");
    cluster.recover();
    cluster.change(SECRET, |it| it["data"] = json!({"ca.crt": "ZGFtYWdlZA=="}));
    let error = mk_certificates(&cluster).load().await.unwrap_err().to_string();
    assert!(error.contains("the key is missing"), "{error}");
}
