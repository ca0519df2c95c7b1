"""AWS's list prices, its always-free tier, and the prices of always-on alternatives to makertasks."""

from __future__ import annotations

# List prices in dollars, region us-east-1, as of 2026-11-22. Check them if it matters:
# https://aws.amazon.com/{lambda,sqs,dynamodb,s3,cloudwatch,api-gateway,xray,cognito,ec2}/pricing/
PRICES = {
    "lambda_gb_second": 0.0000133334,  # arm64
    "lambda_request": 0.20e-6,
    "sqs_request": 0.40e-6,
    "write_unit": 0.625e-6,  # on demand
    "read_unit": 0.125e-6,
    "table_gb_month": 0.25,
    "s3_put": 5.0e-6,
    "s3_get": 0.4e-6,
    "s3_gb_month": 0.023,
    "logs_gb": 0.50,
    "api_request": 1.00e-6,
    "alarm_month": 0.10,
    "metric_month": 0.30,
    "trace": 5.0e-6,
    "gb_out": 0.09,
    "user_month": 0.0055,  # Cognito Lite, per user who signs in at least once
    "machine_client_month": 6.00,  # Cognito, an app client with client credentials
    "machine_token": 0.00225,
}
# Monthly free tier of every account, without an end date. https://aws.amazon.com/free/, "always free"
FREE = {
    "lambda_gb_second": 400_000,
    "lambda_request": 1_000_000,
    "sqs_request": 1_000_000,
    "table_gb_month": 25,
    "logs_gb": 5,
    "metric_month": 10,
    "trace": 100_000,
    "gb_out": 100,
    "user_month": 10_000,
}
FREE_ALARMS = 10  # subtracted in both columns; if an account already uses its ten, each of these costs 0.10 more
# The always-on machine that Celery, Redis and Flower need: one small server with disk and IP address.
SERVER_MONTH = 0.0168 * 730 + 20 * 0.08 + 0.005 * 730  # t4g.small with 2 GB, 20 GB gp3, one public IPv4 address
# Celery on Fargate: a worker of 0.25 vCPU and 0.5 GB on arm64 with its address. Linux/ARM costs 0.03238 a vCPU-hour and
# 0.00356 a GB-hour (https://www.vantage.sh/blog/fargate-pricing, looked up on 2026-11-26).
WORKER_MONTH = (0.25 * 0.03238 + 0.5 * 0.00356) * 730 + 0.005 * 730
# The smallest ElastiCache node, cache.t4g.micro with Redis OSS, costs 0.016 an hour: AWS's price list as public
# repositories quote it, on 2026-11-26 (cache.t3.micro: 0.017, https://dragonflydb.io/finops/elasticache/cache.t3.micro).
FARGATE_MONTH = WORKER_MONTH + 0.016 * 730
# Amazon MQ for RabbitMQ: one mq.m7g.medium, the smallest broker that it offers, and the same worker. Assumed: AWS's own
# price could not be looked up. Operators state 56 to 66 a month for other regions (2026); this is the lower one.
MANAGED_QUEUE_MONTH = 56.00 + WORKER_MONTH

Units = dict[str, float]  # numbers of units by their names in PRICES


def units_of(**numbers: float) -> Units:
    """Return numbers of units by name."""
    return numbers


def dollars(units: Units) -> float:
    """Return the list price of units."""
    return sum(number * PRICES[name] for name, number in units.items())


def after_free(units: Units) -> float:
    """Return the price of a month's units after the always-free tier."""
    return sum(max(number - FREE.get(name, 0), 0) * PRICES[name] for name, number in units.items())


def times(units: Units, number: float) -> Units:
    """Return the units multiplied by a number."""
    return {name: each * number for name, each in units.items()}


def together(parts: list[Units]) -> Units:
    """Return the sum of units."""
    total: Units = {}
    for part in parts:
        for name, number in part.items():
            total[name] = total.get(name, 0) + number
    return total


OTHERS = (
    (
        "One server with Celery, Redis and Flower (t4g.small)",
        SERVER_MONTH,
        "tasks run all day, or you maintain a server anyway; no 15-minute limit",
        "it is mostly idle; you do updates, backups and restarts",
    ),
    (
        "Celery on Fargate, one small worker, ElastiCache",
        FARGATE_MONTH,
        "Celery stays as it is, without a server to update",
        "two services are billed by the hour; messages are lost if the Redis node fails",
    ),
    (
        "Celery on Fargate, a managed RabbitMQ",
        MANAGED_QUEUE_MONTH,
        "messages survive a worker's failure; other programs can use the broker, too",
        "the broker alone costs more than everything else",
    ),
)
