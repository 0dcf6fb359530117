//! `oncue serve`: starts the roles and stops them again.
//!
//! | module | what it holds |
//! | --- | --- |
//! | `listeners` | the sockets, bound before anything else happens |
//! | [`Addresses`], `opening` | what listens where, and what will |
//! | [`ServeError`] | why the process cannot serve |
//! | `roles`, `store_role`, `webhook_role` | the store and the webhook: loaded, then served |
//! | `in_cluster` | the Service of the store, which the webhook asks its cluster for |
//! | `group` | tasks that go down together |
//! | [`authority`] | the certificate authority's files |
//! | `store_tls` | TLS of the store |
//! | `tls` | TLS of a role: its certificates, and the proof that it serves |
//! | `certificates`, `keeper`, `bundles` | what is renewed and repaired meanwhile, from where it is kept to where clients find it |
//! | `certificate_metrics` | what is counted about that |
//! | `self_check` | the TLS request of the process to itself |
//! | [`banner`] | the text that is printed after the start |
//! | [`logging`] | how logs are written |
//! | `signals`, `open_files` | signals and limits of the operating system |

pub(crate) mod authority;
pub(crate) mod banner;
pub(crate) mod logging;

mod addresses;
mod bundles;
mod certificate_metrics;
mod certificates;
mod error;
mod group;
mod in_cluster;
mod keeper;
mod listeners;
mod open_files;
mod opening;
mod roles;
mod self_check;
mod signals;
mod store_role;
mod store_tls;
mod tls;
mod webhook_role;

#[cfg(test)]
mod tests;

use std::{
    fs,
    sync::{Arc, OnceLock},
    time::Duration,
};

use kube::Client;
use prometheus_client::registry::Registry;
use tokio::{net::TcpListener, runtime::Runtime, time::sleep};
use tracing::info;

pub(crate) use self::{addresses::Addresses, error::ServeError};
use self::{
    banner::Banner, group::Group, listeners::Listeners, opening::Opening, roles::Roles,
    signals::StopSignals, store_role::StoreRole, webhook_role::WebhookRole,
};
use crate::{
    admin::{self, Admin, Readiness},
    cluster::{ConnectError, WhichCluster, connect},
    config::{Config, LogFormat, ObjectRef, Role},
    controller::{self, Controller, NamespacesTask},
    leadership::{BootClock, Elector, Leadership},
    net::{Endpoint, Limits, NetMetrics, Transport},
};

/// Serves until SIGTERM or SIGINT.
pub(crate) fn run(config: Config) -> Result<(), ServeError> {
    open_files::raise_limit();
    let runtime = Runtime::new().map_err(ServeError::Runtime)?;
    let result = runtime.block_on(run_until_stopped(config));
    // What still runs was given its time; a backend that hangs in a sync must not hold us.
    runtime.shutdown_background();
    result
}

async fn run_until_stopped(config: Config) -> Result<(), ServeError> {
    let mut signals = StopSignals::listen().map_err(ServeError::Signals)?;
    let log_format = config.log_format;
    let mut server = tokio::select! {
        server = Server::start(config) => server?,
        () = signals.next() => return Ok(()),
    };
    // A reader of JSON logs expects nothing else.
    if log_format == LogFormat::Text {
        anstream::print!("{}", server.banner());
    }
    tokio::select! {
        error = server.died() => return Err(error),
        () = signals.next() => info!("shutting down: a second signal ends this at once"),
    }
    tokio::select! {
        () = server.shut_down() => Ok(()),
        () = signals.next() => Err(ServeError::Interrupted),
    }
}

/// Returns the leadership of this replica of a role, and what is to gain it if there are several.
fn candidate(
    client: Option<&Client>,
    (config, role): (&Config, Role),
    lease: Option<&ObjectRef>,
) -> (Option<Elector>, Leadership) {
    match (client.cloned(), lease) {
        (Some(client), Some(lease)) if config.has(role) => {
            let clock = Arc::new(BootClock);
            let (elector, leadership) = Elector::new(client, lease.clone(), clock);
            (Some(elector), leadership)
        }
        _ => (None, Leadership::sole()),
    }
}

/// The clients of the cluster.
struct Clients {
    general: Client,
    /// That of the elector: the connections that others have left, and that may be dead, must not
    /// cost it a timeout each.
    elector: Client,
}

impl Clients {
    async fn connect() -> Result<Self, ConnectError> {
        Ok(Self {
            general: connect(WhichCluster::default()).await?,
            elector: connect(WhichCluster::default()).await?,
        })
    }
}

/// A process that serves.
#[derive(Debug)]
pub(crate) struct Server {
    addresses: Addresses,
    banner: Banner,
    linger: Duration,
    roles: Group,
    /// Goes down last, so that probes and metrics see the others go.
    admin: Group,
}

impl Server {
    /// Binds, loads and serves.
    ///
    /// Health and metrics are served first, so that it can be seen what a slow start waits for.
    pub(crate) async fn start(config: Config) -> Result<Self, ServeError> {
        let clients = if config.needs_cluster() {
            Some(Clients::connect().await?)
        } else {
            None
        };
        Self::start_in(clients, config).await
    }

    async fn start_in(clients: Option<Clients>, config: Config) -> Result<Self, ServeError> {
        let listeners = Listeners::bind(&config)?;
        let addresses = listeners.addresses()?;
        if config.keeps_data() {
            fs::create_dir_all(&config.data)
                .map_err(|source| ServeError::Data(config.data.clone(), source))?;
        }
        let metrics = NetMetrics::default();
        let mut server = Self {
            addresses,
            banner: Banner::new(&config, addresses),
            linger: config.linger,
            roles: Group::new(metrics.clone()),
            admin: Group::new(metrics),
        };
        server.start_serving(listeners, (clients, config)).await?;
        Ok(server)
    }

    async fn start_serving(
        &mut self,
        listeners: Listeners,
        (clients, config): (Option<Clients>, Config),
    ) -> Result<(), ServeError> {
        let (readying, readiness) = Readiness::new();
        let opening = |listener, name| Opening {
            listener,
            latch: readying.latch(name),
        };
        let store = listeners.store.map(|it| opening(it, "store"));
        let webhook = listeners.webhook.map(|it| opening(it, "webhook"));
        let registry = self.serve_admin(listeners.admin, readiness);

        let (client, of_elector) = clients.map(|it| (it.general, it.elector)).unzip();
        let of_elector = of_elector.as_ref();
        let (elector, leadership) =
            candidate(of_elector, (&config, Role::Store), config.lease.as_ref());
        let (writer, write) = candidate(
            of_elector,
            (&config, Role::Webhook),
            config.webhook_lease.as_ref(),
        );
        let store = match store {
            Some(opening) => {
                let cluster = (client.as_ref(), &readying, leadership);
                Some(StoreRole::load(opening, &config, cluster).await?)
            }
            None => None,
        };
        let controller = match (&store, &client) {
            (Some(role), Some(client)) if config.has(Role::Controller) => {
                let settings = controller::Settings {
                    keys: config.inject.keys()?,
                    opens_gates: config.inject.opens_gates(),
                    access: role.access(),
                };
                Some(Controller::new(client.clone(), role.store(), settings))
            }
            _ => None,
        };
        let namespaces = match (&store, &client) {
            (Some(role), Some(client)) => Some(NamespacesTask::new(
                client.clone(),
                role.store(),
                config.policy()?,
            )),
            _ => None,
        };
        let webhook = match webhook {
            Some(opening) => {
                let cluster = (client.as_ref(), &readying, write);
                Some(WebhookRole::load(opening, (&config, self.addresses), cluster).await?)
            }
            None => None,
        };
        let roles = Roles {
            store,
            webhook,
            controller,
            namespaces,
            elector,
            writer,
        };
        let counted = roles.serve(&mut self.roles);
        let _ = registry.set(counted);
        Ok(())
    }

    /// Serves health at once, and metrics from when they are set.
    fn serve_admin(
        &mut self,
        listener: TcpListener,
        readiness: Readiness,
    ) -> Arc<OnceLock<Arc<Registry>>> {
        let admin = Admin {
            readiness,
            shutdown: self.roles.shutdown(),
            registry: Arc::default(),
        };
        let registry = Arc::clone(&admin.registry);
        let endpoint = Endpoint {
            name: "admin",
            listener,
            transport: Transport::Plain,
            limits: Limits::ADMIN,
        };
        self.admin.serve_apart(endpoint, admin::router(admin));
        registry
    }

    /// Returns the text that is printed after the start.
    pub(crate) fn banner(&self) -> &Banner {
        &self.banner
    }

    /// Waits until a part ends before the process drains.
    pub(crate) async fn died(&mut self) -> ServeError {
        let cause = tokio::select! {
            cause = self.roles.died() => cause,
            cause = self.admin.died() => cause,
        };
        ServeError::Died(cause)
    }

    /// Stops being ready, lingers, drains, and stops answering probes at the very end.
    pub(crate) async fn shut_down(&mut self) {
        self.roles.linger();
        sleep(self.linger).await;
        self.roles.drain().await;
        self.admin.drain().await;
    }
}
