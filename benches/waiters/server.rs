//! The store in its own process, and the memory of that process.

use std::{
    ffi::OsStr,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::{Duration, SystemTime},
};

use oncue::{
    api::{self, Context, Metrics, Settings},
    identity::Access,
    memory::{Budget, StoreMemory},
    net::{self, Endpoint, NetMetrics, ServeContext, Shutdown, Transport},
    store::{self, Backend, Embedded, Kubernetes, Memory, Store, SystemClock},
};
use oncue_webhook_certs::Authority;
use prometheus_client::registry::Registry;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde::{Deserialize, Serialize};

use crate::{
    Failure,
    http::Target,
    process::{ServerProcess, parent_is_gone},
    tls,
};

/// Where a store keeps its variables, and how it is spoken to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    Embedded,
    Kubernetes,
    Memory,
    MemoryOverTls,
}

impl Kind {
    pub(crate) fn named(role: &OsStr) -> Option<Self> {
        let mut kinds = [
            Self::Embedded,
            Self::Kubernetes,
            Self::Memory,
            Self::MemoryOverTls,
        ]
        .into_iter();
        kinds.find(|kind| role == kind.name())
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Embedded => "embedded",
            Self::Kubernetes => "kubernetes",
            Self::Memory => "memory",
            Self::MemoryOverTls => "memory over TLS",
        }
    }
}

/// What a server tells its parent once it listens.
#[derive(Deserialize, Serialize)]
struct Hello {
    address: SocketAddr,
    /// The certificate to trust, in DER; `None` for plain HTTP.
    authority: Option<Vec<u8>>,
}

/// The process that holds the waiters. It ends when this is dropped.
pub(crate) struct Server {
    process: ServerProcess,
    target: Target,
}

impl Server {
    pub(crate) async fn start(kind: Kind) -> Result<Self, Failure> {
        let (process, line) = ServerProcess::start(kind.name()).await?;
        let Hello { address, authority } = serde_json::from_str(&line)?;
        let tls = authority
            .map(|der| tls::connector(der.into()))
            .transpose()?;
        Ok(Self {
            process,
            target: Target { address, tls },
        })
    }

    pub(crate) fn target(&self) -> &Target {
        &self.target
    }

    /// Returns the time that all threads of the process have run.
    pub(crate) fn cpu(&self) -> Result<Duration, Failure> {
        self.process.cpu()
    }

    /// Returns the resident memory of the process.
    pub(crate) fn resident_bytes(&self) -> Result<usize, Failure> {
        Ok(self.process.resident_kib()? * 1024)
    }
}

/// Raises the limit of open files to its maximum.
pub(crate) fn raise_open_files() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: maximum,
        maximum,
    };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        eprintln!("failed to raise the limit of open files: {error}");
    }
}

/// Serves a store until the standard input ends.
pub(crate) fn run(kind: Kind) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(serve(kind))
}

async fn serve(kind: Kind) -> Result<(), Failure> {
    let folder = tempfile::tempdir()?;
    let unlimited = Budget::UNLIMITED;
    let backend: Arc<dyn Backend> = match kind {
        Kind::Embedded => Arc::new(Embedded::open(folder.path(), unlimited)?),
        Kind::Kubernetes => {
            let client = kube::Client::try_default().await?;
            Arc::new(Kubernetes::new(client, unlimited))
        }
        Kind::Memory | Kind::MemoryOverTls => Arc::new(Memory::new(unlimited)),
    };
    let memory = memory();
    let limits = store::Limits::within(net::Limits::STORE.connections, memory);
    let store = Store::open(backend, limits, Arc::new(SystemClock)).await?;
    let (_trigger, shutdown) = Shutdown::new();
    let mut registry = Registry::with_prefix("oncue");
    let metrics = Metrics::register(&store, &mut registry);
    let net_metrics = NetMetrics::default();
    net_metrics.register(&mut registry);
    let context = Context {
        shutdown: shutdown.clone(),
        metrics,
        registry: Arc::new(registry),
        access: Access::default(),
    };
    let settings = Settings {
        memory,
        ..Settings::default()
    };
    let router = api::router(store, settings, context);
    let (transport, authority) = match kind {
        Kind::MemoryOverTls => {
            let authority = Authority::generate(SystemTime::now())?;
            let certificate = authority.certificates().next().ok_or("no certificate")?;
            let trusted = certificate.der().to_vec();
            (
                Transport::Either(tls::server_config(&authority)?),
                Some(trusted),
            )
        }
        Kind::Embedded | Kind::Kubernetes | Kind::Memory => (Transport::Plain, None),
    };
    let endpoint = Endpoint {
        name: "store",
        listener: net::bind((Ipv4Addr::LOCALHOST, 0).into())?,
        transport,
        limits: net::Limits::STORE,
    };
    let hello = Hello {
        address: endpoint.listener.local_addr()?,
        authority,
    };
    println!("{}", serde_json::to_string(&hello)?);
    let serving = net::serve(
        endpoint,
        router,
        ServeContext {
            shutdown,
            metrics: net_metrics,
        },
    );
    tokio::select! {
        () = serving => Ok(()),
        () = parent_is_gone() => Ok(()),
    }
}

/// The crowd's waits take more than their share of a store's usual memory.
fn memory() -> StoreMemory {
    StoreMemory {
        waits: Budget::UNLIMITED,
        answers: 1 << 30,
        ..StoreMemory::default()
    }
}
