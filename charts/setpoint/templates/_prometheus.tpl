{{- define "setpoint.prometheus.selectorLabels" -}}
app.kubernetes.io/name: setpoint
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: prometheus
{{- end -}}

{{- define "setpoint.prometheus.labels" -}}
{{ include "setpoint.prometheus.selectorLabels" . }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ include "setpoint.chart" . }}
{{- end -}}

{{- define "setpoint.prometheus.image" -}}
{{- $image := .Values.prometheus.server.image -}}
{{- $repository := list $image.registry $image.repository | compact | join "/" -}}
{{ include "setpoint.mirrored" (list .Values.mirrorRegistry $repository) }}:{{ $image.tag }}
{{- end -}}

{{- /*
An engine is not trusted: what it sends under a name of the labels below becomes exported_NAME, it cannot choose when
a sample was, nor send Prometheus elsewhere, nor fill its memory with one answer or one
label. vLLM has up to 40 labels on a series, none longer than a model's name.
*/ -}}
{{- define "setpoint.prometheus.config" -}}
{{- with .Values.prometheus -}}
global:
  scrape_interval: {{ .scrapeInterval }}
  evaluation_interval: 15s
storage:
  tsdb:
    retention:
      time: {{ .server.retention.time }}
      size: {{ .server.retention.size }}
rule_files: [alerts.yaml]
{{- with .server.alertmanagers }}
alerting:
  alertmanagers:
    - static_configs:
        - targets: {{ toJson . }}
{{- end }}
scrape_configs:
  - job_name: setpoint-engines
    honor_labels: false
    honor_timestamps: false
    follow_redirects: false
    sample_limit: {{ .sampleLimit }}
    body_size_limit: 16MB
    label_limit: 64
    label_name_length_limit: 128
    label_value_length_limit: 512
    kubernetes_sd_configs:
      - role: pod
        selectors:
          - role: pod
            label: app.kubernetes.io/managed-by=setpoint,app.kubernetes.io/component=engine
    relabel_configs:
      # Of the ports that a pod declares, the engine's own; a sidecar's may have any name.
      - source_labels: [__meta_kubernetes_pod_container_name, __meta_kubernetes_pod_container_port_name]
        regex: main;http
        action: keep
      - source_labels: [__meta_kubernetes_pod_phase]
        regex: Running
        action: keep
      - source_labels: [__meta_kubernetes_namespace]
        target_label: namespace
      - source_labels: [__meta_kubernetes_pod_name]
        target_label: pod
      - source_labels: [__meta_kubernetes_pod_label_setpoint_dev_inferenceservice]
        target_label: setpoint_service
    metric_relabel_configs:
      # Setpoint's name for the uid of a service, which no pod bears yet: nobody else may give it.
      - regex: setpoint_uid
        action: labeldrop
      # Its labels are lists of adapters, of any length: of an engine with many the whole scrape would fail.
      - source_labels: [__name__]
        regex: vllm:lora_requests_info
        action: drop
      - source_labels: [__name__]
        regex: (vllm:|setpoint_).*
        action: keep
{{- end -}}
{{- end -}}
