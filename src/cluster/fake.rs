//! An API server in memory, with the calls that the webhook makes: objects have versions, a stale
//! write is a conflict, and other requests can run before each answer.

use std::{
    collections::{BTreeMap, HashMap},
    convert::Infallible,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU8, Ordering},
    },
};

use axum::extract::Query;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::body::Frame;
use kube::{Client, client, core::Status};
use serde_json::{Value, json};
use tokio::{
    sync::mpsc::{self, UnboundedSender},
    task::yield_now,
};

type Body = UnsyncBoxBody<Bytes, Infallible>;

/// The cluster, shared with its clients.
#[derive(Clone, Debug, Default)]
pub(crate) struct FakeCluster(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    objects: BTreeMap<String, Value>,
    version: u64,
    refusals: HashMap<(Method, String), (StatusCode, String)>,
    writes: Vec<String>,
    conflicts: usize,
    /// All events, with the version and the path of the object.
    events: Vec<(u64, String, Value)>,
    watches: Vec<Watch>,
}

/// A watch of one object.
#[derive(Debug)]
struct Watch {
    path: String,
    sender: UnboundedSender<Bytes>,
}

pub(crate) const SECRET: &str = "/api/v1/namespaces/oncue-system/secrets/oncue-webhook-ca";
pub(crate) const SERVICE: &str = "/api/v1/namespaces/oncue-system/services/oncue-store";
pub(crate) const CONFIGURATION: &str =
    "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/oncue";

impl FakeCluster {
    /// Holds what the chart makes: an empty Secret, the configuration, the store's Service.
    pub(crate) fn of_the_chart() -> Self {
        let cluster = Self::default();
        cluster.put(
            SECRET,
            json!({
                "apiVersion": "v1", "kind": "Secret", "type": "Opaque",
                "metadata": {"name": "oncue-webhook-ca", "namespace": "oncue-system"},
            }),
        );
        let entry = |name: &str, service: &str| {
            json!({
                "name": name, "admissionReviewVersions": ["v1"], "sideEffects": "None",
                "clientConfig": {"service": {"name": service, "namespace": "oncue-system"}},
            })
        };
        cluster.put(
            CONFIGURATION,
            json!({
                "apiVersion": "admissionregistration.k8s.io/v1",
                "kind": "MutatingWebhookConfiguration",
                "metadata": {"name": "oncue", "managedFields": [{"manager": "helm"}]},
                "webhooks": [
                    entry("pods.oncue.dev", "oncue-webhook"),
                    entry("elsewhere.example", "another"),
                    entry("workloads.oncue.dev", "oncue-webhook"),
                ],
            }),
        );
        cluster.put(
            SERVICE,
            json!({
                "apiVersion": "v1", "kind": "Service",
                "metadata": {"name": "oncue-store", "namespace": "oncue-system"},
                "spec": {"clusterIP": "10.96.0.17"},
            }),
        );
        cluster
    }

    /// Returns a client of the cluster.
    pub(crate) fn client(&self) -> Client {
        self.client_over(&Link::default())
    }

    /// Returns a client that reaches the cluster over a link.
    pub(crate) fn client_over(&self, link: &Link) -> Client {
        let (cluster, link) = (self.clone(), link.clone());
        let service = tower::service_fn(move |request: Request<client::Body>| {
            let (cluster, link) = (cluster.clone(), link.clone());
            async move {
                yield_now().await;
                Ok::<_, Infallible>(match link.state() {
                    Link::SILENT => std::future::pending().await,
                    Link::REFUSES => answer(Err((StatusCode::SERVICE_UNAVAILABLE, "down".into()))),
                    _ => cluster.answer(request).await,
                })
            }
        });
        Client::new(service, "oncue-system")
    }

    /// Returns the object at `path`.
    pub(crate) fn get(&self, path: &str) -> Value {
        self.lock().objects[path].clone()
    }

    /// Puts an object, like another client.
    pub(crate) fn put(&self, path: &str, object: Value) {
        self.lock().store(path, object);
    }

    /// Removes an object, like another client.
    pub(crate) fn remove(&self, path: &str) {
        self.lock().remove(path);
    }

    /// Changes the object at `path`, like another client.
    pub(crate) fn change(&self, path: &str, change: impl FnOnce(&mut Value)) {
        let mut object = self.get(path);
        change(&mut object);
        self.put(path, object);
    }

    /// Refuses what is asked from now on.
    pub(crate) fn refuse(&self, method: Method, path: &str, refusal: (u16, &str)) {
        let (code, message) = refusal;
        let status = StatusCode::from_u16(code).unwrap();
        let refusal = (status, message.to_owned());
        self.lock()
            .refusals
            .insert((method, path.to_owned()), refusal);
    }

    /// Refuses nothing any more.
    pub(crate) fn recover(&self) {
        self.lock().refusals.clear();
    }

    /// Returns what was written since this was asked last, as methods with the ends of paths.
    pub(crate) fn writes(&self) -> Vec<String> {
        std::mem::take(&mut self.lock().writes)
    }

    /// Returns how many writes were refused since the object had changed.
    pub(crate) fn conflicts(&self) -> usize {
        self.lock().conflicts
    }

    async fn answer(&self, request: Request<client::Body>) -> Response<Body> {
        let (head, body) = request.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let path = head.uri.path();
        let Query(query) = Query::<BTreeMap<String, String>>::try_from_uri(&head.uri).unwrap();
        let mut state = self.lock();
        if let Some(name) = query.get("fieldSelector") {
            let name = name.strip_prefix("metadata.name=").unwrap();
            let path = format!("{path}/{name}");
            return match query.get("watch") {
                Some(_) => state.watch(&path, query["resourceVersion"].parse().unwrap()),
                None => answer(Ok(state.list(&path))),
            };
        }
        answer(state.answer(&head.method, path, &body))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn answer(result: Result<Value, (StatusCode, String)>) -> Response<Body> {
    let (code, object) = match result {
        Ok(object) => (StatusCode::OK, object),
        Err((code, message)) => {
            let reason = code.canonical_reason().unwrap_or_default();
            let reason = reason.replace(' ', "");
            let status = Status::failure(&message, &reason).with_code(code.as_u16());
            (code, serde_json::to_value(status).unwrap())
        }
    };
    let body = Full::from(object.to_string()).boxed_unsync();
    Response::builder().status(code).body(body).unwrap()
}

/// The way of one client to the cluster, which can fail.
#[derive(Clone, Debug, Default)]
pub(crate) struct Link(Arc<AtomicU8>);

impl Link {
    /// Everything is answered.
    pub(crate) const UP: u8 = 0;
    /// Everything is refused.
    pub(crate) const REFUSES: u8 = 1;
    /// Nothing is answered, and nothing arrives.
    pub(crate) const SILENT: u8 = 2;

    pub(crate) fn set(&self, state: u8) {
        self.0.store(state, Ordering::Relaxed);
    }

    fn state(&self) -> u8 {
        self.0.load(Ordering::Relaxed)
    }
}

impl State {
    fn answer(
        &mut self,
        method: &Method,
        path: &str,
        body: &[u8],
    ) -> Result<Value, (StatusCode, String)> {
        if let Some(refusal) = self.refusals.get(&(method.clone(), path.to_owned())) {
            return Err(refusal.clone());
        }
        if *method == Method::POST {
            return self.create(path, body);
        }
        let Some(found) = self.objects.get(path).cloned() else {
            let message = format!("{path} not found");
            return Err((StatusCode::NOT_FOUND, message));
        };
        let written = match *method {
            Method::GET => return Ok(found),
            Method::PUT => serde_json::from_slice(body).unwrap(),
            Method::PATCH => patched(&found, body),
            _ => return Err((StatusCode::METHOD_NOT_ALLOWED, method.to_string())),
        };
        if version(&written) != version(&found) {
            self.conflicts += 1;
            return Err((StatusCode::CONFLICT, "has been modified".to_owned()));
        }
        let kind = path.rsplit('/').next().unwrap_or_default();
        self.writes.push(format!("{method} {kind}"));
        Ok(self.store(path, written))
    }

    fn create(&mut self, collection: &str, body: &[u8]) -> Result<Value, (StatusCode, String)> {
        let object: Value = serde_json::from_slice(body).unwrap();
        let name = object["metadata"]["name"].as_str().unwrap();
        let path = format!("{collection}/{name}");
        if self.objects.contains_key(&path) {
            return Err((StatusCode::CONFLICT, format!("{path} already exists")));
        }
        self.writes.push(format!("POST {name}"));
        Ok(self.store(&path, object))
    }

    fn store(&mut self, path: &str, mut object: Value) -> Value {
        self.version += 1;
        object["metadata"]["resourceVersion"] = json!(self.version.to_string());
        let before = self.objects.insert(path.to_owned(), object.clone());
        let kind = if before.is_some() {
            "MODIFIED"
        } else {
            "ADDED"
        };
        self.tell(kind, (path, &object));
        object
    }

    fn remove(&mut self, path: &str) {
        self.version += 1;
        if let Some(mut object) = self.objects.remove(path) {
            object["metadata"]["resourceVersion"] = json!(self.version.to_string());
            self.tell("DELETED", (path, &object));
        }
    }

    /// Tells watches of an event.
    fn tell(&mut self, kind: &str, (path, object): (&str, &Value)) {
        let event = json!({"type": kind, "object": object});
        self.watches
            .retain(|watch| watch.path != path || watch.sender.send(line(&event)).is_ok());
        self.events.push((self.version, path.to_owned(), event));
    }

    fn list(&self, path: &str) -> Value {
        let items: Vec<_> = self.objects.get(path).into_iter().collect();
        json!({"items": items, "metadata": {"resourceVersion": self.version.to_string()}})
    }

    fn watch(&mut self, path: &str, since: u64) -> Response<Body> {
        let missed = self
            .events
            .iter()
            .filter(|(version, of, _)| *version > since && of == path);
        let missed: Vec<_> = missed.map(|(_, _, event)| line(event)).collect();
        let (sender, mut receiver) = mpsc::unbounded_channel();
        let path = path.to_owned();
        self.watches.push(Watch { path, sender });
        let events = stream::iter(missed).chain(stream::poll_fn(move |cx| receiver.poll_recv(cx)));
        let frames = events.map(|event| Ok::<_, Infallible>(Frame::data(event)));
        Response::new(StreamBody::new(frames).boxed_unsync())
    }
}

/// Writes an event as a line of a watch.
fn line(event: &Value) -> Bytes {
    format!("{event}\n").into()
}

fn version(object: &Value) -> &Value {
    &object["metadata"]["resourceVersion"]
}

/// Applies a strategic merge, and notes the client as the owner of the changed fields.
fn patched(found: &Value, patch: &[u8]) -> Value {
    let mut patch: Value = serde_json::from_slice(patch).unwrap();
    let mut object = found.clone();
    for entry in patch["webhooks"].take().as_array().into_iter().flatten() {
        let entries = object["webhooks"].as_array_mut().unwrap();
        let named = entries.iter_mut().find(|it| it["name"] == entry["name"]);
        json_patch::merge(named.unwrap(), entry);
    }
    json_patch::merge(&mut object["metadata"], &patch["metadata"]);
    if object["webhooks"] != found["webhooks"] {
        let owners = object["metadata"]["managedFields"].as_array_mut().unwrap();
        owners.push(json!({"manager": super::FIELD_MANAGER, "operation": "Update"}));
    }
    object
}
