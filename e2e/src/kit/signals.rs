//! Signals, as objects of the Kubernetes API.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use kube::{
    Api, Client,
    api::{DeleteParams, DynamicObject, ListParams},
    core::{ApiResource, GroupVersionKind},
};
use serde_json::{Value, json};

use super::{Manifest, Namespace, eventually};

/// Returns a durable Signal by hand: a variable under any object name.
pub fn signal(name: &str, variable: &str) -> Manifest {
    Manifest::new(json!({
        "apiVersion": "oncue.dev/v1alpha1",
        "kind": "Signal",
        "metadata": {"name": name},
        "spec": {"variable": variable, "kind": "Durable"},
    }))
}

/// Deletes the Signals of all namespaces.
pub(super) async fn delete_all(client: &Client) -> Result<()> {
    let all: Api<DynamicObject> = Api::all_with(client.clone(), &resource());
    let signals = all.list_metadata(&ListParams::default()).await?.items;
    let namespaces = signals.into_iter().filter_map(|it| it.metadata.namespace);
    for namespace in namespaces.collect::<BTreeSet<_>>() {
        let there: Api<DynamicObject> =
            Api::namespaced_with(client.clone(), &namespace, &resource());
        there
            .delete_collection(&DeleteParams::default(), &ListParams::default())
            .await?;
    }
    Ok(())
}

impl Namespace {
    /// Returns the Signals of this namespace.
    pub async fn signals(&self) -> Result<Vec<DynamicObject>> {
        Ok(self.signals_api().list(&ListParams::default()).await?.items)
    }

    /// Waits until the variables that the Signals of this namespace assert are exactly these, in
    /// any order. A variable with two Signals counts twice.
    pub async fn has_signals(&self, variables: &[&str]) -> Result<()> {
        let mut expected = variables.to_vec();
        expected.sort_unstable();
        eventually(&format!("the Signals {expected:?}"), async || {
            let signals = self.signals().await?;
            let mut there: Vec<_> = signals.iter().filter_map(variable_of).collect();
            there.sort_unstable();
            Ok((there == expected).then_some(()))
        })
        .await
    }

    /// Returns the Signal of this object name.
    pub async fn signal(&self, name: &str) -> Result<Value> {
        let signal = self.signals_api().get(name).await;
        let signal = signal.with_context(|| format!("there is no Signal {name}"))?;
        Ok(serde_json::to_value(signal)?)
    }

    /// Deletes the Signal of this object name.
    pub async fn delete_signal(&self, name: &str) -> Result<()> {
        let api = self.signals_api();
        api.delete(name, &DeleteParams::default()).await?;
        Ok(())
    }

    fn signals_api(&self) -> Api<DynamicObject> {
        Api::namespaced_with(self.client(), self.name(), &resource())
    }
}

fn variable_of(signal: &DynamicObject) -> Option<&str> {
    signal.data["spec"]["variable"].as_str()
}

fn resource() -> ApiResource {
    ApiResource::from_gvk(&GroupVersionKind::gvk("oncue.dev", "v1alpha1", "Signal"))
}
