//! Shapes of shell scripts, as public charts write them.

use proptest::prelude::*;
use serde_json::json;

use super::kit::{assert_outcomes, assert_outcomes_with, bash, job, outcome, script, with_env};

#[test]
fn the_words_behind_a_script_are_its_name_and_its_arguments() {
    let words = |words: &[&str]| {
        let command: Vec<_> = ["sh", "-c"].iter().chain(words).collect();
        json!({"name": "wait", "image": "busybox", "command": command})
    };
    assert_outcomes([
        (
            words(&["until nc -z $0 $1; do sleep 1; done", "db", "5432"]),
            "tcp://db:5432",
        ),
        (
            words(&["until nc -z $1 $2; do sleep 1; done", "wait", "db", "5432"]),
            "tcp://db:5432",
        ),
        (
            words(&["w() { until nc -z $0 $1; do sleep 1; done; }; w 5432", "db"]),
            "tcp://db:5432",
        ),
    ]);
}

#[test]
fn the_seconds_of_bash_are_a_clock_that_can_be_set() {
    let waits = bash("SECONDS=0; until nc -z db 1; do ((SECONDS > 60)) && exit 1; sleep 1; done");
    assert_eq!(outcome(&job(&[waits]), &[]), "tcp://db:1 within 1m1s");
    let late = bash("SECONDS=50; until nc -z db 1; do ((SECONDS > 60)) && exit 1; sleep 1; done");
    assert_eq!(outcome(&job(&[late]), &[]), "tcp://db:1 within 11s");
}

#[test]
fn a_program_that_xargs_runs_is_more_than_a_filter() {
    assert_outcomes([
        (
            script("echo a b | xargs -n1 -I{} sh -c 'until nc -z {} 1; do sleep 1; done'"),
            "- runs `xargs`",
        ),
        (
            script("curl -f http://db/x | xargs touch"),
            "- runs `xargs`",
        ),
    ]);
}

#[test]
fn a_wait_that_asks_another_than_a_term_would_is_left() {
    let with = |text: &str, variables: &[(&str, &str)]| with_env(bash(text), variables);
    let curl = "until curl -sf http://web/; do sleep 1; done";
    let wget = "until wget -q --spider http://web/; do sleep 1; done";
    assert_outcomes([
        (
            with(
                "kubectl wait --for=condition=complete job/x",
                &[("KUBECONFIG", "/k")],
            ),
            "- asks the cluster that $KUBECONFIG names",
        ),
        (
            bash("KUBECONFIG=/k kubectl wait --for=condition=complete job/x"),
            "- asks the cluster that $KUBECONFIG names",
        ),
        (
            bash("kubectl wait --for=condition=complete job -l app=x -A"),
            "- selects objects by more than",
        ),
        (
            with(curl, &[("http_proxy", "http://p:1")]),
            "- asks through the proxy of $http_proxy",
        ),
        (
            with(wget, &[("http_proxy", "http://p:1")]),
            "- asks through the proxy of $http_proxy",
        ),
        (
            with(
                curl,
                &[("http_proxy", "http://p:1"), ("NO_PROXY", "web,.svc")],
            ),
            "http://web/",
        ),
        (with(curl, &[("HTTP_PROXY", "http://p:1")]), "http://web/"),
    ]);
}

#[test]
fn what_a_script_does_at_its_end_counts() {
    let wait = "until nc -z db 1; do sleep 1; done";
    assert_outcomes([
        (
            bash(&format!("trap 'touch /shared/done' EXIT; {wait}")),
            "- runs `touch`",
        ),
        (
            bash(&format!(
                "trap 'curl -X POST http://localhost:15020/quit' EXIT; {wait}"
            )),
            "- sends data",
        ),
        (
            bash(&format!("trap 'echo bye; exit 1' EXIT INT; {wait}")),
            "tcp://db:1",
        ),
        (
            bash(&format!("trap 'rm -f /shared/x' TERM; {wait}")),
            "tcp://db:1",
        ),
    ]);
}

#[test]
fn a_shell_that_is_not_bash_knows_less() {
    let on = |image: &str, text: &str| {
        let mut container = script(text);
        container["image"] = json!(image);
        container
    };
    let both = "until nc -z db 1 &>/dev/null; do sleep 1; done";
    let connects = "until (echo > /dev/tcp/db/1) 2>/dev/null; do sleep 1; done";
    assert_outcomes([
        (on("postgres:16", both), "- uses `&>`, which the shell"),
        (on("postgres:16-alpine", both), "tcp://db:1"),
        (on("app", both), "tcp://db:1"),
        (on("debian", connects), "- opens /dev/tcp, which the shell"),
        (on("app", connects), "tcp://db:1"),
    ]);
}

#[test]
fn words_are_split_where_ifs_says() {
    assert_outcomes([
        (
            script("IFS=,; for x in $LIST; do until nc -z ${x%:*} ${x#*:}; do sleep 1; done; done"),
            "- uses $LIST",
        ),
        (
            script(
                "L=a:1,b:2; IFS=,; for x in $L; do until nc -z ${x%:*} ${x#*:}; do sleep 1; done; done",
            ),
            "tcp://a:1, tcp://b:2",
        ),
        (
            script(
                "for x in $(echo a,b | tr ',' ' '); do until nc -z $x 1; do sleep 1; done; done",
            ),
            "tcp://a:1, tcp://b:1",
        ),
        (
            script(
                "U=postgres://me:x@db:5432/app; H=$(echo $U | sed -e 's|.*@||' -e 's|/.*||'); until nc -z ${H%:*} ${H#*:}; do sleep 1; done",
            ),
            "tcp://db:5432",
        ),
        (
            script("H=$(echo db:5432 | awk -F: '{print $1}'); until nc -z $H 1; do sleep 1; done"),
            "tcp://db:1",
        ),
    ]);
}

#[test]
fn lists_are_read_line_by_line_and_from_arrays() {
    assert_outcomes([
        (
            script(
                "echo 'a 1\nb 2' | while read -r h p; do until nc -z $h $p; do sleep 1; done; done",
            ),
            "tcp://a:1, tcp://b:2",
        ),
        (
            script(
                "while read -r h p; do until nc -z $h $p; do sleep 1; done; done <<EOF\na 1\nb 2\nEOF",
            ),
            "tcp://a:1, tcp://b:2",
        ),
        (
            bash(
                "l=(a:1 b:2); for s in \"${l[@]}\"; do IFS=: read -r h p <<< \"$s\"; until nc -z $h $p; do sleep 1; done; done",
            ),
            "tcp://a:1, tcp://b:2",
        ),
        (
            bash(
                "for s in ${L//,/ }; do a=(${s//:/ }); until nc -z ${a[0]} ${a[1]}; do sleep 1; done; done",
            ),
            "- uses $L",
        ),
        (
            bash(
                "L=a:1,b:2; for s in ${L//,/ }; do a=(${s//:/ }); until nc -z ${a[0]} ${a[1]}; do sleep 1; done; done",
            ),
            "tcp://a:1, tcp://b:2",
        ),
        (
            bash(
                "l=(a b); for ((i=0; i<${#l[@]}; i++)); do until nc -z ${l[i]} 1; do sleep 1; done; done",
            ),
            "tcp://a:1, tcp://b:1",
        ),
    ]);
}

#[test]
fn a_function_reaches_another_shell_if_it_is_exported() {
    let with = |export: &str| {
        bash(&format!(
            "w() {{ until nc -z $1 1; do sleep 1; done; }}; {export}; timeout 60 bash -c 'w db'"
        ))
    };
    assert_outcomes([
        (with("export -f w"), "tcp://db:1"),
        (with(":"), "- runs `w`"),
    ]);
}

#[test]
fn a_shell_reads_its_script_from_a_here_document() {
    assert_outcomes([
        (
            script("/bin/sh <<'EOF'\nuntil\n  echo wait\n  nc -z db 1\n  do sleep 5\ndone\nEOF\n"),
            "tcp://db:1",
        ),
        (
            script("H=db; sh <<EOF\nuntil nc -z $H 1; do sleep 5; done\nEOF\n"),
            "tcp://db:1",
        ),
        (
            script("H=db; sh <<'EOF'\nuntil nc -z $H 1; do sleep 5; done; touch /x\nEOF\n"),
            "- ",
        ),
    ]);
}

#[test]
fn a_status_is_compared_with_expressions_and_sets() {
    let code = "curl -s -o /dev/null -w '%{http_code}' http://web/x";
    assert_outcomes([
        (
            bash(&format!(
                "until [[ \"$({code})\" =~ ^(2|3)[0-9][0-9]$ ]]; do sleep 1; done"
            )),
            "http://web/x",
        ),
        (
            bash(&format!(
                "until [[ \"$({code})\" =~ ^[1-5] ]]; do sleep 1; done"
            )),
            "tcp://web:80",
        ),
        (
            bash(&format!(
                "until {code} | grep -qE '200|302'; do sleep 1; done"
            )),
            "~http://web/x",
        ),
        (
            script(&format!(
                "while :; do case $({code}) in [23][0-9][0-9]) break;; esac; sleep 1; done"
            )),
            "http://web/x",
        ),
    ]);
}

#[test]
fn what_only_the_kubelet_fills_in_does_not_spoil_a_script() {
    let mut namespace = script("until nc -z db.$(NS).svc 1; do echo in $(NS); sleep 1; done");
    namespace["env"] = json!([
        {"name": "NS", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}},
    ]);
    let mut hidden = script(
        "end=$(($(date +%s) + 60)); until nc -z db 1; do [ $(date +%s) -ge $end ] && exit 1; sleep 1; done",
    );
    hidden["envFrom"] = json!([{"secretRef": {"name": "s"}}]);
    assert_outcomes([(namespace, "tcp://db:1"), (hidden, "tcp://db:1")]);
}

#[test]
fn every_shape_of_loop_is_a_wait() {
    assert_outcomes([
        (
            script("until nc -z db 5432; do sleep 2; done"),
            "tcp://db:5432",
        ),
        (
            script("until nc -z db 5432; do echo waiting; sleep 2; done;"),
            "tcp://db:5432",
        ),
        (
            script("while ! nc -z db 5432; do sleep 1; done; echo ready"),
            "tcp://db:5432",
        ),
        (
            script("until (nc -vz db 5432); do echo \"no\"; sleep 1; done"),
            "tcp://db:5432",
        ),
        (
            script("while true; do nc -z db 5432 && break; sleep 1; done"),
            "tcp://db:5432",
        ),
        (
            script("while :; do if nc -z db 5432; then exit 0; fi; sleep 1; done"),
            "tcp://db:5432",
        ),
        (
            script("while true; do if ! nc -w 2 -z db 5432; then sleep 5; else break; fi; done"),
            "tcp://db:5432",
        ),
        (
            script("ok=1; while [ $ok -ne 0 ]; do nc -z db 5432; ok=$?; sleep 1; done"),
            "tcp://db:5432",
        ),
        (
            script("s=1; while [ $s != 0 ]; do sleep 2; s=`nc db 5432 < /dev/null; echo $?`; done"),
            "tcp://db:5432",
        ),
        (
            script("for i in $(seq 1 60); do nc -z db 5432 && exit 0; sleep 2; done; exit 1"),
            "tcp://db:5432",
        ),
        (
            script(
                "i=0; until nc -z db 5432; do i=$((i+1)); if [ $i -ge 30 ]; then echo no; exit 1; fi; sleep 2; done",
            ),
            "tcp://db:5432",
        ),
        (
            script("w() { until nc -z \"$1\" \"$2\"; do sleep 1; done; }; w db 5432; w mq 5672"),
            "tcp://db:5432, tcp://mq:5672",
        ),
        (
            script(
                "for h in db:5432 mq:5672; do until nc -z ${h%%:*} ${h##*:}; do sleep 1; done; done",
            ),
            "tcp://db:5432, tcp://mq:5672",
        ),
        (
            script("set -e; until nc -z db 5432; do sleep 1; done"),
            "tcp://db:5432",
        ),
        (script("nc -z db 5432"), "tcp://db:5432"),
        (script("nc -z db 5432 || exit 1"), "tcp://db:5432"),
        (
            script("until nc -z a 1 && nc -z b 2; do sleep 1; done"),
            "tcp://a:1, tcp://b:2",
        ),
        (
            script("while ! nc -z a 1 || ! nc -z b 2; do sleep 1; done"),
            "tcp://a:1, tcp://b:2",
        ),
        (
            script("timeout 60 sh -c 'until nc -z db 5432; do sleep 1; done'"),
            "tcp://db:5432",
        ),
        (
            script(
                "end=$(( $(date +%s) + 60 )); until nc -z db 5432; do [ $(date +%s) -gt $end ] && exit 1; sleep 1; done",
            ),
            "tcp://db:5432",
        ),
        (
            script(
                "apk add --no-cache netcat-openbsd >/dev/null && until nc -z db 5432; do sleep 1; done",
            ),
            "tcp://db:5432",
        ),
    ]);
}

#[test]
fn public_charts_write_waits_like_these() {
    let outcomes = [
        (
            "until $(nc -zw1 db 5432); do sleep 1; done",
            "tcp://db:5432",
        ),
        (
            "until $(curl --output /dev/null --silent --head --fail http://web/x); do sleep 5; done",
            "http://web/x",
        ),
        (
            "until [ $(curl -s -o /dev/null -w ''%{http_code}'' http://web/x) -eq 200 ]; do sleep 1; done",
            "~http://web/x",
        ),
        (
            "set -euo pipefail; trap 'exit 1' TERM; until nc -z db 5432; do date; sleep 0.1; done; exit 0",
            "tcp://db:5432",
        ),
        (
            "for i in 1 2 3 4 5; do nc -z db 5432 && exit 0 || sleep 2; done; exit 1",
            "tcp://db:5432",
        ),
        (
            "sleep 10; while true; do nc -z db 5432; if [ $? -eq 0 ]; then break; fi; sleep 1; done",
            "tcp://db:5432",
        ),
        (
            "while ! nc -w 1 db 5432 </dev/null >/dev/null 2>&1; do printf .; sleep 1; done",
            "tcp://db:5432",
        ),
        (
            "until echo -n | nc -w 2 db 5432; do sleep 1; done",
            "tcp://db:5432",
        ),
        (
            "until timeout 1 bash -c 'cat < /dev/null > /dev/tcp/db/5432'; do sleep 1; done",
            "tcp://db:5432",
        ),
        (
            "until printf '' 2>>/dev/null >>/dev/tcp/db/5432; do sleep 1; done",
            "tcp://db:5432",
        ),
        (
            "until curl -sf 'http://es:9200/_cluster/health?wait_for_status=yellow&timeout=5s'; do sleep 1; done",
            "http://es:9200/_cluster/health?wait_for_status=yellow&timeout=5s",
        ),
        (
            "if [ \"${WAIT:-true}\" = true ]; then until nc -z db 1; do sleep 1; done; fi",
            "tcp://db:1",
        ),
        (
            "n=0; until [ $n -ge 10 ]; do nc -z db 1 && break; n=$((n+1)); sleep 1; done; [ $n -lt 10 ]",
            "tcp://db:1",
        ),
        (
            "nc -z db 1 && echo up || { echo down; exit 1; }",
            "tcp://db:1",
        ),
        (
            "case \"${KIND:-tcp}\" in tcp) until nc -z db 1; do sleep 1; done;; *) ./other;; esac",
            "tcp://db:1",
        ),
        (
            "kubectl wait --for=condition=complete job/x --timeout=60s || true",
            "?job:x within 1m",
        ),
        (
            "until kong start; do sleep 1; done; kong stop",
            "- runs `kong`",
        ),
        ("cub zk-ready zk:2181 60", "- runs `cub`"),
        (
            "until echo ruok | nc zk 2181 | grep imok; do sleep 1; done",
            "- compares the content",
        ),
        (
            "until mongosh --host db --eval 'db.runCommand(1)'; do sleep 1; done",
            "- runs a query with `mongosh`",
        ),
        (
            "until mongosh mongodb://me:x@db --eval 'db.runCommand(1)'; do sleep 1; done",
            "- checks with a login",
        ),
    ];
    assert_outcomes(outcomes.map(|(text, outcome)| (bash(text), outcome)));
    assert_outcomes([(
        json!({"name": "w", "image": "curlimages/curl:8", "args": ["sh", "-c", "until curl -f http://web/; do sleep 1; done"]}),
        "http://web/",
    )]);
}

#[test]
fn charts_search_what_kubectl_prints_and_let_things_settle() {
    let outcomes = [
        (
            "until kubectl get job m -o jsonpath='{.status.conditions[?(@.type==\"Complete\")].status}' | grep -q True; do sleep 1; done",
            "job:m=Complete",
        ),
        (
            "until kubectl get pod p -o jsonpath='{.status.phase}' | grep -q Running; do sleep 1; done",
            "pod:p{.status.phase}=Running",
        ),
        (
            "until kubectl get job m -o jsonpath='{.status.succeeded}' | grep 1; do sleep 1; done",
            "~job:m{.status.succeeded}=1",
        ),
        (
            "until nc -z db 5432; do sleep 1; done; sleep 10",
            "~tcp://db:5432",
        ),
        (
            "n=0; while [ $n -lt 3 ]; do if nc -z db 5432; then n=$((n+1)); else n=0; fi; sleep 5; done",
            "~tcp://db:5432",
        ),
    ];
    assert_outcomes(outcomes.map(|(text, outcome)| (bash(text), outcome)));
}

#[test]
fn a_variable_that_only_the_container_knows_matters_only_if_a_check_needs_it() {
    let of_secret = |text: &str| {
        let mut container = script(text);
        let source = json!({"secretKeyRef": {"name": "db", "key": "user"}});
        container["env"] = json!([{"name": "DB_USER", "valueFrom": source}]);
        container
    };
    assert_outcomes([
        (
            of_secret("until pg_isready -h db -U $(DB_USER); do sleep 1; done"),
            "~tcp://db:5432",
        ),
        (
            of_secret("until nc -z $(DB_USER) 5432; do sleep 1; done"),
            "- uses the key user of the Secret db",
        ),
    ]);
}

#[test]
fn bash_has_more_shapes_of_loops() {
    assert_outcomes([
        (
            bash("until (echo > /dev/tcp/db/5432) >/dev/null 2>&1; do sleep 1; done"),
            "tcp://db:5432",
        ),
        (
            bash("while ! timeout 1 bash -c \"</dev/tcp/db/5432\"; do sleep 1; done"),
            "tcp://db:5432",
        ),
        (
            bash("until exec 3<>/dev/tcp/db/5432; do sleep 1; done"),
            "tcp://db:5432",
        ),
        (
            bash(
                "for i in {1..60}; do if [[ $i -eq 60 ]]; then exit 1; fi; nc -z db 5432 && break; sleep 1; done",
            ),
            "tcp://db:5432",
        ),
        (
            bash("for ((i=0; i<60; i++)); do nc -z db 5432 && exit 0; sleep 1; done; exit 1"),
            "tcp://db:5432",
        ),
        (
            bash(
                "count=0; while ! nc -z db 5432 && [[ $count -lt 60 ]]; do ((count++)); sleep 1; done; [[ $count -lt 60 ]]",
            ),
            "tcp://db:5432",
        ),
    ]);
}

#[test]
fn a_script_that_does_more_is_left() {
    assert_outcomes([
        (
            script("until nc -z db 5432; do sleep 1; done; ./migrate up"),
            "- runs `./migrate`",
        ),
        (
            script("until nc -z db 5432; do sleep 1; done; cp -r /app /shared"),
            "- runs `cp`",
        ),
        (
            script("until nc -z db 5432; do touch /tmp/x; sleep 1; done"),
            "- runs `touch`",
        ),
        (script("nc -z db 5432 || createdb x"), "- runs `createdb`"),
        (
            script("until nc -z db 5432; do sleep 1; done; python manage.py migrate"),
            "- runs `python`",
        ),
        (
            script("until kubectl apply -f x.yaml; do sleep 1; done"),
            "- ",
        ),
        (
            script("until curl -X POST http://web/setup; do sleep 1; done"),
            "- sends data with `curl`",
        ),
        (
            script("wget http://web/file.tgz"),
            "- fetches a file with `wget`",
        ),
        (
            script("until nc -z db 5432; do sleep 1; done & wait"),
            "- starts a command in the background",
        ),
        (
            script("until nc -z db 5432; do sleep 1"),
            "- runs a script that cannot be read as shell",
        ),
    ]);
}

#[test]
fn a_wait_that_no_term_expresses_is_left_with_its_reason() {
    assert_outcomes([
        (
            script("while nc -z db 5432; do sleep 1; done"),
            "- waits until something no longer holds",
        ),
        (
            script("until nc -z a 1 || nc -z b 1; do sleep 1; done"),
            "- waits for one of several things",
        ),
        (
            script("until [ -f /shared/ready ]; do sleep 1; done"),
            "- waits for the file /shared/ready",
        ),
        (
            script("until curl -s http://web | grep -q ok; do sleep 1; done"),
            "- compares the content",
        ),
        (
            script("until kubectl get pods -l app=db | grep Running; do sleep 1; done"),
            "- compares the content",
        ),
        (
            script("until psql -h db -c 'select 1'; do sleep 1; done"),
            "- checks with a login (`psql`)",
        ),
        (
            script("until nc -z localhost 5432; do sleep 1; done"),
            "- asks the pod itself (localhost)",
        ),
        (
            script("until ping -c1 db; do sleep 1; done"),
            "- asks with `ping`",
        ),
        (
            script("until nc -zu db 53; do sleep 1; done"),
            "- asks a UDP port",
        ),
        (script("sleep 30"), "- only lets time pass"),
        (script("echo hello"), "- waits for nothing"),
        (script("nc -z db 5432 || true"), "- goes on whether or not"),
        (
            script("until nc -z $DB_HOST 5432; do sleep 1; done"),
            "- uses $DB_HOST, which the manifest does not set",
        ),
        (
            script("until echo > /dev/tcp/db/5432; do sleep 1; done"),
            "- opens /dev/tcp, which the shell of this image",
        ),
    ]);
}

#[test]
fn a_host_comes_from_the_manifest_a_config_map_or_a_default() {
    let map = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"},
        "data": {"DB_HOST": "db", "wait.sh": "#!/bin/sh\nuntil nc -z db 1; do sleep 1; done\n"},
    });
    let body = "until nc -z $DB_HOST ${DB_PORT:-5432}; do sleep 1; done";
    let with = |source: serde_json::Value| {
        let mut container = script(body);
        container["env"] = json!([{"name": "DB_HOST", "valueFrom": source}]);
        container
    };
    let mut all = script(body);
    all["envFrom"] = json!([{"configMapRef": {"name": "c"}}]);
    let mut hidden = script(body);
    hidden["envFrom"] = json!([{"secretRef": {"name": "s"}}]);
    let mut kubelet = script("until nc -z $(DB_HOST) 1; do sleep 1; done");
    kubelet["env"] = json!([{"name": "DB_HOST", "value": "db"}]);
    let mut namespace = script("until nc -z db.$NS.svc.cluster.local 1; do sleep 1; done");
    namespace["env"] = json!([
        {"name": "NS", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}},
    ]);
    assert_outcomes_with(
        [
            (
                with_env(script(body), &[("DB_HOST", "db")]),
                "tcp://db:5432",
            ),
            (
                with_env(script(body), &[("DB_HOST", "db"), ("DB_PORT", "1")]),
                "tcp://db:1",
            ),
            (
                with(json!({"configMapKeyRef": {"name": "c", "key": "DB_HOST"}})),
                "tcp://db:5432",
            ),
            (all, "tcp://db:5432"),
            (kubelet, "tcp://db:1"),
            (namespace, "tcp://db:1"),
            (
                with(json!({"configMapKeyRef": {"name": "other", "key": "DB_HOST"}})),
                "- uses the key DB_HOST of the ConfigMap other, which is not in these files",
            ),
            (
                with(json!({"secretKeyRef": {"name": "s", "key": "h"}})),
                "- uses the key h of the Secret s",
            ),
            (hidden, "- uses $DB_HOST, which may come from the Secret s"),
            (
                script("until nc -z ${H:-db} 1; do sleep 1; done"),
                "tcp://db:1",
            ),
            (
                script(
                    "until nc -z db.$(cat /var/run/secrets/kubernetes.io/serviceaccount/namespace).svc 1; do sleep 1; done",
                ),
                "tcp://db:1",
            ),
        ],
        &[map],
    );
}

#[test]
fn a_script_comes_from_a_config_map() {
    let map = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"},
        "data": {"wait.sh": "#!/bin/sh\nuntil nc -z \"$1\" 1; do sleep 1; done\n"},
    });
    let mut workload = super::kit::deployment(&[json!({
        "name": "wait", "image": "busybox", "command": ["sh", "/scripts/wait.sh", "db"],
        "volumeMounts": [{"name": "scripts", "mountPath": "/scripts"}],
    })]);
    workload["spec"]["template"]["spec"]["volumes"] =
        json!([{"name": "scripts", "configMap": {"name": "c"}}]);
    assert_eq!(outcome(&workload, &[map]), "tcp://db:1");
    assert!(outcome(&workload, &[]).starts_with("- runs the script /scripts/wait.sh"));
}

#[test]
fn a_limit_ends_the_wait_only_where_nothing_restarts() {
    let fails = script("for i in $(seq 1 30); do nc -z db 1 && exit 0; sleep 2; done; exit 1");
    let proceeds = script("for i in $(seq 1 30); do nc -z db 1 && exit 0; sleep 2; done; exit 0");
    let once = script("nc -z db 1");
    let deployed = |container| outcome(&super::kit::deployment(&[container]), &[]);
    let run = |container| outcome(&job(&[container]), &[]);
    assert_eq!(deployed(fails.clone()), "tcp://db:1");
    assert_eq!(run(fails), "tcp://db:1 within 1m");
    assert_eq!(deployed(proceeds.clone()), "?tcp://db:1 within 1m");
    assert_eq!(run(proceeds), "?tcp://db:1 within 1m");
    assert_eq!(deployed(once.clone()), "tcp://db:1");
    assert_eq!(
        run(once),
        "- asks only once, in a pod that is not restarted"
    );
}

#[test]
fn a_dropped_limit_is_reported() {
    let fails = script("for i in $(seq 1 30); do nc -z db 1 && exit 0; sleep 2; done; exit 1");
    let plan = super::kit::plan_of(&super::kit::deployment(&[fails]), &[]);
    let notes = &plan.containers[0].notes;
    assert!(
        notes[0].starts_with("it gives up after 1m, and the kubelet restarts it"),
        "{notes:?}"
    );
}

proptest! {
    /// Whatever a script holds, it ends in an answer: in time, and without a panic.
    #[test]
    fn every_text_has_an_outcome(text in "(until|while|if|nc|[;|&(){}$\"'`<>=! a-z0-9\n]){0,40}") {
        outcome(&super::kit::deployment(&[bash(&text)]), &[]);
    }
}
