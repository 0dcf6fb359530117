{{/*
Egress of the webhook and the store: the API server, and DNS for clusters that give the API server's name to pods instead of
its address. DNS is on port 5353 behind OpenShift's Service. Network plugins apply policies before or after they replace the
Service's port, so both the Service's port and that of the endpoints are needed.
*/}}
{{- define "oncue.network.egress" -}}
{{- $ports := list -}}
{{- range .Values.networkPolicy.apiServerPorts -}}
{{- $ports = append $ports (int .) -}}
{{- end -}}
{{- range (lookup "discovery.k8s.io/v1" "EndpointSlice" "default" "kubernetes" | default dict).ports | default list -}}
{{- $ports = append $ports (int .port) -}}
{{- end -}}
egress:
- ports:
  {{- range $ports | uniq }}
  - {port: {{ . }}, protocol: TCP}
  {{- end }}
- ports:
  {{- range list 53 5353 }}
  - {port: {{ . }}, protocol: UDP}
  - {port: {{ . }}, protocol: TCP}
  {{- end }}
{{- end -}}

{{/* Ingress to the port of health checks and metrics. The kubelet's probes are always allowed. */}}
{{- define "oncue.network.admin" -}}
- ports:
  - port: admin
  {{- with .Values.networkPolicy.metricsFrom }}
  from:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}
