//! What the cluster has to have: the CRD, as new as this version, and the rights.

use kube::{Client, runtime::watcher};
use oncue_signals::{GROUP, KIND, PLURAL, SignalSpec, VERSION};
use serde_json::{Value, json};

use crate::cluster::{ApiError, call, watch_error_text, watch_status};

/// That the CRD is missing, and the fix.
pub(super) const MISSING_CRD: &str = "the CRD signals.oncue.dev is missing: install it with oncue's \
     chart, or apply the chart's files/signals.oncue.dev.yaml";

/// Returns why a watch failed, with the fix.
pub(super) async fn explain(client: &Client, error: &watcher::Error) -> String {
    match watch_status(error) {
        Some(status) if status.code == 404 => missing(client).await,
        Some(status) if status.code == 403 => forbidden(&status.message),
        _ => watch_error_text(error),
    }
}

fn forbidden(words: &str) -> String {
    format!(
        "the store may not read signals: grant its ServiceAccount get, list and watch on \
         {PLURAL}.{GROUP} in all namespaces (the chart's ClusterRole does): {words}"
    )
}

async fn missing(client: &Client) -> String {
    let group: Result<Value, ApiError> = get(client, &format!("/apis/{GROUP}")).await;
    let versions = group.ok().map(|group| served(&group));
    match versions {
        Some(versions) if !versions.iter().any(|it| it == VERSION) => format!(
            "the CRD {PLURAL}.{GROUP} serves {}, and this version of oncue needs {VERSION}: apply \
             the CRD of this version's chart",
            versions.join(", ")
        ),
        _ => MISSING_CRD.to_owned(),
    }
}

fn served(group: &Value) -> Vec<String> {
    let versions = group["versions"].as_array().into_iter().flatten();
    let names = versions.filter_map(|it| it["version"].as_str());
    names.map(str::to_owned).collect()
}

/// Checks that the CRD has all fields that this version writes: the API server would drop others
/// in silence.
///
/// # Errors
/// The text for the log, with the fix.
pub(super) async fn check_fields(client: &Client) -> Result<(), String> {
    let path = format!("/openapi/v3/apis/{GROUP}/{VERSION}");
    // It is published some time after the CRD, and a cluster may forbid it.
    let Ok(document) = get(client, &path).await else {
        return Ok(());
    };
    let missing = missing_fields(&document);
    if missing.is_empty() {
        return Ok(());
    }
    Err(format!(
        "the CRD {PLURAL}.{GROUP} is older than this version of oncue, it lacks {}: apply the CRD \
         of this version's chart",
        missing.join(", ")
    ))
}

/// Checks that the API server has kept all that was sent.
///
/// # Errors
/// The text for the client, with the fix.
pub(super) fn check_kept(sent: &SignalSpec, kept: &SignalSpec) -> Result<(), String> {
    if sent == kept {
        return Ok(());
    }
    let [sent, kept] = [sent, kept].map(|spec| json!(spec));
    let fields = SignalSpec::FIELDS.into_iter();
    let other = fields.filter(|it| sent.get(it) != kept.get(it));
    let other: Vec<_> = other.map(|field| format!("spec.{field}")).collect();
    Err(format!(
        "the cluster did not keep {} as it was sent: apply the CRD {PLURAL}.{GROUP} of this \
         version's chart, or see which admission policy changes signals",
        other.join(", ")
    ))
}

/// Returns the fields of a spec that the document of the API server does not know.
fn missing_fields(document: &Value) -> Vec<String> {
    let schemas = document.pointer("/components/schemas");
    let schemas = schemas.and_then(Value::as_object);
    let mut schemas = schemas.into_iter().flat_map(serde_json::Map::values);
    let Some(schema) = schemas.find(|schema| is_signal(schema)) else {
        return Vec::new();
    };
    let known = schema.pointer("/properties/spec/properties");
    let is_missing = |field: &&str| known.is_none_or(|known| known.get(*field).is_none());
    let missing = SignalSpec::FIELDS.into_iter().filter(|it| is_missing(it));
    missing.map(|field| format!("spec.{field}")).collect()
}

fn is_signal(schema: &Value) -> bool {
    let kinds = schema["x-kubernetes-group-version-kind"].as_array();
    let mut kinds = kinds.into_iter().flatten();
    kinds.any(|it| it["group"] == GROUP && it["version"] == VERSION && it["kind"] == KIND)
}

async fn get(client: &Client, path: &str) -> Result<Value, ApiError> {
    let request = http::Request::get(path).body(Vec::new());
    let request = request.map_err(|error| ApiError::Unanswered(error.to_string()))?;
    call(client.request(request)).await
}
