//! Pods that all signal one variable, and wait until every one has.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::{
    Failure,
    http::Connection,
    load,
    server::{Kind, Server},
};

/// What a barrier of some pods costs.
pub(crate) struct Cost {
    /// The time that the store's threads ran.
    pub(crate) cpu: Duration,
    /// What all pods sent and received.
    pub(crate) bytes: usize,
}

/// Lets `pods` meet at a barrier of a store of their own.
pub(crate) async fn cost(kind: Kind, namespace: &str, pods: usize) -> Result<Cost, Failure> {
    let server = Server::start(kind).await?;
    let connections = load::connect(server.target(), pods).await?;
    let before = server.cpu()?;
    let mut waiting = JoinSet::new();
    let mut pods_of = (0..pods).map(|number| Pod {
        path: format!("/v1/namespaces/{namespace}"),
        number,
        barrier: Barrier { kind, pods },
    });
    let mut connections = connections.into_iter().zip(&mut pods_of);
    let (connection, last) = connections.next().ok_or("a barrier needs a pod")?;
    for (connection, pod) in connections {
        waiting.spawn(pod.meet(connection));
    }
    load::until_all_wait(server.target(), &mut waiting).await?;
    waiting.spawn(last.meet(connection));
    let mut bytes = 0;
    while let Some(met) = waiting.join_next().await {
        bytes += met??.transferred();
    }
    Ok(Cost {
        cpu: server.cpu()?.saturating_sub(before),
        bytes,
    })
}

/// Where so many pods meet.
#[derive(Clone, Copy)]
struct Barrier {
    kind: Kind,
    pods: usize,
}

impl Barrier {
    /// Returns the variable that a pod asserts, and the body with which it does.
    ///
    /// Kubernetes removes what missing pods own, so there each one has a variable by hand.
    fn assertion(self, number: usize) -> (String, String) {
        if self.kind == Kind::Kubernetes {
            return (format!("workers-{}/{number}", self.pods), String::new());
        }
        let owner = json!({
            "namespace": "default",
            "name": format!("worker-{number}"),
            "uid": format!("00000000-0000-4000-8000-{number:012}"),
        });
        let body = json!({ "owner": owner }).to_string();
        ("workers/ready".to_owned(), body)
    }

    /// Returns the term that holds when all are there.
    fn term(self) -> String {
        let pods = self.pods;
        match self.kind {
            Kind::Kubernetes => format!("workers-{pods}/*>={pods}"),
            Kind::Embedded | Kind::Memory | Kind::MemoryOverTls => {
                format!("workers/ready>={pods}")
            }
        }
    }
}

struct Pod {
    /// The namespace's path in the API.
    path: String,
    number: usize,
    barrier: Barrier,
}

impl Pod {
    /// Signals, and waits until all have.
    async fn meet(self, mut connection: Connection) -> Result<Connection, Failure> {
        let (variable, body) = self.barrier.assertion(self.number);
        let variable = format!("{}/variables/{variable}", self.path);
        connection.send("PUT", &variable, &body).await?;
        let mut ask = json!({ "terms": [self.barrier.term()] });
        let path = format!("{}/wait", self.path);
        loop {
            let answer = connection.send("POST", &path, &ask.to_string()).await?;
            let answer: Value = serde_json::from_str(&answer)?;
            if answer["outcome"] == "held" {
                return Ok(connection);
            }
            ask["revision"] = answer["revision"].clone();
        }
    }
}
