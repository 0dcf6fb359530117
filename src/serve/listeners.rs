//! The sockets, bound before anything else happens: a taken port should not cost a start.

use std::{io, net::SocketAddr};

use tokio::net::TcpListener;

use super::addresses::Addresses;
use crate::{
    config::{Config, Role},
    net::{BindError, bind},
};

/// A socket for each part.
#[derive(Debug)]
pub(super) struct Listeners {
    pub(super) store: Option<TcpListener>,
    pub(super) webhook: Option<TcpListener>,
    pub(super) admin: TcpListener,
}

/// Why a socket cannot be bound, and which flag moves it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ListenersError {
    /// A socket that has no address.
    #[error("failed to read a socket's address")]
    Address(#[source] io::Error),
    /// An address that cannot be listened on.
    #[error("{error} (choose another with {flag})")]
    Bind {
        /// The flag that names the address.
        flag: &'static str,
        /// What went wrong.
        error: BindError,
    },
}

impl Listeners {
    pub(super) fn bind(config: &Config) -> Result<Self, ListenersError> {
        let bind_role = |role, flag, address| {
            let bound = config.has(role).then(|| bind_flag(flag, address));
            bound.transpose()
        };
        Ok(Self {
            store: bind_role(Role::Store, "--http", config.http)?,
            webhook: bind_role(Role::Webhook, "--webhook", config.webhook)?,
            admin: bind_flag("--admin", config.admin)?,
        })
    }

    /// Returns the addresses, with the real ports in the place of port 0.
    pub(super) fn addresses(&self) -> Result<Addresses, ListenersError> {
        let address =
            |listener: &TcpListener| listener.local_addr().map_err(ListenersError::Address);
        Ok(Addresses {
            store: self.store.as_ref().map(address).transpose()?,
            webhook: self.webhook.as_ref().map(address).transpose()?,
            admin: address(&self.admin)?,
        })
    }
}

fn bind_flag(flag: &'static str, address: SocketAddr) -> Result<TcpListener, ListenersError> {
    bind(address).map_err(|error| ListenersError::Bind { flag, error })
}
