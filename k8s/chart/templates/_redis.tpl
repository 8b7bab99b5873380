{{/* Where the gateways find Redis and what they show it, as environment variables. */}}
{{- define "tertulia.redisEnv" -}}
{{- with .Values.redis }}
{{- if .url }}
- { name: REDIS_URL, value: {{ .url | quote }} }
{{- else }}
- name: REDIS_URL
  valueFrom:
    secretKeyRef: { name: {{ .existingSecret }}, key: {{ .secretKeys.url }} }
{{- end }}
{{- with .username }}
- { name: REDIS_USERNAME, value: {{ . | quote }} }
{{- end }}
{{- with .sentinelUsername }}
- { name: SENTINEL_USERNAME, value: {{ . | quote }} }
{{- end }}
{{- with .secretKeys.password }}
- { name: REDIS_PASSWORD_FILE, value: /run/secrets/redis/{{ . }} }
{{- end }}
{{- with .secretKeys.sentinelPassword }}
- { name: SENTINEL_PASSWORD_FILE, value: /run/secrets/redis/{{ . }} }
{{- end }}
{{- with .tls }}
{{- if .existingSecret }}
{{- range $variable, $key := dict "REDIS_CA_FILE" .ca "REDIS_CERT_FILE" .cert "REDIS_KEY_FILE" .key }}
{{- with $key }}
- { name: {{ $variable }}, value: /run/secrets/redis-tls/{{ . }} }
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- define "tertulia.redisVolumes" -}}
{{- with .Values.redis }}
{{- if include "tertulia.hasPasswords" $ }}
- name: redis-passwords
  secret:
    secretName: {{ .existingSecret }}
    defaultMode: 288 # 0440
    items:
      {{- range compact (list .secretKeys.password .secretKeys.sentinelPassword) | uniq }}
      - { key: {{ . }}, path: {{ . }} }
      {{- end }}
{{- end }}
{{- if .tls.existingSecret }}
- name: redis-tls
  secret:
    secretName: {{ .tls.existingSecret }}
    defaultMode: 288 # 0440
    items:
      {{- range compact (list .tls.ca .tls.cert .tls.key) | uniq }}
      - { key: {{ . }}, path: {{ . }} }
      {{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- define "tertulia.redisMounts" -}}
{{- if include "tertulia.hasPasswords" . }}
- { name: redis-passwords, mountPath: /run/secrets/redis, readOnly: true }
{{- end }}
{{- if .Values.redis.tls.existingSecret }}
- { name: redis-tls, mountPath: /run/secrets/redis-tls, readOnly: true }
{{- end }}
{{- end }}

{{- define "tertulia.hasPasswords" -}}
{{- with .Values.redis.secretKeys }}{{ if or .password .sentinelPassword }}yes{{ end }}{{ end }}
{{- end }}
