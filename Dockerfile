# The image of every service: `python -m web.services NAME` is one of them, `web` by default.
# It brings no servers: DATABASE_URL, CACHE_URL and BROKER_URL must be given.

FROM python:3.13-slim AS packages
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /packages
COPY requirements.txt .
RUN /packages/bin/pip install --only-binary :all: -r requirements.txt

FROM python:3.13-slim
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin listings
ENV PATH=/packages/bin:$PATH PYTHONUNBUFFERED=1 LISTEN_HOST=0.0.0.0 PRODUCTION=true
COPY --from=packages /packages /packages
WORKDIR /listings
COPY . .
# The settings want values; no server is asked. The files stay in the image: whitenoise serves them.
RUN SECRET_KEY=build DATABASE_URL=postgres://build/build \
    CACHE_URL=redis://build BROKER_URL=redis://build \
    python manage.py collectstatic --noinput \
    && python -m compileall -q web listings invalidation_worker monitoring
USER listings
EXPOSE 8000 9121 9130-9133 9140-9149
CMD ["python", "-m", "web.services", "web"]
