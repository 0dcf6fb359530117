//! A way to the store past the API server, for thousands of connections.

use std::{net::SocketAddr, sync::Arc};

use anyhow::{Context, Result, bail};
use http::{
    Method, Request,
    header::{AUTHORIZATION, CONTENT_TYPE, HOST},
};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use k8s_openapi::api::core::v1::{Node, Service};
use kube::{
    Api,
    api::{DeleteParams, ListParams},
};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::{
    Manifest, Oncue, eventually,
    store::until_held,
    store_connection::{Connection, NAME, PORT, secure, trust},
};
use crate::cluster::RELEASE;

/// A port of the nodes that leads to all replicas of the store.
pub struct StoreDoor {
    address: SocketAddr,
    tls: TlsConnector,
}

/// A connection to the store with a token.
pub struct StoreClient {
    connection: Connection,
    token: String,
}

const SERVICE: &str = "oncue-store-door";

impl StoreDoor {
    /// Runs `use_it` with a door, and removes it afterwards.
    pub async fn with(oncue: &Oncue, use_it: impl AsyncFnOnce(&Self) -> Result<()>) -> Result<()> {
        let system = oncue.system();
        let service = Manifest::new(json!({
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": SERVICE},
            "spec": {
                "type": "NodePort",
                "selector": {
                    "app.kubernetes.io/instance": RELEASE,
                    "app.kubernetes.io/component": "store",
                },
                "ports": [{"port": PORT}],
            },
        }));
        system.create_object(service).await?;
        let used = async {
            let door = Self::of(oncue).await?;
            door.is_open().await?;
            use_it(&door).await
        };
        let used = used.await;
        let services = system.api::<Service>();
        services.delete(SERVICE, &DeleteParams::default()).await?;
        used
    }

    async fn of(oncue: &Oncue) -> Result<Self> {
        let client = oncue.system().client();
        let service = oncue.system().api::<Service>().get(SERVICE).await?;
        let ports = service.spec.and_then(|spec| spec.ports);
        let port = ports.and_then(|ports| ports.first()?.node_port);
        let nodes: Api<Node> = Api::all(client.clone());
        let mut nodes = nodes.list(&ListParams::default()).await?.items.into_iter();
        let address = nodes.find_map(|node| {
            let addresses = node.status?.addresses?.into_iter();
            let mut internal = addresses.filter(|it| it.type_ == "InternalIP");
            internal.next()?.address.parse().ok()
        });
        Ok(Self {
            address: SocketAddr::new(
                address.context("a node has an address")?,
                port.context("the Service has a port")?.try_into()?,
            ),
            tls: TlsConnector::from(Arc::new(trust(&client).await?)),
        })
    }

    /// Waits until the nodes forward the port.
    async fn is_open(&self) -> Result<()> {
        eventually("the port of the nodes is forwarded", async || {
            Ok(TcpStream::connect(self.address).await.ok().map(drop))
        })
        .await
    }

    /// Connects with a token.
    pub async fn connect(&self, token: &str) -> Result<StoreClient> {
        let stream = TcpStream::connect(self.address).await?;
        stream.set_nodelay(true)?;
        let (connection, driver) = secure(&self.tls, stream).await?;
        // The next request on the connection says what is wrong with it.
        tokio::spawn(driver);
        Ok(StoreClient {
            connection,
            token: token.to_owned(),
        })
    }
}

impl StoreClient {
    /// Waits until a term holds, like a pod of the namespace with this path.
    pub async fn until(&mut self, namespace: &str, term: &str) -> Result<()> {
        let path = format!("{namespace}/wait");
        until_held(term, async |question| {
            self.send(Method::POST, &path, question).await
        })
        .await
    }

    /// Sends a request, and returns the body of its answer, which must be a success.
    pub async fn send(&mut self, method: Method, path: &str, body: Value) -> Result<Value> {
        let body = if body.is_null() {
            Bytes::new()
        } else {
            body.to_string().into()
        };
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, NAME)
            .header(CONTENT_TYPE, "application/json")
            .header(AUTHORIZATION, format!("Bearer {}", self.token))
            .body(Full::new(body))?;
        self.connection.ready().await?;
        let answer = self.connection.send_request(request).await?;
        let status = answer.status();
        let body = answer.into_body().collect().await?.to_bytes();
        if !status.is_success() {
            bail!("the store answered {path} with {status}: {body:?}");
        }
        Ok(serde_json::from_slice(&body).unwrap_or_default())
    }
}
