# One image for both sides: `cbt-server` by default, `cbt-node` as the command of a center's container.
FROM node:24-slim AS packages
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev && npm cache clean --force

FROM node:24-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=packages /app/node_modules node_modules
COPY package.json LICENSE ./
COPY replication replication
COPY design-docs design-docs
COPY server server
COPY local-node local-node
RUN ln -s /app/server/cbt-server /app/local-node/cbt-node /usr/local/bin/ \
  && install -d -o node -g node -m 700 /data
USER node
ENV HOST=0.0.0.0 DATA_DIR=/data
VOLUME /data
EXPOSE 4000 5000
STOPSIGNAL SIGTERM
# Alive is what a restart can mend; whether it is ready is for the load balancer to ask (/health/ready).
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=4 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT || 4000}/health/live`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
CMD ["cbt-server", "start"]
