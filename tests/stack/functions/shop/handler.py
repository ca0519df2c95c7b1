"""The Lambda function of the application."""

from makertasks.contrib.celery import lambda_handler
from shop.celery import app

handler = lambda_handler(app, queue="shop")
