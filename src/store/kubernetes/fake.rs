//! An API server in memory that keeps Signals: list with pages, watch, create, patch and delete with
//! preconditions, and the ways in which each of them fails. For tests.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    convert::Infallible,
    sync::Arc,
};

use axum::extract::Query;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::body::Frame;
use kube::{Client, client};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::sync::mpsc::{self, UnboundedSender};

type Body = UnsyncBoxBody<Bytes, Infallible>;
type Answer = Result<Value, Failure>;

/// The API server, shared with its clients.
#[derive(Clone, Default)]
pub(crate) struct FakeSignals(Arc<Mutex<State>>);

/// The CRD of the cluster.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) enum FakeCrd {
    /// It is that of this version.
    #[default]
    Current,
    /// There is none.
    Missing,
    /// It lacks this field.
    Without(&'static str),
    /// It serves another version only.
    Version(&'static str),
}

#[derive(Default)]
struct State {
    objects: BTreeMap<(String, String), Value>,
    /// All changes since `forgotten`, with their versions.
    history: VecDeque<(u64, Line)>,
    version: u64,
    forgotten: u64,
    uids: u64,
    watchers: Vec<UnboundedSender<Bytes>>,
    /// What watches are told later.
    held_back: Option<Vec<Bytes>>,
    crd: FakeCrd,
    namespaces: BTreeMap<String, bool>,
    refusals: Vec<(Method, Failure)>,
    /// Requests whose answers get lost: they are carried out.
    lost: BTreeSet<String>,
    is_down: bool,
    /// How it refuses to start watches from before what it remembers: by default, it starts them
    /// and says so then.
    old_watches: Option<Failure>,
    requests: Vec<String>,
}

#[derive(Clone)]
struct Line(Bytes);

/// An answer that is an error.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    code: u16,
    reason: &'static str,
    message: String,
    details: Value,
}

impl Failure {
    /// Returns an error with a status and the words of the API server.
    pub(crate) fn new(code: u16, reason: &'static str, message: &str) -> Self {
        Self {
            code,
            reason,
            message: message.to_owned(),
            details: json!({}),
        }
    }
}

impl FakeSignals {
    /// Returns an API server with the namespaces `default`, `other` and `shop`.
    pub(crate) fn new() -> Self {
        let api = Self::default();
        for namespace in ["default", "other", "shop"] {
            api.add_namespace(namespace);
        }
        api
    }

    /// Returns a client.
    pub(crate) fn client(&self) -> Client {
        let api = self.clone();
        let service = tower::service_fn(move |request: Request<client::Body>| {
            let api = api.clone();
            async move {
                let (head, body) = request.into_parts();
                let body = body
                    .collect()
                    .await
                    .map(http_body_util::Collected::to_bytes);
                tokio::task::yield_now().await;
                let request = Request::from_parts(head, body.unwrap_or_default());
                let response = api.0.lock().answer(&request);
                tokio::task::yield_now().await;
                Ok::<_, Infallible>(response)
            }
        });
        Client::new(service, "default")
    }

    /// Creates a namespace.
    pub(crate) fn add_namespace(&self, name: &str) {
        self.0.lock().namespaces.insert(name.to_owned(), false);
    }

    /// Begins to delete a namespace.
    pub(crate) fn terminate(&self, name: &str) {
        self.0.lock().namespaces.insert(name.to_owned(), true);
    }

    /// Puts an object as it is, past all rules; returns it as it is kept.
    pub(crate) fn put(&self, namespace: &str, name: &str, spec: &Value) -> Value {
        let metadata = json!({"namespace": namespace, "name": name});
        let mut state = self.0.lock();
        let key = (namespace.to_owned(), name.to_owned());
        let mut object = state.objects.get(&key).cloned().unwrap_or_else(
            || json!({"apiVersion": "oncue.dev/v1alpha1", "kind": "Signal", "metadata": metadata}),
        );
        object["spec"] = spec.clone();
        state.store(key, object)
    }

    /// Deletes an object, like another client.
    pub(crate) fn remove(&self, namespace: &str, name: &str) {
        let mut state = self.0.lock();
        let key = (namespace.to_owned(), name.to_owned());
        if let Some(found) = state.objects.get(&key).cloned() {
            state.delete(&key, &found);
        }
    }

    /// Keeps an object from being deleted at once, by a finalizer; or lets it go.
    pub(crate) fn finalize(&self, namespace: &str, name: &str, finalizers: &Value) {
        let mut state = self.0.lock();
        let key = (namespace.to_owned(), name.to_owned());
        let Some(mut object) = state.objects.get(&key).cloned() else {
            return;
        };
        object["metadata"]["finalizers"] = finalizers.clone();
        let is_deleted = object["metadata"]["deletionTimestamp"].is_string();
        if is_deleted && *finalizers == json!([]) {
            state.end(&key);
        } else {
            state.store(key, object);
        }
    }

    /// Returns an object.
    pub(crate) fn get(&self, namespace: &str, name: &str) -> Option<Value> {
        let key = (namespace.to_owned(), name.to_owned());
        self.0.lock().objects.get(&key).cloned()
    }

    /// Returns the names of all objects of a namespace.
    pub(crate) fn names(&self, namespace: &str) -> Vec<String> {
        let state = self.0.lock();
        let names = state.objects.keys().filter(|(it, _)| it == namespace);
        names.map(|(_, name)| name.clone()).collect()
    }

    /// Replaces the CRD.
    pub(crate) fn set_crd(&self, crd: FakeCrd) {
        self.0.lock().crd = crd;
    }

    /// Ends all watches, and answers nothing but 503 while it is down.
    pub(crate) fn set_down(&self, is_down: bool) {
        let mut state = self.0.lock();
        state.is_down = is_down;
        state.watchers.clear();
    }

    /// Ends all watches, and forgets what it could tell new ones: they have to list again.
    pub(crate) fn compact(&self) {
        let mut state = self.0.lock();
        state.watchers.clear();
        state.history.clear();
        state.forgotten = state.version;
    }

    /// Refuses from now on to start watches from before what it remembers.
    pub(crate) fn refuse_old_watches(&self, failure: Failure) {
        self.0.lock().old_watches = Some(failure);
    }

    /// Forgets the objects of after a version without telling anyone, like one whose database was
    /// restored from a backup.
    pub(crate) fn restore(&self, version: u64) {
        let mut state = self.0.lock();
        let of = |object: &Value| object["metadata"]["resourceVersion"].as_str()?.parse().ok();
        state
            .objects
            .retain(|_, object| of(object).is_some_and(|it: u64| it <= version));
        state.history.clear();
        state.version = version;
    }

    /// Holds back what watches would be told, or tells it now.
    pub(crate) fn hold_back(&self, holds: bool) {
        let mut state = self.0.lock();
        let late = state.held_back.take().unwrap_or_default();
        for line in late {
            state.tell(&line);
        }
        state.held_back = holds.then(Vec::new);
    }

    /// Answers the next request with this method with an error.
    pub(crate) fn refuse(&self, method: Method, failure: Failure) {
        self.0.lock().refusals.push((method, failure));
    }

    /// Carries out the next request with this method, and answers with an error nevertheless.
    pub(crate) fn lose_answer(&self, method: &Method) {
        self.0.lock().lost.insert(method.to_string());
    }

    /// Returns the methods of the requests for single objects and for creations, since this was
    /// asked last.
    pub(crate) fn requests(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().requests)
    }
}

impl State {
    fn answer(&mut self, request: &Request<Bytes>) -> Response<Body> {
        if self.is_down {
            let down = Failure::new(503, "ServiceUnavailable", "the server is down");
            return respond(&Err(down));
        }
        let path = request.uri().path().to_owned();
        let Ok(Query(parameters)) = Query::<BTreeMap<String, String>>::try_from_uri(request.uri())
        else {
            return respond(&Err(Failure::new(400, "BadRequest", "the query is wrong")));
        };
        let parts: Vec<_> = path.trim_start_matches('/').split('/').collect();
        match parts[..] {
            ["apis", "oncue.dev"] => respond(&self.group()),
            ["openapi", ..] => respond(&Ok(self.openapi())),
            ["apis", "oncue.dev", version, ..] if !self.serves(version) => {
                respond(&Err(Failure::new(
                    404,
                    "NotFound",
                    "the server could not find the requested resource",
                )))
            }
            [_, _, _, "signals"] if parameters.contains_key("watch") => self.watch(&parameters),
            [_, _, _, "signals"] => {
                respond(&self.refused(&Method::GET).map(|()| self.list(&parameters)))
            }
            [_, _, _, "namespaces", namespace, "signals", ref name @ ..] => {
                self.requests.push(request.method().to_string());
                let answer = self.object(request, (namespace, name.first().copied()));
                let is_lost = self.lost.remove(request.method().as_str());
                let lost = Failure::new(504, "Timeout", "the answer was lost");
                respond(&if is_lost { Err(lost) } else { answer })
            }
            _ => respond(&Err(Failure::new(404, "NotFound", &path))),
        }
    }

    fn serves(&self, version: &str) -> bool {
        match self.crd {
            FakeCrd::Current | FakeCrd::Without(_) => version == "v1alpha1",
            FakeCrd::Missing => false,
            FakeCrd::Version(served) => version == served,
        }
    }

    fn group(&self) -> Answer {
        let version = match self.crd {
            FakeCrd::Current | FakeCrd::Without(_) => "v1alpha1",
            FakeCrd::Version(version) => version,
            FakeCrd::Missing => return Err(Failure::new(404, "NotFound", "no such group")),
        };
        Ok(json!({"kind": "APIGroup", "name": "oncue.dev", "versions": [{"version": version}]}))
    }

    fn openapi(&self) -> Value {
        let mut fields: BTreeMap<_, _> = oncue_signals::SignalSpec::FIELDS
            .map(|field| (field, json!({})))
            .into();
        if let FakeCrd::Without(field) = self.crd {
            fields.remove(field);
        }
        json!({"components": {"schemas": {"dev.oncue.v1alpha1.Signal": {
            "x-kubernetes-group-version-kind": [
                {"group": "oncue.dev", "version": "v1alpha1", "kind": "Signal"},
            ],
            "properties": {"spec": {"properties": fields}},
        }}}})
    }

    fn refused(&mut self, method: &Method) -> Result<(), Failure> {
        let at = self.refusals.iter().position(|(it, _)| it == method);
        at.map_or(Ok(()), |at| Err(self.refusals.remove(at).1))
    }

    fn object(&mut self, request: &Request<Bytes>, place: (&str, Option<&str>)) -> Answer {
        let method = request.method();
        self.refused(method)?;
        let body: Value = serde_json::from_slice(request.body()).unwrap_or_default();
        let (namespace, name) = place;
        let Some(name) = name else {
            return self.create(namespace, body);
        };
        let key = (namespace.to_owned(), name.to_owned());
        let Some(found) = self.objects.get(&key).cloned() else {
            let message = format!("signals.oncue.dev \"{name}\" not found");
            return Err(Failure {
                details: json!({"name": name, "group": "oncue.dev", "kind": "signals"}),
                ..Failure::new(404, "NotFound", &message)
            });
        };
        match *method {
            Method::GET => Ok(found),
            Method::PATCH => {
                check(&found, &body["metadata"])?;
                let mut changed = found;
                json_patch::merge(&mut changed["spec"], &body["spec"]);
                Ok(self.store(key, changed))
            }
            Method::DELETE => {
                check(&found, &body["preconditions"])?;
                Ok(self.delete(&key, &found))
            }
            _ => Err(Failure::new(405, "MethodNotAllowed", method.as_str())),
        }
    }

    fn create(&mut self, namespace: &str, mut object: Value) -> Answer {
        match self.namespaces.get(namespace) {
            None => {
                let message = format!("namespaces \"{namespace}\" not found");
                return Err(Failure {
                    details: json!({"name": namespace, "kind": "namespaces"}),
                    ..Failure::new(404, "NotFound", &message)
                });
            }
            Some(true) => {
                let message = format!(
                    "unable to create new content in namespace {namespace} because it is being \
                     terminated"
                );
                return Err(Failure {
                    details: json!({"causes": [{
                        "reason": "NamespaceTerminating", "message": "", "field": "",
                    }]}),
                    ..Failure::new(403, "Forbidden", &message)
                });
            }
            Some(false) => {}
        }
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        let key = (namespace.to_owned(), name.to_owned());
        if self.objects.contains_key(&key) {
            let message = format!("signals.oncue.dev \"{name}\" already exists");
            return Err(Failure::new(409, "AlreadyExists", &message));
        }
        object["metadata"]["namespace"] = json!(namespace);
        if let (FakeCrd::Without(field), Some(spec)) = (&self.crd, object["spec"].as_object_mut()) {
            spec.remove(*field);
        }
        Ok(self.store(key, object))
    }

    fn delete(&mut self, key: &(String, String), found: &Value) -> Value {
        let finalizers = found["metadata"]["finalizers"].as_array();
        if finalizers.is_some_and(|it| !it.is_empty()) {
            let mut object = found.clone();
            object["metadata"]["deletionTimestamp"] = json!("2026-11-27T10:00:01Z");
            return self.store(key.clone(), object);
        }
        self.end(key);
        json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"})
    }

    fn end(&mut self, key: &(String, String)) {
        if let Some(mut object) = self.objects.remove(key) {
            self.version += 1;
            object["metadata"]["resourceVersion"] = json!(self.version.to_string());
            self.remember("DELETED", &object);
        }
    }

    fn store(&mut self, key: (String, String), mut object: Value) -> Value {
        self.version += 1;
        let metadata = &mut object["metadata"];
        metadata["resourceVersion"] = json!(self.version.to_string());
        let kind = if metadata["uid"].is_string() {
            "MODIFIED"
        } else {
            self.uids += 1;
            metadata["uid"] = json!(format!("uid-{}", self.uids));
            metadata["creationTimestamp"] = json!("2026-11-27T10:00:00Z");
            "ADDED"
        };
        self.objects.insert(key, object.clone());
        self.remember(kind, &object);
        object
    }

    fn remember(&mut self, kind: &str, object: &Value) {
        let line = Bytes::from(format!("{}\n", json!({"type": kind, "object": object})));
        self.history.push_back((self.version, Line(line.clone())));
        match &mut self.held_back {
            Some(held_back) => held_back.push(line),
            None => self.tell(&line),
        }
    }

    fn tell(&mut self, line: &Bytes) {
        self.watchers
            .retain(|watcher| watcher.send(line.clone()).is_ok());
    }

    /// A page holds as many objects as it is asked for; all pages have the first one's version.
    fn list(&self, parameters: &BTreeMap<String, String>) -> Value {
        let number = |name: &str| parameters.get(name)?.parse::<usize>().ok();
        let limit = number("limit").unwrap_or(usize::MAX);
        let begin = number("continue").unwrap_or_default();
        let items: Vec<_> = self.objects.values().skip(begin).take(limit).collect();
        let end = begin + items.len();
        let more = (end < self.objects.len()).then(|| end.to_string());
        json!({
            "apiVersion": "oncue.dev/v1alpha1",
            "kind": "SignalList",
            "items": items,
            "metadata": {"resourceVersion": self.version.to_string(), "continue": more},
        })
    }

    fn watch(&mut self, parameters: &BTreeMap<String, String>) -> Response<Body> {
        let since = parameters.get("resourceVersion");
        let since: u64 = since.and_then(|it| it.parse().ok()).unwrap_or_default();
        if since < self.forgotten {
            if let Some(refusal) = &self.old_watches {
                return respond(&Err(refusal.clone()));
            }
            let gone = Failure::new(410, "Expired", "too old resource version");
            let line = json!({"type": "ERROR", "object": status(&gone)});
            return stream_of(stream::iter([Bytes::from(format!("{line}\n"))]));
        }
        let missed = self.history.iter().filter(|(version, _)| *version > since);
        let mut missed: Vec<_> = missed.map(|(_, Line(line))| line.clone()).collect();
        let bookmark = json!({"type": "BOOKMARK", "object": {
            "apiVersion": "oncue.dev/v1alpha1", "kind": "Signal",
            "metadata": {"resourceVersion": self.version.to_string()},
        }});
        missed.push(format!("{bookmark}\n").into());
        let (sender, mut receiver) = mpsc::unbounded_channel();
        self.watchers.push(sender);
        stream_of(stream::iter(missed).chain(stream::poll_fn(move |cx| receiver.poll_recv(cx))))
    }
}

fn stream_of(lines: impl futures_util::Stream<Item = Bytes> + Send + 'static) -> Response<Body> {
    let frames = lines.map(|line| Ok::<_, Infallible>(Frame::data(line)));
    Response::new(StreamBody::new(frames).boxed_unsync())
}

/// Checks the uid and the version, if a request names them.
fn check(found: &Value, wanted: &Value) -> Result<(), Failure> {
    for field in ["uid", "resourceVersion"] {
        let is_wanted = wanted[field].is_null() || wanted[field] == found["metadata"][field];
        if !is_wanted {
            let message = format!("Precondition failed: {field}");
            return Err(Failure::new(409, "Conflict", &message));
        }
    }
    Ok(())
}

fn respond(answer: &Answer) -> Response<Body> {
    let (code, body) = match answer {
        Ok(body) => (StatusCode::OK, body.to_string()),
        Err(failure) => {
            let code = StatusCode::from_u16(failure.code);
            let code = code.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            (code, status(failure).to_string())
        }
    };
    let mut response = Response::new(Full::from(body).boxed_unsync());
    *response.status_mut() = code;
    response
}

fn status(failure: &Failure) -> Value {
    let Failure {
        code,
        reason,
        message,
        details,
    } = failure;
    json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": message, "reason": reason, "code": code, "details": details,
    })
}
