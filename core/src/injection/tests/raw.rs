//! A JSON document that keeps the bytes of every token, and patches on it.
//!
//! It does not parse numbers, so it shows whether they survive. It is independent of `json_patch`,
//! so each checks the other.

use serde_json::value::RawValue;

use crate::injection::Patch;

#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Node {
    Array(Vec<Node>),
    Object(Vec<(String, Node)>),
    Token(String),
}

impl Node {
    pub(super) fn parse(json: &str) -> Self {
        let json = json.trim();
        match json.as_bytes()[0] {
            b'[' => {
                let elements: Vec<&RawValue> = serde_json::from_str(json).unwrap();
                Self::Array(elements.iter().map(|raw| Self::parse(raw.get())).collect())
            }
            b'{' => {
                let members: Vec<(String, &RawValue)> = members(json);
                let parse = |(key, raw): (String, &RawValue)| (key, Self::parse(raw.get()));
                Self::Object(members.into_iter().map(parse).collect())
            }
            _ => Self::Token(json.to_owned()),
        }
    }

    pub(super) fn print(&self) -> String {
        let joined = |parts: Vec<String>| parts.join(",");
        match self {
            Self::Array(elements) => {
                format!("[{}]", joined(elements.iter().map(Self::print).collect()))
            }
            Self::Object(members) => {
                let print = |(key, node): &(String, Self)| {
                    format!("{}:{}", serde_json::to_string(key).unwrap(), node.print())
                };
                format!("{{{}}}", joined(members.iter().map(print).collect()))
            }
            Self::Token(token) => token.clone(),
        }
    }

    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Array(elements) => elements.get(key.parse::<usize>().ok()?),
            Self::Object(members) => members.iter().find(|(k, _)| k == key).map(|(_, node)| node),
            Self::Token(_) => None,
        }
    }

    /// Lists every token with its path; an element with a name is found by its name.
    pub(super) fn leaves(&self) -> Vec<(String, String)> {
        let mut leaves = Vec::new();
        self.collect("", &mut leaves);
        leaves
    }

    fn collect(&self, path: &str, leaves: &mut Vec<(String, String)>) {
        match self {
            Self::Array(elements) => {
                for (index, element) in elements.iter().enumerate() {
                    let name = element.get("name").map(Self::print);
                    let token = name.unwrap_or_else(|| index.to_string());
                    element.collect(&format!("{path}[{token}]"), leaves);
                }
            }
            Self::Object(members) => {
                for (key, member) in members {
                    member.collect(&format!("{path}/{key}"), leaves);
                }
            }
            Self::Token(token) => leaves.push((path.to_owned(), token.clone())),
        }
    }

    fn apply(&mut self, operation: &Self) {
        let text = |key| serde_json::from_str::<String>(&operation.get(key).unwrap().print());
        let path = text("path").unwrap();
        let mut tokens: Vec<String> = path
            .split('/')
            .skip(1)
            .map(|token| token.replace("~1", "/").replace("~0", "~"))
            .collect();
        let last = tokens.pop().unwrap();
        let mut node = self;
        for token in tokens {
            node = node.get_mut(&token);
        }
        match text("op").unwrap().as_str() {
            "add" => node.add(last, operation.get("value").unwrap().clone()),
            "remove" => node.remove(&last),
            other => panic!("{other} is no operation of ours"),
        }
    }

    fn get_mut(&mut self, key: &str) -> &mut Self {
        match self {
            Self::Array(elements) => &mut elements[key.parse::<usize>().unwrap()],
            Self::Object(members) => {
                let member = members.iter_mut().find(|(k, _)| k == key);
                &mut member.unwrap().1
            }
            Self::Token(token) => panic!("{token} has no {key}"),
        }
    }

    fn add(&mut self, key: String, value: Self) {
        match self {
            Self::Array(elements) => {
                let index = key.parse().unwrap_or(elements.len());
                elements.insert(index, value);
            }
            Self::Object(members) => match members.iter_mut().find(|(k, _)| *k == key) {
                Some((_, member)) => *member = value,
                None => members.push((key, value)),
            },
            Self::Token(token) => panic!("{token} takes no {key}"),
        }
    }

    fn remove(&mut self, key: &str) {
        match self {
            Self::Array(elements) => {
                elements.remove(key.parse().unwrap());
            }
            Self::Object(members) => members.retain(|(k, _)| k != key),
            Self::Token(token) => panic!("{token} has no {key}"),
        }
    }
}

/// Reads an object's members in their order.
fn members(json: &str) -> Vec<(String, &RawValue)> {
    struct Members;
    impl<'de> serde::de::Visitor<'de> for Members {
        type Value = Vec<(String, &'de RawValue)>;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: serde::de::MapAccess<'de>>(
            self,
            mut map: A,
        ) -> Result<Self::Value, A::Error> {
            std::iter::from_fn(|| map.next_entry().transpose()).collect()
        }
    }
    use serde::Deserializer;
    serde_json::Deserializer::from_str(json)
        .deserialize_map(Members)
        .unwrap()
}

/// Applies `patch` to the text of a pod and leaves every other token as it is.
pub(super) fn patched(pod: &str, patch: &Patch) -> String {
    let mut node = Node::parse(pod);
    let Node::Array(operations) = Node::parse(&patch.clone().into_json()) else {
        panic!("a patch is a list");
    };
    for operation in &operations {
        node.apply(operation);
    }
    assert_like_json_patch(pod, patch, &node);
    node.print()
}

fn assert_like_json_patch(pod: &str, patch: &Patch, node: &Node) {
    let mut value: serde_json::Value = serde_json::from_str(pod).unwrap();
    json_patch::patch(&mut value, &patch.to_json_patch()).unwrap();
    let ours: serde_json::Value = serde_json::from_str(&node.print()).unwrap();
    assert_eq!(ours, value);
}
