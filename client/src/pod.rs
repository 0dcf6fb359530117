//! The pod that the client runs in, from the environment.

use thiserror::Error;

use oncue_language::{Namespace, Owner};

use crate::environment::Environment;

/// The variables that the kubelet fills in, and expands in arguments.
const FILLED_IN: [&str; 4] = ["POD_NAME", "POD_NAMESPACE", "POD_UID", "NODE_NAME"];

/// The fields of the pod that the environment has.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Pod {
    name: Option<String>,
    namespace: Option<Namespace>,
    uid: Option<String>,
    node: Option<String>,
}

impl Pod {
    pub(crate) fn of(environment: &Environment) -> Result<Self, PodError> {
        for variable in FILLED_IN {
            if environment.variable(variable) == Some("") {
                return Err(PodError::Empty { variable });
            }
        }
        let namespace = environment
            .variable("POD_NAMESPACE")
            .map(|text| {
                text.parse()
                    .map_err(
                        |error: oncue_language::name::NamespaceError| PodError::Namespace {
                            rule: error.to_string(),
                        },
                    )
            })
            .transpose()?;
        Ok(Self {
            name: environment.variable("POD_NAME").map(str::to_owned),
            namespace,
            uid: environment.variable("POD_UID").map(str::to_owned),
            node: environment.variable("NODE_NAME").map(str::to_owned),
        })
    }

    pub(crate) fn namespace(&self) -> Option<&Namespace> {
        self.namespace.as_ref()
    }

    /// Returns the name of the pod's node.
    pub(crate) fn node(&self) -> Option<&str> {
        self.node.as_deref()
    }

    /// Returns the pod as an owner in `namespace`, if the environment has its name and uid.
    pub(crate) fn owner(&self, namespace: &Namespace) -> Option<Owner> {
        Some(Owner::pod(
            namespace.clone(),
            self.name.as_deref()?,
            self.uid.as_deref()?,
        ))
    }
}

/// What is wrong with the environment.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub(crate) enum PodError {
    #[error("{variable} is set and empty: every name with it in it would be wrong")]
    Empty { variable: &'static str },
    #[error("POD_NAMESPACE: {rule}")]
    Namespace { rule: String },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mk_pod(variables: &[(&str, &str)]) -> Result<Pod, PodError> {
        Pod::of(&variables.iter().copied().collect())
    }

    #[test]
    fn an_owner_needs_a_name_and_a_uid() {
        let pod = mk_pod(&[("POD_NAME", "web-0"), ("POD_UID", "u-1")]).unwrap();
        let owner = pod.owner(&Namespace::default()).unwrap();
        assert_eq!(
            (owner.namespace.as_str(), &*owner.name),
            ("default", "web-0")
        );
        let nameless = mk_pod(&[("POD_UID", "u-1")]).unwrap();
        assert_eq!(nameless.owner(&Namespace::default()), None);
    }

    #[test]
    fn refuses_a_variable_that_is_set_and_empty() {
        for variable in FILLED_IN {
            let error = mk_pod(&[(variable, "")]).unwrap_err();
            assert_eq!(error, PodError::Empty { variable });
        }
    }
}
