//! How much our container may ask for without changing what the pod is to the scheduler.

use super::{
    container::CONTAINER,
    place::Surroundings,
    pod::{AmountList, Amounts, Container, Spec},
    quantity::Quantity,
    resources::{ResourceList, Resources},
};

/// How much our container may ask for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Budget {
    /// The pod is Guaranteed and stays so: requests and limits are equal, and no more than this.
    Equal(ResourceList),
    /// Whatever it likes, up to what the pod as a whole allows, where that is set.
    UpTo {
        requests: [Option<Quantity>; 2],
        limits: [Option<Quantity>; 2],
    },
}

impl Budget {
    /// Returns the budget of a container at `index` of the init containers.
    pub(crate) fn of(spec: &Spec<'_>, around: &Surroundings<'_>, index: usize) -> Self {
        let sidecars = around.before(index).iter().filter(|c| c.is_sidecar());
        let whole = spec.resources.as_ref().map(Sides::of);
        if let Some(whole) = whole.filter(Sides::are_set) {
            return Self::within(whole, sum(sidecars.map(|c| requests(c))));
        }
        let apps = spec.containers().iter().filter(|c| c.name() != CONTAINER);
        let every = apps.clone().chain(around.others().iter().copied());
        if !is_guaranteed(every) {
            return Self::UpTo {
                requests: [None; 2],
                limits: [None; 2],
            };
        }
        let beside = sum(sidecars.map(|c| limits(c)));
        let total = scheduling_size(sum(apps.map(limits)), around.others());
        Self::Equal(total.zip_with(beside, Quantity::saturating_sub))
    }

    /// Returns what is left of the `whole` pod's own amounts where the sidecars that run `beside`
    /// request so much: the API server holds the sum of all requests against the pod's.
    fn within(whole: Sides, beside: ResourceList) -> Self {
        if let Some(amounts) = whole.guaranteed() {
            return Self::Equal(amounts.zip_with(beside, Quantity::saturating_sub));
        }
        let [cpu, memory] = whole.requests;
        Self::UpTo {
            requests: [
                cpu.map(|cpu| cpu.saturating_sub(beside.cpu)),
                memory.map(|memory| memory.saturating_sub(beside.memory)),
            ],
            limits: whole.limits,
        }
    }

    /// Returns `wish` cut down to the budget, which has no part in the disk.
    pub(crate) fn fit(self, wish: Resources) -> Resources {
        let mut fitted = self.fit_cpu_and_memory(wish);
        fitted.requests.ephemeral_storage = wish.requests.ephemeral_storage;
        fitted.limits.ephemeral_storage = wish.limits.ephemeral_storage;
        fitted
    }

    fn fit_cpu_and_memory(self, wish: Resources) -> Resources {
        match self {
            Self::Equal(most) => {
                let both = wish.limits.zip_with(most, Ord::min);
                Resources {
                    requests: both,
                    limits: both,
                }
            }
            Self::UpTo { requests, limits } => {
                let limits = cap(wish.limits, limits);
                let requests = cap(wish.requests, requests).zip_with(limits, Ord::min);
                Resources { requests, limits }
            }
        }
    }
}

fn cap(wish: ResourceList, [cpu, memory]: [Option<Quantity>; 2]) -> ResourceList {
    ResourceList {
        cpu: cpu.map_or(wish.cpu, |cpu| cpu.min(wish.cpu)),
        memory: memory.map_or(wish.memory, |memory| memory.min(wish.memory)),
        ephemeral_storage: wish.ephemeral_storage,
    }
}

/// What the scheduler sets aside: the init containers run one by one, the sidecars among them on.
fn scheduling_size(apps: ResourceList, init_containers: &[&Container<'_>]) -> ResourceList {
    let mut sidecars = ResourceList::default();
    let mut peak = ResourceList::default();
    for container in init_containers {
        let with = add(sidecars, limits(container));
        peak = peak.zip_with(with, Ord::max);
        if container.is_sidecar() {
            sidecars = with;
        }
    }
    peak.zip_with(add(apps, sidecars), Ord::max)
}

fn limits(container: &Container<'_>) -> ResourceList {
    list(Sides::of_container(container).limits)
}

fn requests(container: &Container<'_>) -> ResourceList {
    list(Sides::of_container(container).requests)
}

fn list(amounts: [Option<Quantity>; 2]) -> ResourceList {
    let [cpu, memory] = amounts.map(Option::unwrap_or_default);
    ResourceList {
        cpu,
        memory,
        ephemeral_storage: None,
    }
}

fn sum(lists: impl Iterator<Item = ResourceList>) -> ResourceList {
    lists.fold(ResourceList::default(), add)
}

fn add(one: ResourceList, other: ResourceList) -> ResourceList {
    one.zip_with(other, |a, b| a + b)
}

/// Requests and limits of CPU and memory as the API server completes them: amounts of zero do not
/// count, and a request that is not set is its limit.
#[derive(Clone, Copy, Debug, Default)]
struct Sides {
    requests: [Option<Quantity>; 2],
    limits: [Option<Quantity>; 2],
}

impl Sides {
    fn of(amounts: &Amounts) -> Self {
        let limits = positive(amounts.limits.as_ref());
        let requests = written(amounts.requests.as_ref());
        let complete = |i: usize| requests[i].or(limits[i]).filter(|q| q.is_positive());
        Self {
            requests: [complete(0), complete(1)],
            limits,
        }
    }

    fn of_container(container: &Container<'_>) -> Self {
        let amounts = container.resources.as_ref();
        amounts.map(Self::of).unwrap_or_default()
    }

    fn are_set(&self) -> bool {
        self.requests
            .iter()
            .chain(&self.limits)
            .any(Option::is_some)
    }

    fn guaranteed(&self) -> Option<ResourceList> {
        match self.limits {
            [Some(cpu), Some(memory)] if self.requests == self.limits => {
                Some(list([Some(cpu), Some(memory)]))
            }
            _ => None,
        }
    }
}

fn written(list: Option<&AmountList>) -> [Option<Quantity>; 2] {
    list.map_or([None; 2], |list| [list.cpu, list.memory])
}

fn positive(list: Option<&AmountList>) -> [Option<Quantity>; 2] {
    written(list).map(|amount| amount.filter(|amount| amount.is_positive()))
}

/// Returns whether the pod's quality of service is Guaranteed, as the API server computes it:
/// every container limits both resources, and the sums of requests and limits are equal.
fn is_guaranteed<'a>(containers: impl Iterator<Item = &'a Container<'a>>) -> bool {
    let mut requested = ResourceList::default();
    let mut limited = ResourceList::default();
    for container in containers {
        let sides = Sides::of_container(container);
        if sides.limits.iter().any(Option::is_none) {
            return false;
        }
        limited = add(limited, list(sides.limits));
        requested = add(requested, list(sides.requests));
    }
    requested == limited
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::annotation::Position;

    fn fit(spec: &str, position: Position) -> String {
        let spec: Spec<'_> = serde_json::from_str(spec).unwrap();
        let around = Surroundings::new(spec.init_containers(), CONTAINER);
        let index = around.place(position, None).index;
        let fitted = Budget::of(&spec, &around, index).fit(Resources::default());
        let Resources { requests, limits } = fitted;
        format!(
            "{}/{} {}/{}",
            requests.cpu, limits.cpu, requests.memory, limits.memory
        )
    }

    fn container(requests: &str, limits: &str) -> String {
        format!(r#"{{"resources":{{"requests":{{{requests}}},"limits":{{{limits}}}}}}}"#)
    }

    #[test]
    fn a_guaranteed_pod_stays_guaranteed_and_as_big_as_it_was() {
        let big = container("", r#""cpu":1,"memory":"1Gi""#);
        let small = container(
            r#""cpu":"0.05","memory":"48Mi""#,
            r#""cpu":"50m","memory":"48Mi""#,
        );
        let burst = container(r#""cpu":"10m""#, r#""cpu":"50m","memory":"48Mi""#);
        let no_memory = container("", r#""cpu":1"#);
        let zero = container(r#""cpu":0"#, r#""cpu":1,"memory":"1Gi""#);
        for (name, containers, expected) in [
            ("big", vec![&big], "200m/200m 64Mi/64Mi"),
            ("small", vec![&small], "50m/50m 48Mi/48Mi"),
            ("two small", vec![&small, &small], "100m/100m 64Mi/64Mi"),
            ("burstable", vec![&burst], "10m/200m 32Mi/64Mi"),
            (
                "one without memory",
                vec![&big, &no_memory],
                "10m/200m 32Mi/64Mi",
            ),
            ("a request of zero", vec![&zero], "10m/200m 32Mi/64Mi"),
        ] {
            let containers: Vec<_> = containers.into_iter().map(String::as_str).collect();
            let spec = format!(r#"{{"containers":[{}]}}"#, containers.join(","));
            assert_eq!(fit(&spec, Position::First), expected, "{name}");
        }
    }

    #[test]
    fn a_sidecar_in_front_takes_its_share() {
        let spec = r#"{
            "containers": [{"resources": {"limits": {"cpu": "30m", "memory": "20Mi"}}}],
            "initContainers": [{
                "restartPolicy": "Always",
                "resources": {"limits": {"cpu": "50m", "memory": "20Mi"}}
            }]
        }"#;
        assert_eq!(fit(spec, Position::First), "80m/80m 40Mi/40Mi");
        assert_eq!(fit(spec, Position::AfterSidecars), "30m/30m 20Mi/20Mi");
    }

    #[test]
    fn what_the_pod_as_a_whole_may_have_counts_alone() {
        let guaranteed =
            r#"{"containers":[{}],"resources":{"limits":{"cpu":"100m","memory":"1Gi"}}}"#;
        assert_eq!(fit(guaranteed, Position::First), "100m/100m 64Mi/64Mi");
        let burstable = r#"{"containers":[{}],"resources":{"requests":{"memory":"16Mi"},"limits":{"cpu":"5m"}}}"#;
        assert_eq!(fit(burstable, Position::First), "5m/5m 16Mi/64Mi");
    }

    #[test]
    fn a_sidecar_in_front_takes_its_share_of_what_the_whole_pod_may_request() {
        let spec = |whole: &str, sidecar: &str| {
            format!(
                r#"{{
                    "resources": {whole},
                    "containers": [{{"resources": {{"requests": {{"cpu": "10m", "memory": "16Mi"}}}}}}],
                    "initContainers": [{{"restartPolicy": "Always", "resources": {sidecar}}}]
                }}"#
            )
        };
        let requests = r#"{"requests":{"cpu":"50m","memory":"64Mi"}}"#;
        // As the API server has completed a pod that is written with these limits alone.
        let burstable = spec(
            r#"{"requests":{"cpu":"60m","memory":"80Mi"},"limits":{"cpu":1,"memory":"1Gi"}}"#,
            requests,
        );
        assert_eq!(fit(&burstable, Position::First), "10m/200m 32Mi/64Mi");
        assert_eq!(
            fit(&burstable, Position::AfterSidecars),
            "10m/200m 16Mi/64Mi"
        );
        let guaranteed = spec(
            r#"{"limits":{"cpu":"100m","memory":"100Mi"}}"#,
            r#"{"limits":{"cpu":"50m","memory":"64Mi"}}"#,
        );
        assert_eq!(
            fit(&guaranteed, Position::AfterSidecars),
            "50m/50m 36Mi/36Mi"
        );
        let used_up = spec(r#"{"requests":{"memory":"16Mi"}}"#, requests);
        assert_eq!(fit(&used_up, Position::AfterSidecars), "10m/200m 0/64Mi");
    }
}
