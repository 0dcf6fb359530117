//! The user of our container.

use super::{
    container::CONTAINER,
    pod::{Container, Spec},
    settings::{NonRootUser, Settings},
};

/// Returns the user that our container names; `None` where it takes that of the pod or of its image.
///
/// The kubelet lets only one user read projected tokens if all containers name the same one, and
/// everyone otherwise. So ours takes the user of the others, and their files keep their modes.
pub(crate) fn of(spec: &Spec<'_>, settings: &Settings) -> Option<NonRootUser> {
    let pod = spec.user();
    let shared = shared(spec).filter(|user| pod != Some(*user));
    let shared = shared.and_then(|user| u32::try_from(user).ok()?.try_into().ok());
    let instead_of_root = (pod == Some(0)).then_some(NonRootUser::DEFAULT);
    settings.run_as_user.or(shared).or(instead_of_root)
}

/// Returns the user as which all containers but ours run.
fn shared(spec: &Spec<'_>) -> Option<i64> {
    let all = spec.containers().iter().chain(spec.init_containers());
    let mut users = all
        .filter(|container| container.name() != CONTAINER)
        .map(|container| container.user().or(spec.user()));
    let first = users.next()??;
    users.all(|user| user == Some(first)).then_some(first)
}

impl Spec<'_> {
    fn user(&self) -> Option<i64> {
        self.security_context.as_ref()?.run_as_user
    }
}

impl Container<'_> {
    fn user(&self) -> Option<i64> {
        self.security_context.as_ref()?.run_as_user
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::injection::{Image, StoreAddress};

    fn settings(user: Option<&str>) -> Settings {
        let store = StoreAddress::new("http://127.0.0.1:9999");
        let mut settings = Settings::new(Image::new("client"), store);
        settings.run_as_user = user.map(|user| user.parse().unwrap());
        settings
    }

    /// Returns the user where the pod and its containers have these; -1 stands for none.
    fn user(configured: Option<&str>, pod: i64, containers: &[i64]) -> Option<NonRootUser> {
        let context = |user: i64| match user {
            -1 => json!({}),
            user => json!({"runAsUser": user}),
        };
        let list: Vec<_> = containers
            .iter()
            .map(|user| json!({"name": "app", "securityContext": context(*user)}))
            .collect();
        let ours = json!({"name": CONTAINER, "securityContext": context(7)});
        let spec = json!({
            "securityContext": context(pod),
            "initContainers": [ours, list[0]],
            "containers": list,
        });
        of(
            &serde_json::from_str(&spec.to_string()).unwrap(),
            &settings(configured),
        )
    }

    #[test]
    fn ours_takes_the_user_that_all_others_share() {
        for (pod, containers, expected) in [
            (-1, &[1000, 1000][..], Some("1000")),
            (2000, &[1000, 1000], Some("1000")),
            (0, &[1000], Some("1000")),
            // The pod's own is inherited.
            (1000, &[-1, 1000], None),
            (1000, &[-1, -1], None),
            (-1, &[1000, 1001], None),
            (-1, &[1000, -1], None),
            (-1, &[-1], None),
            (0, &[-1, 1000], Some("65532")),
            (0, &[-1], Some("65532")),
            (-1, &[0, 0], None),
            (-1, &[i64::MAX], None),
            (-1, &[-2], None),
        ] {
            let expected = expected.map(|user| user.parse().unwrap());
            assert_eq!(
                user(None, pod, containers),
                expected,
                "{pod} {containers:?}"
            );
        }
        assert_eq!(user(Some("9"), 0, &[1000]), "9".parse().ok());
    }
}
