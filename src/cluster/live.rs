//! Objects as they are in a cluster, as raw JSON: lists are read page by page and bounded.

use futures_util::future;
use kube::{
    Client,
    api::{GetParams, ListParams},
    core::Request,
};
use serde::Deserialize;
use serde_json::Value;

use super::{ApiError, Resource, call};
use crate::language::Namespace;

/// Where to look.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Place {
    Everywhere,
    Namespace(Namespace),
}

impl Place {
    fn namespace(&self) -> Option<&str> {
        match self {
            Self::Everywhere => None,
            Self::Namespace(namespace) => Some(namespace.as_str()),
        }
    }
}

/// Prints as it is said of something that is there: `in the namespace shop`.
impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Everywhere => f.write_str("in the cluster"),
            Self::Namespace(namespace) => write!(f, "in the namespace {namespace}"),
        }
    }
}

/// Which objects of a kind are asked for, and how much of them.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Question<'a> {
    /// A selector of labels.
    pub labels: &'a str,
    /// A selector of fields.
    pub fields: &'a str,
    /// How much of each.
    pub part: Part,
}

/// How much of an object is asked for.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Part {
    /// Its metadata, which is little of it.
    Metadata,
    #[default]
    Whole,
}

/// Objects of one kind.
#[derive(Debug, Default)]
pub(crate) struct Listed {
    /// The objects, each with its kind, and without what only servers read.
    pub objects: Vec<Value>,
    /// That there are more, which are not read.
    pub cut: Option<Unlisted>,
}

impl Question<'_> {
    fn params(&self) -> ListParams {
        let set = |selector: &str| (!selector.is_empty()).then(|| selector.to_owned());
        ListParams {
            label_selector: set(self.labels),
            field_selector: set(self.fields),
            limit: Some(PAGE),
            ..ListParams::default()
        }
    }
}

/// A kind of which not all objects could be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unlisted {
    /// There are too many.
    #[error("only the first {MAX_OBJECTS} {resource} were read")]
    Cut { resource: Resource },
    /// The API server gives none.
    #[error("failed to list {resource}: {source}")]
    Failed {
        resource: Resource,
        /// What it said.
        source: ApiError,
    },
}

/// Lists the objects of one kind.
pub(crate) async fn list(
    client: &Client,
    resource: Resource,
    place: &Place,
    question: Question<'_>,
) -> Result<Listed, Unlisted> {
    let mut pages = Pages::new((client, resource), place, question);
    let mut objects = Vec::new();
    while let Some(page) = pages.next().await? {
        objects.extend(page);
        if objects.len() >= MAX_OBJECTS {
            let cut = pages.params.map(|_| Unlisted::Cut { resource });
            return Ok(Listed { objects, cut });
        }
    }
    Ok(Listed { objects, cut: None })
}

/// Reads all objects of one kind, however many there are, and returns what `pick` takes of them.
pub(crate) async fn find<T>(
    (client, resource): (&Client, Resource),
    place: &Place,
    question: Question<'_>,
    pick: impl Fn(&Value) -> Option<T>,
) -> Result<Vec<T>, Unlisted> {
    let mut pages = Pages::new((client, resource), place, question);
    let mut found = Vec::new();
    while let Some(page) = pages.next().await? {
        found.extend(page.iter().filter_map(&pick));
    }
    Ok(found)
}

/// The pages of a list.
struct Pages<'a> {
    client: &'a Client,
    resource: Resource,
    path: String,
    part: Part,
    /// How the next page is asked for; `None` if the last one was read.
    params: Option<ListParams>,
}

impl<'a> Pages<'a> {
    fn new(
        (client, resource): (&'a Client, Resource),
        place: &Place,
        question: Question<'_>,
    ) -> Self {
        Self {
            client,
            resource,
            path: resource.path(place.namespace()),
            part: question.part,
            params: Some(question.params()),
        }
    }

    /// Reads the objects of the next page; `None` after the last one.
    async fn next(&mut self) -> Result<Option<Vec<Value>>, Unlisted> {
        let Some(params) = self.params.take() else {
            return Ok(None);
        };
        let resource = self.resource;
        let page = self.read(&params).await;
        let Page { items, metadata } =
            page.map_err(|source| Unlisted::Failed { resource, source })?;
        self.params = metadata.next.map(|next| params.continue_token(&next));
        let objects = items.into_iter().map(|object| complete(object, resource));
        Ok(Some(objects.collect()))
    }

    async fn read(&self, params: &ListParams) -> Result<Page, ApiError> {
        let request = Request::new(&self.path);
        let request = match self.part {
            Part::Metadata => request.list_metadata(params),
            Part::Whole => request.list(params),
        };
        let request = request.map_err(kube::Error::BuildRequest)?;
        call(self.client.request(request)).await
    }
}

/// Lists several kinds at once; what could not be read stands beside what could.
pub(crate) async fn list_all(
    client: &Client,
    resources: &[Resource],
    place: &Place,
) -> (Vec<Value>, Vec<Unlisted>) {
    let lists = resources
        .iter()
        .map(async |&resource| list(client, resource, place, Question::default()).await);
    let mut objects = Vec::new();
    let mut unlisted = Vec::new();
    for listed in future::join_all(lists).await {
        match listed {
            Ok(listed) => {
                objects.extend(listed.objects);
                unlisted.extend(listed.cut);
            }
            Err(failed) => unlisted.push(failed),
        }
    }
    (objects, unlisted)
}

/// Reads one object.
pub(crate) async fn get(
    client: &Client,
    resource: Resource,
    (namespace, name): (Option<&Namespace>, &str),
) -> Result<Value, ApiError> {
    let request = Request::new(resource.path(namespace.map(Namespace::as_str)));
    let request = request.get(name, &GetParams::default());
    let request = request.map_err(kube::Error::BuildRequest)?;
    let object = call(client.request(request)).await?;
    Ok(complete(object, resource))
}

#[derive(Deserialize)]
struct Page {
    items: Vec<Value>,
    #[serde(default)]
    metadata: PageMetadata,
}

#[derive(Default, Deserialize)]
struct PageMetadata {
    #[serde(rename = "continue", deserialize_with = "non_empty", default)]
    next: Option<String>,
}

fn non_empty<'de, D: serde::Deserializer<'de>>(token: D) -> Result<Option<String>, D::Error> {
    let token = Option::<String>::deserialize(token)?;
    Ok(token.filter(|token| !token.is_empty()))
}

/// Adds what a list leaves out of its items, and drops what no person reads.
fn complete(mut object: Value, resource: Resource) -> Value {
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.shift_remove("managedFields");
    }
    let Value::Object(fields) = object else {
        return object;
    };
    let mut complete = serde_json::Map::new();
    complete.insert("apiVersion".to_owned(), resource.api_version().into());
    complete.insert("kind".to_owned(), resource.kind().into());
    for (key, value) in fields {
        complete.entry(key).or_insert(value);
    }
    complete.into()
}

/// How many objects one answer holds, as with `kubectl`.
const PAGE: u32 = 500;
/// How many objects of one kind are kept in memory.
const MAX_OBJECTS: usize = 10_000;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::cluster::mock::{answer, mk_client};

    fn mk_page(names: &[&str], next: &str) -> (u16, Value) {
        let items = names.iter().map(|name| {
            json!({"metadata": {"name": name, "managedFields": [1]}, "spec": {"unknown": 1.50}})
        });
        let items: Vec<_> = items.collect();
        (
            200,
            json!({"kind": "JobList", "metadata": {"continue": next}, "items": items}),
        )
    }

    fn shop() -> Place {
        Place::Namespace("shop".parse().unwrap())
    }

    #[tokio::test]
    async fn lists_are_read_page_by_page_and_objects_say_what_they_are() {
        let (client, handle) = mk_client();
        let server = answer(
            handle,
            vec![mk_page(&["a", "b"], "more"), mk_page(&["c"], "")],
        );
        let question = Question {
            labels: "a=b",
            ..Question::default()
        };
        let listed = list(&client, Resource::JOB, &shop(), question)
            .await
            .unwrap();
        drop(client);
        let asked = server.await.unwrap();
        assert!(
            asked[0].starts_with("/apis/batch/v1/namespaces/shop/jobs?"),
            "{asked:?}"
        );
        assert!(asked[0].contains("labelSelector=a%3Db") && asked[0].contains("limit=500"));
        assert!(asked[1].contains("continue=more"), "{asked:?}");
        assert_eq!(listed.objects.len(), 3);
        assert!(listed.cut.is_none());
        let expected = json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "a"},
                              "spec": {"unknown": 1.50}});
        assert_eq!(listed.objects[0], expected);
    }

    #[tokio::test]
    async fn a_list_without_end_is_cut_and_says_so() {
        let (client, handle) = mk_client();
        let names = ["x"; 500];
        let pages = (0..MAX_OBJECTS / names.len()).map(|_| mk_page(&names, "more"));
        let server = answer(handle, pages.collect());
        let listed = list(
            &client,
            Resource::POD,
            &Place::Everywhere,
            Question::default(),
        );
        let listed = listed.await.unwrap();
        drop(client);
        server.await.unwrap();
        assert_eq!(listed.objects.len(), MAX_OBJECTS);
        assert_eq!(
            listed.cut.unwrap().to_string(),
            "only the first 10000 pods were read"
        );
    }

    #[tokio::test]
    async fn all_objects_are_searched_and_a_page_that_fails_leaves_no_part_of_them() {
        let names = ["x"; 500];
        let fail = (
            500,
            json!({"kind": "Status", "status": "Failure", "code": 500}),
        );
        for (last, expected) in [
            (mk_page(&["y"], ""), Some(vec!["y".to_owned()])),
            (fail, None),
        ] {
            let (client, handle) = mk_client();
            let pages = (0..=MAX_OBJECTS / names.len()).map(|_| mk_page(&names, "more"));
            let server = answer(handle, pages.chain([last]).collect());
            let pick = |pod: &Value| {
                let name = pod["metadata"]["name"].as_str()?;
                (name == "y").then(|| name.to_owned())
            };
            let pods = (&client, Resource::POD);
            let found = find(pods, &Place::Everywhere, Question::default(), pick).await;
            drop(client);
            server.await.unwrap();
            assert_eq!(found.ok(), expected);
        }
    }

    #[tokio::test]
    async fn a_kind_that_cannot_be_listed_stands_beside_those_that_can() {
        let (client, handle) = mk_client();
        let status = json!({"kind": "Status", "status": "Failure", "message": "jobs is forbidden",
                            "reason": "Forbidden", "code": 403});
        let server = answer(handle, vec![(403, status), mk_page(&["a"], "")]);
        let kinds = [Resource::JOB, Resource::SERVICE];
        let (objects, unlisted) = list_all(&client, &kinds, &shop()).await;
        drop(client);
        server.await.unwrap();
        assert_eq!(objects.len(), 1);
        assert_eq!(unlisted.len(), 1);
        let said = unlisted[0].to_string();
        assert!(
            said.starts_with("failed to list jobs: a permission is missing"),
            "{said}"
        );
    }
}
