//! Tells the store which pods of the cluster depend on something.

use std::collections::{BTreeMap, HashSet};

use tracing::warn;

use super::{
    Context,
    pods::{PodNews, PodReader},
};
use crate::{dependent_pod::DependentPod, language::Owner, release::ReleaseProblem, store::Store};

/// The task that tells the store of dependent pods.
pub(super) struct DependentPodsTask {
    pods: PodReader,
    store: Store,
    /// The uids of those that were seen since the last list began.
    seen: HashSet<Box<str>>,
    ignored: IgnoredReleases,
}

/// The annotations that release no waiting pod, by the uid of the pod: each is told once.
#[derive(Default)]
struct IgnoredReleases(BTreeMap<Box<str>, ReleaseProblem>);

impl IgnoredReleases {
    /// Takes note of a pod. Returns what is wrong with its release if that is new.
    fn put(&mut self, pod: &DependentPod) -> Option<&ReleaseProblem> {
        let uid = &pod.id.uid;
        let (true, Err(problem)) = (pod.waits, &pod.release) else {
            self.0.remove(uid);
            return None;
        };
        let before = self.0.insert(uid.clone(), problem.clone());
        self.0
            .get(uid)
            .filter(|problem| before.as_ref() != Some(*problem))
    }
}

impl DependentPodsTask {
    pub(super) fn new(context: &Context, pods: PodReader) -> Self {
        Self {
            pods,
            store: context.store.clone(),
            seen: HashSet::new(),
            ignored: IgnoredReleases::default(),
        }
    }

    /// Runs for ever.
    pub(super) async fn run(mut self) {
        loop {
            let news = self.pods.next().await;
            self.see(&news);
        }
    }

    fn see(&mut self, news: &PodNews) {
        match news {
            PodNews::Gone(id) => self.forget(&id.uid),
            PodNews::Listed => {
                self.store.retain_pods(&self.seen);
                self.ignored.0.retain(|uid, _| self.seen.contains(uid));
                self.seen = HashSet::new();
            }
            PodNews::Listing => self.seen.clear(),
            PodNews::Pod(pod) => match &pod.dependent {
                Some(dependent) => self.put(dependent),
                None => self.forget(&pod.observed.id.uid),
            },
        }
    }

    fn put(&mut self, dependent: &DependentPod) {
        let Owner {
            namespace,
            name,
            uid,
            kind: _,
        } = &dependent.id;
        if let Some(problem) = self.ignored.put(dependent) {
            warn!(%namespace, pod = %name, %problem, "the release of a pod is ignored");
        }
        self.seen.insert(uid.clone());
        self.store.set_pod(dependent);
    }

    fn forget(&mut self, uid: &str) {
        self.seen.remove(uid);
        self.ignored.0.remove(uid);
        self.store.forget_pod(uid);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::{Namespace, Timestamp};

    #[test]
    fn what_is_wrong_with_a_release_is_told_once_for_each_pod_and_problem() {
        let mut ignored = IgnoredReleases::default();
        let mut is_told = |uid: &str, key: Option<&str>| {
            let problem = key.map(|key| ReleaseProblem::OtherPod {
                key: key.to_owned(),
            });
            let pod = DependentPod {
                id: Owner::pod(Namespace::default(), "web", uid),
                created: Timestamp::default(),
                waits: true,
                release: problem.map_or(Ok(None), Err),
            };
            ignored.put(&pod).is_some()
        };
        for (uid, problem, expected) in [
            ("u-1", Some("a"), true),
            ("u-1", Some("a"), false),
            ("u-2", Some("a"), true),
            ("u-1", Some("b"), true),
            ("u-1", None, false),
            ("u-1", Some("b"), true),
        ] {
            assert_eq!(is_told(uid, problem), expected, "{uid} {problem:?}");
        }
    }
}
