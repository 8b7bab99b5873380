{{/* The gateways' variables, but extraEnv. */}}
{{- define "tertulia.env" -}}
{{- include "tertulia.redisEnv" . | trim }}
- name: NODE_NAME
  valueFrom:
    fieldRef: { apiVersion: v1, fieldPath: metadata.name }
# all gateways, also those that are not ready
- { name: PEERS, value: {{ printf "%s-peers:9000" (include "tertulia.fullname" .) | quote }} }
- { name: METRICS_PORT, value: "9100" }
{{- if .Values.tls.existingSecret }}
- { name: TLS_CERT, value: /run/secrets/chat-tls/tls.crt }
- { name: TLS_KEY, value: /run/secrets/chat-tls/tls.key }
{{- end }}
{{- range $name, $value := .Values.config }}
{{- /* a whole number in a file of values is a float, and 1e+06 in words */}}
- { name: {{ $name }}, value: {{ ternary (int64 $value) $value (kindIs "float64" $value) | toString | quote }} }
{{- end }}
{{- end }}

{{/* What is mounted for them: Redis' secrets, and the certificate for clients. */}}
{{- define "tertulia.volumes" -}}
{{- include "tertulia.redisVolumes" . }}
{{- with .Values.tls.existingSecret }}
- name: chat-tls
  secret: { secretName: {{ . }}, defaultMode: 288 } # 0440
{{- end }}
{{- end }}

{{- define "tertulia.mounts" -}}
{{- include "tertulia.redisMounts" . }}
{{- if .Values.tls.existingSecret }}
- { name: chat-tls, mountPath: /run/secrets/chat-tls, readOnly: true }
{{- end }}
{{- end }}
