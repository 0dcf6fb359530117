//! The command line on a user's machine, which reaches the store through the API server.

use std::os::unix::fs::symlink;

use anyhow::Result;
use e2e::{
    folders,
    kit::{Namespace, WAIT, deployment, pod, with_temp_ns},
};

#[tokio::test]
async fn status_lists_waiting_pods_and_their_producers() -> Result<()> {
    with_temp_ns(async |ns| {
        let app = pod("app").depends_on("first/container, first/cache");
        let app = ns.create_pod(app).await?;
        app.is_held().await?;
        let first = pod("first").signals("first/container");
        ns.create_object(deployment(0, first)).await?;

        let status = ns.oncue(&["status"]).await?.text().await?;
        let row = |missing| status.lines().find(|line| line.contains(missing));
        let container = row("first/container@").unwrap_or_default();
        assert!(container.starts_with("app "), "{status}");
        assert!(container.contains("does not exist"), "{status}");
        assert!(container.ends_with("Deployment/first"), "{status}");
        assert!(row("first/cache@").is_some(), "{status}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn status_lists_pods_that_only_probe() -> Result<()> {
    with_temp_ns(async |ns| {
        let nobody = format!("no pod waits in the namespace {}\n", ns.name());
        assert_eq!(ns.oncue(&["status"]).await?.text().await?, nobody);
        // The name of a Service: the store holds a request to be nudged about it.
        let app = pod("app").depends_on("tcp://web:8080");
        ns.create_pod(app).await?.run_of(WAIT).await?;
        let status = ns.oncue(&["status"]).await?.text().await?;
        let row = status.lines().last().unwrap_or_default();
        let mut words = row.split_whitespace();
        // Behind them, the condition says more as soon as the leader has written it.
        assert_eq!(words.next(), Some(ns.name()), "{status}");
        assert_eq!(words.next(), Some("app"), "{status}");
        assert!(row.contains("tcp://web:8080"), "{status}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn vars_creates_shows_and_deletes_variables() -> Result<()> {
    with_temp_ns(async |ns| {
        let app = ns.create_pod(pod("app").depends_on("by/hand=v42")).await?;
        app.is_held().await?;
        let vars = async |args: &[&str]| {
            let command = [&["vars"], args].concat();
            ns.oncue(&command).await?.text().await
        };
        assert_eq!(vars(&["create", "by/hand=v42"]).await?, "by/hand created\n");
        app.is_running().await?;
        let listed = vars(&["list", "by"]).await?;
        assert!(listed.contains("by/hand "), "{listed}");
        assert!(vars(&["get", "by/hand"]).await?.contains(" v42 "));
        assert_eq!(vars(&["delete", "by/hand"]).await?, "by/hand deleted\n");
        assert!(!ns.store().exists("by/hand").await?);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn explain_shows_the_missing_terms_of_a_live_pod() -> Result<()> {
    with_temp_ns(async |ns| {
        let app = ns.create_pod(pod("app").depends_on("first/container"));
        let app = app.await?;
        app.is_held().await?;
        // The kubelet reports it later than the store.
        app.run_of(WAIT).await?;
        let told = ns.oncue(&["explain", "pod/app"]).await?.text().await?;
        assert!(told.starts_with("Pod/app\n"), "{told}");
        for words in [
            "Waits (an init container holds it) for\n  first/container\n",
            "It has waited for ",
            "      missing: does not exist\n",
        ] {
            assert!(told.contains(words), "{words} in {told}");
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn graph_draws_the_producers_and_consumers_of_a_namespace() -> Result<()> {
    with_temp_ns(async |ns| {
        ns.create_object(deployment(0, pod("first").signals("first/container")))
            .await?;
        ns.create_object(deployment(0, pod("second").depends_on("first/container")))
            .await?;
        let drawn = ns.oncue(&["graph"]).await?.text().await?;
        for line in [
            "signals    first/container  -> Deployment/second",
            "waits for  first/container  <- Deployment/first",
        ] {
            assert!(drawn.contains(line), "{line} in {drawn}");
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn kubectl_runs_oncue_as_a_plugin() -> Result<()> {
    with_temp_ns(async |ns| {
        ns.store().create("first/container").await?;
        let plugins = tempfile::tempdir()?;
        symlink(
            Namespace::oncue_file().await?,
            plugins.path().join("kubectl-oncue"),
        )?;
        let mut path = plugins.path().as_os_str().to_owned();
        path.push(":");
        path.push(folders::search_path());

        let list = ["oncue", "vars", "list", "--namespace", ns.name()];
        let kubectl = ns.cluster().kubectl().args(list).env("PATH", path);
        let listed = kubectl.text().await?;
        assert!(listed.contains("first/container "), "{listed}");
        Ok(())
    })
    .await
}
