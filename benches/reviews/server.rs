//! The two servers, each in a process of its own.

use std::{
    ffi::OsStr,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::{Duration, SystemTime},
};

use axum::{Router, body::Bytes, http::header::CONTENT_TYPE, routing::post};
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use oncue::{
    injection::{Image, Settings, StoreAddress},
    memory::WebhookMemory,
    net::{self, Endpoint, Limits, NetMetrics, ServeContext, Shutdown, Transport},
    webhook::{self, Context, Strictness, WebhookMetrics},
};
use oncue_webhook_certs::Authority;
use rustls::{ServerConfig, pki_types::CertificateDer};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::{
    Failure, REVIEW,
    process::{ServerProcess, parent_is_gone},
    tls,
};

/// Which server it is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    /// axum and rustls as they come, and a constant.
    Bare,
    /// The webhook as it is served.
    Webhook,
}

impl Kind {
    pub(crate) fn named(role: &OsStr) -> Option<Self> {
        let mut kinds = [Self::Bare, Self::Webhook].into_iter();
        kinds.find(|kind| role == kind.name())
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Bare => "bare",
            Self::Webhook => "webhook",
        }
    }
}

/// What a server tells its parent once it listens.
#[derive(Deserialize, Serialize)]
struct Hello {
    address: SocketAddr,
    /// The certificate to trust, in DER.
    authority: Vec<u8>,
    answer_bytes: usize,
}

/// A process that serves; it ends with this.
pub(crate) struct Server {
    process: ServerProcess,
    hello: Hello,
}

impl Server {
    pub(crate) async fn start(kind: Kind) -> Result<Self, Failure> {
        let (process, line) = ServerProcess::start(kind.name()).await?;
        Ok(Self {
            process,
            hello: serde_json::from_str(&line)?,
        })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.hello.address
    }

    pub(crate) fn authority(&self) -> CertificateDer<'_> {
        CertificateDer::from_slice(&self.hello.authority)
    }

    pub(crate) fn answer_bytes(&self) -> usize {
        self.hello.answer_bytes
    }

    /// Returns the time that all threads of the process have run.
    pub(crate) fn cpu(&self) -> Result<Duration, Failure> {
        self.process.cpu()
    }

    /// Returns how much memory of the process is resident.
    pub(crate) fn resident_mib(&self) -> Result<usize, Failure> {
        Ok(self.process.resident_kib()? / 1024)
    }
}

/// Serves until the standard input ends.
pub(crate) fn run(kind: Kind) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        tokio::select! {
            served = serve(kind) => served,
            () = parent_is_gone() => Ok(()),
        }
    })
}

async fn serve(kind: Kind) -> Result<(), Failure> {
    let authority = Authority::generate(SystemTime::now())?;
    let certificate = authority.certificates().next().ok_or("no certificate")?;
    let answer = webhook::answer(REVIEW.as_bytes(), &settings()).body;
    let listener = net::bind((Ipv4Addr::LOCALHOST, 0).into())?;
    let hello = Hello {
        address: listener.local_addr()?,
        authority: certificate.der().to_vec(),
        answer_bytes: answer.len(),
    };
    println!("{}", serde_json::to_string(&hello)?);
    let tls = tls::server_config(&authority)?;
    match kind {
        Kind::Bare => serve_bare(listener, tls, answer.into()).await,
        Kind::Webhook => serve_webhook(listener, tls).await,
    }
    Ok(())
}

async fn serve_bare(listener: TcpListener, tls: Arc<ServerConfig>, answer: Bytes) {
    let handler = async move |_: Bytes| ([(CONTENT_TYPE, "application/json")], answer.clone());
    let service = TowerToHyperService::new(Router::new().route("/mutate", post(handler)));
    let acceptor = TlsAcceptor::from(tls);
    while let Ok((stream, _)) = listener.accept().await {
        let (acceptor, service) = (acceptor.clone(), service.clone());
        tokio::spawn(async move {
            stream.set_nodelay(true)?;
            let stream = acceptor.accept(stream).await?;
            let http = hyper::server::conn::http1::Builder::new();
            http.serve_connection(TokioIo::new(stream), service).await?;
            Ok::<_, Failure>(())
        });
    }
}

async fn serve_webhook(listener: TcpListener, tls: Arc<ServerConfig>) {
    let (_trigger, shutdown) = Shutdown::new();
    let endpoint = Endpoint {
        name: "webhook",
        listener,
        transport: Transport::Tls(tls),
        limits: Limits::WEBHOOK,
    };
    let reviews = Context {
        settings: settings().into(),
        strictness: Strictness::Warn,
        metrics: WebhookMetrics::default(),
    };
    let router = webhook::router(reviews, WebhookMemory::default());
    let metrics = NetMetrics::default();
    net::serve(endpoint, router, ServeContext { shutdown, metrics }).await;
}

fn settings() -> Settings {
    let mut store = StoreAddress::new("https://oncue-store.oncue-system.svc.cluster.local.:9999");
    store.fallback_ip = Some([10, 96, 0, 17].into());
    Settings::new(Image::new("ghcr.io/oncue-dev/oncue-client:0.1.0"), store)
}
