//! A managed pod, read once for all parts of a controller.

use std::sync::Arc;

use oncue_language::{Keys, Owner};
use serde_json::Value;

use crate::{
    dependent_pod::DependentPod,
    gates::GatedPod,
    life::{ObservedPod, Unidentified, identity},
    recorded_pod::RecordedPod,
    reporting::ReportedPod,
};

/// A managed pod, as it was seen at one moment.
#[derive(Clone, Debug)]
pub struct ManagedPod {
    /// What it depends on, unless it depends on nothing or has ended.
    pub dependent: Option<DependentPod>,
    /// Whether our gate holds it.
    pub gated: GatedPod,
    /// What its signals depend on.
    pub observed: Arc<ObservedPod>,
    /// What a report depends on.
    pub reported: ReportedPod,
}

impl ManagedPod {
    /// Reads a pod's JSON.
    ///
    /// # Errors
    /// [`Unidentified`] if it does not say which pod it is.
    pub fn read(pod: &Value, keys: &Keys) -> Result<Self, Unidentified> {
        let pod = RecordedPod::read(pod, keys)?;
        let gated = GatedPod::of(&pod);
        let observed = ObservedPod::of(&pod);
        Ok(Self {
            dependent: DependentPod::of(&pod, &observed, &gated),
            reported: ReportedPod::of(&pod, &gated),
            observed: Arc::new(observed),
            gated,
        })
    }

    /// Returns which pod a pod's JSON describes.
    ///
    /// # Errors
    /// [`Unidentified`] if it does not say.
    pub fn identify(pod: &Value) -> Result<Owner, Unidentified> {
        identity(pod)
    }
}
