//! The sessions of the tokens that were seen: bounded in bytes, the least recently used go first.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use ring::hmac;

use super::{Session, Token};
use crate::language::Timestamp;

/// A token as the cache knows it: a keyed hash of 256 bits.
///
/// The key is made at random in each process, so that nobody can compute tokens that collide, and a
/// dump of the memory does not tell the tokens that were cached.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(super) struct TokenKey([u8; 32]);

/// Makes [`TokenKey`]s.
pub(super) struct TokenHasher(hmac::Key);

impl TokenHasher {
    /// Returns one with a random key.
    pub(super) fn new() -> Self {
        Self(hmac::Key::new(
            hmac::HMAC_SHA256,
            &rand::random::<[u8; 32]>(),
        ))
    }

    pub(super) fn key(&self, token: &Token) -> TokenKey {
        let tag = hmac::sign(&self.0, token.reveal().as_bytes());
        let mut key = [0; 32];
        key.copy_from_slice(tag.as_ref());
        TokenKey(key)
    }
}

/// The sessions of the tokens that were seen.
#[derive(Debug)]
pub(super) struct Cache {
    /// The most bytes of all sessions together.
    budget: usize,
    bytes: usize,
    entries: HashMap<TokenKey, Entry>,
    /// The keys in the order of their last use.
    used: BTreeMap<u64, TokenKey>,
    /// The keys of each pod, by its uid, in the order in which they came.
    of_pods: HashMap<Box<str>, Vec<TokenKey>>,
    uses: u64,
}

#[derive(Debug)]
struct Entry {
    session: Arc<Session>,
    used: u64,
}

impl Cache {
    pub(super) fn new(budget: usize) -> Self {
        Self {
            budget,
            bytes: 0,
            entries: HashMap::new(),
            used: BTreeMap::new(),
            of_pods: HashMap::new(),
            uses: 0,
        }
    }

    /// Returns the session of a token.
    pub(super) fn get(&mut self, key: &TokenKey) -> Option<Arc<Session>> {
        let entry = self.entries.get_mut(key)?;
        self.used.remove(&entry.used);
        self.uses += 1;
        entry.used = self.uses;
        self.used.insert(self.uses, *key);
        Some(Arc::clone(&entry.session))
    }

    /// Keeps a session. Others go if there is no room: first of the same pod, which cannot
    /// push out those of others with many tokens; then those that nobody has used for longest.
    pub(super) fn put(&mut self, key: TokenKey, session: Arc<Session>) {
        self.remove(&key);
        if let Some(pod) = session.pod() {
            let keys = self.of_pods.entry(pod.uid.clone()).or_default();
            keys.push(key);
            let oldest = (keys.len() > MAX_OF_POD).then(|| keys[0]);
            if let Some(oldest) = oldest {
                self.remove(&oldest);
            }
        }
        self.uses += 1;
        self.bytes += cost(&session);
        self.used.insert(self.uses, key);
        let used = self.uses;
        self.entries.insert(key, Entry { session, used });
        while self.bytes > self.budget {
            let Some((_, oldest)) = self.used.first_key_value() else {
                break;
            };
            let oldest = *oldest;
            self.remove(&oldest);
        }
    }

    /// Forgets the sessions of a pod, and ends them.
    pub(super) fn forget_pod(&mut self, uid: &str) {
        for key in self.of_pods.get(uid).cloned().unwrap_or_default() {
            self.remove(&key);
        }
    }

    /// Forgets the session of a token, and ends it.
    pub(super) fn remove(&mut self, key: &TokenKey) {
        let Some(Entry { session, used }) = self.entries.remove(key) else {
            return;
        };
        self.used.remove(&used);
        self.bytes -= cost(&session);
        if let Some(pod) = session.pod()
            && let Some(keys) = self.of_pods.get_mut(&pod.uid)
        {
            keys.retain(|it| it != key);
            if keys.is_empty() {
                self.of_pods.remove(&pod.uid);
            }
        }
        session.end();
    }

    /// Forgets sessions that have expired, of those that nobody has used for longest.
    pub(super) fn sweep(&mut self, now: Timestamp) {
        let is_over = |key: &TokenKey| {
            let entry = self.entries.get(key);
            entry.is_some_and(|entry| entry.session.valid_until(true) <= now)
        };
        let over: Vec<_> = self
            .used
            .values()
            .take_while(|key| is_over(key))
            .copied()
            .collect();
        for key in over {
            self.remove(&key);
        }
    }

    /// Returns how many sessions are kept.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }
}

/// Returns about how much memory a session takes with all that finds it, in bytes.
fn cost(session: &Session) -> usize {
    session.bytes() + INDEXES
}

/// What the maps take for one session, with the room that they keep free, in bytes.
const INDEXES: usize = 384;

/// The most sessions of one pod: the kubelet renews a token long before it expires, and several
/// containers have one.
const MAX_OF_POD: usize = 8;

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use oncue_core::access::{Identity, PodIdentity};

    use super::*;
    use crate::{identity::reviewed::Reviewed, language::Owner};

    fn mk_session(uid: &str) -> Arc<Session> {
        let pod = PodIdentity {
            pod: Owner::pod("shop".parse().unwrap(), "web", uid),
            node: None,
            account: "default".into(),
        };
        mk_session_of(Identity::Pod(pod), 60)
    }

    fn mk_session_of(identity: Identity, expires: u64) -> Arc<Session> {
        let reviewed = Reviewed {
            identity,
            credential: None,
        };
        let times = [0, expires * 1_000].map(Timestamp::from_millis);
        Arc::new(Session::new(reviewed, times.into()))
    }

    fn key(number: u8) -> TokenKey {
        TokenKey([number; 32])
    }

    fn is_ended(session: &Session) -> bool {
        session.ended().now_or_never().is_some()
    }

    /// A cache with room for so many of the sessions above.
    fn mk_cache(sessions: usize) -> Cache {
        Cache::new(sessions * cost(&mk_session("u")))
    }

    #[test]
    fn what_was_used_last_stays_if_there_is_no_room() {
        let mut cache = mk_cache(2);
        for number in [1, 2] {
            cache.put(key(number), mk_session("u"));
        }
        assert!(cache.get(&key(1)).is_some());
        let second = cache.get(&key(2)).unwrap();
        assert!(cache.get(&key(1)).is_some());
        cache.put(key(3), mk_session("u"));
        assert!(cache.get(&key(2)).is_none() && is_ended(&second));
        assert!(cache.get(&key(1)).is_some() && cache.get(&key(3)).is_some());
        assert_eq!((cache.len(), cache.used.len()), (2, 2));
        assert!(cache.bytes <= cache.budget);
    }

    #[test]
    fn a_pod_with_many_tokens_pushes_out_its_own() {
        let mut cache = mk_cache(100);
        cache.put(key(255), mk_session("other"));
        for number in 0..50 {
            cache.put(key(number), mk_session("many"));
        }
        assert_eq!(cache.len(), 1 + MAX_OF_POD);
        assert!(cache.get(&key(255)).is_some());
        assert!(cache.get(&key(49)).is_some() && cache.get(&key(0)).is_none());
    }

    #[test]
    fn the_sessions_of_a_deleted_pod_end() {
        let mut cache = mk_cache(100);
        let (first, second, other) = (mk_session("gone"), mk_session("gone"), mk_session("here"));
        cache.put(key(1), Arc::clone(&first));
        cache.put(key(2), Arc::clone(&second));
        cache.put(key(3), Arc::clone(&other));
        cache.forget_pod("gone");
        cache.forget_pod("unknown");
        assert!(is_ended(&first) && is_ended(&second) && !is_ended(&other));
        assert_eq!(cache.len(), 1);
        cache.remove(&key(3));
        assert_eq!(
            (cache.bytes, cache.of_pods.len(), cache.used.len()),
            (0, 0, 0)
        );
    }

    #[test]
    fn what_has_expired_is_swept_out() {
        let mut cache = mk_cache(100);
        let operator = || Identity::Operator {
            user: "operator".to_owned(),
        };
        cache.put(key(1), mk_session_of(operator(), 10));
        cache.put(key(2), mk_session_of(operator(), 20));
        cache.sweep(Timestamp::from_millis(10_000));
        assert!(cache.get(&key(1)).is_none() && cache.get(&key(2)).is_some());
    }

    #[test]
    fn a_token_is_known_by_a_hash_that_only_this_process_can_make() {
        let token: Token = "a.b.c".parse().unwrap();
        let other: Token = "a.b.d".parse().unwrap();
        let hasher = TokenHasher::new();
        assert_eq!(hasher.key(&token), hasher.key(&token));
        assert_ne!(hasher.key(&token), hasher.key(&other));
        assert_ne!(hasher.key(&token), TokenHasher::new().key(&token));
    }
}
