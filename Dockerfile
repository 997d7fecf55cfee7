# One image for the driver, the Ray head, the workers and the MLflow server: docker build -t beta-sweep:0.1.0 .
FROM python:3.11.14-slim-bookworm

# rsync: Ray's cluster launcher copies files into the container; wget: health checks.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends rsync wget \
    && rm -rf /var/lib/apt/lists/*

# 1000 is the first user of the usual cloud machines too, so mounted files have the same owner.
RUN useradd --uid 1000 --create-home researcher \
    && install --directory --owner researcher /mnt/store
WORKDIR /opt/beta-sweep

# What changes rarely first: a change of the code does not install PyTorch again. PyPI's PyTorch
# carries CUDA; for machines without a GPU a far smaller image comes with
#   --build-arg TORCH_INDEX=URL (the package index of PyTorch's CPU builds)
ARG TORCH_INDEX=""
COPY constraints.txt pyproject.toml ./
RUN python -c "import tomllib; p = tomllib.load(open('pyproject.toml', 'rb'))['project']; print(*p['dependencies'], *p['optional-dependencies']['cluster'], sep='\n')" > requirements.txt \
    && pip install --no-cache-dir ${TORCH_INDEX:+--extra-index-url "$TORCH_INDEX"} -c constraints.txt -r requirements.txt

COPY README.md LICENSE ./
COPY trainer trainer
COPY evaluation evaluation
COPY sweeps sweeps
RUN pip install --no-cache-dir --no-deps .

# A machine that hangs is given up after about 15 seconds, and its trials go on elsewhere; Ray's own
# settings make that a minute.
ENV RAY_AUTH_MODE=token \
    RAY_USAGE_STATS_ENABLED=0 \
    RAY_health_check_period_ms=1000 \
    RAY_health_check_timeout_ms=5000 \
    RAY_health_check_failure_threshold=3
USER 1000
# No ENTRYPOINT: Ray's launcher, KubeRay and compose start their own commands in this image.
CMD ["sweep", "--help"]
