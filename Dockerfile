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
# PDF files of cards and lists: Pango draws them, and Chinese needs a font.
# pg_dump and pg_restore of the server's own version, for backups; from PostgreSQL's own archive.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends \
        libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fontconfig fonts-noto-core fonts-noto-cjk postgresql-common \
    && /usr/share/postgresql-common/pgdg/apt.postgresql.org.sh -y \
    && apt-get install --yes --no-install-recommends postgresql-client-18 \
    && rm -rf /var/lib/apt/lists/*
RUN useradd --system --uid 10001 --home-dir /srv/dayzero dayzero \
    && install -d -o dayzero /var/lib/dayzero/audit /var/lib/dayzero/backups
WORKDIR /srv/dayzero
COPY --from=build /opt/venv /opt/venv
COPY manage.py ./
COPY config config
COPY trials trials
COPY participants participants
COPY schedules schedules
COPY templates templates
COPY locale locale
COPY static static
COPY deploy deploy
# The settings ask for these three; collecting files uses none of them. Collecting only warns of a folder
# that is missing, and every page would answer 500: the check before it makes of that an error.
RUN SECRET_KEY=collect ALLOWED_HOSTS=collect DATABASE_URL=sqlite://:memory: python manage.py check --tag staticfiles --fail-level WARNING
RUN SECRET_KEY=collect ALLOWED_HOSTS=collect DATABASE_URL=sqlite://:memory: python manage.py collectstatic --noinput
USER dayzero
EXPOSE 8000
CMD ["gunicorn", "config.wsgi", "--config", "python:config.web_server"]
