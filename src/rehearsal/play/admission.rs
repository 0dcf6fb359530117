//! The API server's side of admission: reviews over TLS, and the patch applied.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use http::{Request, Response as HttpResponse, header};
use http_body_util::{BodyExt, Full};
use hyper::{body::Bytes, client::conn::http1};
use hyper_util::rt::TokioIo;
use json_patch::Patch;
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName},
};
use serde::Deserialize;
use serde_json::{Value, json};
use thiserror::Error;
use tokio::{net::TcpStream, time::timeout};
use tokio_rustls::TlsConnector;

use crate::rehearsal::stage::Admission;

/// How long a review may take, as with the API server by default.
const TIMEOUT: Duration = Duration::from_secs(10);

/// What asks the webhook, each time over a connection of its own: one that is kept may have been
/// closed by the webhook when the next pod comes.
#[derive(Debug)]
pub(super) struct ApiServer {
    address: SocketAddr,
    name: ServerName<'static>,
    tls: Arc<ClientConfig>,
    reviews: u64,
}

/// Who is created, as the review says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Creation<'a> {
    pub(super) namespace: &'a str,
    pub(super) object: &'a Value,
}

#[derive(Deserialize)]
struct Review {
    response: Response,
}

#[derive(Deserialize)]
struct Response {
    allowed: bool,
    #[serde(default)]
    patch: Option<String>,
    #[serde(default)]
    warnings: Vec<String>,
    #[serde(default)]
    status: Status,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Status {
    message: String,
}

impl ApiServer {
    /// Returns who asks a webhook whose certificate was issued by `authority` for `name`.
    pub(super) fn new(
        address: SocketAddr,
        name: ServerName<'static>,
        authority: CertificateDer<'static>,
    ) -> Result<Self, AdmissionError> {
        Ok(Self {
            address,
            name,
            tls: Arc::new(trusting(authority)?),
            reviews: 0,
        })
    }

    /// Sends the creation of a pod for admission and applies the patch.
    pub(super) async fn admit(
        &mut self,
        creation: Creation<'_>,
    ) -> Result<Admission, AdmissionError> {
        self.reviews += 1;
        let review = review(&format!("rehearsal-{}", self.reviews), creation);
        let request = Request::post("/mutate?timeout=10s")
            .header(header::HOST, "oncue-webhook")
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::from(review.to_string()))?;
        let response = timeout(TIMEOUT, self.send(request)).await??;
        let (status, body) = (response.status(), response.body());
        if !status.is_success() {
            let message = String::from_utf8_lossy(body).trim().to_owned();
            return Err(AdmissionError::Status { status, message });
        }
        let review: Review = serde_json::from_slice(body).map_err(AdmissionError::Answer)?;
        admission(review.response, creation.object)
    }

    async fn send(
        &self,
        request: Request<Full<Bytes>>,
    ) -> Result<HttpResponse<Bytes>, AdmissionError> {
        let stream = TcpStream::connect(self.address).await?;
        stream.set_nodelay(true)?;
        let connector = TlsConnector::from(self.tls.clone());
        let stream = connector.connect(self.name.clone(), stream).await?;
        let (mut requests, connection) = http1::handshake(TokioIo::new(stream)).await?;
        let exchange = async move {
            let (head, body) = requests.send_request(request).await?.into_parts();
            let body = body.collect().await?.to_bytes();
            Ok(HttpResponse::from_parts(head, body))
        };
        // What breaks the connection is what the exchange fails with.
        let (response, _) = tokio::join!(exchange, connection);
        response
    }
}

fn trusting(authority: CertificateDer<'static>) -> Result<ClientConfig, rustls::Error> {
    let mut roots = RootCertStore::empty();
    roots.add(authority)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth())
}

/// Returns the review of a pod's creation as the API server sends it.
fn review(uid: &str, Creation { namespace, object }: Creation<'_>) -> Value {
    let pods = json!({"group": "", "version": "v1", "resource": "pods"});
    let pod = json!({"group": "", "version": "v1", "kind": "Pod"});
    json!({
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": uid,
            "kind": pod, "resource": pods, "requestKind": pod, "requestResource": pods,
            "name": object["metadata"]["name"].as_str().unwrap_or_default(),
            "namespace": namespace,
            "operation": "CREATE",
            "userInfo": {"username": "oncue-rehearsal", "groups": ["system:authenticated"]},
            "object": object,
            "oldObject": null,
            "dryRun": false,
            "options": {"kind": "CreateOptions", "apiVersion": "meta.k8s.io/v1"},
        },
    })
}

fn admission(response: Response, object: &Value) -> Result<Admission, AdmissionError> {
    if !response.allowed {
        return Ok(Admission::Denied {
            message: response.status.message,
        });
    }
    let mut object = object.clone();
    if let Some(patch) = response.patch {
        let patch = STANDARD.decode(patch)?;
        let patch: Patch = serde_json::from_slice(&patch).map_err(AdmissionError::Answer)?;
        json_patch::patch(&mut object, &patch)?;
    }
    Ok(Admission::Allowed {
        object,
        warnings: response.warnings,
    })
}

/// Why a review got no answer that can be used.
#[derive(Debug, Error)]
pub(crate) enum AdmissionError {
    /// The answer is not what the protocol asks for.
    #[error("failed to read the webhook's answer")]
    Answer(#[source] serde_json::Error),
    /// The patch is not base64.
    #[error("failed to decode the webhook's patch")]
    Base64(#[from] base64::DecodeError),
    /// The connection broke.
    #[error("failed to speak with the webhook")]
    Connection(#[from] hyper::Error),
    /// There is no connection.
    #[error("failed to connect to the webhook")]
    Io(#[from] io::Error),
    /// The patch does not fit the pod.
    #[error("failed to apply the webhook's patch")]
    Patch(#[from] json_patch::PatchError),
    /// The request cannot be written.
    #[error("failed to write a review")]
    Request(#[from] http::Error),
    /// The webhook failed on its own account.
    #[error("the webhook answered {status}: {message}")]
    Status {
        /// The HTTP status.
        status: http::StatusCode,
        /// The body.
        message: String,
    },
    /// No answer in time.
    #[error("the webhook did not answer in time")]
    Timeout(#[from] tokio::time::error::Elapsed),
    /// TLS cannot be set up.
    #[error("failed to set up TLS")]
    Tls(#[from] rustls::Error),
}
