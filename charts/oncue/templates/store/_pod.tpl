{{/* Template of the store's pods, for both backends. */}}
{{- define "oncue.storePod" -}}
{{- $embedded := eq .Values.store.backend "embedded" -}}
metadata:
  labels:
    {{- include "oncue.podLabels" (list . "store") | nindent 4 }}
  {{- with .Values.store.podAnnotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  serviceAccountName: {{ include "oncue.store" . }}
  automountServiceAccountToken: true
  enableServiceLinks: false
  terminationGracePeriodSeconds: {{ int .Values.store.terminationGracePeriodSeconds }}
  securityContext:
    {{- include "oncue.podSecurityContext" . | nindent 4 }}
    {{- if $embedded }}
    {{- with .Values.runAsUser }}
    fsGroup: {{ int . }}
    {{- end }}
    fsGroupChangePolicy: OnRootMismatch
    {{- end }}
  {{- with .Values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  containers:
  - name: store
    image: {{ include "oncue.image" (list . .Values.image) }}
    imagePullPolicy: {{ .Values.image.pullPolicy }}
    args:
    - serve
    - --roles=store{{ if .Values.controller.enabled }},controller{{ end }}
    - --store={{ .Values.store.backend }}
    {{- if $embedded }}
    - --data=/var/lib/oncue
    {{- else }}
    - --lease={{ include "oncue.store" . }}
    {{- end }}
    - --inject-own-namespace={{ .Release.Namespace }}
    - --http=[::]:{{ int .Values.store.port }}
    - --store-name={{ include "oncue.certificateNames" (list . (include "oncue.store" .)) | fromJsonArray | join "," }}
    - --{{ include "oncue.certificateSetting" . }}={{ include "oncue.certificateSecret" . }}
    - --identity=kubernetes
    - --operator={{ include "oncue.operator" . }}
    - --accept-plain={{ default false .Values.store.acceptPlain }}
    {{- with .Values.store.plainNamespaces }}
    - --plain-namespaces={{ join "," . }}
    {{- end }}
    - --admin=[::]:{{ int .Values.store.adminPort }}
    - --linger={{ int .Values.store.lingerSeconds }}s
    - --inject-prefix={{ .Values.annotations.prefix }}
    - --cross-namespace={{ .Values.policy.crossNamespace }}
    {{- with .Values.policy.readableByAll }}
    - --readable-by-all={{ join "," . }}
    {{- end }}
    {{- if .Values.controller.enabled }}
    - --inject-bare-keys={{ .Values.annotations.bareKeys }}
    - --inject-gates={{ .Values.controller.gates }}
    {{- end }}
    - --log={{ .Values.log.filter }}
    - --log-format={{ .Values.log.format }}
    {{- $env := list }}
    {{- if dig "limits" "memory" "" (.Values.store.resources | default dict) }}
    {{- $env = append $env (include "oncue.env.memoryLimit" . | fromYaml) }}
    {{- end }}
    {{- with include "oncue.env" (list $env .Values.store.extraEnv) | trim }}
    env:
    {{- . | nindent 4 }}
    {{- end }}
    ports:
    - name: http
      containerPort: {{ int .Values.store.port }}
    - name: admin
      containerPort: {{ int .Values.store.adminPort }}
    {{- include "oncue.probes" . | nindent 4 }}
    {{- with .Values.store.resources }}
    resources:
      {{- toYaml . | nindent 6 }}
    {{- end }}
    securityContext:
      {{- include "oncue.containerSecurityContext" . | nindent 6 }}
    terminationMessagePolicy: FallbackToLogsOnError
    {{- if $embedded }}
    volumeMounts:
    - name: data
      mountPath: /var/lib/oncue
    {{- end }}
  {{- if and $embedded .Values.store.ephemeral }}
  volumes:
  - name: data
    emptyDir: {}
  {{- end }}
  {{- with include "oncue.scheduling" .Values.store | trim }}
  {{- . | nindent 2 }}
  {{- end }}
  affinity:
    {{- include "oncue.affinity" (list . "store") | nindent 4 }}
  {{- if not $embedded }}
  topologySpreadConstraints:
  {{- include "oncue.topologySpread" (list . "store") | nindent 2 }}
  {{- end }}
{{- end -}}
