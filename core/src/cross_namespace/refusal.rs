//! Why a namespace may not be read, and what to do about it.

use std::fmt;

use oncue_language::Namespace;

use super::Knowledge;

/// Why a namespace may not be read. It prints to be read after a term.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub struct Refusal {
    pub(super) annotation: Box<str>,
    pub(super) by: Namespace,
    pub(super) of: Namespace,
    /// Whether the annotation has a mistake.
    pub(super) is_wrong: bool,
    pub(super) knowledge: Knowledge,
}

impl Refusal {
    /// Returns whether it may be permitted soon, without anyone's doing.
    pub fn is_passing(&self) -> bool {
        self.knowledge == Knowledge::Pending
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            annotation,
            by,
            of,
            is_wrong,
            knowledge,
        } = self;
        if *knowledge == Knowledge::Pending {
            return write!(
                f,
                "is not known yet: oncue still reads which namespaces let {by} read them"
            );
        }
        write!(
            f,
            "is forbidden: the namespace {of} must let {by} read it, with the annotation \
             {annotation}: {by}"
        )?;
        if *knowledge == Knowledge::Refused {
            return f.write_str(
                "; oncue cannot see this annotation: grant it list and watch of namespaces",
            );
        }
        if *is_wrong {
            return f.write_str("; the annotation that it has contains a mistake");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_to_do() {
        let refusal = |knowledge, is_wrong| Refusal {
            annotation: "oncue.dev/readable-from".into(),
            by: "shop".parse().unwrap(),
            of: "other".parse().unwrap(),
            is_wrong,
            knowledge,
        };
        let forbidden = "is forbidden: the namespace other must let shop read it, with the \
                         annotation oncue.dev/readable-from: shop";
        for (knowledge, is_wrong, expected) in [
            (Knowledge::Complete, false, forbidden.to_owned()),
            (
                Knowledge::Complete,
                true,
                format!("{forbidden}; the annotation that it has contains a mistake"),
            ),
            (
                Knowledge::Refused,
                false,
                format!(
                    "{forbidden}; oncue cannot see this annotation: grant it list and watch of \
                     namespaces"
                ),
            ),
            (
                Knowledge::Pending,
                false,
                "is not known yet: oncue still reads which namespaces let shop read them"
                    .to_owned(),
            ),
        ] {
            assert_eq!(refusal(knowledge, is_wrong).to_string(), expected);
        }
    }
}
