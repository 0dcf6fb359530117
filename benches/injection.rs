//! The cost of admission: decodes an `AdmissionReview`, injects its pod, and encodes the answer.
//!
//! `cargo bench --bench injection`. The figures have no limits.

use std::{
    alloc::System,
    hint::black_box,
    time::{Duration, Instant},
};

use oncue::{
    injection::{Image, Settings, StoreAddress},
    webhook::answer,
};
use serde_json::{Value, json};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() {
    println!(
        "{:<22} {:>9} {:>9} {:>9} {:>7} {:>9}",
        "review", "bytes", "p50 us", "p99 us", "allocs", "alloc B"
    );
    let settings = settings();
    for (name, review, rounds) in [
        ("typical", typical(20), 20_000),
        ("typical, 80 variables", typical(80), 10_000),
        ("typical, 320 variables", typical(320), 5000),
        ("2,000 variables", typical(2000), 2000),
        ("48 KiB of text", with_text(48 << 10), 2000),
        ("192 KiB of text", with_text(192 << 10), 1000),
        ("768 KiB of text", with_text(768 << 10), 300),
        ("3 MiB of text", with_text(3 << 20), 100),
        ("3 MiB of variables", typical(44_000), 100),
    ] {
        report(name, &review, rounds, &settings);
    }
}

fn report(name: &str, review: &[u8], rounds: usize, settings: &Settings) {
    let patched = answer(review, settings).patch_bytes;
    assert!(patched > 0, "{name}: the pod was not injected");
    for _ in 0..rounds / 10 {
        black_box(answer(black_box(review), settings));
    }
    let region = Region::new(ALLOCATOR);
    black_box(answer(black_box(review), settings));
    let allocated = region.change();
    let mut times: Vec<Duration> = (0..rounds)
        .map(|_| {
            let start = Instant::now();
            black_box(answer(black_box(review), settings));
            start.elapsed()
        })
        .collect();
    times.sort();
    let micros = |percent: usize| times[rounds * percent / 100].as_secs_f64() * 1e6;
    println!(
        "{name:<22} {:>9} {:>9.1} {:>9.1} {:>7} {:>9}",
        review.len(),
        micros(50),
        micros(99),
        allocated.allocations + allocated.reallocations,
        allocated.bytes_allocated,
    );
}

fn settings() -> Settings {
    let mut store = StoreAddress::new("https://oncue-store.oncue-system.svc.cluster.local.:9999");
    store.fallback_ip = Some([10, 96, 0, 17].into());
    let lines = "MIIBdDCCARqgAwIBAgIUc29tZSBieXRlcyBvZiBhIGNlcnRpZmljYXRlIGhlcmUw\n".repeat(9);
    store.ca_pem = Some(format!(
        "-----BEGIN CERTIFICATE-----\n{lines}-----END CERTIFICATE-----\n"
    ));
    Settings::new(Image::new("ghcr.io/oncue-dev/oncue-client:0.1.0"), store)
}

/// A review of 7 KB with 20 environment variables, typical for a pod of a web application.
fn typical(variables: usize) -> Vec<u8> {
    let env: Vec<_> = (0..variables)
        .map(|n| json!({"name": format!("SETTING_{n}"), "value": format!("https://service-{n}.shop.svc")}))
        .collect();
    review(
        &json!({"depends-on": "db/ready, workers/*>=3, tcp://redis:6379 within 2m", "signals": "web/up"}),
        &env,
    )
}

fn with_text(bytes: usize) -> Vec<u8> {
    let text = "0123456789abcdef{}\\\n\"".repeat(bytes / 24);
    let env = json!({"name": "TEXT", "value": text});
    review(
        &json!({"depends-on": "db/ready", "signals": "web/up"}),
        &[env],
    )
}

fn review(annotations: &Value, env: &[Value]) -> Vec<u8> {
    let kind = json!({"group": "", "version": "v1", "kind": "Pod"});
    let resource = json!({"group": "", "version": "v1", "resource": "pods"});
    let review = json!({
        "kind": "AdmissionReview",
        "apiVersion": "admission.k8s.io/v1",
        "request": {
            "uid": "9a6d4f0b-1d0c-4f0e-8f5e-7d3a1c2b9e11",
            "kind": kind, "resource": resource, "requestKind": kind, "requestResource": resource,
            "namespace": "shop", "operation": "CREATE",
            "userInfo": {
                "username": "system:serviceaccount:kube-system:replicaset-controller",
                "uid": "0f3f1c6a-5d3e-4d61-b3a6-2b8a8f6a0c55",
                "groups": ["system:serviceaccounts", "system:serviceaccounts:kube-system", "system:authenticated"],
                "extra": {"authentication.kubernetes.io/credential-id": ["JTI=5f0a2f6e-6a41-4a39-8f3e-0a6f6f0f6b1d"]}
            },
            "object": pod(annotations, env),
            "oldObject": null, "dryRun": false,
            "options": {"kind": "CreateOptions", "apiVersion": "meta.k8s.io/v1"}
        }
    });
    review.to_string().into_bytes()
}

fn pod(annotations: &Value, env: &[Value]) -> Value {
    let token = json!({"name": "kube-api-access-x7k2p", "readOnly": true, "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"});
    json!({
        "kind": "Pod", "apiVersion": "v1",
        "metadata": {
            "generateName": "web-6d4b75cb6d-",
            "creationTimestamp": null,
            "labels": {"app.kubernetes.io/name": "web", "app.kubernetes.io/version": "1.4.2", "pod-template-hash": "6d4b75cb6d"},
            "annotations": annotations,
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-6d4b75cb6d", "uid": "5e0dbd53-4f0e-4c5c-8a53-0d8b5d9cbb1e", "controller": true, "blockOwnerDeletion": true}],
            "managedFields": managed_fields()
        },
        "spec": {
            "volumes": [
                {"name": "config", "configMap": {"name": "web", "defaultMode": 420}},
                {"name": "kube-api-access-x7k2p", "projected": {"defaultMode": 420, "sources": [
                    {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
                    {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
                    {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}}]}}
                ]}}
            ],
            "initContainers": [container("schema", &[], &token)],
            "containers": [container("web", env, &token), container("logs", &[], &token)],
            "restartPolicy": "Always", "terminationGracePeriodSeconds": 30, "dnsPolicy": "ClusterFirst",
            "serviceAccountName": "web", "serviceAccount": "web", "schedulerName": "default-scheduler",
            "securityContext": {"runAsNonRoot": true, "fsGroup": 2000},
            "tolerations": [
                {"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300},
                {"key": "node.kubernetes.io/unreachable", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}
            ],
            "priority": 0, "enableServiceLinks": true, "preemptionPolicy": "PreemptLowerPriority"
        },
        "status": {}
    })
}

fn container(name: &str, env: &[Value], token: &Value) -> Value {
    let probe = json!({"httpGet": {"path": "/healthz", "port": 8080, "scheme": "HTTP"}, "initialDelaySeconds": 5, "timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3});
    json!({
        "name": name,
        "image": format!("registry.example.com/shop/{name}@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"),
        "args": ["--config=/etc/web/config.yaml", "--listen=:8080"],
        "ports": [{"name": "http", "containerPort": 8080, "protocol": "TCP"}],
        "env": env,
        "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "256Mi"}},
        "volumeMounts": [{"name": "config", "mountPath": "/etc/web"}, token],
        "readinessProbe": probe, "livenessProbe": probe,
        "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File",
        "imagePullPolicy": "IfNotPresent",
        "securityContext": {"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}, "readOnlyRootFilesystem": true}
    })
}

fn managed_fields() -> Value {
    json!([{
        "manager": "kube-controller-manager", "operation": "Update", "apiVersion": "v1",
        "time": "2026-11-24T08:00:00Z", "fieldsType": "FieldsV1",
        "fieldsV1": {
            "f:metadata": {"f:generateName": {}, "f:labels": {".": {}, "f:app.kubernetes.io/name": {}, "f:pod-template-hash": {}},
                "f:ownerReferences": {".": {}, "k:{\"uid\":\"5e0dbd53-4f0e-4c5c-8a53-0d8b5d9cbb1e\"}": {}}},
            "f:spec": {"f:containers": {"k:{\"name\":\"web\"}": {".": {}, "f:env": {}, "f:image": {}, "f:imagePullPolicy": {}, "f:name": {}, "f:resources": {}}},
                "f:dnsPolicy": {}, "f:enableServiceLinks": {}, "f:restartPolicy": {}, "f:schedulerName": {}, "f:securityContext": {}, "f:terminationGracePeriodSeconds": {}}
        }
    }])
}
