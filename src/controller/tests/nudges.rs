//! Services that clients probe, and about which the store nudges them.

use super::*;
use crate::language::ServiceReadiness::{self, Ready, Unknown, Unready};

const NUDGE: &str = "?service:redis";

fn mk_service(spec: &Value) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Service",
        "metadata": {"namespace": "shop", "name": "redis", "uid": "s-1"},
        "spec": spec,
    })
}

fn mk_slice(ready: bool) -> Value {
    json!({
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
        "metadata": {
            "namespace": "shop", "name": "redis-x",
            "labels": {"kubernetes.io/service-name": "redis"},
        },
        "endpoints": [{"addresses": ["10.0.0.1"], "conditions": {"ready": ready}}],
    })
}

impl Running {
    /// Waits like a client that only wants to be nudged, until the readiness is the one expected.
    async fn until_nudged(&self, expected: ServiceReadiness) {
        let mut request = mk_wait(NUDGE);
        for _ in 0..100 {
            let held = timeout(Duration::from_secs(30), self.store.wait(request.clone()));
            let answer = match held.await {
                Ok(answer) => answer.unwrap(),
                Err(_) => self
                    .store
                    .judge(&request.conditions, (Grace::Over, &request.who.namespace))
                    .unwrap()
                    .into(),
            };
            assert_eq!(answer.outcome, crate::language::State::Held);
            if answer.nudges == [expected] {
                return;
            }
            request.revision = Some(answer.revision);
        }
        unreachable!("the Service does not become {expected:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_is_nudged_when_its_service_gets_a_ready_endpoint() {
    let running = Running::start(FakeApi::default()).await;
    let selecting = mk_service(&json!({"selector": {"app": "redis"}}));
    running.until_nudged(Unknown).await;
    running.api.put("services", &selecting);
    running.until_nudged(Unready).await;
    running.api.put("endpointslices", &mk_slice(false));
    running.settle().await;
    running.until_nudged(Unready).await;
    running.api.put("endpointslices", &mk_slice(true));
    running.until_nudged(Ready).await;
    running.api.remove("endpointslices", &mk_slice(true));
    running.until_nudged(Unready).await;
    running.api.remove("services", &selecting);
    running.until_nudged(Unknown).await;
}

#[tokio::test(start_paused = true)]
async fn nothing_is_known_of_a_name_outside_of_the_cluster_or_without_the_right() {
    let running = Running::start(FakeApi::default()).await;
    let outside = json!({"type": "ExternalName", "externalName": "redis.example.com"});
    running.api.put("services", &mk_service(&outside));
    running.api.put("endpointslices", &mk_slice(true));
    running.settle().await;
    running.until_nudged(Unknown).await;
    running.api.forbid(Some("endpointslices"));
    running.api.put("services", &mk_service(&json!({})));
    running.until_nudged(Unknown).await;
}
