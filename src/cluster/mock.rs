//! An API server that plays a scenario: for tests.

use std::time::Duration;

use http::{Request, Response};
use kube::{Client, client::Body};
use serde_json::Value;
use tokio::{task::JoinHandle, time::timeout};
use tower_test::mock::{self, Handle};

type Server = Handle<Request<Body>, Response<Body>>;

/// Returns a client, and the server that it talks to.
pub(super) fn mk_client() -> (Client, Server) {
    let (service, server) = mock::pair();
    (Client::new(service, "default"), server)
}

/// Answers requests in turn, each with a status and a body; returns the URIs that were asked for.
pub(super) fn answer(mut server: Server, answers: Vec<(u16, Value)>) -> JoinHandle<Vec<String>> {
    tokio::spawn(async move {
        let mut asked = Vec::new();
        for (status, body) in answers {
            let request = timeout(Duration::from_secs(5), server.next_request());
            let (request, respond) = request.await.unwrap().unwrap();
            asked.push(request.uri().to_string());
            let response = Response::builder().status(status);
            let body = Body::from(body.to_string().into_bytes());
            respond.send_response(response.body(body).unwrap());
        }
        asked
    })
}
