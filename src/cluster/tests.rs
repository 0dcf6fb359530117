//! What is asked of a cluster, against an API server in memory.

use std::{
    convert::Infallible,
    time::{Duration, SystemTime},
};

use http::Method;
use kube::client::Body;
use oncue_webhook_certs::{
    Authority, Credentials, Custody, Keeper, Profile, Right, Settled, Stored, TrustBundle,
    Unpublished, Written,
};
use serde_json::{Value, json};

use super::{
    fake::{CONFIGURATION, FakeCluster, SECRET, SERVICE},
    *,
};
use crate::config::{ConfigurationKind, ConfigurationRef, ObjectRef};

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
    let place = ConfigurationRef {
        kind: ConfigurationKind::Mutating,
        name: "oncue".parse().unwrap(),
    };
    let server = "oncue-webhook.oncue-system.svc".try_into().unwrap();
    WebhookConfiguration::new(cluster.client(), place, vec![server])
}

fn mk_authority() -> Authority {
    Authority::generate(SystemTime::now()).unwrap()
}

/// Returns an error with its causes.
fn tell(error: impl Into<anyhow::Error>) -> String {
    format!("{:#}", error.into())
}

/// Writes the authority to the entries that lack it, and returns whether that was due.
async fn publish(
    configuration: &WebhookConfiguration,
    authority: &Authority,
) -> Result<bool, PublishError> {
    let trusted = authority.certificates().cloned().collect();
    let wanted = TrustBundle::default().wanted(trusted, SystemTime::now());
    let found = configuration.read().await?;
    let is_right = found.entries().all(|it| wanted.is(&it.bundle));
    configuration.write(&found, &wanted).await?;
    Ok(!is_right)
}

/// Looks and acts like the only webhook.
async fn settle(
    custody: &mut Custody,
    secret: &AuthoritySecret,
) -> Settled<SecretError, Infallible> {
    let places = (&Kept(secret), &Unpublished);
    custody
        .settle(places, SystemTime::now(), Right::Write)
        .await
}

fn mk_custody() -> Custody {
    let names = vec!["oncue-webhook.oncue-system.svc".try_into().unwrap()];
    Custody::new(Profile::default(), names)
}

fn held(custody: &Custody) -> Credentials {
    custody.held().unwrap().clone()
}

/// A Secret as a keeper.
struct Kept<'a>(&'a AuthoritySecret);

impl Keeper for Kept<'_> {
    type Version = Value;
    type Error = SecretError;

    async fn read(&self) -> Result<oncue_webhook_certs::Kept<Value>, SecretError> {
        self.0.read().await
    }

    async fn write(&self, authority: &Authority, secret: Value) -> Result<Written, SecretError> {
        self.0.write(authority, secret).await
    }
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
    let secret = mk_secret(&cluster);
    let [mut first, mut second] = [(); 2].map(|()| mk_custody());
    tokio::join!(settle(&mut first, &secret), settle(&mut second, &secret));
    assert_eq!(held(&first), held(&second));
    assert_eq!(cluster.writes(), ["PUT oncue-webhook-ca"]);
    assert_eq!(cluster.conflicts(), 1);
    let data = cluster.get(SECRET)["data"].clone();
    let keys: Vec<_> = data.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["ca.crt", "ca.key"]);
}

#[tokio::test]
async fn a_secret_that_was_emptied_or_damaged_gets_its_authority_back() {
    let cluster = FakeCluster::of_the_chart();
    let secret = mk_secret(&cluster);
    let mut custody = mk_custody();
    settle(&mut custody, &secret).await;
    let made = held(&custody);
    let data = cluster.get(SECRET)["data"].clone();
    for damaged in [
        Value::Null,
        json!({}),
        json!({"ca.crt": "", "ca.key": ""}),
        json!({"ca.crt": data["ca.crt"]}),
        json!({"ca.key": data["ca.key"]}),
        json!({"ca.crt": "ZGFtYWdlZA==", "ca.key": data["ca.key"]}),
        json!({"ca.crt": 7, "ca.key": data["ca.key"]}),
    ] {
        cluster.change(SECRET, |secret| secret["data"] = damaged);
        settle(&mut custody, &secret).await;
        assert_eq!(held(&custody), made);
        assert_eq!(cluster.get(SECRET)["data"], data);
    }
}

#[tokio::test]
async fn a_damaged_or_half_secret_is_left_as_it_is_by_who_holds_nothing() {
    let cluster = FakeCluster::of_the_chart();
    let secret = mk_secret(&cluster);
    settle(&mut mk_custody(), &secret).await;
    cluster.writes();
    let whole = cluster.get(SECRET);
    for (value, reason) in [
        (json!("ZGFtYWdlZA=="), "failed to read the private key"),
        (json!(""), "the key is missing"),
    ] {
        cluster.put(SECRET, whole.clone());
        cluster.change(SECRET, |secret| secret["data"]["ca.key"] = value);
        let lack = settle(&mut mk_custody(), &secret).await.lack.unwrap();
        let text = lack.to_string();
        assert!(text.contains(reason), "{text}");
        assert!(text.contains("restore it from a backup"), "{text}");
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
    settle(&mut mk_custody(), &mk_secret(&cluster)).await;
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
    let settled = settle(&mut mk_custody(), &mk_secret(&cluster)).await;
    let expected = "failed to write the certificate authority to the Secret \
                    oncue-system/oncue-webhook-ca: a permission is missing (RBAC): ";
    assert_eq!(
        tell(settled.stored.unwrap_err()),
        format!("{expected}{words}")
    );

    let absent = AuthoritySecret::new(cluster.client(), place("another"));
    let error = absent.read().await.unwrap_err();
    let expected = "there is no Secret oncue-system/another: create it empty, with kubectl create \
                    secret generic another --namespace oncue-system; the webhooks that run write \
                    their certificate authority to it";
    assert_eq!(tell(error), expected);
}

#[tokio::test]
async fn a_secret_that_cannot_be_read_takes_nothing_away() {
    let cluster = FakeCluster::of_the_chart();
    let secret = mk_secret(&cluster);
    let mut custody = mk_custody();
    settle(&mut custody, &secret).await;
    let made = held(&custody);
    cluster.refuse(Method::GET, SECRET, (500, "etcd is gone"));
    let settled = settle(&mut custody, &secret).await;
    assert!(matches!(settled.stored, Err(SecretError::Read(..))));
    assert_eq!(held(&custody), made);
}

/// Puts a certificate into a Secret, as cert-manager does.
fn give(cluster: &FakeCluster, certificate: &Value) {
    cluster.put(
        "/api/v1/namespaces/oncue-system/secrets/given",
        json!({"metadata": {"name": "given"}, "type": "kubernetes.io/tls", "data": certificate}),
    );
}

#[tokio::test]
async fn a_secret_that_somebody_else_writes_says_what_it_lacks() {
    use base64::{Engine, engine::general_purpose::STANDARD};

    let cluster = FakeCluster::of_the_chart();
    let secret = TlsSecret::new(cluster.client(), place("given"));
    let names = ["oncue-webhook.oncue-system.svc".try_into().unwrap()];
    let error = tell(secret.read(&names).await.unwrap_err());
    assert!(
        error.starts_with("there is no Secret oncue-system/given: create it"),
        "{error}"
    );

    let authority = mk_authority();
    let leaf = authority.issue(&names, SystemTime::now()).unwrap();
    let encode = |pem: String| json!(STANDARD.encode(pem));
    let certificate = pem(leaf.certificate());
    let whole = json!({
        "tls.crt": encode(certificate),
        "tls.key": encode(leaf.key_pem()),
        "ca.crt": encode(authority.bundle_pem()),
    });
    give(&cluster, &whole);
    let found = secret.read(&names).await.unwrap();
    assert!(
        matches!(found, Stored::Credentials(Credentials::Given(_))),
        "{found:?}"
    );
    for entry in ["tls.crt", "tls.key", "ca.crt"] {
        let mut half = whole.clone();
        half[entry] = Value::Null;
        give(&cluster, &half);
        let Stored::Unusable(unusable) = secret.read(&names).await.unwrap() else {
            panic!("{entry}");
        };
        let expected = format!("the Secret oncue-system/given has no {entry}: it needs tls.crt");
        assert!(unusable.to_string().starts_with(&expected), "{unusable}");
    }
    give(&cluster, &whole);
    let others = ["another.name".try_into().unwrap()];
    let Stored::Unusable(unusable) = secret.read(&others).await.unwrap() else {
        panic!("another name is served");
    };
    let text = unusable.to_string();
    assert!(
        text.contains("would not be verified for another.name"),
        "{text}"
    );
}

fn pem(der: &[u8]) -> String {
    use base64::{Engine, engine::general_purpose::STANDARD};

    let text = STANDARD.encode(der);
    format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n")
}

#[tokio::test]
async fn only_the_bundle_of_entries_that_point_to_us_is_written_and_that_once() {
    let cluster = FakeCluster::of_the_chart();
    let mut before = cluster.get(CONFIGURATION);
    let configuration = mk_configuration(&cluster);
    let authority = mk_authority();
    assert!(publish(&configuration, &authority).await.unwrap());
    let pem = Some(authority.bundle_pem());
    assert_eq!(bundles(&cluster), [pem.clone(), None, pem]);

    assert!(!publish(&configuration, &authority).await.unwrap());
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
        assert!(publish(&configuration, &authority).await.unwrap());
        assert_eq!(bundles(&cluster)[2], Some(authority.bundle_pem()));
    }
}

#[tokio::test]
async fn a_write_that_lost_a_race_changes_nothing() {
    let cluster = FakeCluster::of_the_chart();
    let authority = mk_authority();
    let [first, second] = [(); 2].map(|()| mk_configuration(&cluster));
    let (first, second) = tokio::join!(publish(&first, &authority), publish(&second, &authority));
    let failed = first.and(second).unwrap_err();
    assert!(
        matches!(failed, PublishError::Patch(_, ApiError::Conflict(_))),
        "{failed}"
    );
    assert_eq!(cluster.conflicts(), 1);
}

#[tokio::test]
async fn no_field_of_the_configuration_stays_ours() {
    let cluster = FakeCluster::of_the_chart();
    let configuration = mk_configuration(&cluster);
    publish(&configuration, &mk_authority()).await.unwrap();
    let found = configuration.read().await.unwrap();
    assert!(found.is_owned());
    configuration.disown(&found).await.unwrap();
    let owners = &cluster.get(CONFIGURATION)["metadata"]["managedFields"];
    assert_eq!(*owners, json!([{"manager": "helm"}]));
    assert!(!configuration.read().await.unwrap().is_owned());
}

#[tokio::test]
async fn a_bundle_that_cert_manager_injects_is_left_to_it() {
    let cluster = FakeCluster::of_the_chart();
    cluster.change(CONFIGURATION, |it| {
        it["metadata"]["annotations"] =
            json!({"cert-manager.io/inject-ca-from": "oncue-system/oncue"});
    });
    publish(&mk_configuration(&cluster), &mk_authority())
        .await
        .unwrap();
    assert!(cluster.writes().is_empty());
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
