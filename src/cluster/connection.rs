//! Connects to the cluster that is meant.

use std::{io, path::PathBuf, time::Duration};

use kube::{
    Client, Config,
    config::{InClusterError, KubeConfigOptions, Kubeconfig, KubeconfigError},
};

/// Which cluster is meant; by default the one that `kubectl` would talk to: that of the
/// kubeconfig, and in a pod without one its own.
#[derive(Clone, Debug, Default)]
pub struct WhichCluster {
    /// The kubeconfig file; by default `KUBECONFIG`, else `~/.kube/config`.
    pub kubeconfig: Option<PathBuf>,
    /// A context in it; by default the current one.
    pub context: Option<String>,
}

/// Returns a client of the cluster that is meant; its default namespace is that of the context, or
/// of the pod.
///
/// Nothing is asked of the cluster yet. A connection has its timeouts; a request needs a deadline
/// of its own, which [`call`](super::call()) gives it, since watches and tunnels must have none.
pub async fn connect(which: WhichCluster) -> Result<Client, ConnectError> {
    let mut config = config(which).await?;
    config.connect_timeout = Some(CONNECT_TIMEOUT);
    Client::try_from(config).map_err(ConnectError::Client)
}

async fn config(which: WhichCluster) -> Result<Config, ConnectError> {
    let is_named = which.kubeconfig.is_some() || which.context.is_some();
    match from_kubeconfig(which).await {
        Err(error) if !is_named && is_absent(&error) => {
            Config::incluster().map_err(ConnectError::NoCluster)
        }
        result => result.map_err(ConnectError::Kubeconfig),
    }
}

async fn from_kubeconfig(which: WhichCluster) -> Result<Config, KubeconfigError> {
    let kubeconfig = match which.kubeconfig {
        Some(path) => Kubeconfig::read_from(path)?,
        None => Kubeconfig::read()?,
    };
    let options = KubeConfigOptions {
        context: which.context,
        ..KubeConfigOptions::default()
    };
    Config::from_custom_kubeconfig(kubeconfig, &options).await
}

/// Returns whether there is no kubeconfig, rather than a wrong one.
fn is_absent(error: &KubeconfigError) -> bool {
    match error {
        KubeconfigError::FindPath => true,
        KubeconfigError::ReadConfig(error, _) => error.kind() == io::ErrorKind::NotFound,
        _ => false,
    }
}

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The client cannot be set up with what the configuration says.
    #[error("failed to set up the client of the cluster")]
    Client(#[source] kube::Error),
    /// The kubeconfig cannot be used.
    #[error("failed to use the kubeconfig: {0} (KUBECONFIG names the file)")]
    // The cause is part of its own text.
    Kubeconfig(KubeconfigError),
    /// There is neither a kubeconfig nor a pod around us.
    #[error(
        "no cluster found: there is no kubeconfig ($KUBECONFIG or ~/.kube/config), and this is no \
         pod with the token of a service account: {0}"
    )]
    NoCluster(InClusterError),
}

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn mk_kubeconfig(text: &str) -> (tempfile::TempDir, WhichCluster) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config");
        fs::write(&path, text).unwrap();
        let which = WhichCluster {
            kubeconfig: Some(path),
            context: None,
        };
        (folder, which)
    }

    const TWO_CONTEXTS: &str = "
apiVersion: v1
kind: Config
current-context: shop
clusters:
- {name: here, cluster: {server: 'http://127.0.0.1:1'}}
users:
- {name: me, user: {token: x}}
contexts:
- {name: shop, context: {cluster: here, user: me, namespace: shop}}
- {name: till, context: {cluster: here, user: me, namespace: till}}
";

    #[tokio::test]
    async fn takes_the_namespace_of_the_context() {
        let (_folder, mut which) = mk_kubeconfig(TWO_CONTEXTS);
        let client = connect(which.clone()).await.unwrap();
        assert_eq!(client.default_namespace(), "shop");
        which.context = Some("till".to_owned());
        let client = connect(which).await.unwrap();
        assert_eq!(client.default_namespace(), "till");
    }

    #[tokio::test]
    async fn a_context_that_is_not_there_is_named() {
        let (_folder, mut which) = mk_kubeconfig(TWO_CONTEXTS);
        which.context = Some("nowhere".to_owned());
        let error = connect(which).await.err().unwrap().to_string();
        assert!(error.contains("nowhere"), "{error}");
    }

    #[tokio::test]
    async fn a_named_file_that_is_missing_is_not_replaced_by_another_cluster() {
        let which = WhichCluster {
            kubeconfig: Some("/nowhere/config".into()),
            context: None,
        };
        let error = connect(which).await.err().unwrap().to_string();
        assert!(error.contains("/nowhere/config"), "{error}");
    }
}
