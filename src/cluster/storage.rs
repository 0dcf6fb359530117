//! Where an installation keeps its variables, as a person with few rights can tell.

use k8s_openapi::api::core::v1::{Container, Pod};
use kube::{Api, Client, api::ListParams};
use oncue_signals::{GROUP, PLURAL, VERSION};

use super::{
    ApiError, call,
    store_pod::{LABELS, MAX_PODS, is_ready},
};
use crate::language::Namespace;

/// Where an installation keeps its variables.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Storage {
    /// In its store, which is reached over HTTP.
    Store,
    /// As Signals: objects of the cluster.
    Signals,
}

/// Where an installation keeps its variables, and how that is known.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct FoundStorage {
    pub(crate) storage: Storage,
    /// A clause, such as `its store runs with --store=kubernetes`.
    pub(crate) evidence: String,
    /// What a client of the store needs besides its address, if the store asks for tokens.
    pub(crate) secured: Option<Secured>,
}

/// A store that speaks TLS and asks for tokens.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Secured {
    /// The name in its certificate, if its arguments say it.
    pub(crate) name: Option<String>,
    /// The `ServiceAccount` of its operators, in its namespace.
    pub(crate) operator: Option<String>,
}

/// Finds out where the installation in a namespace keeps its variables.
///
/// The arguments of its store say so. For those who may not list its pods, the API decides: the
/// Signals, once a cluster has the resource.
///
/// # Errors
/// [`ApiError`] if the API server cannot be asked.
pub(crate) async fn find_storage(
    client: &Client,
    namespace: &Namespace,
) -> Result<FoundStorage, ApiError> {
    let pods: Api<Pod> = Api::namespaced(client.clone(), namespace.as_str());
    let of_the_store = ListParams::default().labels(LABELS).limit(MAX_PODS);
    let blind = match call(pods.list(&of_the_store)).await {
        Ok(found) => match of_pods(&found.items) {
            Some(found) => return Ok(found),
            None => format!("no pod of its store is in the namespace {namespace}"),
        },
        Err(ApiError::Forbidden(_)) => {
            format!("you may not list the pods of its store in the namespace {namespace}")
        }
        Err(error) => return Err(error),
    };
    let (storage, verb) = if serves_signals(client).await? {
        (Storage::Signals, "serves")
    } else {
        (Storage::Store, "does not serve")
    };
    Ok(FoundStorage {
        storage,
        evidence: format!("{blind}, and the API server {verb} {PLURAL}.{GROUP}/{VERSION}"),
        secured: None,
    })
}

/// Returns what the pods of a store say, ready ones first.
fn of_pods(pods: &[Pod]) -> Option<FoundStorage> {
    let (ready, others): (Vec<_>, Vec<_>) = pods.iter().partition(|pod| is_ready(pod));
    let mut pods = ready.into_iter().chain(others);
    let (pod, kind) = pods.find_map(|pod| Some((pod, argument(pod, "--store")?)))?;
    Some(FoundStorage {
        storage: match kind {
            "kubernetes" => Storage::Signals,
            _ => Storage::Store,
        },
        evidence: format!("its store runs with --store={kind}"),
        secured: secured(pod),
    })
}

/// Returns what the clients of a pod need, if it asks for tokens.
fn secured(pod: &Pod) -> Option<Secured> {
    let is_secured = argument(pod, "--identity") == Some("kubernetes");
    let first = |names: &str| names.split(',').next().map(str::to_owned);
    is_secured.then(|| Secured {
        name: argument(pod, "--store-name").and_then(first),
        operator: argument(pod, "--operator").map(str::to_owned),
    })
}

/// Returns the value of a flag of a pod, which is written `--flag=value` or `--flag value`.
fn argument<'a>(pod: &'a Pod, flag: &str) -> Option<&'a str> {
    let containers = pod.spec.iter().flat_map(|spec| &spec.containers);
    containers.into_iter().find_map(|Container { args, .. }| {
        let args = args.as_deref().unwrap_or_default();
        let joined = |arg: &'a String| arg.strip_prefix(flag)?.strip_prefix('=');
        let apart = || {
            let at = args.iter().position(|arg| arg == flag)?;
            args.get(at + 1).map(String::as_str)
        };
        args.iter().find_map(joined).or_else(apart)
    })
}

async fn serves_signals(client: &Client) -> Result<bool, ApiError> {
    let version = format!("{GROUP}/{VERSION}");
    match call(client.list_api_group_resources(&version)).await {
        Ok(list) => Ok(list.resources.iter().any(|it| it.name == PLURAL)),
        Err(ApiError::NotFound(_)) => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::cluster::mock::{answer, mk_client};

    fn mk_pod(ready: &str, args: &[&str]) -> Value {
        json!({
            "metadata": {"name": "a"},
            "spec": {"containers": [{"name": "proxy"}, {"name": "store", "args": args}]},
            "status": {"conditions": [{"type": "Ready", "status": ready}]},
        })
    }

    fn mk_pods(pods: &[Value]) -> (u16, Value) {
        (
            200,
            json!({"kind": "PodList", "metadata": {}, "items": pods}),
        )
    }

    fn mk_failure(code: u16) -> (u16, Value) {
        let status = json!({"kind": "Status", "status": "Failure", "message": "no", "code": code});
        (code, status)
    }

    fn mk_resources(name: &str) -> (u16, Value) {
        let resource =
            json!({"name": name, "singularName": "", "namespaced": true, "kind": "K", "verbs": []});
        (
            200,
            json!({"groupVersion": "oncue.dev/v1alpha1", "resources": [resource]}),
        )
    }

    #[tokio::test]
    async fn the_pods_of_the_store_say_it_and_for_those_who_may_not_see_them_the_api_does() {
        let kubernetes = mk_pod("True", &["serve", "--store=kubernetes"]);
        let embedded = mk_pod("True", &["serve", "--store", "embedded"]);
        let unready = mk_pod("False", &["serve", "--store=kubernetes"]);
        let forbidden = "you may not list the pods of its store in the namespace oncue-system";
        for (answers, expected, evidence) in [
            (
                vec![mk_pods(&[kubernetes])],
                Storage::Signals,
                "--store=kubernetes",
            ),
            (
                vec![mk_pods(&[unready.clone(), embedded])],
                Storage::Store,
                "--store=embedded",
            ),
            (
                vec![mk_pods(&[unready])],
                Storage::Signals,
                "--store=kubernetes",
            ),
            (
                vec![mk_failure(403), mk_resources("signals")],
                Storage::Signals,
                forbidden,
            ),
            (
                vec![mk_failure(403), mk_failure(404)],
                Storage::Store,
                forbidden,
            ),
            (
                vec![mk_pods(&[]), mk_resources("signals")],
                Storage::Signals,
                "no pod",
            ),
            (
                vec![mk_pods(&[]), mk_resources("others")],
                Storage::Store,
                "does not serve",
            ),
        ] {
            let (client, server) = mk_client();
            let server = answer(server, answers);
            let found = find_storage(&client, &"oncue-system".parse().unwrap())
                .await
                .unwrap();
            drop(client);
            server.await.unwrap();
            assert_eq!(found.storage, expected, "{}", found.evidence);
            assert!(found.evidence.contains(evidence), "{}", found.evidence);
        }
    }

    #[test]
    fn the_arguments_of_a_store_say_what_its_clients_need() {
        let pod = |args: &[&str]| serde_json::from_value(mk_pod("True", args)).unwrap();
        let secured = |args: &[&str]| of_pods(&[pod(args)]).unwrap().secured;
        let plain = ["--store=embedded", "--operator=oncue-operator"];
        assert_eq!(secured(&plain), None);
        assert_eq!(secured(&["--store=embedded", "--identity=none"]), None);
        let names = "--store-name=oncue-store.oncue-system.svc,oncue-store";
        let all = ["--store=embedded", "--identity=kubernetes", plain[1], names];
        let expected = Secured {
            name: Some("oncue-store.oncue-system.svc".to_owned()),
            operator: Some("oncue-operator".to_owned()),
        };
        assert_eq!(secured(&all), Some(expected));
        let bare = Secured {
            name: None,
            operator: None,
        };
        assert_eq!(
            secured(&["--store", "embedded", "--identity", "kubernetes"]),
            Some(bare)
        );
    }

    #[tokio::test]
    async fn an_api_server_that_does_not_answer_decides_nothing() {
        let (client, server) = mk_client();
        let server = answer(server, vec![mk_failure(500)]);
        let found = find_storage(&client, &"oncue-system".parse().unwrap()).await;
        drop(client);
        server.await.unwrap();
        assert!(found.is_err());
    }
}
