//! What the controller knows of managed pods.

use std::{
    collections::{BTreeMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use oncue_core::access::Vouched;

use crate::{
    language::{Owner, Timestamp, Value, VariableName},
    life::{DeclaredSignal, ObservedPod},
};

/// The managed pods of the cluster, as the controller sees them. Cloning it is cheap.
#[derive(Clone, Debug, Default)]
pub struct ManagedPods(Arc<Mutex<Table>>);

#[derive(Debug, Default)]
struct Table {
    source: Source,
    /// A B-tree: while a hash table grows, all callers wait.
    pods: BTreeMap<Box<str>, Arc<ObservedPod>>,
    /// The uids of those that were seen since the last list began.
    seen: HashSet<Box<str>>,
}

/// Where knowledge of pods comes from.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum Source {
    /// From the controller.
    Controller,
    /// From nowhere.
    #[default]
    None,
}

/// What a pod without a token wants.
#[derive(Clone, Copy, Debug)]
pub enum Wish<'a> {
    /// Signal a variable with this value.
    Signal(&'a VariableName, Option<&'a Value>),
    /// Wait.
    Wait,
}

impl ManagedPods {
    /// Takes note that the controller tells of pods from now on.
    pub fn begin(&self) {
        self.lock().source = Source::Controller;
    }

    /// Takes note that a list of all pods begins.
    pub(crate) fn listing(&self) {
        self.lock().seen.clear();
    }

    /// Takes note of a pod.
    pub(crate) fn put(&self, pod: &Arc<ObservedPod>) {
        let uid = &pod.id.uid;
        let mut table = self.lock();
        table.seen.insert(uid.clone());
        table.pods.insert(uid.clone(), Arc::clone(pod));
    }

    /// Takes note that a pod is gone.
    pub(crate) fn remove(&self, uid: &str) {
        let mut table = self.lock();
        table.seen.remove(uid);
        table.pods.remove(uid);
    }

    /// Takes note that the list is complete: removes the pods that it does not hold, and returns
    /// their uids.
    pub(crate) fn listed(&self) -> Vec<Box<str>> {
        let mut table = self.lock();
        let seen = std::mem::take(&mut table.seen);
        let gone = table.pods.keys().filter(|uid| !seen.contains(*uid));
        let gone: Vec<_> = gone.cloned().collect();
        for uid in &gone {
            table.pods.remove(uid);
        }
        gone
    }

    /// Returns whether the end of this pod would be seen.
    pub(crate) fn watches(&self, uid: &str) -> bool {
        self.lock().pods.contains_key(uid)
    }

    /// Returns what is known of a wish of the pod that a request names.
    pub(crate) fn vouch(&self, pod: Option<&Owner>, wish: Wish<'_>, now: Timestamp) -> Vouched {
        let table = self.lock();
        if table.source == Source::None {
            return Vouched::Never;
        }
        let Some(pod) = pod else { return Vouched::No };
        let Some(known) = table.pods.get(&pod.uid) else {
            return Vouched::NotYet;
        };
        let is_it = known.id == *pod && !known.has_ended(now);
        let is_true = is_it
            && match wish {
                Wish::Signal(name, value) => declares(known, name, value),
                Wish::Wait => true,
            };
        if is_true { Vouched::Yes } else { Vouched::No }
    }

    /// A panic under the lock leaves nothing half done that matters: the next list repairs it.
    fn lock(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns whether a pod's own containers are to signal this. What its status and its end imply,
/// the controller asserts.
fn declares(pod: &ObservedPod, name: &VariableName, value: Option<&Value>) -> bool {
    let Ok(signals) = &pod.signals else {
        return false;
    };
    let is_it = |declared: &DeclaredSignal| {
        let has_value = declared.value.is_none() || declared.value.as_ref() == value;
        declared.name == *name && has_value
    };
    let declared = [&signals.init, &signals.start, &signals.wait];
    declared.into_iter().flatten().any(is_it)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::*;
    use crate::language::Keys;

    fn mk_pod(name: &str, status: &Json) -> Arc<ObservedPod> {
        let record = json!({
            "hash": "h", "signals": ["first/up"], "signals-on-wait": ["first/waits=here"],
            "signals-on-ready": ["first/ready"], "signals-on-success": ["first/done"],
        });
        let pod = json!({
            "metadata": {
                "namespace": "shop", "name": name, "uid": format!("uid-of-{name}"),
                "creationTimestamp": "2026-11-27T10:00:00Z",
                "annotations": {"oncue.dev/injected": record.to_string()},
            },
            "spec": {"containers": [{"name": "main"}]},
            "status": status,
        });
        let pod = ObservedPod::read(&pod, &Keys::default()).unwrap();
        assert!(pod.signals.is_ok(), "{:?}", pod.signals);
        Arc::new(pod)
    }

    fn owner(name: &str) -> Owner {
        Owner::pod("shop".parse().unwrap(), name, format!("uid-of-{name}"))
    }

    fn mk_pods() -> ManagedPods {
        let pods = ManagedPods::default();
        pods.begin();
        pods.put(&mk_pod("web", &json!({"phase": "Running"})));
        pods.put(&mk_pod("over", &json!({"phase": "Succeeded"})));
        pods
    }

    fn vouch(pods: &ManagedPods, pod: Option<&Owner>, signal: &str) -> Vouched {
        let now = Timestamp::default();
        if signal == "wait" {
            return pods.vouch(pod, Wish::Wait, now);
        }
        let (name, value) = signal.split_once('=').unwrap_or((signal, ""));
        let (name, value) = (name.parse().unwrap(), value.parse().ok());
        let value = value.filter(|_| signal.contains('='));
        pods.vouch(pod, Wish::Signal(&name, value.as_ref()), now)
    }

    #[test]
    fn a_pod_waits_and_signals_what_its_own_containers_are_to_signal() {
        let pods = mk_pods();
        for (signal, expected) in [
            ("wait", Vouched::Yes),
            ("first/up", Vouched::Yes),
            ("first/up=v", Vouched::Yes),
            ("first/waits=here", Vouched::Yes),
            ("first/waits=there", Vouched::No),
            ("first/waits", Vouched::No),
            ("first/ready", Vouched::No),
            ("first/done", Vouched::No),
            ("second/up", Vouched::No),
        ] {
            assert_eq!(
                vouch(&pods, Some(&owner("web")), signal),
                expected,
                "{signal}"
            );
        }
    }

    #[test]
    fn another_pod_is_not_vouched_for() {
        let pods = mk_pods();
        let namesake = Owner::pod("till".parse().unwrap(), "web", "uid-of-web");
        for (pod, expected) in [
            (Some(owner("over")), Vouched::No),
            (Some(namesake), Vouched::No),
            (Some(owner("new")), Vouched::NotYet),
            (None, Vouched::No),
        ] {
            for signal in ["wait", "first/up"] {
                assert_eq!(vouch(&pods, pod.as_ref(), signal), expected, "{pod:?}");
            }
        }
        let nowhere = ManagedPods::default();
        assert_eq!(vouch(&nowhere, Some(&owner("web")), "wait"), Vouched::Never);
    }

    #[test]
    fn a_list_tells_which_pods_are_gone() {
        let pods = mk_pods();
        pods.listing();
        pods.put(&mk_pod("web", &json!({"phase": "Running"})));
        assert_eq!(pods.listed(), ["uid-of-over".into()]);
        assert!(pods.watches("uid-of-web") && !pods.watches("uid-of-over"));
        pods.remove("uid-of-web");
        assert!(!pods.watches("uid-of-web"));
    }
}
