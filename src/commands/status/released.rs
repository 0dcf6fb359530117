//! Pods that a person let go.

use serde_json::{Value, json};

use crate::{
    cluster::{Part, Place, Question, Resource, Unlisted},
    commands::{cluster::Cluster, object::text},
    injection::Settings,
    language::Keys,
    release::ReleaseReason,
};

/// A pod that a person let go: namespace, pod and reason.
pub(super) type Row = [String; 3];

/// Returns the released pods of the cluster that have not ended.
pub(super) fn find(
    cluster: &Cluster,
    (settings, place): (&Settings, &Place),
) -> Result<Vec<Row>, Unlisted> {
    let label = format!("{}=true", settings.managed_label());
    let live = Question {
        labels: &label,
        fields: "status.phase!=Succeeded,status.phase!=Failed",
        part: Part::Metadata,
    };
    let pods = cluster.list(Resource::POD, place, live)?;
    Ok(rows(&pods, &settings.keys))
}

fn rows(pods: &[Value], keys: &Keys) -> Vec<Row> {
    let row = |pod: &Value| {
        let reason = match ReleaseReason::of_pod(pod, keys) {
            Ok(reason) => reason?.to_string(),
            Err(problem) => format!("not released: {problem}"),
        };
        let [namespace, name] = ["/metadata/namespace", "/metadata/name"];
        Some([text(pod, namespace).into(), text(pod, name).into(), reason])
    };
    let mut rows: Vec<_> = pods.iter().filter_map(row).collect();
    rows.sort();
    rows
}

/// Returns the rows for a program.
pub(super) fn to_json(rows: &[Row]) -> Value {
    let row = |[namespace, pod, reason]: &Row| json!({"namespace": namespace, "pod": pod, "reason": reason});
    rows.iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mk_pod(name: &str, release: Option<&str>) -> Value {
        json!({"metadata": {
            "namespace": "shop", "name": name, "uid": name,
            "annotations": {"oncue.dev/release": release},
        }})
    }

    #[test]
    fn released_pods_are_listed_with_their_reason() {
        let pods = [
            mk_pod(
                "second",
                Some(r#"{"uid":"second","reason":"the mirror is down"}"#),
            ),
            mk_pod("other", None),
            mk_pod(
                "copy",
                Some(r#"{"uid":"second","reason":"the mirror is down"}"#),
            ),
        ];
        let rows = rows(&pods, &Keys::default());
        assert_eq!(rows.len(), 2);
        assert_eq!(rows[0][..2], ["shop", "copy"]);
        assert!(rows[0][2].starts_with("not released: "), "{rows:?}");
        assert_eq!(rows[1], ["shop", "second", "the mirror is down"]);
        assert_eq!(to_json(&rows)[1]["reason"], "the mirror is down");
    }
}
