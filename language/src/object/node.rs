//! The node whose pods count.

use std::{fmt, str::FromStr};

use thiserror::Error;

use crate::{name::is_dns_subdomain, syntax::Quoted};

/// `on node`: only the pods on one node count.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum OnNode {
    /// `on node=NAME`, which a term says once it is filled in.
    Named(NodeName),
    /// `on node`: the node of the pod that waits.
    Own,
}

impl fmt::Display for OnNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named(name) => write!(f, "on node={name}"),
            Self::Own => f.write_str("on node"),
        }
    }
}

/// The name of a node: a DNS subdomain.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct NodeName(Box<str>);

impl NodeName {
    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for NodeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for NodeName {
    type Err = NodeNameError;

    fn from_str(text: &str) -> Result<Self, NodeNameError> {
        if is_dns_subdomain(text) {
            Ok(Self(text.into()))
        } else {
            let text = text.to_owned();
            Err(NodeNameError { text })
        }
    }
}

/// A text that is not a node's name.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("{} is not a node's name: it has a-z 0-9 . - only", Quoted(.text))]
pub struct NodeNameError {
    text: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nodes_name_is_a_dns_subdomain() {
        let longest = format!("{0}.{0}.{0}.{1}", "x".repeat(63), "y".repeat(61));
        for name in ["worker-1", "ip-10-0-0-1.ec2.internal", &longest] {
            assert_eq!(name.parse::<NodeName>().unwrap().as_str(), name);
        }
        for bad in ["", "A", "a b", "a_b", ".a", &format!("{longest}y")] {
            let error = bad.parse::<NodeName>().unwrap_err().to_string();
            assert!(error.contains("is not a node's name"), "{error}");
        }
    }
}
