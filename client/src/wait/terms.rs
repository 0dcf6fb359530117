//! The terms that a client sends, with everything filled in.

use oncue_language::{Facts, Namespace, Term};
use thiserror::Error;

/// Fills in the name of the node in every `on node`, and checks that no placeholder is left. The
/// kubelet has expanded `$(NODE_NAME)`, but does not know `on node`.
pub(crate) fn filled_in(
    terms: &[Term],
    node: Option<&str>,
    namespace: &Namespace,
) -> Result<Vec<Term>, TermError> {
    let facts = Facts {
        node_name: node,
        ..Facts::default()
    };
    let fill_in = |term: &Term| {
        let wrong = |rule: String| TermError {
            term: term.to_string(),
            rule,
        };
        let term = term.resolve(&facts).map_err(|it| wrong(it.to_string()))?;
        term.condition(namespace)
            .map_err(|it| wrong(it.to_string()))?;
        Ok(term)
    };
    terms.iter().map(fill_in).collect()
}

/// A term in which something is left to be filled in.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("in the term {term}: {rule}")]
pub struct TermError {
    term: String,
    rule: String,
}
