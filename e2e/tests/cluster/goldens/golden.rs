//! A pod of `testdata/admission` with the expected result of its admission.

use std::{fs, path::Path};

use anyhow::{Context, Result};
use e2e::kit::{Manifest, Namespace};
use json_patch::Patch;
use serde_json::{Value, json};

/// A pod and its golden file.
pub(super) struct Golden {
    /// The name of both files.
    pub(super) name: String,
    /// The pod before admission.
    pub(super) pod: Value,
    /// One of `patch`, `refusal` and `skip`, and `warnings`.
    pub(super) outcome: Value,
}

impl Golden {
    /// Reads all of them, ordered by name.
    pub(super) fn all() -> Result<Vec<Self>> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/admission");
        let mut all = Vec::new();
        for entry in fs::read_dir(&folder)? {
            let file = entry?.file_name();
            if let Some(name) = file.to_string_lossy().strip_suffix(".golden.json") {
                all.push(Self::read(&folder, name)?);
            }
        }
        all.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(all)
    }

    fn read(folder: &Path, name: &str) -> Result<Self> {
        let read = |file: String| -> Result<Value> {
            let text = fs::read_to_string(folder.join(&file));
            let text = text.with_context(|| format!("failed to read {file}"))?;
            serde_json::from_str(&text).with_context(|| format!("{file} is no JSON"))
        };
        Ok(Self {
            name: name.to_owned(),
            pod: read(format!("{name}.json"))?,
            outcome: read(format!("{name}.golden.json"))?,
        })
    }

    /// Returns whether the golden file has this member.
    pub(super) fn says(&self, outcome: &str) -> bool {
        self.outcome.get(outcome).is_some()
    }

    /// Returns whether its settings have a controller, as the cluster of the tests does.
    pub(super) fn has_controller(&self) -> bool {
        !self.name.starts_with("no-controller-")
    }

    /// Returns the pod in this namespace.
    pub(super) fn pod_in(&self, ns: &Namespace) -> Manifest {
        moved(self.pod.clone(), ns)
    }

    /// Returns the pod in this namespace, with the patch of its golden file.
    pub(super) fn patched_in(&self, ns: &Namespace) -> Result<Option<Manifest>> {
        let Some(patch) = self.outcome.get("patch") else {
            return Ok(None);
        };
        let mut pod = self.pod.clone();
        let patch: Patch = serde_json::from_value(patch.clone())?;
        json_patch::patch(&mut pod, &patch)
            .with_context(|| format!("failed to patch {}", self.name))?;
        Ok(Some(moved(pod, ns)))
    }
}

fn moved(mut pod: Value, ns: &Namespace) -> Manifest {
    pod["metadata"]["namespace"] = json!(ns.name());
    Manifest::new(pod)
}
