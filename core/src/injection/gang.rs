//! The marks by which a gang scheduler counts a pod.

use super::pod::{Pod, Spec};

/// Returns what makes a pod a member of a gang, such as `label scheduling.x-k8s.io/pod-group`.
pub(super) fn mark(pod: &Pod<'_>, spec: &Spec<'_>) -> Option<String> {
    let fields = [
        ("spec.schedulingGroup", spec.scheduling_group),
        ("spec.workloadRef", spec.workload_ref),
    ];
    let field = fields.into_iter().find(|(_, value)| value.is_some());
    let label = || LABELS.into_iter().find(|key| pod.label(key).is_some());
    let annotation = || {
        ANNOTATIONS
            .into_iter()
            .find(|key| pod.annotation(key).is_some())
    };
    field
        .map(|(path, _)| path.to_owned())
        .or_else(|| label().map(|key| format!("label {key}")))
        .or_else(|| annotation().map(|key| format!("annotation {key}")))
}

/// Those of Kueue and of the scheduler-plugins.
const LABELS: [&str; 2] = [
    "kueue.x-k8s.io/pod-group-name",
    "scheduling.x-k8s.io/pod-group",
];

/// Those of Volcano and of Kueue.
const ANNOTATIONS: [&str; 4] = [
    "kueue.x-k8s.io/pod-group-name",
    "scheduling.k8s.io/group-name",
    "scheduling.volcano.sh/group-min-member",
    "scheduling.volcano.sh/group-name",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn mark_of(pod: &str) -> Option<String> {
        let pod = Pod::read(pod).unwrap();
        mark(&pod, pod.spec.as_ref().unwrap())
    }

    #[test]
    fn each_gang_scheduler_has_its_marks() {
        for (pod, expected) in [
            (r#"{"spec":{}}"#, None),
            (
                r#"{"metadata":{"labels":{"app":"x"}},"spec":{"schedulingGroup":null}}"#,
                None,
            ),
            (
                r#"{"spec":{"schedulingGroup":{"podGroupName":"g"}}}"#,
                Some("spec.schedulingGroup"),
            ),
            (
                r#"{"spec":{"workloadRef":{"name":"w","podGroup":"g"}}}"#,
                Some("spec.workloadRef"),
            ),
            (
                r#"{"metadata":{"labels":{"scheduling.x-k8s.io/pod-group":"g"}},"spec":{}}"#,
                Some("label scheduling.x-k8s.io/pod-group"),
            ),
            (
                r#"{"metadata":{"labels":{"kueue.x-k8s.io/pod-group-name":"g"}},"spec":{}}"#,
                Some("label kueue.x-k8s.io/pod-group-name"),
            ),
            // Kueue admits each pod of a queue by itself.
            (
                r#"{"metadata":{"labels":{"kueue.x-k8s.io/queue-name":"q"}},"spec":{}}"#,
                None,
            ),
            (
                r#"{"metadata":{"annotations":{"scheduling.k8s.io/group-name":"g"}},"spec":{}}"#,
                Some("annotation scheduling.k8s.io/group-name"),
            ),
        ] {
            assert_eq!(mark_of(pod).as_deref(), expected, "{pod}");
        }
    }
}
