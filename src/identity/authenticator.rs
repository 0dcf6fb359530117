//! Tells who calls: asks the API server once for each token.

use std::{
    collections::HashMap,
    fmt,
    net::IpAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared, WeakShared},
};
use kube::Client;
use tokio::{
    sync::Semaphore,
    time::{Instant, timeout},
};
use tracing::debug;

use super::{
    AUDIENCE, ManagedPods, Metrics, Session, Token, TokenError,
    cache::{Cache, TokenHasher, TokenKey},
    claims::Claims,
    gone::GonePods,
    metrics::ReviewResult,
    reviewed,
    suspects::Suspects,
};
use crate::{cluster::review_token, config::ObjectRef, language::Timestamp, outage::Outage};

/// Why it is not known who calls.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum AuthError {
    /// Too many tokens of this peer were refused.
    #[error(
        "too many tokens from this address were refused: wait, and send a token of the audience \
         {AUDIENCE}"
    )]
    Suspicious,
    /// The token does not tell.
    #[error(transparent)]
    Token(TokenError),
    /// The API server does not answer, or too many tokens wait for its answer.
    #[error("the API server does not say now whose token this is: try again")]
    Unavailable,
}

/// Tells who calls. Cloning it is cheap.
#[derive(Clone)]
pub struct Authenticator(Arc<Inner>);

struct Inner {
    client: Client,
    /// The user name of the operator's account.
    operator: Option<String>,
    hasher: TokenHasher,
    cache: Mutex<Cache>,
    gone: Mutex<GonePods>,
    flights: Mutex<HashMap<TokenKey, Flight>>,
    next_flight: AtomicU64,
    suspects: Mutex<Suspects>,
    reviews: Semaphore,
    outage: Mutex<Outage>,
    pods: ManagedPods,
    metrics: Metrics,
}

type Answer = Result<Arc<Session>, AuthError>;

/// A review that is under way: whoever has the same token waits for it too.
struct Flight {
    number: u64,
    review: WeakShared<BoxFuture<'static, Answer>>,
}

/// What an authenticator is made of.
#[derive(Debug)]
pub(crate) struct Making {
    /// The memory for sessions, in bytes.
    pub(crate) budget: usize,
    /// The `ServiceAccount` of the operator.
    pub(crate) operator: Option<ObjectRef>,
    /// What the controller knows of pods.
    pub(crate) pods: ManagedPods,
}

impl Authenticator {
    /// Returns one that asks the cluster of `client`.
    pub(crate) fn new(client: Client, making: Making) -> Self {
        let Making {
            budget,
            operator,
            pods,
        } = making;
        let operator =
            operator.map(|it| reviewed::account_user(it.namespace.as_str(), it.name.as_str()));
        Self(Arc::new(Inner {
            client,
            operator,
            hasher: TokenHasher::new(),
            cache: Mutex::new(Cache::new(budget)),
            gone: Mutex::default(),
            flights: Mutex::default(),
            next_flight: AtomicU64::new(0),
            suspects: Mutex::new(Suspects::new()),
            reviews: Semaphore::new(REVIEWS_AT_ONCE),
            outage: Mutex::new(Outage::of("review of tokens")),
            pods,
            metrics: Metrics::default(),
        }))
    }

    /// Returns what is counted.
    pub(crate) fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }

    /// Returns whose token it is that came from `peer`.
    ///
    /// Errors are not kept: the API server may not know a new pod yet, and then it does.
    ///
    /// # Errors
    /// [`AuthError`].
    pub(crate) async fn authenticate(
        &self,
        token: Token,
        (peer, now): (IpAddr, Timestamp),
    ) -> Answer {
        let key = self.0.hasher.key(&token);
        if let Some(session) = self.0.cached(&key, now) {
            return Ok(session);
        }
        let claims = Claims::of(&token).map_err(AuthError::Token)?;
        claims.check(now).map_err(AuthError::Token)?;
        let request = Asked {
            key,
            token,
            expires: claims.expires(),
            peer,
            now,
        };
        self.join(request).await
    }

    /// Returns until when a session is known to be valid.
    pub(crate) fn valid_until(&self, session: &Session) -> Timestamp {
        self.0.valid_until(session)
    }

    /// Ends what the tokens of a pod have opened: it is gone.
    pub(crate) fn forget_pod(&self, uid: &str) {
        // First, so that a review that ends now does not miss it.
        lock(&self.0.gone).add(uid, Instant::now());
        let mut cache = lock(&self.0.cache);
        cache.forget_pod(uid);
        self.0.count(&cache);
    }

    /// Waits for the review of a token that is under way, or begins one.
    fn join(&self, asked: Asked) -> Shared<BoxFuture<'static, Answer>> {
        let key = asked.key;
        let mut flights = lock(&self.0.flights);
        let under_way = flights.get(&key).and_then(|it| it.review.upgrade());
        if let Some(review) = under_way {
            return review;
        }
        let number = self.0.next_flight.fetch_add(1, Ordering::Relaxed);
        let landing = Landing {
            inner: Arc::clone(&self.0),
            key,
            number,
        };
        let review = async move { landing.inner.answer(asked).await };
        let review = review.boxed().shared();
        if let Some(weak) = review.downgrade() {
            let flight = Flight {
                number,
                review: weak,
            };
            flights.insert(key, flight);
        }
        review
    }
}

/// A token that nobody knows yet.
struct Asked {
    key: TokenKey,
    token: Token,
    expires: Timestamp,
    peer: IpAddr,
    now: Timestamp,
}

/// Takes a review out of those that are under way when it ends, or when nobody waits for it any
/// more.
struct Landing {
    inner: Arc<Inner>,
    key: TokenKey,
    number: u64,
}

impl Drop for Landing {
    fn drop(&mut self) {
        let mut flights = lock(&self.inner.flights);
        let flight = flights.get(&self.key);
        // Another one of the same token may have begun.
        if flight.is_some_and(|it| it.number == self.number) {
            flights.remove(&self.key);
        }
    }
}

impl Inner {
    fn cached(&self, key: &TokenKey, now: Timestamp) -> Option<Arc<Session>> {
        let mut cache = lock(&self.cache);
        let session = cache.get(key)?;
        if now < self.valid_until(&session) {
            return Some(session);
        }
        cache.remove(key);
        self.count(&cache);
        None
    }

    fn valid_until(&self, session: &Session) -> Timestamp {
        let is_watched = session.pod().is_some_and(|pod| self.pods.watches(&pod.uid));
        session.valid_until(is_watched)
    }

    /// Asks the API server, unless the peer has sent too many bad tokens or too many reviews are
    /// under way for too long.
    async fn answer(&self, asked: Asked) -> Answer {
        let Asked { peer, now, .. } = asked;
        let permit = timeout(PATIENCE, self.reviews.acquire()).await;
        let Ok(Ok(_permit)) = permit else {
            return Err(AuthError::Unavailable);
        };
        // Only now, so that a burst of valid tokens from one address waits for its turn.
        if !lock(&self.suspects).take(peer, now) {
            return Err(AuthError::Suspicious);
        }
        let answer = self.review(asked).await;
        if !matches!(answer, Err(AuthError::Token(_))) {
            lock(&self.suspects).put_back(peer);
        }
        answer
    }

    async fn review(&self, asked: Asked) -> Answer {
        let Asked {
            key,
            token,
            expires,
            peer: _,
            now,
        } = asked;
        let begin = Instant::now();
        let status = review_token(&self.client, (token.reveal(), AUDIENCE)).await;
        let Some(status) = lock(&self.outage).note(status) else {
            self.metrics.reviewed(ReviewResult::Failed, begin.elapsed());
            return Err(AuthError::Unavailable);
        };
        let reviewed = reviewed::read(status, self.operator.as_deref());
        let result = match &reviewed {
            Ok(_) => ReviewResult::Accepted,
            Err(_) => ReviewResult::Refused,
        };
        self.metrics.reviewed(result, begin.elapsed());
        let reviewed = reviewed.map_err(AuthError::Token)?;
        debug!(identity = %reviewed.identity, "reviewed a token");
        let session = Arc::new(Session::new(reviewed, (now, expires)));
        let mut cache = lock(&self.cache);
        if session.pod().is_some_and(|pod| self.is_gone(&pod.uid)) {
            return Err(AuthError::Token(TokenError::Refused));
        }
        cache.sweep(now);
        cache.put(key, Arc::clone(&session));
        self.count(&cache);
        Ok(session)
    }

    /// Returns whether a pod was deleted a moment ago. The API server may still accept its token.
    fn is_gone(&self, uid: &str) -> bool {
        lock(&self.gone).contains(uid, Instant::now())
    }

    fn count(&self, cache: &Cache) {
        let cached = i64::try_from(cache.len()).unwrap_or(i64::MAX);
        self.metrics.cached.set(cached);
    }
}

/// A panic under one of the locks leaves at most a session too many, which ends by itself.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Authenticator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authenticator")
            .field("operator", &self.0.operator)
            .finish_non_exhaustive()
    }
}

/// The most reviews under way: a burst of pods does not crowd out what else the API server does. One
/// peer may have all of them, because as many of its tokens may be refused.
const REVIEWS_AT_ONCE: usize = 64;

/// How long a token waits for its turn.
const PATIENCE: Duration = Duration::from_secs(3);
