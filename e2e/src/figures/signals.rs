//! Many pods that start and signal at once, as their clients do: the waiting container presents its
//! token and waits for the signal of another pod, and the marker signals on a connection of its own.

use std::time::{Duration, Instant};

use anyhow::Result;
use futures_util::{StreamExt, TryStreamExt, future::try_join, stream};
use http::Method;
use serde_json::{Value, json};

use super::{
    fake_node::FakeNode,
    sample::Sample,
    usage::{gauge, metrics_of},
};
use crate::kit::{AUDIENCE, Namespace, Oncue, StoreDoor, pod};

const PODS: usize = 1000;

/// Within which most markers should have signalled.
const SOON: Duration = Duration::from_secs(2);

/// Prints how soon pods are known, signal, and are released.
pub(super) async fn print(ns: Namespace, oncue: Oncue) -> Result<()> {
    FakeNode::with(&ns, async |node| {
        let tokens = tokens(node).await?;
        let door = async |door: &StoreDoor| measure(door, &tokens, (&ns, &oncue)).await;
        StoreDoor::with(&oncue, door).await
    })
    .await
}

/// Creates the pods, and returns a token of each.
async fn tokens(node: &FakeNode<'_>) -> Result<Vec<String>> {
    let token = async |index| {
        let pod = pod(&format!("signaller-{index}")).signals("up/$(POD_NAME)");
        node.create(pod).await?.token(AUDIENCE).await
    };
    let tokens = stream::iter((0..PODS).map(token)).buffered(16);
    tokens.try_collect().await
}

async fn measure(
    door: &StoreDoor,
    tokens: &[String],
    (ns, oncue): (&Namespace, &Oncue),
) -> Result<()> {
    let before = reviews(oncue).await?;
    let began = Instant::now();
    let pods = tokens.iter().enumerate().map(|(index, token)| Signaller {
        door,
        token,
        namespace: format!("/v1/namespaces/{}", ns.name()),
        own: variable(index),
        other: variable((index + 1) % tokens.len()),
    });
    let pods = stream::iter(pods.map(Signaller::start)).buffer_unordered(PODS);
    let times: Vec<Times> = pods.try_collect().await?;
    let took = began.elapsed();

    println!("\n# {PODS} pods that start and signal at once\n");
    let sample = |time: fn(&Times) -> Duration| times.iter().map(time).collect::<Sample>();
    println!("token known    {}", sample(|it| it.known));
    println!("signalled      {}", sample(|it| it.signalled));
    println!("released       {}", sample(|it| it.released));
    let soon = times.iter().filter(|it| it.signalled <= SOON).count();
    println!("{soon} markers were done within {SOON:?}; all pods after {took:.1?}");
    for ((replica, after), (_, before)) in reviews(oncue).await?.iter().zip(&before) {
        println!("{replica}: {} reviews of tokens", after - before);
    }
    Ok(())
}

/// When a pod had what, from its start; for the marker, from the marker's start.
struct Times {
    known: Duration,
    signalled: Duration,
    released: Duration,
}

struct Signaller<'a> {
    door: &'a StoreDoor,
    token: &'a str,
    /// The path of its namespace in the API.
    namespace: String,
    own: String,
    /// What it waits for.
    other: String,
}

impl Signaller<'_> {
    async fn start(self) -> Result<Times> {
        let began = Instant::now();
        let mut waiting = self.door.connect(self.token).await?;
        waiting
            .send(Method::GET, "/v1/identity", Value::Null)
            .await?;
        let known = began.elapsed();
        let waits = async {
            waiting.until(&self.namespace, &self.other).await?;
            anyhow::Ok(began.elapsed())
        };
        let (signalled, released) = try_join(self.mark(), waits).await?;
        Ok(Times {
            known,
            signalled,
            released,
        })
    }

    async fn mark(&self) -> Result<Duration> {
        let began = Instant::now();
        let mut marker = self.door.connect(self.token).await?;
        let variable = format!("{}/variables/{}", self.namespace, self.own);
        marker.send(Method::PUT, &variable, json!({})).await?;
        Ok(began.elapsed())
    }
}

fn variable(index: usize) -> String {
    format!("up/signaller-{index}")
}

/// Returns how many tokens each replica has reviewed, by the name of its pod.
async fn reviews(oncue: &Oncue) -> Result<Vec<(String, f64)>> {
    let mut reviews = Vec::new();
    for replica in oncue.store_pods().await? {
        let metrics = metrics_of(oncue.system().cluster(), replica.name()).await?;
        let results = ["accepted", "refused", "failed"];
        let names = results.map(|it| format!("oncue_identity_reviews_total{{result=\"{it}\"}}"));
        let counts = names.iter().map(|name| gauge(&metrics, name));
        let count = counts.sum::<Result<f64>>()?;
        reviews.push((replica.name().to_owned(), count));
    }
    Ok(reviews)
}
