//! Pods with a release by hand.

use serde_json::{Value, json};

use crate::{
    cluster::{Part, Place, Question, Resource, Unlisted},
    commands::{cluster::Cluster, object::text, output},
    injection::Settings,
    language::Keys,
    release::ReleaseReason,
};

/// A pod with a release.
#[derive(Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Release {
    namespace: String,
    pod: String,
    /// Why a person let it go, or why its annotation does not.
    reason: Result<String, String>,
}

/// The heading of pods that a person let go.
const RELEASED: &str = "These pods were released by hand: their dependencies did not hold.";

/// The heading of pods with a release that has no effect.
const IGNORED: &str = "These pods have a release that has no effect.";

/// Returns the pods of the cluster with a release that have not ended.
pub(super) fn find(
    cluster: &Cluster,
    (settings, place): (&Settings, &Place),
) -> Result<Vec<Release>, Unlisted> {
    let label = format!("{}=true", settings.managed_label());
    let live = Question {
        labels: &label,
        fields: "status.phase!=Succeeded,status.phase!=Failed",
        part: Part::Metadata,
    };
    let keys = &settings.keys;
    let mut releases = cluster.find(Resource::POD, (place, live), |pod| Release::of(pod, keys))?;
    releases.sort();
    Ok(releases)
}

impl Release {
    /// Reads a pod's JSON; `None` if it has no release.
    fn of(pod: &Value, keys: &Keys) -> Option<Self> {
        let reason = ReleaseReason::of_pod(pod, keys).transpose()?;
        Some(Self {
            namespace: text(pod, "/metadata/namespace").into(),
            pod: text(pod, "/metadata/name").into(),
            reason: match reason {
                Ok(reason) => Ok(reason.to_string()),
                Err(problem) => Err(problem.to_string()),
            },
        })
    }
}

/// Returns a table of the pods that were released, and one of those that were not.
pub(super) fn tables(releases: &[Release]) -> anyhow::Result<Vec<String>> {
    let row = |it: &Release, why: &str| [it.namespace.clone(), it.pod.clone(), why.to_owned()];
    let all = releases.iter();
    let reasons = all.filter_map(|it| Some(row(it, it.reason.as_ref().ok()?)));
    let all = releases.iter();
    let problems = all.filter_map(|it| Some(row(it, it.reason.as_ref().err()?)));
    let tables: [(_, _, Vec<_>); 2] = [
        (RELEASED, "REASON", reasons.collect()),
        (IGNORED, "PROBLEM", problems.collect()),
    ];
    let mut texts = Vec::new();
    for (heading, column, mut rows) in tables {
        if !rows.is_empty() {
            rows.insert(0, ["NAMESPACE", "POD", column].map(str::to_owned));
            texts.push(format!("{heading}\n\n{}", output::table(&rows)?));
        }
    }
    Ok(texts)
}

/// Returns the releases for a program.
pub(super) fn to_json(releases: &[Release]) -> Value {
    let release = |it: &Release| {
        let (member, why) = match &it.reason {
            Ok(reason) => ("reason", reason),
            Err(problem) => ("problem", problem),
        };
        json!({"namespace": it.namespace, "pod": it.pod, member: why})
    };
    releases.iter().map(release).collect()
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
    fn pods_with_a_release_are_listed_and_those_on_which_it_has_no_effect_apart() {
        let release = r#"{"uid":"second","reason":"the mirror is down"}"#;
        let pods = [
            mk_pod("second", Some(release)),
            mk_pod("other", None),
            mk_pod("copy", Some(release)),
        ];
        let keys = Keys::default();
        let releases = pods.iter().filter_map(|pod| Release::of(pod, &keys));
        let releases: Vec<_> = releases.collect();
        let tables = tables(&releases).unwrap();
        for (table, [heading, row]) in tables.iter().zip([
            [RELEASED, "shop second the mirror is down"],
            [
                IGNORED,
                "shop copy its annotation oncue.dev/release names another",
            ],
        ]) {
            let lines: Vec<_> = table.lines().collect();
            assert_eq!((lines[0], lines.len()), (heading, 4), "{table}");
            let words: Vec<_> = lines[3].split_whitespace().collect();
            assert!(words.join(" ").starts_with(row), "{table}");
        }
        let json = to_json(&releases);
        assert_eq!(json[0]["reason"], "the mirror is down");
        assert_eq!(json[1]["reason"], Value::Null);
        assert!(json[1]["problem"].is_string());
        assert_eq!(json.as_array().unwrap().len(), 2);
        assert!(super::tables(&[]).unwrap().is_empty());
    }
}
