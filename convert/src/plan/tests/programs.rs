//! What each program asks.

use serde_json::json;

use super::kit::{assert_outcomes, assert_outcomes_with, bash, script};

/// Returns a container that waits for a command to succeed, on an image that is not busybox.
fn until(command: &str) -> serde_json::Value {
    bash(&format!("until {command}; do sleep 1; done"))
}

#[test]
fn an_http_request_is_a_probe() {
    assert_outcomes([
        (
            until("curl -f http://web:8080/health"),
            "http://web:8080/health",
        ),
        (
            until("curl -fsS -o /dev/null http://web/health"),
            "http://web/health",
        ),
        (
            until("curl --fail --silent --max-time 5 web:8080"),
            "http://web:8080/",
        ),
        (
            until("curl -s http://web:8080/health > /dev/null"),
            "tcp://web:8080",
        ),
        (until("curl -k -I https://web:8443"), "tcp://web:8443"),
        (until("curl -kf https://web/health"), "https://web/health"),
        (until("curl -f https://web/health"), "~https://web/health"),
        (until("curl -f http://db:5432"), "tcp://db:5432"),
        (until("curl -fu me:x http://web"), "- checks with a login"),
        (
            until("curl -f -H 'Authorization: x' http://web"),
            "- checks with a login",
        ),
        (
            until("curl -f http://me:x@web"),
            "- asks with a login in the URL",
        ),
        (
            until("wget -q --spider http://web/health"),
            "http://web/health",
        ),
        (
            until("wget -qO- http://web/health > /dev/null 2>&1"),
            "http://web/health",
        ),
        (until("wget --spider https://web"), "~https://web/"),
        (
            until("wget --no-check-certificate --spider https://web"),
            "https://web/",
        ),
        (
            script("until wget -T 5 -O /dev/null https://web; do sleep 1; done"),
            "https://web/",
        ),
        (
            until("wget -S --spider http://web 2>&1 | grep '200 OK'"),
            "- compares the content",
        ),
        (
            bash("while curl -s http://db:1; [ $? -eq 7 ]; do sleep 1; done"),
            "tcp://db:1",
        ),
        (
            bash("curl --retry 60 --retry-connrefused --retry-delay 5 -f http://web"),
            "http://web/",
        ),
    ]);
}

#[test]
fn a_status_that_a_script_compares_makes_a_term() {
    let code = "curl -s -o /dev/null -w '%{http_code}' http://web/x";
    let compare = |test: &str| {
        bash(&format!(
            "while [[ \"$({code})\" {test} ]]; do sleep 1; done"
        ))
    };
    assert_outcomes([
        (compare("!= 200"), "~http://web/x"),
        (compare("== 000"), "tcp://web:80"),
        (compare("-ge 400"), "- "),
        (compare("!= 401"), "- waits for statuses"),
        (
            bash(&format!(
                "c=0; while [[ $c != 200 && $c != 301 ]]; do c=$({code}); sleep 1; done"
            )),
            "~http://web/x",
        ),
    ]);
}

#[test]
fn a_client_of_a_database_is_approximate() {
    assert_outcomes([
        (until("pg_isready -h db -p 5432 -U me"), "~tcp://db:5432"),
        (until("pg_isready --host=db"), "~tcp://db:5432"),
        (until("PGHOST=db pg_isready"), "~tcp://db:5432"),
        (until("pg_isready"), "- asks the pod itself"),
        (
            until("pg_isready -d postgres://me:x@db:5433/app?sslmode=disable"),
            "~tcp://db:5433",
        ),
        (
            until("pg_isready -d 'host=db dbname=app'"),
            "~tcp://db:5432",
        ),
        (until("pg_isready -h$DB_HOST"), "- uses $DB_HOST"),
        (until("mysqladmin -h\"$DB_HOST\" ping"), "- uses $DB_HOST"),
        (
            until("mysqladmin ping -h db -u root -psecret --silent"),
            "~tcp://db:3306",
        ),
        (until("redis-cli -h mq ping"), "~tcp://mq:6379"),
        (
            until("redis-cli -h mq ping | grep -q PONG"),
            "~tcp://mq:6379",
        ),
        (
            until("[ \"$(redis-cli -h mq ping)\" = PONG ]"),
            "~tcp://mq:6379",
        ),
        (
            until("redis-cli -h mq -a x ping | grep PONG"),
            "- checks with a login",
        ),
    ]);
}

#[test]
fn a_name_is_that_of_a_service() {
    let service = |name: &str, spec: serde_json::Value| json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec});
    let others = [
        service("plain", json!({})),
        service("headless", json!({"clusterIP": "None"})),
        service(
            "published",
            json!({"clusterIP": "None", "publishNotReadyAddresses": true}),
        ),
    ];
    assert_outcomes_with(
        [
            (until("nslookup plain"), "service:plain{.metadata.name}"),
            (until("getent hosts headless"), "service:headless"),
            (until("nslookup published"), "~service:published"),
            (until("nslookup elsewhere"), "~service:elsewhere"),
            (
                until("getent hosts elsewhere.data.svc"),
                "~service:elsewhere@data",
            ),
            (
                until("nslookup elsewhere.data.svc.cluster.local"),
                "~service:elsewhere@data",
            ),
            (until("nslookup db-0.headless"), "~pod:db-0"),
            (
                until("nslookup db.example.com"),
                "- resolves db.example.com, a name outside",
            ),
            (
                until("nslookup -type=srv plain"),
                "- asks for a certain record",
            ),
            (
                until("nslookup plain | grep Address"),
                "- compares the content",
            ),
        ],
        &others,
    );
}

#[test]
fn kubectl_asks_for_objects() {
    assert_outcomes([
        (
            until("kubectl get job migrate"),
            "job:migrate{.metadata.name}",
        ),
        (
            until("kubectl get secret tls -n other"),
            "- asks for secret:tls@other",
        ),
        (until("kubectl get configmap c"), "configmap:c"),
        (
            until("kubectl get certificates.cert-manager.io/web"),
            "certificates.cert-manager.io:web",
        ),
        (
            until("[ \"$(kubectl get job m -o jsonpath='{.status.succeeded}')\" = 1 ]"),
            "job:m{.status.succeeded}=1",
        ),
        (
            until("[ \"$(kubectl get pvc c -o jsonpath={.status.phase})\" == \"Bound\" ]"),
            "persistentvolumeclaim:c{.status.phase}=Bound",
        ),
        (
            bash(
                "while [[ $(kubectl get sts db -o jsonpath='{.status.readyReplicas}') -lt 3 ]]; do sleep 1; done",
            ),
            "statefulset:db{.status.readyReplicas}>=3",
        ),
        (
            bash(
                "while [ -z \"$(kubectl get endpoints db -o jsonpath='{.subsets[*].addresses[*].ip}')\" ]; do sleep 1; done",
            ),
            "service:db",
        ),
        (
            bash(
                "until [[ \"x$(kubectl get job m -o 'jsonpath={.status.conditions[?(@.type==\"Complete\")].status}')\" = xTrue ]]; do sleep 1; done",
            ),
            "job:m=Complete",
        ),
        (
            bash("kubectl wait --for=condition=complete job/migrate --timeout=600s"),
            "job:migrate",
        ),
        (
            bash("kubectl wait --for condition=Ready pod/db-0 -n data"),
            "pod:db-0@data",
        ),
        (
            bash("kubectl wait --for=condition=available deployment web"),
            "deployment:web=Available",
        ),
        (
            bash("kubectl wait --for=condition=ready pod -l app=db"),
            "~pod:[app=db]",
        ),
        (
            bash("kubectl wait --for=condition=complete job -l app=db"),
            "job:[app=db]",
        ),
        (
            bash("kubectl wait --for=delete pod/old"),
            "- waits for \"delete\"",
        ),
        (
            bash("kubectl wait --for=jsonpath='{.status.phase}'=Running pod/x"),
            "pod:x{.status.phase}=Running",
        ),
        (
            bash("kubectl rollout status deployment/web --timeout=5m"),
            "deployment:web",
        ),
        (
            bash("kubectl rollout status sts db -n data"),
            "statefulset:db@data",
        ),
        (
            bash(
                "while [[ $(kubectl get pods -l app=db -o 'jsonpath={..status.conditions[?(@.type==\"Ready\")].status}') != True ]]; do sleep 1; done",
            ),
            "~pod:[app=db]",
        ),
        (
            bash(
                "while [[ $(kubectl get deploy web -o 'jsonpath={..status.conditions[?(@.type==\"Available\")].status}') != True ]]; do sleep 1; done",
            ),
            "deployment:web=Available",
        ),
        (
            json!({"name": "w", "image": "x/kubectl", "args": ["/bin/sh", "-c", "kubectl wait --for=condition=complete job/x"]}),
            "job:x",
        ),
        (
            bash("kubectl delete job migrate"),
            "- runs `kubectl delete`",
        ),
    ]);
}
