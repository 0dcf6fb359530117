//! Pods that all signal one variable, and wait until every one has.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::{Failure, http::Connection, load, server::Server};

/// What a barrier of some pods costs.
pub(crate) struct Cost {
    /// The time that the store's threads ran.
    pub(crate) cpu: Duration,
    /// What all pods sent and received.
    pub(crate) bytes: usize,
}

/// Lets `pods` meet at a barrier of a store of their own.
pub(crate) async fn cost(pods: usize) -> Result<Cost, Failure> {
    let server = Server::start().await?;
    let connections = load::connect(server.address(), pods).await?;
    let before = server.cpu()?;
    let mut waiting = JoinSet::new();
    let mut connections = connections.into_iter().enumerate();
    let last = connections.next().ok_or("a barrier needs a pod")?;
    for (number, connection) in connections {
        waiting.spawn(meet(connection, number, pods));
    }
    load::until_held(server.address(), pods - 1).await?;
    waiting.spawn(meet(last.1, last.0, pods));
    let mut bytes = 0;
    while let Some(met) = waiting.join_next().await {
        bytes += met??.transferred();
    }
    Ok(Cost {
        cpu: server.cpu()?.saturating_sub(before),
        bytes,
    })
}

/// Signals as one pod, and waits until all have.
async fn meet(
    mut connection: Connection,
    number: usize,
    pods: usize,
) -> Result<Connection, Failure> {
    let owner = json!({
        "namespace": "default",
        "name": format!("worker-{number}"),
        "uid": format!("00000000-0000-4000-8000-{number:012}"),
    });
    let assertion = json!({ "owner": owner }).to_string();
    let variable = "/v1/namespaces/default/variables/workers/ready";
    connection.send("PUT", variable, &assertion).await?;
    let mut ask = json!({ "terms": [format!("workers/ready>={pods}")] });
    loop {
        let path = "/v1/namespaces/default/wait";
        let answer = connection.send("POST", path, &ask.to_string()).await?;
        let answer: Value = serde_json::from_str(&answer)?;
        if answer["outcome"] == "held" {
            return Ok(connection);
        }
        ask["revision"] = answer["revision"].clone();
    }
}
