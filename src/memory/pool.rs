//! A budget at run time.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::language::Namespace;

use super::{Budget, ByteSize};
use crate::fairness::is_fair;

/// Bytes of which each part takes as much as it keeps; cloning it gives another handle.
#[derive(Clone, Debug)]
pub struct Pool {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    /// What the bytes are for, as the subject of a sentence in the plural.
    name: &'static str,
    budget: Budget,
    sharing: Sharing,
    used: Mutex<Used>,
}

/// How much of a budget one namespace may take.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Sharing {
    /// Its fair share of what is left: for bytes that are given back soon.
    Fair,
    /// What the budget says.
    Fixed,
}

#[derive(Debug, Default)]
struct Used {
    total: usize,
    namespaces: HashMap<Namespace, usize>,
}

/// More bytes were asked for than are left.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{name}{} take {limit}, the limit", .namespace.as_ref().map(|it| format!(" in namespace {it}")).unwrap_or_default())]
pub struct Exhausted {
    /// What takes the bytes.
    pub name: &'static str,
    /// The namespace whose limit is reached; none if it is the limit of all together.
    pub namespace: Option<Namespace>,
    /// The limit.
    pub limit: ByteSize,
}

impl Pool {
    /// Returns a pool that namespaces share; `name` is what the bytes are for, in the plural.
    pub fn new(name: &'static str, budget: Budget) -> Self {
        Self::shared(name, budget, Sharing::Fixed)
    }

    /// Returns a pool of which each namespace may take its fair share; `name` is what the bytes are
    /// for, in the plural.
    pub fn fair(name: &'static str, total: usize) -> Self {
        let budget = Budget {
            total,
            per_namespace: total,
        };
        Self::shared(name, budget, Sharing::Fair)
    }

    fn shared(name: &'static str, budget: Budget, sharing: Sharing) -> Self {
        Self {
            inner: Arc::new(Inner {
                name,
                budget,
                sharing,
                used: Mutex::default(),
            }),
        }
    }

    /// Returns a pool that knows no namespaces.
    pub fn of_bytes(name: &'static str, total: usize) -> Self {
        let budget = Budget {
            total,
            per_namespace: total,
        };
        Self::new(name, budget)
    }

    /// Returns a share of nothing yet that belongs to no namespace.
    pub fn share(&self) -> Share {
        self.share_of(None)
    }

    /// Returns a share of nothing yet of this namespace.
    pub fn share_in(&self, namespace: &Namespace) -> Share {
        self.share_of(Some(namespace.clone()))
    }

    fn share_of(&self, namespace: Option<Namespace>) -> Share {
        Share {
            pool: self.clone(),
            namespace,
            bytes: 0,
        }
    }

    /// Returns how many bytes are taken.
    pub fn used(&self) -> usize {
        self.inner.lock().total
    }
}

impl Inner {
    /// A panic under the lock leaves nothing half done: both numbers are set in one step.
    fn lock(&self) -> MutexGuard<'_, Used> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, namespace: Option<&Namespace>, bytes: usize) -> Result<(), Exhausted> {
        let mut used = self.lock();
        let Budget {
            total,
            per_namespace,
        } = self.budget;
        if total - used.total < bytes {
            return Err(self.exhausted(None, total));
        }
        if let Some(namespace) = namespace {
            let own = used.namespaces.get(namespace).copied().unwrap_or(0);
            if per_namespace - own < bytes {
                return Err(self.exhausted(Some(namespace), per_namespace));
            }
            let left = total - used.total - bytes;
            if self.sharing == Sharing::Fair && !is_fair(own, bytes, left) {
                return Err(self.exhausted(Some(namespace), own));
            }
            if own + bytes > 0 {
                used.namespaces.insert(namespace.clone(), own + bytes);
            }
        }
        used.total += bytes;
        Ok(())
    }

    fn give_back(&self, namespace: Option<&Namespace>, bytes: usize) {
        let mut used = self.lock();
        used.total -= bytes;
        let Some(namespace) = namespace else { return };
        if let Some(own) = used.namespaces.get_mut(namespace) {
            *own -= bytes;
            if *own == 0 {
                used.namespaces.remove(namespace);
            }
        }
    }

    fn exhausted(&self, namespace: Option<&Namespace>, limit: usize) -> Exhausted {
        Exhausted {
            name: self.name,
            namespace: namespace.cloned(),
            limit: ByteSize(limit),
        }
    }
}

/// A part of a pool; dropping it gives it back.
#[derive(Debug)]
pub struct Share {
    pool: Pool,
    namespace: Option<Namespace>,
    bytes: usize,
}

impl Share {
    /// Takes `bytes` more, or nothing if they are not left.
    ///
    /// # Errors
    /// [`Exhausted`].
    pub fn grow(&mut self, bytes: usize) -> Result<(), Exhausted> {
        self.pool.inner.take(self.namespace.as_ref(), bytes)?;
        self.bytes += bytes;
        Ok(())
    }

    /// Gives back what is above `bytes`.
    pub fn shrink_to(&mut self, bytes: usize) {
        let surplus = self.bytes.saturating_sub(bytes);
        self.pool.inner.give_back(self.namespace.as_ref(), surplus);
        self.bytes -= surplus;
    }

    /// Returns how many bytes this share has taken.
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.shrink_to(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: usize = 1 << 20;

    fn mk_pool() -> Pool {
        let budget = Budget {
            total: 24 * MIB,
            per_namespace: 16 * MIB,
        };
        Pool::new("variables", budget)
    }

    fn namespace(name: &str) -> Namespace {
        name.parse().unwrap()
    }

    #[test]
    fn gives_no_more_than_there_is_and_takes_it_back() {
        let pool = mk_pool();
        let (mut large, mut other) = (pool.share(), pool.share());
        large.grow(20 * MIB).unwrap();
        let error = other.grow(5 * MIB).unwrap_err();
        assert_eq!(error.to_string(), "variables take 24 MiB, the limit");
        large.shrink_to(19 * MIB);
        other.grow(5 * MIB).unwrap();
        drop((large, other));
        assert_eq!(pool.used(), 0);
    }

    #[test]
    fn a_fair_pool_always_has_room_for_another_namespace() {
        let pool = Pool::fair("request bodies", 9 * MIB);
        let mut own = pool.share_in(&namespace("shop"));
        own.grow(4 * MIB).unwrap();
        own.grow(4 * MIB).unwrap();
        let error = own.grow(MIB / 2).unwrap_err();
        assert_eq!(
            error.to_string(),
            "request bodies in namespace shop take 8 MiB, the limit"
        );
        pool.share_in(&namespace("other")).grow(MIB).unwrap();
    }

    #[test]
    fn one_namespace_leaves_room_for_the_others() {
        let pool = mk_pool();
        let mut shares = [
            pool.share_in(&namespace("shop")),
            pool.share_in(&namespace("shop")),
        ];
        shares[0].grow(10 * MIB).unwrap();
        let error = shares[1].grow(7 * MIB).unwrap_err();
        assert_eq!(
            error.to_string(),
            "variables in namespace shop take 16 MiB, the limit"
        );
        pool.share_in(&namespace("other")).grow(7 * MIB).unwrap();
        drop(shares);
        assert!(pool.inner.lock().namespaces.is_empty());
    }
}
