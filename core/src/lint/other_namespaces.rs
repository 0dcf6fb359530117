//! Terms that hold only if another namespace permits its variables or objects to be read.

use super::{Code, Said, Severity, waits::Waits};
use crate::{
    cross_namespace::{Asked, Read},
    model::Link,
};

impl Waits<'_> {
    /// Warns about a term that needs an annotation of another namespace, unless the files have it.
    pub(super) fn forbidden(&self, link: &Link) -> Option<Said> {
        let policy = self.linter.policy?;
        let own = &self.links.model().member(link.consumer).namespace;
        let target = &self.links.term(link).value.target;
        let (of, asked) = Asked::by_target(target, own)?;
        let read = Read { by: own, of, asked };
        if !policy.needs_annotation(&read) {
            return None;
        }
        let readers = self.modelled.namespaces.get(of);
        if readers.is_some_and(|it| it.as_ref().is_some_and(|it| it.contains(own))) {
            return None;
        }
        let needed = format!(
            "{target} holds only if the Namespace {of} lets {own} read it, with the annotation {}: \
             {own}",
            policy.annotation()
        );
        let wrong = readers.and_then(|it| it.as_ref()?.wrong());
        let message = match (readers, wrong) {
            (_, Some(wrong)) => {
                format!("{needed}; the annotation in these files is wrong: {wrong}")
            }
            (Some(_), None) => format!("{needed}; the Namespace in these files does not"),
            (None, None) => format!("{needed}; these files do not contain this Namespace"),
        };
        Some((Severity::Warning, Code::Forbidden, message))
    }
}
