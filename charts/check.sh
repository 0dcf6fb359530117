#!/usr/bin/env bash
# Checks the chart without a cluster, and prints each check that passes.
#
#   charts/check.sh           checks
#   charts/check.sh --write   generates the chart's README from values.yaml and README.md.gotmpl
#
# Needs helm (from PATH, or from kindbox), python3 with PyYAML, and go, which builds helm-docs once. helm-docs is kept in
# ONCUE_CI_CACHE, by default ~/.cache/oncue-ci.
set -euo pipefail
cd "$(dirname "$0")"

helm_docs_version=1.14.2
tools=${ONCUE_CI_CACHE:-$HOME/.cache/oncue-ci}/tools
kindbox=${KINDBOX_CACHE:-$HOME/.cache/kindbox}/bin
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
# Makes the checks independent of your cluster, plugins and repositories.
export KUBECONFIG=/dev/null HELM_CONFIG_HOME=$scratch/helm HELM_DATA_HOME=$scratch/helm HELM_CACHE_HOME=$scratch/helm

die() {
    printf 'charts/check.sh: %s\n' "$*" >&2
    exit 1
}

holds() {
    printf 'ok  %s\n' "$*"
}

need_tools() {
    command -v helm >/dev/null || PATH=$PATH:$kindbox
    command -v helm >/dev/null || die 'helm is missing: run e2e/kindbox/kindbox tools, or see https://helm.sh/docs/intro/install'
    python3 -c 'import yaml' 2>/dev/null || die 'PyYAML is missing: apt-get install python3-yaml, or pip install pyyaml'
    helm_docs=$tools/helm-docs-$helm_docs_version/helm-docs
    [ -x "$helm_docs" ] && return
    command -v go >/dev/null || die 'go is missing, which builds helm-docs: apt-get install golang-go, or see https://go.dev/dl'
    GOBIN=$(dirname "$helm_docs") go install "github.com/norwoodj/helm-docs/cmd/helm-docs@v$helm_docs_version"
}

# Prints what the README should be.
readme() {
    cp -r oncue "$scratch/oncue"
    "$helm_docs" --chart-search-root "$scratch/oncue" --skip-version-footer --log-level warning
    cat "$scratch/oncue/README.md"
}

# Renders with the values file $1.
render() {
    helm template oncue oncue --namespace oncue-system --values "$1"
}

lint() {
    local values
    for values in oncue/ci/*.yaml; do
        helm lint --strict --quiet --values "$values" oncue
    done
    holds 'helm lint --strict, with the values of every file in ci/'
}

fresh_readme() {
    readme | diff -u oncue/README.md - || die 'the README is not up to date: run charts/check.sh --write'
    holds 'the README is up to date with values.yaml'
}

renders() {
    local values
    mkdir "$scratch/rendered"
    for values in oncue/ci/*.yaml; do
        render "$values" >"$scratch/rendered/${values##*/}"
        render "$values" | cmp - "$scratch/rendered/${values##*/}" || die "two renders with $values differ"
    done
    holds 'two renders are equal, with the values of every file in ci/'
    python3 rendered.py "$scratch"/rendered/*
}

# Checks that the notes of an installation with the arguments after $1 have the line $1.
notes_have() {
    local line=$1 notes
    shift
    notes=$(helm install oncue oncue --dry-run=client "$@")
    grep -Fxq -- "  $line" <<<"$notes" || die "the notes of $* do not have: $line"
    holds "the notes of $* have: $line"
}

notes() {
    notes_have 'kubectl --namespace cue rollout status deployment/oncue-webhook deployment/oncue-store --timeout=2m' \
        --namespace cue
    notes_have 'kubectl --namespace cue rollout status deployment/oncue-webhook statefulset/oncue-store --timeout=2m' \
        --namespace cue --set store.backend=embedded
    notes_have 'kubectl delete customresourcedefinition signals.oncue.dev' --namespace cue
    notes_have 'kubectl --namespace cue delete pvc data-oncue-store-0' --namespace cue --set store.backend=embedded
    notes_have 'oncue status -A --injected' --namespace oncue-system
    notes_have 'kubectl --namespace oncue-system port-forward service/oncue-store 9999 &' --namespace oncue-system
    notes_have 'TOKEN=$(kubectl --namespace oncue-system create token oncue-operator --audience oncue)' \
        --namespace oncue-system
    notes_have 'oncue status -A --system-namespace cue' --namespace cue
    notes_have "oncue release --all --reason 'oncue is uninstalled' --system-namespace cue" --namespace cue
    notes_have 'oncue status -A --system-namespace cue --injected --inject-prefix cue.example.com' \
        --namespace cue --set annotations.prefix=cue.example.com
}

# Checks that rendering with the arguments after $1 is rejected with a message that matches $1.
rejects() {
    local message=$1 output
    shift
    if output=$(helm template oncue oncue --namespace oncue-system "$@" 2>&1 >/dev/null); then
        die "$* is not rejected"
    fi
    grep -Eq -- "$message" <<<"$output" || die "$* is rejected, but not with \"$message\":"$'\n'"$output"
    holds "rejects $*: $message"
}

rejections() {
    rejects "'/webhook': additional properties 'replica' not allowed" --set webhook.replica=3
    rejects "'/store': additional properties 'replica' not allowed" --set store.replica=2
    rejects "'/store/backend': value must be one of 'kubernetes', 'embedded'" --set store.backend=etcd
    rejects 'store.backend: there is no backend "etcd". Set it to kubernetes or embedded' \
        --set store.backend=etcd --skip-schema-validation
    rejects "'/store/formerVariables': value must be one of '', 'carry-over', 'discard'" --set store.formerVariables=keep
    rejects "'/certificates/mode': value must be one of 'selfManaged', 'certManager', 'existingSecret'" \
        --set certificates.mode=none
    rejects 'certificates.mode: there is no mode "none"' --set certificates.mode=none --skip-schema-validation
    rejects 'certificates.issuerRef.name: certManager needs an issuer' --set certificates.mode=certManager
    rejects 'certificates.secretName: existingSecret needs a Secret' --set certificates.mode=existingSecret
    rejects 'certificates.secretName: the mode selfManaged has a Secret of its own' --set certificates.secretName=x
    rejects "additional properties 'fences' not allowed" --set policy.fences=true
    rejects "'/store/acceptPlain': got string, want null or boolean" --set-string store.acceptPlain=yes
    rejects "'/store/plainNamespaces/0': 'Default' does not match pattern" --set 'store.plainNamespaces={Default}'
    rejects 'store.replicas: 2 pods need the backend kubernetes' --set store.backend=embedded,store.replicas=2
    rejects 'store.ephemeral: the backend kubernetes has no volume' --set store.ephemeral=true
    rejects "'/store/replicas': minimum: got 0, want 1" --set store.replicas=0
    rejects "additional properties 'colour' not allowed" --set colour=red
    rejects "'/webhook/replicas': got string, want integer" --set-string webhook.replicas=two
    rejects "'/webhook/replicas': minimum: got 0, want 1" --set webhook.replicas=0
    rejects "'/webhook/port': minimum: got 443, want 1,024" --set webhook.port=443
    rejects "'/store/ephemeral': got string, want boolean" --set-string store.ephemeral=yes
    rejects "'/store/persistence/size': '1 GB' does not match pattern" --set 'store.persistence.size=1 GB'
    rejects "'/image/tag': got number, want string" --set-json image.tag=1.10
    rejects "'/image/digest': 'latest' does not match pattern" --set image.digest=latest
    rejects "'/image/repository': 'oncue:1' does not match pattern" --set image.repository=oncue:1
    rejects "'/runAsUser': minimum: got 0, want 1" --set runAsUser=0
    rejects "'/admission/failurePolicy': value must be one of 'Fail', 'Ignore'" --set admission.failurePolicy=fail
    rejects "'/admission/timeoutSeconds': maximum: got 60, want 30" --set admission.timeoutSeconds=60
    rejects "'/annotations/prefix': 'oncue.dev/' does not match pattern" --set annotations.prefix=oncue.dev/
    rejects "'/client/resources/limits': additional properties 'nvidia' not allowed" --set client.resources.limits.nvidia=1
    rejects "'/client/resources/limits': missing property 'cpu'" --set client.resources.limits.cpu=null
    rejects "'/client/resources': missing property 'limits'" --set client.resources.limits=null
    rejects "'/client': missing property 'resources'" --set client.resources=null
    rejects 'store.resources.limits.memory: 64Mi is too small' --set store.resources.limits.memory=64Mi
    rejects 'webhook.resources.limits.memory: 128Mi is too small' --set webhook.resources.limits.memory=128Mi
    rejects 'client.resources: requests.cpu is 250m, which is above limits.cpu, 200m' --set client.resources.requests.cpu=250m
    rejects 'requests.cpu is 1, which is above limits.cpu, 999m' \
        --set client.resources.requests.cpu=1,client.resources.limits.cpu=999m
    rejects 'requests.memory is 1Gi, which is above limits.memory, 1G' \
        --set client.resources.requests.memory=1Gi,client.resources.limits.memory=1G
    rejects "'/admission/namespaceSelector/0': missing property 'values'" \
        --set-json 'admission.namespaceSelector=[{"key": "team", "operator": "In"}]'
    rejects "'/admission/namespaceSelector/0/values': minItems: got 0, want 1" \
        --set-json 'admission.namespaceSelector=[{"key": "team", "operator": "NotIn", "values": []}]'
    rejects "'/admission/namespaceSelector/0/values': maxItems: got 1, want 0" \
        --set-json 'admission.namespaceSelector=[{"key": "team", "operator": "Exists", "values": ["shop"]}]'
    rejects "'/policy/readableByAll/0': 'Kube' does not match pattern" --set 'policy.readableByAll={Kube}'
    rejects "'/log/filter': 'verbose' does not match pattern" --set log.filter=verbose
    rejects "'/log/filter': 'info,oncue=verbose' does not match pattern" --set 'log.filter=info\,oncue=verbose'
    rejects "'/log/filter': '=info' does not match pattern" --set-string log.filter==info
    rejects "one of 'OncueWebhookDown'" --set 'metrics.prometheusRule.disabled={NoSuchAlert}'
    rejects 'requires kubeVersion: >=1.30.0-0 which is incompatible with Kubernetes v1.29.0' --kube-version 1.29.0
    rejects "cannot be installed in the namespace kube-system" --namespace kube-system
    rejects "commonLabels: the chart sets the label app.kubernetes.io/name itself" --set 'commonLabels.app\.kubernetes\.io/name=x'
    rejects "admission.labels: the chart sets the label helm.sh/chart itself" --set 'admission.labels.helm\.sh/chart=x'
    rejects "store.podLabels: the chart sets the label app.kubernetes.io/component itself" \
        --set 'store.podLabels.app\.kubernetes\.io/component=x'
    rejects "metrics.dashboard.labels: the chart sets the label app.kubernetes.io/part-of itself" \
        --set 'metrics.dashboard.labels.app\.kubernetes\.io/part-of=x'
    rejects "webhook.podAnnotations: the chart sets the annotation checksum/config itself" \
        --set 'webhook.podAnnotations.checksum/config=x'
    rejects 'admission.matchConditions: the name asks-for-oncue is used twice' \
        --set-json 'admission.matchConditions=[{"name": "asks-for-oncue", "expression": "true"}]'
    rejects 'admission.matchConditions: the name mine is used twice' \
        --set-json 'admission.matchConditions=[{"name": "mine", "expression": "true"}, {"name": "mine", "expression": "true"}]'
    rejects "the kubelet uses port 10250 of every node.*webhook.port=10260" --set webhook.hostNetwork=true
    rejects "the kubelet uses port 10250 of every node.*webhook.adminPort=10261" \
        --set webhook.hostNetwork=true,webhook.port=10260,webhook.adminPort=10250
    rejects 'webhook.port and webhook.adminPort are both 9998' --set webhook.port=9998
    rejects 'store.port and store.adminPort are both 9999' --set store.adminPort=9999
    rejects "store.port: the store's Service uses port 9998 for metrics" --set store.port=9998,store.adminPort=8080
    rejects 'terminationGracePeriodSeconds: 30 seconds are too short' --set webhook.lingerSeconds=20
}

need_tools
if [ "${1-}" = --write ]; then
    readme >"$scratch/README.md"
    cp "$scratch/README.md" oncue/README.md
    exit
fi
[ $# -eq 0 ] || die 'usage: charts/check.sh [--write]'
lint
fresh_readme
python3 rendered.py --sources
renders
notes
rejections
