//! What is asked for and is neither in the files nor assumed: known before anything has happened.

use std::collections::BTreeSet;

use oncue_language::{Namespace, Subject};

use super::{Asks, Stage};
use crate::rehearsal::directions::Assumption;

impl Stage {
    /// Returns the hosts and objects that pods ask for, or will, and that are neither in the files
    /// nor assumed.
    pub(crate) fn unknown(&self) -> BTreeSet<String> {
        let born = self.actors.iter();
        let mut unknown: BTreeSet<_> = born
            .flat_map(|actor| self.unknown_of(&actor.asks, &actor.namespace))
            .collect();
        for (index, controller) in self.cast.controllers.iter().enumerate() {
            let unborn = self.unborn(index);
            unknown
                .extend(unborn.flat_map(|(_, asks)| self.unknown_of(&asks, &controller.namespace)));
        }
        unknown
    }

    fn unknown_of(&self, asks: &Asks, namespace: &Namespace) -> Vec<String> {
        let probes = asks.terms.iter().filter_map(|term| term.probe());
        let hosts = probes
            .filter(|probe| !self.is_known_host(namespace, probe))
            .map(|probe| probe.host.to_string());
        let subjects = asks.conditions.iter().flatten();
        let objects = subjects.filter_map(|condition| match &condition.subject {
            Subject::Object(key) if !self.is_known_object(key) => {
                Some(Assumption::of(key).to_string())
            }
            _ => None,
        });
        hosts.chain(objects).collect()
    }
}

#[cfg(test)]
mod tests {
    use oncue_language::Namespace;
    use serde_json::json;

    use super::*;
    use crate::rehearsal::{
        cast::Cast,
        stage::theatre::{mk_directions, pod, workload},
    };

    #[test]
    fn is_told_before_anything_has_happened() {
        let depends_on = "tcp://redis:6379, http://web:80, tcp://cache:1, job:outside, pod:db-1, \
                          job:inside, a/b, ?tcp://localhost:1";
        let objects = [
            pod("first", json!({"depends-on": depends_on})),
            workload("StatefulSet", "db", json!({"replicas": 2})),
            workload("Job", "inside", json!({})),
            json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}}),
        ];
        let objects = objects.iter().map(|object| ("play.yaml", object));
        let mut directions = mk_directions();
        directions.assumptions.push("cache".parse().unwrap());
        let cast = Cast::new(objects, &Namespace::default()).unwrap();
        let stage = Stage::new(cast, directions).unwrap();
        let unknown: Vec<_> = stage.unknown().into_iter().collect();
        assert_eq!(unknown, ["job:outside", "redis"]);
    }
}
