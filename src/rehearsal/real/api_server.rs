//! The API server's side of admission: reviews over TLS.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use http::{Request, Response as HttpResponse, header};
use http_body_util::{BodyExt, Full};
use hyper::{body::Bytes, client::conn::http1};
use hyper_util::rt::TokioIo;
use oncue_simulation::{Admission, Creation};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName},
};
use thiserror::Error;
use tokio::{net::TcpStream, time::timeout};
use tokio_rustls::TlsConnector;

use crate::rehearsal::admission::{AnswerError, read, review};

/// How long a review may take, as with the API server by default.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Asks the webhook, each time over a new connection: the webhook may close one that is kept.
#[derive(Debug)]
pub(super) struct ApiServer {
    address: SocketAddr,
    name: ServerName<'static>,
    tls: Arc<ClientConfig>,
    reviews: u64,
}

impl ApiServer {
    /// Returns a client of a webhook whose certificate was issued by `authority` for `name`.
    pub(super) fn new(
        address: SocketAddr,
        name: ServerName<'static>,
        authority: CertificateDer<'static>,
    ) -> Result<Self, ReviewError> {
        Ok(Self {
            address,
            name,
            tls: Arc::new(trusting(authority)?),
            reviews: 0,
        })
    }

    /// Sends the creation of a pod for admission and applies the patch.
    pub(super) async fn admit(&mut self, creation: Creation<'_>) -> Result<Admission, ReviewError> {
        self.reviews += 1;
        let review = review(self.reviews, creation);
        let request = Request::post("/mutate?timeout=10s")
            .header(header::HOST, "oncue-webhook")
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::from(review.to_string()))?;
        let response = timeout(TIMEOUT, self.send(request)).await??;
        Ok(read(response.status(), response.body(), creation.object)?)
    }

    async fn send(
        &self,
        request: Request<Full<Bytes>>,
    ) -> Result<HttpResponse<Bytes>, ReviewError> {
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

/// Why a review got no answer.
#[derive(Debug, Error)]
pub(crate) enum ReviewError {
    /// The answer is of no use.
    #[error(transparent)]
    Answer(#[from] AnswerError),
    /// The connection broke.
    #[error("failed to speak with the webhook")]
    Connection(#[from] hyper::Error),
    /// There is no connection.
    #[error("failed to connect to the webhook")]
    Io(#[from] io::Error),
    /// The request cannot be written.
    #[error("failed to write a review")]
    Request(#[from] http::Error),
    /// No answer in time.
    #[error("the webhook did not answer in time")]
    Timeout(#[from] tokio::time::error::Elapsed),
    /// TLS cannot be set up.
    #[error("failed to set up TLS")]
    Tls(#[from] rustls::Error),
}
