//! The store in its own process, and the memory of that process.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr},
    process::Stdio,
    sync::Arc,
};

use oncue::{
    api::{self, Context, Metrics, Settings},
    memory::{Budget, StoreMemory},
    net::{self, Endpoint, NetMetrics, ServeContext, Shutdown, Transport},
    store::{self, Memory, Store, SystemClock},
};
use prometheus_client::registry::Registry;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader},
    process::{Child, Command},
};

use crate::{Failure, ROLE};

/// The process that holds the waiters. It ends when this is dropped.
pub(crate) struct Server {
    process: Child,
    address: SocketAddr,
}

impl Server {
    pub(crate) async fn start() -> Result<Self, Failure> {
        let mut process = Command::new(std::env::current_exe()?)
            .env(ROLE, "server")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let output = process.stdout.take().ok_or("the server has no output")?;
        let mut lines = BufReader::new(output).lines();
        let line = lines.next_line().await?.ok_or("the server did not start")?;
        Ok(Self {
            process,
            address: line.parse()?,
        })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the resident memory of the process.
    pub(crate) fn resident_bytes(&self) -> Result<usize, Failure> {
        let id = self.process.id().ok_or("the server has ended")?;
        let status = fs::read_to_string(format!("/proc/{id}/status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.split_whitespace().next());
        Ok(kib.ok_or("no VmRSS")?.parse::<usize>()? * 1024)
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
    let limits = store::Limits::within(net::Limits::STORE.connections, StoreMemory::default());
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
    };
    let router = api::router(store, Settings::default(), context);
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

async fn parent_is_gone() {
    let mut nothing = Vec::new();
    // Treats an error like the end.
    let _ = tokio::io::stdin().read_to_end(&mut nothing).await;
}
