{{- define "tertulia.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* 54: the longest name that is made of it is 63 long */}}
{{- define "tertulia.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride }}
{{- $release := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) }}
{{- default $release .Values.fullnameOverride | trunc 54 | trimSuffix "-" }}
{{- end }}

{{- define "tertulia.account" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "tertulia.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "tertulia.image" -}}
{{- with .Values.image }}
{{- .repository }}{{ ternary (print ":" (.tag | default $.Chart.AppVersion)) (print "@" .digest) (empty .digest) }}
{{- end }}
{{- end }}

{{/* What is never changed: selectors. */}}
{{- define "tertulia.selector" -}}
app.kubernetes.io/name: {{ include "tertulia.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: gateway
{{- end }}

{{/* Of every object. Takes a list: the root, and the component. */}}
{{- define "tertulia.labels" -}}
{{- $root := first . -}}
app.kubernetes.io/name: {{ include "tertulia.name" $root }}
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ last . }}
app.kubernetes.io/part-of: tertulia
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" }}
{{- end }}

{{/* preStop and the drain, in whole seconds, and room: at least ten seconds, up to the next ten. */}}
{{- define "tertulia.gracePeriod" -}}
{{- $config := .Values.config }}
{{- $ms := 0 }}
{{- range $name, $standard := dict "DRAIN_WAIT_MS" 2000 "DRAIN_WINDOW_MS" 5000 "STOP_WITHIN_MS" 10000 }}
{{- $ms = add $ms (int64 (ternary (get $config $name) $standard (hasKey $config $name))) }}
{{- end }}
{{- $seconds := add .Values.preStopSeconds (ceil (divf $ms 1000)) }}
{{- mul 10 (ceil (divf (add $seconds 10) 10)) }}
{{- end }}

{{- define "tertulia.topologySpread" -}}
{{- with .Values.topologySpreadConstraints }}
{{- toYaml . }}
{{- else }}
{{- range $key, $act := dict "kubernetes.io/hostname" .Values.topologySpread.node "topology.kubernetes.io/zone" .Values.topologySpread.zone }}
{{- if $act }}
- maxSkew: 1
  topologyKey: {{ $key }}
  whenUnsatisfiable: {{ $act }}
  nodeTaintsPolicy: Honor
  labelSelector:
    matchLabels: {{- include "tertulia.selector" $ | nindent 6 }}
  # the old version's pods do not count
  matchLabelKeys: [pod-template-hash]
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{/* A number as the server keeps it: written otherwise, each apply would differ. */}}
{{- define "tertulia.quantity" -}}
{{- if eq 0 (mod . 1000000) }}{{ div . 1000000 }}M{{ else if eq 0 (mod . 1000) }}{{ div . 1000 }}k{{ else }}{{ int64 . }}{{ end }}
{{- end }}
