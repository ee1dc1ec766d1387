# Lineseal as a service, for compose.yaml: the home with keys, log and store is the volume.
FROM python:3.11-slim

COPY pyproject.toml README.md LICENSE /src/
COPY schemas /src/schemas
COPY producers /src/producers
COPY consumers /src/consumers
COPY queries /src/queries
RUN pip install --no-cache-dir '/src[consumers,kafka,otlp]' && rm -r /src \
    && useradd --uid 10001 --create-home lineseal \
    && install -d -m 0700 -o lineseal -g lineseal /var/lib/lineseal

USER lineseal
WORKDIR /home/lineseal
ENV LINESEAL_HOME=/var/lib/lineseal
VOLUME /var/lib/lineseal
ENTRYPOINT ["lineseal"]
CMD ["up"]
