//! Connections to the store's pods: TLS through a port-forward, with a token.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use anyhow::{Context, Result};
use http::{
    HeaderValue, Request, Response,
    header::{AUTHORIZATION, HOST},
};
use http_body_util::{BodyExt, Full};
use hyper::{
    body::Bytes,
    client::conn::http1::{SendRequest, handshake},
};
use hyper_util::rt::TokioIo;
use k8s_openapi::api::{
    admissionregistration::v1::MutatingWebhookConfiguration, authentication::v1::TokenRequestSpec,
    core::v1::Pod,
};
use kube::{Api, Client};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::Mutex,
    time::timeout,
};
use tokio_rustls::{
    TlsConnector,
    rustls::{
        ClientConfig, RootCertStore,
        pki_types::{CertificateDer, ServerName, pem::PemObject},
    },
};

use super::tokens::{AUDIENCE, request_token};
use crate::cluster::{RELEASE, SYSTEM};

/// Who calls the store.
#[derive(Clone, Debug)]
pub(super) enum Caller {
    /// Someone without a token.
    Anonymous,
    /// An operator.
    Operator,
    /// The owner of this token.
    Token(String),
}

/// Idle connections, by pod.
#[derive(Default)]
pub(super) struct Connections {
    idle: Mutex<BTreeMap<String, Vec<Connection>>>,
    /// A token of an operator.
    operator: Mutex<Option<String>>,
}

pub(super) type Connection = SendRequest<Full<Bytes>>;

impl Connections {
    /// Sends a request to a pod of the store, and returns its whole answer; `None` if the store
    /// knows no operators, because it is of a version without TLS.
    pub(super) async fn send(
        &self,
        (client, pod): (&Client, &str),
        caller: &Caller,
        request: &Request<Bytes>,
    ) -> Result<Option<Response<Bytes>>> {
        // The store may have closed an idle connection.
        while let Some(connection) = self.idle(pod).await {
            let Some(request) = self.signed(request, caller).await? else {
                break;
            };
            if let Ok(answer) = self.send_on((pod, connection), request).await {
                return Ok(Some(answer));
            }
        }
        // With another installation, the account is another one too.
        if matches!(caller, Caller::Operator) {
            self.become_operator(client).await?;
        }
        let Some(request) = self.signed(request, caller).await? else {
            return Ok(None);
        };
        let connected = timeout(CONNECT, Box::pin(connect(client, pod))).await;
        let connection = connected.context("no connection in time")??;
        self.send_on((pod, connection), request).await.map(Some)
    }

    /// Returns a request with the token of its caller; `None` if there is no token of an operator.
    async fn signed(
        &self,
        request: &Request<Bytes>,
        caller: &Caller,
    ) -> Result<Option<Request<Full<Bytes>>>> {
        let operator = self.operator.lock().await;
        let token = match (caller, &*operator) {
            (Caller::Anonymous, _) => None,
            (Caller::Operator, None) => return Ok(None),
            (Caller::Operator, Some(token)) | (Caller::Token(token), _) => Some(token),
        };
        let mut request = request.clone().map(Full::new);
        let headers = request.headers_mut();
        headers.insert(HOST, HeaderValue::from_static(NAME));
        if let Some(token) = token {
            let bearer = HeaderValue::try_from(format!("Bearer {token}"))?;
            headers.insert(AUTHORIZATION, bearer);
        }
        Ok(Some(request))
    }

    async fn idle(&self, pod: &str) -> Option<Connection> {
        self.idle.lock().await.get_mut(pod)?.pop()
    }

    async fn send_on(
        &self,
        (pod, mut connection): (&str, Connection),
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Bytes>> {
        let answer = timeout(ANSWER, async {
            connection.ready().await?;
            let (head, body) = connection.send_request(request).await?.into_parts();
            let body = body.collect().await?.to_bytes();
            anyhow::Ok(Response::from_parts(head, body))
        });
        let answer = answer.await.context("no answer in time")??;
        let mut idle = self.idle.lock().await;
        idle.entry(pod.to_owned()).or_default().push(connection);
        Ok(answer)
    }

    /// Requests a token of the operator's account, if there is such an account.
    async fn become_operator(&self, client: &Client) -> Result<()> {
        let request = TokenRequestSpec {
            audiences: vec![AUDIENCE.to_owned()],
            ..TokenRequestSpec::default()
        };
        let accounts = Api::namespaced(client.clone(), SYSTEM);
        let issued = match request_token((accounts, OPERATOR), request).await {
            Ok(token) => Some(token),
            Err(kube::Error::Api(status)) if status.is_not_found() => None,
            Err(error) => return Err(error.into()),
        };
        *self.operator.lock().await = issued;
        Ok(())
    }
}

async fn connect(client: &Client, pod: &str) -> Result<Connection> {
    let pods: Api<Pod> = Api::namespaced(client.clone(), SYSTEM);
    let mut forwarder = pods.portforward(pod, &[PORT]).await?;
    let stream = forwarder
        .take_stream(PORT)
        .context("the port is forwarded")?;
    let tls = TlsConnector::from(Arc::new(trust(client).await?));
    let secured = secure(&tls, stream).await;
    let (sender, connection) = secured.with_context(|| format!("with {pod}"))?;
    tokio::spawn(async move {
        // The next request on the connection says what is wrong with it.
        let _ = connection.await;
        drop(forwarder);
    });
    Ok(sender)
}

/// Begins to speak HTTP/1.1 over TLS with a store. The future is the connection, which someone has to
/// run.
pub(super) async fn secure<T>(
    tls: &TlsConnector,
    stream: T,
) -> Result<(Connection, impl Future<Output = hyper::Result<()>> + use<T>)>
where
    T: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let stream = tls.connect(ServerName::try_from(NAME)?, stream).await;
    let stream = stream.context("the store speaks no TLS that we trust")?;
    Ok(handshake(TokioIo::new(stream)).await?)
}

/// Returns the trust in the authority of the installation.
pub(super) async fn trust(client: &Client) -> Result<ClientConfig> {
    let bundle = published_authority(client).await?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(bundle.as_bytes()) {
        roots.add(certificate?)?;
    }
    let config = ClientConfig::builder().with_root_certificates(roots);
    Ok(config.with_no_client_auth())
}

/// Returns the authority's certificates in PEM, as the API server has them: tests damage the Secret.
pub(super) async fn published_authority(client: &Client) -> Result<String> {
    let configurations: Api<MutatingWebhookConfiguration> = Api::all(client.clone());
    let found = configurations.get(RELEASE).await?;
    let entries = found.webhooks.unwrap_or_default().into_iter();
    let mut bundles = entries.filter_map(|entry| entry.client_config.ca_bundle);
    let bundle = bundles.next().context("a caBundle is published")?.0;
    Ok(String::from_utf8(bundle)?)
}

/// How long a connection may take: a node that is gone answers nothing.
const CONNECT: Duration = Duration::from_secs(20);

/// How long an answer may take: longer than the store holds a wait.
const ANSWER: Duration = Duration::from_secs(90);

const OPERATOR: &str = "oncue-operator";
pub(super) const NAME: &str = "oncue-store.oncue-system.svc";
pub(super) const PORT: u16 = 9999;
