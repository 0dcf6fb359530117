{{/* First part of the names of all objects. It is short enough for the labels that Kubernetes derives from the names. */}}
{{- define "oncue.fullname" -}}
{{- $name := ternary .Release.Name (printf "%s-oncue" .Release.Name) (contains "oncue" .Release.Name) -}}
{{- default $name .Values.fullnameOverride | trunc 46 | trimSuffix "-" -}}
{{- end -}}

{{- define "oncue.webhook" -}}
{{ include "oncue.fullname" . }}-webhook
{{- end -}}

{{- define "oncue.store" -}}
{{ include "oncue.fullname" . }}-store
{{- end -}}

{{- define "oncue.controller" -}}
{{ include "oncue.fullname" . }}-controller
{{- end -}}

{{- define "oncue.operator" -}}
{{ include "oncue.fullname" . }}-operator
{{- end -}}

{{/* Secret that the webhook and the store read: the certificate authority, or a certificate that something else issues. */}}
{{- define "oncue.certificateSecret" -}}
{{- if eq .Values.certificates.mode "selfManaged" -}}
{{ include "oncue.webhook" . }}-ca
{{- else -}}
{{ default (printf "%s-tls" (include "oncue.fullname" .)) .Values.certificates.secretName }}
{{- end -}}
{{- end -}}

{{/* Name of the setting that takes this Secret. */}}
{{- define "oncue.certificateSetting" -}}
{{ ternary "ca-secret" "tls-secret" (eq .Values.certificates.mode "selfManaged") }}
{{- end -}}

{{/* Names of a Service in certificates, in JSON. Takes a list: the root, and the Service. */}}
{{- define "oncue.certificateNames" -}}
{{- $root := index . 0 -}}
{{- $name := printf "%s.%s.svc" (index . 1) $root.Release.Namespace -}}
{{ list $name (printf "%s.%s" $name $root.Values.clusterDomain) | toJson }}
{{- end -}}

{{/* Claim of the embedded store's volume. */}}
{{- define "oncue.storeClaim" -}}
data-{{ include "oncue.store" . }}-0
{{- end -}}

{{/* Number of the store's pods. */}}
{{- define "oncue.store.replicas" -}}
{{- default (ternary 1 2 (eq .Values.store.backend "embedded")) .Values.store.replicas | int -}}
{{- end -}}

{{/* URL of the store for pods of all namespaces: fully qualified, with a trailing dot. */}}
{{- define "oncue.storeUrl" -}}
https://{{ include "oncue.store" . }}.{{ .Release.Namespace }}.svc.{{ .Values.clusterDomain }}.:{{ .Values.store.port }}
{{- end -}}

{{/* Labels that never change. Takes a list: the root, and the component or "". */}}
{{- define "oncue.selectorLabels" -}}
{{- $root := index . 0 -}}
{{- $component := index . 1 -}}
app.kubernetes.io/name: oncue
app.kubernetes.io/instance: {{ $root.Release.Name }}
{{- if $component }}
app.kubernetes.io/component: {{ $component }}
{{- end }}
{{- end -}}

{{/* Labels that every object has. Takes a list: the root, and the component or "". */}}
{{- define "oncue.ownLabels" -}}
{{- $root := index . 0 -}}
{{- include "oncue.selectorLabels" . }}
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: oncue
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" }}
{{- end -}}

{{/*
Labels of an object. Takes a list: the root, the component or "", and optionally the object's own labels, which override
those of all objects.
*/}}
{{- define "oncue.labels" -}}
{{- $own := rest . | rest | first | default dict -}}
{{- include "oncue.ownLabels" . }}
{{- with merge dict $own (first .).Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/*
Labels of a component's pods. They have no version, so that an upgrade does not replace a pod that did not change. Takes
a list: the root, and the component.
*/}}
{{- define "oncue.podLabels" -}}
{{- $root := index . 0 -}}
{{- $component := index . 1 -}}
{{- $labels := merge (include "oncue.selectorLabels" . | fromYaml) (index $root.Values $component).podLabels $root.Values.commonLabels -}}
{{- toYaml $labels -}}
{{- end -}}

{{/*
Environment of a container. Takes a list: our own variables, and those of `extraEnv`, which override ours.
*/}}
{{- define "oncue.env" -}}
{{- $extra := index . 1 -}}
{{- $names := list -}}
{{- range $extra -}}
{{- $names = append $names .name -}}
{{- end -}}
{{- range index . 0 -}}
{{- if not (has .name $names) }}
- {{ toYaml . | nindent 2 | trim }}
{{- end -}}
{{- end -}}
{{- with $extra }}
{{ toYaml . }}
{{- end -}}
{{- end -}}

{{/* Passes the container's memory limit, in bytes. Only valid for a container that has one. */}}
{{- define "oncue.env.memoryLimit" -}}
name: ONCUE_MEMORY_LIMIT
valueFrom:
  resourceFieldRef:
    resource: limits.memory
{{- end -}}

{{- define "oncue.env.namespace" -}}
name: POD_NAMESPACE
valueFrom:
  fieldRef:
    fieldPath: metadata.namespace
{{- end -}}

{{/* Reference of an image. Takes a list: the root, and the image's values. */}}
{{- define "oncue.image" -}}
{{- $root := index . 0 -}}
{{- $image := index . 1 -}}
{{- if $image.digest -}}
{{ $image.repository }}@{{ $image.digest }}
{{- else -}}
{{ $image.repository }}:{{ default $root.Chart.AppVersion $image.tag }}
{{- end -}}
{{- end -}}

{{/* Security context of our pods. Together with the container's, it meets the restricted profile. */}}
{{- define "oncue.podSecurityContext" -}}
runAsNonRoot: true
{{- with .Values.runAsUser }}
runAsUser: {{ int . }}
runAsGroup: {{ int . }}
{{- end }}
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "oncue.containerSecurityContext" -}}
allowPrivilegeEscalation: false
capabilities:
  drop: [ALL]
readOnlyRootFilesystem: true
{{- end -}}

{{/* Both probes use the admin port, so that they do not compete with reviews and waits. */}}
{{- define "oncue.probes" -}}
livenessProbe:
  httpGet:
    path: /healthz
    port: admin
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
readinessProbe:
  httpGet:
    path: /readyz
    port: admin
  periodSeconds: 2
  timeoutSeconds: 2
  failureThreshold: 2
{{- end -}}

{{/* Scheduling of a pod. Takes the component's values. */}}
{{- define "oncue.scheduling" -}}
{{- with .priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* Affinity of a component's pods, by default away from each other's zone. Takes a list: the root, and the component. */}}
{{- define "oncue.affinity" -}}
{{- $root := index . 0 -}}
{{- $component := index . 1 -}}
{{- with (index $root.Values $component).affinity -}}
{{ toYaml . }}
{{- else -}}
podAntiAffinity:
  preferredDuringSchedulingIgnoredDuringExecution:
    - weight: 50
      podAffinityTerm:
        topologyKey: topology.kubernetes.io/zone
        labelSelector:
          matchLabels:
            {{- include "oncue.selectorLabels" (list $root $component) | nindent 12 }}
{{- end -}}
{{- end -}}

{{/*
Topology spread constraints of a component's pods, by default over nodes. Takes a list: the root, and the component.

Zones are a matter of the affinity: the scheduler ignores all constraints on a node that lacks a label of one of them, and
many clusters have no zones.
*/}}
{{- define "oncue.topologySpread" -}}
{{- $root := index . 0 -}}
{{- $component := index . 1 -}}
{{- with (index $root.Values $component).topologySpreadConstraints -}}
{{ toYaml . }}
{{- else -}}
- topologyKey: kubernetes.io/hostname
  maxSkew: 1
  whenUnsatisfiable: ScheduleAnyway
  labelSelector:
    matchLabels:
      {{- include "oncue.selectorLabels" (list $root $component) | nindent 6 }}
  matchLabelKeys: [pod-template-hash]
{{- end -}}
{{- end -}}

{{/* PodDisruptionBudget of a component. Takes a list: the root, and the component. */}}
{{- define "oncue.podDisruptionBudget" -}}
{{- $root := index . 0 -}}
{{- $component := index . 1 -}}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ include (print "oncue." $component) $root }}
  namespace: {{ $root.Release.Namespace }}
  labels:
    {{- include "oncue.labels" . | nindent 4 }}
spec:
  maxUnavailable: {{ (index $root.Values $component).podDisruptionBudget.maxUnavailable }}
  # A pod that is broken must not keep a node from being drained.
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector:
    matchLabels:
      {{- include "oncue.selectorLabels" . | nindent 6 }}
{{- end -}}

{{/* Requests and limits of the injected container, in the format of `oncue serve`. */}}
{{- define "oncue.clientResources" -}}
{{- $written := list -}}
{{- range $kind := list "requests" "limits" -}}
{{- range $name, $quantity := index $.Values.client.resources $kind -}}
{{- $written = append $written (printf "%s.%s=%v" $kind $name $quantity) -}}
{{- end -}}
{{- end -}}
{{- join "," $written -}}
{{- end -}}

{{/* Converts a quantity to a number. Supports the suffixes that values.schema.json allows. */}}
{{- define "oncue.amount" -}}
{{- $factors := dict "" 1 "m" 1e-3 "k" 1e3 "M" 1e6 "G" 1e9 "T" 1e12 "P" 1e15 "E" 1e18 -}}
{{- $factor := 1 -}}
{{- range $suffix := list "Ki" "Mi" "Gi" "Ti" "Pi" "Ei" -}}
{{- $factor = mul $factor 1024 -}}
{{- $_ := set $factors $suffix $factor -}}
{{- end -}}
{{- $suffix := regexFind "[a-zA-Z]*$" (toString .) -}}
{{- mulf (trimSuffix $suffix (toString .)) (index $factors $suffix) -}}
{{- end -}}

{{/* Configuration file of the webhook. The command line reads it too. */}}
{{- define "oncue.config" -}}
{{- $webhook := include "oncue.webhook" . -}}
roles: [webhook]
webhook: {{ printf "[::]:%d" (int .Values.webhook.port) | quote }}
webhook-name:
{{- range include "oncue.certificateNames" (list . $webhook) | fromJsonArray }}
- {{ . }}
{{- end }}
admin: {{ printf "[::]:%d" (int .Values.webhook.adminPort) | quote }}
linger: {{ int .Values.webhook.lingerSeconds }}s
log: {{ .Values.log.filter | quote }}
log-format: {{ .Values.log.format }}
{{ include "oncue.certificateSetting" . }}: {{ include "oncue.certificateSecret" . }}
webhook-lease: {{ $webhook }}
webhook-configuration: {{ include "oncue.fullname" . }}
{{- if .Values.lint.strict }}
lint-strict: true
{{- end }}
# For the command line; the store has these settings as arguments.
cross-namespace: {{ .Values.policy.crossNamespace }}
readable-by-all: {{ toJson .Values.policy.readableByAll }}
inject:
  own-namespace: {{ .Release.Namespace | quote }}
  image: {{ include "oncue.image" (list . .Values.client.image) }}
  pull-policy: {{ .Values.client.image.pullPolicy }}
  {{- with .Values.client.pullSecrets }}
  pull-secrets: {{ toJson . }}
  {{- end }}
  store-url: {{ include "oncue.storeUrl" . }}
  store-service: {{ include "oncue.store" . }}
  identity: true
  resources: {{ include "oncue.clientResources" . | quote }}
  {{- with .Values.client.runAsUser }}
  run-as-user: {{ int . }}
  {{- end }}
  prefix: {{ .Values.annotations.prefix }}
  bare-keys: {{ .Values.annotations.bareKeys }}
  controller: {{ .Values.controller.enabled }}
  gates: {{ .Values.controller.gates }}
  secrets: {{ .Values.controller.secrets }}
  excluded-namespaces: {{ include "oncue.excludedNamespaces" . }}
  {{- with .Values.admission.namespaceSelector }}
  namespace-selector: {{ toJson . }}
  {{- end }}
{{- end -}}

{{/* Namespaces besides the release's own whose pods oncue does not handle, as a JSON list. */}}
{{- define "oncue.excludedNamespaces" -}}
{{- concat (list "kube-system" "kube-node-lease") .Values.admission.excludedNamespaces | uniq | toJson -}}
{{- end -}}

{{/* Selects the namespaces whose pods oncue handles. */}}
{{- define "oncue.namespaceSelector" -}}
matchExpressions:
- key: kubernetes.io/metadata.name
  operator: NotIn
  values:
  {{- range concat (list .Release.Namespace) (include "oncue.excludedNamespaces" . | fromJsonArray) | uniq }}
  - {{ . | quote }}
  {{- end }}
{{- with .Values.admission.namespaceSelector }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/*
CEL: whether `key` is one of our annotations, or a mistyped one under our prefix. It must match the same keys as `Keys` of
the crate oncue-language, because the webhook warns only about pods that it receives.
*/}}
{{- define "oncue.cel.claimsKey" -}}
key.startsWith('{{ .Values.annotations.prefix }}/')
{{- if .Values.annotations.bareKeys }} || key == 'depends-on' || key.startsWith('depends-on-') || key == 'signals' || key.startsWith('signals-')
{{- end }}
{{- end -}}

{{/* CEL: whether the object has a pod template at the given path. */}}
{{- define "oncue.cel.hasTemplate" -}}
{{- $path := "object" -}}
{{- $parts := list -}}
{{- range rest (splitList "." .) -}}
{{- $path = printf "%s.%s" $path . -}}
{{- $parts = append $parts (printf "has(%s)" $path) -}}
{{- end -}}
{{- $parts = append $parts (printf "has(%s.metadata)" .) -}}
{{- join " && " $parts -}}
{{- end -}}

{{/* Flag by which the command line finds this release, with a space before it. */}}
{{- define "oncue.flag.systemNamespace" -}}
{{- if ne .Release.Namespace "oncue-system" }} --system-namespace {{ .Release.Namespace }}{{ end -}}
{{- end -}}

{{/* Command line of `oncue status` for this release. */}}
{{- define "oncue.command.status" -}}
oncue status -A{{ include "oncue.flag.systemNamespace" . }}
{{- end -}}

{{- define "oncue.command.release" -}}
oncue release --all --reason 'oncue is uninstalled'{{ include "oncue.flag.systemNamespace" . }}
{{- end -}}

{{/* The prefix is included because the command cannot read it from the cluster after an uninstallation. */}}
{{- define "oncue.command.injected" -}}
{{ include "oncue.command.status" . }} --injected
{{- if ne .Values.annotations.prefix "oncue.dev" }} --inject-prefix {{ .Values.annotations.prefix }}{{ end -}}
{{- end -}}

{{/* Common part of the containers of `helm test`. */}}
{{- define "oncue.testContainer" -}}
image: {{ include "oncue.image" (list . .Values.client.image) }}
imagePullPolicy: {{ .Values.client.image.pullPolicy }}
resources:
  {{- toYaml .Values.client.resources | nindent 2 }}
securityContext:
  {{- include "oncue.containerSecurityContext" . | nindent 2 }}
terminationMessagePolicy: FallbackToLogsOnError
env:
- name: ONCUE_TOKEN_FILE
  value: /var/run/secrets/oncue.dev/token
- name: ONCUE_CA
  valueFrom:
    secretKeyRef:
      name: {{ include "oncue.certificateSecret" . }}
      key: ca.crt
volumeMounts:
- name: oncue-token
  mountPath: /var/run/secrets/oncue.dev
  readOnly: true
{{- end -}}

{{/* Conditions for every call about a workload. */}}
{{- define "oncue.lintConditions" -}}
# Objects of a Deployment or a CronJob are reported on the Deployment or CronJob.
- name: is-not-made-by-another
  expression: >-
    !has(object.metadata.ownerReferences) ||
    !object.metadata.ownerReferences.exists(owner, has(owner.controller) && owner.controller)
# The controllers of Kubernetes do not read warnings, and objects that are being deleted do not need any.
- name: is-written-by-a-person-or-a-tool
  expression: >-
    !has(object.metadata.deletionTimestamp) &&
    request.userInfo.username != 'system:kube-controller-manager' &&
    !(has(request.userInfo.groups) && 'system:serviceaccounts:kube-system' in request.userInfo.groups)
{{- end -}}
