# The operator's image, for amd64 and arm64.
#
#   docker build -t setpoint .
#
# Python 3.11: newer ones cannot decode JSON as deep as the API server takes it (operator/setpoint/runtime.py).
# Where no registry can be reached, BASE_IMAGE is any image with Python 3.11 or newer, its venv module and ca-certificates.
# A machine behind a TLS-inspecting proxy passes its bundle as a secret that no layer keeps:
#   docker build --secret id=ca-certificates,src=/etc/ssl/certs/ca-certificates.crt -t setpoint .
ARG BASE_IMAGE=docker.io/library/python:3.11-slim-bookworm

FROM ${BASE_IMAGE} AS build
ARG PIP_INDEX_URL
ARG UV_DEFAULT_INDEX
ENV PIP_CERT=/etc/ssl/certs/ca-certificates.crt \
    SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt \
    UV_COMPILE_BYTECODE=1 \
    UV_LINK_MODE=copy \
    UV_NO_CACHE=1 \
    UV_PROJECT_ENVIRONMENT=/opt/setpoint \
    UV_PYTHON_DOWNLOADS=never
RUN --mount=type=secret,id=ca-certificates,target=/etc/ssl/certs/ca-certificates.crt \
    python3 -m venv /opt/uv && /opt/uv/bin/pip install --no-cache-dir uv==0.13.9
WORKDIR /src
# The dependencies first: a change of the operator's source leaves their layer as it is.
COPY pyproject.toml uv.lock ./
RUN --mount=type=secret,id=ca-certificates,target=/etc/ssl/certs/ca-certificates.crt \
    /opt/uv/bin/uv sync --frozen --no-default-groups --no-install-project
COPY README.md LICENSE ./
COPY manifests manifests
COPY operator operator
RUN --mount=type=secret,id=ca-certificates,target=/etc/ssl/certs/ca-certificates.crt \
    /opt/uv/bin/uv sync --frozen --no-default-groups --no-editable

FROM ${BASE_IMAGE}
LABEL org.opencontainers.image.title="Setpoint" \
      org.opencontainers.image.description="A Kubernetes operator for LLM serving that holds a latency promise" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /opt/setpoint /opt/setpoint
# USER: kopf asks getpass for a name, and the user below has no entry in /etc/passwd.
ENV PATH=/opt/setpoint/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    USER=setpoint
USER 65532:65532
WORKDIR /
EXPOSE 8080
ENTRYPOINT ["kopf", "run", "--all-namespaces", "--liveness=http://0.0.0.0:8080/healthz"]
CMD ["--module=setpoint.runtime"]
