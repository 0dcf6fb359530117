//! The scheduler: which node a pod gets.

use oncue_core::workload::WorkloadKind;

use super::{Cluster, PodId};

/// Gives the nodes out in turn.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scheduler {
    nodes: u32,
    scheduled: u32,
}

impl Scheduler {
    pub(super) fn new(nodes: u32) -> Self {
        Self {
            nodes: nodes.max(1),
            scheduled: 0,
        }
    }

    /// Returns the number of the next node, from 0.
    fn next(&mut self) -> u32 {
        let node = self.scheduled % self.nodes;
        self.scheduled += 1;
        node
    }
}

impl Cluster {
    /// Returns the node that the pod's `spec` names, for a `DaemonSet`'s pod its own, else the next.
    pub(super) fn node_for(&mut self, id: PodId) -> String {
        if let Some(node) = self.pod(id).object["spec"]["nodeName"].as_str() {
            return node.to_owned();
        }
        let number = if self.controller(id).kind == WorkloadKind::DaemonSet {
            self.pod(id).slot
        } else {
            self.scheduler.next()
        };
        node_name(number + 1)
    }
}

/// Returns the name of a node, given its number from 1 on.
pub(super) fn node_name(number: u32) -> String {
    format!("node-{number}")
}
