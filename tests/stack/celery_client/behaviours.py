"""Celery's behaviours: each entry sends something and returns what a client observes afterwards.

That is a result, a group's result, or a dictionary of them and of `Calls(key)`, the number of times a callback ran.
"""

import datetime as dt
import decimal
import uuid
from datetime import UTC, timedelta

from celery import chain, chord, group, signature
from celery.canvas import StampingVisitor
from celery.result import ResultSet
from counting import counted_body, linked, marked, new, on_error
from shop.celery import add, app, describe, divide, lucky, replaced, slow, stubborn
from shop.odd import (
    counted,
    ends_as,
    extends,
    identity,
    ignored,
    nothing_kept,
    odd,
    raises,
    rejected,
    replaces,
    requested,
    sends,
    sleeps,
    told,
    told_all,
    tries,
)


class Monitoring(StampingVisitor):
    def on_signature(self, sig, **_headers):  # noqa: ARG002 - Celery's signature
        return {"customer": "4711", "stamped_headers": ["customer"]}


SENT = dt.datetime.now(UTC)
VALUES = {
    "datetime": dt.datetime(2026, 3, 29, 2, 30, tzinfo=UTC), "naive": dt.datetime(2026, 3, 29, 2, 30),  # noqa: DTZ001 - as many applications have them

    "date": dt.date(2028, 2, 29), "time": dt.time(1, 2), "decimal": decimal.Decimal("1.10"),
    "uuid": uuid.UUID(int=5), "bytes": b"\xff\x00", "large": 2**128, "negative": -(2**70), "float": 1e308,
    "nothing": None, "empty": [{}, [], ""], "unicode": "ошибка ü 💩 \x00", "true": True,
}  # fmt: skip
NUMBERS = [[1, 2], [3, 4], [5, 6]]
# Without exceptions that stop a stock worker: SystemExit, KeyboardInterrupt, GeneratorExit, MemoryError.
ODD = (
    "nan set bytes deep bigint types td surrogate intkeys generator exception_object needs_keyword two_args "
    "unprintable odd_args no_args unicode group_exc chained stopiter recursion "
    "retry_past retry_naive_eta retry_noexc retry_max0 retry_unpicklable retry_args state_weird state_set "
    "state_success state_failure subresult asyncresult print unknown"
).split()
REPLACED_BY = ("task", "chain", "group", "chord", "failing", "again", "empty", "immutable chain")
TRIES = ("nothing", "args", "eta", "exception", "max_retries", "expires", "limits", "headers", "without throwing")


def odds():
    numbers = {"deep": 20, "bigint": 60}
    found = {f"odd: {kind}": lambda kind=kind: odd.delay(kind, numbers.get(kind, 0)) for kind in ODD}
    for size in (20_000, 250_000):
        found[f"a result of {size:,} bytes"] = lambda size=size: odd.delay("big", size)
    found["an exception of 20,000 letters"] = lambda: odd.delay("huge_message", 20_000)
    found["values"] = lambda: identity.delay(VALUES)
    found["values in a chain"] = lambda: (identity.s(VALUES) | identity.s()).apply_async()
    found["values in a chord"] = lambda: chord(
        [identity.s(each) for each in VALUES.values()], identity.s()
    ).apply_async()
    return found


def tasks():
    return {
        "a task": lambda: add.delay(1, 2),
        "a failure": lambda: divide.delay(1, 0),
        "an unknown task": lambda: app.send_task("shop.unknown", (1,)),
        "wrong arguments": lambda: divide.delay(1),
        "the request": lambda: requested.apply_async((1, "two"), {"three": 3}, shadow="another name"),
        "the request of a step": lambda: (add.s(1, 2) | requested.s(a=1)).apply_async(),
        "the request of a part": lambda: chord([requested.s(1)], identity.s()).apply_async(),
        "headers": lambda: requested.apply_async(headers={"mine": "kept", "large": "x" * 60_000}),
        "large arguments": lambda: identity.delay("x" * 100_000),
        "a large arguments' step": lambda: (identity.s("x" * 60_000) | counted.s(key=new())).apply_async(),
        "ignored": lambda: ignored.delay(),
        "ignored in a state of its own": lambda: ignored.delay("CUSTOM"),
        "ignored as SUCCESS": lambda: ends_as.delay("SUCCESS", "by hand"),
        "ignored as FAILURE": lambda: ends_as.delay("FAILURE", {"exc_type": "Odd", "exc_message": ["by hand"],
                                                               "exc_module": "builtins"}),
        "rejected": lambda: rejected.delay(False),
        "ignore_result of a task": lambda: marked(
            lambda marker: nothing_kept.apply_async((1,), link=identity.si("ran").set(task_id=marker))),
        "ignore_result of a call": lambda: marked(
            lambda marker: add.apply_async((1,), ignore_result=True, link=identity.s().set(task_id=marker))),
        "ignore_result in a chain": lambda: (nothing_kept.s(1) | identity.s()).apply_async(),
        "ignore_result in a chord": lambda: chord([nothing_kept.s(1), add.s(2)], identity.s()).apply_async(),
        "countdown": lambda: add.apply_async((1,), countdown=2),
        "eta": lambda: add.apply_async((1,), eta=dt.datetime.now(UTC) + timedelta(seconds=2)),
        "eta in the past": lambda: add.apply_async((1,), eta=SENT - timedelta(days=1)),
        "expired": lambda: add.apply_async((1,), expires=SENT - timedelta(seconds=1)),
        "expires later": lambda: add.apply_async((1,), expires=3600),
        "expires before its eta": lambda: add.apply_async((1,), countdown=3, expires=1),
        "stock revoke": lambda: revoked(add.apply_async((1,), countdown=2)),
        "soft limit, caught": lambda: slow.delay(),
        "soft limit": lambda: sleeps.apply_async((100,), soft_time_limit=1, time_limit=90),
        "hard limit": lambda: linked(sleeps.s(100).set(time_limit=2), "link_error"),
        "retry": lambda: stubborn.delay(2),
        "retry without end": lambda: linked(stubborn.s(9), "link_error"),
        "autoretry": lambda: lucky.delay(1),
        "autoretry without end": lambda: lucky.delay(2),
        **{f"retry: {how}": lambda how=how: linked(tries.s(how, "old", given="before")) for how in TRIES},
        "retry within a chain": lambda: (add.s(1) | tries.si("nothing") | identity.s()).apply_async(),
        "retry within a chord": lambda: chord([stubborn.s(1), add.s(2)], identity.s()).apply_async(),
        **{f"sends a {kind}": lambda kind=kind: sends.delay(kind) for kind in ("task", "group", "chain")},
    }  # fmt: skip


def revoked(result):
    result.revoke()
    return result


def forgotten(result):
    result.get(timeout=600, interval=0.2)
    result.forget()
    return result


def replacements():
    found = {}
    for kind in REPLACED_BY:
        found[f"replaced by: {kind}"] = lambda kind=kind: linked(replaces.s(kind))
        found[f"replaced by, in a chain: {kind}"] = lambda kind=kind: (replaces.s(kind) | identity.s()).apply_async()
        found[f"replaced by, in a chord: {kind}"] = lambda kind=kind: chord(
            [replaces.s(kind), add.s(1)], identity.s()
        ).apply_async()
    return found | {
        "replaced by a group and its sum": lambda: replaced.delay(10),
        "a part adds to its chord": lambda: chord([extends.s(1), add.s(2)], identity.s()).apply_async(),
        "a replacement fails, with an errback": lambda: linked(replaces.s("failing"), "link_error"),
    }  # fmt: skip


def canvases():
    pair = lambda: group(add.s(1), add.s(2))  # noqa: E731 - a canvas is used once
    sums = lambda body: chord([add.s(1, 1), add.s(2, 2)], body)  # noqa: E731
    return {
        "chain": lambda: chain(add.s(1), add.s(2), add.s(3)).apply_async(),
        "chain of one": lambda: chain(add.s(1, 2)).apply_async(),
        "chain of a chain": lambda: chain(chain(add.s(1), add.s(2)), chain(add.s(3), add.s(4))).apply_async(),
        "immutable chain": lambda: chain(add.si(1, 1), add.si(2, 2)).apply_async(),
        "group": lambda: group(add.s(each, 1) for each in range(5)).apply_async(),
        "group of one": lambda: group(add.s(1)).apply_async(),
        "empty group": lambda: group().apply_async(),
        "group in a group": lambda: group(add.s(1), group(add.s(2), add.s(3))).apply_async(),
        "group of chains": lambda: group(add.s(1) | add.s(2), add.s(3) | add.s(4)).apply_async(),
        "group of chords": lambda: group(sums(add.s()), sums(add.s(5))).apply_async(),
        "chord": lambda: counted_body(sums),
        "chord of one": lambda: chord([add.s(1)], add.s()).apply_async(),
        "empty chord": lambda: chord([], add.s(7)).apply_async(),
        "chord of generator": lambda: chord((add.s(each) for each in range(4)), add.s()).apply_async(),
        "chord with a chain as body": lambda: sums(add.s() | add.s(5) | add.s(6)).apply_async(),
        "chord with a group as body": lambda: sums(pair()).apply_async(),
        "chord with a chord as body": lambda: sums(sums(add.s())).apply_async(),
        "chord of chains": lambda: chord([add.s(1) | add.s(2), add.s(3) | add.s(4)], identity.s()).apply_async(),
        "chord of groups": lambda: chord([pair(), pair()], identity.s()).apply_async(),
        "chord of chords": lambda: chord([sums(add.s()), sums(add.s(1))], identity.s()).apply_async(),
        "chord of chains with groups": lambda: chord(
            [add.s(1) | pair(), identity.s("b")], identity.s()).apply_async(),
        "group in a chain": lambda: chain(add.s(1), pair(), add.s(10)).apply_async(),
        "group first in a chain": lambda: chain(pair(), add.s(10)).apply_async(),
        "group last in a chain": lambda: chain(add.s(1), pair()).apply_async(),
        "group after a group": lambda: chain(pair(), group(add.s(5), add.s(6))).apply_async(),
        "groups in a group in a chain": lambda: chain(
            identity.s(1), group(group(add.s(1), add.s(2)), group(add.s(3), add.s(4))), identity.s()).apply_async(),
        "group of chains of groups": lambda: chain(
            group(identity.s(1) | pair() | add.s(), identity.s(2)), identity.s()).apply_async(),
        "chord in a chain": lambda: chain(add.s(1), chord([add.s(1), add.s(2)], add.s()), add.s(5)).apply_async(),
        "chunks": lambda: add.chunks(NUMBERS, 2).apply_async(),
        "chunks as a group": lambda: add.chunks(NUMBERS, 2).group().apply_async(),
        "map": lambda: add.map([1, 2, [3, 4]]).apply_async(),
        "starmap": lambda: add.starmap(NUMBERS).apply_async(),
        "map that fails": lambda: raises.map(["ValueError"]).apply_async(),
        "map in a chain": lambda: (add.map([1, 2]) | identity.s()).apply_async(),
        "starmap in a group": lambda: group(add.starmap(NUMBERS), add.s(1)).apply_async(),
        "starmap in a chord": lambda: chord([add.starmap(NUMBERS), add.s(1)], identity.s()).apply_async(),
        "chunks in a chord": lambda: chord([add.chunks(NUMBERS, 2).group(), add.s(1)], identity.s()).apply_async(),
        "three levels": lambda: chain(
            group(chord([add.s(1), chain(add.s(2), add.s(3))], add.s()), add.s(9)), identity.s()).apply_async(),
        "a canvas as text": lambda: signature(app.signature(dict(add.s(1) | add.s(2)))).apply_async(),
        "stamped": lambda: stamped(requested.s(1)),
        "stamped chain": lambda: stamped(requested.s(1) | requested.si(2)),
        "stamped chord": lambda: stamped(chord([requested.s(1), requested.s(2)], requested.si(3))),
        "stamped by a visitor": lambda: visited(requested.s(1) | requested.si(2)),
        "saved group": lambda: saved(group(add.s(1), add.s(2)).apply_async()),
        "result set": lambda: ResultSet([add.delay(1), add.delay(2), divide.delay(1, 0)], app=app),
        "forgotten": lambda: forgotten(add.delay(1)),
    }  # fmt: skip


def stamped(canvas):
    canvas.stamp(customer="4711", urgent=True)
    return canvas.apply_async()


def visited(canvas):
    canvas.stamp(visitor=Monitoring())
    return canvas.apply_async()


def saved(result):
    result.save()
    return app.GroupResult.restore(result.id)


def callbacks():
    two = lambda marker: [identity.s().set(task_id=marker), add.s(1)]  # noqa: E731
    return {
        "link": lambda: linked(add.s(1, 2)),
        "several links": lambda: marked(lambda marker: add.apply_async((1, 2), link=two(marker))),
        "link that is a chain": lambda: marked(
            lambda marker: add.apply_async((1, 2), link=add.s(3) | add.s(4).set(task_id=marker))),
        "link of a link": lambda: marked(lambda marker: add.apply_async(
            (1, 2), link=add.s(3).set(link=[identity.s().set(task_id=marker)]))),
        "link of a failure": lambda: linked(divide.s(1, 0)),
        "link that fails": lambda: add.apply_async((1, 2), link=raises.si()),
        "link of a chain": lambda: linked(chain(add.s(1), add.s(2))),
        "link of a group": lambda: linked(group(add.s(1), add.s(2))),
        "link of a chord": lambda: linked(chord([add.s(1), add.s(2)], add.s())),
        "link_error": lambda: linked(divide.s(1, 0), "link_error"),
        "link_error of a success": lambda: linked(divide.s(1, 1), "link_error"),
        "link_error that is sent": lambda: marked(
            lambda marker: divide.apply_async((1, 0), link_error=told.s().set(task_id=marker))),
        "link_error that is immutable": lambda: marked(
            lambda marker: divide.apply_async((1, 0), link_error=identity.si("told").set(task_id=marker))),
        "link_error of the newer kind": lambda: marked(
            lambda marker: divide.apply_async((1, 0), link_error=told_all.s(marker=marker))),
        "link_error unknown here": lambda: divide.apply_async(
            (1, 0), link_error=signature("shop.unknown", app=app)),
        "link_error of a chain, first": lambda: linked(chain(divide.s(1, 0), add.s(1)), "link_error"),
        "link_error of a chain, last": lambda: linked(chain(add.s(1), divide.s(0)), "link_error"),
        "link_error of a group": lambda: linked(group(divide.s(1, 0), add.s(1)), "link_error"),
        "link_error of a chord's part": lambda: linked(chord([divide.s(1, 0), add.s(1)], add.s()), "link_error"),
        "link_error of a chord's parts": lambda: linked(
            chord([divide.s(1, 0), divide.s(2, 0)], add.s()), "link_error"),
        "link_error of a chord's body": lambda: linked(chord([add.s(1), add.s(0)], raises.si()), "link_error"),
        "on_error of a chord": lambda: on_error(chord([divide.s(1, 0), add.s(1)], add.s())),
        "chain that fails first": lambda: chain(divide.s(1, 0), add.s(1), add.s(2)).apply_async(),
        "chain that fails in between": lambda: chain(add.s(1), divide.s(0), add.s(2)).apply_async(),
        "chain with a step unknown here": lambda: chain(
            add.s(1), signature("shop.unknown", app=app), add.s(2)).apply_async(),
        "chord that fails in a part": lambda: chord([add.s(1), divide.s(1, 0)], add.s()).apply_async(),
        "chord that fails in its body": lambda: chord([add.s(1), add.s(2)], raises.si()).apply_async(),
        "chord that fails in a chain": lambda: chord(
            [add.s(1), divide.s(1, 0) | add.s(2)], add.s()).apply_async(),
        "chord with an unknown part": lambda: chord(
            [add.s(1), signature("shop.unknown", app=app)], add.s()).apply_async(),
        "chord with a failing chain as body": lambda: chord(
            [add.s(1), add.s(2)], add.s() | divide.s(0) | add.s(1)).apply_async(),
        "chord of chords that fail": lambda: chord(
            [chord([divide.s(1, 0), add.s(1)], add.s()), add.s(1)], identity.s()).apply_async(),
        "group that fails in a chain": lambda: chain(
            group(divide.s(1, 0), add.s(1)), add.s(), add.s(2)).apply_async(),
        "group after a failure": lambda: chain(divide.s(1, 0), group(add.s(1), add.s(2))).apply_async(),
        "chord after a failure": lambda: chain(
            divide.s(1, 0), chord([add.s(1), add.s(2)], add.s())).apply_async(),
        "parent and root": lambda: chain(describe.si(), describe.si()).apply_async(),
    }  # fmt: skip


def all_of_them():
    return tasks() | canvases() | callbacks() | replacements() | odds()
