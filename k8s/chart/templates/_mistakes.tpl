{{/* What a schema cannot say: how values fit one another. Each ends the rendering with its sentence. */}}
{{- define "tertulia.refuseMistakes" -}}
{{- with .Values.redis }}
{{- if and (not .url) (not (and .existingSecret .secretKeys.url)) }}
{{- fail "redis: give redis.url, or redis.existingSecret with the key redis.secretKeys.url" }}
{{- end }}
{{- if regexMatch "://[^/@]*:[^/@]*@|password=" .url }}
{{- fail "redis.url: a password in it would be seen by all who may read the Deployment: put the URL into redis.existingSecret, or the password, as redis.secretKeys.password" }}
{{- end }}
{{- if and (or .secretKeys.password .secretKeys.sentinelPassword) (not .existingSecret) }}
{{- fail "redis.secretKeys: there is no redis.existingSecret to take passwords from" }}
{{- end }}
{{- if ne (empty .tls.cert) (empty .tls.key) }}
{{- fail "redis.tls: cert and key go together" }}
{{- end }}
{{- end }}
{{- $places := dict
  "PORT" "service.port for clients; the gateways' own is 9000"
  "HOST" "nothing: a gateway listens on all addresses of its pod"
  "METRICS_PORT" "nothing: it is 9100"
  "NODE_NAME" "nothing: it is the pod's name"
  "PEERS" "nothing: it is the Service for them"
  "DATA_DIR" "nothing: there is no private Redis"
  "REDIS_URL" "redis.url or redis.existingSecret"
  "REDIS_USERNAME" "redis.username"
  "REDIS_PASSWORD" "redis.secretKeys.password"
  "SENTINEL_USERNAME" "redis.sentinelUsername"
  "SENTINEL_PASSWORD" "redis.secretKeys.sentinelPassword"
  "REDIS_CA_FILE" "redis.tls"
  "REDIS_CERT_FILE" "redis.tls"
  "REDIS_KEY_FILE" "redis.tls"
  "TLS_CERT" "tls.existingSecret"
  "TLS_KEY" "tls.existingSecret"
  "LOG_NAMES_KEY" "extraEnv, from a secret" }}
{{- range $name, $value := .Values.config }}
{{- with get $places $name }}
{{- fail (printf "config.%s: use %s" $name .) }}
{{- end }}
{{- end }}
{{- $own := fromYamlArray (include "tertulia.env" .) }}
{{- range .Values.extraEnv }}
{{- $name := .name }}
{{- range $own }}
{{- if eq .name $name }}
{{- fail (printf "extraEnv: the chart sets %s itself: use config, or redis" $name) }}
{{- end }}
{{- end }}
{{- end }}
{{- with .Values.autoscaling }}
{{- if and .enabled (gt (int .minReplicas) (int .maxReplicas)) }}
{{- fail "autoscaling: minReplicas is more than maxReplicas" }}
{{- end }}
{{- if and .enabled (not .connections) (not .cpu) }}
{{- fail "autoscaling: one of connections and cpu is to be more than 0" }}
{{- end }}
{{- end }}
{{- if and .Values.httpRoute.enabled (not .Values.httpRoute.parentRefs) }}
{{- fail "httpRoute.parentRefs: name the Gateway" }}
{{- end }}
{{- end }}
