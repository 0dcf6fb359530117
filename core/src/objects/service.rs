//! `service:x`: the Service has a ready endpoint.
//!
//! `publishNotReadyAddresses` needs no rule of its own: Kubernetes then reports every endpoint as
//! ready.

use oncue_language::ObjectState;
use serde_json::Value;

use super::{
    read::{flag, items},
    reason::pending,
};
use crate::workload::{owner, text, uid};

/// Judges a Service by the slices of its endpoints: those with its name in the label
/// [`SERVICE_NAME`].
pub(super) fn state<'a>(
    service: &Value,
    slices: impl IntoIterator<Item = &'a Value>,
) -> ObjectState {
    if text(service, "/spec/type") == Some("ExternalName") {
        let reason = "is of type ExternalName, which has no endpoints";
        return ObjectState::Unknown(reason.to_owned());
    }
    let own = slices
        .into_iter()
        .filter(|slice| !is_of_another(slice, service));
    let endpoints: Vec<_> = own
        .flat_map(|slice| items(slice, "/endpoints"))
        .filter(|endpoint| endpoint.is_object())
        .collect();
    if endpoints.iter().any(|endpoint| is_ready(endpoint)) {
        return ObjectState::Holds;
    }
    pending(match endpoints.as_slice() {
        [] if has_selector(service) => "has no endpoint",
        [] => "has no endpoint, and no selector that finds any",
        all if all.iter().all(|endpoint| is_terminating(endpoint)) => {
            "has no ready endpoint: all are terminating"
        }
        _ => "has no ready endpoint",
    })
}

/// An unknown readiness counts as ready, as the API has it.
fn is_ready(endpoint: &Value) -> bool {
    endpoint
        .pointer("/conditions/ready")
        .is_none_or(|ready| ready.as_bool().unwrap_or(true))
}

fn is_terminating(endpoint: &Value) -> bool {
    flag(endpoint, "/conditions/terminating")
}

fn has_selector(service: &Value) -> bool {
    let selector = service.pointer("/spec/selector").and_then(Value::as_object);
    selector.is_some_and(|selector| !selector.is_empty())
}

/// Returns whether a slice is left over from a Service that had the same name.
fn is_of_another(slice: &Value, service: &Value) -> bool {
    let owner = owner(slice).filter(|owner| owner.kind == "Service");
    owner.is_some_and(|owner| uid(service).is_some_and(|uid| uid != owner.uid))
}

/// The label of a slice with the name of its Service.
pub(super) const SERVICE_NAME: &str = "kubernetes.io/service-name";

/// The fields of a Service that this module reads.
pub(super) const READ: [&str; 2] = ["/spec/selector", "/spec/type"];

/// The fields of a slice that this module reads.
pub(super) const READ_SLICE: [&str; 2] = [
    "/endpoints/*/conditions/ready",
    "/endpoints/*/conditions/terminating",
];

#[cfg(test)]
mod tests {
    use oncue_language::ObjectDemand;
    use serde_json::json;

    use super::{
        super::tests::{judge, mk_named, reason},
        *,
    };

    const READY: &str = "ready";

    fn mk_service(spec: &Value) -> Value {
        json!({"metadata": {"name": "db", "uid": "u"}, "spec": spec})
    }

    fn mk_selecting() -> Value {
        mk_service(&json!({"type": "ClusterIP", "selector": {"app": "db"}}))
    }

    fn mk_slice(conditions: &[Value]) -> Value {
        let endpoint =
            |conditions: &Value| json!({"addresses": ["10.0.0.1"], "conditions": conditions});
        json!({
            "metadata": {
                "labels": {SERVICE_NAME: "x"},
                "ownerReferences": [{"apiVersion": "v1", "kind": "Service", "name": "db", "uid": "u", "controller": true}],
            },
            "addressType": "IPv4",
            "endpoints": conditions.iter().map(endpoint).collect::<Vec<_>>(),
        })
    }

    fn mk_terminating(serving: bool) -> Value {
        json!({READY: false, "serving": serving, "terminating": true})
    }

    fn judged(service: &Value, slices: &[Value]) -> Result<(), String> {
        reason(&judge(
            &mk_named("service", ObjectDemand::Rule),
            service,
            slices,
        ))
    }

    #[test]
    fn one_ready_endpoint_is_enough_in_any_slice() {
        let unready = json!({READY: false, "serving": false, "terminating": false});
        for ready in [
            json!({READY: true, "serving": true, "terminating": false}),
            json!({READY: null}),
            json!({}),
            Value::Null,
            // A Service that publishes addresses that are not ready.
            json!({READY: true, "serving": false, "terminating": true}),
        ] {
            let slices = [mk_slice(&[]), mk_slice(&[unready.clone(), ready.clone()])];
            assert_eq!(judged(&mk_selecting(), &slices), Ok(()), "{ready}");
        }
    }

    #[test]
    fn endpoints_that_are_not_ready_do_not_hold() {
        let unready = json!({READY: false, "serving": false, "terminating": false});
        for (conditions, expected) in [
            (vec![], "has no endpoint"),
            (vec![unready.clone()], "has no ready endpoint"),
            (
                vec![unready.clone(), mk_terminating(true)],
                "has no ready endpoint",
            ),
            (
                vec![mk_terminating(true), mk_terminating(false)],
                "has no ready endpoint: all are terminating",
            ),
        ] {
            let slices = [mk_slice(&conditions)];
            assert_eq!(judged(&mk_selecting(), &slices), Err(expected.to_owned()));
        }
        assert_eq!(
            judged(&mk_selecting(), &[]),
            Err("has no endpoint".to_owned())
        );
        let mut none = mk_slice(&[]);
        none["endpoints"] = json!([null]);
        assert_eq!(
            judged(&mk_selecting(), &[none]),
            Err("has no endpoint".to_owned())
        );
    }

    #[test]
    fn a_service_without_a_selector_has_the_endpoints_that_someone_wrote() {
        let mut by_hand = mk_slice(&[json!({READY: true})]);
        by_hand["metadata"]["ownerReferences"] = Value::Null;
        for spec in [json!({"type": "ClusterIP"}), json!({"selector": {}})] {
            let service = mk_service(&spec);
            assert_eq!(judged(&service, std::slice::from_ref(&by_hand)), Ok(()));
            let expected = "has no endpoint, and no selector that finds any".to_owned();
            assert_eq!(judged(&service, &[]), Err(expected));
        }
    }

    #[test]
    fn an_external_name_never_has_endpoints() {
        let service =
            mk_service(&json!({"type": "ExternalName", "externalName": "db.example.com"}));
        let expected = "is of type ExternalName, which has no endpoints".to_owned();
        assert_eq!(
            judged(&service, &[mk_slice(&[json!({READY: true})])]),
            Err(expected)
        );
    }

    #[test]
    fn slices_of_an_earlier_service_of_the_name_do_not_count() {
        let mut slice = mk_slice(&[json!({READY: true})]);
        slice["metadata"]["ownerReferences"][0]["uid"] = "earlier".into();
        let slices = [slice];
        assert_eq!(
            judged(&mk_selecting(), &slices),
            Err("has no endpoint".to_owned())
        );
        let mut slices = slices;
        // Kubernetes copies Endpoints that someone wrote.
        slices[0]["metadata"]["ownerReferences"][0]["kind"] = "Endpoints".into();
        assert_eq!(judged(&mk_selecting(), &slices), Ok(()));
    }
}
