"""Apache Kafka as the log: the only package that knows kafka-python.

It is imported when a ``kafka:`` URL is used, never before. ``KafkaLogWriter`` and
``KafkaLogReader`` keep the promises of ``transport.base``.
"""

from lineseal.transport.kafka.lag import unread_by_partition
from lineseal.transport.kafka.reader import KafkaLogReader
from lineseal.transport.kafka.url import KafkaUrl, parse_kafka_url
from lineseal.transport.kafka.writer import KafkaLogWriter

__all__ = ["KafkaLogReader", "KafkaLogWriter", "KafkaUrl", "parse_kafka_url", "unread_by_partition"]
