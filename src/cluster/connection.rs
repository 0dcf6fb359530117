//! Connects to the cluster that is meant.

use std::time::Duration;

use kube::{Client, Config};
use oncue_client::environment::Environment;

use super::kubeconfig::{FindError, Found, WhichCluster};

/// Returns a client of the selected cluster. Its default namespace is that of the context, or of
/// the pod.
///
/// Sends no request yet. The client does not retry: the caller sees the API server's answer and
/// decides. Connections have timeouts. Requests get a deadline from [`call`](super::call()) instead
/// of here, because watches and tunnels must not have one.
pub(crate) async fn connect(which: WhichCluster) -> Result<Client, ConnectError> {
    match which.find(&Environment::of_this_process())? {
        Some(found) => connect_to(found).await,
        None => Err(ConnectError::NoCluster),
    }
}

/// Returns a client of a cluster that was found, as [`connect`] does.
pub(crate) async fn connect_to(found: Found) -> Result<Client, ConnectError> {
    let mut config: Config = found.config().await?;
    config.connect_timeout = Some(CONNECT_TIMEOUT);
    // It would outlast the deadline of a request, and the API server's words be lost.
    config.default_retry = false;
    Client::try_from(config).map_err(ConnectError::Client)
}

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectError {
    /// The client cannot be set up with what the configuration says.
    #[error("failed to set up the client of the cluster")]
    Client(#[source] kube::Error),
    /// None is found, or none that can be used.
    #[error(transparent)]
    Find(#[from] FindError),
    /// There is neither a kubeconfig nor a pod around us.
    #[error(
        "no cluster found: there is no kubeconfig with a current context ($KUBECONFIG or \
         ~/.kube/config), and the command does not run in a pod"
    )]
    NoCluster,
}

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use std::{fs, net::Ipv4Addr};

    use axum::{Router, http::StatusCode, response::IntoResponse};
    use kube::{
        api::GetParams,
        core::{Request, Status},
    };
    use tokio::net::TcpListener;

    use super::*;
    use crate::cluster::{ApiError, call};

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
    async fn an_overloaded_api_server_is_heard_at_once() {
        let busy = async || {
            let status = Status::failure("too many requests", "TooManyRequests").with_code(429);
            let retry = [("retry-after", "60")];
            (StatusCode::TOO_MANY_REQUESTS, retry, axum::Json(status)).into_response()
        };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let server = axum::serve(listener, Router::new().fallback(busy));
        let (_folder, which) = mk_kubeconfig(&TWO_CONTEXTS.replace("127.0.0.1:1", &address));
        let client = connect(which).await.unwrap();
        let request = Request::new("/api")
            .get("v1", &GetParams::default())
            .unwrap();
        let error = tokio::select! {
            answer = call(client.request::<serde_json::Value>(request)) => answer.unwrap_err(),
            _ = server.into_future() => unreachable!("it serves for ever"),
        };
        assert!(matches!(error, ApiError::Refused(_)), "{error}");
        assert!(
            error.to_string().contains("(429): too many requests"),
            "{error}"
        );
    }
}
