//! One log line for each change and each refusal: who, what, from where, outcome.
//!
//! Neither values nor tokens are in them. Both kinds of lines have a budget of bytes of their own,
//! so that refusals can flood neither the log nor hide changes; what is left out is counted.

use std::{
    fmt,
    sync::{Mutex, PoisonError},
};

use oncue_core::{
    access::{Identity, Request},
    token_bucket::TokenBucket,
};
use oncue_language::{Namespace, VariableKey, escape::Escaped};
use oncue_wire::ProblemCode;
use tracing::info;

use super::{Api, caller::Caller};
use crate::{language::Timestamp, life::Asserter, net::Peer};

/// Where audit lines go, for filters of the log.
macro_rules! audit {
    ($($field:tt)*) => { info!(target: "oncue::audit", $($field)*) };
}

/// The budgets of audit lines.
#[derive(Debug)]
pub(super) struct Audit {
    changes: Mutex<Budget>,
    refusals: Mutex<Budget>,
}

/// How many bytes of lines of one kind may be written.
#[derive(Debug)]
struct Budget {
    bytes: TokenBucket,
    /// The lines that were left out since the last one that was written.
    left_out: u64,
}

impl Default for Audit {
    fn default() -> Self {
        let budget = |per_second, at_once| {
            Mutex::new(Budget {
                bytes: TokenBucket::new(per_second, at_once),
                left_out: 0,
            })
        };
        Self {
            changes: budget(256 * KIB, 4096 * KIB),
            refusals: budget(16 * KIB, 256 * KIB),
        }
    }
}

impl Budget {
    /// Returns how many lines were left out before this one of `bytes`, which is written; `None`
    /// if it is left out too.
    fn admit(&mut self, bytes: usize, now: Timestamp) -> Option<u64> {
        if self.bytes.take(bytes as u64, now) {
            return Some(std::mem::take(&mut self.left_out));
        }
        self.left_out += 1;
        None
    }
}

/// A change that someone made or tried.
#[derive(Clone, Copy)]
pub(super) struct Changed<'a> {
    pub(super) caller: &'a Caller,
    /// `assert` or `delete`.
    pub(super) action: &'static str,
    pub(super) key: &'a VariableKey,
    /// In whose name; `None` for a deletion.
    pub(super) asserter: Option<&'a Asserter>,
    pub(super) outcome: ChangeOutcome,
}

/// What a change came to.
#[derive(Clone, Copy)]
pub(super) enum ChangeOutcome {
    /// It was made, and how.
    Done(&'static str),
    /// Nothing has changed, as far as the store knows.
    Failed(ProblemCode),
}

/// A request that was refused.
#[derive(Clone, Copy)]
pub(super) struct Refused<'a> {
    pub(super) who: &'a Identity,
    pub(super) what: &'a str,
    pub(super) peer: Option<Peer>,
    pub(super) reason: &'static str,
}

impl Api {
    /// Logs a change. One that failed has the budget of refusals: a client can cause many of them.
    pub(super) fn changed(&self, changed: Changed<'_>) {
        let Changed {
            caller,
            action,
            key: VariableKey { namespace, name },
            asserter,
            outcome,
        } = changed;
        let who = Escaped(caller.identity()).to_string();
        let owner = asserter.map(owner);
        let credential = caller.session().and_then(|it| it.credential.as_deref());
        let credential = credential.map(|it| Escaped(it).to_string());
        let from = From(caller.peer());
        let length = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        let texts = who.len() + namespace.as_str().len() + name.as_str().len();
        let bytes = FIXED + texts + length(&owner) + length(&credential);
        match outcome {
            ChangeOutcome::Done(outcome) => {
                if let Some(left_out) = self.admit(&self.audit().changes, ("change", bytes)) {
                    audit!(
                        %who, credential, action, %namespace, %name, owner, %from, outcome,
                        left_out = some(left_out), "changed a variable"
                    );
                }
            }
            ChangeOutcome::Failed(code) => {
                if let Some(left_out) = self.admit(&self.audit().refusals, ("refusal", bytes)) {
                    audit!(
                        %who, credential, action, %namespace, %name, owner, %from,
                        outcome = "failed", reason = code.as_str(),
                        left_out = some(left_out), "did not change a variable"
                    );
                }
            }
        }
    }

    /// Logs a refusal, and counts it.
    pub(super) fn refused(&self, refused: Refused<'_>) {
        let Refused {
            who,
            what,
            peer,
            reason,
        } = refused;
        self.metrics().refused(reason);
        let who = Escaped(who).to_string();
        let from = From(peer);
        let bytes = FIXED + who.len() + what.len();
        if let Some(left_out) = self.admit(&self.audit().refusals, ("refusal", bytes)) {
            audit!(
                %who, what, %from, outcome = "refused", reason,
                left_out = some(left_out), "refused a request"
            );
        }
    }

    fn admit(&self, budget: &Mutex<Budget>, (kind, bytes): (&'static str, usize)) -> Option<u64> {
        let now = self.store().now();
        let mut budget = budget.lock().unwrap_or_else(PoisonError::into_inner);
        let admitted = budget.admit(bytes, now);
        if admitted.is_none() {
            self.metrics().audit_left_out(kind);
        }
        admitted
    }
}

/// Returns what a request wants, in words.
pub(super) fn described(request: &Request<'_>) -> String {
    let (what, namespace): (_, Option<&Namespace>) = match *request {
        Request::Assert { namespace, .. } => ("assert", Some(namespace)),
        Request::Create { namespace } => ("create", Some(namespace)),
        Request::Delete { namespace } => ("delete", Some(namespace)),
        Request::Exists { namespace, .. } => ("exists", Some(namespace)),
        Request::Identify => ("identify", None),
        Request::Metrics => ("metrics", None),
        Request::Read { namespace, .. } => ("read", namespace),
        Request::Wait { namespace, .. } => ("wait", Some(namespace)),
    };
    match namespace {
        Some(namespace) => format!("{what} in {namespace}"),
        None => what.to_owned(),
    }
}

fn owner(asserter: &Asserter) -> String {
    match asserter {
        Asserter::Hand => "by hand".to_owned(),
        Asserter::Owner(owner) => Escaped(format_args!("{}", owner.name)).to_string(),
    }
}

fn some(left_out: u64) -> Option<u64> {
    (left_out > 0).then_some(left_out)
}

struct From(Option<Peer>);

impl fmt::Display for From {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(peer) => peer.fmt(f),
            None => f.write_str("this process"),
        }
    }
}

const KIB: u64 = 1024;

/// What is equally long in all lines, in bytes.
const FIXED: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_told_by_the_next_line() {
        let mut budget = Budget {
            bytes: TokenBucket::new(100, 1_000),
            left_out: 0,
        };
        let mut admit = |millis: u64| budget.admit(400, Timestamp::from_millis(1_000_000 + millis));
        let admitted: Vec<_> = (0..5).map(|_| admit(0)).collect();
        assert_eq!(admitted, [Some(0), Some(0), None, None, None]);
        assert_eq!(admit(1_000), None);
        assert_eq!(admit(2_000), Some(4));
        assert_eq!(admit(6_000), Some(0));
    }
}
