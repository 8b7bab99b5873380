# A gateway: Node, dist/ and the packages that it needs. Built in the first stage, which stays behind.

# the same image each time: docker build --build-arg BASE_IMAGE=node:24-trixie-slim@sha256:…
ARG BASE_IMAGE=node:24-trixie-slim

FROM ${BASE_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --no-update-notifier
COPY tsconfig.json vite.web.config.ts build.js ./
COPY src ./src
COPY packages/audit.js packages/sbom.js ./packages/
RUN npm run build && npm ci --omit=dev --omit=optional --no-update-notifier && rm -f dist/.tsbuildinfo dist/.built.json
RUN node packages/sbom.js >sbom.cdx.json

FROM ${BASE_IMAGE}
ARG BASE_IMAGE
# of the commit that is built: docker build --build-arg REVISION=$(git rev-parse HEAD)
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Tertulia" \
      org.opencontainers.image.version="0.2.0" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.base.name="$BASE_IMAGE" \
      org.opencontainers.image.description="A gateway of a Redis-backed chat cluster on WebSockets" \
      org.opencontainers.image.licenses="MIT"
# nothing here installs packages, nor shall; the list of those that are there stays, for scanners
RUN rm -rf /usr/local/lib/node_modules /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/corepack \
      /usr/local/bin/yarn /usr/local/bin/yarnpkg /opt/yarn-* \
      /usr/bin/apt* /usr/bin/dpkg* /usr/sbin/dpkg* /usr/lib/apt /usr/libexec/dpkg /etc/apt /var/lib/apt
ENV NODE_ENV=production METRICS_PORT=9100 DRAIN_WAIT_MS=2000 DRAIN_WINDOW_MS=5000
WORKDIR /app
# owned by root, run by another: the process cannot change what it runs, and writes nothing
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY --from=build /app/sbom.cdx.json ./
COPY package.json LICENSE ./
USER 1000:1000
EXPOSE 9000 9100
# whether the process lives; whether it can serve is /readyz, and the balancer's business. Bash, because starting a
# Node for it takes as much of a core as a quiet gateway. It listens once Redis is there, which may have much to read:
# `docker compose up` waits so long, and gives up the balancer then. With TLS, what it says to plain HTTP proves as much
HEALTHCHECK --interval=5s --timeout=3s --start-period=120s --retries=3 \
  CMD ["bash", "-c", "exec 3<>/dev/tcp/${HOST:-127.0.0.1}/${PORT:-9000} && printf 'GET /healthz HTTP/1.0\\r\\n\\r\\n' >&3 && read -r -t 2 line <&3 && [[ $line == *' 200 '* || ( -n $TLS_CERT && $line == *' 400 '* ) ]]"]
# node itself is process 1: it has handlers for SIGTERM and SIGINT, and starts no children here. The young part of the
# heap: 16 MB, the default, would be resident twice, and made no message cheaper
CMD ["node", "--min-semi-space-size=8", "--max-semi-space-size=8", "--enable-source-maps", "dist/main.js"]
