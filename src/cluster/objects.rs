//! The states of objects that terms ask for, read once: with the rights of the one who asks.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use futures_util::{StreamExt, stream};
use kube::{
    Api, Client,
    api::{DynamicObject, ListParams},
};
use serde_json::Value;

use super::{ApiError, WatchFailure, call, find_kind, object_json};
use crate::{
    language::{ObjectKey, ObjectState},
    objects::{self, Found, Source, Sources, WatchedKind},
};

/// Returns the state of each object, by the judgement of the controller. What cannot be read is
/// unknown, with the reason.
pub(crate) async fn states(
    client: &Client,
    keys: BTreeSet<ObjectKey>,
) -> BTreeMap<ObjectKey, ObjectState> {
    let asked = keys.into_iter().map(|key| (Sources::of(&key), key));
    let asked: Vec<(Sources, ObjectKey)> = asked.collect();
    let sources: BTreeSet<_> = asked.iter().flat_map(|(it, _)| sources(it)).collect();
    let reads = sources.into_iter().take(MOST_READS);
    let reads = reads.map(|source| async move { (source, read(client, source).await) });
    let read: HashMap<&Source, _> = stream::iter(reads)
        .buffer_unordered(READS_AT_ONCE)
        .collect()
        .await;
    let states = asked
        .iter()
        .map(|(sources, key)| (key.clone(), judge(key, sources, &read)));
    states.collect()
}

type Read<'a> = HashMap<&'a Source, Result<Vec<Value>, String>>;

fn sources(Sources { named, related }: &Sources) -> impl Iterator<Item = &Source> {
    named.iter().chain(related)
}

fn judge(key: &ObjectKey, Sources { named, related }: &Sources, read: &Read<'_>) -> ObjectState {
    let find = |source: &Option<Source>| match source {
        None => Ok(&[][..]),
        Some(source) => match read.get(source) {
            None => Err(TOO_MANY.to_owned()),
            Some(found) => found.as_deref().map_err(Clone::clone),
        },
    };
    match (find(named), find(related)) {
        (Ok(named), Ok(related)) => {
            let found = Found {
                named: named.first(),
                related: related.iter().collect(),
            };
            objects::state(key, &found)
        }
        (Err(reason), _) | (_, Err(reason)) => ObjectState::Unknown(reason),
    }
}

/// Reads the objects of a source, or says why they are not known, to be read after the term.
async fn read(client: &Client, source: &Source) -> Result<Vec<Value>, String> {
    let kind = &source.kind;
    let resource = find_kind(client, kind).await;
    let resource = resource.map_err(|failure| unserved(kind, failure))?;
    let api: Api<DynamicObject> = match &source.namespace {
        Some(namespace) => Api::namespaced_with(client.clone(), namespace.as_str(), &resource),
        None => Api::all_with(client.clone(), &resource),
    };
    let unread = |error: ApiError| format!("cannot be judged: {error}");
    if let Some(name) = &source.selection.name {
        return match call(api.get(name)).await {
            Ok(object) => Ok(vec![object_json(object)]),
            Err(ApiError::NotFound(_)) => Ok(Vec::new()),
            Err(error) => Err(unread(error)),
        };
    }
    let selector = |text: String| Some(text).filter(|text| !text.is_empty());
    let selected = ListParams {
        label_selector: selector(source.selection.label_selector()),
        field_selector: selector(source.selection.field_selector()),
        ..ListParams::default()
    };
    let listed = call(api.list(&selected)).await.map_err(unread)?;
    Ok(listed.items.into_iter().map(object_json).collect())
}

fn unserved(kind: &WatchedKind, failure: WatchFailure) -> String {
    match failure {
        WatchFailure::Unnamespaced => {
            format!("cannot be judged: {kind} live in no namespace, and may not be asked for")
        }
        WatchFailure::NoSuchKind => format!("cannot be judged: the cluster has no {kind}"),
        WatchFailure::Forbidden | WatchFailure::Passing | WatchFailure::Unwatchable => {
            format!("cannot be judged: how the cluster serves {kind} is not known")
        }
    }
}

/// How many requests are under way at once.
const READS_AT_ONCE: usize = 16;
/// How many objects, or lists of objects, are read.
const MOST_READS: usize = 2_000;
const TOO_MANY: &str = "was not judged: too many objects are asked for";

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        cluster::mock::{answer, mk_client},
        language::{Namespace, Subject, Term},
    };

    fn mk_key(term: &str) -> ObjectKey {
        let term: Term = term.parse().unwrap();
        let shop: Namespace = "shop".parse().unwrap();
        match term.condition(&shop).unwrap().unwrap().subject {
            Subject::Object(key) => *key,
            subject => panic!("{subject}"),
        }
    }

    #[tokio::test]
    async fn an_object_is_judged_by_what_is_read_and_one_that_may_not_be_read_is_unknown() {
        let (client, server) = mk_client();
        let words = "secrets \"s\" is forbidden: User \"x\" cannot get resource \"secrets\"";
        let pod = json!({
            "metadata": {"name": "db-0", "namespace": "shop", "labels": {"app": "db"}},
            "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]},
        });
        let server = answer(
            server,
            vec![
                (
                    404,
                    json!({"kind": "Status", "status": "Failure", "code": 404}),
                ),
                (
                    200,
                    json!({"kind": "PodList", "metadata": {}, "items": [pod]}),
                ),
                (
                    403,
                    json!({"kind": "Status", "status": "Failure", "message": words, "code": 403}),
                ),
            ],
        );
        let keys = ["job:migrate", "pod:[app=db]", "secret:s"].map(mk_key);
        let states = states(&client, keys.into()).await;
        drop(client);
        let asked = server.await.unwrap();
        assert_eq!(asked[0], "/apis/batch/v1/namespaces/shop/jobs/migrate");
        let list = "/api/v1/namespaces/shop/pods?&labelSelector=app%3Ddb";
        assert_eq!(asked[1], list);
        let [job, pods, secret] =
            ["job:migrate", "pod:[app=db]", "secret:s"].map(|term| states[&mk_key(term)].clone());
        assert_eq!(job, ObjectState::Absent);
        assert_eq!(pods, ObjectState::Holds);
        let ObjectState::Unknown(reason) = secret else {
            panic!("{secret:?}");
        };
        assert!(reason.contains(words), "{reason}");
    }
}
