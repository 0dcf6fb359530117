//! Warnings and rejections that `kubectl apply` shows.

use anyhow::{Context, Result};
use e2e::{
    kit::{Manifest, Namespace, cron_job, deployment, pod, with_temp_ns},
    process::Outcome,
};
use serde_json::json;

#[tokio::test]
async fn a_warning_suggests_the_correct_key() -> Result<()> {
    with_temp_ns(async |ns| {
        let app = pod("app").annotate("depends-on-timeot", "5m");
        let told = applied(&ns, app.depends_on("a")).await?;
        assert!(
            told.stderr.contains(
                "Warning: depends-on-timeot is not a key of oncue: did you mean depends-on-timeout?"
            ),
            "{}",
            told.stderr
        );
        Ok(())
    })
    .await
}

/// The controller keeps all of them true.
#[tokio::test]
async fn a_pod_that_signals_in_every_way_gets_no_warning() -> Result<()> {
    with_temp_ns(async |ns| {
        let keys = [
            "signals",
            "signals-on-wait",
            "signals-on-init",
            "signals-on-ready",
            "signals-on-success",
            "signals-on-failure",
        ];
        let app = pod("app").once("true").depends_on("deployment:web");
        let app = keys
            .iter()
            .fold(app, |pod, key| pod.annotate(key, &format!("app/{key}")));
        assert_eq!(applied(&ns, app).await?.stderr, "");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn applying_a_deployment_reports_mistakes_in_its_template() -> Result<()> {
    with_temp_ns(async |ns| {
        let web = deployment(1, pod("web").depends_on("first/container, db ready"));
        let told = applied(&ns, web).await?;
        assert!(
            told.stdout.contains("deployment.apps/web created"),
            "{}",
            told.all()
        );
        let place = "spec.template.metadata.annotations[depends-on]: column 21: ";
        let warning = warning_with(&told, place)?;
        assert!(
            warning.contains("\"ready\" was not expected here"),
            "{warning}"
        );
        Ok(())
    })
    .await
}

#[tokio::test]
async fn applying_a_deployment_reports_misplaced_annotations() -> Result<()> {
    with_temp_ns(async |ns| {
        let misplaced = json!({"metadata": {"annotations": {"depends-on": "first/container"}}});
        let told = applied(&ns, deployment(1, pod("web")).with(misplaced)).await?;
        let warning = warning_with(&told, "metadata.annotations[depends-on]: ")?;
        let cure = "on the Deployment itself is not read: move it to \
                    spec.template.metadata.annotations";
        assert!(warning.contains(cure), "{warning}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_warning_has_the_path_of_a_nested_template() -> Result<()> {
    with_temp_ns(async |ns| {
        let backup = cron_job(pod("backup").signals("backup/../begun"));
        let told = applied(&ns, backup.spec(json!({"suspend": true}))).await?;
        let place = "spec.jobTemplate.spec.template.metadata.annotations[signals]: column 1: ";
        warning_with(&told, place)?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_correct_workload_gets_no_warning() -> Result<()> {
    with_temp_ns(async |ns| {
        let web = deployment(1, pod("web").depends_on("first/container"));
        assert_eq!(applied(&ns, web).await?.stderr, "");
        Ok(())
    })
    .await
}

/// The API server rejects such an object itself.
#[tokio::test]
async fn an_annotation_that_is_not_a_string_is_rejected_with_its_path() -> Result<()> {
    with_temp_ns(async |ns| {
        let minutes = json!({"metadata": {"annotations": {"depends-on-timeout": 5}}});
        let web = deployment(1, pod("web").depends_on("a").with(minutes));
        let refused = ns.kubectl_apply(web, &[]).outcome().await?;
        assert!(!refused.success, "{}", refused.all());
        let reason = "cannot unmarshal number into Go struct field \
                      ObjectMeta.spec.template.metadata.annotations of type string";
        assert!(refused.stderr.contains(reason), "{}", refused.stderr);
        Ok(())
    })
    .await
}

/// Applies an object that is admitted, and returns the output.
async fn applied(ns: &Namespace, object: impl Into<Manifest>) -> Result<Outcome> {
    let outcome = ns.kubectl_apply(object, &[]).outcome().await?;
    assert!(outcome.success, "{}", outcome.all());
    Ok(outcome)
}

/// Returns the warning with this text.
fn warning_with<'a>(told: &'a Outcome, text: &str) -> Result<&'a str> {
    let mut warnings = told
        .stderr
        .lines()
        .filter(|line| line.starts_with("Warning: "));
    let warning = warnings.find(|line| line.contains(text));
    warning.with_context(|| format!("no warning says {text:?}: {}", told.all()))
}
