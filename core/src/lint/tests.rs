mod manifests;

use oncue_manifests::{Document, File};
use serde_json::json;

use super::*;
use crate::{
    cross_namespace::CrossNamespace,
    injection::{Controller, Image, StoreAddress},
};

/// Lints YAML and returns one line a finding: where, how bad, what, and the message.
fn lint(yaml: &str) -> Vec<String> {
    lint_for(Controller::Present, yaml)
}

/// Lints YAML for an installation with or without a controller.
fn lint_for(controller: Controller, yaml: &str) -> Vec<String> {
    lint_assuming(&[], controller, yaml)
}

/// Lints YAML with these assumptions.
fn lint_assuming(assumptions: &[&str], controller: Controller, yaml: &str) -> Vec<String> {
    let assumptions = assumptions.iter().map(|text| text.parse().unwrap());
    let assumptions: Vec<Assumption> = assumptions.collect();
    let file = File::parse("a.yaml", yaml.to_owned()).unwrap();
    let objects: Vec<_> = file.documents().iter().map(Document::object).collect();
    let store = StoreAddress::new("http://store:9999");
    let settings = Settings {
        controller,
        ..Settings::new(Image::new("oncue/client"), store)
    };
    let namespace = Namespace::default();
    let linter = Linter {
        settings: &settings,
        namespace: &namespace,
        existing: &[],
        assumptions: &assumptions,
        policy: Some(&Policy::new(CrossNamespace::Open, [], &settings.keys)),
    };
    let findings = linter.lint(&objects);
    let line = |finding: Finding| {
        let Place {
            object,
            pointer,
            part,
        } = finding.place;
        let document = file.documents()[object].places();
        let at = match part {
            Part::Column(column) => document.locate_in(&pointer, column),
            Part::Key => document.locate_key(&pointer),
            Part::Value => document.locate(&pointer),
        };
        let Finding {
            severity,
            code,
            message,
            ..
        } = finding;
        format!("{}:{} {severity} {code}: {message}", at.line(), at.column())
    };
    findings.into_iter().map(line).collect()
}

#[track_caller]
fn assert_lint(yaml: &str, expected: &[&str]) {
    assert_eq!(lint(yaml), expected, "\n{yaml}");
}

/// A workload whose pods have these annotations; they begin in line 6, column 30.
fn mk(kind: &str, name: &str, annotations: &str) -> String {
    let version = match kind {
        "Job" => "batch/v1",
        _ => "apps/v1",
    };
    let restart = match kind {
        "Job" => "Never",
        _ => "Always",
    };
    format!(
        "apiVersion: {version}\nkind: {kind}\nmetadata: {{name: {name}}}\nspec:\n  template:\n    \
         metadata: {{annotations: {{{annotations}}}}}\n    spec:\n      restartPolicy: {restart}\n      \
         containers: [{{name: main, image: x}}]\n---\n"
    )
}

#[test]
fn says_nothing_of_what_is_right() {
    let yaml = mk("Deployment", "web", "depends-on: 'db/up, job:db'")
        + &mk("Job", "db", "signals-on-success: db/up");
    assert_lint(&yaml, &[]);
}

#[test]
fn points_at_the_term_that_is_wrong() {
    assert_lint(
        &mk("Deployment", "web", "depends-on: 'a, b c'"),
        &[
            "6:48 error bad-annotation: depends-on: column 6: in \"b c\": \"c\" was not expected here: \
           a term ends at a comma or a newline, and its parts come in the order target @namespace {path} \
           =value (or >=count) on node within duration",
        ],
    );
}

#[test]
fn finds_annotations_in_the_wrong_place() {
    let yaml = "\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  annotations:
    depends-on: a
spec:
  template:
    metadata:
      labels:
        signals: b
    spec: {containers: [{name: main}]}
---
apiVersion: v1
kind: Service
metadata: {name: web, annotations: {oncue.dev/inject: 'true'}}
";
    assert_lint(
        yaml,
        &[
            "6:5 error misplaced: depends-on on the Deployment itself is not read: \
             move it to spec.template.metadata.annotations",
            "11:9 error misplaced: signals is a label here, which is not read: \
             move it to spec.template.metadata.annotations",
            "16:37 warning misplaced: oncue.dev/inject is read on pods and pod templates only, \
             and a Service is neither",
        ],
    );
}

#[test]
fn says_where_annotations_are_out_of_sight() {
    let yaml = "\
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {name: nightly}
spec:
  templates:
  - name: main
    metadata:
      annotations: {depends-on: a, other: b}
    container: {image: main}
";
    assert_lint(
        yaml,
        &[
            "8:21 warning misplaced: depends-on in spec.templates[0].metadata.annotations is \
             neither checked nor rehearsed: no pod template is recognised there",
        ],
    );
}

#[test]
fn finds_annotations_that_are_no_strings() {
    assert_lint(
        &mk("Deployment", "web", "oncue.dev/inject: no, depends-on: [a]"),
        &[
            "6:48 error bad-annotation: oncue.dev/inject: an annotation is a string: \
             put it in quotes, oncue.dev/inject: \"false\"",
            "6:64 error bad-annotation: depends-on: an annotation is a string: \
             write depends-on: \"a, b\" in the place of a list",
        ],
    );
}

#[test]
fn names_the_nearest_key() {
    let found = lint(&mk("Deployment", "web", "depends-on-timeouts: 5m"));
    assert_eq!(
        found,
        [
            "6:30 error unknown-key: depends-on-timeouts is not a key of oncue: \
          did you mean depends-on-timeout?"
        ]
    );
}

#[test]
fn finds_keys_that_are_nearly_ours_in_files_alone() {
    let yaml = mk("Deployment", "web", "dependsOn: a, signal.example.com/x: b");
    assert_lint(
        &yaml,
        &[
            "6:30 warning unknown-key: dependsOn is not a key of oncue and is not read: \
             did you mean depends-on?",
        ],
    );
    let file = File::parse("a.yaml", yaml).unwrap();
    let store = StoreAddress::new("http://store:9999");
    let linter = Linter {
        settings: &Settings::new(Image::new("oncue/client"), store),
        namespace: &Namespace::default(),
        existing: &[],
        assumptions: &[],
        policy: None,
    };
    let alone = linter.lint_object(file.documents()[0].object());
    assert_eq!(alone, [], "admission speaks of what is certain");
}

#[test]
fn a_term_that_another_namespace_must_permit_is_a_warning_unless_it_does() {
    let namespace = |annotation: &str| {
        format!("apiVersion: v1\nkind: Namespace\nmetadata: {{name: other{annotation}}}\n")
    };
    let annotated = |value: &str| {
        namespace(&format!(
            ", annotations: {{oncue.dev/readable-from: '{value}'}}"
        ))
    };
    let web = mk("Deployment", "web", "depends-on: 'configmap:x@other'");
    let needed = "configmap:x@other holds only if the Namespace other lets default read it, with the \
                  annotation oncue.dev/readable-from: default; ";
    for (namespace, expected) in [
        (
            String::new(),
            Some("these files do not contain this Namespace"),
        ),
        (namespace(""), Some("the Namespace in these files does not")),
        (
            annotated("shop"),
            Some("the Namespace in these files does not"),
        ),
        (
            annotated("Shop"),
            Some(
                "the annotation in these files is wrong: \"Shop\" is neither * nor the name of a \
                 namespace",
            ),
        ),
        (annotated("*"), None),
        (annotated("shop, default"), None),
    ] {
        let found = lint(&format!("{web}---\n{namespace}"));
        let found: Vec<_> = found
            .iter()
            .filter(|it| it.contains(" forbidden: "))
            .collect();
        match (&*found, expected) {
            ([], None) => {}
            ([found], Some(expected)) => {
                let text = format!("warning forbidden: {needed}{expected}");
                assert!(found.ends_with(&text), "{found}\n{text}");
            }
            _ => panic!("{namespace}: {found:?}"),
        }
    }
    let readiness = mk("Deployment", "web", "depends-on: 'job:m@other, a@other'");
    let found = lint(&readiness);
    assert!(
        !found.iter().any(|it| it.contains("forbidden")),
        "{found:?}"
    );
}

#[test]
fn names_the_nearest_variable() {
    let yaml = mk(
        "Deployment",
        "web",
        "depends-on: 'db/upp, workr/*, other, !db/failed'",
    ) + &mk("Deployment", "db", "signals: 'db/up, worker/a'");
    assert_lint(
        &yaml,
        &[
            "6:43 warning unproduced: nothing in these files signals db/upp: \
             did you mean db/up, which Deployment/db signals?",
            "6:51 warning unproduced: nothing in these files signals workr/*: \
             did you mean worker/*, which Deployment/db signals?",
            "6:60 warning unproduced: nothing in these files signals other",
            "6:67 warning unproduced: nothing in these files signals db/failed, so it never fails",
        ],
    );
}

#[test]
fn finds_a_variable_in_another_namespace() {
    let other = mk("Deployment", "db", "signals: db/up")
        .replace("{name: db}", "{name: db, namespace: data}");
    let yaml = mk("Deployment", "web", "depends-on: db/up") + &other;
    assert_lint(
        &yaml,
        &[
            "6:42 warning unproduced: nothing in these files signals db/up: \
           it is signalled in the namespace data, which is db/up@data",
        ],
    );
}

#[test]
fn points_from_kubectls_notation_to_the_object() {
    let yaml = mk(
        "Deployment",
        "web",
        "depends-on: 'job/migrate, deployments.apps/db=v, job/*'",
    );
    assert_lint(
        &yaml,
        &[
            "6:43 warning unproduced: nothing in these files signals job/migrate: \
             for the object, write job:migrate",
            "6:56 warning unproduced: nothing in these files signals deployments.apps/db=v: \
             for the object, write deployment:db",
            "6:79 warning unproduced: nothing in these files signals job/*",
        ],
    );
}

#[test]
fn a_near_name_is_likelier_than_kubectls_notation() {
    let yaml = mk("Deployment", "web", "depends-on: 'job/migrat, job/seed'")
        + &mk("Job", "schema", "signals-on-success: job/migrate")
        + &mk("Job", "seed", "signals-on-success: job/seed")
            .replace("{name: seed}", "{name: seed, namespace: data}");
    assert_lint(
        &yaml,
        &[
            "6:43 warning unproduced: nothing in these files signals job/migrat: \
             did you mean job/migrate, which Job/schema (default) signals?",
            "6:55 warning unproduced: nothing in these files signals job/seed: \
             it is signalled in the namespace data, which is job/seed@data",
        ],
    );
}

#[test]
fn warns_of_conditions_that_kubernetes_never_sets() {
    let yaml = mk(
        "Deployment",
        "web",
        "depends-on: 'job:m=ready, deployment:m=available, pod:[a=b]=example.com/x, node:m=Ready, \
         a.example.com:m=Any, statefulset:m@default=Ready'",
    ) + &mk("Job", "m", "")
        + &mk("Deployment", "m", "")
        + &mk("StatefulSet", "m", "");
    assert_lint(
        &yaml,
        &[
            "6:43 warning never-holds: job:m=ready holds only if another controller sets ready: \
             Kubernetes sets only Complete, Failed, Suspended, SuccessCriteriaMet, FailureTarget \
             on a job; job:m waits until it is complete",
            "6:140 warning never-holds: statefulset:m@default=Ready holds only if another controller \
             sets Ready: Kubernetes sets no conditions on a statefulset; statefulset:m@default waits \
             until it is rolled out",
        ],
    );
}

#[test]
fn more_pods_than_there_can_be_are_never_ready() {
    let yaml = mk(
        "Deployment",
        "web",
        "depends-on: 'pod:[app=db]>=2, pod:[app=x]'",
    ) + &mk("Deployment", "db", "")
        .replace("{annotations", "{labels: {app: db}, annotations");
    assert_lint(
        &yaml,
        &[
            "6:43 error never-holds: pod:[app=db]>=2 never holds: it needs 2, and Deployment/db makes 1 at the most",
        ],
    );
}

#[test]
fn finds_objects_that_are_not_there() {
    let yaml = mk(
        "Deployment",
        "web",
        "depends-on: 'job:migrat, service:db, certificates.cert-manager.io:x=Ready, \
         service:db=a/X, job:migrate=a/X, node:x, secret:x, deploy:x=a/X'",
    ) + &mk("Job", "migrate", "")
        + "apiVersion: v1\nkind: Service\nmetadata: {name: db}\nspec: {selector: {app: db}}\n";
    assert_lint(
        &yaml,
        &[
            "6:43 warning unknown-object: there is no job migrat in the namespace default \
             in these files: did you mean migrate?",
            "6:55 warning unknown-object: the service db selects none of the pods in these files",
            "6:156 warning unknown-object: there is no deployment x in the namespace default \
             in these files",
        ],
    );
}

#[test]
fn names_everybody_in_a_ring() {
    let yaml = mk("Deployment", "a", "depends-on: b, signals: a")
        + &mk("Deployment", "b", "depends-on: a, signals: b");
    assert_lint(
        &yaml,
        &[
            "6:42 error deadlock: none of these ever starts: Deployment/a waits for b from \
           Deployment/b, Deployment/b waits for a from Deployment/a",
        ],
    );
}

#[test]
fn finds_who_waits_for_itself() {
    let own = "depends-on: 'own', signals: own";
    let yaml = mk("Deployment", "a", own) + &mk("Job", "b", "depends-on: 'job:b'");
    assert_lint(
        &yaml,
        &[
            "6:43 error never-holds: none of these ever starts: \
             Deployment/a waits for own from Deployment/a",
            "16:43 error never-holds: none of these ever starts: Job/b waits for job:b from Job/b",
        ],
    );
}

#[test]
fn finds_counts_that_are_never_reached() {
    let workers = mk("Deployment", "w", "signals: 'w/$(POD_NAME), all=v'");
    let three = workers.replace("spec:\n  template", "spec:\n  replicas: 3\n  template");
    let web = |terms: &str| mk("Deployment", "web", &format!("depends-on: '{terms}'"));
    assert_lint(&(web("w/*>=3, all>=3, all=v") + &three), &[]);
    assert_lint(
        &(web("w/*>=4, all>=4, all=x") + &three),
        &[
            "6:43 error never-holds: w/*>=4 never holds: it needs 4, and Deployment/w makes 3 at the most",
            "6:51 error never-holds: all>=4 never holds: it needs 4, and Deployment/w makes 3 at the most",
            "6:59 error never-holds: all=x never holds: Deployment/w signals no such value",
        ],
    );
    assert_lint(&(web("?w/*>=4") + &three), &[]);
    let scaled =
        "kind: HorizontalPodAutoscaler\nspec: {scaleTargetRef: {kind: Deployment, name: w}}\n";
    assert_lint(&(web("w/*>=4") + &three + scaled), &[]);
    assert_lint(
        &(web("w/*>=4") + &workers.replace("Deployment", "DaemonSet")),
        &[],
    );
    let none = three.replace("replicas: 3", "replicas: 0");
    assert_lint(
        &(web("all") + &none),
        &["6:43 warning never-holds: Deployment/w makes no pods as it stands, so all never holds"],
    );
}

#[test]
fn labels_that_carry_the_number_of_a_pod_are_another_for_each() {
    let three = |kind: &str, name: &str, numbers: &str, label: &str| {
        mk(
            kind,
            name,
            &format!("signals: \"{name}/$(labels['{label}'])\""),
        )
        .replace(
            "spec:\n  template",
            &format!("spec:\n  {numbers}\n  template"),
        )
    };
    let indexed = "completions: 3\n  parallelism: 3\n  completionMode: Indexed";
    let index = "batch.kubernetes.io/job-completion-index";
    let all = three(
        "StatefulSet",
        "db",
        "replicas: 3",
        "apps.kubernetes.io/pod-index",
    ) + &three(
        "StatefulSet",
        "kv",
        "replicas: 3",
        "statefulset.kubernetes.io/pod-name",
    ) + &three("Job", "shards", indexed, index);
    let web = |terms: &str| mk("Deployment", "web", &format!("depends-on: '{terms}'"));
    assert_lint(
        &(web("db/*>=3, kv/*>=3, shards/*>=3, db/2, kv/kv-2, shards/2") + &all),
        &[],
    );
    assert_lint(
        &(web("db/*>=4, db/leader") + &all),
        &[
            "6:43 error never-holds: db/*>=4 never holds: it needs 4, and StatefulSet/db makes 3 \
             at the most",
            "6:52 warning unproduced: nothing in these files signals db/leader",
        ],
    );
}

#[test]
fn finds_hooks_that_run_too_late_or_too_early() {
    let hook = |yaml: String, phase: &str| {
        yaml.replace(
            "metadata: {name: hook}",
            &format!("metadata: {{name: hook, annotations: {{helm.sh/hook: '{phase}'}}}}"),
        )
    };
    let job = mk("Job", "hook", "signals-on-success: x");
    let web = mk("Deployment", "web", "depends-on: 'job:hook'");
    assert_lint(
        &(web.clone() + &hook(job.clone(), "pre-install,pre-upgrade")),
        &[],
    );
    assert_eq!(lint(&(web + &hook(job, "post-install"))).len(), 1);
    let early = hook(
        mk("Job", "hook", "depends-on: 'deployment:db'"),
        "pre-install",
    );
    assert_lint(
        &(early + &mk("Deployment", "db", "")),
        &[
            "6:43 error hook: Job/hook waits for deployment:db, but Helm applies Deployment/db once \
             the hook Job/hook (weight 0) has ended: neither ever happens",
        ],
    );
}

#[test]
fn says_what_admission_refuses() {
    let success = mk("Deployment", "web", "signals-on-success: x");
    assert!(lint(&success)[0].starts_with("6:"), "{:?}", lint(&success));
    let container = mk("Deployment", "web", "signals: x, signals-container: nope");
    assert!(lint(&container)[0].contains("error bad-annotation: signals-container"));
    let volume = mk("Deployment", "web", "signals: x").replace(
        "    spec:\n",
        "    spec:\n      volumes:\n      - {name: oncue, emptyDir: {}}\n",
    );
    assert!(
        lint(&volume)[0].contains("error refused: "),
        "{:?}",
        lint(&volume)
    );
}

/// Lints a Deployment and returns the key at which each finding stands, and what it says.
fn keys_found(controller: Controller, annotations: &[&str], spec: &str) -> Vec<(String, String)> {
    let annotations = annotations.join("\n        ");
    let yaml = format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web}}\nspec:\n  template:\n    \
         metadata:\n      labels:\n        app: web\n        oncue.dev/managed: 'no'\n      \
         annotations:\n        {annotations}\n    spec: {{{spec}}}\n"
    );
    let found = lint_for(controller, &yaml).into_iter().map(|finding| {
        let line: usize = finding.split(':').next().unwrap().parse().unwrap();
        let key = yaml.lines().nth(line - 1).unwrap().split(": ").next();
        (key.unwrap().trim().to_owned(), finding)
    });
    found.collect()
}

#[test]
fn a_warning_stands_at_the_key_that_it_speaks_of() {
    use Controller::{Absent, Present};
    let main = "containers: [{name: main}]";
    let sidecar = "initContainers: [{name: s, restartPolicy: Always}], containers: [{name: main}]";
    let mesh = "initContainers: [{name: istio-init}, {name: s, restartPolicy: Always}], \
                containers: [{name: main}]";
    let guaranteed = "containers: [{name: main, resources: {limits: {cpu: 100m, memory: 64Mi}}}]";
    let hook = "containers: [{name: main, lifecycle: {postStart: {httpGet: {port: 1}}}}]";
    let windows = "os: {name: windows}, containers: [{name: main}]";
    for (controller, annotations, spec, key, message) in [
        (
            Absent,
            &["depends-on: a", "signals: x"][..],
            main,
            "signals",
            "what this pod signals stays",
        ),
        (
            Absent,
            &["depends-on: a", "signals-on-init: x"],
            main,
            "signals-on-init",
            "what this pod signals stays",
        ),
        (
            Absent,
            &["depends-on: a", "signals-on-wait: x"],
            main,
            "signals-on-wait",
            "what this pod signals stays",
        ),
        (
            Absent,
            &["depends-on: a", "signals: x"],
            hook,
            "signals",
            "behind which oncue cannot signal",
        ),
        (
            Present,
            &["depends-on: a", "signals: x"],
            hook,
            "signals",
            "the controller signals",
        ),
        (
            Present,
            &["signals: x", "depends-on: tcp://localhost:1"],
            sidecar,
            "depends-on",
            "is probed",
        ),
        (
            Present,
            &["depends-on: a", "depends-on-position: after-sidecars"],
            mesh,
            "depends-on-position",
            "oncue-wait stays in front",
        ),
        (
            Present,
            &["depends-on: a", "oncue.dev/resources: requests.cpu=1"],
            guaranteed,
            "oncue.dev/resources",
            "gave way",
        ),
        (
            Present,
            &[
                "depends-on: a",
                "depends-on-mode: gate",
                "scheduling.k8s.io/group-name: training",
            ],
            main,
            "depends-on-mode",
            "a gang does not count gated pods",
        ),
        (
            Present,
            &["depends-on: a"],
            main,
            "oncue.dev/managed",
            "is not \"true\"",
        ),
        (
            Present,
            &["oncue.dev/injected: '{}'", "depends-on: a"],
            windows,
            "depends-on",
            "on Windows",
        ),
    ] {
        let found = keys_found(controller, annotations, spec);
        let of_message: Vec<_> = found
            .iter()
            .filter(|(_, text)| text.contains(message))
            .collect();
        assert_eq!(of_message.len(), 1, "{message}: {found:?}");
        assert_eq!(of_message[0].0, key, "{message}");
    }
}

#[test]
fn a_gate_does_not_wait_for_the_claims_of_a_stateful_set() {
    for (claim, is_refused) in [
        ("data-$(POD_NAME)", true),
        ("data-db-0", true),
        ("other", false),
    ] {
        let annotations = format!("depends-on: 'pvc:{claim}', depends-on-mode: gate");
        let set = mk("StatefulSet", "db", &annotations);
        let claims = "spec:\n  volumeClaimTemplates: [{metadata: {name: data}}]\n";
        let found = lint(&set.replacen("spec:\n", claims, 1));
        let is_own = |finding: &String| finding.contains("the pod uses this claim itself");
        assert_eq!(found.iter().any(is_own), is_refused, "{claim}: {found:?}");
    }
}

#[test]
fn looks_at_the_items_of_a_list() {
    let item = "{apiVersion: v1, kind: Pod, metadata: {name: a, annotations: {depends-on: '&'}}, \
                spec: {containers: [{name: a, image: a}]}}";
    let found = lint(&format!("apiVersion: v1\nkind: List\nitems:\n- {item}\n"));
    assert!(
        found[0].starts_with("4:78 error bad-annotation"),
        "{found:?}"
    );
}

#[test]
fn looks_at_the_items_of_a_list_in_a_list() {
    let item = "{apiVersion: v1, kind: Pod, metadata: {name: a, annotations: {depends-on: '&'}}, \
                spec: {containers: [{name: a, image: a}]}}";
    let inner = format!("{{apiVersion: v1, kind: List, items: [{item}]}}");
    let found = lint(&format!("apiVersion: v1\nkind: List\nitems:\n- {inner}\n"));
    assert!(
        found[0].starts_with("4:115 error bad-annotation"),
        "{found:?}"
    );
}

#[test]
fn many_errors_are_counted() {
    let terms: Vec<_> = (1..=60).map(|n| format!("job:x{n}")).collect();
    let object = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "web", "annotations": {"depends-on": terms.join(",")}},
        "spec": {"containers": [{"name": "main"}]},
    });
    let store = StoreAddress::new("http://store:9999");
    let linter = Linter {
        settings: &Settings::new(Image::new("oncue/client"), store),
        namespace: &Namespace::default(),
        existing: &[],
        assumptions: &[],
        policy: None,
    };
    let found = linter.lint_object(&object);
    assert_eq!(found.len(), 49);
    assert!(found[47].message.contains("job:x48"), "{:?}", found[47]);
    assert_eq!(found[48].message, "and 12 more like these");
}

#[test]
fn what_is_assumed_is_not_missing() {
    let yaml = mk(
        "Deployment",
        "web",
        "depends-on: 'db/up=v, deployment:elsewhere'",
    ) + &mk("Deployment", "db", "signals: db/up=w");
    for (assumptions, expected) in [
        (&[][..], 2),
        (&["db/up=v@other"], 2),
        (&["db/up=v"], 1),
        (&["db/up=v", "deployment:elsewhere"], 0),
    ] {
        let findings = lint_assuming(assumptions, Controller::Present, &yaml);
        assert_eq!(findings.len(), expected, "{findings:?}");
    }
}
