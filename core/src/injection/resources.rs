//! What the injected container asks for, and what `oncue.dev/resources` says of it.

use serde::Serialize;

use super::quantity::Quantity;
use crate::language::{SyntaxError, TextPosition};

/// Requests and limits.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
pub struct Resources {
    /// The least it gets.
    pub requests: ResourceList,
    /// The most it gets.
    pub limits: ResourceList,
}

impl Default for Resources {
    fn default() -> Self {
        Self {
            requests: ResourceList {
                cpu: Quantity::milli(10),
                memory: Quantity::mebi(32),
                ephemeral_storage: None,
            },
            limits: ResourceList {
                cpu: Quantity::milli(200),
                memory: Quantity::mebi(64),
                ephemeral_storage: None,
            },
        }
    }
}

impl Resources {
    /// Returns these resources with what `text` says otherwise, as in
    /// `requests.cpu=20m, limits.memory=128Mi`.
    ///
    /// A default gives way to what is written: it follows a lower limit down and a higher request
    /// up.
    ///
    /// # Errors
    /// [`SyntaxError`] for what is not of this form, and for a request above its limit.
    pub fn with(self, text: &str) -> Result<Self, SyntaxError> {
        let written = Written::parse(text)?;
        written.check(text)?;
        let resolve = |name, request: Quantity, limit: Quantity| {
            let (least, most) = (written.find("requests", name), written.find("limits", name));
            match (least, most) {
                (Some(least), Some(most)) => (least, most),
                (Some(least), None) => (least, limit.max(least)),
                (None, Some(most)) => (request.min(most), most),
                (None, None) => (request, limit),
            }
        };
        let cpu = resolve("cpu", self.requests.cpu, self.limits.cpu);
        let memory = resolve("memory", self.requests.memory, self.limits.memory);
        let storage = written.ephemeral_storage(self);
        Ok(Self {
            requests: ResourceList {
                cpu: cpu.0,
                memory: memory.0,
                ephemeral_storage: storage.0,
            },
            limits: ResourceList {
                cpu: cpu.1,
                memory: memory.1,
                ephemeral_storage: storage.1,
            },
        })
    }
}

/// An amount of each resource.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
pub struct ResourceList {
    /// In cores.
    pub cpu: Quantity,
    /// In bytes.
    pub memory: Quantity,
    /// Of the node's disk, in bytes; not limited if it is `None`. Quality of service does not depend
    /// on it.
    #[serde(rename = "ephemeral-storage", skip_serializing_if = "Option::is_none")]
    pub ephemeral_storage: Option<Quantity>,
}

impl ResourceList {
    /// Combines cpu and memory of two lists, and keeps the disk of this one.
    #[must_use]
    pub fn zip_with(self, other: Self, combine: impl Fn(Quantity, Quantity) -> Quantity) -> Self {
        Self {
            cpu: combine(self.cpu, other.cpu),
            memory: combine(self.memory, other.memory),
            ephemeral_storage: self.ephemeral_storage,
        }
    }
}

/// The parts of an annotation, each with its offset in bytes.
struct Written<'a>(Vec<Item<'a>>);

#[derive(Clone, Copy)]
struct Item<'a> {
    offset: usize,
    key: &'a str,
    amount: Quantity,
}

/// What may be written, in `ResourceQuota`'s names.
const NAMES: [&str; 6] = [
    "limits.cpu",
    "limits.ephemeral-storage",
    "limits.memory",
    "requests.cpu",
    "requests.ephemeral-storage",
    "requests.memory",
];

impl<'a> Written<'a> {
    fn parse(text: &'a str) -> Result<Self, SyntaxError> {
        let mut items: Vec<Item<'a>> = Vec::new();
        let mut offset = 0;
        for part in text.split([',', '\n']) {
            let start = offset + (part.len() - part.trim_start().len());
            offset += part.len() + 1;
            if part.trim().is_empty() {
                continue;
            }
            let item = parse_item(text, part.trim(), start)?;
            if items.iter().any(|earlier| earlier.key == item.key) {
                return Err(error(text, start, format!("{} appears twice", item.key)));
            }
            items.push(item);
        }
        Ok(Self(items))
    }

    fn find(&self, side: &str, resource: &str) -> Option<Quantity> {
        let mut items = self.0.iter();
        let item = items.find(|item| item.key.split_once('.') == Some((side, resource)))?;
        Some(item.amount)
    }

    /// Returns the request and the limit of the disk; by default, none is set.
    fn ephemeral_storage(&self, default: Resources) -> (Option<Quantity>, Option<Quantity>) {
        let written = |side| self.find(side, "ephemeral-storage");
        match (written("requests"), written("limits")) {
            (None, None) => (
                default.requests.ephemeral_storage,
                default.limits.ephemeral_storage,
            ),
            (None, Some(limit)) => {
                let request = default.requests.ephemeral_storage;
                (request.map(|request| request.min(limit)), Some(limit))
            }
            (Some(request), limit) => {
                let limit = limit.or(default.limits.ephemeral_storage);
                (Some(request), limit.map(|limit| limit.max(request)))
            }
        }
    }

    fn check(&self, text: &str) -> Result<(), SyntaxError> {
        for item in &self.0 {
            let Some(resource) = item.key.strip_prefix("requests.") else {
                continue;
            };
            match self.find("limits", resource) {
                Some(limit) if item.amount > limit => {
                    let rule = format!("a request must not be above its limit, which is {limit}");
                    return Err(error(text, item.offset, rule));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

fn parse_item<'a>(text: &str, part: &'a str, offset: usize) -> Result<Item<'a>, SyntaxError> {
    let (key, value) = part.split_once('=').unwrap_or((part, ""));
    let key = key.trim_end();
    if !NAMES.contains(&key) {
        let names = NAMES.join(", ");
        let rule = format!("{key:?} is not known: there are {names}, as in requests.cpu=20m");
        return Err(error(text, offset, rule));
    }
    let at = offset + part.len() - value.trim_start().len();
    let amount: Quantity = value
        .trim()
        .parse()
        .map_err(|broken| error(text, at, format!("{broken}")))?;
    if !amount.is_positive() {
        return Err(error(text, at, "it is more than 0".to_owned()));
    }
    Ok(Item {
        offset,
        key,
        amount,
    })
}

fn error(text: &str, offset: usize, rule: String) -> SyntaxError {
    let rest = &text[offset..];
    let start = text[..offset].rfind([',', '\n']).map_or(0, |at| at + 1);
    let end = offset + rest.find([',', '\n']).unwrap_or(rest.len());
    SyntaxError {
        at: TextPosition::of(text, offset),
        term: text[start..end].trim().to_owned(),
        rule,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(text: &str) -> Result<String, String> {
        let resources = Resources::default().with(text);
        let print = |r: Resources| {
            format!(
                "{}/{} {}/{}",
                r.requests.cpu, r.limits.cpu, r.requests.memory, r.limits.memory
            )
        };
        resources.map(print).map_err(|error| error.to_string())
    }

    #[test]
    fn defaults_give_way_to_what_is_written() {
        for (text, expected) in [
            ("", "10m/200m 32Mi/64Mi"),
            (
                "requests.cpu=20m, limits.memory=128Mi",
                "20m/200m 32Mi/128Mi",
            ),
            ("limits.memory = 16Mi", "10m/200m 16Mi/16Mi"),
            ("requests.cpu=1\nrequests.memory=1G", "1/1 1G/1G"),
        ] {
            assert_eq!(with(text).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn disk_is_asked_for_only_if_it_is_written() {
        let disk = |base: Resources, text: &str| {
            let Resources { requests, limits } = base.with(text).unwrap();
            [requests, limits].map(|it| it.ephemeral_storage.map(|disk| disk.to_string()))
        };
        let mi = |text: &str| Some(text.to_owned());
        let base = Resources::default();
        assert_eq!(disk(base, ""), [None, None]);
        let text = "requests.ephemeral-storage=8Mi, limits.ephemeral-storage=16Mi";
        assert_eq!(disk(base, text), [mi("8Mi"), mi("16Mi")]);
        let settings = base.with(text).unwrap();
        assert_eq!(disk(settings, ""), [mi("8Mi"), mi("16Mi")]);
        assert_eq!(
            disk(settings, "limits.ephemeral-storage=4Mi"),
            [mi("4Mi"), mi("4Mi")]
        );
        assert_eq!(
            disk(settings, "requests.ephemeral-storage=32Mi"),
            [mi("32Mi"), mi("32Mi")]
        );
        let json = serde_json::to_value(settings).unwrap();
        assert_eq!(json["limits"]["ephemeral-storage"], "16Mi");
        assert!(
            base.with("requests.ephemeral-storage=2Mi,limits.ephemeral-storage=1Mi")
                .is_err()
        );
    }

    #[test]
    fn each_error_names_column_and_rule() {
        for (text, expected) in [
            ("cpu=1", "column 1: in \"cpu=1\": \"cpu\" is not known"),
            (
                "requests.cpu=1, limits.cpu=x",
                "column 28: in \"limits.cpu=x\": \"x\" is not a quantity",
            ),
            (
                "requests.cpu",
                "column 13: in \"requests.cpu\": \"\" is not a quantity",
            ),
            (
                "limits.cpu=0",
                "column 12: in \"limits.cpu=0\": it is more than 0",
            ),
            (
                "limits.cpu=1,requests.cpu=2",
                "column 14: in \"requests.cpu=2\": a request must not",
            ),
            (
                "limits.cpu=1,limits.cpu=2",
                "column 14: in \"limits.cpu=2\": limits.cpu appears twice",
            ),
        ] {
            let error = with(text).unwrap_err();
            assert!(error.starts_with(expected), "{text}: {error}");
        }
    }
}
