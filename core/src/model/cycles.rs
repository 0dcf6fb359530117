//! Members that wait for each other.

use std::collections::{BTreeMap, HashMap, VecDeque};

use petgraph::{
    algo::kosaraju_scc,
    graph::{DiGraph, EdgeIndex, NodeIndex},
    visit::EdgeRef,
};

use super::{Link, Links, MemberId};

/// Members of which each waits for another one, directly or through others.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Cycle {
    /// All of them, in their order.
    pub members: Vec<MemberId>,
    /// A shortest way from the first of them back to it.
    pub ring: Vec<Step>,
}

/// One step of a ring: a member that waits, and the one that should produce.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Step {
    /// What the member waits for.
    pub link: Link,
    /// The producer: the consumer of the next step.
    pub producer: MemberId,
}

impl Links<'_> {
    /// Returns the cycles of which no member can ever start.
    ///
    /// A term that a member outside of a cycle can make hold is no part of one.
    pub fn cycles(&self) -> Vec<Cycle> {
        self.deadlocks(|_| true)
    }

    /// Returns the cycles of which no member can ever go on, of members of which some terms hold
    /// already: `is_missing` says which links still keep their consumers waiting. A member that
    /// waits for nothing any more provides everything that it signals.
    pub fn deadlocks(&self, is_missing: impl Fn(&Link) -> bool) -> Vec<Cycle> {
        let mut blocked = self.blocked(is_missing).into_iter();
        self.cycles_of(|_| blocked.next().unwrap_or_default())
    }

    /// Returns the cycles among members that are at rest: `is_missing` says which links, asked for
    /// in their order, still keep their consumers waiting. A member that waits for nothing provides
    /// no more than it has.
    pub fn cycles_of(&self, is_missing: impl FnMut(&Link) -> bool) -> Vec<Cycle> {
        let mut cycles = Waiting::new(self, is_missing).cycles();
        cycles.sort_by(|one, other| one.members.cmp(&other.members));
        cycles
    }
}

/// The members that wait, and the pools that they wait for.
struct Waiting {
    /// From members to pools, and from pools to the members that provide them.
    graph: DiGraph<Node, Option<Link>>,
}

#[derive(Clone, Copy)]
enum Node {
    Member(MemberId),
    Pool,
}

impl Waiting {
    fn new(links: &Links<'_>, mut is_missing: impl FnMut(&Link) -> bool) -> Self {
        let mut graph = DiGraph::new();
        let mut members = BTreeMap::new();
        let mut pools = BTreeMap::new();
        for link in links.iter() {
            let is_missing = is_missing(link);
            if let Some(pool) = links.pool(link).filter(|_| is_missing) {
                let member = *members
                    .entry(link.consumer)
                    .or_insert_with(|| graph.add_node(Node::Member(link.consumer)));
                let pool = *pools
                    .entry(pool)
                    .or_insert_with(|| graph.add_node(Node::Pool));
                graph.add_edge(member, pool, Some(*link));
            }
        }
        for (pool, node) in pools {
            let parts = links.pools[pool].parts.iter();
            let late = parts.filter(|part| !part.is_early);
            let providers = late.flat_map(|part| &part.providers);
            for provider in providers.filter_map(|provider| members.get(provider)) {
                graph.add_edge(node, *provider, None);
            }
        }
        Self { graph }
    }

    fn cycles(&self) -> Vec<Cycle> {
        let components = kosaraju_scc(&self.graph);
        let mut component_of = vec![0; self.graph.node_count()];
        for (index, component) in components.iter().enumerate() {
            for node in component {
                component_of[node.index()] = index;
            }
        }
        let cycles = components.iter().filter(|nodes| nodes.len() > 1);
        cycles
            .map(|nodes| self.cycle(nodes, &component_of))
            .collect()
    }

    fn cycle(&self, nodes: &[NodeIndex], component_of: &[usize]) -> Cycle {
        let members = nodes.iter().filter_map(|node| match self.graph[*node] {
            Node::Member(id) => Some((id, *node)),
            Node::Pool => None,
        });
        let members: BTreeMap<_, _> = members.collect();
        let first = members.values().next().copied();
        Cycle {
            ring: first.map_or_else(Vec::new, |first| self.ring(first, component_of)),
            members: members.into_keys().collect(),
        }
    }

    /// Returns a shortest way from a node through its component and back.
    fn ring(&self, first: NodeIndex, component_of: &[usize]) -> Vec<Step> {
        let mut reached_by: HashMap<NodeIndex, EdgeIndex> = HashMap::new();
        let mut queue = VecDeque::from([first]);
        while let Some(node) = queue.pop_front()
            && !reached_by.contains_key(&first)
        {
            // The edges of a node come with the last one first.
            let edges: Vec<_> = self.graph.edges(node).collect();
            for edge in edges.into_iter().rev() {
                let next = edge.target();
                let is_inside = component_of[next.index()] == component_of[first.index()];
                if is_inside && !reached_by.contains_key(&next) {
                    reached_by.insert(next, edge.id());
                    queue.push_back(next);
                }
            }
        }
        self.steps_to(first, &reached_by)
    }

    fn steps_to(&self, first: NodeIndex, reached_by: &HashMap<NodeIndex, EdgeIndex>) -> Vec<Step> {
        let mut steps = Vec::new();
        let mut producer = first;
        let mut at = first;
        while let Some((before, _)) = reached_by
            .get(&at)
            .and_then(|edge| self.graph.edge_endpoints(*edge))
        {
            if let (Some(Some(link)), Node::Member(id)) = (
                self.graph.edge_weight(reached_by[&at]),
                self.graph[producer],
            ) {
                steps.push(Step {
                    link: *link,
                    producer: id,
                });
                producer = before;
            }
            at = before;
            if at == first {
                break;
            }
        }
        steps.reverse();
        steps
    }
}
