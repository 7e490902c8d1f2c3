# fanmill as a container: a milter on port 8891, its data in /var/lib/fanmill.
#
#   docker build --build-arg VERSION=$(git describe --tags --always) -t fanmill .
#   docker run -d --name fanmill -v fanmill:/var/lib/fanmill -p 127.0.0.1:8891:8891 fanmill
#
# test/docker runs these steps without a container engine where there is none.

FROM golang:1.26-bookworm AS build
ARG VERSION=unknown
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
# go-sqlite3 is C, so the program needs the C library of the image it runs in.
RUN CGO_ENABLED=1 go build -trimpath -ldflags "-X main.release=$VERSION" -o /out/fanmill ./cmd/fanmill

FROM debian:bookworm-slim
# An account without useradd, whose lock files need root.
RUN echo 'fanmill:x:8891:8891:fanmill:/var/lib/fanmill:/usr/sbin/nologin' >>/etc/passwd && \
    echo 'fanmill:x:8891:' >>/etc/group && \
    install -d -o 8891 -g 8891 -m 2770 /var/lib/fanmill
COPY --from=build /out/fanmill /usr/local/bin/fanmill
COPY contrib/docker/fanmill.toml /etc/fanmill/fanmill.toml
USER fanmill
ENV FANMILL_DATA=/var/lib/fanmill
VOLUME /var/lib/fanmill
EXPOSE 8891
# Asks the daemon over its control socket; fails when it does not answer.
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s CMD ["fanmill", "status"]
ENTRYPOINT ["fanmill"]
CMD ["serve", "--config", "/etc/fanmill/fanmill.toml"]
