//! The container whose start the marker reports.

use super::{
    container::CONTAINER,
    pod::{Container, Spec},
};
use crate::language::{AnnotationError, Placeholder, PodAnnotations, annotation::Key};

/// The annotation by which `kubectl` chooses a container.
pub(crate) const DEFAULT_CONTAINER: &str = "kubectl.kubernetes.io/default-container";

/// Returns the first of `names` that the pod has, else its first container; there is one.
pub(crate) fn choose<'a, 'n>(
    spec: &'a Spec<'a>,
    names: impl IntoIterator<Item = &'n str>,
) -> &'a Container<'a> {
    let mut wishes = names.into_iter();
    let chosen = wishes.find_map(|name| named(spec, name).ok());
    chosen.unwrap_or(&spec.containers()[0])
}

/// Returns the container called `name`, as `signals-container` says it.
pub(crate) fn named<'a>(
    spec: &'a Spec<'a>,
    name: &str,
) -> Result<&'a Container<'a>, AnnotationError> {
    let is_it = |container: &&Container<'_>| container.name() == name && name != CONTAINER;
    if let Some(container) = spec.containers().iter().find(is_it) {
        return Ok(container);
    }
    let refused = |rule: &str| Err(AnnotationError::value(Key::SignalsContainer, name, &rule));
    match spec.init_containers().iter().find(is_it) {
        Some(container) if container.is_sidecar() => Ok(container),
        Some(_) => refused(
            "it is an init container that ends: name a regular one, or an init container with \
             restartPolicy: Always",
        ),
        None => refused(&format!("this pod has the containers {}", names(spec))),
    }
}

/// Returns whether anything that is `asked`, as written, depends on which container it is.
pub(crate) fn matters(asked: &PodAnnotations) -> bool {
    let terms = asked.depends_on.iter();
    let in_terms = terms.flat_map(|term| term.value.placeholders());
    let signals = asked.all_signals().into_iter().flat_map(|(_, list)| list);
    let in_signals = signals.flat_map(|signal| signal.value.placeholders());
    let mut placeholders = in_terms.chain(in_signals);
    !asked.signals.is_empty() || placeholders.any(|it| *it == Placeholder::Container)
}

fn names(spec: &Spec<'_>) -> String {
    let sidecars = spec.init_containers().iter().filter(|c| c.is_sidecar());
    let all = spec.containers().iter().chain(sidecars);
    let names: Vec<_> = all.map(Container::name).take(MOST_NAMES).collect();
    names.join(", ")
}

/// As many names as a message holds.
const MOST_NAMES: usize = 8;
