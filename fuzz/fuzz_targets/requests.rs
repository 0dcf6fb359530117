//! Any request gets an answer from the store, and every error is a problem document.
#![no_main]

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode, header},
};
use libfuzzer_sys::{Corpus, arbitrary, arbitrary::Arbitrary, fuzz_target};
use oncue::{
    memory::{Budget, StoreMemory},
    api::{self, Metrics},
    identity::Access,
    net::Shutdown,
    store::{Limits, Memory, Store, SystemClock},
};
use prometheus_client::registry::Registry;
use tokio::runtime::{Builder, Runtime};
use tower::ServiceExt;

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    method: Method,
    path: Path<'a>,
    content_type: Option<&'a str>,
    body: Payload<'a>,
}

#[derive(Arbitrary, Debug)]
enum Method {
    Delete,
    Get,
    Head,
    Post,
    Put,
}

#[derive(Arbitrary, Debug)]
enum Path<'a> {
    Legacy { query: &'a str },
    Other(&'a str),
    Variables { namespace: &'a str, name: &'a str },
    Wait { namespace: &'a str },
    Waiters { namespace: &'a str },
}

#[derive(Arbitrary, Debug)]
enum Payload<'a> {
    Bytes(&'a [u8]),
    Legacy {
        variable: &'a str,
        namespace: Option<&'a str>,
    },
    Terms(Vec<&'a str>),
    Variable {
        value: &'a str,
        ttl: &'a str,
        kind: &'a str,
    },
}

impl Path<'_> {
    fn text(&self) -> String {
        match self {
            Self::Legacy { query } => format!("/?{query}"),
            Self::Other(path) => format!("/{path}"),
            Self::Variables { namespace, name } => {
                format!("/v1/namespaces/{namespace}/variables/{name}")
            }
            Self::Wait { namespace } => format!("/v1/namespaces/{namespace}/wait"),
            Self::Waiters { namespace } => format!("/v1/namespaces/{namespace}/waiters"),
        }
    }
}

impl Payload<'_> {
    fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Bytes(bytes) => bytes.to_vec(),
            Self::Legacy {
                variable,
                namespace,
            } => serde_json::json!({"variable": variable, "namespace": namespace})
                .to_string()
                .into(),
            Self::Terms(terms) => serde_json::json!({"terms": terms}).to_string().into(),
            Self::Variable { value, ttl, kind } => {
                serde_json::json!({"value": value, "ttl": ttl, "kind": kind})
                    .to_string()
                    .into()
            }
        }
    }
}

fn server() -> &'static (Runtime, Router) {
    static SERVER: OnceLock<(Runtime, Router)> = OnceLock::new();
    SERVER.get_or_init(|| {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let router = runtime.block_on(async {
            let store = Store::open(
                Arc::new(Memory::new(Budget::UNLIMITED)),
                Limits::within(1000, StoreMemory::default()),
                Arc::new(SystemClock),
            )
            .await
            .expect("a store in memory opens");
            let mut registry = Registry::default();
            let context = api::Context {
                shutdown: Shutdown::new().1,
                metrics: Metrics::register(&store, &mut registry),
                registry: Arc::new(registry),
                access: Access::default(),
            };
            let settings = api::Settings {
                hold: Duration::ZERO,
                ..api::Settings::default()
            };
            api::router(store, settings, context)
        });
        (runtime, router)
    })
}

fuzz_target!(|input: Input<'_>| -> Corpus {
    let method = match input.method {
        Method::Delete => "DELETE",
        Method::Get => "GET",
        Method::Head => "HEAD",
        Method::Post => "POST",
        Method::Put => "PUT",
    };
    let mut request = Request::builder().method(method).uri(input.path.text());
    if let Some(content_type) = input.content_type {
        request = request.header(header::CONTENT_TYPE, content_type);
    }
    let Ok(request) = request.body(Body::from(input.body.bytes())) else {
        return Corpus::Reject;
    };
    let (runtime, router) = server();
    let response = runtime
        .block_on(router.clone().oneshot(request))
        .unwrap_or_else(|never| match never {});
    let status = response.status();
    assert_ne!(status, StatusCode::INTERNAL_SERVER_ERROR, "{input:?}");
    if status.is_client_error() {
        let kind = response.headers().get(header::CONTENT_TYPE);
        assert_eq!(
            kind.map(|kind| kind.as_bytes()),
            Some(&b"application/problem+json"[..]),
            "{input:?}"
        );
    }
    Corpus::Keep
});
