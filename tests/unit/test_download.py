"""Downloads of item images: what becomes of a good one, and that item and image change together."""

from __future__ import annotations

import pytest

from download_image_from_url.fetching import Fetcher
from download_image_from_url.handler import download, download_image_from_url
from makertasks.aws import bucket
from makertasks.aws import session as clients
from makertasks.context import Context, running
from makertasks.errors import PermanentError, UnknownItem
from makertasks.inventory import table as inventory
from makertasks.inventory.table import Item
from makertasks.media import images, pictures
from tests.unit.downloads import ITEM, JPEG, OTHER, PATIENT, QUICK, answering, run, save_item, stored_keys
from tests.unit.misbehaving_server import MisbehavingServer, redirect, repeated, reply, write_certificate
from tests.unit.picture_samples import corners, encoded, exif, opened, quarters


@pytest.fixture
def server():
    with MisbehavingServer() as running:
        yield running


@pytest.fixture
def store(inventory_table, media_bucket):
    """Moto's inventory table and bucket, with one item."""
    return save_item()


# What becomes of a good picture


@pytest.mark.parametrize(("kind", "extension"), [("JPEG", "jpg"), ("PNG", "png"), ("WEBP", "webp")])
def test_a_picture_becomes_the_items_image(server, store, kind, extension):
    url = server.serve("/drill?size=2", reply(200, encoded(kind), Content_Type="text/html"))
    server.behaviours["/drill"] = server.behaviours["/drill?size=2"]

    result = run(url)

    key = f"inventory/images/DR-1.{extension}"
    item = inventory.get_item(ITEM)
    assert (item.image, item.thumbnail, item.image_source) == (key, f"CACHE/{key}.webp", url)
    assert stored_keys() == [f"CACHE/{key}.webp", key]
    image = bucket.get(key)
    assert image.content_type == pictures.CONTENT_TYPES[kind]
    assert corners(opened(image.body)) == ["red", "green", "blue", "white"]
    assert result == {
        "image": key,
        "thumbnail": f"CACHE/{key}.webp",
        "width": 80,
        "height": 60,
        "bytes": len(image.body),
        "changed": True,
    }


def test_the_task_itself_takes_its_hosts_from_the_environment(server, store, monkeypatch):
    url = server.serve("/drill.jpg", reply(200, JPEG))
    with pytest.raises(PermanentError, match="may not be reached"):
        download_image_from_url.call({"item_id": str(ITEM), "image_url": url})

    monkeypatch.setenv("DOWNLOAD_ALLOWED_HOSTS", f"127.0.0.1:{server.port}")

    assert download_image_from_url.call({"item_id": str(ITEM), "image_url": url})["changed"]


def test_no_place_is_left_in_a_stored_photograph(server, store):
    url = server.serve("/phone.jpg", reply(200, encoded("JPEG", exif=exif(6))))

    run(url)

    assert b"Secret" not in bucket.get("inventory/images/DR-1.jpg").body


def test_running_twice_leaves_one_image_and_changes_nothing(server, store):
    url = server.serve("/drill.jpg", reply(200, JPEG))
    run(url)
    before = {
        key: clients.client("s3").head_object(Bucket="unit-media", Key=key)["LastModified"] for key in stored_keys()
    }

    again = run(url)

    assert again["changed"] is False
    after = {
        key: clients.client("s3").head_object(Bucket="unit-media", Key=key)["LastModified"] for key in stored_keys()
    }
    assert after == before


def test_another_picture_of_another_format_replaces_the_first_without_an_orphan(server, store):
    first = server.serve("/first.jpg", reply(200, JPEG))
    second = server.serve("/second.png", reply(200, encoded("PNG")))
    run(first)

    run(second)

    assert stored_keys() == ["CACHE/inventory/images/DR-1.png.webp", "inventory/images/DR-1.png"]
    assert inventory.get_item(ITEM).image_source == second


def test_an_image_under_an_old_sku_is_removed(server, store):
    url = server.serve("/drill.jpg", reply(200, JPEG))
    run(url)
    store.update(actions=[Item.sku.set("DR-2")])

    run(url)

    assert stored_keys() == ["CACHE/inventory/images/DR-2.jpg.webp", "inventory/images/DR-2.jpg"]


@pytest.mark.parametrize(
    ("sku", "key"),
    [
        ("A/B", "inventory/images/A_B!998d3ed8983acf39.jpg"),
        ("../../etc/passwd", "inventory/images/etc_passwd!"),
        ("Schraube M3 à 10", "inventory/images/Schraube_M3_10!"),
        ("螺丝", "inventory/images/!"),
        ("BOLT_M3.5-10", "inventory/images/BOLT_M3.5-10.jpg"),
        (None, f"inventory/images/{ITEM}.jpg"),
    ],
)
def test_any_sku_makes_one_safe_key(server, store, sku, key):
    save_item(sku=sku)

    result = run(server.serve("/drill.jpg", reply(200, JPEG)))

    assert result["image"].startswith(key.removesuffix(".jpg"))
    assert result["image"].count("/") == 2
    assert inventory.get_item(ITEM).image == result["image"]


def test_skus_that_look_alike_when_made_safe_have_different_keys():
    skus = ["A/B", "A_B", "A B", "A\\B", "A//B", "a/b", "A/B ", "A!B", "A_B!998d3ed8983acf39"]

    assert len({images.key_of(sku, "jpg").lower() for sku in skus}) == len(skus)


def test_two_items_with_one_sku_keep_two_images(server, store):
    save_item(OTHER)
    red, blue = (encoded("PNG", quarters().crop(box)) for box in ((0, 0, 40, 30), (0, 30, 40, 60)))
    run(server.serve("/red.png", reply(200, red)))

    result = run(server.serve("/blue.png", reply(200, blue)), OTHER)

    assert result["image"] == f"inventory/images/{OTHER}.png"
    assert corners(opened(bucket.get("inventory/images/DR-1.png").body)) == ["red"] * 4


def test_stock_counted_meanwhile_stays(server, store):
    def count_stock(connection, head):
        Item(f"item#{ITEM}", "item").update(actions=[Item.current_stock.set(99)])
        reply(200, JPEG)(connection, head)

    run(server.serve("/drill.jpg", count_stock))

    assert inventory.get_item(ITEM).current_stock == 99


# An address that is no longer wanted


def test_an_outdated_address_is_not_even_asked(server, store):
    save_item(image_url=server.url("/new.jpg"), image="inventory/images/kept.jpg")

    result = run(server.serve("/old.jpg", reply(200, JPEG)))

    assert result == {
        "image": "inventory/images/kept.jpg",
        "thumbnail": None,
        "changed": False,
        "reason": "the item's image_url is another one now; its own download counts",
    }
    assert server.requests["/old.jpg"] == 0


def test_another_address_is_taken_where_a_person_says_so_and_the_items_own_stays(server, store):
    own = server.url("/broken.jpg")
    save_item(image_url=own)
    other = server.serve("/mended.jpg", reply(200, JPEG))

    result = run(other, override=True)

    item = inventory.get_item(ITEM)
    assert (result["changed"], item.image) == (True, result["image"])
    # As an upload: the picture counts for the item's own address, which an import does not download again.
    assert (item.image_url, item.image_source) == (own, own)


def test_a_late_download_of_an_outdated_address_overwrites_nothing(server, store):
    """While the old picture is on its way, the address changes and the new picture is stored under the same key."""
    new = server.serve("/new.jpg", reply(200, encoded("JPEG", quarters(40, 30))))

    def change_address_first(connection, head):
        Item(f"item#{ITEM}", "item").update(actions=[Item.image_url.set(new)])
        run(new)
        reply(200, JPEG)(connection, head)

    old = server.serve("/old.jpg", change_address_first)
    save_item(image_url=old)

    late = run(old)

    assert late["changed"] is False
    assert "another one now" in late["reason"]
    assert opened(bucket.get("inventory/images/DR-1.jpg").body).size == (40, 30)
    assert inventory.get_item(ITEM).image_source == new
    assert len(stored_keys()) == 2


def prepared(size=(80, 60), kind="JPEG"):
    return pictures.prepare(encoded(kind, quarters(*size)))


@pytest.mark.parametrize("moment", ["version", "replace"])
def test_a_change_at_any_moment_of_storing_overwrites_nothing_newer(store, monkeypatch, moment):
    """The newer download runs whole between two steps of the older one."""
    old, new = "https://example.com/old.jpg", "https://example.com/new.jpg"
    item = save_item(image_url=old)
    step = getattr(bucket, moment)

    def with_the_newer_download_before(*arguments):
        monkeypatch.setattr(bucket, moment, step)
        item_now = save_item(image_url=new)
        images.attach(item_now, prepared((40, 30)), new)
        return step(*arguments)

    monkeypatch.setattr(bucket, moment, with_the_newer_download_before)

    result = images.attach(item, prepared(), old)

    assert result["changed"] is False
    assert opened(bucket.get("inventory/images/DR-1.jpg").body).size == (40, 30)
    assert inventory.get_item(ITEM).image_source == new


def test_a_change_at_the_last_moment_leaves_no_orphan(store, monkeypatch):
    item = save_item(image_url="https://example.com/old.png")
    write = inventory.update_item

    def after_another_change(*arguments, **attributes):
        Item(f"item#{ITEM}", "item").update(actions=[Item.image_url.set("https://example.com/new.png")])
        return write(*arguments, **attributes)

    monkeypatch.setattr(inventory, "update_item", after_another_change)

    assert images.attach(item, prepared(kind="PNG"), "https://example.com/old.png")["changed"] is False
    assert stored_keys() == []


def test_an_item_deleted_meanwhile_leaves_no_orphan(server, store):
    def delete_item(connection, head):
        Item(f"item#{ITEM}", "item").delete()
        reply(200, JPEG)(connection, head)

    with pytest.raises(UnknownItem):
        run(server.serve("/drill.jpg", delete_item))

    assert stored_keys() == []


@pytest.mark.parametrize("step", range(6))
def test_a_crash_at_any_step_is_mended_by_running_again(store, monkeypatch, step):
    """The function dies before its first, second … write; a second run ends where one undisturbed run ends."""
    first, second = "https://example.com/first.jpg", "https://example.com/second.png"
    images.attach(save_item(image_url=first), prepared(), first)
    item = save_item(image_url=second, image="inventory/images/DR-1.jpg", image_source=first)
    countdown = iter([None] * step)

    def dying(write):
        def crash_or_write(*arguments, **attributes):
            if next(countdown, "crash") == "crash":
                raise KeyboardInterrupt
            return write(*arguments, **attributes)

        return crash_or_write

    with monkeypatch.context() as patches:
        for module, name in ((bucket, "replace"), (inventory, "update_item"), (bucket, "delete")):
            patches.setattr(module, name, dying(getattr(module, name)))
        try:
            images.attach(item, prepared((40, 30), "PNG"), second)
        except KeyboardInterrupt:
            assert step < 5
        else:
            assert step == 5
    present = inventory.get_item(ITEM)
    assert bucket.version(present.image).etag, "the item's image is there at any moment"

    images.attach(inventory.get_item(ITEM), prepared((40, 30), "PNG"), second)

    item = inventory.get_item(ITEM)
    assert (item.image, item.image_source) == ("inventory/images/DR-1.png", second)
    assert stored_keys() == ["CACHE/inventory/images/DR-1.png.webp", "inventory/images/DR-1.png"]


def test_an_upload_stands_until_the_image_url_changes(store):
    item = save_item(image_url="https://ann:secret@example.com/drill.jpg")

    images.attach(item, prepared(), None)

    assert inventory.get_item(ITEM).image_source == "https://example.com/drill.jpg"


MORNING, NOON = "2026-11-25T08:00:00.000000Z", "2026-11-25T12:00:00.000000Z"


def asked_at(moment, task_id="t"):
    return running(Context(task_id, requested=moment))


def test_an_upload_made_while_an_older_download_runs_stays(server, store):
    def upload_first(connection, head):
        with asked_at(NOON):
            images.attach(inventory.get_item(ITEM), prepared((40, 30)), None)
        reply(200, JPEG)(connection, head)

    url = server.serve("/drill.jpg", upload_first)
    save_item(image_url=url)

    with asked_at(MORNING):
        late = run(url)

    assert (late["changed"], late["reason"]) == (False, images.OVERTAKEN)
    assert opened(bucket.get("inventory/images/DR-1.jpg").body).size == (40, 30)


@pytest.mark.parametrize("source", ["https://example.com/drill.jpg", None])
@pytest.mark.parametrize("newest", ["https://example.com/drill.jpg", None])
def test_the_newest_wish_wins_in_whichever_order_and_way_they_come(store, source, newest):
    """`None` is an upload. The one asked for at noon is attached first; the morning's comes when all is done."""
    item = save_item(image_url="https://example.com/drill.jpg")
    with asked_at(NOON):
        images.attach(item, prepared((40, 30)), newest)

    with asked_at(MORNING):
        late = images.attach(inventory.get_item(ITEM), prepared(), source)

    assert (late["changed"], late["reason"]) == (False, images.OVERTAKEN)
    assert opened(bucket.get("inventory/images/DR-1.jpg").body).size == (40, 30)


@pytest.mark.parametrize("source", ["https://example.com/drill.jpg", None])
def test_who_asks_again_gets_the_image_again(store, source):
    item = save_item(image_url="https://example.com/drill.jpg")
    with asked_at(MORNING):
        images.attach(item, prepared((40, 30)), None)

    with asked_at(NOON):
        assert images.attach(inventory.get_item(ITEM), prepared(), source)["changed"] is True

    assert opened(bucket.get("inventory/images/DR-1.jpg").body).size == (80, 60)


def test_an_older_wish_does_not_overwrite_what_a_newer_one_is_just_storing(store):
    """The newer one has written its objects, and not yet the item."""
    item = save_item(image_url="https://example.com/drill.jpg")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(inventory, "update_item", stop)
        with asked_at(NOON), pytest.raises(ConnectionError):
            images.attach(item, prepared((40, 30)), None)

    with asked_at(MORNING):
        assert images.attach(item, prepared(), item.image_url)["reason"] == images.OVERTAKEN

    assert opened(bucket.get("inventory/images/DR-1.jpg").body).size == (40, 30)


def stop(*_, **__):
    raise ConnectionError("the function ends here")


# The way there


def test_a_name_is_looked_up_once_and_what_it_says_later_does_not_matter(server, store):
    """DNS rebinding, the other way round: the first answer is the server, any later one is a place without."""
    resolver = answering("127.0.0.1", "127.0.0.99")
    server.serve("/drill.jpg", reply(200, JPEG))
    fetcher = Fetcher(frozenset({"rebinding.example.com"}), PATIENT, resolver)

    result = download(ITEM, server.url("/drill.jpg", "rebinding.example.com"), fetcher)

    assert result["changed"]
    assert resolver.asked == ["rebinding.example.com"]
    assert f"Host: rebinding.example.com:{server.port}".encode() in server.heads["/drill.jpg"]


def test_an_allowed_host_is_allowed_at_its_port_alone(server, store):
    server.serve("/drill.jpg", reply(200, JPEG))
    elsewhere = Fetcher(frozenset({"127.0.0.1:1"}), QUICK)
    here = Fetcher(frozenset({f"127.0.0.1:{server.port}"}), PATIENT)

    with pytest.raises(PermanentError, match="may not be reached"):
        download(ITEM, server.url("/drill.jpg"), elsewhere)
    assert download(ITEM, server.url("/drill.jpg"), here)["changed"]


def test_the_environments_proxy_is_not_used(server, store, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")

    assert run(server.serve("/drill.jpg", reply(200, JPEG)))["changed"]


def test_five_redirects_are_followed_and_a_sixth_is_not(server, store):
    server.serve("/0", reply(200, JPEG))
    for hop in range(1, 7):
        server.serve(f"/{hop}", redirect(f"/{hop - 1}", [301, 302, 303, 307, 308][hop % 5]))

    with pytest.raises(PermanentError, match="redirects more than 5 times"):
        run(server.url("/6"))
    assert run(server.url("/5"))["changed"]


def test_the_body_of_a_redirect_is_not_read(server, store):
    server.serve("/end.jpg", reply(200, JPEG))
    endless = repeated(b"HTTP/1.1 302 Found\r\nLocation: /end.jpg\r\n\r\n", bytes(65536))

    assert run(server.serve("/start", endless))["changed"]


def test_a_redirect_to_a_name_beyond_ascii_is_followed(server, store):
    server.serve("/%C3%BCbersicht.jpg", reply(200, JPEG))

    assert run(server.serve("/start", redirect("/übersicht.jpg".encode().decode("latin-1"))))["changed"]


def test_an_unknown_item_is_said_before_anything_is_fetched(server, store):
    url = server.serve("/drill.jpg", reply(200, JPEG))

    with pytest.raises(UnknownItem, match=str(OTHER)):
        run(url, OTHER)
    assert server.requests.total() == 0


@pytest.fixture
def certificate(tmp_path):
    return write_certificate(tmp_path / "server.pem", "picture.example.com")


def test_tls_is_verified_for_the_name_although_the_address_was_chosen_before(store, certificate):
    trusting = {"trust": str(certificate), "resolver": answering("127.0.0.1")}
    hosts = frozenset({"picture.example.com", "other.example.com"})
    with MisbehavingServer(certificate) as server:
        server.serve("/drill.jpg", reply(200, JPEG))

        assert download(ITEM, server.url("/drill.jpg", "picture.example.com"), Fetcher(hosts, PATIENT, **trusting))
        with pytest.raises(PermanentError, match=r"certificate of .* is not valid: Hostname mismatch"):
            download(ITEM, server.url("/drill.jpg", "other.example.com"), Fetcher(hosts, PATIENT, **trusting))


# Credentials


def test_credentials_are_used_and_stored_nowhere(server, store):
    plain = server.serve("/drill.jpg", reply(200, JPEG))
    url = plain.replace("http://", "http://ann:p%40ss@")
    save_item(image_url=url)

    run(url)

    assert b"Authorization: Basic YW5uOnBAc3M=" in server.heads["/drill.jpg"]
    assert inventory.get_item(ITEM).image_source == plain


def test_an_address_without_its_credentials_stands_for_the_items_own(server, store):
    """So that messages and task records need not carry them."""
    plain = server.serve("/drill.jpg", reply(200, JPEG))
    save_item(image_url=plain.replace("http://", "http://ann:secret@"))

    assert run(plain)["changed"]
    assert b"Authorization: Basic" in server.heads["/drill.jpg"]


def test_credentials_stay_with_their_origin(server, store):
    with MisbehavingServer() as elsewhere:
        there = elsewhere.serve("/picture.jpg", reply(200, JPEG))
        server.serve("/here", redirect(there))
        server.serve("/start", redirect("/here"))

        run(server.url("/start").replace("http://", "http://ann:secret@"))

    assert b"Authorization" in server.heads["/here"]
    assert b"Authorization" not in elsewhere.heads["/picture.jpg"]
