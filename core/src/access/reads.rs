//! What pods read of other namespaces.

use oncue_language::Namespace;

use super::Refusal;

/// Decides whether a pod of `reader` may read what is in `namespace`.
///
/// # Errors
/// [`Refusal::UnreadableNamespace`].
pub(super) fn decide(reader: &Namespace, namespace: &Namespace) -> Result<(), Refusal> {
    if reader == namespace || is_open(namespace) {
        return Ok(());
    }
    Err(Refusal::UnreadableNamespace {
        own: reader.clone(),
        other: namespace.clone(),
    })
}

/// Returns whether all pods may read what is in a namespace: so far, they may everywhere.
fn is_open(_namespace: &Namespace) -> bool {
    true
}
