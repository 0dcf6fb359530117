//! Probes from the pod: ports and pages of Services.

use anyhow::Result;
use e2e::kit::{Namespace, PodManifest, WAIT, eventually, pod, service, with_temp_ns};

#[tokio::test]
async fn a_pod_waits_for_a_port_that_opens_later() -> Result<()> {
    with_temp_ns(async |ns| {
        let app = ns
            .create_pod(pod("app").depends_on("tcp://web:8080"))
            .await?;
        app.prints(WAIT, "Waiting for 1 of 1: tcp://web:8080 (")
            .await?;

        ns.create_object(service("web")).await?;
        ns.create_pod(web_server()).await?;
        app.is_running().await?;
        let ending = app.wait_ended().await?;
        assert!(
            ending.message.ends_with(": tcp://web:8080"),
            "{}",
            ending.message
        );
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_service_without_pods_does_not_hold() -> Result<()> {
    with_temp_ns(async |ns| {
        ns.create_object(service("web")).await?;
        is_routed(&ns, "web").await?;
        let app = ns
            .create_pod(pod("app").depends_on("tcp://web:8080"))
            .await?;
        app.prints(WAIT, "tcp://web:8080 (connection refused)")
            .await?;

        ns.create_pod(web_server()).await?;
        app.is_running().await?;
        Ok(())
    })
    .await
}

/// The page appears after the nudge, so that no probe without a nudge can end the wait before.
#[tokio::test]
async fn a_probe_is_repeated_at_once_when_the_service_gets_an_endpoint() -> Result<()> {
    with_temp_ns(async |ns| {
        ns.create_object(service("web")).await?;
        let term = format!("http://web.{}.svc:8080/healthz", ns.name());
        let app = ns.create_pod(pod("app").depends_on(&term)).await?;
        app.prints(WAIT, &format!("Waiting for 1 of 1: {term}"))
            .await?;

        let web = ns.create_pod(web_server()).await?;
        let service = format!("service:web@{}", ns.name());
        let nudged = format!("Checking {term} now: {service} has a ready endpoint");
        app.prints(WAIT, &nudged).await?;
        web.exec(&["touch", "/tmp/healthz"]).await?;
        app.is_running().await?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn an_http_term_holds_when_the_page_exists() -> Result<()> {
    with_temp_ns(async |ns| {
        ns.create_object(service("web")).await?;
        let web = ns.create_pod(web_server()).await?;
        web.is_running().await?;
        let term = "http://web:8080/healthz";
        let app = ns.create_pod(pod("app").depends_on(term)).await?;
        app.prints(WAIT, "http://web:8080/healthz (answered 404")
            .await?;

        web.exec(&["touch", "/tmp/healthz"]).await?;
        app.is_running().await?;
        Ok(())
    })
    .await
}

/// Uses a page of the API server. The pod does not trust its certificate authority.
#[tokio::test]
async fn an_https_term_holds_behind_tls() -> Result<()> {
    with_temp_ns(async |ns| {
        let term = "https://kubernetes.default/livez within 1m";
        let app = ns.create_pod(pod("app").depends_on(term)).await?;
        app.is_running().await?;
        assert_eq!(app.wait_ended().await?.code, 0);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_variable_and_a_port_must_both_hold() -> Result<()> {
    with_temp_ns(async |ns| {
        let terms = "schema/loaded, tcp://web:8080";
        let app = ns.create_pod(pod("app").depends_on(terms)).await?;
        app.is_held().await?;
        ns.create_object(service("web")).await?;
        ns.create_pod(web_server()).await?.is_running().await?;
        app.prints(WAIT, "Waiting for 1 of 2: schema/loaded")
            .await?;

        ns.store().create("schema/loaded").await?;
        app.is_running().await?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_closed_port_times_out() -> Result<()> {
    with_temp_ns(async |ns| {
        let required = pod("required")
            .once("true")
            .depends_on("tcp://web:8080 within 2s");
        let optional = pod("optional")
            .once("true")
            .depends_on("?tcp://web:8080 within 2s");
        let (required, optional) = (
            ns.create_pod(required).await?,
            ns.create_pod(optional).await?,
        );
        required.has_failed().await?;
        let ending = required.wait_ended().await?;
        assert_eq!(ending.code, 124);
        assert!(
            ending.message.contains("tcp://web:8080 within 2s ("),
            "{}",
            ending.message
        );

        optional.has_succeeded().await?;
        let ending = optional.wait_ended().await?;
        assert!(
            ending.message.contains("; given up: ?tcp://web:8080"),
            "{}",
            ending.message
        );
        Ok(())
    })
    .await
}

/// Waits until every node routes connections to the Service. Before that, they leave the node and
/// can reach a foreign host.
async fn is_routed(ns: &Namespace, service: &str) -> Result<()> {
    let known = format!("{}/{service}", ns.name());
    for node in ns.nodes().await? {
        eventually(&format!("{known} in the rules of {node}"), async || {
            let rules = ns.cluster().on_node(&node, &["iptables-save"]);
            Ok(rules.text().await?.contains(&known).then_some(()))
        })
        .await?;
    }
    Ok(())
}

/// Returns a pod that serves the pages in its `/tmp`.
fn web_server() -> PodManifest {
    pod("web").command(&["httpd", "-f", "-p", "8080", "-h", "/tmp"])
}
