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
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
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

{{- /* The file of settings that the operator reads at start. */ -}}
{{- define "setpoint.settings" -}}
{{- $vllmImage := include "setpoint.mirrored" (list .Values.mirrorRegistry .Values.settings.vllmImage) -}}
{{- merge (dict "vllmImage" $vllmImage) .Values.settings | toYaml -}}
{{- end -}}
