//! Replicas of the webhook in a cluster, which is an API server in memory.

use std::time::SystemTime;

use base64::{Engine, engine::general_purpose::STANDARD};
use http::Method;
use oncue_webhook_certs::{Authority, AuthorityCertificate, Profile};
use rustls::{ClientConfig, RootCertStore};
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::*;
use crate::{
    captured_log::Log,
    cluster::fake::{CONFIGURATION, FakeCluster, SECRET, SERVICE},
    config::{CertificatePlace, ConfigurationKind, ConfigurationRef},
};

const NAME: &str = "oncue-webhook.oncue-system.svc";

fn mk_webhook() -> Config {
    let any = (Ipv4Addr::LOCALHOST, 0).into();
    let settings = ServeSettings::default();
    let config = Config::resolve(settings).unwrap();
    let place = |name: &str| crate::config::ObjectRef {
        namespace: "oncue-system".parse().unwrap(),
        name: name.parse().unwrap(),
    };
    Config {
        roles: [Role::Webhook].into(),
        data: "/nowhere/that/can/be/made".into(),
        webhook: any,
        admin: any,
        names: vec![NAME.try_into().unwrap()],
        certificates: CertificatePlace::Secret(place("oncue-webhook-ca")),
        webhook_configurations: vec![ConfigurationRef {
            kind: ConfigurationKind::Mutating,
            name: "oncue".parse().unwrap(),
        }],
        store_service: Some(place("oncue-store")),
        ..config
    }
}

fn clients(cluster: &FakeCluster) -> Clients {
    Clients {
        general: cluster.client(),
        elector: cluster.client(),
    }
}

async fn start(cluster: &FakeCluster) -> Server {
    let client = Some(clients(cluster));
    Server::start_in(client, mk_webhook()).await.unwrap()
}

/// Makes a TLS handshake like the API server, with its `caBundle`.
async fn shake_hands(cluster: &FakeCluster, server: &Server) -> TlsStream<TcpStream> {
    let configuration = cluster.get(CONFIGURATION);
    let bundle = &configuration["webhooks"][0]["clientConfig"]["caBundle"];
    let pem = STANDARD.decode(bundle.as_str().unwrap()).unwrap();
    let mut roots = RootCertStore::empty();
    let pem = String::from_utf8(pem).unwrap();
    for certificate in AuthorityCertificate::all_from_pem(&pem).unwrap() {
        roots.add(certificate.der().clone()).unwrap();
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let client = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let address = server.addresses.webhook.unwrap();
    let stream = TcpStream::connect(address).await.unwrap();
    let connector = TlsConnector::from(Arc::new(client));
    let name = NAME.try_into().unwrap();
    connector.connect(name, stream).await.unwrap()
}

/// Returns the lines that oncue logs for operators. The cluster in memory has no namespaces.
fn told(log: &Log) -> String {
    let text = log.text();
    let is_told = |line: &&str| {
        let levels = [" INFO oncue", " WARN oncue", " ERROR oncue"];
        levels.iter().any(|it| line.contains(it)) && !line.contains("watch of namespaces")
    };
    text.lines().filter(is_told).collect::<Vec<_>>().join("\n")
}

#[tokio::test(start_paused = true)]
async fn replicas_that_start_at_once_on_an_empty_secret_serve_under_one_authority() {
    let cluster = FakeCluster::of_the_chart();
    let (first, second) = tokio::join!(start(&cluster), start(&cluster));
    for server in [&first, &second] {
        until_ready(server).await;
        shake_hands(&cluster, server).await;
    }
    let writes = cluster.writes();
    let count = |write: &str| writes.iter().filter(|it| *it == write).count();
    assert_eq!(count("PUT oncue-webhook-ca"), 1, "{writes:?}");
    let metrics = get(first.addresses.admin, "/metrics").await;
    assert!(
        metrics.contains("oncue_webhook_cert_expiry_seconds{"),
        "{metrics}"
    );
}

#[tokio::test(start_paused = true)]
async fn readiness_says_what_it_waits_for_until_the_cluster_has_it() {
    let cluster = FakeCluster::of_the_chart();
    for path in [SECRET, CONFIGURATION, SERVICE] {
        cluster.refuse(Method::GET, path, (403, "no"));
    }
    let server = start(&cluster).await;
    let everything = "waiting for ClusterIP of the Service oncue-system/oncue-store, \
                      caBundle of the MutatingWebhookConfiguration oncue, \
                      certificate authority in the Secret oncue-system/oncue-webhook-ca, webhook";
    assert_eq!(readiness(&server).await, everything);
    let health = get(server.addresses.admin, "/healthz").await;
    assert!(health.starts_with("HTTP/1.1 200"), "{health}");
    cluster.recover();
    until_ready(&server).await;
}

#[tokio::test(start_paused = true)]
async fn replicas_of_the_webhook_start_without_an_error() {
    let log = Log::default();
    let _logging = log.start();
    let cluster = FakeCluster::of_the_chart();
    let (first, second) = tokio::join!(start(&cluster), start(&cluster));
    for server in [&first, &second] {
        until_ready(server).await;
    }
    assert!(!told(&log).contains("ERROR"), "{}", told(&log));
}

#[tokio::test(start_paused = true)]
async fn is_not_ready_before_the_api_server_trusts_it() {
    let cluster = FakeCluster::of_the_chart();
    cluster.refuse(Method::PATCH, CONFIGURATION, (403, "cannot patch resource"));
    let server = start(&cluster).await;
    sleep(Duration::from_mins(1)).await;
    let waiting = "waiting for caBundle of the MutatingWebhookConfiguration oncue, webhook";
    assert_eq!(readiness(&server).await, waiting);
    let metrics = get(server.addresses.admin, "/metrics").await;
    let counted = r#"oncue_webhook_cert_writes_total{object="ca-bundle",result="forbidden"}"#;
    assert!(metrics.contains(counted), "{metrics}");
    cluster.recover();
    until_ready(&server).await;
    shake_hands(&cluster, &server).await;
}

#[tokio::test(start_paused = true)]
async fn metrics_say_whether_the_api_server_trusts_it() {
    let cluster = FakeCluster::of_the_chart();
    let server = start(&cluster).await;
    until_ready(&server).await;
    let metrics = async || get(server.addresses.admin, "/metrics").await;
    let published = |yes: u8| format!("oncue_webhook_ca_bundle_published {yes}\n");
    let text = metrics().await;
    assert!(text.contains(&published(1)), "{text}");
    let counted = r#"oncue_webhook_cert_writes_total{object="ca-bundle",result="ok"} 1"#;
    assert!(text.contains(counted), "{text}");
    for refusal in [(404, "gone"), (403, "no")] {
        cluster.refuse(Method::GET, CONFIGURATION, refusal);
        sleep(Duration::from_mins(2)).await;
        let text = metrics().await;
        assert!(text.contains(&published(0)), "{text}");
    }
    cluster.recover();
    sleep(Duration::from_mins(1)).await;
    let text = metrics().await;
    assert!(text.contains(&published(1)), "{text}");
    cluster.change(CONFIGURATION, |it| it["webhooks"] = serde_json::json!([]));
    sleep(Duration::from_secs(1)).await;
    let text = metrics().await;
    assert!(text.contains(&published(0)), "{text}");
}

#[tokio::test(start_paused = true)]
async fn metrics_are_silent_of_a_configuration_that_is_not_kept() {
    let cluster = FakeCluster::of_the_chart();
    let config = Config {
        webhook_configurations: Vec::new(),
        ..mk_webhook()
    };
    let client = Some(clients(&cluster));
    let server = Server::start_in(client, config).await.unwrap();
    let text = get(server.addresses.admin, "/metrics").await;
    assert!(text.contains("oncue_webhook_in_flight"), "{text}");
    assert!(!text.contains("ca_bundle"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn repairs_what_is_taken_away_while_it_serves() {
    let cluster = FakeCluster::of_the_chart();
    let server = start(&cluster).await;
    until_ready(&server).await;
    let secret = cluster.get(SECRET)["data"].clone();
    cluster.change(SECRET, |it| it["data"] = serde_json::Value::Null);
    cluster.change(CONFIGURATION, |it| {
        it["webhooks"][0]["clientConfig"]["caBundle"] = serde_json::json!("");
    });
    // The watches tell: no look is due.
    sleep(Duration::from_secs(1)).await;
    assert_eq!(cluster.get(SECRET)["data"], secret);
    shake_hands(&cluster, &server).await;
    let owners = &cluster.get(CONFIGURATION)["metadata"]["managedFields"];
    assert_eq!(owners.as_array().unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn serves_on_while_the_api_server_fails() {
    let cluster = FakeCluster::of_the_chart();
    let server = start(&cluster).await;
    until_ready(&server).await;
    for path in [SECRET, CONFIGURATION, SERVICE] {
        cluster.refuse(Method::GET, path, (500, "etcd is gone"));
    }
    sleep(Duration::from_hours(1)).await;
    assert_eq!(readiness(&server).await, "ready");
    shake_hands(&cluster, &server).await;
}

#[tokio::test(start_paused = true)]
async fn is_not_ready_while_the_api_server_trusts_something_else() {
    let cluster = FakeCluster::of_the_chart();
    let server = start(&cluster).await;
    until_ready(&server).await;
    let other = oncue_webhook_certs::Authority::generate(std::time::SystemTime::now()).unwrap();
    cluster.refuse(Method::PATCH, CONFIGURATION, (403, "no"));
    cluster.change(CONFIGURATION, |it| {
        let bundle = STANDARD.encode(other.bundle_pem());
        it["webhooks"][0]["clientConfig"]["caBundle"] = serde_json::json!(bundle);
    });
    sleep(Duration::from_secs(20)).await;
    assert_eq!(readiness(&server).await, "waiting for webhook");
    cluster.recover();
    until_ready(&server).await;
    shake_hands(&cluster, &server).await;
}

/// Returns the certificates that a pod is given, in PEM.
async fn injected(cluster: &FakeCluster, server: &Server) -> String {
    let review = serde_json::json!({
        "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
        "request": {
            "uid": "1", "operation": "CREATE", "namespace": "shop",
            "kind": {"group": "", "version": "v1", "kind": "Pod"},
            "object": {
                "metadata": {"name": "second", "annotations": {"depends-on": "a"}},
                "spec": {"containers": [{"name": "c", "image": "i"}]},
            },
        },
    });
    let review = review.to_string();
    let mut stream = shake_hands(cluster, server).await;
    let head = format!(
        "POST /mutate HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n",
        review.len()
    );
    stream.write_all((head + &review).as_bytes()).await.unwrap();
    let mut text = String::new();
    // The end of the stream may come without a goodbye.
    let _ = stream.read_to_string(&mut text).await;
    let (_, body) = text.split_once("\r\n\r\n").unwrap();
    let response: serde_json::Value = serde_json::from_str(body).unwrap();
    let patch = response["response"]["patch"].as_str().unwrap();
    let patch = STANDARD.decode(patch).unwrap();
    let patch: serde_json::Value = serde_json::from_slice(&patch).unwrap();
    let operations = patch.as_array().unwrap().iter();
    let mut values = operations
        .map(|it| &it["value"])
        .flat_map(|value| match value {
            serde_json::Value::Array(containers) => containers.iter().collect(),
            value => vec![value],
        });
    let environment = values.find_map(|it| it["env"].as_array()).unwrap();
    let ca = environment.iter().find(|it| it["name"] == "ONCUE_CA");
    ca.map_or_else(String::new, |it| it["value"].as_str().unwrap().to_owned())
}

#[tokio::test(start_paused = true)]
async fn pods_are_given_the_authority_of_the_moment_if_the_store_speaks_tls() {
    let cluster = FakeCluster::of_the_chart();
    for url in ["http://oncue-store.:9999", "https://oncue-store.:9999"] {
        let inject = serde_json::from_value(serde_json::json!({"store-url": url})).unwrap();
        let config = Config {
            inject,
            ..mk_webhook()
        };
        let client = Some(clients(&cluster));
        let server = Server::start_in(client, config).await.unwrap();
        until_ready(&server).await;
        let stored = || {
            let stored = cluster.get(SECRET)["data"]["ca.crt"].clone();
            String::from_utf8(STANDARD.decode(stored.as_str().unwrap()).unwrap()).unwrap()
        };
        if url.starts_with("http://") {
            assert_eq!(injected(&cluster, &server).await, "");
            continue;
        }
        assert_eq!(injected(&cluster, &server).await, stored());
        let other = oncue_webhook_certs::Authority::generate(std::time::SystemTime::now());
        let other = other.unwrap();
        cluster.change(SECRET, |it| {
            it["data"]["ca.crt"] = serde_json::json!(STANDARD.encode(other.bundle_pem()));
            it["data"]["ca.key"] = serde_json::json!(STANDARD.encode(other.key().to_pem()));
        });
        sleep(Duration::from_secs(1)).await;
        assert_eq!(injected(&cluster, &server).await, other.bundle_pem());
    }
}

#[tokio::test(start_paused = true)]
async fn goes_down_while_it_still_waits_for_the_cluster() {
    let cluster = FakeCluster::default();
    let mut server = start(&cluster).await;
    let start = Instant::now();
    server.shut_down().await;
    assert!(start.elapsed() < Duration::from_secs(1));
}

async fn start_store(cluster: &FakeCluster) -> Server {
    let config = Config {
        roles: [Role::Store].into(),
        store: StoreKind::Memory,
        http: (Ipv4Addr::LOCALHOST, 0).into(),
        lease: mk_webhook().store_service,
        ..mk_webhook()
    };
    let client = Some(clients(cluster));
    Server::start_in(client, config).await.unwrap()
}

async fn leads(server: &Server) -> bool {
    let metrics = get(server.addresses.admin, "/metrics").await;
    assert!(metrics.contains("oncue_leader "), "{metrics}");
    metrics.contains("oncue_leader 1\n")
}

#[tokio::test(start_paused = true)]
async fn of_two_replicas_of_the_store_one_leads_and_the_other_takes_over_when_that_stops() {
    let cluster = FakeCluster::of_the_chart();
    let mut first = start_store(&cluster).await;
    until_ready(&first).await;
    sleep(Duration::from_secs(1)).await;
    let second = start_store(&cluster).await;
    // Readiness is not for the leader only.
    until_ready(&second).await;
    sleep(Duration::from_mins(1)).await;
    assert!(leads(&first).await && !leads(&second).await);
    first.shut_down().await;
    sleep(Duration::from_millis(1_500)).await;
    assert!(leads(&second).await);
}

#[tokio::test(start_paused = true)]
async fn a_store_over_tls_is_ready_once_it_serves_under_the_authority_of_the_webhooks() {
    let log = Log::default();
    let _logging = log.start();
    let cluster = FakeCluster::of_the_chart();
    let config = Config {
        roles: [Role::Store].into(),
        store: StoreKind::Memory,
        http: (Ipv4Addr::LOCALHOST, 0).into(),
        store_names: vec!["oncue-store.oncue-system.svc".try_into().unwrap()],
        ..mk_webhook()
    };
    let client = Some(clients(&cluster));
    let store = Server::start_in(client, config).await.unwrap();
    sleep(Duration::from_secs(20)).await;
    // From now on requests run over sockets, and the paused clock runs ahead.
    assert!(!told(&log).contains("ERROR"), "{}", told(&log));
    assert_eq!(
        readiness(&store).await,
        "waiting for certificate of the store"
    );
    assert!(cluster.writes().is_empty());
    let waits = "not there yet: waiting what=certificate authority in the Secret \
                 oncue-system/oncue-webhook-ca";
    assert!(log.text().contains(waits), "{}", told(&log));
    let plain = get(store.addresses.store.unwrap(), "/healthz").await;
    assert!(plain.starts_with("HTTP/1.1 200"), "{plain}");

    let webhook = start(&cluster).await;
    until_ready(&webhook).await;
    until_ready(&store).await;
    let metrics = get(store.addresses.admin, "/metrics").await;
    for metric in [
        r#"oncue_store_cert_expiry_seconds{certificate="leaf"}"#,
        r#"oncue_store_cert_rotations_total{certificate="leaf"} 1"#,
    ] {
        assert!(metrics.contains(metric), "{metrics}");
    }
}

#[tokio::test(start_paused = true)]
async fn of_several_webhooks_with_a_lease_the_holder_writes() {
    let cluster = FakeCluster::of_the_chart();
    let config = Config {
        webhook_lease: mk_webhook().store_service,
        ..mk_webhook()
    };
    let start = async || {
        let client = Some(clients(&cluster));
        Server::start_in(client, config.clone()).await.unwrap()
    };
    let mut first = start().await;
    until_ready(&first).await;
    let second = start().await;
    until_ready(&second).await;
    let leads = async |server: &Server| {
        let metrics = get(server.addresses.admin, "/metrics").await;
        metrics.contains("oncue_webhook_leader 1\n")
    };
    assert!(leads(&first).await && !leads(&second).await);
    let secret = cluster.get(SECRET)["data"].clone();
    first.shut_down().await;
    cluster.change(SECRET, |it| it["data"] = serde_json::Value::Null);
    sleep(Duration::from_secs(3)).await;
    assert!(leads(&second).await);
    assert_eq!(cluster.get(SECRET)["data"], secret);
}

const TLS_SECRET: &str = "/api/v1/namespaces/oncue-system/secrets/oncue-tls";

/// Writes the Secret as cert-manager does: with the newest certificate of the authority alone.
fn give(cluster: &FakeCluster, authority: &Authority) {
    let leaf = authority
        .issue(&[NAME.try_into().unwrap()], SystemTime::now())
        .unwrap();
    let certificate = STANDARD.encode(leaf.certificate());
    let certificate =
        format!("-----BEGIN CERTIFICATE-----\n{certificate}\n-----END CERTIFICATE-----\n");
    let entry = |text: String| STANDARD.encode(text);
    let secret = serde_json::json!({
        "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls",
        "metadata": {"name": "oncue-tls", "namespace": "oncue-system"},
        "data": {
            "tls.crt": entry(certificate),
            "tls.key": entry(leaf.key_pem()),
            "ca.crt": entry(authority.certificate().to_pem()),
        },
    });
    cluster.put(TLS_SECRET, secret);
}

#[tokio::test(start_paused = true)]
async fn a_certificate_of_somebody_else_is_served_as_it_changes_without_a_failed_handshake() {
    let log = Log::default();
    let _logging = log.start();
    let cluster = FakeCluster::of_the_chart();
    let place = crate::config::ObjectRef {
        namespace: "oncue-system".parse().unwrap(),
        name: "oncue-tls".parse().unwrap(),
    };
    let config = Config {
        certificates: CertificatePlace::TlsSecret(place),
        ..mk_webhook()
    };
    let client = Some(clients(&cluster));
    let server = Server::start_in(client, config).await.unwrap();
    sleep(Duration::from_secs(20)).await;
    let waits = "not there yet: waiting what=certificate in the Secret oncue-system/oncue-tls";
    assert!(log.text().contains(waits), "{}", told(&log));

    let authority = Authority::generate(SystemTime::now()).unwrap();
    give(&cluster, &authority);
    until_ready(&server).await;
    let renewed = authority
        .renewed(&Profile::default(), SystemTime::now())
        .unwrap();
    let other = Authority::generate(SystemTime::now()).unwrap();
    let mut leaves = Vec::new();
    for (next, replaces) in [(&authority, false), (&renewed, false), (&other, true)] {
        give(&cluster, next);
        // The watch tells: no look is due.
        for _ in 0..100 {
            let stream = shake_hands(&cluster, &server).await;
            let leaf = stream.get_ref().1.peer_certificates().unwrap()[0].to_vec();
            leaves.push(leaf);
            sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(
            told(&log).contains("recreate them"),
            replaces,
            "{}",
            told(&log)
        );
    }
    leaves.dedup();
    assert_eq!(leaves.len(), 4);
    let text = log.text();
    assert!(!text.contains("ERROR"), "{text}");
    assert_eq!(
        text.matches("serves another certificate").count(),
        4,
        "{text}"
    );
    until_ready(&server).await;
}
