#!/usr/bin/env python3
"""Checks rendered charts, and that the chart's sources agree. Called by check.sh.

rendered.py FILE...   checks rendered charts (release oncue, namespace oncue-system)
rendered.py --sources checks Chart.yaml, values.yaml, values.schema.json and the workspace against each other
"""

import json
import os
import pathlib
import re
import sys

import yaml

CHART = pathlib.Path(__file__).parent / "oncue"
NAMESPACE = "oncue-system"


def main(arguments):
    if arguments == ["--sources"]:
        checks, subjects = [values_are_in_the_schema, versions_agree, names_tests_that_exist], [()]
    else:
        checks, subjects = RENDERED, [(Release.read(path),) for path in arguments]
    for check in checks:
        for subject in subjects:
            try:
                check(*subject)
            except AssertionError as error:
                sys.exit(f"charts/rendered.py: failed: {check.__doc__}: {error}")
        print("ok ", check.__doc__)


class Release:
    """The rendered objects."""

    @classmethod
    def read(cls, path):
        path = pathlib.Path(path)
        return cls(path.stem, path.read_text())

    def __init__(self, values, text):
        # The name of the file in ci/ that the values are from.
        self.values = values
        self.text = text
        self.objects = [o for o in yaml.safe_load_all(text) if o]
        self.admission = self.only("MutatingWebhookConfiguration")
        self.name = self.admission["metadata"]["name"]
        workloads = {o["metadata"]["name"]: o for o in self.of("Deployment") + self.of("StatefulSet")}
        self.store = workloads[f"{self.name}-store"]
        self.webhook = workloads[f"{self.name}-webhook"]
        # The store's backend.
        self.backend = {"Deployment": "kubernetes", "StatefulSet": "embedded"}[self.store["kind"]]

    def of(self, kind):
        return [o for o in self.objects if o["kind"] == kind]

    def only(self, kind):
        (found,) = self.of(kind)
        return found

    def named(self, kind, name):
        """The rendered object of this kind and name."""
        (found,) = [o for o in self.of(kind) if o["metadata"]["name"] == name]
        return found

    def on_kubernetes(self, *names):
        """These names if the store keeps its variables as objects of Kubernetes, or none."""
        return list(names) if self.backend == "kubernetes" else []

    def names(self, kind):
        return sorted(o["metadata"]["name"] for o in self.of(kind))

    def pods(self):
        """Every pod, with its owner."""
        for o in self.objects:
            if o["kind"] == "Pod":
                yield o["metadata"]["name"], o
            elif o["kind"] in ("Deployment", "StatefulSet"):
                yield o["metadata"]["name"], o["spec"]["template"]

    def mode(self):
        """Where the certificates come from."""
        return {"cert-manager": "certManager", "existing-secret": "existingSecret"}.get(self.values, "selfManaged")

    def secret(self):
        """The name of the Secret with the certificates."""
        given = {"certManager": f"{self.name}-tls", "existingSecret": "oncue-tls-from-vault"}
        return given.get(self.mode(), f"{self.name}-webhook-ca")

    def has_controller(self):
        return self.config()["inject"]["controller"]

    def config(self):
        config = self.named("ConfigMap", f"{self.name}-webhook")
        assert list(config["data"]) == ["config.yaml"], config["data"].keys()
        return yaml.safe_load(config["data"]["config.yaml"])


def containers(pod):
    return pod["spec"].get("initContainers", []) + pod["spec"]["containers"]


class Strict(yaml.SafeLoader):
    """Rejects duplicate keys, which PyYAML accepts."""

    def construct_mapping(self, node, deep=False):
        keys = [key.value for key, _ in node.value]
        twice = {key for key in keys if keys.count(key) > 1}
        assert not twice, f"{sorted(twice)}{node.start_mark}"
        return super().construct_mapping(node, deep)


def says_everything_once(r):
    """no object has a duplicate key"""
    list(yaml.load_all(r.text, Strict))


def has_every_object(r):
    """the objects have the names that the program and its command line expect"""
    n = r.name
    of_signals = r.on_kubernetes(f"{n}-signals-edit", f"{n}-signals-view")
    of_store = r.on_kubernetes(f"{n}-store")
    expected = {
        "Certificate": [n] if r.mode() == "certManager" else [],
        "ClusterRole": [
            *with_controller(r, f"{n}-controller", f"{n}-controller-kinds"),
            *of_signals,
            f"{n}-store",
            f"{n}-webhook",
        ],
        "ClusterRoleBinding": [*with_controller(r, f"{n}-controller"), f"{n}-store", f"{n}-webhook"],
        "CustomResourceDefinition": r.on_kubernetes("signals.oncue.dev") if r.values != "without-controller" else [],
        "Deployment": [*of_store, f"{n}-webhook"],
        "FlowSchema": of_store if r.values != "without-controller" else [],
        "MutatingWebhookConfiguration": [n],
        "NetworkPolicy": [name for name in (f"{n}-store", f"{n}-webhook") if name in isolated(r)],
        "Role": [f"{n}-operator-token", f"{n}-store", f"{n}-webhook"],
        "RoleBinding": [f"{n}-store", f"{n}-webhook"],
        "Secret": [f"{n}-webhook-ca"] if r.mode() == "selfManaged" else [],
        "Service": [f"{n}-store", f"{n}-webhook"],
        "ServiceAccount": [f"{n}-operator", f"{n}-store", f"{n}-webhook"],
        "StatefulSet": [] if of_store else [f"{n}-store"],
        "ValidatingAdmissionPolicy": fences(r),
        "ValidatingAdmissionPolicyBinding": fences(r),
    }
    for kind, names in expected.items():
        assert r.names(kind) == names, (kind, r.names(kind))
    ports = {
        o["metadata"]["name"]: {p["name"]: p["port"] for p in o["spec"]["ports"]} for o in r.of("Service")
    }
    assert ports[f"{n}-webhook"] == {"https": 443, "metrics": 9998}, ports
    assert set(ports[f"{n}-store"]) == {"http", "metrics"}, ports
    assert not r.of("Namespace"), "Helm creates the namespace, or someone else does"


def isolated(r):
    """The names of the workloads that have a NetworkPolicy. There is none for pods in their node's network."""
    names = {f"{r.name}-store", f"{r.name}-webhook"} if r.values != "small" else set()
    return names - ({f"{r.name}-webhook"} if r.values == "host-network" else set())


def fences(r):
    """The names of the policies that restrict oncue's own accounts."""
    if r.values == "small":
        return []
    n = r.name
    of_controller = with_controller(r, f"{n}-store-events", f"{n}-store-pods")
    return [*of_controller, *r.on_kubernetes(f"{n}-store-signals"), f"{n}-webhook-configurations"]


def with_controller(r, *names):
    return names if r.has_controller() else ()


def is_labelled_and_placed(r):
    """every object has the labels and the namespace of its release"""
    clusterwide = (
        "ClusterRole",
        "ClusterRoleBinding",
        "CustomResourceDefinition",
        "FlowSchema",
        "MutatingWebhookConfiguration",
        "PriorityLevelConfiguration",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
    )
    for o in r.objects:
        metadata = o["metadata"]
        labels = metadata["labels"]
        assert labels["app.kubernetes.io/name"] == "oncue", metadata
        assert labels["app.kubernetes.io/instance"] == "oncue", metadata
        assert labels["app.kubernetes.io/managed-by"] == "Helm", metadata
        assert (metadata.get("namespace") == NAMESPACE) != (o["kind"] in clusterwide), metadata


def holds_no_certificate(r):
    """there is no certificate, key or caBundle, and the Secret is empty"""
    for secret in r.of("Secret"):
        assert secret["type"] == "Opaque" and not {"data", "stringData"} & secret.keys(), secret
    objects = json.dumps(r.objects)
    assert "caBundle" not in json.dumps(r.admission), r.admission
    assert not re.search(r"-----BEGIN|LS0tLS1CRUdJTi", objects), "a certificate"


def asks_for_no_more_rights(r):
    """the permissions are those that the webhook and the store use, on named objects where that is possible"""
    role = r.named("Role", f"{r.name}-webhook")
    cluster_role = r.named("ClusterRole", f"{r.name}-webhook")
    read = ["get", "list", "watch"]
    assert role["rules"] == [
        rule("", "secrets", r.secret(), [*read, *(["update"] if r.mode() == "selfManaged" else [])]),
        *lease(f"{r.name}-webhook"),
        rule("", "services", f"{r.name}-store", ["get"]),
    ], role["rules"]
    published = [*read, *(["patch"] if r.mode() != "certManager" else [])]
    assert cluster_role["rules"] == [
        rule("admissionregistration.k8s.io", "mutatingwebhookconfigurations", r.name, published)
    ], cluster_role["rules"]
    (rules,) = r.named("Role", f"{r.name}-operator-token")["rules"]
    assert rules == rule("", "serviceaccounts/token", f"{r.name}-operator", ["create"]), rules
    for binding in r.of("RoleBinding") + r.of("ClusterRoleBinding"):
        account = "webhook" if binding["metadata"]["name"] == f"{r.name}-webhook" else "store"
        subject = {"kind": "ServiceAccount", "name": f"{r.name}-{account}", "namespace": NAMESPACE}
        assert binding["subjects"] == [subject], binding
    tokens = {name: pod["spec"]["automountServiceAccountToken"] for name, pod in r.pods()}
    assert tokens == {f"{r.name}-webhook": True, f"{r.name}-store": True, f"{r.name}-test": False}, tokens
    assert all(o["automountServiceAccountToken"] is False for o in r.of("ServiceAccount"))


def lease(name):
    """The rules about a Lease of this name. A permission to create cannot be restricted to a name."""
    leases = {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"]}
    return [{**leases, "verbs": ["create"]}, {**leases, "resourceNames": [name], "verbs": ["get", "update"]}]


def writes_signals_and_its_lease(r):
    """the store reads one Secret; with the backend kubernetes, it writes Signals and one Lease, and people do with Signals what they may"""
    assert r.named("Role", f"{r.name}-store")["rules"] == [
        rule("", "secrets", r.secret(), ["get", "list", "watch"]),
        *(lease(f"{r.name}-store") if r.backend == "kubernetes" else []),
    ]
    if r.backend == "embedded":
        return
    everything = ["get", "list", "watch", "create", "patch", "delete"]
    pod = r.store["spec"]["template"]["spec"]
    for flag in (f"--lease={r.name}-store", f"--inject-own-namespace={NAMESPACE}"):
        assert flag in pod["containers"][0]["args"], pod
    expected = {
        "store": (everything, []),
        "signals-view": (["get", "list", "watch"], ["admin", "edit", "view"]),
        "signals-edit": (["create", "update", "patch", "delete", "deletecollection"], ["admin", "edit"]),
    }
    for name, (verbs, widened) in expected.items():
        role = r.named("ClusterRole", f"{r.name}-{name}")
        rules = [{"apiGroups": ["oncue.dev"], "resources": ["signals"], "verbs": verbs}]
        assert role["rules"] == ([REVIEWS, NAMESPACES] if name == "store" else []) + rules, role
        labels = role["metadata"]["labels"].items()
        into = [key.partition("/aggregate-to-")[2] for key, value in labels if "/aggregate-to-" in key and value == "true"]
        assert sorted(into) == widened, role


def asks_who_calls(r):
    """the store asks the API server about every token, and by default nobody may call it without one"""
    args = r.store["spec"]["template"]["spec"]["containers"][0]["args"]
    flags = dict(arg.lstrip("-").split("=", 1) for arg in args if "=" in arg)
    assert flags["identity"] == "kubernetes" and "--anyone-may-signal" not in args, args
    assert flags["operator"] == r.named("ServiceAccount", f"{r.name}-operator")["metadata"]["name"], flags
    strict = r.values != "cert-manager"
    assert flags["accept-plain"] == ("false" if strict else "true"), flags
    assert flags.get("plain-namespaces") == (None if strict else "default,legacy"), flags
    assert r.named("ClusterRole", f"{r.name}-store")["rules"][0] == REVIEWS
    assert r.config()["inject"]["identity"] is True, r.config()


# Which namespaces permit what, as the store's replicas watch it.
NAMESPACES = {"apiGroups": [""], "resources": ["namespaces"], "verbs": ["list", "watch"]}
# Asks the API server whose token a caller has.
REVIEWS = {"apiGroups": ["authentication.k8s.io"], "resources": ["tokenreviews"], "verbs": ["create"]}


def speaks_tls(r):
    """the store speaks TLS under the names of its Service, as the store's URL says"""
    args = r.store["spec"]["template"]["spec"]["containers"][0]["args"]
    flags = dict(arg.lstrip("-").split("=", 1) for arg in args if "=" in arg)
    assert flags["inject-own-namespace"] == NAMESPACE, flags
    host = re.fullmatch(r"https://(.*)\.:\d+", r.config()["inject"]["store-url"])[1]
    assert flags["store-name"].split(",") == [f"{r.name}-store.{NAMESPACE}.svc", host], flags
    place = "ca-secret" if r.mode() == "selfManaged" else "tls-secret"
    assert flags[place] == r.config()[place] == r.secret(), flags
    (test,) = r.of("Pod")
    for container in containers(test):
        env = {e["name"]: e for e in container["env"]}
        assert env["ONCUE_CA"]["valueFrom"]["secretKeyRef"] == {"name": r.secret(), "key": "ca.crt"}, env


def takes_the_certificates_of_its_mode(r):
    """cert-manager issues a certificate for every name and publishes its authority, if it is told to"""
    annotations = r.admission["metadata"].get("annotations", {})
    certificates = r.of("Certificate")
    assert bool(certificates) == ("cert-manager.io/inject-ca-from" in annotations), annotations
    for certificate in certificates:
        place = f"{NAMESPACE}/{certificate['metadata']['name']}"
        assert annotations["cert-manager.io/inject-ca-from"] == place, annotations
        spec, config = certificate["spec"], r.config()
        args = r.store["spec"]["template"]["spec"]["containers"][0]["args"]
        (names,) = [arg.split("=", 1)[1] for arg in args if arg.startswith("--store-name=")]
        assert spec["dnsNames"] == [*config["webhook-name"], *names.split(",")], spec
        assert spec["secretName"] == r.secret() and spec["issuerRef"]["name"], spec


def keeps_its_resource(r):
    """an uninstallation keeps the CustomResourceDefinition, which is that of the file"""
    for definition in r.of("CustomResourceDefinition"):
        written = yaml.safe_load((CHART / "files/signals.oncue.dev.yaml").read_text())
        assert definition["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}, definition["metadata"]
        assert definition["metadata"]["name"] == written["metadata"]["name"], definition["metadata"]
        assert definition["spec"] == written["spec"], "the spec is not that of the file"


def has_flows_of_its_own(r):
    """the FlowSchema is about the store's ServiceAccount, and comes after those of Kubernetes' own components"""
    for schema in r.of("FlowSchema"):
        spec = schema["spec"]
        level = r.only("PriorityLevelConfiguration")
        assert spec["priorityLevelConfiguration"]["name"] == level["metadata"]["name"], spec
        assert 900 < spec["matchingPrecedence"] < 9000, spec
        (rules,) = spec["rules"]
        account = {"name": r.store["spec"]["template"]["spec"]["serviceAccountName"], "namespace": NAMESPACE}
        assert rules["subjects"] == [{"kind": "ServiceAccount", "serviceAccount": account}], rules


def writes_only_reports_and_gates(r):
    """the controller may only read, except that it reports on pods, and patches them if it opens gates"""
    kinds = [o for o in r.of("ClusterRole") if o["metadata"]["name"] == f"{r.name}-controller-kinds"]
    read = ["get", "list", "watch"]
    written = [rule for o in kinds for rule in o["rules"] if rule["verbs"] != read]
    opens_gates = r.has_controller() and r.config()["inject"]["gates"]
    reports = [
        {"apiGroups": [""], "resources": ["pods/status"], "verbs": ["patch"]},
        {"apiGroups": ["events.k8s.io"], "resources": ["events"], "verbs": ["create", "patch"]},
    ]
    patch = {"apiGroups": [""], "resources": ["pods"], "verbs": ["patch"]}
    expected = (reports if r.has_controller() else []) + ([patch] if opens_gates else [])
    assert written == expected, written


def fences_its_own_accounts(r):
    """the fence concerns only oncue's own ServiceAccounts, and denies what it does not allow"""
    for policy in r.of("ValidatingAdmissionPolicy"):
        name, spec = policy["metadata"]["name"], policy["spec"]
        assert r.named("ValidatingAdmissionPolicyBinding", name)["spec"] == {
            "policyName": name,
            "validationActions": ["Deny"],
        }, name
        account = name.rpartition("-")[0]
        r.named("ServiceAccount", account)
        user = f"request.userInfo.username == 'system:serviceaccount:{NAMESPACE}:{account}'"
        assert [condition["expression"] for condition in spec["matchConditions"]] == [user], name
        assert spec["failurePolicy"] == "Fail", name
        assert [rules["operations"] for rules in spec["matchConstraints"]["resourceRules"]] == [["*"]], name
        for validation in spec["validations"]:
            assert validation["reason"] == "Forbidden" and account in validation["message"], validation
    for policy in r.of("ValidatingAdmissionPolicy"):
        if policy["metadata"]["name"].endswith("-pods"):
            inject, text = r.config()["inject"], json.dumps(policy["spec"])
            assert f"gate.name != '{inject['prefix']}/depends-on'" in text, text
            assert ("in ['', 'status']" in text) == inject["gates"], text


def rule(group, resource, name, verbs):
    return {"apiGroups": [group], "resources": [resource], "resourceNames": [name], "verbs": verbs}


def is_restricted(r):
    """every pod meets the restricted Pod Security profile, except with webhook.hostNetwork, and has a read-only root"""
    on_host = [name for name, pod in r.pods() if pod["spec"].get("hostNetwork")]
    assert on_host == ([f"{r.name}-webhook"] if r.values == "host-network" else []), on_host
    for name, pod in r.pods():
        spec = pod["spec"]
        context = spec["securityContext"]
        assert context["runAsNonRoot"] is True, name
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert context.get("runAsUser") != 0, name
        assert not spec.get("hostPID") and not spec.get("hostIPC"), name
        kinds = {kind for volume in spec.get("volumes", []) for kind in volume if kind != "name"}
        assert kinds <= {"configMap", "emptyDir", "projected"}, (name, kinds)
        for container in containers(pod):
            context = container["securityContext"]
            assert context["allowPrivilegeEscalation"] is False, container
            assert context["capabilities"] == {"drop": ["ALL"]}, container
            assert context["readOnlyRootFilesystem"] is True, container
            assert "command" not in container, "images have no shell, and an entry point of their own"


def runs_where_its_images_do(r):
    """every pod selects nodes that its image supports"""
    for name, pod in r.pods():
        selector = pod["spec"]["nodeSelector"]
        assert selector == {"kubernetes.io/os": "linux"}, (name, selector)


def lives_well(r):
    """our pods have probes on the admin port, a memory limit, no CPU limit and a sufficient grace period"""
    for workload in (r.webhook, r.store):
        pod = workload["spec"]["template"]
        (container,) = pod["spec"]["containers"]
        for probe, path in (("livenessProbe", "/healthz"), ("readinessProbe", "/readyz")):
            assert container[probe]["httpGet"] == {"path": path, "port": "admin"}, container[probe]
        assert list(container["resources"]["limits"]) == ["memory"], container["resources"]
        assert container["resources"]["requests"].keys() == {"cpu", "memory"}, container["resources"]
        env = {e["name"]: e for e in container["env"]}
        assert len(env) == len(container["env"]), container["env"]
        assert env["ONCUE_MEMORY_LIMIT"]["valueFrom"] == {"resourceFieldRef": {"resource": "limits.memory"}}, env
        selector = workload["spec"]["selector"]["matchLabels"]
        labels = pod["metadata"]["labels"]
        assert selector.items() <= labels.items(), labels
        assert not any("version" in key or "chart" in key for key in labels), labels
        assert pod["spec"]["terminationGracePeriodSeconds"] >= 30, pod
        assert pod["spec"]["enableServiceLinks"] is False, pod
    strategy = r.webhook["spec"]["strategy"]["rollingUpdate"]
    on_host = r.webhook["spec"]["template"]["spec"].get("hostNetwork", False)
    assert strategy == {"maxSurge": 1, "maxUnavailable": int(on_host)}, strategy
    for budget in r.of("PodDisruptionBudget"):
        assert budget["spec"]["unhealthyPodEvictionPolicy"] == "AlwaysAllow", budget


def outlives_a_node(r):
    """with the backend kubernetes, the store has two pods on two nodes by default, and never none during an update"""
    spec = r.store["spec"]
    pod = spec["template"]["spec"]
    if r.backend == "embedded":
        assert spec["replicas"] == 1 and "topologySpreadConstraints" not in pod, spec
        assert f"{r.name}-store" not in r.names("PodDisruptionBudget")
        return
    assert spec["replicas"] == {"everything": 3, "without-controller": 1}.get(r.values, 2), spec
    assert spec["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}, spec["strategy"]
    keys = [constraint["topologyKey"] for constraint in pod["topologySpreadConstraints"]]
    # With a zone in another constraint, the scheduler would not spread the pods of a cluster without zones.
    assert keys == ["kubernetes.io/hostname"] or r.values == "everything", keys
    assert (f"{r.name}-store" in r.names("PodDisruptionBudget")) == (r.values != "without-controller")


def keeps_what_it_is_told(r):
    """the embedded store keeps its variables on a volume, unless it is ephemeral; the other one has no volume"""
    pod = r.store["spec"]["template"]["spec"]
    assert f"--store={r.backend}" in pod["containers"][0]["args"], pod
    if r.backend == "kubernetes":
        assert "volumes" not in pod and "volumeMounts" not in pod["containers"][0], pod
        assert "fsGroup" not in pod["securityContext"], pod
        return
    volumes = {v["name"]: v for v in pod.get("volumes", [])}
    claims = [c["metadata"]["name"] for c in r.store["spec"].get("volumeClaimTemplates", [])]
    assert ("data" in volumes) != (claims == ["data"]), (volumes, claims)
    (mount,) = pod["containers"][0]["volumeMounts"]
    assert f"--data={mount['mountPath']}" in pod["containers"][0]["args"], mount
    context = pod["securityContext"]
    assert context.get("fsGroup") == context.get("runAsUser"), context


def configures_the_webhook(r):
    """the configuration names the objects of this release"""
    config, inject = r.config(), r.config()["inject"]
    assert config["roles"] == ["webhook"], config
    assert config["webhook-configuration"] == r.name, config
    assert config["webhook-lease"] == f"{r.name}-webhook", config
    host = f"{r.name}-webhook.{NAMESPACE}.svc"
    domain = inject["store-url"].split(f"{NAMESPACE}.svc.")[1].split(".:")[0]
    assert config["webhook-name"] == [host, f"{host}.{domain}"], config
    (pod,) = [pod for name, pod in r.pods() if name == f"{r.name}-webhook"]
    ports = {p["name"]: f"[::]:{p['containerPort']}" for p in pod["spec"]["containers"][0]["ports"]}
    assert (config["webhook"], config["admin"]) == (ports["https"], ports["admin"]), config
    service = r.named("Service", f"{r.name}-store")
    port = {p["name"]: p["port"] for p in service["spec"]["ports"]}["http"]
    assert inject["store-url"] == f"https://{r.name}-store.{NAMESPACE}.svc.{domain}.:{port}", inject
    assert inject["store-service"] == service["metadata"]["name"], inject
    assert inject["own-namespace"] == NAMESPACE, inject
    assert re.fullmatch(r"[0-9a-f]{64}", pod["metadata"]["annotations"]["checksum/config"])


def asks_about_annotated_pods_only(r):
    """the API server calls oncue for annotated pods only, never for pods of oncue or of the system"""
    pods, *lint = r.admission["webhooks"]
    own = [condition["name"] for condition in pods["matchConditions"][:2]]
    assert own == ["asks-for-oncue", "is-no-mirror-pod"], f"{own}: _validate.tpl knows them by name"
    assert pods["name"] == "pods.oncue.dev", pods
    assert pods["reinvocationPolicy"] == "IfNeeded" and pods["clientConfig"]["service"]["path"] == "/mutate", pods
    (rules,) = pods["rules"]
    assert rules["operations"] == ["CREATE"] and rules["resources"] == ["pods"], rules
    for entry in lint:
        assert entry["name"] == "workloads.oncue.dev", entry
        assert entry["failurePolicy"] == "Ignore" and entry["clientConfig"]["service"]["path"] == "/lint", entry
        resources = {r for rules in entry["rules"] for r in rules["resources"]}
        assert not any("/" in resource for resource in resources), resources
    prefix, bare = r.config()["inject"]["prefix"], r.config()["inject"]["bare-keys"]
    for entry in r.admission["webhooks"]:
        assert entry["sideEffects"] == "None" and entry["matchPolicy"] == "Equivalent", entry
        assert 1 <= entry["timeoutSeconds"] <= 5, entry
        assert all(rules["scope"] == "Namespaced" for rules in entry["rules"]), entry
        left_alone = entry["namespaceSelector"]["matchExpressions"][0]
        assert left_alone["key"] == "kubernetes.io/metadata.name" and left_alone["operator"] == "NotIn"
        # Workloads are checked everywhere: those whose pods are not injected get a warning.
        kept_out = {NAMESPACE} if entry["name"] == "workloads.oncue.dev" else {NAMESPACE, *r.config()["inject"]["excluded-namespaces"]}
        assert kept_out <= set(left_alone["values"]), left_alone
        asks = entry["matchConditions"][0]["expression"]
        assert "has(object.metadata.annotations)" in asks and f"startsWith('{prefix}/')" in asks, asks
        assert ("key == 'depends-on'" in asks) == ("key == 'signals'" in asks) == bare, asks


def lets_its_test_in(r):
    """NetworkPolicies always admit the pod of helm test"""
    (test,) = r.of("Pod")
    for policy in r.of("NetworkPolicy"):
        rules = policy["spec"]["ingress"]
        (serving,) = [rule for rule in rules if rule["ports"] in ([{"port": "http"}], [{"port": "https"}])]
        peers = [p.get("podSelector", {}).get("matchLabels") for p in serving.get("from", [])]
        labels = test["metadata"]["labels"].items()
        assert not peers or any(peer and peer.items() <= labels for peer in peers), (policy, labels)


def reaches_the_api_server_only(r):
    """the webhook and the store reach the API server and DNS, and by default only pods read their metrics"""
    for policy in r.of("NetworkPolicy"):
        spec = policy["spec"]
        assert spec["policyTypes"] == ["Ingress", "Egress"], spec
        of_server, of_names = (rule["ports"] for rule in spec["egress"])
        expected = [6444] if r.values == "without-gates" else [443, 6443, 8443, 16443]
        assert of_server == [{"port": port, "protocol": "TCP"} for port in expected], of_server
        assert [port["port"] for port in of_names] == [53, 53, 5353, 5353], of_names
        (admin,) = [rule for rule in spec["ingress"] if rule["ports"] == [{"port": "admin"}]]
        readers = {"without-gates": None, "everything": admin.get("from")}.get(r.values, [{"namespaceSelector": {}}])
        assert admin.get("from") == readers, admin


def is_watched(r):
    """alerts and dashboard are complete and select this release"""
    for monitor in r.of("PrometheusRule"):
        expressions = [rule["expr"] for group in monitor["spec"]["groups"] for rule in group["rules"]]
        assert expressions and not re.search(r"\b(NAMESPACE|WEBHOOK|STORE)\b", json.dumps(monitor)), monitor
        ours = [e for e in expressions if "oncue_" in e or "up{" in e]
        assert all(f'namespace="{NAMESPACE}"' in e for e in ours), ours
        alerts = [rule["alert"] for group in monitor["spec"]["groups"] for rule in group["rules"]]
        assert ("OncueWebhookOneLeft" in alerts) == (r.webhook["spec"]["replicas"] > 1), alerts
        assert ("OncueStoreOneLeft" in alerts) == (r.store["spec"]["replicas"] > 1), alerts
        assert ("OncueStoreVolumeFills" in alerts) == bool(r.store["spec"].get("volumeClaimTemplates")), alerts
    for dashboard in r.of("ConfigMap"):
        for text in (v for k, v in dashboard["data"].items() if k.endswith(".json")):
            panels = json.loads(text)["panels"]
            assert len({p["id"] for p in panels}) == len(panels), "panels have ids of their own"


RENDERED = [
    says_everything_once,
    has_every_object,
    is_labelled_and_placed,
    holds_no_certificate,
    asks_for_no_more_rights,
    writes_signals_and_its_lease,
    asks_who_calls,
    speaks_tls,
    takes_the_certificates_of_its_mode,
    keeps_its_resource,
    has_flows_of_its_own,
    writes_only_reports_and_gates,
    fences_its_own_accounts,
    is_restricted,
    runs_where_its_images_do,
    lives_well,
    outlives_a_node,
    keeps_what_it_is_told,
    configures_the_webhook,
    asks_about_annotated_pods_only,
    lets_its_test_in,
    reaches_the_api_server_only,
    is_watched,
]


def values_are_in_the_schema():
    """values.yaml and values.schema.json have the same keys, each with a description, and the schema names every alert"""
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    schema = json.loads((CHART / "values.schema.json").read_text())
    # Helm's own, and a parent chart's.
    known = dict(values, **{key: None for key in ("global", "enabled")})
    compare("", known, schema)
    disabled = schema["properties"]["metrics"]["properties"]["prometheusRule"]["properties"]["disabled"]
    groups = yaml.safe_load((CHART / "files/alerts.yaml").read_text())["groups"]
    alerts = [rule["alert"] for group in groups for rule in group["rules"]]
    assert disabled["items"]["enum"] == alerts, alerts


def compare(path, values, schema):
    if "properties" not in schema or not isinstance(values, dict):
        return
    assert schema["additionalProperties"] is False, path
    missing = values.keys() ^ schema["properties"].keys()
    assert not missing, f"{path}: {sorted(missing)} is not in both values.yaml and values.schema.json"
    for key, part in schema["properties"].items():
        assert part.get("description"), f"{path}/{key} is not described in values.schema.json"
        compare(f"{path}/{key}", values[key], part)


def versions_agree():
    """the versions of the chart and its images are those of the workspace"""
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    cargo = (CHART.parent.parent / "Cargo.toml").read_text()
    version = re.search(r'\[workspace\.package\]\nversion = "([^"]+)"', cargo)[1]
    assert chart["appVersion"] == chart["version"] == version, (chart["version"], version)
    images = yaml.safe_load(chart["annotations"]["artifacthub.io/images"])
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    expected = [f"{v['repository']}:{version}" for v in (values["image"], values["client"]["image"])]
    assert [image["image"] for image in images] == expected, images


def names_tests_that_exist():
    """every test that docs/security.md names exists, and every line about who can do what names one"""
    root = CHART.parent.parent
    test = re.compile(r"#\[(?:tokio::)?test[^\]]*\]\s+(?:#\[[^\]]*\]\s+)*(?:async )?fn (\w+)\(")
    tests = {f"rendered.py::{check.__name__}" for check in RENDERED}
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if name not in (".git", "target")]
        for name in files:
            if name.endswith(".rs"):
                tests.update(test.findall(pathlib.Path(folder, name).read_text()))
    text = (root / "docs/security.md").read_text()
    named = re.findall(r"`((?:rendered\.py::)?[a-z0-9]+(?:_[a-z0-9]+){3,})`", text)
    assert named, "it names no test"
    missing = sorted(set(named) - tests)
    assert not missing, f"there is no test {', '.join(missing)}"
    for table in re.findall(r"((?:^\|.*\n)+)", text, flags=re.M):
        header, _, *rows = table.splitlines()
        if header.rstrip(" |").endswith("tests"):
            for row in rows:
                assert row.rstrip().endswith(("` |", "| - |")), f"no test: {row}"


if __name__ == "__main__":
    main(sys.argv[1:])
