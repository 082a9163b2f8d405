FROM python:3.11-slim AS build
WORKDIR /srv/dayzero
COPY requirements.txt .
RUN python -m venv /opt/venv && /opt/venv/bin/pip install --no-cache-dir --require-hashes -r requirements.txt

FROM python:3.11-slim
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DJANGO_SETTINGS_MODULE=config.settings.production \
    PORT=8000
RUN useradd --system --uid 10001 --home-dir /srv/dayzero dayzero \
    && install -d -o dayzero /var/lib/dayzero/audit
WORKDIR /srv/dayzero
COPY --from=build /opt/venv /opt/venv
COPY manage.py ./
COPY config config
COPY trials trials
COPY participants participants
COPY schedules schedules
COPY templates templates
COPY locale locale
# The settings ask for these three; collecting files uses none of them.
RUN SECRET_KEY=collect ALLOWED_HOSTS=collect DATABASE_URL=sqlite://:memory: python manage.py collectstatic --noinput
USER dayzero
EXPOSE 8000
# Access logs stay off: a calendar's address holds its secret.
CMD ["sh", "-c", "exec gunicorn config.wsgi --bind 0.0.0.0:$PORT --max-requests 5000 --max-requests-jitter 500"]
