//! The store that a command talks to.

use std::{fs, path::PathBuf};

use anyhow::Context;
use clap::Args;
use oncue_client::{
    api::{Api, Endpoint},
    environment::Environment,
    names::Names,
};

use crate::language::Namespace;

/// The store that a command talks to.
#[derive(Args, Clone, Debug)]
pub(super) struct Server {
    /// URL of the store [default: `$ONCUE_SERVER`, else `http://127.0.0.1:9999`]
    #[arg(long = "server", value_name = "URL")]
    url: Option<String>,

    /// File with the certificates (PEM) that vouch for it [default: those in `$ONCUE_CA`]
    #[arg(long = "server-ca", value_name = "FILE")]
    ca: Option<PathBuf>,

    /// Namespace of the variables
    #[arg(
        short,
        long,
        value_name = "NAMESPACE",
        env = "POD_NAMESPACE",
        default_value = "default"
    )]
    pub(super) namespace: Namespace,
}

impl Server {
    /// Returns a client of the store.
    pub(super) fn api(&self) -> anyhow::Result<Api> {
        let environment = Environment::of_this_process();
        let mut endpoint = Endpoint::from_environment(self.url.as_deref(), &environment)?;
        if let Some(path) = &self.ca {
            let pem = fs::read_to_string(path);
            let pem = pem.with_context(|| format!("failed to read {}", path.display()))?;
            endpoint.ca = Some(pem);
        }
        Ok(Api::new(&endpoint, &Names::of_the_system())?)
    }
}

/// Which namespaces a command looks at.
#[derive(Args, Clone, Debug)]
pub(super) struct Scope {
    #[command(flatten)]
    pub(super) server: Server,

    /// Look at all namespaces
    #[arg(short = 'A', long)]
    all_namespaces: bool,
}

impl Scope {
    /// Returns whether the namespace has to be shown, since there may be several.
    pub(super) fn is_everywhere(&self) -> bool {
        self.all_namespaces
    }

    /// Returns the path of a list in the store's API.
    pub(super) fn path(&self, list: &str) -> String {
        if self.all_namespaces {
            format!("/v1/{list}")
        } else {
            format!("/v1/namespaces/{}/{list}", self.server.namespace)
        }
    }
}
