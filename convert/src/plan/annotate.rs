//! The annotations of a pod, before and after the conversion.

use oncue_core::workload::Workload;
use oncue_language::Term;

/// Longest value that stands on one line, in bytes.
const MAX_LINE: usize = 80;

/// One annotation that the conversion sets.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Annotation {
    /// The key, with the prefix if the pod has it with the prefix.
    pub key: String,
    /// The whole new value.
    pub value: String,
}

/// The pod's own annotations of oncue.
#[derive(Debug)]
pub(crate) struct Existing<'a> {
    /// The key of `depends-on` as the pod writes it, and its value.
    pub(super) depends_on: Option<(&'a str, &'a str)>,
    /// Why the pod's other annotations leave no place for another wait, to be read after "it".
    pub(super) obstacle: Option<&'static str>,
    pub(super) is_after_sidecars: bool,
}

impl<'a> Existing<'a> {
    pub(super) fn of(workload: &Workload<'a>) -> Self {
        let find = |name: &str| find(workload, name);
        let is = |name: &str, value: &str| find(name).is_some_and(|(_, it)| it == value);
        let obstacle = if is("inject", "false") {
            Some("is in a pod for which oncue is turned off (inject: \"false\")")
        } else if is("depends-on-mode", "gate") {
            Some("is in a pod that waits behind a scheduling gate")
        } else if find("depends-on-timeout").is_some() {
            Some("is in a pod whose depends-on-timeout would limit this wait too")
        } else {
            None
        };
        Self {
            depends_on: find("depends-on"),
            obstacle,
            is_after_sidecars: is("depends-on-position", "after-sidecars"),
        }
    }

    /// Returns `depends-on` with these terms too; `None` if it has them already.
    pub(super) fn with(&self, terms: &[String]) -> Option<Annotation> {
        joined("depends-on", self.depends_on, terms)
    }

    /// Returns an annotation of a pod with these texts too; `None` if it has them already.
    pub(crate) fn add_to(
        workload: &Workload<'_>,
        name: &str,
        texts: &[String],
    ) -> Option<Annotation> {
        joined(name, find(workload, name), texts)
    }
}

fn find<'a>(workload: &Workload<'a>, name: &str) -> Option<(&'a str, &'a str)> {
    let mut annotations = workload.annotations();
    annotations.find(|(key, _)| *key == name || key.strip_prefix("oncue.dev/") == Some(name))
}

/// Adds texts to a list of terms or signals.
fn joined(name: &str, before: Option<(&str, &str)>, texts: &[String]) -> Option<Annotation> {
    let (key, before) = before.unwrap_or((name, ""));
    let known = Term::parse_list(before).unwrap_or_default();
    let known: Vec<_> = known.iter().map(|term| term.value.to_string()).collect();
    let mut all = Vec::new();
    if !before.trim().is_empty() {
        all.push(before.trim().trim_end_matches(',').to_owned());
    }
    let start = all.len();
    for text in texts {
        if !known.contains(text) && !all[start..].contains(text) {
            all.push(text.clone());
        }
    }
    let line = all.join(", ");
    let fits = line.len() <= MAX_LINE && !line.contains('\n');
    (all.len() > start).then(|| Annotation {
        key: key.to_owned(),
        value: if fits { line } else { all.join("\n") },
    })
}
