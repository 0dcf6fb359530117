//! What is asked of a cluster, against an API server in memory.

use std::time::{Duration, SystemTime};

use http::Method;
use kube::client::Body;
use oncue_webhook_certs::{Authority, Custody, CustodyError, Keeper, TrustBundle};
use serde_json::{Value, json};

use super::{
    authority_secret::SecretError,
    fake::{CONFIGURATION, FakeCluster, SECRET, SERVICE},
    *,
};
use crate::config::{ObjectName, ObjectRef};

fn place(name: &str) -> ObjectRef {
    ObjectRef {
        namespace: "oncue-system".parse().unwrap(),
        name: name.parse().unwrap(),
    }
}

fn mk_secret(cluster: &FakeCluster) -> AuthoritySecret {
    AuthoritySecret::new(cluster.client(), place("oncue-webhook-ca"))
}

fn mk_configuration(cluster: &FakeCluster) -> WebhookConfiguration {
    let name: ObjectName = "oncue".parse().unwrap();
    let server = "oncue-webhook.oncue-system.svc".try_into().unwrap();
    WebhookConfiguration::new(cluster.client(), name, vec![server])
}

fn mk_authority() -> Authority {
    Authority::generate(SystemTime::now()).unwrap()
}

/// Returns an error with its causes.
fn tell(error: impl Into<anyhow::Error>) -> String {
    format!("{:#}", error.into())
}

async fn publish(
    configuration: &WebhookConfiguration,
    authority: &Authority,
) -> Result<Published, PublishError> {
    let mut bundle = TrustBundle::default();
    let now = SystemTime::now();
    configuration.publish(&mut bundle, authority, now).await
}

/// Returns what the API server trusts at each entry.
fn bundles(cluster: &FakeCluster) -> Vec<Option<String>> {
    use base64::{Engine, engine::general_purpose::STANDARD};

    let configuration = cluster.get(CONFIGURATION);
    let entries = configuration["webhooks"].as_array().unwrap();
    let text = |entry: &Value| {
        let bundle = entry["clientConfig"]["caBundle"].as_str()?;
        Some(String::from_utf8(STANDARD.decode(bundle).unwrap()).unwrap())
    };
    entries.iter().map(text).collect()
}

#[tokio::test]
async fn of_two_who_find_an_empty_secret_one_writes_it() {
    let cluster = FakeCluster::of_the_chart();
    let [mut first, mut second] = [(); 2].map(|()| Custody::new(mk_secret(&cluster)));
    let now = SystemTime::now();
    let (first, second) = tokio::join!(first.look(now), second.look(now));
    assert_eq!(first.unwrap(), second.unwrap());
    assert_eq!(cluster.writes(), ["PUT oncue-webhook-ca"]);
    assert_eq!(cluster.conflicts(), 1);
    let data = cluster.get(SECRET)["data"].clone();
    let keys: Vec<_> = data.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["ca.crt", "ca.key"]);
}

#[tokio::test]
async fn a_secret_that_was_emptied_gets_its_authority_back() {
    let cluster = FakeCluster::of_the_chart();
    let mut custody = Custody::new(mk_secret(&cluster));
    let made = custody.look(SystemTime::now()).await.unwrap();
    let data = cluster.get(SECRET)["data"].clone();
    for emptied in [Value::Null, json!({}), json!({"ca.crt": "", "ca.key": ""})] {
        cluster.change(SECRET, |secret| secret["data"] = emptied);
        assert_eq!(custody.look(SystemTime::now()).await.unwrap(), made);
        assert_eq!(cluster.get(SECRET)["data"], data);
    }
}

#[tokio::test]
async fn a_damaged_or_half_secret_is_left_as_it_is() {
    let cluster = FakeCluster::of_the_chart();
    let mut custody = Custody::new(mk_secret(&cluster));
    custody.look(SystemTime::now()).await.unwrap();
    cluster.writes();
    let whole = cluster.get(SECRET);
    for (key, value, reason) in [
        (
            "ca.crt",
            json!("ZGFtYWdlZA=="),
            "restore ca.crt and ca.key, or remove both: ",
        ),
        ("ca.crt", Value::Null, "has ca.key without ca.crt"),
        ("ca.key", json!(""), "has ca.crt without ca.key"),
    ] {
        cluster.put(SECRET, whole.clone());
        cluster.change(SECRET, |secret| secret["data"][key] = value);
        let error = tell(custody.look(SystemTime::now()).await.unwrap_err());
        assert!(error.contains(reason), "{error}");
        assert!(error.contains("oncue-system/oncue-webhook-ca"), "{error}");
    }
    assert!(cluster.writes().is_empty());
}

#[tokio::test]
async fn what_else_a_secret_holds_is_kept() {
    let cluster = FakeCluster::of_the_chart();
    cluster.change(SECRET, |secret| {
        secret["metadata"]["labels"] = json!({"a": "b"});
        secret["metadata"]["fromTheFuture"] = json!({"c": [1]});
        secret["data"] = json!({"other": "eA=="});
        secret["sealedBy"] = json!("a later version");
    });
    let mut custody = Custody::new(mk_secret(&cluster));
    custody.look(SystemTime::now()).await.unwrap();
    let secret = cluster.get(SECRET);
    assert_eq!(secret["data"]["other"], "eA==");
    assert_eq!(secret["metadata"]["labels"], json!({"a": "b"}));
    assert_eq!(secret["metadata"]["fromTheFuture"], json!({"c": [1]}));
    assert_eq!(secret["sealedBy"], "a later version");
    assert_eq!(secret["type"], "Opaque");
}

#[tokio::test]
async fn a_missing_permission_or_secret_is_told_with_what_to_do() {
    let cluster = FakeCluster::of_the_chart();
    let words = "secrets \"oncue-webhook-ca\" is forbidden: User \
                 \"system:serviceaccount:oncue-system:oncue-webhook\" cannot update resource \
                 \"secrets\"";
    cluster.refuse(Method::PUT, SECRET, (403, words));
    let mut custody = Custody::new(mk_secret(&cluster));
    let error = custody.look(SystemTime::now()).await.unwrap_err();
    let expected = "failed to write the certificate authority to the Secret \
                    oncue-system/oncue-webhook-ca: a permission is missing (RBAC): ";
    assert_eq!(tell(error), format!("{expected}{words}"));

    let absent = AuthoritySecret::new(cluster.client(), place("another"));
    let error = absent.read().await.unwrap_err();
    let expected = "there is no Secret oncue-system/another: make it, empty, as the chart does";
    assert_eq!(tell(error), expected);
}

#[tokio::test]
async fn a_secret_that_cannot_be_read_takes_nothing_away() {
    let cluster = FakeCluster::of_the_chart();
    let mut custody = Custody::new(mk_secret(&cluster));
    let made = custody.look(SystemTime::now()).await.unwrap();
    cluster.refuse(Method::GET, SECRET, (500, "etcd is gone"));
    let error = custody.look(SystemTime::now()).await.unwrap_err();
    assert!(matches!(error, CustodyError::Keeper(SecretError::Read(..))));
    assert_eq!(custody.held(), Some(&made));
}

#[tokio::test]
async fn only_the_bundle_of_entries_that_point_to_us_is_written_and_that_once() {
    let cluster = FakeCluster::of_the_chart();
    let mut before = cluster.get(CONFIGURATION);
    let configuration = mk_configuration(&cluster);
    let authority = mk_authority();
    let published = publish(&configuration, &authority).await.unwrap();
    assert!(published.patched);
    let pem = Some(authority.bundle_pem());
    assert_eq!(bundles(&cluster), [pem.clone(), None, pem]);

    let published = publish(&configuration, &authority).await.unwrap();
    assert!(!published.patched);
    assert_eq!(cluster.writes(), ["PATCH oncue"]);

    let mut after = cluster.get(CONFIGURATION);
    for object in [&mut before, &mut after] {
        object["metadata"].take();
        for entry in object["webhooks"].as_array_mut().unwrap() {
            entry["clientConfig"]
                .as_object_mut()
                .unwrap()
                .remove("caBundle");
        }
    }
    assert_eq!(before, after);
}

#[tokio::test]
async fn a_bundle_that_somebody_changed_is_repaired() {
    let cluster = FakeCluster::of_the_chart();
    let configuration = mk_configuration(&cluster);
    let authority = mk_authority();
    publish(&configuration, &authority).await.unwrap();
    for tampered in [Value::Null, json!("ZGFtYWdlZA==")] {
        cluster.change(CONFIGURATION, |it| {
            it["webhooks"][2]["clientConfig"]["caBundle"] = tampered;
        });
        assert!(publish(&configuration, &authority).await.unwrap().patched);
        assert_eq!(bundles(&cluster)[2], Some(authority.bundle_pem()));
    }
}

#[tokio::test]
async fn a_write_that_lost_a_race_looks_again() {
    let cluster = FakeCluster::of_the_chart();
    let authority = mk_authority();
    let [first, second] = [(); 2].map(|()| mk_configuration(&cluster));
    let (first, second) = tokio::join!(publish(&first, &authority), publish(&second, &authority));
    let patched = [first.unwrap().patched, second.unwrap().patched];
    assert!(patched.contains(&true) && patched.contains(&false));
    assert_eq!(cluster.conflicts(), 1);
}

#[tokio::test]
async fn no_field_of_the_configuration_stays_ours() {
    let cluster = FakeCluster::of_the_chart();
    let configuration = mk_configuration(&cluster);
    let authority = mk_authority();
    assert!(publish(&configuration, &authority).await.unwrap().owned);
    configuration.disown().await.unwrap();
    let owners = &cluster.get(CONFIGURATION)["metadata"]["managedFields"];
    assert_eq!(*owners, json!([{"manager": "helm"}]));
    let published = publish(&configuration, &authority).await.unwrap();
    assert_eq!((published.patched, published.owned), (false, false));
}

#[tokio::test]
async fn a_configuration_without_an_entry_of_ours_is_an_error_that_says_which_names_are() {
    let cluster = FakeCluster::of_the_chart();
    cluster.change(CONFIGURATION, |it| it["webhooks"] = json!([]));
    let authority = mk_authority();
    let error = publish(&mk_configuration(&cluster), &authority).await;
    let error = tell(error.unwrap_err());
    assert!(
        error.contains("no entry of the MutatingWebhookConfiguration oncue"),
        "{error}"
    );
    assert!(error.contains("oncue-webhook.oncue-system.svc"), "{error}");
}

#[tokio::test]
async fn an_entry_may_point_to_us_by_url() {
    let cluster = FakeCluster::of_the_chart();
    let urls = [
        "https://oncue-webhook.oncue-system.svc:8443/mutate",
        "https://10.0.0.1/",
    ];
    cluster.change(CONFIGURATION, |it| {
        for (position, url) in [0, 1].into_iter().zip(urls) {
            it["webhooks"][position]["clientConfig"] = json!({"url": url});
        }
    });
    let authority = mk_authority();
    publish(&mk_configuration(&cluster), &authority)
        .await
        .unwrap();
    let pem = Some(authority.bundle_pem());
    assert_eq!(bundles(&cluster), [pem.clone(), None, pem]);
}

#[tokio::test]
async fn a_service_has_one_address_or_says_why_not() {
    let cluster = FakeCluster::of_the_chart();
    let service = place("oncue-store");
    let address = cluster_ip(cluster.client(), &service).await.unwrap();
    assert_eq!(address.to_string(), "10.96.0.17");
    for (address, reason) in [
        (json!("None"), "is headless"),
        (json!(""), "has no ClusterIP"),
        (Value::Null, "has no ClusterIP"),
        (json!("nonsense"), "failed to read the ClusterIP"),
    ] {
        cluster.change(SERVICE, |it| it["spec"]["clusterIP"] = address);
        let error = cluster_ip(cluster.client(), &service).await.unwrap_err();
        assert!(tell(error).contains(reason));
    }
    let error = cluster_ip(cluster.client(), &place("another"))
        .await
        .unwrap_err();
    assert!(tell(error).contains("oncue-system/another: not found"));
}

#[tokio::test(start_paused = true)]
async fn an_api_server_that_is_too_busy_is_not_asked_for_ever() {
    let (service, _unanswered) =
        tower_test::mock::pair::<http::Request<Body>, http::Response<Body>>();
    let client = kube::Client::new(service, "default");
    let start = tokio::time::Instant::now();
    let error = cluster_ip(client, &place("oncue-store")).await.unwrap_err();
    assert!(tell(error).ends_with("no answer from the API server within 10s"));
    assert_eq!(start.elapsed(), Duration::from_secs(10));
}
