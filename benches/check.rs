//! How long `oncue check` takes for a rendered chart, from the start of the process to its end.
//!
//! `cargo bench --bench check`. The figures have no limits.

use std::{
    fmt::Write as _,
    io::Write as _,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

const ROUNDS: usize = 50;

fn main() {
    println!(
        "{:<12} {:>9} {:>9} {:>9}",
        "workloads", "bytes", "p50 ms", "p99 ms"
    );
    for workloads in [1, 60, 600] {
        let chart = chart(workloads);
        let mut times: Vec<_> = (0..ROUNDS).map(|_| check(&chart)).collect();
        times.sort();
        let millis = |percent: usize| times[ROUNDS * percent / 100].as_secs_f64() * 1e3;
        let (bytes, half, most) = (chart.len(), millis(50), millis(99));
        println!("{workloads:<12} {bytes:>9} {half:>9.1} {most:>9.1}");
    }
}

/// Checks a chart in a process of its own.
fn check(chart: &str) -> Duration {
    let start = Instant::now();
    let mut process = Command::new(env!("CARGO_BIN_EXE_oncue"))
        .args(["check", "-f", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("the build has made this program");
    let mut input = process.stdin.take().expect("it is piped");
    input
        .write_all(chart.as_bytes())
        .expect("the command reads its input");
    drop(input);
    let ended = process.wait().expect("it is a child of this process");
    let took = start.elapsed();
    assert!(ended.success(), "the chart has no errors");
    took
}

/// Returns a chart as `helm template` prints it, with this many workloads.
fn chart(workloads: usize) -> String {
    let mut chart = String::new();
    for number in 0..workloads {
        let before = number.checked_sub(1);
        let waits = before.map_or_else(
            || "tcp://postgres.example.com:5432".to_owned(),
            |before| format!("shop-{before}/up, tcp://shop-{before}:8080 within 5m"),
        );
        // Writing to a String cannot fail.
        let _ = write!(chart, "{}", workload(number, &waits));
    }
    chart
}

fn workload(number: usize, waits: &str) -> String {
    let name = format!("shop-{number}");
    let labels = |indent: &str| {
        let label = |key: &str, value: &str| format!("{indent}app.kubernetes.io/{key}: {value}\n");
        label("name", &name)
            + &label("instance", "release")
            + &label("version", "\"1.2.3\"")
            + &label("managed-by", "Helm")
    };
    let env = (0..20)
        .map(|variable| {
            format!(
                "        - name: SETTING_{variable}\n          value: \"https://shop-{variable}.example.com\"\n"
            )
        })
        .collect::<Vec<_>>()
        .concat();
    format!(
        "---
# Source: shop/templates/{name}.yaml
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {name}
  labels:
{own}---
# Source: shop/templates/{name}.yaml
apiVersion: v1
kind: ConfigMap
metadata:
  name: {name}
  labels:
{own}data:
  config.yaml: |
    listen: 0.0.0.0:8080
    log:
      level: info
---
# Source: shop/templates/{name}.yaml
apiVersion: v1
kind: Service
metadata:
  name: {name}
  labels:
{own}spec:
  selector:
    app.kubernetes.io/name: {name}
  ports:
  - name: http
    port: 8080
    targetPort: http
---
# Source: shop/templates/{name}.yaml
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {name}
  labels:
{own}spec:
  replicas: 2
  selector:
    matchLabels:
      app.kubernetes.io/name: {name}
  template:
    metadata:
      labels:
{of_pods}      annotations:
        depends-on: {waits}
        signals: {name}/up
    spec:
      serviceAccountName: {name}
      containers:
      - name: main
        image: registry.example.com/{name}:1.2.3
        ports:
        - name: http
          containerPort: 8080
        env:
{env}        readinessProbe:
          httpGet:
            path: /healthz
            port: http
        resources:
          requests:
            cpu: 100m
            memory: 128Mi
        volumeMounts:
        - name: config
          mountPath: /etc/shop
      volumes:
      - name: config
        configMap:
          name: {name}
",
        own = labels("    "),
        of_pods = labels("        "),
    )
}
