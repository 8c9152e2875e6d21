# Headgate as a container: docker build --tag headgate . && docker run --rm --publish 127.0.0.1:8080:8080 headgate
#
# A configuration of your own goes to /etc/headgate/headgate.yaml (--volume ./headgate.yaml:/etc/headgate/headgate.yaml:ro),
# keys come as variables (--env OPENAI_API_KEY) or as files. More in docs/packaging.md.

FROM swift:6.3-bookworm AS build
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libevent-dev libssl-dev libsimdjson-dev pkg-config \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /usr/src/headgate
# Packages first: they change less often than the sources.
COPY Package.swift ./
COPY packaging/pins.json Package.resolved
RUN swift package resolve --force-resolved-versions
COPY Sources Sources
COPY Tests Tests
COPY Examples Examples
RUN swift build -c release --static-swift-stdlib --product headgate --force-resolved-versions \
    && strip --strip-all --output-file /headgate .build/release/headgate

FROM debian:bookworm-slim
# What the Debian package depends on; ca-certificates to trust upstreams by.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends \
        ca-certificates libevent-core-2.1-7 libgcc-s1 libsimdjson14 libssl3 libstdc++6 \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build /headgate /usr/bin/headgate
COPY Config/headgate.yaml /etc/headgate/headgate.yaml
# A number, so that an orchestrator can see that it is not root. Nothing is written to the file system.
USER 64180:64180
EXPOSE 8080
# Drains: requests under way get server.drain_timeout, so give `docker stop` more than its 10 s (--time 35).
STOPSIGNAL SIGTERM
# By bash, which the image has, because curl is not in it. It ends by itself when nobody answers: not every engine ends it.
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s --retries=3 \
    CMD ["/bin/bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/8080 && printf 'GET /health HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n' >&3 && read -t 2 -r _ status _ <&3 && [ \"$status\" = 200 ]"]
ENTRYPOINT ["/usr/bin/headgate"]
# From outside of the container nothing reaches its 127.0.0.1, where the configuration listens.
CMD ["serve", "--config", "/etc/headgate/headgate.yaml", "--listen", "0.0.0.0:8080"]
