{{- define "llmproxy.name" -}}
{{- $name := ternary .Release.Name (printf "%s-%s" .Release.Name .Chart.Name) (contains .Chart.Name .Release.Name) }}
{{- $name | trunc 53 | trimSuffix "-" }}
{{- end }}

{{- define "llmproxy.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "llmproxy.labels" -}}
{{ include "llmproxy.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- define "llmproxy.serviceAccount" -}}
{{- if .Values.serviceAccount.create }}{{ .Values.serviceAccount.name | default (include "llmproxy.name" .) }}{{ else }}{{ .Values.serviceAccount.name | default "default" }}{{ end }}
{{- end }}

{{/* Ends the rendering when the values contradict each other. */}}
{{- define "llmproxy.check" -}}
{{- range $name, $_ := .Values.settings }}
{{- if regexMatch "(_API_KEYS?|_SECRET|_TOKEN|PASSWORD|_ACCESS_KEY|_ACCESS_KEY_ID)$|^(DATABASE_URL|REDIS_URL)$" $name }}
{{- fail (printf "settings.%s is a secret: put it into your Secret and name that in existingSecret" $name) }}
{{- end }}
{{- end }}
{{- $several := or (gt (int .Values.replicaCount) 1) .Values.autoscaling.enabled }}
{{- if and $several (not .Values.sharedState) }}
{{- fail "Several pods need PostgreSQL, Redis and a workbook outside of them: put DATABASE_URL and REDIS_URL into existingSecret, set GOOGLE_SHEETS_SPREADSHEET_ID or SHEETS_ROOT_URL, and then sharedState=true" }}
{{- end }}
{{- if and .Values.sharedState (not .Values.existingSecret) }}
{{- fail "sharedState needs existingSecret: the Secret with DATABASE_URL and REDIS_URL" }}
{{- end }}
{{- if and $several .Values.persistence.enabled }}
{{- fail "persistence is for one pod: only one server at a time may use a data folder" }}
{{- end }}
{{- if and .Values.ingress.enabled (not .Values.ingress.hosts) }}
{{- fail "ingress needs ingress.hosts" }}
{{- end }}
{{- if and .Values.prometheusRule.enabled (not .Values.prometheusRule.rules) }}
{{- fail "prometheusRule needs its rules: --set-file prometheusRule.rules=FILE" }}
{{- end }}
{{- end }}
