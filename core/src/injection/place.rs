//! Where our container stands among the init containers.
//!
//! A mesh whose proxy is an ordinary container redirects the network in an init container of its
//! own: whatever stands behind it has no network until the proxy runs, which is after all of us.

use super::pod::Container;
use crate::language::annotation::Position;

/// The init containers in which a mesh redirects the network.
const MESH_INIT: [&str; 2] = ["istio-init", "linkerd-init"];

/// The init containers by which a mesh checks that its CNI plugin redirected the network.
const MESH_CNI: [&str; 2] = ["istio-validation", "linkerd-network-validator"];

/// The containers that are a mesh's proxy.
const MESH_PROXY: [&str; 2] = ["istio-proxy", "linkerd-proxy"];

/// The init containers around ours.
pub(crate) struct Surroundings<'a> {
    others: Vec<&'a Container<'a>>,
    present: Option<usize>,
}

impl<'a> Surroundings<'a> {
    /// Returns what stands around the container called `ours`.
    pub(crate) fn new(init_containers: &'a [Container<'a>], ours: &str) -> Self {
        let is_ours = |container: &&Container<'_>| container.name() == ours;
        Self {
            others: init_containers.iter().filter(|c| !is_ours(c)).collect(),
            present: init_containers.iter().position(|c| is_ours(&c)),
        }
    }

    /// Returns where ours is now.
    pub(crate) fn present(&self) -> Option<usize> {
        self.present
    }

    /// Returns where ours belongs: where it was first put, unless a mesh came in front of it or
    /// another position is wanted than `before`.
    pub(crate) fn place(&self, wanted: Position, before: Option<Position>) -> Place {
        let moved = before.is_some_and(|before| before != wanted);
        match self.present {
            Some(index) if !moved && self.blackhole_before(index).is_none() => Place {
                index,
                kept_before_mesh: false,
            },
            _ => self.choose(wanted),
        }
    }

    fn choose(&self, wanted: Position) -> Place {
        let index = match wanted {
            Position::First => 0,
            Position::AfterSidecars => {
                let last = self.others.iter().rposition(|c| c.is_sidecar());
                last.map_or(0, |last| last + 1)
            }
        };
        let blackhole = self.blackhole_before(index);
        Place {
            index: blackhole.unwrap_or(index),
            kept_before_mesh: blackhole.is_some(),
        }
    }

    /// Returns where the network ends before `index`, if no proxy opens it again by then.
    fn blackhole_before(&self, index: usize) -> Option<usize> {
        let before = &self.others[..index];
        if before.iter().any(|c| is_native_proxy(c)) {
            return None;
        }
        before.iter().position(|c| MESH_INIT.contains(&c.name()))
    }

    /// Returns the init containers in front of `index`.
    pub(crate) fn before(&self, index: usize) -> &[&'a Container<'a>] {
        &self.others[..index]
    }

    /// Returns all init containers but ours.
    pub(crate) fn others(&self) -> &[&'a Container<'a>] {
        &self.others
    }

    /// Returns whether a mesh's CNI plugin leaves a container at `index` without a network.
    pub(crate) fn is_cut_off_by_cni(&self, index: usize) -> bool {
        self.others.iter().any(|c| MESH_CNI.contains(&c.name()))
            && !self.before(index).iter().any(|c| is_native_proxy(c))
    }
}

fn is_native_proxy(container: &Container<'_>) -> bool {
    MESH_PROXY.contains(&container.name()) && container.is_sidecar()
}

/// Where ours belongs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Place {
    /// Its index among the init containers without it.
    pub(crate) index: usize,
    /// Whether a mesh kept it from where it was wanted.
    pub(crate) kept_before_mesh: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names of init containers; one with a `*` is a sidecar.
    fn place(names: &[&str], wanted: Position, before: Option<Position>) -> Place {
        let json: Vec<_> = names
            .iter()
            .map(|name| match name.strip_suffix('*') {
                Some(name) => format!(r#"{{"name":"{name}","restartPolicy":"Always"}}"#),
                None => format!(r#"{{"name":"{name}"}}"#),
            })
            .collect();
        let json = format!("[{}]", json.join(","));
        let containers: Vec<Container<'_>> = serde_json::from_str(&json).unwrap();
        Surroundings::new(&containers, "ours").place(wanted, before)
    }

    #[test]
    fn stands_where_it_has_a_network_and_stays_there() {
        use Position::{AfterSidecars, First};
        let rows: [(&str, &[&str], _, _, usize); 11] = [
            ("alone", &[], First, None, 0),
            ("in front by default", &["a", "b*"], First, None, 0),
            (
                "behind the sidecars",
                &["a", "b*", "c"],
                AfterSidecars,
                None,
                2,
            ),
            ("no sidecars", &["a"], AfterSidecars, None, 0),
            (
                "behind a native proxy",
                &["istio-init", "istio-proxy*"],
                AfterSidecars,
                None,
                2,
            ),
            (
                "before a redirection",
                &["x", "istio-init", "b*"],
                AfterSidecars,
                None,
                1,
            ),
            (
                "kept in second place",
                &["a", "ours"],
                First,
                Some(First),
                1,
            ),
            ("kept without a record", &["a", "ours"], First, None, 1),
            (
                "moved before a mesh",
                &["linkerd-init", "ours"],
                First,
                Some(First),
                0,
            ),
            (
                "a native mesh may be in front",
                &["istio-init", "istio-proxy*", "ours"],
                First,
                Some(First),
                2,
            ),
            (
                "another position is wanted",
                &["ours", "b*"],
                AfterSidecars,
                Some(First),
                1,
            ),
        ];
        for (name, names, wanted, before, index) in rows {
            assert_eq!(place(names, wanted, before).index, index, "{name}");
        }
    }

    #[test]
    fn says_when_a_mesh_kept_it_from_its_place() {
        let kept = |names| place(names, Position::AfterSidecars, None).kept_before_mesh;
        assert!(kept(&["istio-init", "b*"]));
        assert!(!kept(&["istio-init", "istio-proxy*", "b*"]));
        assert!(!kept(&["b*", "istio-init"]));
    }
}
