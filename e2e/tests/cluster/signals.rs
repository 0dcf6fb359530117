//! Signals as objects of the Kubernetes API: what `kubectl` shows of them, and who writes them.

use anyhow::Result;
use e2e::{
    kit::{Manifest, Namespace, eventually, pod, signal, with_temp_ns},
    process::Program,
};
use serde_json::{Value, json};

#[tokio::test]
async fn kubectl_shows_the_signals_of_pods() -> Result<()> {
    with_temp_ns(async |ns| {
        let first = ns.create_pod(pod("first").signals("first/container=v1"));
        let first = first.await?;
        ns.store().until("first/container").await?;
        let table = ns.kubectl(&["get", "signals"]).text().await?;
        let mut rows = table.lines().map(|line| line.split_whitespace());
        let titles: Vec<_> = rows.next().into_iter().flatten().collect();
        let expected = ["NAME", "VARIABLE", "VALUE", "KIND", "OWNER", "AGE"];
        assert_eq!(titles, expected, "{table}");
        let row: Vec<_> = rows.next().into_iter().flatten().collect();
        assert!(row[0].starts_with("first.container-"), "{table}");
        assert_eq!(
            row[1..5],
            ["first/container", "v1", "Live", "first"],
            "{table}"
        );
        assert_eq!(rows.next().map(Iterator::count), None, "{table}");

        let explained = ns.kubectl(&["explain", "signals.spec.variable"]);
        let explained = explained.text().await?;
        assert!(explained.contains("first/container"), "{explained}");

        let signals = ns.signals().await?;
        let owners = signals[0].metadata.owner_references.clone();
        let owner = owners.unwrap_or_default().remove(0);
        assert_eq!(
            (owner.kind.as_str(), owner.uid),
            ("Pod", first.uid().await?)
        );
        assert!(owner.block_owner_deletion.is_none() && owner.controller.is_none());
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_signal_under_any_name_is_a_variable_until_it_is_deleted() -> Result<()> {
    with_temp_ns(async |ns| {
        let second = ns.create_pod(pod("second").depends_on("first/up=v2"));
        let second = second.await?;
        second.is_held().await?;
        ns.create_object(with_value("one", "v1")).await?;
        ns.create_object(with_value("other", "v2")).await?;
        second.is_running().await?;
        // Both are by hand, which counts as one owner.
        let third = ns.create_pod(pod("third").depends_on("first/up>=2"));
        third.await?.is_held().await?;

        ns.delete_signal("other").await?;
        let fourth = ns.create_pod(pod("fourth").depends_on("first/up=v2"));
        fourth.await?.is_held().await?;
        ns.store().until("first/up=v1").await?;
        ns.store().delete("first/up").await?;
        ns.has_signals(&[]).await
    })
    .await
}

#[tokio::test]
async fn an_editor_of_a_namespace_writes_signals_there_and_nowhere_else() -> Result<()> {
    with_temp_ns(async |ns| {
        ns.kubectl(&["create", "serviceaccount", "editor"])
            .text()
            .await?;
        let account = format!("{}:editor", ns.name());
        let bind = [
            "create",
            "rolebinding",
            "editor",
            "--clusterrole=edit",
            "--serviceaccount",
        ];
        ns.kubectl(&bind).arg(&account).text().await?;
        // Kubernetes adds the rules for Signals to its own roles a moment later.
        let may = ["auth", "can-i", "create", "signals.oncue.dev"];
        eventually("the editor may create Signals", async || {
            Ok(as_user(ns.kubectl(&may), &account)
                .outcome()
                .await?
                .success
                .then_some(()))
        })
        .await?;

        let apply = |value| as_user(ns.kubectl_apply(with_value("mine", value), &[]), &account);
        apply("v1").text().await?;
        ns.store().until("first/up=v1").await?;
        apply("v2").text().await?;
        ns.store().until("first/up=v2").await?;
        let delete = ["delete", "signal", "mine"];
        as_user(ns.kubectl(&delete), &account).text().await?;
        ns.store().until_gone("first/up").await?;

        let elsewhere = ["get", "signals", "--namespace=default"];
        let seen = as_user(ns.cluster().kubectl().args(elsewhere), &account);
        is_forbidden(seen).await?;
        let foreign =
            with_value("foreign", "v1").with(json!({"metadata": {"namespace": "default"}}));
        let create = ns.cluster().kubectl().args(["create", "-f", "-"]);
        let create = create.stdin(foreign.value().to_string());
        is_forbidden(as_user(create, &account)).await
    })
    .await
}

#[tokio::test]
async fn the_api_server_rejects_what_the_store_would_reject() -> Result<()> {
    with_temp_ns(async |ns| {
        let owner = json!({"kind": "Pod", "name": "web-0", "uid": "8f0c"});
        for (spec, rule) in [
            (json!({}), "spec.variable: Required value"),
            (json!({"variable": ""}), "spec.variable"),
            (json!({"variable": "a//b"}), "joined by single slashes"),
            (json!({"variable": "/a"}), "joined by single slashes"),
            (json!({"variable": "a b"}), "joined by single slashes"),
            (json!({"variable": "a/../b"}), "must not have the segment . or .."),
            (json!({"variable": "a".repeat(256)}), "Too long"),
            (json!({"variable": "a", "value": "v".repeat(4097)}), "Too long"),
            (json!({"variable": "a", "value": "\u{e9}".repeat(4096)}), "at most 4096 bytes"),
            (json!({"variable": "a", "kind": "Eternal"}), "Unsupported value: \"Eternal\""),
            (json!({"variable": "a", "kind": "Live"}), "needs an owner of kind Pod"),
            (
                json!({"variable": "a", "kind": "Ready", "owner": {"kind": "Job", "name": "x", "uid": "1"}}),
                "needs an owner of kind Pod",
            ),
            (json!({"variable": "a", "expires": "tomorrow"}), "spec.expires"),
        ] {
            is_rejected(&ns, spec, rule).await?;
        }
        ns.create_object(signal("there", "a/b")).await?;
        for (change, rule) in [
            (json!({"variable": "a/c"}), "variable is immutable"),
            (json!({"kind": "Live", "owner": owner}), "kind is immutable"),
            (json!({"owner": owner}), "owner is immutable"),
        ] {
            let patch = json!({"spec": change}).to_string();
            let patch = ["patch", "signal", "there", "--type=merge", "--patch", &patch];
            let said = ns.kubectl(&patch).outcome().await?;
            assert!(!said.success && said.stderr.contains(rule), "{rule} in {}", said.all());
        }
        Ok(())
    })
    .await
}

/// Garbage collection does not find it: it has no owner reference.
#[tokio::test]
async fn a_live_signal_of_a_pod_that_never_existed_is_withdrawn() -> Result<()> {
    with_temp_ns(async |ns| {
        let owner = json!({"kind": "Pod", "name": "ghost", "uid": "8f0c"});
        let ghost = signal("ghost", "ghost/up").spec(json!({"kind": "Live", "owner": owner}));
        ns.create_object(ghost).await?;
        ns.has_signals(&[]).await?;
        ns.store().until_gone("ghost/up").await
    })
    .await
}

/// Returns a Signal by hand of the variable `first/up`.
fn with_value(name: &str, value: &str) -> Manifest {
    signal(name, "first/up").spec(json!({"value": value}))
}

/// Runs kubectl with the rights of a service account: `NAMESPACE:NAME`.
fn as_user(kubectl: Program, account: &str) -> Program {
    kubectl.arg(format!("--as=system:serviceaccount:{account}"))
}

async fn is_forbidden(kubectl: Program) -> Result<()> {
    let said = kubectl.outcome().await?;
    assert!(
        !said.success && said.stderr.contains("forbidden"),
        "{}",
        said.all()
    );
    Ok(())
}

/// Checks that the API server rejects a Signal with this spec, with an error that names the rule.
async fn is_rejected(ns: &Namespace, spec: Value, rule: &str) -> Result<()> {
    let object = json!({
        "apiVersion": "oncue.dev/v1alpha1",
        "kind": "Signal",
        "metadata": {"name": "bad"},
        "spec": spec,
    });
    let said = ns
        .kubectl_apply(Manifest::new(object), &[])
        .outcome()
        .await?;
    assert!(
        !said.success && said.stderr.contains(rule),
        "{rule} in {}",
        said.all()
    );
    Ok(())
}
