{{/* Rejects values that cannot work. A message says what is wrong, where, and what to do. */}}
{{- define "oncue.validate" -}}
{{- include "oncue.validate.namespace" . -}}
{{- include "oncue.validate.onlyOne" . -}}
{{- include "oncue.validate.move" . -}}
{{- include "oncue.validate.plain" . -}}
{{- include "oncue.validate.certificates" . -}}
{{- include "oncue.validate.backend" . -}}
{{- include "oncue.validate.switch" . -}}
{{- include "oncue.validate.labels" . -}}
{{- include "oncue.validate.matchConditions" . -}}
{{- include "oncue.validate.ports" . -}}
{{- include "oncue.validate.hostNetwork" . -}}
{{- include "oncue.validate.clientResources" . -}}
{{- include "oncue.validate.memory" (dict "component" "webhook" "values" .Values.webhook "least" "144Mi") -}}
{{- include "oncue.validate.memory" (dict "component" "store" "values" .Values.store "least" (ternary "160Mi" "96Mi" .Values.controller.enabled)) -}}
{{- include "oncue.validate.grace" (dict "component" "webhook" "values" .Values.webhook) -}}
{{- include "oncue.validate.grace" (dict "component" "store" "values" .Values.store) -}}
{{- end -}}

{{- define "oncue.validate.namespace" -}}
{{- if hasPrefix "kube-" .Release.Namespace -}}
{{- fail (printf "\n\noncue cannot be installed in the namespace %s, which is reserved for Kubernetes.\nUse a namespace of its own: helm install %s ... --namespace oncue-system --create-namespace\n" .Release.Namespace .Release.Name) -}}
{{- end -}}
{{- end -}}

{{/*
Two installations would both inject into the same pods. `helm template` does not look at the cluster, so it cannot
detect this.
*/}}
{{- define "oncue.validate.onlyOne" -}}
{{- $name := include "oncue.fullname" . -}}
{{- $there := lookup "admissionregistration.k8s.io/v1" "MutatingWebhookConfiguration" "" "" | default dict -}}
{{- range $there.items | default list -}}
{{- $labels := .metadata.labels | default dict -}}
{{- $annotations := .metadata.annotations | default dict -}}
{{- $release := index $annotations "meta.helm.sh/release-name" | default "" -}}
{{- $namespace := index $annotations "meta.helm.sh/release-namespace" | default "" -}}
{{- $ours := and (eq $release $.Release.Name) (eq $namespace $.Release.Namespace) -}}
{{- $unowned := and (not $release) (eq .metadata.name $name) -}}
{{- if and (eq (index $labels "app.kubernetes.io/name" | default "") "oncue") (not $ours) (not $unowned) -}}
{{- $who := ternary (printf "as the release %s in the namespace %s" $release $namespace) "without Helm" (ne $release "") -}}
{{- $how := ternary (printf "upgrade it: helm upgrade %s ... --namespace %s" $release $namespace) (printf "remove it first: kubectl delete mutatingwebhookconfiguration %s" .metadata.name) (ne $release "") -}}
{{- fail (printf "\n\noncue is already in this cluster, %s (MutatingWebhookConfiguration %s).\nA second installation would inject into the same pods. Instead, %s\n" $who .metadata.name $how) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/*
The store's URL as the release has it now, or nothing. It is read from the ConfigMap in the cluster, which is found by its
labels, because its name may be what changes.
*/}}
{{- define "oncue.formerUrl" -}}
{{- $ours := include "oncue.selectorLabels" (list . "webhook") | fromYaml -}}
{{- range (lookup "v1" "ConfigMap" .Release.Namespace "" | default dict).items | default list -}}
{{- $labels := .metadata.labels | default dict -}}
{{- if deepEqual $labels (merge dict $ours $labels) -}}
{{- index (.data | default dict) "config.yaml" | default "" | fromYaml | dig "inject" "store-url" "" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/*
The store's URL is part of every injected pod and cannot be changed there. The scheme may change, because the port speaks TLS
and plain HTTP.
*/}}
{{- define "oncue.validate.move" -}}
{{- $url := include "oncue.storeUrl" . -}}
{{- $before := include "oncue.formerUrl" . -}}
{{- if and $before (not .Values.store.allowMove) (ne (trimPrefix "http" $before | trimPrefix "s") (trimPrefix "https" $url)) -}}
{{- fail (printf "\n\nThis upgrade would move the store from %s to %s.\nPods that are already injected only know the former URL and would wait forever after a restart. A store with another name\nalso begins with an empty volume.\nKeep store.port, clusterDomain and fullnameOverride as they were. To move the store anyway, set --set store.allowMove=true\nand recreate these pods: %s --injected lists them.\n" $before $url (include "oncue.command.status" $)) -}}
{{- end -}}
{{- end -}}

{{/* Pods that were injected before the store had TLS have no token, and talk to it in plain HTTP. */}}
{{- define "oncue.validate.plain" -}}
{{- if and (kindIs "invalid" .Values.store.acceptPlain) (hasPrefix "http://" (include "oncue.formerUrl" .)) -}}
{{- fail (include "oncue.message.plain" .) -}}
{{- end -}}
{{- end -}}

{{- define "oncue.message.plain" }}

From this version on, the store asks pods for a token, over TLS. Pods that are already injected have no token: they signal and
wait over plain HTTP until they are recreated. State whether they may:
  --set store.acceptPlain=true    They may, as far as their annotations say. Set it to false when no such pod is left.
  --set store.acceptPlain=false   They may not. They wait forever if they start again.
To list them: {{ include "oncue.command.status" . }} --injected
{{ end -}}

{{/* The schema checks the mode too, unless Helm runs with --skip-schema-validation. */}}
{{- define "oncue.validate.certificates" -}}
{{- with .Values.certificates -}}
{{- if not (has .mode (list "selfManaged" "certManager" "existingSecret")) -}}
{{- fail (printf "\n\ncertificates.mode: there is no mode %q. Set it to selfManaged, certManager or existingSecret.\n" (toString .mode)) -}}
{{- end -}}
{{- if and (eq .mode "certManager") (not .issuerRef.name) -}}
{{- fail "\n\ncertificates.issuerRef.name: certManager needs an issuer. Set it to the name of an Issuer in this namespace, or of a\nClusterIssuer with certificates.issuerRef.kind=ClusterIssuer. It must keep its key when it renews its own certificate.\n" -}}
{{- end -}}
{{- if and (eq .mode "existingSecret") (not .secretName) -}}
{{- fail "\n\ncertificates.secretName: existingSecret needs a Secret. Set it to the name of one in this namespace that has tls.crt, tls.key and\nca.crt, valid for the Services of the webhook and of the store.\n" -}}
{{- end -}}
{{- if and (eq .mode "selfManaged") .secretName -}}
{{- fail "\n\ncertificates.secretName: the mode selfManaged has a Secret of its own.\nRemove the value, or set certificates.mode to certManager or existingSecret.\n" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* The schema checks the name too, unless Helm runs with --skip-schema-validation. */}}
{{- define "oncue.validate.backend" -}}
{{- with .Values.store -}}
{{- if not (has .backend (list "kubernetes" "embedded")) -}}
{{- fail (printf "\n\nstore.backend: there is no backend %q. Set it to kubernetes or embedded.\n" (toString .backend)) -}}
{{- end -}}
{{- if and (eq .backend "embedded") (gt (int .replicas) 1) -}}
{{- fail (printf "\n\nstore.replicas: %d pods need the backend kubernetes, because the embedded store supports one process on one volume.\nRemove the value, or set store.backend=kubernetes.\n" (int .replicas)) -}}
{{- end -}}
{{- if and (eq .backend "kubernetes") .ephemeral -}}
{{- fail "\n\nstore.ephemeral: the backend kubernetes has no volume, and its variables never depend on a pod.\nRemove the value, or set store.backend=embedded.\n" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/*
A backend does not find the variables of another one. What the release has now is read from the cluster, so `helm template`
cannot detect a change.
*/}}
{{- define "oncue.validate.switch" -}}
{{- if not .Values.store.formerVariables -}}
{{- $embedded := include "oncue.there" (list . "apps/v1" "StatefulSet" (include "oncue.store" .)) -}}
{{- $kubernetes := include "oncue.there" (list . "apps/v1" "Deployment" (include "oncue.store" .)) -}}
{{- if and $embedded (eq .Values.store.backend "kubernetes") -}}
{{- fail (include "oncue.message.toKubernetes" .) -}}
{{- else if and $kubernetes (eq .Values.store.backend "embedded") -}}
{{- fail (include "oncue.message.toEmbedded" .) -}}
{{- else if and .Release.IsInstall (eq .Values.store.backend "kubernetes") (include "oncue.there" (list . "v1" "PersistentVolumeClaim" (include "oncue.storeClaim" .))) -}}
{{- fail (include "oncue.message.volumeIsLeft" .) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Not empty if the object is in the release's namespace. Takes a list: the root, the apiVersion, the kind, and the name. */}}
{{- define "oncue.there" -}}
{{- with lookup (index . 1) (index . 2) (index . 0).Release.Namespace (index . 3) -}}
{{ .metadata.name }}
{{- end -}}
{{- end -}}

{{- define "oncue.message.toKubernetes" }}

This upgrade would change store.backend from embedded to kubernetes, which does not find the variables on the volume.
{{ include "oncue.message.carryOver" . }}
To keep the backend instead: --set store.backend=embedded
{{ end -}}

{{- define "oncue.message.volumeIsLeft" }}

The volume {{ include "oncue.storeClaim" . }} of an earlier installation has variables, which the backend kubernetes does not find.
To use the volume, set store.backend=embedded. To move its variables to the backend kubernetes, install with
store.backend=embedded first, and upgrade then. Helm then says how.
To install without these variables, delete the volume, or: --set store.formerVariables=discard
{{ end -}}

{{- define "oncue.message.toEmbedded" }}

This upgrade would change store.backend from kubernetes to embedded, which does not read Signal objects.
{{ include "oncue.message.carryOver" . }}
An earlier volume {{ include "oncue.storeClaim" . }} is used again, with all of its old variables. Delete it to begin empty.
To keep the backend instead: --set store.backend=kubernetes
{{ end -}}

{{- define "oncue.message.carryOver" -}}
To carry the durable ones over, save them before the upgrade:
  oncue vars list -A -o yaml {{- include "oncue.flag.systemNamespace" . }} >variables.yaml
Then upgrade with --set store.formerVariables=carry-over, and apply them after the upgrade:
  {{ if eq .Values.store.backend "kubernetes" }}kubectl apply{{ else }}oncue vars apply {{- include "oncue.flag.systemNamespace" . }}{{ end }} -f variables.yaml
To give them up: --set store.formerVariables=discard
{{- if .Values.controller.enabled }}
Signals of running pods come back by themselves: the controller asserts them again.
{{- else }}
The controller is off, so signals of running pods do not come back by themselves.
{{- end }}
{{- end -}}

{{/* A key that stands twice in an object is an error for some tools, and others use one of the two values. */}}
{{- define "oncue.validate.labels" -}}
{{- $values := dict -}}
{{- with .Values -}}
{{- $values = dict "commonLabels" .commonLabels "admission.labels" .admission.labels "webhook.podLabels" .webhook.podLabels "store.podLabels" .store.podLabels -}}
{{- range $name := list "serviceMonitor" "prometheusRule" "dashboard" -}}
{{- $_ := set $values (printf "metrics.%s.labels" $name) (index $.Values.metrics $name).labels -}}
{{- end -}}
{{- end -}}
{{- $own := include "oncue.ownLabels" (list . "webhook") | fromYaml -}}
{{- range $path, $labels := $values -}}
{{- range $key, $_ := $labels -}}
{{- if hasKey $own $key -}}
{{- fail (printf "\n\n%s: the chart sets the label %s itself. Remove it.\n" $path $key) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if hasKey (.Values.webhook.podAnnotations | default dict) "checksum/config" -}}
{{- fail "\n\nwebhook.podAnnotations: the chart sets the annotation checksum/config itself. Remove it.\n" -}}
{{- end -}}
{{- end -}}

{{- define "oncue.validate.matchConditions" -}}
{{- $names := list "asks-for-oncue" "is-no-mirror-pod" -}}
{{- range .Values.admission.matchConditions -}}
{{- if has .name $names -}}
{{- fail (printf "\n\nadmission.matchConditions: the name %s is used twice. Choose another name; the chart itself uses asks-for-oncue and is-no-mirror-pod.\n" .name) -}}
{{- end -}}
{{- $names = append $names .name -}}
{{- end -}}
{{- end -}}

{{- define "oncue.validate.ports" -}}
{{- range $component := list "webhook" "store" -}}
{{- with index $.Values $component -}}
{{- if eq (int .port) (int .adminPort) -}}
{{- fail (printf "\n\n%s.port and %s.adminPort are both %d. Choose two different ports.\n" $component $component (int .port)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if eq (int .Values.store.port) 9998 -}}
{{- fail "\n\nstore.port: the store's Service uses port 9998 for metrics, with any store.adminPort. Choose another port.\n" -}}
{{- end -}}
{{- end -}}

{{- define "oncue.validate.hostNetwork" -}}
{{- if .Values.webhook.hostNetwork -}}
{{- range $name, $other := dict "port" 10260 "adminPort" 10261 -}}
{{- if eq (index $.Values.webhook $name | int) 10250 -}}
{{- fail (printf "\n\nwebhook.hostNetwork: the kubelet uses port 10250 of every node. Choose another port: --set webhook.%s=%d\n" $name $other) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* The webhook rejects this too, but only when it starts. */}}
{{- define "oncue.validate.clientResources" -}}
{{- range $name, $limit := .Values.client.resources.limits -}}
{{- $request := index $.Values.client.resources.requests $name -}}
{{- if gt (include "oncue.amount" $request | float64) (include "oncue.amount" $limit | float64) -}}
{{- fail (printf "\n\nclient.resources: requests.%s is %v, which is above limits.%s, %v. Raise the limit: --set client.resources.limits.%s=%v\n" $name $request $name $limit $name $request) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* The process rejects this too, but only when it starts. */}}
{{- define "oncue.validate.memory" -}}
{{- $limits := (.values.resources | default dict).limits | default dict -}}
{{- with $limits.memory -}}
{{- if lt (include "oncue.amount" . | float64) (include "oncue.amount" $.least | float64) -}}
{{- fail (printf "\n\n%s.resources.limits.memory: %v is too small. Set it to at least %s.\n" $.component . $.least) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "oncue.validate.grace" -}}
{{- $least := add (int .values.lingerSeconds) 12 -}}
{{- if lt (int .values.terminationGracePeriodSeconds) (int $least) -}}
{{- fail (printf "\n\n%s.terminationGracePeriodSeconds: %d seconds are too short. The pod serves for another %d seconds (lingerSeconds) and then needs 12 seconds to finish its requests. Set it to at least %d.\n" .component (int .values.terminationGracePeriodSeconds) (int .values.lingerSeconds) (int $least)) -}}
{{- end -}}
{{- end -}}
