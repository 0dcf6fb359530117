//! Manifests as people have them, who know Kubernetes and not yet oncue.

use super::{Controller, assert_lint, lint, lint_assuming, mk};

fn service(name: &str, spec: &str) -> String {
    format!("apiVersion: v1\nkind: Service\nmetadata: {{name: {name}}}\nspec: {{{spec}}}\n---\n")
}

/// Puts annotations on the object itself, not on its pods.
fn annotated(yaml: &str, annotations: &str) -> String {
    let (start, rest) = yaml.split_once("metadata: {name: ").unwrap();
    format!("{start}metadata: {{annotations: {{{annotations}}}, name: {rest}")
}

#[test]
fn a_custom_kind_is_checked_like_any_other() {
    let rollout = mk("Deployment", "web", "depends-on: 'cache/upp, b c'")
        .replace("apps/v1", "argoproj.io/v1alpha1")
        .replace("Deployment", "Rollout");
    assert_lint(
        &rollout,
        &[
            "6:56 error bad-annotation: depends-on: column 14: in \"b c\": \"c\" was not expected \
             here: a term ends at a comma or a newline, and its parts come in the order target \
             @namespace {path} =value (or >=count) on node within duration",
        ],
    );
    let producer = mk("Deployment", "cache", "signals: cache/up");
    assert_lint(
        &(rollout.replace(", b c", "") + &producer),
        &[
            "6:43 warning unproduced: nothing in these files signals cache/upp: did you mean \
             cache/up, which Deployment/cache signals?",
        ],
    );
}

#[test]
fn an_empty_list_is_worth_a_warning() {
    assert_lint(
        &mk("Deployment", "web", "depends-on: ''"),
        &[
            "6:30 warning admission: depends-on is empty and asks for nothing: if it began with !, \
             put the value in quotes",
        ],
    );
}

#[test]
fn kubectls_notation_is_understood() {
    let job = mk("Job", "migrate", "signals-on-success: jobs/migrate");
    let terms = "job/migrate, deployment/db@data, a/b=>3, a/b==x";
    assert_lint(
        &(mk("Deployment", "web", &format!("depends-on: '{terms}'")) + &job),
        &[
            "6:76 warning bad-annotation: a/b=>3 asks for the value \">3\": did you mean a/b>=3?",
            "6:84 warning bad-annotation: a/b==x asks for the value \"=x\": did you mean a/b=x?",
            "6:43 warning unproduced: nothing in these files signals job/migrate: for the object, \
             write job:migrate",
            "6:56 warning unproduced: nothing in these files signals deployment/db@data: for the \
             object, write deployment:db@data",
            "6:76 warning unproduced: nothing in these files signals a/b=>3",
            "6:84 warning unproduced: nothing in these files signals a/b==x",
        ],
    );
}

#[test]
fn a_service_is_found_by_a_name_that_is_nearly_right() {
    let db = mk("Deployment", "db", "").replace("{annotations", "{labels: {app: db}, annotations");
    let elsewhere = service("cache", "selector: {app: db}, ports: [{port: 6379}]")
        .replace("{name: cache}", "{name: cache, namespace: data}");
    let files =
        service("st-mongodb", "selector: {app: db}, ports: [{port: 27017}]") + &elsewhere + &db;
    let found = |term: &str| {
        let found = lint(&(mk("Deployment", "web", &format!("depends-on: '{term}'")) + &files));
        found.join("\n")
    };
    let none = "6:43 warning unknown-object: there is no service";
    for (term, expected) in [
        (
            "tcp://st-mongodb-headless:27017",
            format!(
                "{none} st-mongodb-headless in the namespace default in these files: did you mean \
                 tcp://st-mongodb:27017?"
            ),
        ),
        (
            "service:st-mongodb-headless",
            format!(
                "{none} st-mongodb-headless in the namespace default in these files: did you mean \
                 service:st-mongodb?"
            ),
        ),
        (
            "service:cache.data",
            format!(
                "{none} cache.data in the namespace default in these files: did you mean \
                 service:cache@data?"
            ),
        ),
        (
            "tcp://cache:6379",
            format!(
                "{none} cache in the namespace default in these files: did you mean \
                 tcp://cache.data:6379?"
            ),
        ),
        (
            "tcp://st-mongodb.default.svc.cluster.local:27018",
            "6:43 warning never-holds: the service st-mongodb has no port 27018: it has 27017"
                .to_owned(),
        ),
        ("tcp://redis:6379", String::new()),
        ("tcp://db.example.com:5432", String::new()),
    ] {
        assert_eq!(found(term), expected, "{term}");
    }
}

#[test]
fn a_headless_service_is_asked_for_the_ports_of_its_pods() {
    let web = mk("Deployment", "web", "")
        .replace("{annotations", "{labels: {app: web}, annotations")
        .replace("image: x", "image: x, ports: [{containerPort: 8080}]");
    let files = service(
        "web-hl",
        "clusterIP: None, selector: {app: web}, ports: [{port: 80, targetPort: 8080}]",
    ) + &web;
    let asking = |port: u16| mk("Job", "job", &format!("depends-on: 'tcp://web-hl:{port}'"));
    assert_lint(&(asking(8080) + &files), &[]);
    assert_lint(
        &(asking(80) + &files),
        &[
            "6:43 warning never-holds: the service web-hl is headless, so its pods are asked for \
             port 80 themselves: they have 8080",
        ],
    );
}

#[test]
fn endpoints_need_not_come_from_a_selector() {
    let endpoints = "apiVersion: v1\nkind: Endpoints\nmetadata: {name: db}\n\
                     subsets: [{addresses: [{ip: 192.0.2.7}], ports: [{port: 5432}]}]\n---\n";
    let asking = |name: &str| {
        mk(
            "Deployment",
            "web",
            &format!("depends-on: 'service:{name}'"),
        )
    };
    let db = service("db", "ports: [{port: 5432}]");
    assert_lint(&(asking("db") + &db + endpoints), &[]);
    assert_lint(
        &(asking("db") + &db),
        &[
            "6:43 warning unknown-object: the service db has no selector, and these files have no \
             endpoints of it",
        ],
    );
    assert_lint(
        &(asking("alias") + &service("alias", "type: ExternalName, externalName: db.example.com")),
        &[
            "6:43 warning never-holds: the service alias is of type ExternalName, which has no \
             endpoints, so service:alias never holds: probe the host instead, such as \
             tcp://alias:443",
        ],
    );
}

#[test]
fn a_suspended_job_is_named() {
    let queued = mk("Job", "queued", "signals-on-success: queued/done")
        .replace("spec:\n  template", "spec:\n  suspend: true\n  template");
    assert_lint(
        &(mk("Deployment", "web", "depends-on: 'queued/done'") + &queued),
        &[
            "6:43 warning never-holds: Job/queued is suspended and creates no pods before \
             spec.suspend is false, so queued/done does not hold",
        ],
    );
}

#[test]
fn the_jobs_of_a_cron_job_have_other_names() {
    let cron = "apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: etl}\nspec: {jobTemplate: \
                {spec: {template: {spec: {containers: [{name: main}]}}}}}\n";
    assert_lint(
        &(mk("Deployment", "web", "depends-on: 'job:etl'") + cron),
        &[
            "6:43 warning never-holds: etl is a CronJob, whose Jobs have names of their own, so \
             job:etl never holds: let its pods signal a variable with signals-on-success, and wait \
             for that",
        ],
    );
}

#[test]
fn the_order_of_helms_hooks_can_make_a_wait_impossible() {
    let hook = |yaml: &str, hook: &str, more: &str| {
        annotated(yaml, &format!("helm.sh/hook: '{hook}', {more}"))
    };
    let both = "post-install,post-upgrade";
    let waits = mk("Job", "init", "depends-on: 'job:check'");
    let check = mk("Job", "check", "signals-on-success: check/ok");
    let early = hook(&waits, both, "helm.sh/hook-weight: '3'");
    let kept = "helm.sh/hook-delete-policy: before-hook-creation";
    let deleted = "helm.sh/hook-delete-policy: hook-succeeded";
    for (producer, expected) in [
        (hook(&check, both, "helm.sh/hook-weight: '2'"), vec![]),
        (
            hook(&check, both, "helm.sh/hook-weight: '19'"),
            vec![
                "error hook: Job/init waits for job:check, but Helm runs the hook Job/check (weight \
                 19) once the hook Job/init (weight 3) has ended: neither ever happens",
            ],
        ),
        (hook(&check, "pre-install", kept), vec![]),
        (
            hook(&check, "pre-install,pre-upgrade", deleted),
            vec![
                "warning never-holds: Job/check is deleted after it has succeeded \
                 (helm.sh/hook-delete-policy), and job:check does not hold then: wait for check/ok, \
                 which its pods signal and which stays",
            ],
        ),
        (
            hook(&check, "pre-upgrade", kept),
            vec![
                "warning hook: Job/init waits for job:check, but Helm does not run the hook \
                 Job/check (pre-upgrade) on install",
            ],
        ),
        (
            hook(&check, "test", kept),
            vec![
                "error hook: Job/init waits for job:check, but Helm does not run the hook Job/check \
                 (test) on install",
            ],
        ),
    ] {
        let found = lint(&(early.clone() + &producer));
        let found: Vec<_> = found
            .iter()
            .map(|line| line.split_once(' ').unwrap().1)
            .collect();
        assert_eq!(found, expected, "{producer}");
    }
}

#[test]
fn the_order_of_argos_waves_can_make_a_wait_impossible() {
    let wave =
        |yaml: &str, wave: i64| annotated(yaml, &format!("argocd.argoproj.io/sync-wave: '{wave}'"));
    let web = mk("Deployment", "web", "depends-on: 'job:mig'");
    let mig = mk("Job", "mig", "");
    assert_lint(&(web.clone() + &wave(&mig, -1)), &[]);
    assert_lint(
        &(web + &wave(&mig, 5)),
        &[
            "6:43 error hook: Deployment/web waits for job:mig, but Argo CD applies Job/mig in sync \
             wave 5, once sync wave 0 is healthy, which Deployment/web is a part of: neither ever \
             happens",
        ],
    );
}

#[test]
fn limits_of_a_job_count_while_it_waits() {
    let job = |limit: &str, annotations: &str| {
        mk("Job", "etl", annotations).replace(
            "spec:\n  template",
            &format!("spec:\n  {limit}\n  template"),
        )
    };
    let found = |limit: &str, annotations: &str| {
        let found = lint(&job(
            limit,
            &format!("depends-on: 'tcp://db:1', {annotations}"),
        ));
        found.join("\n")
    };
    let deadline = "5:26 warning job-limit: activeDeadlineSeconds also counts while the pods wait: \
                    after 3 s they are stopped, although a wait may take 10m";
    let policy = "podFailurePolicy: {rules: [{action: Ignore, onPodConditions: [{type: \
                  DisruptionTarget}]}, {action: FailJob, onExitCodes: {operator: NotIn, values: \
                  [40]}}]}";
    let fails = "this rule fails the Job at once if oncue-wait exits with 124, because its wait \
                 timed out: name the container that the rule is for in onExitCodes.containerName";
    assert_eq!(
        found("activeDeadlineSeconds: 3", "depends-on-timeout: 10m"),
        deadline
    );
    assert_eq!(
        found("activeDeadlineSeconds: 900", "depends-on-timeout: 10m"),
        ""
    );
    assert_eq!(found("activeDeadlineSeconds: 3", ""), "");
    assert!(found(policy, "depends-on-timeout: 2s").contains(fails));
    assert_eq!(found(policy, ""), "");
    let named = policy.replace("operator: NotIn", "containerName: main, operator: NotIn");
    assert_eq!(found(&named, "depends-on-timeout: 2s"), "");
}

#[test]
fn no_pod_of_an_excluded_namespace_is_injected() {
    let csi = mk("DaemonSet", "csi", "signals: csi/up")
        .replace("{name: csi}", "{name: csi, namespace: kube-system}");
    let web = mk("Deployment", "web", "depends-on: 'csi/up@kube-system'");
    let unproduced = "6:43 warning unproduced: nothing in these files signals csi/up@kube-system: \
                      no pod of the namespace kube-system is injected, so only Signals, or \
                      variables made by hand, can hold it";
    assert_lint(
        &(web.clone() + &csi),
        &[
            "16:30 warning not-injected: not injected: the webhook's namespaceSelector excludes \
             this namespace (admission.* of the chart)",
            unproduced,
        ],
    );
    let assumed = lint_assuming(&["csi/up@kube-system"], Controller::Present, &web);
    assert!(assumed.is_empty(), "{assumed:?}");
    // Readiness needs no injection.
    let ready = web.replace("csi/up@kube-system", "daemonset:csi@kube-system");
    assert_lint(&(ready + &csi.replace("signals: csi/up", "")), &[]);
}

#[test]
fn one_of_several_containers_is_named_as_the_one_that_signals() {
    let two = |annotations: &str| {
        mk("Deployment", "web", annotations).replace(
            "[{name: main, image: x}]",
            "[{name: proxy, image: x}, {name: main, image: x}]",
        )
    };
    let warning = "6:30 warning admission: proxy, the first of 2 containers, signals for this pod: \
                   name the right one in signals-container";
    for (annotations, expected) in [
        ("signals: web/up", &[warning][..]),
        ("signals: web/up, signals-container: main", &[]),
        (
            "signals: web/up, kubectl.kubernetes.io/default-container: main",
            &[],
        ),
        ("signals-on-ready: web/up", &[]),
    ] {
        assert_lint(&two(annotations), expected);
    }
}

#[test]
fn the_rules_of_kapp_can_make_a_wait_impossible() {
    let web = annotated(
        &mk("Deployment", "web", "depends-on: 'job:mig'"),
        "kapp.k14s.io/change-group: shop/web",
    );
    let rule = |rule: &str| {
        annotated(
            &mk("Job", "mig", ""),
            &format!("kapp.k14s.io/change-rule: {rule}"),
        )
    };
    assert_lint(
        &(web.clone() + &rule("upsert before upserting shop/web")),
        &[],
    );
    assert_lint(
        &(web + &rule("upsert after upserting shop/web")),
        &[
            "6:43 error hook: Deployment/web waits for job:mig, but kapp applies Job/mig once \
             Deployment/web is reconciled, by its change rules: neither ever happens",
        ],
    );
}

#[test]
fn the_rules_of_kapp_count_through_objects_without_pods() {
    let waits = mk("Deployment", "web", "depends-on: 'job:mig'");
    let web = annotated(&waits, "kapp.k14s.io/change-group: shop/web");
    let between = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: between\n  annotations:\n    \
                   kapp.k14s.io/change-group: shop/between\n    \
                   kapp.k14s.io/change-rule: upsert after upserting shop/web\n---\n";
    let mig = annotated(
        &mk("Job", "mig", ""),
        "kapp.k14s.io/change-rule: upsert after upserting shop/between",
    );
    let files = between.to_owned() + &mig;
    let found = lint(&(web + &files));
    assert!(
        found[0].contains("kapp applies Job/mig once Deployment/web"),
        "{found:?}"
    );
    let more = "kapp.k14s.io/change-group: shop/web, kapp.k14s.io/disable-wait: ''";
    assert_lint(&(annotated(&waits, more) + &files), &[]);
}

#[test]
fn the_order_of_flux_can_make_a_wait_impossible() {
    let unit = |name: &str, spec: &str| {
        format!(
            "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\n\
             metadata: {{name: {name}, namespace: flux-system}}\nspec: {{{spec}}}\n---\n"
        )
    };
    let part_of = |yaml: &str, unit: &str| {
        let labels = format!(
            "kustomize.toolkit.fluxcd.io/name: {unit}, \
             kustomize.toolkit.fluxcd.io/namespace: flux-system"
        );
        yaml.replacen(
            "metadata: {",
            &format!("metadata: {{labels: {{{labels}}}, "),
            1,
        )
    };
    let web = part_of(&mk("Deployment", "web", "depends-on: 'job:mig'"), "infra");
    let pods = web + &part_of(&mk("Job", "mig", ""), "apps");
    let apps = unit("apps", "dependsOn: [{name: infra}]");
    assert_lint(
        &(pods.clone() + &apps + &unit("infra", "wait: true")),
        &[
            "6:43 error hook: Deployment/web waits for job:mig, but Flux applies Job/mig with \
             Kustomization/apps, once Kustomization/infra is ready, which Deployment/web is a part \
             of: neither ever happens",
        ],
    );
    assert_lint(&(pods + &apps + &unit("infra", "wait: false")), &[]);
}

#[test]
fn objects_without_pods_come_in_the_order_of_an_installer_too() {
    let wave = |wave: i64| format!("annotations: {{argocd.argoproj.io/sync-wave: '{wave}'}}");
    let found = |term: &str, object: &str| {
        let found = lint(&(mk("Deployment", "web", &format!("depends-on: '{term}'")) + object));
        found.join("\n")
    };
    let object = |version: &str, kind: &str, more: &str| {
        format!("apiVersion: {version}\nkind: {kind}\nmetadata: {{name: x, {more}}}\n---\n")
    };
    let db = mk("Deployment", "db", "").replace("{annotations", "{labels: {app: db}, annotations");
    let service = |wave: &str| {
        service("x", "selector: {app: db}, ports: [{port: 1}]")
            .replace("name: x", &format!("name: x, {wave}"))
            + &db
    };
    for (term, kind, late, early) in [
        (
            "configmap:x",
            "ConfigMap",
            object("v1", "ConfigMap", &wave(1)),
            object("v1", "ConfigMap", &wave(0)),
        ),
        (
            "policies.example.com:x",
            "Policy",
            object("example.com/v1", "Policy", &wave(1)),
            object("other.com/v1", "Policy", &wave(1)),
        ),
        ("tcp://x:1", "Service", service(&wave(1)), service(&wave(0))),
        ("service:x", "Service", service(&wave(1)), service(&wave(0))),
    ] {
        let message = format!("but Argo CD applies {kind}/x in sync wave 1");
        assert!(
            found(term, &late).contains(&message),
            "{}",
            found(term, &late)
        );
        assert_eq!(found(term, &early), "", "{term}");
    }
    let hook = annotated(
        &mk("Job", "init", "depends-on: 'configmap:x'"),
        "helm.sh/hook: pre-install",
    );
    let found = lint(&(hook + &object("v1", "ConfigMap", "labels: {}")));
    assert!(
        found[0].contains("but Helm applies ConfigMap/x once the hook"),
        "{found:?}"
    );
}

#[test]
fn the_first_pod_of_a_stateful_set_cannot_wait_for_the_others() {
    let set = |policy: &str, term: &str| {
        let annotations =
            format!("depends-on: 'peers/{term}', signals-on-wait: 'peers/$(POD_NAME), peers/up'");
        mk("StatefulSet", "peers", &annotations).replace(
            "spec:\n  template",
            &format!("spec:\n  replicas: 3\n{policy}  template"),
        )
    };
    let parallel = "  podManagementPolicy: Parallel\n";
    for term in ["*>=3", "up>=2"] {
        let found = lint(&set("", term));
        let message = format!(
            "error never-holds: peers/{term} never holds: StatefulSet/peers creates each pod once \
             the one before is ready, and the first waits for the others: set podManagementPolicy: \
             Parallel"
        );
        assert!(found[0].ends_with(&message), "{found:?}");
        assert_lint(&set(parallel, term), &[]);
    }
    assert_lint(&set("", "up"), &[]);
}

#[test]
fn a_pod_answers_no_probe_before_its_containers_run() {
    let found = |annotations: &str, spec: &str| {
        let yaml = mk("Deployment", "web", annotations)
            .replace("      containers", &format!("{spec}      containers"));
        lint(&yaml).join("\n")
    };
    let term = "depends-on: 'tcp://localhost:9000'";
    let sidecar = "      initContainers: [{name: proxy, image: p, restartPolicy: Always}]\n";
    let unanswered = "tcp://localhost:9000 asks this pod before its containers run";
    assert!(found(term, "").contains(unanswered), "{}", found(term, ""));
    assert!(found(term, sidecar).contains("before this pod's sidecars run"));
    assert_eq!(found(term, "      hostNetwork: true\n"), "");
    let after = format!("{term}, depends-on-position: after-sidecars");
    assert_eq!(found(&after, sidecar), "");
}

#[test]
fn a_host_name_that_no_pod_behind_a_service_has_is_reported() {
    let files = service("db", "clusterIP: None, selector: {app: db}")
        + &mk("StatefulSet", "db", "").replace("{annotations", "{labels: {app: db}, annotations");
    let asking = |host: &str| {
        let asks = mk(
            "Deployment",
            "web",
            &format!("depends-on: 'tcp://{host}:5432'"),
        );
        lint(&(asks + &files)).join("\n")
    };
    assert_eq!(asking("db-0.db"), "");
    let message = "warning never-holds: no pod behind the service db has the host name db-7";
    assert!(
        asking("db-7.db").ends_with(message),
        "{}",
        asking("db-7.db")
    );
}

#[test]
fn a_service_without_a_tcp_port_accepts_no_connection() {
    let asks = mk("Deployment", "web", "depends-on: 'tcp://dns:53'");
    let found = |ports: &str| lint(&(asks.clone() + &service("dns", ports))).join("\n");
    let udp = found("selector: {app: dns}, ports: [{port: 53, protocol: UDP}]");
    assert!(udp.ends_with("the service dns has no TCP port"), "{udp}");
    assert_eq!(found("selector: {app: dns}"), "");
}
