//! Terms about other namespaces, whose owners say who may read them.

use super::*;
use crate::{
    cross_namespace::{CrossNamespace, Policy},
    language::State,
};

/// As the API server has it: a namespace lives in none.
fn mk_namespace(name: &str, readers: Option<&str>) -> Value {
    let readers = readers.map(|readers| json!({"oncue.dev/readable-from": readers}));
    json!({
        "apiVersion": "v1", "kind": "Namespace",
        "metadata": {"namespace": "", "name": name, "annotations": readers.unwrap_or(json!({}))},
    })
}

fn mk_config_map() -> Value {
    json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"namespace": "other", "name": "settings"},
    })
}

impl Running {
    /// Follows the annotations of the API server's namespaces.
    fn follow_namespaces(&mut self, cross_namespace: CrossNamespace) {
        let policy = Policy::new(cross_namespace, [], &Keys::default());
        let task = NamespacesTask::new(self.api.client(), self.store.clone(), policy);
        let (trigger, shutdown) = Shutdown::new();
        self.tasks.spawn(async move {
            let _trigger = trigger;
            task.run(shutdown).await;
        });
    }

    fn verdict(&self, term: &str) -> Verdict {
        let request = mk_wait(term);
        let asker = (Grace::Over, &request.who.namespace);
        let answer = self.store.judge(&request.conditions, asker).unwrap();
        answer.terms[0].clone()
    }

    fn reason(&self, term: &str) -> String {
        self.verdict(term).reason().unwrap().to_string()
    }
}

#[tokio::test(start_paused = true)]
async fn an_object_of_another_namespace_is_judged_once_its_owner_permits_it() {
    let mut running = Running::start(FakeApi::default()).await;
    running.follow_namespaces(CrossNamespace::Open);
    let term = "configmap:settings@other";
    let pending = running.reason(term);
    assert!(pending.starts_with("is not known yet"), "{pending}");

    running.api.put("configmaps", &mk_config_map());
    running.api.put("namespaces", &mk_namespace("other", None));
    running.settle().await;
    let forbidden = "is forbidden: the namespace other must let shop read it, with the annotation \
                     oncue.dev/readable-from: shop";
    assert_eq!(running.reason(term), forbidden);

    let held = running.store.wait(WaitRequest {
        revision: Some(running.store.revision()),
        ..mk_wait(term)
    });
    let permitted = mk_namespace("other", Some("till, shop"));
    running.api.put("namespaces", &permitted);
    let answer = timeout(Duration::from_secs(30), held).await.unwrap();
    assert_eq!(answer.unwrap().outcome, State::Held);

    running.api.remove("namespaces", &permitted);
    running.settle().await;
    assert_eq!(running.reason(term), forbidden);
}

#[tokio::test(start_paused = true)]
async fn an_annotation_that_was_removed_while_the_watch_was_down_permits_nothing() {
    let mut running = Running::start(FakeApi::default()).await;
    running
        .api
        .put("namespaces", &mk_namespace("other", Some("*")));
    running.follow_namespaces(CrossNamespace::Annotated);
    running.settle().await;
    assert_eq!(running.reason("a@other"), "does not exist");

    running.api.set_down(true);
    let plain = mk_namespace("other", None);
    running.api.remove("namespaces", &plain);
    running.settle().await;
    assert_eq!(running.reason("a@other"), "does not exist");
    running.api.set_down(false);
    running.settle().await;
    let reason = running.reason("a@other");
    assert!(reason.starts_with("is forbidden"), "{reason}");
}

#[tokio::test(start_paused = true)]
async fn without_the_right_to_list_namespaces_the_reason_says_so() {
    let mut running = Running::start(FakeApi::default()).await;
    running.api.forbid(Some("namespaces"));
    running.follow_namespaces(CrossNamespace::Annotated);
    running.settle().await;
    let reason = running.reason("a@other");
    assert!(
        reason.ends_with("grant it list and watch of namespaces"),
        "{reason}"
    );
}
