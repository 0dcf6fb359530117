//! The budgets that follow from a memory limit: pure.
//!
//! A process takes a fixed part for itself (code, threads, redb's cache, requests under way, the pods
//! that a controller has seen). What the limit leaves is split between the roles, and within a role by fixed percentages:
//!
//! | role | of the rest | budget | percent of the role's part |
//! | --- | --- | --- | --- |
//! | store | all, 2/3 beside a webhook | connections | 38 |
//! | | | waits (half of it per namespace) | 26 |
//! | | | variables (half of it per namespace) | 18 |
//! | | | unread answers | 6 |
//! | | | request bodies | 5 |
//! | | | watch backlog | 5 |
//! | | | tokens | 2 |
//! | webhook | all, 1/3 beside a store | linting | 47 |
//! | | | request bodies | 33 |
//! | | | connections | 12 |
//! | | | unread answers | 8 |

use std::collections::BTreeSet;

use super::ByteSize;
use crate::config::Role;

/// Memory in bytes for everything that clients make the process keep; the sum of all budgets and
/// of the base is the limit at most.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct MemoryPlan {
    /// What the process takes by itself, in bytes.
    pub base: usize,
    /// The store's budgets, if this process has that role.
    pub store: Option<StoreMemory>,
    /// The webhook's budgets, if this process has that role.
    pub webhook: Option<WebhookMemory>,
}

/// A budget that namespaces share.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Budget {
    /// Bytes for all namespaces together.
    pub total: usize,
    /// Bytes for each namespace.
    pub per_namespace: usize,
}

/// The budgets of the store, in bytes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct StoreMemory {
    /// Connections, each with its buffers.
    pub connections: usize,
    /// Held waits with their terms.
    pub waits: Budget,
    /// Variables with their assertions.
    pub variables: Budget,
    /// Answers that their clients have not read yet.
    pub answers: usize,
    /// Request bodies that are not complete yet.
    pub bodies: usize,
    /// Changes that are kept for watchers that have not read them yet.
    pub watch_backlog: usize,
    /// What is known of the tokens of callers.
    pub tokens: usize,
}

/// The budgets of the webhook, in bytes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct WebhookMemory {
    /// Objects that are linted.
    pub linting: usize,
    /// Requests: their heads, and the bodies of reviews.
    pub bodies: usize,
    /// Connections, each with its buffers.
    pub connections: usize,
    /// Answers that their clients have not read yet.
    pub answers: usize,
}

/// A limit below what the roles of the process need.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a memory limit of {limit} is too small: at least {least} are needed for these roles")]
pub struct LimitTooSmall {
    /// The limit.
    pub limit: ByteSize,
    /// The smallest limit that works.
    pub least: ByteSize,
}

impl MemoryPlan {
    /// Splits `limit` between the parts of a process with these roles.
    ///
    /// # Errors
    /// [`LimitTooSmall`].
    pub fn split(limit: ByteSize, roles: &BTreeSet<Role>) -> Result<Self, LimitTooSmall> {
        let parts = Parts::of(roles);
        let least = parts.least();
        if limit < least {
            return Err(LimitTooSmall { limit, least });
        }
        let rest = limit.0 - parts.base;
        Ok(Self {
            base: parts.base,
            store: parts.store.map(|share| StoreMemory::within(share.of(rest))),
            webhook: parts
                .webhook
                .map(|share| WebhookMemory::within(share.of(rest))),
        })
    }

    /// Returns how much all parts take together, in bytes.
    pub fn sum(&self) -> usize {
        let store = self.store.map_or(0, |it| it.sum());
        let webhook = self.webhook.map_or(0, |it| it.sum());
        self.base + store + webhook
    }
}

impl StoreMemory {
    fn within(bytes: usize) -> Self {
        let percent = |percent| bytes / 100 * percent;
        Self {
            connections: percent(38),
            waits: Budget::halved(percent(26)),
            variables: Budget::halved(percent(18)),
            answers: percent(6),
            bodies: percent(5),
            watch_backlog: percent(5),
            tokens: percent(2),
        }
    }

    fn sum(&self) -> usize {
        let Self {
            connections,
            waits,
            variables,
            answers,
            bodies,
            watch_backlog,
            tokens,
        } = self;
        let shared = waits.total + variables.total;
        connections + shared + answers + bodies + watch_backlog + tokens
    }
}

impl WebhookMemory {
    fn within(bytes: usize) -> Self {
        let percent = |percent| bytes / 100 * percent;
        Self {
            linting: percent(47),
            bodies: percent(33),
            connections: percent(12),
            answers: percent(8),
        }
    }

    fn sum(&self) -> usize {
        let Self {
            linting,
            bodies,
            connections,
            answers,
        } = self;
        linting + bodies + connections + answers
    }
}

/// What a process gets that has 1 GiB and this role alone.
impl Default for StoreMemory {
    fn default() -> Self {
        Self::within(GIB - PROCESS - STORE)
    }
}

/// What a process gets that has 1 GiB and this role alone.
impl Default for WebhookMemory {
    fn default() -> Self {
        Self::within(GIB - PROCESS)
    }
}

impl Budget {
    /// A budget that never ends: for stores that hold what their own process makes.
    pub const UNLIMITED: Self = Self {
        total: usize::MAX,
        per_namespace: usize::MAX,
    };

    /// Returns a budget of which one namespace gets half at most.
    const fn halved(total: usize) -> Self {
        Self {
            total,
            per_namespace: total / 2,
        }
    }
}

/// The roles of a process: what it takes by itself, and who gets how much of the rest.
struct Parts {
    base: usize,
    store: Option<Fraction>,
    webhook: Option<Fraction>,
}

/// A part of a whole.
#[derive(Clone, Copy)]
struct Fraction {
    parts: usize,
    whole: usize,
}

impl Fraction {
    fn of(self, bytes: usize) -> usize {
        bytes / self.whole * self.parts
    }

    /// Returns the least whole of which this part is at least `bytes`.
    fn whole_for(self, bytes: usize) -> usize {
        bytes.div_ceil(self.parts) * self.whole
    }
}

impl Parts {
    fn of(roles: &BTreeSet<Role>) -> Self {
        let (store, webhook) = (roles.contains(&Role::Store), roles.contains(&Role::Webhook));
        let fraction = |parts| {
            let alone = Fraction { parts: 1, whole: 1 };
            let beside = Fraction { parts, whole: 3 };
            if store && webhook { beside } else { alone }
        };
        Self {
            base: PROCESS
                + if store { STORE } else { 0 }
                + if roles.contains(&Role::Controller) {
                    CONTROLLER
                } else {
                    0
                },
            store: store.then(|| fraction(2)),
            webhook: webhook.then(|| fraction(1)),
        }
    }

    fn least(&self) -> ByteSize {
        let store = self.store.map(|share| share.whole_for(LEAST_STORE));
        let webhook = self.webhook.map(|share| share.whole_for(LEAST_WEBHOOK));
        let rest = store.max(webhook).unwrap_or(0);
        ByteSize((self.base + rest).next_multiple_of(MIB))
    }
}

const MIB: usize = 1 << 20;
const GIB: usize = 1 << 30;

/// What any process takes by itself: code, threads, large TLS records, requests under way, and what
/// the allocator cannot give back.
const PROCESS: usize = 40 * MIB;

/// What a store takes besides: redb's cache, changes that wait for the disk, the last changes.
const STORE: usize = 24 * MIB;

/// What a controller takes besides: the API server's answers while they are read, and what is kept
/// of 30,000 pods and Jobs.
const CONTROLLER: usize = 64 * MIB;

/// With less, no answer of full size fits into its budget.
const LEAST_STORE: usize = 32 * MIB;

/// With less, a large object cannot be linted.
const LEAST_WEBHOOK: usize = 107 * MIB;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn roles(roles: &[Role]) -> BTreeSet<Role> {
        roles.iter().copied().collect()
    }

    fn mk_roles() -> impl Strategy<Value = BTreeSet<Role>> {
        prop::sample::subsequence(Role::ALL.to_vec(), 1..=3)
            .prop_filter("a role with a budget", |roles| roles != &[Role::Controller])
            .prop_map(|it| it.into_iter().collect())
    }

    proptest! {
        #[test]
        fn the_budgets_stay_below_the_limit(mebibytes in 0usize..8192, odd in 0..MIB, roles in mk_roles()) {
            let limit = ByteSize(mebibytes * MIB + odd);
            match MemoryPlan::split(limit, &roles) {
                Ok(plan) => {
                    prop_assert!(plan.sum() <= limit.0);
                    prop_assert!(plan.sum() + MIB > limit.0, "{} are not used", limit.0 - plan.sum());
                }
                Err(error) => {
                    prop_assert!(limit < error.least);
                    prop_assert!(MemoryPlan::split(error.least, &roles).is_ok());
                }
            }
        }
    }

    #[test]
    fn a_limit_that_is_too_small_names_the_least_that_works() {
        let error = MemoryPlan::split(ByteSize(64 * MIB), &roles(&[Role::Store])).unwrap_err();
        let text =
            "a memory limit of 64 MiB is too small: at least 96 MiB are needed for these roles";
        assert_eq!(error.to_string(), text);
    }

    #[test]
    fn the_charts_limits_hold_what_the_readme_promises() {
        let store = MemoryPlan::split(ByteSize(512 * MIB), &roles(&[Role::Store])).unwrap();
        assert!(store.store.unwrap().variables.per_namespace >= 32 * MIB);
        let webhook = MemoryPlan::split(ByteSize(256 * MIB), &roles(&[Role::Webhook])).unwrap();
        let two_large_objects = 2 * 50 * MIB;
        assert!(webhook.webhook.unwrap().linting >= two_large_objects);
    }

    #[test]
    fn a_part_gets_nothing_for_a_role_that_the_process_has_not() {
        let plan = MemoryPlan::split(ByteSize(512 * MIB), &roles(&[Role::Webhook])).unwrap();
        assert_eq!(plan.store, None);
        let both = MemoryPlan::split(ByteSize(1024 * MIB), &roles(&Role::SERVED)).unwrap();
        assert!(both.store.unwrap().sum() > both.webhook.unwrap().sum());
    }
}
