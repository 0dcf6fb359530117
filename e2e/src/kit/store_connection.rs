//! Connections to the store's pods as an operator: TLS through a port-forward, with a token.

use std::{collections::BTreeMap, sync::Arc};

use anyhow::{Context, Result};
use http::{Request, Response, header::AUTHORIZATION};
use http_body_util::Full;
use hyper::{
    body::{Bytes, Incoming},
    client::conn::http1::{SendRequest, handshake},
};
use hyper_util::rt::TokioIo;
use k8s_openapi::api::{
    authentication::v1::{TokenRequest, TokenRequestSpec},
    core::v1::{Pod, Secret, ServiceAccount},
};
use kube::{Api, Client, api::PostParams};
use tokio::sync::Mutex;
use tokio_rustls::{
    TlsConnector,
    rustls::{
        ClientConfig, RootCertStore,
        pki_types::{CertificateDer, ServerName, pem::PemObject},
    },
};

use crate::cluster::SYSTEM;

/// Idle connections, by pod.
#[derive(Default)]
pub(super) struct Connections(Mutex<BTreeMap<String, Vec<Connection>>>);

/// One connection, with the token of an operator.
struct Connection {
    sender: SendRequest<Full<Bytes>>,
    token: String,
}

impl Connections {
    /// Sends a request to a pod of the store; `None` if the store knows no operators, because it is
    /// of a version without TLS.
    pub(super) async fn send(
        &self,
        client: &Client,
        pod: &str,
        request: &Request<Bytes>,
    ) -> Result<Option<Response<Incoming>>> {
        // The store may have closed an idle connection.
        while let Some(connection) = self.idle(pod).await {
            if let Ok(response) = self.send_on(pod, connection, request).await {
                return Ok(Some(response));
            }
        }
        let Some(connection) = Connection::open(client, pod).await? else {
            return Ok(None);
        };
        self.send_on(pod, connection, request).await.map(Some)
    }

    async fn idle(&self, pod: &str) -> Option<Connection> {
        self.0.lock().await.get_mut(pod)?.pop()
    }

    async fn send_on(
        &self,
        pod: &str,
        mut connection: Connection,
        request: &Request<Bytes>,
    ) -> Result<Response<Incoming>> {
        connection.sender.ready().await?;
        let mut sent = Request::builder()
            .method(request.method())
            .uri(request.uri())
            .header("host", NAME)
            .header(AUTHORIZATION, format!("Bearer {}", connection.token));
        for (name, value) in request.headers() {
            sent = sent.header(name, value);
        }
        let sent = sent.body(Full::new(request.body().clone()))?;
        let response = connection.sender.send_request(sent).await?;
        let mut idle = self.0.lock().await;
        idle.entry(pod.to_owned()).or_default().push(connection);
        Ok(response)
    }
}

impl Connection {
    async fn open(client: &Client, pod: &str) -> Result<Option<Self>> {
        let Some(token) = token(client).await? else {
            return Ok(None);
        };
        let pods: Api<Pod> = Api::namespaced(client.clone(), SYSTEM);
        let mut forwarder = pods.portforward(pod, &[PORT]).await?;
        let stream = forwarder
            .take_stream(PORT)
            .context("the port is forwarded")?;
        let tls = TlsConnector::from(Arc::new(trust(client).await?));
        let stream = tls.connect(ServerName::try_from(NAME)?, stream).await;
        let stream = stream.with_context(|| format!("{pod} speaks no TLS that we trust"))?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        tokio::spawn(async move {
            // The next request on the connection says what is wrong with it.
            let _ = connection.await;
            drop(forwarder);
        });
        Ok(Some(Self { sender, token }))
    }
}

/// Requests a token of the operator's account; `None` if there is no such account.
async fn token(client: &Client) -> Result<Option<String>> {
    let accounts: Api<ServiceAccount> = Api::namespaced(client.clone(), SYSTEM);
    let request = TokenRequest {
        spec: TokenRequestSpec {
            audiences: vec!["oncue".to_owned()],
            ..TokenRequestSpec::default()
        },
        ..TokenRequest::default()
    };
    let params = PostParams::default();
    let issued = accounts.create_token_request("oncue-operator", &params, &request);
    match issued.await {
        Ok(issued) => {
            let status = issued.status.context("the API server issued a token")?;
            Ok(Some(status.token))
        }
        Err(kube::Error::Api(status)) if status.is_not_found() => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Returns the trust in the authority of the installation.
async fn trust(client: &Client) -> Result<ClientConfig> {
    let secrets: Api<Secret> = Api::namespaced(client.clone(), SYSTEM);
    let data = secrets.get(AUTHORITY).await?.data.unwrap_or_default();
    let pem = data.get("ca.crt").context("there is an authority")?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem.0) {
        roots.add(certificate?)?;
    }
    let config = ClientConfig::builder().with_root_certificates(roots);
    Ok(config.with_no_client_auth())
}

const AUTHORITY: &str = "oncue-webhook-ca";
const NAME: &str = "oncue-store.oncue-system.svc";
const PORT: u16 = 9999;
