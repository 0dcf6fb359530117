//! Pods with unusual images, users and networks.

use anyhow::Result;
use e2e::kit::{image, pod, waits_and_signals, with_temp_ns};
use serde_json::json;

#[tokio::test]
async fn an_image_without_a_shell_signals() -> Result<()> {
    with_temp_ns(async |ns| {
        let app =
            pod("app")
                .image(image::SCRATCH)
                .command(&["/oncue-client", "wait", "never/there"]);
        waits_and_signals(&ns, app).await?;
        Ok(())
    })
    .await
}

/// Like distroless images: no shell, no root, no writable file system.
#[tokio::test]
async fn an_image_without_a_shell_signals_from_a_read_only_file_system() -> Result<()> {
    with_temp_ns(async |ns| {
        let app =
            pod("app")
                .image(image::SCRATCH)
                .command(&["/oncue-client", "wait", "never/there"]);
        let app = app.container(json!({"securityContext": {
            "allowPrivilegeEscalation": false,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": true,
            "runAsNonRoot": true,
            "runAsUser": 65532,
        }}));
        waits_and_signals(&ns, app).await?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn an_unknown_user_id_waits_and_signals() -> Result<()> {
    with_temp_ns(async |ns| {
        let user = json!({"runAsUser": 12345, "runAsGroup": 12345, "runAsNonRoot": true});
        let app = pod("app").spec(json!({"securityContext": user}));
        let app = waits_and_signals(&ns, app).await?;
        assert_eq!(app.exec(&["id", "-u"]).await?.trim(), "12345");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn containers_of_different_users_wait_and_signal() -> Result<()> {
    with_temp_ns(async |ns| {
        let app = pod("app").container(json!({"securityContext": {"runAsUser": 12345}}));
        let root = json!({"runAsUser": 0});
        let app = app.spec(json!({"securityContext": root}));
        let app = waits_and_signals(&ns, app).await?;
        assert_eq!(app.exec(&["id", "-u"]).await?.trim(), "12345");
        Ok(())
    })
    .await
}

/// The pod resolves names like its node, which cannot resolve cluster names.
#[tokio::test]
async fn a_host_network_pod_reaches_the_store_by_ip() -> Result<()> {
    with_temp_ns(async |ns| {
        let app = pod("app").spec(json!({"hostNetwork": true}));
        let app = waits_and_signals(&ns, app).await?;
        let resolv_conf = app.exec(&["cat", "/etc/resolv.conf"]).await?;
        assert!(!resolv_conf.contains("svc.cluster.local"), "{resolv_conf}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_container_can_use_the_injected_client() -> Result<()> {
    with_temp_ns(async |ns| {
        let app = pod("app").annotate("oncue.dev/inject", "client");
        let app = ns.create_pod(app).await?;
        app.is_running().await?;
        let client = async |command, names: &[&str]| {
            let typed = [&["/oncue/oncue-client", command], names].concat();
            app.exec(&typed).await
        };
        assert!(client("exists", &["step/one"]).await.is_err());
        client("create", &["step/one", "step/two=done"]).await?;
        client("exists", &["step/one", "step/two"]).await?;
        let two = ns.store().variable("step/two").await?;
        assert_eq!(two["assertions"][0]["value"], "done", "{two}");

        let other = pod("other").depends_on("step/two=done");
        ns.create_pod(other).await?.is_running().await?;
        Ok(())
    })
    .await
}
