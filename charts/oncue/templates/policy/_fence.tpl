{{/* CEL: whether the request is from the ServiceAccount of a component. Takes a list: the root, and the account's name. */}}
{{- define "oncue.fence.isAccount" -}}
request.userInfo.username == 'system:serviceaccount:{{ (index . 0).Release.Namespace }}:{{ index . 1 }}'
{{- end -}}

{{/*
CEL: whether two maps are equal except for some keys. It names no other key, so that it also covers the fields of later
versions of Kubernetes. Takes a list: the new map, the old map, and the keys.
*/}}
{{- define "oncue.fence.same" -}}
{{- $new := printf "dyn(%s)" (index . 0) -}}
{{- $old := printf "dyn(%s)" (index . 1) -}}
{{- $except := index . 2 | toJson | replace "\"" "'" | replace "," ", " -}}
{{ $new }}.all(key, key in {{ $except }} || (key in {{ $old }} && {{ $new }}[key] == {{ $old }}[key])) &&
{{ $old }}.all(key, key in {{ $except }} || key in {{ $new }})
{{- end -}}

{{/*
Start of a policy, up to its validations. Takes a dict: root, component, name, account, groups, resources, and versions.
*/}}
{{- define "oncue.fence.policy" -}}
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata:
  name: {{ .name }}
  labels:
    {{- include "oncue.labels" (list .root .component) | nindent 4 }}
spec:
  failurePolicy: Fail
  matchConstraints:
    matchPolicy: Equivalent
    resourceRules:
    - apiGroups: {{ toJson .groups }}
      apiVersions: {{ toJson .versions }}
      resources: {{ toJson .resources }}
      operations: ["*"]
  matchConditions:
  - name: is-{{ .account }}
    expression: {{ include "oncue.fence.isAccount" (list .root .account) | quote }}
{{- end -}}

{{/* Binding of a policy to all requests. Takes a dict like `oncue.fence.policy`. */}}
{{- define "oncue.fence.binding" -}}
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata:
  name: {{ .name }}
  labels:
    {{- include "oncue.labels" (list .root .component) | nindent 4 }}
spec:
  policyName: {{ .name }}
  validationActions: [Deny]
{{- end -}}
