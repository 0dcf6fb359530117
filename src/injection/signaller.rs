//! The container whose start the marker reports.

use super::{
    container::CONTAINER,
    pod::{Container, Spec},
};
use crate::language::{AnnotationError, annotation::Key};

/// The container whose start the marker reports.
#[derive(Clone, Copy)]
pub(crate) struct Signaller<'a> {
    /// The container itself.
    pub(crate) container: &'a Container<'a>,
}

impl<'a> Signaller<'a> {
    /// Returns the first of `names` that the pod has, else its first container.
    pub(crate) fn choose<'n>(spec: &'a Spec<'a>, names: impl IntoIterator<Item = &'n str>) -> Self {
        let mut names = names.into_iter();
        let chosen = names.find_map(|name| Self::named(spec, name).ok());
        chosen.unwrap_or(Self {
            container: &spec.containers()[0],
        })
    }

    /// Returns the container called `name`, as `signals-container` says it.
    pub(crate) fn named(spec: &'a Spec<'a>, name: &str) -> Result<Self, AnnotationError> {
        if let Some(container) = spec.containers().iter().find(|c| c.name() == name) {
            return Ok(Self { container });
        }
        let refused = |rule: &str| Err(AnnotationError::value(Key::SignalsContainer, name, &rule));
        let mut init = spec.init_containers().iter();
        match init.find(|c| c.name() == name && name != CONTAINER) {
            Some(container) if container.is_sidecar() => Ok(Self { container }),
            Some(_) => refused(
                "it is an init container that ends: name a regular one, or an init container with \
                 restartPolicy: Always",
            ),
            None => refused(&format!("this pod has the containers {}", names(spec))),
        }
    }

    /// Returns the container's name.
    pub(crate) fn name(&self) -> &'a str {
        self.container.name()
    }
}

fn names(spec: &Spec<'_>) -> String {
    let sidecars = spec.init_containers().iter().filter(|c| c.is_sidecar());
    let all = spec.containers().iter().chain(sidecars);
    let names: Vec<_> = all.map(Container::name).take(MOST_NAMES).collect();
    names.join(", ")
}

/// As many names as a message holds.
const MOST_NAMES: usize = 8;
