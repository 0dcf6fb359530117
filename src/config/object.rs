//! Names of Kubernetes objects.

use std::{fmt, str::FromStr};

use serde::Deserialize;
use strum::Display;

use crate::language::{
    Namespace,
    name::{MAX_SUBDOMAIN_BYTES, is_dns_subdomain},
};

/// The name of an object: a DNS subdomain (RFC 1123).
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(try_from = "String")]
pub(crate) struct ObjectName(String);

impl ObjectName {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ObjectName {
    type Err = ObjectNameError;

    fn from_str(text: &str) -> Result<Self, ObjectNameError> {
        text.to_owned().try_into()
    }
}

impl TryFrom<String> for ObjectName {
    type Error = ObjectNameError;

    fn try_from(text: String) -> Result<Self, ObjectNameError> {
        if is_dns_subdomain(&text) {
            Ok(Self(text))
        } else {
            Err(ObjectNameError(text))
        }
    }
}

impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A text that is not an object's name.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "{0:?} is not the name of an object: a DNS subdomain has at most {MAX_SUBDOMAIN_BYTES} of a-z 0-9 - and \
     dots between them, such as oncue-webhook-ca"
)]
pub(crate) struct ObjectNameError(String);

/// A reference to an object in a namespace.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct ObjectRef {
    /// The object's namespace.
    pub namespace: Namespace,
    /// The object's name.
    pub name: ObjectName,
}

/// Prints as `namespace/name`.
impl fmt::Display for ObjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// The kind and name of a webhook configuration.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct ConfigurationRef {
    pub kind: ConfigurationKind,
    pub name: ObjectName,
}

/// A kind of webhook configuration.
#[derive(Clone, Copy, Debug, Display, Eq, PartialEq)]
pub(crate) enum ConfigurationKind {
    #[strum(to_string = "MutatingWebhookConfiguration")]
    Mutating,
    #[strum(to_string = "ValidatingWebhookConfiguration")]
    Validating,
}

/// Prints as `KIND NAME`.
impl fmt::Display for ConfigurationRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_dns_subdomain() {
        for good in ["a", "oncue-webhook-ca", "pods.oncue.dev"] {
            assert_eq!(good.parse::<ObjectName>().unwrap().to_string(), good);
        }
        for bad in ["", "A", "a..b", "a/b", ".a", &"a.".repeat(150)] {
            let error = bad.parse::<ObjectName>().unwrap_err().to_string();
            assert!(error.contains("DNS subdomain"), "{error}");
        }
    }
}
