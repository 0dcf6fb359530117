//! No bytes make the API panic, and whatever is wrong is a problem document.

use std::time::Duration;

use axum::body::Body;
use http::{Method, Request, Uri};
use proptest::prelude::*;

use super::kit::{Kit, Making};
use crate::api::{Settings, routes};

/// A path of the API or anything else, with anything in the place of its parameters.
fn any_path() -> impl Strategy<Value = String> {
    let known: Vec<_> = routes::table().iter().map(|(path, _)| *path).collect();
    let part = "[ -~]{0,12}|[a-z]{1,3}(/[a-z]{1,3}){0,2}|(%[0-9a-fA-F]{2}){1,3}";
    let filled = (
        prop::sample::select(known),
        part,
        part,
        "(\\?[ -~]{0,20})?|\\?(variable|prefix|tree|namespace)=[a-z%/]{0,5}",
    )
        .prop_map(|(path, namespace, name, query)| {
            path.replace("{namespace}", &namespace)
                .replace("{*name}", &name)
                + &query
        });
    prop_oneof![4 => filled, 1 => "/[ -~]{0,30}"]
}

/// Bytes, JSON of the right shape, and what lies between.
fn any_body() -> impl Strategy<Value = Vec<u8>> {
    let member = "(variable|namespace|config|value|ttl|kind|owner|terms|revision|waiter|since)";
    let value = "(\"[ -!#-\\[\\]-~]{0,9}\"|null|7|\\[(\"[!?a-z/:@=*>0-9$()]{0,9}\")?\\]|\\{\\})";
    let object = format!("\\{{(\"{member}\":{value}(,\"{member}\":{value}){{0,2}})?\\}}");
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..64),
        prop::string::string_regex(&object)
            .unwrap()
            .prop_map(String::into_bytes),
    ]
}

fn any_method() -> impl Strategy<Value = Method> {
    prop::sample::select(vec![
        Method::GET,
        Method::POST,
        Method::PUT,
        Method::DELETE,
        Method::HEAD,
        Method::PATCH,
    ])
}

/// Answers one request on a fresh store; the kit holds the answer against the contract.
fn answer(method: Method, uri: Uri, body: Vec<u8>) {
    let mut request = Request::new(Body::from(body));
    *request.method_mut() = method;
    *request.uri_mut() = uri;
    let settings = Settings {
        hold: Duration::ZERO,
        ..Settings::default()
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    runtime.block_on(async {
        let kit = Kit::of(Making {
            settings,
            ..Making::default()
        })
        .await;
        let reply = kit.send(request).await;
        let is_error = reply.status.is_client_error() || reply.status.is_server_error();
        assert_eq!(
            is_error,
            reply.header("content-type") == "application/problem+json",
            "{reply:?}"
        );
        assert!(!reply.status.is_server_error(), "{reply:?}");
    });
}

proptest! {
    #[test]
    fn every_request_gets_a_success_or_a_problem(
        method in any_method(),
        path in any_path(),
        body in any_body(),
    ) {
        // What is no URI at all never reaches a router.
        if let Ok(uri) = path.parse() {
            answer(method, uri, body);
        }
    }
}
