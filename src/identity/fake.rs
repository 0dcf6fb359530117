//! An API server that reviews tokens: for tests.

use std::{
    collections::HashMap,
    convert::Infallible,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use kube::{Client, client::Body, core::Status};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

/// The API server, shared with its clients.
#[derive(Clone)]
pub(crate) struct FakeReviews(Arc<Inner>);

struct Inner {
    state: Mutex<State>,
    /// Each review waits for one.
    answers: Semaphore,
}

#[derive(Default)]
struct State {
    /// What it says of tokens; it accepts no others.
    known: HashMap<String, Value>,
    asked: Vec<String>,
    is_down: bool,
}

impl FakeReviews {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Inner {
            state: Mutex::default(),
            answers: Semaphore::new(Semaphore::MAX_PERMITS),
        }))
    }

    /// Returns a client, whose requests it answers.
    pub(crate) fn client(&self) -> Client {
        let api = self.clone();
        let service = tower::service_fn(move |request: Request<Body>| {
            let api = api.clone();
            async move { Ok::<_, Infallible>(api.answer(request).await) }
        });
        Client::new(service, "oncue-system")
    }

    /// Makes a token of a pod in a namespace, whose uid is `uid-of-NAME`.
    pub(crate) fn pod_token(&self, pod: (&str, &str), expires: u64) -> String {
        let (namespace, name) = pod;
        let extra = json!({
            "authentication.kubernetes.io/pod-name": [name],
            "authentication.kubernetes.io/pod-uid": [format!("uid-of-{name}")],
            "authentication.kubernetes.io/node-name": ["worker"],
        });
        let user = format!("system:serviceaccount:{namespace}:default");
        self.token((&user, &extra), expires)
    }

    /// Makes a token of the account `name` in our own namespace.
    pub(crate) fn account_token(&self, name: &str, expires: u64) -> String {
        let user = format!("system:serviceaccount:oncue-system:{name}");
        let extra = json!({"authentication.kubernetes.io/credential-id": ["JTI=7"]});
        self.token((&user, &extra), expires)
    }

    fn token(&self, (user, extra): (&str, &Value), expires: u64) -> String {
        let claims =
            json!({"aud": ["oncue"], "exp": expires, "sub": user, "n": rand::random::<u64>()});
        let token = mk_token(&claims.to_string());
        let status = json!({
            "authenticated": true, "audiences": ["oncue"],
            "user": {"username": user, "extra": extra},
        });
        self.lock().known.insert(token.clone(), status);
        token
    }

    /// Accepts a token no more.
    pub(crate) fn forget(&self, token: &str) {
        self.lock().known.remove(token);
    }

    /// Answers no review until [`release`](Self::release) lets it.
    pub(crate) fn hold(&self) {
        self.0.answers.forget_permits(Semaphore::MAX_PERMITS);
    }

    /// Answers so many reviews.
    pub(crate) fn release(&self, count: usize) {
        self.0.answers.add_permits(count);
    }

    /// Answers every request with an error while it is down.
    pub(crate) fn set_down(&self, is_down: bool) {
        self.lock().is_down = is_down;
    }

    /// Waits until it was asked about so many tokens.
    pub(crate) async fn until_asked(&self, count: usize) {
        while self.lock().asked.len() < count {
            tokio::task::yield_now().await;
        }
    }

    /// Returns the tokens that were asked about since this was called last.
    pub(crate) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.lock().asked)
    }

    async fn answer(&self, request: Request<Body>) -> Response<Body> {
        let path = "/apis/authentication.k8s.io/v1/tokenreviews";
        assert_eq!(
            (request.method().as_str(), request.uri().path()),
            ("POST", path)
        );
        let body = request.into_body().collect().await.unwrap().to_bytes();
        let mut review: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(review["spec"]["audiences"], json!(["oncue"]));
        let token = review["spec"]["token"].as_str().unwrap().to_owned();
        self.lock().asked.push(token.clone());
        self.0.answers.acquire().await.unwrap().forget();
        let state = self.lock();
        if state.is_down {
            let status = Status::failure("down", "ServiceUnavailable").with_code(503);
            return respond(StatusCode::SERVICE_UNAVAILABLE, &json!(status));
        }
        // As the API server's own text may, it quotes the token.
        let unknown = || json!({"error": format!("[invalid bearer token, {token}]")});
        review["status"] = state.known.get(&token).cloned().unwrap_or_else(unknown);
        respond(StatusCode::CREATED, &review)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn respond(status: StatusCode, body: &Value) -> Response<Body> {
    let body = Body::from(body.to_string().into_bytes());
    Response::builder().status(status).body(body).unwrap()
}

/// Makes a token with these claims, which nobody has signed.
pub(crate) fn mk_token(claims: &str) -> String {
    let part = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
    format!(
        "{}.{}.{}",
        part(r#"{"alg":"RS256"}"#),
        part(claims),
        part("signature")
    )
}
