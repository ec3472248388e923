{{- /*
All objects are called `setpoint`, whatever the release is called. One operator serves the whole cluster, and a second
release is refused by Helm itself, as the ClusterRole of that name belongs to the first.
*/ -}}
{{- define "setpoint.selectorLabels" -}}
app.kubernetes.io/name: setpoint
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: operator
{{- end -}}

{{- define "setpoint.labels" -}}
{{ include "setpoint.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ include "setpoint.chart" . }}
{{- end -}}

{{- define "setpoint.chart" -}}
{{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- /* An image reference, its registry replaced by the mirror if there is one: list MIRROR REFERENCE. */ -}}
{{- define "setpoint.mirrored" -}}
{{- $mirror := index . 0 -}}
{{- $reference := index . 1 -}}
{{- if $mirror -}}
{{ $mirror }}/{{ regexReplaceAll "^([^/]*[.:][^/]*|localhost)/" $reference "" }}
{{- else -}}
{{ $reference }}
{{- end -}}
{{- end -}}

{{- define "setpoint.image" -}}
{{- $repository := list .Values.image.registry .Values.image.repository | compact | join "/" -}}
{{ include "setpoint.mirrored" (list .Values.mirrorRegistry $repository) }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}

{{- /* The address of Prometheus: the one given, else that of the installed one; empty where there is none. */ -}}
{{- define "setpoint.prometheus.url" -}}
{{- with .Values.prometheus -}}
{{- if .url -}}
{{ .url }}
{{- else if .install -}}
http://setpoint-prometheus.{{ $.Release.Namespace }}.svc:9090
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "setpoint.prometheus.credentialsPath" -}}
/etc/setpoint-prometheus
{{- end -}}

{{- /* How the operator reaches Prometheus, as the settings have it. */ -}}
{{- define "setpoint.prometheus.settings" -}}
{{- $path := include "setpoint.prometheus.credentialsPath" . -}}
{{- $url := include "setpoint.prometheus.url" . -}}
{{- with .Values.prometheus -}}
{{- range $field := list "tokenSecretRef" "caConfigMapRef" -}}
{{- if and (get $.Values.prometheus $field) (not (hasPrefix "https://" $url)) -}}
{{- fail (printf "prometheus.%s needs a prometheus.url with https://, which %q is not: others could read what is sent" $field $url) -}}
{{- end -}}
{{- end -}}
{{- if $url -}}
url: {{ $url | quote }}
timeoutSeconds: {{ trimSuffix "s" .timeout }}
{{- if .tokenSecretRef }}
tokenFile: {{ $path }}/token
{{- end }}
{{- if .caConfigMapRef }}
caFile: {{ $path }}/ca.crt
{{- end }}
{{- with .tenant }}
tenant: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}
{{- end -}}
{{- end -}}

{{- /* The file of settings that the operator reads at start. */ -}}
{{- define "setpoint.settings" -}}
{{- $vllmImage := include "setpoint.mirrored" (list .Values.mirrorRegistry .Values.settings.vllmImage) -}}
{{- $tuning := dict "intervalSeconds" (trimSuffix "s" .Values.tuning.interval | int) -}}
{{- $settings := merge (dict "vllmImage" $vllmImage "tuning" $tuning) .Values.settings -}}
{{- with include "setpoint.prometheus.settings" . | fromYaml -}}
{{- $settings = set $settings "prometheus" . -}}
{{- end -}}
{{- toYaml $settings -}}
{{- end -}}
