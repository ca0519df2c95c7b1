"""Tasks with every odd result, exception, state and way to end that people have tried."""

import datetime
import decimal
import os
import sys
import threading
import time
import uuid

from celery import chain, chord, group
from celery.exceptions import Ignore, Reject

from shop.celery import add, app


class NeedsKeyword(Exception):
    def __init__(self, *, code, detail):
        super().__init__(f"code {code}: {detail}")
        self.code, self.detail = code, detail


class TwoArgs(Exception):
    def __init__(self, msg, other):
        super().__init__(msg)
        self.other = other


class Unprintable(Exception):
    def __str__(self):
        raise RuntimeError("no text for you")


class OddArgs(Exception):
    pass


@app.task(name="shop.odd", bind=True, max_retries=3)
def odd(self, kind, n=0):
    if kind == "nan":
        return {"x": float("nan"), "y": float("inf"), "z": float("-inf")}
    if kind == "set":
        return {1, 2, 3}
    if kind == "bytes":
        return b"\xff\xfe\x00"
    if kind == "big":
        return "x" * n
    if kind == "deep":
        v = []
        for _ in range(n):
            v = [v]
        return v
    if kind == "bigint":
        return 10**n
    if kind == "types":
        return {
            "d": datetime.datetime(2026, 3, 29, 2, 30),
            "day": datetime.date(2028, 2, 29),
            "dec": decimal.Decimal("1.10"),
            "u": uuid.UUID(int=5),
            "t": datetime.time(1, 2),
            "td": str(datetime.timedelta(days=1)),
        }
    if kind == "td":
        return datetime.timedelta(days=1)
    if kind == "surrogate":
        return "half \ud83d"
    if kind == "intkeys":
        return {1: "a", None: "b", True: "c"}
    if kind == "generator":
        return (i for i in range(3))
    if kind == "exception_object":
        return ValueError("returned, not raised")
    if kind == "needs_keyword":
        raise NeedsKeyword(code=5, detail="ü💩")
    if kind == "two_args":
        raise TwoArgs("message", "other")
    if kind == "unprintable":
        raise Unprintable("x")
    if kind == "odd_args":
        raise OddArgs({"a": {1, 2}}, threading.Lock(), b"\xff", float("nan"), object())
    if kind == "no_args":
        raise OddArgs()
    if kind == "unicode":
        raise ValueError("ошибка ü 💩 \x00 \ud83d")
    if kind == "huge_message":
        raise ValueError("m" * n)
    if kind == "group_exc":
        raise ExceptionGroup("several", [ValueError("a"), TypeError("b")])
    if kind == "chained":
        try:
            1 / 0
        except ZeroDivisionError as e:
            raise ValueError("outer") from e
    if kind == "stopiter":
        raise StopIteration("x")
    if kind == "sysexit":
        sys.exit(3)
    if kind == "keyboard":
        raise KeyboardInterrupt
    if kind == "generatorexit":
        raise GeneratorExit
    if kind == "os_exit":
        os._exit(1)
    if kind == "recursion":

        def f():
            f()

        f()
    if kind == "memory":
        raise MemoryError("none left")
    if kind == "retry_long":
        raise self.retry(countdown=n, exc=ConnectionError("later"))
    if kind == "retry_past":
        raise self.retry(eta=datetime.datetime(2020, 1, 1), max_retries=1)
    if kind == "retry_naive_eta":
        raise self.retry(
            eta=datetime.datetime.utcnow() + datetime.timedelta(seconds=2), max_retries=1, exc=ConnectionError("e")
        )
    if kind == "retry_noexc":
        raise self.retry(countdown=0, max_retries=1)
    if kind == "retry_max0":
        raise self.retry(countdown=0, max_retries=0, exc=KeyError("k"))
    if kind == "retry_unpicklable":
        raise self.retry(countdown=0, max_retries=0, exc=TwoArgs("m", "o"))
    if kind == "retry_args":
        if self.request.retries == 0:
            raise self.retry(args=("retry_args_done",), kwargs={"n": 7}, countdown=0)
    if kind == "retry_args_done":
        return ["new args", n, self.request.retries]
    if kind == "state_weird":
        self.update_state(state="WEIRD ü", meta={"s": "x", "n": float("nan")})
        time.sleep(n)
        return "ok"
    if kind == "state_set":
        self.update_state(state="PROGRESS", meta={1, 2})
        return "ok"
    if kind == "state_success":
        self.update_state(state="SUCCESS", meta="early")
        return "late"
    if kind == "state_failure":
        self.update_state(state="FAILURE", meta={"exc_type": "X", "exc_message": ["y"]})
        return "late"
    if kind == "subresult":
        return add.delay(1, 2).get(timeout=5)
    if kind == "asyncresult":
        return add.delay(1, 2)
    if kind == "headers":
        return {
            "h": self.request.headers,
            "stamps": self.request.stamps,
            "sh": self.request.stamped_headers,
            "prio": self.request.delivery_info.get("priority"),
            "shadow": self.request.shadow,
            "tl": self.request.timelimit,
            "exp": self.request.expires,
            "eta": self.request.eta,
        }
    if kind == "print":
        print("ü💩" * 10)
        return "printed"
    return "unknown kind"


@app.task(name="shop.rejected", bind=True)
def rejected(self, requeue):
    """Rejects its message."""
    raise Reject("not for me", requeue=requeue)


@app.task(name="shop.ignored", bind=True)
def ignored(self, state=None):
    if state:
        self.update_state(state=state, meta={"by": "the task"})
    raise Ignore


@app.task(name="shop.identity")
def identity(value=None):
    return value


@app.task(name="shop.nothing_kept", ignore_result=True)
def nothing_kept(value=None):
    return value


@app.task(name="shop.raises")
def raises(kind="ValueError", text="raised"):
    raise {"ValueError": ValueError, "KeyError": KeyError, "OSError": OSError}[kind](text)


@app.task(name="shop.replaces", bind=True)
def replaces(self, kind, value=1):
    """Replaces itself with a canvas of that kind."""
    canvases = {
        "task": lambda: add.si(value, 1),
        "chain": lambda: chain(add.si(value, 1), add.s(1)),
        "group": lambda: group(add.si(value, each) for each in range(3)),
        "chord": lambda: chord([add.si(value, each) for each in range(3)], add.s(100)),
        "failing": lambda: raises.si(),
        "again": lambda: replaces.si("task", value + 10),
        "empty": lambda: group(),
        "immutable chain": lambda: chain(identity.si("a"), identity.si("b")),
    }
    raise self.replace(canvases[kind]())


@app.task(name="shop.extends", bind=True)
def extends(self, value):
    """Adds a task to the chord that it is a part of."""
    self.add_to_chord(add.s(value, 1000))
    return value


@app.task(name="shop.told", bind=True)
def told(self, *args, marker=None, **_kwargs):
    """An errback or callback that stores its arguments under an id that the client knows."""
    shown = [str(each) for each in args]
    if marker:
        identity.apply_async((shown,), task_id=marker)
    return shown


@app.task(name="shop.told_all")
def told_all(request, error, traceback, marker=None):
    """An errback of the newer kind, which Celery calls in the worker of the failed task."""
    identity.apply_async(([request.id, repr(error), bool(traceback)],), task_id=marker)


@app.task(name="shop.requested", bind=True)
def requested(self, *args, **kwargs):
    """The parts of a task's request that are the same in every worker."""
    request = self.request
    names = (
        "id", "root_id", "parent_id", "group", "group_index", "retries", "is_eager", "shadow", "headers", "lang",
        "correlation_id", "reply_to", "timelimit", "args", "kwargs", "stamps", "stamped_headers", "ignore_result",
        "replaced_task_nesting", "argsrepr", "kwargsrepr", "called_directly", "expires", "eta", "errbacks", "callbacks",
        "chain", "chord", "delivery_info", "origin", "task",
    )  # fmt: skip
    found = {name: getattr(request, name, "absent") for name in names}
    return found | {"stamped_headers": sorted(found["stamped_headers"] or ())}  # from a set


@app.task(name="shop.counted")
def counted(*args, key):
    """A callback that counts its calls where a client can read them, and returns its arguments."""
    app.backend.incr(app.backend.get_key_for_chord(key))
    return list(args)


@app.task(name="shop.counted_error")
def counted_error(request, error, traceback, key=None):
    """An errback of the newer kind that counts its calls."""
    app.backend.incr(app.backend.get_key_for_chord(key))


@app.task(name="shop.sleeps")
def sleeps(seconds):
    time.sleep(seconds)
    return "slept"


@app.task(name="shop.tries", bind=True, max_retries=2)
def tries(self, how, *args, **kwargs):
    """Retries once, with that argument of `retry`."""
    if self.request.retries:
        return {"how": how, "args": list(args), "kwargs": kwargs, "retries": self.request.retries}
    options = {
        "nothing": {},
        "args": {"args": (how, "new"), "kwargs": {"given": "anew"}},
        "eta": {"eta": datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=1)},
        "exception": {"exc": KeyError("for now")},
        "max_retries": {"max_retries": 1},
        "expires": {"expires": 600},
        "limits": {"time_limit": 20, "soft_time_limit": 10},
        "headers": {"headers": {"mine": "kept"}},
    }
    if how == "without throwing":
        self.retry(countdown=0, throw=False)
        return "gone on"
    raise self.retry(**{"countdown": 0, **options[how]} if how != "eta" else options[how])


@app.task(name="shop.ends_as", bind=True)
def ends_as(self, state, meta):
    """Writes a state itself and raises Ignore to keep it."""
    self.update_state(state=state, meta=meta)
    raise Ignore


@app.task(name="shop.sends", bind=True)
def sends(self, kind):
    """Starts other tasks and returns their result object, which Celery allows."""
    return {"task": add.s(1, 2), "group": group(add.s(1, 2), add.s(3, 4)), "chain": add.s(1, 2) | add.s(3)}[
        kind
    ].apply_async()
