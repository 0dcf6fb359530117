//! A store and a webhook, on loopback.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::SystemTime,
};

use axum::Router;
use oncue_language::{Condition, Grace, Namespace, State};
use oncue_simulation::{StoreView, cluster::Pod};
use oncue_webhook_certs::{Authority, CertificateError, SwappableCertificate};
use prometheus_client::registry::Registry;
use rustls::{ServerConfig, pki_types::ServerName};
use thiserror::Error;
use tokio::task::JoinSet;

use super::api_server::{ApiServer, ReviewError};
use crate::{
    api,
    identity::Access,
    memory::{StoreMemory, WebhookMemory},
    net::{
        self, BindError, Endpoint, NetMetrics, Phase, ServeContext, Shutdown, ShutdownTrigger,
        Transport,
    },
    rehearsal::admission::settings,
    store::{self, Memory, ObjectSource, Store, StoreError, SystemClock},
    webhook::{self, Strictness, WebhookMetrics},
};

/// The name on the webhook's certificate, as of its Service in a cluster.
const WEBHOOK_NAME: &str = "oncue-webhook.oncue-system.svc";

/// A store and a webhook, each behind its own listener, and a client of the webhook.
#[derive(Debug)]
pub(super) struct Servers {
    pub(super) store: Store,
    pub(super) api_server: ApiServer,
    shutdown: ShutdownTrigger,
    listeners: JoinSet<()>,
}

impl Servers {
    /// Starts both on ports of their own.
    pub(super) async fn start() -> Result<Self, ServersError> {
        let memory = StoreMemory::default();
        let store = Store::open(
            Arc::new(Memory::new(memory.variables)),
            store::Limits::within(net::Limits::STORE.connections, memory),
            Arc::new(SystemClock),
        )
        .await?;
        store.judge_objects(ObjectSource::Fed);
        let (trigger, shutdown) = Shutdown::new();
        let context = ServeContext {
            shutdown,
            metrics: NetMetrics::default(),
        };
        let mut listeners = JoinSet::new();
        let url = serve_store(&store, &context, &mut listeners)?;
        let reviews = webhook::Context {
            settings: settings(&url).into(),
            strictness: Strictness::Warn,
            metrics: WebhookMetrics::default(),
        };
        let webhook = webhook::router(reviews, WebhookMemory::default());
        let api_server = serve_webhook(webhook, context, &mut listeners)?;
        Ok(Self {
            store,
            api_server,
            shutdown: trigger,
            listeners,
        })
    }

    /// Returns what the store knows at this moment.
    pub(super) fn snapshot(&self) -> Snapshot<'_> {
        let mut held = Vec::new();
        let mut position = None;
        loop {
            let page = self.store.waiters(None, usize::MAX, position);
            let pods = page.waiters.into_iter().map(|waiter| waiter.who);
            held.extend(pods.filter_map(|who| Some((who.namespace.to_string(), who.pod?))));
            position = page.next;
            if position.is_none() {
                let store = &self.store;
                return Snapshot { store, held };
            }
        }
    }

    /// Stops both, with all connections.
    pub(super) async fn stop(mut self) {
        self.shutdown.advance(Phase::Draining);
        self.listeners.shutdown().await;
    }
}

fn serve_store(
    store: &Store,
    context: &ServeContext,
    listeners: &mut JoinSet<()>,
) -> Result<String, ServersError> {
    let listener = net::bind((Ipv4Addr::LOCALHOST, 0).into())?;
    let url = format!("http://{}", listener.local_addr()?);
    let mut registry = Registry::default();
    let metrics = api::Metrics::register(store, &mut registry);
    let router = api::router(
        store.clone(),
        api::Settings::default(),
        api::Context {
            shutdown: context.shutdown.clone(),
            metrics,
            registry: Arc::new(registry),
            access: Access::default(),
        },
    );
    let endpoint = Endpoint {
        name: "store",
        listener,
        transport: Transport::Plain,
        limits: net::Limits::STORE,
    };
    listeners.spawn(net::serve(endpoint, router, context.clone()));
    Ok(url)
}

/// Serves the webhook under an authority of its own, and returns a client of it.
fn serve_webhook(
    router: Router,
    context: ServeContext,
    listeners: &mut JoinSet<()>,
) -> Result<ApiServer, ServersError> {
    let now = SystemTime::now();
    let name = ServerName::try_from(WEBHOOK_NAME).expect("a Service's name is a DNS name");
    let authority = Authority::generate(now)?;
    let listener = net::bind((Ipv4Addr::LOCALHOST, 0).into())?;
    let address: SocketAddr = listener.local_addr()?;
    let endpoint = Endpoint {
        name: "webhook",
        listener,
        transport: Transport::Tls(server_config(&authority, &name)?),
        limits: net::Limits::WEBHOOK,
    };
    listeners.spawn(net::serve(endpoint, router, context));
    let certificate = authority.certificate().der().clone();
    Ok(ApiServer::new(address, name, certificate)?)
}

fn server_config(
    authority: &Authority,
    name: &ServerName<'static>,
) -> Result<Arc<ServerConfig>, ServersError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let leaf = authority.issue(std::slice::from_ref(name), SystemTime::now())?;
    let certificate = SwappableCertificate::new(leaf.into_certified_key(&provider)?);
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(certificate));
    Ok(Arc::new(config))
}

/// What the store knows at one moment.
pub(super) struct Snapshot<'a> {
    store: &'a Store,
    /// The namespace and name of every pod whose wait is held.
    held: Vec<(String, Box<str>)>,
}

impl StoreView for Snapshot<'_> {
    /// This store knows of no pods, so that every failure counts for every wait.
    fn judge(&self, conditions: &[Condition], _grace: Grace) -> Vec<State> {
        // A store that is fed with objects judges everything.
        // It has no rules for reads of other namespaces either.
        let asker = (Grace::Over, &Namespace::default());
        let answer = self.store.judge(&conditions.into(), asker);
        answer.map_or_else(|_| Vec::new(), |answer| answer.states().collect())
    }

    fn holds(&self, pod: &Pod) -> bool {
        let is_it = |(namespace, name): &(String, Box<str>)| {
            namespace == pod.namespace().as_str() && **name == *pod.name()
        };
        self.held.iter().any(is_it)
    }
}

/// Why there is no store or no webhook.
#[derive(Debug, Error)]
pub(crate) enum ServersError {
    /// The webhook cannot be reached.
    #[error(transparent)]
    Review(#[from] ReviewError),
    /// No port is left.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// There is no certificate.
    #[error("failed to make the webhook's certificate")]
    Certificate(#[from] CertificateError),
    /// A socket does not know its address.
    #[error("failed to read a socket's address")]
    Io(#[from] io::Error),
    /// There is no store.
    #[error("failed to open the store")]
    Store(#[from] StoreError),
    /// TLS cannot be set up.
    #[error("failed to set up TLS")]
    Tls(#[from] rustls::Error),
}

#[cfg(test)]
mod tests {
    use axum::{
        Json,
        http::header::{CONNECTION, HeaderMap},
        routing::post,
    };
    use oncue_language::Namespace;
    use oncue_simulation::{Admission, Creation};
    use serde_json::json;

    use super::*;

    #[tokio::test]
    async fn connects_again_if_the_webhook_has_closed_the_connection() {
        let answer = || async {
            let closing = HeaderMap::from_iter([(CONNECTION, "close".parse().unwrap())]);
            (closing, Json(json!({"response": {"allowed": true}})))
        };
        let (_trigger, shutdown) = Shutdown::new();
        let context = ServeContext {
            shutdown,
            metrics: NetMetrics::default(),
        };
        let mut listeners = JoinSet::new();
        let router = Router::new().route("/mutate", post(answer));
        let mut api_server = serve_webhook(router, context, &mut listeners).unwrap();
        for _ in 0..3 {
            let creation = Creation {
                namespace: &Namespace::default(),
                pod: "web",
                file: "web.yaml",
                object: &json!({"metadata": {"name": "web"}}),
            };
            let admission = api_server.admit(creation).await.unwrap();
            assert!(matches!(admission, Admission::Allowed { .. }));
        }
    }
}
