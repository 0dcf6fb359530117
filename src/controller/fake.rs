//! An API server in memory whose objects can be listed, watched, read and patched, and which takes
//! conditions and Events: for tests.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::extract::Query;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::{HeaderValue, Method, Request, Response, StatusCode, header::RETRY_AFTER};
use http_body_util::{BodyExt, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::body::Frame;
use json_patch::Patch;
use kube::{Client, client, core::Status};
use serde_json::{Value, json};
use tokio::sync::mpsc::{self, UnboundedSender};

use super::writes::Written;

type Body = UnsyncBoxBody<Bytes, Infallible>;

/// The API server, shared with its clients.
#[derive(Clone, Default)]
pub(crate) struct FakeApi(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    /// Objects by their paths.
    objects: BTreeMap<String, Value>,
    changes: Vec<Change>,
    watchers: Vec<Watcher>,
    is_down: bool,
    is_silent: bool,
    /// The resource that may not be read.
    forbidden: Option<String>,
    reads: Vec<String>,
    /// The answers to the next writes, in place of carrying them out.
    refusals: Vec<(Written, Refusal)>,
    writes: Vec<Write>,
}

/// A write that was sent.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Write {
    pub(super) what: Written,
    /// Its method and path.
    pub(super) call: String,
    pub(super) body: Value,
}

/// The refusal of a write.
#[derive(Clone, Copy)]
pub(super) struct Refusal {
    pub(super) code: StatusCode,
    pub(super) retry_after: Option<u32>,
}

/// That an object became another, or came or went.
#[derive(Clone)]
struct Change {
    path: String,
    before: Option<Value>,
    after: Option<Value>,
}

struct Watcher {
    of: Selection,
    sender: UnboundedSender<Bytes>,
}

/// What a list or a watch is about.
#[derive(Clone)]
struct Selection {
    /// The end of the paths' collection, such as `pods`.
    plural: String,
    namespace: Option<String>,
    /// A label and its value; `None` for objects without the label.
    label: Option<(String, Option<Value>)>,
    name: Option<String>,
}

impl FakeApi {
    pub(crate) fn client(&self) -> Client {
        let api = self.clone();
        let service = tower::service_fn(move |request: Request<client::Body>| {
            let api = api.clone();
            async move {
                let (head, body) = request.into_parts();
                let body = body.collect().await.unwrap().to_bytes();
                let request = Request::from_parts(head, body);
                Ok::<_, Infallible>(api.lock().answer(&request))
            }
        });
        Client::new(service, "default")
    }

    /// Puts an object at its path.
    pub(super) fn put(&self, plural: &str, object: &Value) {
        let path = path(plural, object);
        self.lock().change(path, Some(object.clone()));
    }

    /// Removes an object.
    pub(super) fn remove(&self, plural: &str, object: &Value) {
        let path = path(plural, object);
        self.lock().change(path, None);
    }

    /// Ends all watches, and refuses every request while it is down.
    pub(crate) fn set_down(&self, is_down: bool) {
        let mut state = self.lock();
        state.is_down = is_down;
        state.watchers.clear();
    }

    /// Tells watches nothing, of what changes while it is silent; other requests are answered.
    pub(super) fn set_silent(&self, is_silent: bool) {
        self.lock().is_silent = is_silent;
    }

    /// Forbids to read one resource, or none.
    pub(crate) fn forbid(&self, plural: Option<&str>) {
        self.lock().forbidden = plural.map(str::to_owned);
    }

    /// Refuses the next removal of a gate in this way.
    pub(super) fn refuse_patch(&self, refusal: Refusal) {
        self.refuse(Written::Gate, refusal);
    }

    /// Refuses the next write of a kind in this way.
    pub(super) fn refuse(&self, what: Written, refusal: Refusal) {
        self.lock().refusals.push((what, refusal));
    }

    /// Returns how many removals of gates were sent.
    pub(super) fn patches(&self) -> usize {
        self.writes(Written::Gate).len()
    }

    /// Returns the writes of a kind that were sent.
    pub(super) fn writes(&self, what: Written) -> Vec<Write> {
        let state = self.lock();
        let writes = state.writes.iter().filter(|write| write.what == what);
        writes.cloned().collect()
    }

    /// Returns an object as it is now.
    pub(super) fn get(&self, plural: &str, object: &Value) -> Option<Value> {
        self.lock().objects.get(&path(plural, object)).cloned()
    }

    /// Returns the paths of single objects that were read since this was asked last.
    pub(super) fn reads(&self) -> Vec<String> {
        std::mem::take(&mut self.lock().reads)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the path below the group's, which the tests do not need.
fn path(plural: &str, object: &Value) -> String {
    let member = |name| object["metadata"][name].as_str().unwrap();
    format!(
        "namespaces/{}/{plural}/{}",
        member("namespace"),
        member("name")
    )
}

impl State {
    fn change(&mut self, path: String, after: Option<Value>) {
        let version = (self.changes.len() + 1).to_string();
        let stamped = |mut object: Value| {
            object["metadata"]["resourceVersion"] = json!(version);
            object
        };
        let after = after.map(stamped);
        let before = match &after {
            Some(object) => self.objects.insert(path.clone(), object.clone()),
            None => self.objects.remove(&path).map(stamped),
        };
        let change = Change {
            path,
            before,
            after,
        };
        if self.is_silent {
            return;
        }
        self.watchers
            .retain(|watcher| match watcher.of.event(&change) {
                Some(event) => watcher.sender.send(event).is_ok(),
                None => true,
            });
        self.changes.push(change);
    }

    fn answer(&mut self, request: &Request<Bytes>) -> Response<Body> {
        let path = request.uri().path();
        let Query(parameters) =
            Query::<BTreeMap<String, String>>::try_from_uri(request.uri()).unwrap();
        if self.is_down {
            return refuse(StatusCode::SERVICE_UNAVAILABLE, "down");
        }
        if self
            .forbidden
            .as_ref()
            .is_some_and(|it| path.ends_with(&**it))
        {
            return refuse(StatusCode::FORBIDDEN, "forbidden");
        }
        if let Some(at) = path
            .find("namespaces/")
            .filter(|at| path[*at..].split('/').count() > 3)
        {
            if request.method() == Method::PATCH {
                return self.write(&path[at..], request);
            }
            self.reads.push(path[at..].to_owned());
            return match self.objects.get(&path[at..]) {
                Some(object) => answer(object),
                None => refuse(StatusCode::NOT_FOUND, path),
            };
        }
        if let Some(at) = path
            .find("namespaces/")
            .filter(|_| request.method() == Method::POST)
        {
            return self.write(&path[at..], request);
        }
        let of = Selection {
            plural: path.rsplit('/').next().unwrap().to_owned(),
            namespace: path
                .split_once("namespaces/")
                .and_then(|(_, rest)| rest.split('/').next())
                .map(str::to_owned),
            name: parameters
                .get("fieldSelector")
                .and_then(|text| text.strip_prefix("metadata.name="))
                .map(str::to_owned),
            label: parameters.get("labelSelector").map(|text| {
                if let Some(key) = text.strip_prefix('!') {
                    return (key.to_owned(), None);
                }
                let (key, value) = text.split_once('=').unwrap();
                (key.to_owned(), Some(json!(value)))
            }),
        };
        if parameters.contains_key("watch") {
            let since = parameters["resourceVersion"].parse().unwrap();
            return self.watch(of, since);
        }
        let items: Vec<_> = self
            .objects
            .iter()
            .filter(|(path, object)| of.contains(path, object))
            .map(|(_, object)| object)
            .collect();
        let version = self.changes.len().to_string();
        answer(&json!({"items": items, "metadata": {"resourceVersion": version}}))
    }

    fn write(&mut self, path: &str, request: &Request<Bytes>) -> Response<Body> {
        let parts: Vec<_> = path.split('/').collect();
        let (what, path) = match parts[..] {
            [_, _, "events", ..] => (Written::Event, path),
            [.., "status"] => (Written::Condition, path.trim_end_matches("/status")),
            _ => (Written::Gate, path),
        };
        let body: Value = serde_json::from_slice(request.body()).unwrap();
        self.writes.push(Write {
            what,
            call: format!("{} {path}", request.method()),
            body: body.clone(),
        });
        if let Some(at) = self.refusals.iter().position(|(it, _)| *it == what) {
            let (_, Refusal { code, retry_after }) = self.refusals.remove(at);
            let mut response = refuse(code, "refused");
            let seconds = retry_after.map(HeaderValue::from);
            response
                .headers_mut()
                .extend(seconds.map(|it| (RETRY_AFTER, it)));
            return response;
        }
        if request.method() == Method::POST {
            return self.create(path, &body);
        }
        let Some(mut object) = self.objects.get(path).cloned() else {
            return refuse(StatusCode::NOT_FOUND, path);
        };
        match patched(what, &mut object, body) {
            Ok(()) => {
                self.change(path.to_owned(), Some(object.clone()));
                answer(&object)
            }
            Err((code, message)) => refuse(code, &message),
        }
    }

    fn create(&mut self, collection: &str, object: &Value) -> Response<Body> {
        let name = object["metadata"]["name"].as_str().unwrap();
        let path = format!("{collection}/{name}");
        if self.objects.contains_key(&path) {
            return refuse(StatusCode::CONFLICT, "already exists");
        }
        self.change(path, Some(object.clone()));
        answer(object)
    }

    fn watch(&mut self, of: Selection, since: usize) -> Response<Body> {
        let missed: Vec<_> = self.changes[since..]
            .iter()
            .filter_map(|change| of.event(change))
            .collect();
        let (sender, mut receiver) = mpsc::unbounded_channel();
        self.watchers.push(Watcher { of, sender });
        let events = stream::iter(missed).chain(stream::poll_fn(move |cx| receiver.poll_recv(cx)));
        let frames = events.map(|event| Ok::<_, Infallible>(Frame::data(event)));
        Response::new(StreamBody::new(frames).boxed_unsync())
    }
}

impl Selection {
    fn contains(&self, path: &str, object: &Value) -> bool {
        let is_labelled = |(key, value): &(String, Option<Value>)| {
            object["metadata"]["labels"].get(key) == value.as_ref()
        };
        let [_, namespace, plural, name] = path.split('/').collect::<Vec<_>>()[..] else {
            return false;
        };
        let is = |wanted: &Option<String>, text: &str| wanted.as_ref().is_none_or(|it| it == text);
        plural == self.plural
            && is(&self.namespace, namespace)
            && is(&self.name, name)
            && self.label.as_ref().is_none_or(is_labelled)
    }

    /// Returns the line of a watch that tells of a change.
    fn event(&self, change: &Change) -> Option<Bytes> {
        let selected = |object: &Option<Value>| {
            let object = object.clone();
            object.filter(|object| self.contains(&change.path, object))
        };
        let (kind, object) = match (selected(&change.before), selected(&change.after)) {
            (None, None) => return None,
            (None, Some(after)) => ("ADDED", after),
            (Some(_), Some(after)) => ("MODIFIED", after),
            (Some(before), None) => ("DELETED", before),
        };
        let line = json!({"type": kind, "object": object});
        Some(format!("{line}\n").into())
    }
}

/// Patches an object: JSON Patch for gates, strategic merge for conditions, merge for Events.
fn patched(what: Written, object: &mut Value, body: Value) -> Result<(), (StatusCode, String)> {
    match what {
        Written::Condition => {
            if body["metadata"]["uid"] != object["metadata"]["uid"] {
                return Err((StatusCode::CONFLICT, "Precondition failed: UID".to_owned()));
            }
            let status = object["status"].as_object_mut().unwrap();
            let conditions = status.entry("conditions").or_insert_with(|| json!([]));
            let conditions = conditions.as_array_mut().unwrap();
            for condition in body["status"]["conditions"].as_array().unwrap() {
                conditions.retain(|it| it["type"] != condition["type"]);
                conditions.push(condition.clone());
            }
        }
        Written::Event => json_patch::merge(object, &body),
        Written::Gate => {
            let changes: Patch = serde_json::from_value(body).unwrap();
            let failed = |error: json_patch::PatchError| {
                (StatusCode::UNPROCESSABLE_ENTITY, error.to_string())
            };
            json_patch::patch(object, &changes).map_err(failed)?;
        }
    }
    Ok(())
}

fn answer(document: &Value) -> Response<Body> {
    Response::new(Full::from(document.to_string()).boxed_unsync())
}

fn refuse(code: StatusCode, message: &str) -> Response<Body> {
    let reason = code.canonical_reason().unwrap_or_default().replace(' ', "");
    let status = Status::failure(message, &reason).with_code(code.as_u16());
    let mut response = answer(&serde_json::to_value(status).unwrap());
    *response.status_mut() = code;
    response
}
