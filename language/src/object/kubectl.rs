//! Objects in kubectl's notation, which is that of a variable here.

use super::ObjectKind;
use crate::template::NameTemplate;

/// Returns the term that was perhaps meant by the name of a variable: `job:migrate` by
/// `job/migrate`, `jobs/migrate` and `job.batch/migrate`.
pub fn meant_object(variable: &str) -> Option<String> {
    let (kind, name) = variable.split_once('/')?;
    let kind = match kind.parse() {
        Ok(ObjectKind::Other(_)) => return None,
        Ok(kind) => kind,
        Err(_) => ObjectKind::built_in(kind.strip_suffix('s')?)?,
    };
    let is_name = |name: NameTemplate| name.may_name_object();
    name.parse()
        .is_ok_and(is_name)
        .then(|| format!("{kind}:{name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kubectls_notation_of_a_built_in_kind_is_recognised() {
        for (variable, object) in [
            ("job/migrate", Some("job:migrate")),
            ("jobs/migrate", Some("job:migrate")),
            ("job.batch/migrate", Some("job:migrate")),
            ("deploy/web", Some("deployment:web")),
            ("deployments.apps/web", Some("deployment:web")),
            ("pods.core/web", Some("pod:web")),
            ("ds/cni-$(POD_NAME)", Some("daemonset:cni-$(POD_NAME)")),
            ("job/migrate/done", None),
            ("job/Migrate", None),
            ("jobs", None),
            ("first/container", None),
            ("certificates.cert-manager.io/web", None),
        ] {
            assert_eq!(meant_object(variable).as_deref(), object, "{variable}");
        }
    }
}
