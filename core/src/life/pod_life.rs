//! What one observed pod implies of its live and ready signals.

use oncue_language::{Kind, Timestamp, Value, VariableName};

use super::{ContainerState, DeclaredSignal, ObservedPod};

/// A live or ready assertion that a pod implies.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Implied<'a> {
    pub(super) name: &'a VariableName,
    pub(super) kind: Kind,
    pub(super) value: Option<&'a Value>,
}

impl ObservedPod {
    /// Returns the assertions that the pod implies at `now`, at most one of each name and kind.
    ///
    /// If one name is declared for several steps of the pod's start, the last of them that it has
    /// reached gives the value.
    pub(super) fn implied(&self, now: Timestamp) -> Vec<Implied<'_>> {
        let Ok(signals) = &self.signals else {
            return Vec::new();
        };
        let is_live = self.keeps(Kind::Live, now);
        let is_initialized = self.wait == ContainerState::Succeeded;
        let has_waited = self.is_gated || self.wait.has_started();
        let is_ready = self.keeps(Kind::Ready, now);
        let mut implied = Vec::new();
        for (declared, kind, is_implied) in [
            (&signals.start, Kind::Live, is_live && self.has_signalled()),
            (&signals.init, Kind::Live, is_live && is_initialized),
            (&signals.wait, Kind::Live, is_live && has_waited),
            (&signals.ready, Kind::Ready, is_ready),
        ] {
            if is_implied {
                add(&mut implied, declared, kind);
            }
        }
        implied
    }

    /// Returns whether the pod's assertions of this kind may stay at `now`, implied or not.
    ///
    /// An old status never withdraws a live one: the kubelet reports a container as running after
    /// its hook ran.
    pub(super) fn keeps(&self, kind: Kind, now: Timestamp) -> bool {
        match kind {
            Kind::Durable => true,
            Kind::Live => !self.has_ended(now) && !self.withholds(),
            Kind::Ready => !self.has_ended(now) && self.is_ready && self.deletion.is_none(),
        }
    }

    /// Returns whether all containers are being restarted: nothing that they signalled is true.
    fn withholds(&self) -> bool {
        self.is_restarting && self.signaller != ContainerState::Running
    }

    /// Returns whether the signalling container's hook has run and did not fail.
    fn has_signalled(&self) -> bool {
        matches!(
            self.signaller,
            ContainerState::Running | ContainerState::Succeeded
        )
    }
}

fn add<'a>(implied: &mut Vec<Implied<'a>>, signals: &'a [DeclaredSignal], kind: Kind) {
    for DeclaredSignal { name, value } in signals {
        if !implied.iter().any(|it| it.name == name && it.kind == kind) {
            let value = value.as_ref();
            implied.push(Implied { name, kind, value });
        }
    }
}
