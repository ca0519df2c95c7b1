"""Presigned URLs of the media bucket: their host must be the endpoint of the bucket's region."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from makertasks.aws import bucket, session

# Old and new regions, and other partitions. Endpoints: https://docs.aws.amazon.com/general/latest/gr/s3.html
REGIONS = {
    "us-east-1": "amazonaws.com",
    "eu-central-1": "amazonaws.com",
    "ap-southeast-5": "amazonaws.com",  # opened in 2024: bucket.s3.amazonaws.com answers 400 for it
    "us-gov-west-1": "amazonaws.com",
    "cn-north-1": "amazonaws.com.cn",
}


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch):
    """AWS credentials in a region that the test chooses; separate from other tests' clients."""
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("MEDIA_BUCKET", "media-of-a-test")
    session._client.cache_clear()
    yield monkeypatch
    session._client.cache_clear()


@pytest.mark.parametrize(("region", "suffix"), REGIONS.items())
def test_links_and_upload_forms_name_the_regional_host(account, region, suffix):
    account.setenv("AWS_DEFAULT_REGION", region)

    addresses = [bucket.link("inventory/images/drill.jpg"), bucket.presigned_post("uploads/x", "image/png", 10)["url"]]

    assert {urlsplit(each).netloc for each in addresses} == {f"media-of-a-test.s3.{region}.{suffix}"}


def test_links_on_a_local_aws_keep_its_address(account):
    account.setenv("AWS_DEFAULT_REGION", "us-east-1")
    account.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4566")

    link = urlsplit(bucket.link("inventory/images/drill.jpg"))

    assert (link.netloc, link.path) == ("127.0.0.1:4566", "/media-of-a-test/inventory/images/drill.jpg")
