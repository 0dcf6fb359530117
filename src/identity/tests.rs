//! Tokens are reviewed once, by an API server in memory.

use std::{net::IpAddr, sync::Arc};

use futures_util::{FutureExt, future::join_all};
use prometheus_client::{encoding::text::encode, registry::Registry};
use serde_json::json;
use tokio::task::yield_now;

use super::{
    authenticator::Making,
    fake::{FakeReviews, mk_token},
    *,
};
use crate::{
    language::{Keys, Timestamp},
    life::ObservedPod,
};

struct Kit {
    api: FakeReviews,
    pods: ManagedPods,
    authenticator: Authenticator,
}

impl Kit {
    fn new() -> Self {
        let api = FakeReviews::new();
        let pods = ManagedPods::default();
        let making = Making {
            budget: 1 << 20,
            operator: Some(crate::config::ObjectRef {
                namespace: "oncue-system".parse().unwrap(),
                name: "oncue-operator".parse().unwrap(),
            }),
            pods: pods.clone(),
        };
        Self {
            authenticator: Authenticator::new(api.client(), making),
            api,
            pods,
        }
    }

    async fn ask_from(
        &self,
        peer: &str,
        (token, second): (&str, u64),
    ) -> Result<Arc<Session>, AuthError> {
        let token: Token = token.parse().map_err(AuthError::Token)?;
        let peer: IpAddr = peer.parse().unwrap();
        let now = Timestamp::from_millis(second * 1_000);
        self.authenticator.authenticate(token, (peer, now)).await
    }

    async fn ask(&self, token: &str, second: u64) -> Result<Arc<Session>, AuthError> {
        self.ask_from("10.0.0.1", (token, second)).await
    }

    /// The controller sees a managed pod.
    fn see_pod(&self, name: &str) {
        let pod = json!({"metadata": {"namespace": "shop", "name": name, "uid": format!("uid-of-{name}")}});
        let pod = ObservedPod::read(&pod, &Keys::default()).unwrap();
        self.pods.put(&Arc::new(pod));
    }

    fn metrics(&self) -> String {
        let mut registry = Registry::default();
        self.authenticator.metrics().register(&mut registry);
        let mut text = String::new();
        encode(&mut text, &registry).unwrap();
        text
    }
}

const HOUR: u64 = 3_600;

#[tokio::test]
async fn a_token_of_a_watched_pod_is_reviewed_once_until_it_expires() {
    let kit = Kit::new();
    kit.see_pod("web");
    let token = kit.api.pod_token(("shop", "web"), HOUR);
    for second in [0, 1, 1_800, HOUR - 1] {
        let session = kit.ask(&token, second).await.unwrap();
        assert_eq!(session.identity.to_string(), "pod shop/web");
    }
    assert_eq!(kit.api.asked().len(), 1);
    let expired = kit.ask(&token, HOUR).await.unwrap_err();
    assert_eq!(expired, AuthError::Token(TokenError::Expired));
    assert_eq!(
        kit.api.asked().len(),
        0,
        "the token itself says that it has expired"
    );
}

#[tokio::test]
async fn a_token_is_reviewed_again_if_nobody_would_see_that_its_pod_is_deleted() {
    let kit = Kit::new();
    let token = kit.api.pod_token(("shop", "curl"), HOUR);
    for (second, reviews) in [(0, 1), (299, 0), (300, 1), (301, 0)] {
        kit.ask(&token, second).await.unwrap();
        assert_eq!(kit.api.asked().len(), reviews, "after {second} s");
    }
    kit.api.forget(&token);
    let gone = kit.ask(&token, 700).await.unwrap_err();
    assert_eq!(gone, AuthError::Token(TokenError::Refused));
}

#[tokio::test]
async fn the_session_of_a_deleted_pod_ends_at_once() {
    let kit = Kit::new();
    kit.see_pod("web");
    let token = kit.api.pod_token(("shop", "web"), HOUR);
    let session = kit.ask(&token, 0).await.unwrap();
    assert!(session.ended().now_or_never().is_none());
    kit.authenticator.forget_pod("uid-of-web");
    assert!(session.ended().now_or_never().is_some());
    // The API server still remembers that it has accepted the token.
    let gone = kit.ask(&token, 1).await.unwrap_err();
    assert_eq!(gone, AuthError::Token(TokenError::Refused));
    assert_eq!(kit.api.asked().len(), 2);
    kit.api.forget(&token);
    let gone = kit.ask(&token, 70).await.unwrap_err();
    assert_eq!(gone, AuthError::Token(TokenError::Refused));
}

#[tokio::test]
async fn many_requests_with_one_token_cause_one_review() {
    let kit = Kit::new();
    let token = kit.api.pod_token(("shop", "web"), HOUR);
    kit.api.hold();
    let all = join_all((0..1_000).map(|_| kit.ask(&token, 0)));
    let release = async {
        yield_now().await;
        kit.api.release(1);
    };
    let (answers, ()) = tokio::join!(all, release);
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(kit.api.asked().len(), 1);
}

#[tokio::test]
async fn a_review_goes_on_if_the_first_that_asked_for_it_is_gone() {
    let kit = Kit::new();
    let token = kit.api.pod_token(("shop", "web"), HOUR);
    kit.api.hold();
    let first = kit.ask(&token, 0);
    let second = kit.ask(&token, 0);
    let mut first = Box::pin(first);
    let mut second = Box::pin(second);
    assert!(first.as_mut().now_or_never().is_none());
    assert!(second.as_mut().now_or_never().is_none());
    drop(first);
    kit.api.release(1);
    second.await.unwrap();
    assert_eq!(kit.api.asked().len(), 1);
}

#[tokio::test]
async fn a_review_for_which_nobody_waits_any_more_leaves_nothing_behind() {
    let kit = Kit::new();
    let token = kit.api.pod_token(("shop", "web"), HOUR);
    kit.api.hold();
    tokio::select! {
        answer = kit.ask(&token, 0) => panic!("{answer:?}"),
        () = kit.api.until_asked(1) => {}
    }
    kit.api.release(1);
    let again = kit.ask(&token, 0);
    // The one that is gone may have taken an answer with it.
    kit.api.release(1);
    again.await.unwrap();
    assert_eq!(kit.api.asked().len(), 2);
}

#[tokio::test]
async fn errors_and_refusals_are_not_kept() {
    let kit = Kit::new();
    let token = kit.api.pod_token(("shop", "web"), HOUR);
    kit.api.set_down(true);
    assert_eq!(
        kit.ask(&token, 0).await.unwrap_err(),
        AuthError::Unavailable
    );
    kit.api.set_down(false);
    kit.ask(&token, 0).await.unwrap();

    let unknown = mk_token(r#"{"aud":"oncue","exp":3600}"#);
    for _ in 0..2 {
        let refused = kit.ask(&unknown, 0).await.unwrap_err();
        assert_eq!(refused, AuthError::Token(TokenError::Refused));
    }
    assert_eq!(kit.api.asked().len(), 4);
}

#[tokio::test]
async fn a_cached_token_is_good_while_the_api_server_is_away() {
    let kit = Kit::new();
    kit.see_pod("web");
    let token = kit.api.pod_token(("shop", "web"), HOUR);
    kit.ask(&token, 0).await.unwrap();
    kit.api.set_down(true);
    kit.ask(&token, HOUR - 1).await.unwrap();
}

#[tokio::test]
async fn forged_tokens_do_not_flood_the_api_server() {
    let kit = Kit::new();
    let forged = |number: usize| mk_token(&format!(r#"{{"aud":"oncue","exp":3600,"n":{number}}}"#));
    for number in 0..1_000 {
        kit.ask(&forged(number), 1_000).await.unwrap_err();
    }
    assert_eq!(kit.api.asked().len(), 64);
    let error = kit.ask(&forged(0), 1_000).await.unwrap_err();
    assert_eq!(error, AuthError::Suspicious);
    // Others are reviewed, and what is known stays known.
    let token = kit.api.pod_token(("shop", "web"), HOUR);
    kit.ask_from("10.0.0.2", (&token, 1_000)).await.unwrap();
    kit.ask(&token, 1_000).await.unwrap();
}

#[tokio::test]
async fn a_burst_of_valid_tokens_from_one_address_is_reviewed() {
    let kit = Kit::new();
    let token = |i| kit.api.pod_token(("shop", &format!("p{i}")), HOUR);
    let tokens: Vec<_> = (0..1_000).map(token).collect();
    kit.api.hold();
    let all = join_all(tokens.iter().map(|token| kit.ask(token, 0)));
    let release = async {
        kit.api.until_asked(64).await;
        kit.api.release(tokens.len());
    };
    let (answers, ()) = tokio::join!(all, release);
    assert!(answers.iter().all(Result::is_ok));
}

#[tokio::test]
async fn what_cannot_be_valid_costs_no_review() {
    let kit = Kit::new();
    for (token, error) in [
        ("a.b", TokenError::NotJwt),
        ("a.b.c", TokenError::NotJwt),
        (&mk_token(r#"{"aud":"oncue","exp":1}"#), TokenError::Expired),
        (
            &mk_token(r#"{"aud":"api","exp":3600}"#),
            TokenError::OtherAudience,
        ),
    ] {
        assert_eq!(
            kit.ask(token, 2).await.unwrap_err(),
            AuthError::Token(error)
        );
    }
    assert_eq!(kit.api.asked().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn few_reviews_are_under_way_at_once_and_nobody_waits_for_ever() {
    let kit = Kit::new();
    kit.api.hold();
    let tokens: Vec<_> = (0..100)
        .map(|i| kit.api.pod_token(("shop", &format!("p{i}")), HOUR))
        .collect();
    let peers: Vec<_> = (0..100).map(|i| format!("10.0.{i}.1")).collect();
    let asked = tokens
        .iter()
        .zip(&peers)
        .map(|(token, peer)| kit.ask_from(peer, (token, 0)));
    let look = async {
        kit.api.until_asked(64).await;
        for _ in 0..1_000 {
            yield_now().await;
        }
        kit.api.asked().len()
    };
    let (answers, under_way) = tokio::join!(join_all(asked), look);
    assert_eq!(under_way, 64);
    assert!(
        answers
            .iter()
            .all(|answer| matches!(answer, Err(AuthError::Unavailable)))
    );
}

#[tokio::test]
async fn reviews_are_counted() {
    let kit = Kit::new();
    let token = kit.api.pod_token(("shop", "web"), HOUR);
    kit.ask(&token, 0).await.unwrap();
    kit.ask(&token, 0).await.unwrap();
    kit.ask(&mk_token(r#"{"aud":"oncue","exp":3600}"#), 0)
        .await
        .unwrap_err();
    let metrics = kit.metrics();
    for line in [
        r#"identity_reviews_total{result="accepted"} 1"#,
        r#"identity_reviews_total{result="refused"} 1"#,
        r#"identity_reviews_total{result="failed"} 0"#,
        "identity_review_duration_seconds_count 2",
        "identity_cached_tokens 1",
    ] {
        assert!(metrics.lines().any(|it| it == line), "{line}: {metrics}");
    }
}

#[tokio::test]
async fn the_operator_is_known_by_its_account() {
    let kit = Kit::new();
    let operator = kit.api.account_token("oncue-operator", HOUR);
    let session = kit.ask(&operator, 0).await.unwrap();
    let user = "operator system:serviceaccount:oncue-system:oncue-operator";
    assert_eq!(session.identity.to_string(), user);
    assert_eq!(session.credential.as_deref(), Some("JTI=7"));
    let other = kit.api.account_token("default", HOUR);
    let session = kit.ask(&other, 0).await.unwrap();
    let user = "account system:serviceaccount:oncue-system:default";
    assert_eq!(session.identity.to_string(), user);
}
