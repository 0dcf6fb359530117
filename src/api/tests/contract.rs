//! The server is held to the document that it serves.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::kit::{Kit, Reply, mk_request};
use crate::{api::routes, language::condition::MAX_TOGETHER};

pub(super) static CONTRACT: LazyLock<Contract> = LazyLock::new(Contract::read);

/// The document `openapi.json`.
pub(super) struct Contract {
    document: Value,
}

impl Contract {
    fn read() -> Self {
        let document = serde_json::from_str(include_str!("../openapi.json")).unwrap();
        Self { document }
    }

    /// Returns every path with its methods.
    fn operations(&self) -> BTreeMap<String, BTreeSet<String>> {
        let methods = |item: &Value| {
            let members = item.as_object().unwrap().keys();
            let methods = members.filter(|key| *key != "parameters");
            methods.map(|method| method.to_uppercase()).collect()
        };
        let paths = self.document["paths"].as_object().unwrap();
        let operation = |(path, item): (&String, &Value)| (path.clone(), methods(item));
        paths.iter().map(operation).collect()
    }

    /// Checks that an answer is one that the document announces.
    pub(super) fn check(&self, method: &Method, path: &str, reply: &Reply) {
        assert_eq!(reply.header("cache-control"), "no-store", "{method} {path}");
        let schema = self.schema(method, path, reply);
        if *method == Method::HEAD {
            return assert!(reply.body.is_empty(), "{method} {path}: {reply:?}");
        }
        match schema {
            Some(schema) => self.check_body(&schema, reply),
            None => assert!(reply.body.is_empty(), "{method} {path}: {reply:?}"),
        }
    }

    /// Returns what the body has to be, where the answer has one.
    fn schema(&self, method: &Method, path: &str, reply: &Reply) -> Option<Value> {
        let Some(responses) = self.responses(method, path) else {
            let unannounced = [StatusCode::NOT_FOUND, StatusCode::METHOD_NOT_ALLOWED];
            assert!(
                unannounced.contains(&reply.status),
                "{method} {path}: {reply:?}"
            );
            return Some(json!({"$ref": "#/components/schemas/Problem"}));
        };
        let response = self.resolve(&responses[reply.status.as_str()]);
        assert!(
            response.is_object(),
            "{method} {path} does not announce {reply:?}"
        );
        let content = response["content"].as_object()?;
        let media = content.get(reply.header("content-type"));
        let media = media.unwrap_or_else(|| panic!("{method} {path} as {:?}", reply.headers));
        Some(media["schema"].clone())
    }

    fn responses(&self, method: &Method, path: &str) -> Option<&Value> {
        let paths = self.document["paths"].as_object().unwrap();
        let (_, item) = paths.iter().find(|(template, _)| matches(template, path))?;
        let method = if *method == Method::HEAD {
            "get".to_owned()
        } else {
            method.as_str().to_lowercase()
        };
        item.get(method).map(|operation| &operation["responses"])
    }

    fn resolve<'a>(&'a self, value: &'a Value) -> &'a Value {
        match value["$ref"].as_str() {
            Some(reference) => self.document.pointer(&reference[1..]).unwrap(),
            None => value,
        }
    }

    /// Returns a schema by its name, or a part of one by a path that begins with the name.
    pub(super) fn definition(&self, path: &str) -> &Value {
        let found = self
            .document
            .pointer(&format!("/components/schemas/{path}"));
        found.unwrap_or_else(|| panic!("no schema {path}"))
    }

    /// Returns a parameter by its name.
    pub(super) fn parameter(&self, name: &str) -> &Value {
        &self.document["components"]["parameters"][name]
    }

    /// Returns the text at `pointer`.
    pub(super) fn text(&self, pointer: &str) -> &str {
        self.document.pointer(pointer).unwrap().as_str().unwrap()
    }

    /// Checks that a document is as the schema of this name says.
    pub(super) fn validate(&self, schema: &str, document: &Value) {
        let reference = json!({"$ref": format!("#/components/schemas/{schema}")});
        self.check_document(&reference, document);
    }

    fn check_document(&self, schema: &Value, document: &Value) {
        let schema = json!({"allOf": [schema], "components": self.document["components"]});
        let validator = jsonschema::draft202012::new(&schema).unwrap();
        let errors = validator.iter_errors(document);
        let errors: Vec<_> = errors.map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{document}: {errors:?}");
    }

    fn check_body(&self, schema: &Value, reply: &Reply) {
        let documents = match reply.header("content-type") {
            "application/x-ndjson" => lines(&reply.body),
            text if text.starts_with("application/json") || text.contains("problem") => {
                vec![reply.json()]
            }
            _ => vec![Value::String(
                String::from_utf8(reply.body.to_vec()).unwrap(),
            )],
        };
        for document in documents {
            self.check_document(schema, &document);
        }
        if reply.header("content-type").contains("problem") {
            assert_eq!(reply.json()["status"], reply.status.as_u16());
        }
    }
}

fn lines(body: &[u8]) -> Vec<Value> {
    let lines = body
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty());
    lines
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect()
}

/// Only the name of a variable takes several segments.
fn matches(template: &str, path: &str) -> bool {
    if let Some(prefix) = template.strip_suffix("{name}") {
        let segments = prefix.matches('/').count();
        let end = path.match_indices('/').nth(segments - 1);
        return end.is_some_and(|(end, _)| matches(prefix, &path[..=end]));
    }
    let (template, path): (Vec<_>, Vec<_>) =
        (template.split('/').collect(), path.split('/').collect());
    let fits = |(t, p): (&&str, &&str)| t == p || t.starts_with('{');
    template.len() == path.len() && template.iter().zip(&path).all(fits)
}

/// A wildcard is an ordinary parameter in `openapi.json`, and a path that ends early lacks only its name.
fn announced(path: &str) -> String {
    let path = path.replace("{*name}", "{name}");
    if path.len() > 1 && path.ends_with('/') {
        path + "{name}"
    } else {
        path
    }
}

#[tokio::test]
async fn every_route_and_method_is_announced_and_the_reverse() {
    let kit = Kit::new().await;
    let mut served = BTreeMap::new();
    for (path, _) in routes::table() {
        let uri = path
            .replace("{namespace}", "default")
            .replace("{*name}", "a");
        let reply = kit.send(mk_request("TRACE", &uri, "")).await;
        assert_eq!(reply.status, StatusCode::METHOD_NOT_ALLOWED, "{path}");
        let allowed: BTreeSet<_> = reply
            .header("allow")
            .split(',')
            .map(str::to_owned)
            .collect();
        // HEAD goes with every GET.
        let methods: BTreeSet<_> = allowed
            .into_iter()
            .filter(|method| method != "HEAD")
            .collect();
        let before = served.insert(announced(path), methods.clone());
        assert!(before.is_none_or(|before| before == methods), "{path}");
    }
    assert_eq!(served, CONTRACT.operations());
}

#[tokio::test]
async fn the_document_is_served() {
    let reply = Kit::new().await.get("/openapi.json").await;
    assert_eq!(reply.json(), CONTRACT.document);
}

#[test]
fn the_document_says_how_many_terms_a_wait_may_have() {
    let most = CONTRACT
        .document
        .pointer("/components/schemas/WaitRequest/properties/terms/maxItems");
    assert_eq!(most, Some(&json!(MAX_TOGETHER)));
}

#[test]
fn every_reference_of_the_document_leads_somewhere() {
    fn walk(document: &Value, value: &Value) {
        match value {
            Value::Object(members) => {
                if let Some(reference) = members.get("$ref").and_then(Value::as_str) {
                    assert!(document.pointer(&reference[1..]).is_some(), "{reference}");
                }
                members.values().for_each(|member| walk(document, member));
            }
            Value::Array(items) => items.iter().for_each(|item| walk(document, item)),
            _ => {}
        }
    }
    walk(&CONTRACT.document, &CONTRACT.document);
}
