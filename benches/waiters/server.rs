//! The store in its own process, and the memory of that process.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use oncue::{
    api::{self, Context, Metrics, Settings},
    identity::Access,
    memory::{Budget, StoreMemory},
    net::{self, Endpoint, NetMetrics, ServeContext, Shutdown, Transport},
    store::{self, Memory, Store, SystemClock},
};
use prometheus_client::registry::Registry;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::{
    Failure,
    process::{ServerProcess, parent_is_gone},
};

/// The process that holds the waiters. It ends when this is dropped.
pub(crate) struct Server {
    process: ServerProcess,
    address: SocketAddr,
}

impl Server {
    pub(crate) async fn start() -> Result<Self, Failure> {
        let (process, line) = ServerProcess::start("server").await?;
        Ok(Self {
            process,
            address: line.parse()?,
        })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
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

/// Serves a store in memory until the standard input ends.
pub(crate) fn run() -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(serve())
}

async fn serve() -> Result<(), Failure> {
    let backend = Arc::new(Memory::new(Budget::UNLIMITED));
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
    let endpoint = Endpoint {
        name: "store",
        listener: net::bind((Ipv4Addr::LOCALHOST, 0).into())?,
        transport: Transport::Plain,
        limits: net::Limits::STORE,
    };
    println!("{}", endpoint.listener.local_addr()?);
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
