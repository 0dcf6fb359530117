//! Tools whose arguments or environment alone decide.

use serde_json::json;

use super::kit::{
    arguments, assert_outcomes, assert_outcomes_with, bash, command, deployment, job, outcome,
    with_env,
};

#[test]
fn scripts_that_wait_for_a_port_are_known() {
    assert_outcomes([
        (
            command("x", "/wait-for-it.sh db:5432 -t 60"),
            "tcp://db:5432",
        ),
        (
            command("x", "wait-for-it.sh -h db -p 5432 --timeout=0 --strict"),
            "tcp://db:5432",
        ),
        (
            command("x", "wait-for-it.sh db:5432 -- echo up"),
            "?tcp://db:5432 within 15s",
        ),
        (
            command("x", "wait-for-it.sh db:5432 -s -- ./app"),
            "- runs `./app`",
        ),
        (
            command("x", "/app/wait-for db:5432 -t 30 -- echo up"),
            "tcp://db:5432",
        ),
        (
            command("x", "wait-for http://web/health"),
            "http://web/health",
        ),
        (
            arguments("willwill/wait-for-it", "db:5432 -t 0"),
            "tcp://db:5432",
        ),
        (
            arguments("dadarek/wait-for-dependencies", "db:5432 mq:5672"),
            "tcp://db:5432, tcp://mq:5672",
        ),
        (
            command("x", "sh -c wait-for-it.sh"),
            "- is called without a host and a port",
        ),
    ]);
    let limited = command("x", "wait-for-it.sh db:5432 -t 60");
    assert_eq!(outcome(&job(&[limited]), &[]), "tcp://db:5432 within 1m");
}

#[test]
fn dockerize_waits_for_urls() {
    assert_outcomes([
        (
            arguments(
                "jwilder/dockerize:0.6.1",
                "-wait tcp://db:5432 -timeout 60s",
            ),
            "tcp://db:5432",
        ),
        (
            command(
                "x",
                "dockerize -wait=tcp://db:5432 --wait http://web/health -timeout 2m",
            ),
            "tcp://db:5432, http://web/health",
        ),
        (
            command("x", "dockerize -wait tcp://db:5432 sh -c true"),
            "tcp://db:5432",
        ),
        (
            command("x", "dockerize -wait tcp://db:5432 ./app"),
            "- runs `./app`",
        ),
        (
            command("x", "dockerize -template a:b -wait tcp://db:1"),
            "- calls `dockerize` with -template",
        ),
        (
            command("x", "dockerize -wait file:///x"),
            "- waits for file:///x",
        ),
    ]);
    let limited = arguments("dockerize", "-wait tcp://db:1");
    assert_eq!(outcome(&job(&[limited]), &[]), "tcp://db:1 within 10s");
}

#[test]
fn wait4x_waits_for_addresses() {
    assert_outcomes([
        (
            arguments("atkrad/wait4x:2.13", "tcp db:5432 -t 60s"),
            "tcp://db:5432",
        ),
        (
            arguments("wait4x/wait4x", "http http://web/health"),
            "tcp://web:80",
        ),
        (
            arguments("wait4x", "http http://web/health --expect-status-code 200"),
            "~http://web/health",
        ),
        (
            arguments("wait4x", "http http://web --expect-body-regex ok"),
            "- compares the content",
        ),
        (
            arguments("wait4x", "redis redis://mq:6379"),
            "~tcp://mq:6379",
        ),
        (
            arguments("wait4x", "postgresql postgres://me:x@db/x"),
            "- checks with a login",
        ),
        (
            arguments("wait4x", "tcp db:5432 -v"),
            "- waits until something is down",
        ),
        (
            arguments("wait4x", "tcp db:5432 -- ./app"),
            "- runs `./app`",
        ),
    ]);
}

const IMAGE: &str = "ghcr.io/groundnuty/k8s-wait-for:v1.6";

#[test]
fn k8s_wait_for_waits_for_objects() {
    let service = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "db"},
        "spec": {"selector": {"app": "db"}},
    });
    let job = |name: &str, completions: u32| {
        json!({
            "apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name},
            "spec": {"completions": completions},
        })
    };
    let stateful = |replicas: u32| {
        json!({
            "apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "db"},
            "spec": {"replicas": replicas, "template": {"metadata": {"labels": {"app": "db"}}}},
        })
    };
    assert_outcomes_with(
        [
            (arguments(IMAGE, "job migrate"), "job:migrate"),
            (arguments(IMAGE, "job migrate -n data"), "job:migrate@data"),
            (arguments(IMAGE, "job -lapp=x,b=c"), "job:[app=x,b=c]"),
            (arguments(IMAGE, "pod db-0"), "pod:db-0"),
            (arguments(IMAGE, "pod -lapp=db"), "~pod:[app=db]"),
            (arguments(IMAGE, "service db"), "service:db"),
            (arguments(IMAGE, "service other"), "~service:other"),
            (arguments(IMAGE, "job-wr once"), "job:once"),
            (arguments(IMAGE, "job-wr twice"), "~job:twice"),
            (arguments(IMAGE, "job-wr other"), "~job:other"),
            (arguments(IMAGE, "pod-wr db-0"), "pod:db-0"),
            (
                arguments(IMAGE, "job-we migrate"),
                "- accepts a failure too",
            ),
            (
                arguments(IMAGE, "job"),
                "- calls `k8s-wait-for` without a kind and a name",
            ),
        ],
        &[
            service.clone(),
            stateful(1),
            job("once", 1),
            job("twice", 2),
        ],
    );
    let container = arguments(IMAGE, "service db");
    assert_eq!(
        outcome(&deployment(&[container]), &[service, stateful(3)]),
        "~service:db"
    );
}

#[test]
fn kubernetes_entrypoint_reads_its_environment() {
    let container = |version: &str, variables: &[(&str, &str)]| {
        let image = format!("quay.io/airshipit/kubernetes-entrypoint:{version}");
        with_env(command(&image, "kubernetes-entrypoint"), variables)
    };
    let own = ("NAMESPACE", "$(POD_NAMESPACE)");
    assert_outcomes([
        (
            container(
                "v1.0.0",
                &[
                    own,
                    ("DEPENDENCY_SERVICE", "db,data:mq"),
                    ("COMMAND", "echo done"),
                ],
            ),
            "service:db, service:mq@data",
        ),
        (
            container("v1.0.0", &[("DEPENDENCY_SERVICE", "db")]),
            "service:db@default",
        ),
        (
            container("v1.0.0", &[own, ("DEPENDENCY_JOBS", "sync,a:b:c")]),
            "job:sync",
        ),
        (
            container(
                "v1.0.0",
                &[
                    own,
                    ("DEPENDENCY_JOBS", "x"),
                    (
                        "DEPENDENCY_JOBS_JSON",
                        r#"[{"name":"sync","namespace":"n"},{"labels":{"a":"b"}}]"#,
                    ),
                ],
            ),
            "job:sync@n, job:[a=b]",
        ),
        (
            container(
                "v0.2.1",
                &[
                    own,
                    ("DEPENDENCY_JOBS", "x"),
                    ("DEPENDENCY_JOBS_JSON", r#"[{"name":"sync"}]"#),
                ],
            ),
            "job:x",
        ),
        (
            container(
                "v1.0.0",
                &[
                    own,
                    ("POD_NAME", "p"),
                    (
                        "DEPENDENCY_POD_JSON",
                        r#"[{"labels":{"a":"b"},"requireSameNode":true}]"#,
                    ),
                ],
            ),
            "pod:[a=b] on node",
        ),
        // Without POD_NAME, the tool ignores pods and DaemonSets.
        (
            container(
                "v1.0.0",
                &[
                    own,
                    ("DEPENDENCY_SERVICE", "db"),
                    ("DEPENDENCY_DAEMONSET", "cni"),
                ],
            ),
            "service:db",
        ),
        (
            container(
                "v1.0.0",
                &[own, ("POD_NAME", "p"), ("DEPENDENCY_DAEMONSET", "cni")],
            ),
            "~daemonset:cni on node",
        ),
        (
            container("v1.0.0", &[own, ("DEPENDENCY_CONTAINER", "x")]),
            "- waits for a container of its own pod",
        ),
        (
            container(
                "v1.0.0",
                &[own, ("DEPENDENCY_SERVICE", "db"), ("COMMAND", "./app")],
            ),
            "- runs `./app`",
        ),
        (container("v1.0.0", &[own]), "- waits for nothing"),
    ]);
}

#[test]
fn tools_of_the_same_name_are_told_apart() {
    assert_outcomes([
        (
            arguments(
                "powerman/dockerize",
                "-wait http://web/x -wait-http-status-code 200",
            ),
            "~http://web/x",
        ),
        (
            arguments("dockerize", "-wait http://web/x -wait-http-header X:y"),
            "- sends more than a probe does",
        ),
        (
            arguments(
                "ghcr.io/x/wait-for",
                "--host=db:3306 --host mq:5672 --every 1s --verbose",
            ),
            "tcp://db:3306, tcp://mq:5672",
        ),
        (arguments("wait4x", "dns A db.data.svc"), "~service:db@data"),
        (
            arguments("wait4x", "influxdb http://x"),
            "- asks with `wait4x influxdb`",
        ),
    ]);
}

#[test]
fn bitnamis_functions_are_known() {
    assert_outcomes([
        (
            bash(
                ". /opt/bitnami/scripts/liblog.sh; . /opt/bitnami/scripts/libos.sh; info wait; if ! retry_while 'nc -z db 1' 60 5; then error no; exit 1; fi",
            ),
            "tcp://db:1",
        ),
        (
            bash(
                ". /opt/bitnami/scripts/libos.sh\ncheck() { debug_execute nc -z db 1; }\nretry_while check",
            ),
            "tcp://db:1",
        ),
        (
            command("x", "wait-for-port --host=db --timeout=60 5432"),
            "tcp://db:5432",
        ),
        (
            bash(". /opt/bitnami/scripts/libairflow.sh; airflow_wait_for_db_connection"),
            "- reads the script /opt/bitnami/scripts/libairflow.sh",
        ),
    ]);
}
