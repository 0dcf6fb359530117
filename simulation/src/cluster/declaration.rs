//! What a pod's annotations declare, filled in as far as it is known.

use oncue_language::{
    AnnotationError, Condition, Facts, Keys, Namespace, PodAnnotations, Term,
    annotation::{Inject, Key},
};
use serde_json::Value;

/// What a pod depends on and what it signals.
#[derive(Clone, Debug, Default)]
pub(crate) struct Declaration {
    pub(crate) annotations: PodAnnotations,
    /// What it depends on.
    pub(crate) terms: Vec<Term>,
    /// What the server judges of each term; `None` for a probe, and while a name is not known.
    pub(crate) conditions: Vec<Option<Condition>>,
}

impl Declaration {
    /// Reads the annotations of `pod`, which lives in `namespace`.
    ///
    /// # Errors
    /// [`AnnotationError`] if admission would have rejected them too.
    pub(crate) fn of(pod: &Value, namespace: &Namespace) -> Result<Self, AnnotationError> {
        let annotations = filled_in(pod, namespace)?;
        let terms: Vec<_> = annotations
            .depends_on
            .iter()
            .map(|term| term.value.clone())
            .collect();
        let condition = |term: &Term| term.condition(namespace).ok().flatten();
        Ok(Self {
            conditions: terms.iter().map(condition).collect(),
            terms,
            annotations,
        })
    }
}

fn filled_in(pod: &Value, namespace: &Namespace) -> Result<PodAnnotations, AnnotationError> {
    let pairs = pairs(&pod["metadata"]["annotations"]);
    let reading = PodAnnotations::read(&Keys::default(), pairs.iter().copied());
    let mut annotations = reading
        .annotations
        .map_err(|mut errors| errors.swap_remove(0))?;
    if annotations.inject == Inject::Off {
        return Ok(PodAnnotations {
            rehearsal: annotations.rehearsal,
            ..PodAnnotations::default()
        });
    }
    annotations.signals_container = signals_container(pod).or(annotations.signals_container);
    let labels = self::pairs(&pod["metadata"]["labels"])
        .into_iter()
        .collect();
    annotations.resolve(&Facts {
        container: annotations.signals_container.as_deref(),
        labels: Some(&labels),
        later_labels: &[],
        node_name: pod["spec"]["nodeName"].as_str(),
        pod_name: pod["metadata"]["name"].as_str(),
        pod_namespace: Some(namespace.as_str()),
        pod_uid: pod["metadata"]["uid"].as_str(),
    })
}

/// Returns the container whose start the marker reports, from the record of the admission.
fn signals_container(pod: &Value) -> Option<String> {
    let key = Keys::default().prefixed(Key::Injected);
    let record = pod["metadata"]["annotations"][key].as_str()?;
    let record: Value = serde_json::from_str(record).ok()?;
    Some(record[Key::SignalsContainer.as_str()].as_str()?.to_owned())
}

fn pairs(map: &Value) -> Vec<(&str, &str)> {
    let pairs = map.as_object().into_iter().flatten();
    pairs
        .filter_map(|(key, value)| Some((key.as_str(), value.as_str()?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fills_in_what_is_known_of_the_pod() {
        let mut pod = json!({
            "metadata": {
                "name": "web", "uid": "u-1", "labels": {"v": "7"},
                "annotations": {
                    "depends-on": "cni/$(NODE_NAME), migrate/$(labels['v'])",
                    "signals": "$(CONTAINER)/$(POD_NAME)",
                    "oncue.dev/injected": r#"{"signals-container": "app"}"#,
                },
            },
            "spec": {},
        });
        let namespace = Namespace::default();
        let declaration = Declaration::of(&pod, &namespace).unwrap();
        let unknown: Vec<_> = declaration.conditions.iter().map(Option::is_none).collect();
        assert_eq!(unknown, [true, false]);
        pod["spec"]["nodeName"] = "node-1".into();
        let declaration = Declaration::of(&pod, &namespace).unwrap();
        assert_eq!(declaration.terms[0].to_string(), "cni/node-1");
        assert_eq!(declaration.terms[1].to_string(), "migrate/7");
        assert_eq!(
            declaration.annotations.signals[0].value.to_string(),
            "app/web"
        );
    }

    #[test]
    fn a_pod_that_is_switched_off_declares_only_how_it_behaves() {
        let pod = json!({"metadata": {"annotations": {
            "signals": "a/b", "oncue.dev/inject": "false", "oncue.dev/rehearse": "fail",
        }}});
        let declaration = Declaration::of(&pod, &Namespace::default()).unwrap();
        assert!(!declaration.annotations.asks_for_anything());
        assert_eq!(declaration.annotations.rehearsal.to_string(), "fail");
    }
}
