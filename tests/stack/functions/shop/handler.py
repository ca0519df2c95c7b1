"""The Lambda function of the application."""

from makertasks.celery_app import lambda_handler
from shop.celery import app

handler = lambda_handler(app, queue="shop")
