"""What Celery does, as one client sees it: run once against each kind of worker, printed as JSON and compared.

Every behaviour answers what its client saw; ids, times and hosts, which differ from run to run, are left out or named
by what they belong to. test_behaviours.py holds the two runs against each other.
"""

import json
import re
import sys
import time
import traceback
import uuid
from concurrent.futures import ThreadPoolExecutor, as_completed
from datetime import UTC, datetime, timedelta

from celery import chain, chord, group, signature
from celery.result import AsyncResult, GroupResult, ResultSet
from shop.celery import add, divide, lucky, slow, stubborn
from shop.odd import (
    extends,
    identity,
    ignored,
    nothing_kept,
    odd,
    raises,
    rejected,
    replaces,
    requested,
    told,
    told_all,
)
from shop_site import app

SECONDS = 40
NEVER = 6.0  # seconds after which what has not come is taken for what never comes
BEHAVIOURS = {}


def behaviour(name):
    def register(run):
        BEHAVIOURS[name] = run
        return run

    return register


def each(prefix, cases):
    """A behaviour for each case."""

    def register(run):
        for name, case in cases.items():
            BEHAVIOURS[f"{prefix}: {name}"] = lambda case=case: run(case)
        return run

    return register


def seen(result, seconds=SECONDS):
    """What a client sees of a task that has ended, or PENDING where it does not in time."""
    deadline = time.monotonic() + seconds
    while not result.ready() and time.monotonic() < deadline:
        time.sleep(0.05)
    value = result.result
    if isinstance(value, BaseException):
        arguments = [value_of(each) for each in value.args]
        value = {"raised": f"{type(value).__module__}.{type(value).__qualname__}", "args": arguments}
    else:
        value = value_of(value)
    return {"status": result.status, "value": value, "traceback": bool(result.traceback)}


def value_of(value):
    """A value with its types, as text, without the ids that differ from run to run."""
    text = repr(value)
    for pattern, name in IDS:
        text = pattern.sub(name, text)
    return text if len(text) < 2_000 else f"{text[:200]}… {len(text)}"


IDS = [
    (re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}"), "<id>"),
    (re.compile(r"0x[0-9a-f]{6,}"), "<address>"),
    (re.compile(r"gen\d+@[\w.-]+"), "<origin>"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[.\d]*(\+00:00|Z)?"), "<time>"),
    (re.compile(r"Job: \d+|exitcode \d+"), "<job>"),
]


def id_():
    return str(uuid.uuid4())


def later(task_id, seconds=SECONDS):
    return seen(AsyncResult(task_id, app=app), seconds)


def join(result):
    return value_of(result.join(timeout=SECONDS, interval=0.05, propagate=False))


ODD = {
    "nan": (), "set": (), "bytes": (), "big": (20_000,), "deep": (40,), "bigint": (40,), "types": (), "td": (),
    "surrogate": (), "intkeys": (), "generator": (), "exception_object": (), "needs_keyword": (), "two_args": (),
    "unprintable": (), "odd_args": (), "no_args": (), "unicode": (), "huge_message": (50,), "group_exc": (),
    "chained": (), "stopiter": (), "sysexit": (), "recursion": (), "memory": (), "retry_past": (),
    "retry_naive_eta": (), "retry_noexc": (), "retry_max0": (), "retry_unpicklable": (), "retry_args": (),
    "state_weird": (0,), "state_set": (), "state_success": (), "state_failure": (), "subresult": (),
    "print": (), "unknown": (),
}  # fmt: skip


@each("odd", {kind: (kind, *more) for kind, more in ODD.items()})
def an_odd_task(case):
    return seen(odd.apply_async(case))


@behaviour("odd: a result of 300 KB")
def a_large_result():
    return seen(odd.delay("big", 300_000))


@behaviour("odd: a task that returns a task's result")
def an_async_result():
    result = odd.delay("asyncresult")
    outcome = seen(result)
    return {**outcome, "child": [seen(child) for child in result.children]}


@behaviour("odd: large results in a chord's body")
def large_results_in_a_chord():
    body = chord([odd.s("big", 20_000), odd.s("types"), odd.s("nan")], identity.s()).apply_async()
    return seen(body)


@behaviour("reject: without requeue")
def reject():
    result = rejected.delay(False)
    return seen(result, NEVER)


@behaviour("ignore: without a state")
def ignore():
    return seen(ignored.delay(), NEVER)


@behaviour("ignore: with a state of its own")
def ignore_with_state():
    result = ignored.delay("WEIRD")
    deadline = time.monotonic() + NEVER
    while result.status != "WEIRD" and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.5)
    return [result.status, value_of(result.info)]


@each("retry", {"succeeds": 2, "used up": 9})
def retry(succeeds_at):
    result = stubborn.delay(succeeds_at)
    return {**seen(result), "retries": result.retries}


@each("autoretry", {"succeeds": 1, "used up": 2})
def autoretry(times):
    return seen(lucky.delay(times))


@behaviour("soft time limit")
def soft_limit():
    return seen(slow.delay())


@each("ignore_result", {"of the call": (identity, {"ignore_result": True}), "of the task": (nothing_kept, {})})
def ignore_result(case):
    task, options = case
    linked = id_()
    result = task.apply_async((5,), link=identity.s().set(task_id=linked), **options)
    return [later(linked), result.result]


@each("replace", {kind: kind for kind in ("task", "chain", "group", "chord", "failing", "again", "immutable chain")})
def replace(kind):
    return seen(replaces.delay(kind))


@each("replace in a chain", {kind: kind for kind in ("task", "chain", "group", "chord", "again")})
def replace_in_a_chain(kind):
    return seen(chain(replaces.s(kind), identity.s()).apply_async())


@each("replace in a chord", {kind: kind for kind in ("task", "chain", "chord", "again")})
def replace_in_a_chord(kind):
    return seen(chord([replaces.s(kind, 1), add.s(50)], identity.s()).apply_async())


@behaviour("add_to_chord")
def add_to_chord():
    return seen(chord([extends.s(1), extends.s(2)], add.s()).apply_async())


def canvases():
    """Canvases in every nesting, by name."""
    one, two = add.s(1), add.s(2)
    return {
        "chain": chain(add.s(1), add.s(2), add.s(3)),
        "chain of chains": chain(chain(add.s(1), add.s(2)), chain(add.s(3), add.s(4))),
        "chain with a group": chain(add.s(1), group(add.s(1), add.s(2)), add.s()),
        "chain that begins with a group": chain(group(add.s(1), add.s(2)), identity.s()),
        "chain of groups": chain(group(one, two), group(add.s(), add.s()), identity.s()),
        "nested groups in a chain": chain(add.s(1), group(group(add.s(1), add.s(2)), group(add.s(3))), identity.s()),
        "three levels of groups": chain(
            add.s(1), group(group(group(add.s(1), add.s(2)), add.s(3)), add.s(4)), identity.s()
        ),
        "group of one in a chain": chain(add.s(1), group(add.s(1)), add.s(1)),
        "chain with a chord": chain(add.s(1), chord([add.s(1), add.s(2)], add.s()), add.s(10)),
        "chord": chord([add.s(each) for each in range(6)], add.s(100)),
        "chord of chains": chord([chain(add.s(1), add.s(2)), chain(add.s(3), add.s(4))], identity.s()),
        "chord of chords": chord([chord([one, two], add.s()), chord([one, two], add.s())], identity.s()),
        "chord of groups": chord([group(add.s(1), add.s(2)), group(add.s(3))], identity.s()),
        "chord of chains with groups": chord(
            [chain(add.s(1), group(add.s(1), add.s(2)), add.s()), add.s(7)], identity.s()
        ),
        "chord whose body is a chain": chord([one, two], chain(add.s(), add.s(10))),
        "chord whose body is a chord": chord([one, two], chord([add.s(), add.s()], identity.s())),
        "chord whose body is a group in a chain": chain(chord([one, two], group(add.s(), identity.s())), identity.s()),
        "chord of one": chord([one], add.s()),
        "chord with an empty header": chord([], identity.s()),
        "immutable steps": chain(add.si(1), add.si(2), add.si(3)),
        "immutable body": chord([one, two], identity.si("body")),
        "signatures from dicts": signature(
            json.loads(json.dumps(chain(add.s(1), group(add.s(1), add.s(2)), add.s()))), app=app
        ),
        "chain of chord of chain": chain(
            add.s(1), chord([chain(add.s(1), add.s(1)), add.s(5)], chain(add.s(), add.s(1))), add.s(1)
        ),
        "map": identity.map([1, 2, 3]),
        "starmap": add.starmap([(1, 2), (3, 4)]),
        "chunks": add.chunks([(1, 1), (2, 2), (3, 3), (4, 4), (5, 5)], 2).group(),
        "map in a chain": chain(identity.map([1, 2, 3]), identity.s()),
        "failing step": chain(add.s(1), divide.s(0), add.s(1)),
        "failing first step": chain(divide.s(1, 0), add.s(1)),
        "failing part": chord([add.s(1), divide.s(1, 0)], add.s()),
        "failing part of a chain in a chord": chord([chain(add.s(1), divide.s(0)), add.s(1)], add.s()),
        "failing group in a chain": chain(add.s(1), group(divide.s(0), add.s(1)), add.s()),
        "failing body": chord([add.s(1), add.s(2)], raises.si()),
        "failing inner chord": chord([chord([divide.s(1, 0), add.s(1)], add.s()), add.s(2)], identity.s()),
        "retries in a chain": chain(stubborn.s(1), add.s(10)),
        "retries in a chord": chord([stubborn.s(1), stubborn.s(2)], add.s()),
        "typed values through a chain": chain(odd.s("types"), identity.s(), identity.s()),
    }  # fmt: skip


@each("canvas", canvases())
def canvas(description):
    result = description.apply_async()
    if isinstance(result, GroupResult):
        return [join(result), [seen(child) for child in result.results]]
    return seen(result)


@behaviour("canvas: what a chain leaves of its steps")
def steps_of_a_chain():
    result = chain(add.s(1), add.s(2), add.s(3)).apply_async()
    last = seen(result)
    parents, step = [], result.parent
    while step is not None:
        parents.append([seen(step)["value"], [child.id == result.id for child in step.children or []]])
        step = step.parent
    return [last, parents]


@behaviour("canvas: what a failed chain leaves of its steps")
def steps_of_a_failed_chain():
    result = chain(add.s(1), divide.s(0), add.s(1), add.s(1)).apply_async()
    failed = seen(result.parent.parent)
    return [failed, seen(result.parent, NEVER)["status"], seen(result, NEVER)["status"]]


@behaviour("groups: join, save and restore")
def groups():
    result = group(add.s(each) for each in range(5)).apply_async()
    result.save(backend=app.backend)
    restored = GroupResult.restore(result.id, app=app)
    return [join(result), join(restored), restored.successful(), restored.completed_count()]


@behaviour("groups: nested")
def nested_groups():
    result = group(group(add.s(1), add.s(2)), group(add.s(3), group(add.s(4)))).apply_async()
    return [join(result), len(result.results)]


@behaviour("groups: with a failure")
def failing_group():
    result = group(add.s(1), divide.s(1, 0)).apply_async()
    return [[seen(child) for child in result.results], result.failed(), result.successful()]


@behaviour("result set")
def result_set():
    results = ResultSet([add.delay(1, 1), identity.delay("x"), divide.delay(1, 0)])
    return [value_of(results.join(timeout=SECONDS, propagate=False)), results.completed_count(), results.failed()]


@behaviour("link: several, and a group")
def links():
    first, second = id_(), id_()
    result = add.apply_async((1, 2), link=[add.s(10).set(task_id=first), told.s(marker=second)])
    return [seen(result), later(first), later(second)]


@behaviour("link: of a chain's last step")
def link_of_a_chain():
    linked = id_()
    chain(add.s(1), add.s(2)).apply_async(link=add.s(10).set(task_id=linked))
    return later(linked)


@behaviour("link: of a chord")
def link_of_a_chord():
    linked = id_()
    chord([add.s(1), add.s(2)], add.s()).apply_async(link=add.s(10).set(task_id=linked))
    return later(linked)


@each("link_error", {"old": told, "new": told_all})
def link_error(errback):
    marker = id_()
    divide.apply_async((1, 0), link_error=errback.s(marker=marker))
    return later(marker)


@behaviour("link_error: of a chain")
def link_error_of_a_chain():
    marker = id_()
    chain(add.s(1), divide.s(0), add.s(1)).apply_async(link_error=told_all.s(marker=marker))
    return later(marker)


@behaviour("link_error: of a chord's body")
def link_error_of_a_chord():
    marker = id_()
    chord([add.s(1), divide.s(1, 0)], add.s().on_error(told_all.s(marker=marker))).apply_async()
    return later(marker)


@behaviour("link_error: of a group in a chain")
def link_error_of_a_group():
    marker = id_()
    chain(add.s(1), group(divide.s(0), add.s(1))).apply_async(link_error=told_all.s(marker=marker))
    return later(marker)


@behaviour("link_error: not of a task that succeeds")
def no_link_error():
    marker = id_()
    outcome = seen(add.apply_async((1,), link_error=told_all.s(marker=marker)))
    return [outcome, later(marker, 2.0)["status"]]


@behaviour("expires: in the past")
def expires():
    return seen(add.apply_async((1,), expires=datetime.now(UTC) - timedelta(seconds=5)))


@behaviour("expires: a step of a chain")
def expires_in_a_chain():
    return seen(chain(add.s(1), add.s(1).set(expires=600)).apply_async())


@each(
    "delay",
    {
        "countdown": {"countdown": 2},
        "eta": {"eta": datetime.now(UTC) + timedelta(seconds=2)},
        "past": {"eta": datetime(2020, 1, 1, tzinfo=UTC)},
    },
)
def delay(options):
    return seen(add.apply_async((1,), **options))


REQUESTS = {
    "plain": {},
    "headers": {"headers": {"X-Own": "1", "nested": {"a": [1]}}},
    "large headers": {"headers": {"large": "h" * 20_000}},
    "properties": {"app_id": "the-app", "message_id": "the-message", "user_id": "guest", "type": "kind"},
    "shadow": {"shadow": "shown"},
    "priority": {"priority": 5},
    "limits": {"time_limit": 60, "soft_time_limit": 50},
    "ids": {"root_id": "the-root", "parent_id": "the-parent", "group_id": "the-group", "group_index": 3},
    "reprs": {"argsrepr": "(hidden)", "kwargsrepr": "{hidden}"},
    "reply": {"reply_to": "somewhere"},
    "stamps": {"stamped_headers": ["own"], "own": "a stamp"},
    "expires": {"expires": 600},
    "compression": {"compression": "gzip"},
}


@each("request", REQUESTS)
def request(options):
    result = requested.apply_async(([1, 2], "three"), {"four": {"five": 5}}, **options)
    outcome = seen(result)
    if outcome["status"] != "SUCCESS":
        return outcome
    return {name: value_of(value) for name, value in result.result.items() if name != "timelimit" or options}


@behaviour("request: of a chain's step")
def request_of_a_step():
    result = chain(add.s(1), requested.s()).apply_async()
    seen(result)
    return {name: value_of(value) for name, value in result.result.items()}


@behaviour("request: of a stamped canvas")
def stamped():
    canvas_ = chain(add.s(1), requested.s())
    canvas_.stamp(own="a stamp")
    result = canvas_.apply_async()
    seen(result)
    return [value_of(result.result["stamps"]), value_of(result.result["stamped_headers"])]


@behaviour("result: everything a client reads")
def extended():
    result = add.apply_async((1, 2))
    outcome = seen(result)
    read = {
        name: value_of(getattr(result, name)) for name in ("args", "kwargs", "name", "queue", "retries", "children")
    }
    return {**outcome, **read, "date": result.date_done.tzinfo is not None, "worker": bool(result.worker)}


@behaviour("result: of arguments with types")
def typed_arguments():
    day, amount = datetime(2026, 3, 29, 2, 30), uuid.UUID(int=5)
    result = identity.apply_async(({"day": day, "id": amount, "raw": b"\xff"},))
    return [seen(result), value_of(result.args)]


@behaviour("result: forgotten")
def forgotten():
    result = add.delay(1)
    first = seen(result)
    result.forget()
    return [first, AsyncResult(result.id, app=app).status]


@behaviour("unknown task")
def unknown():
    return seen(app.send_task("shop.unknown", (1,)), NEVER)


@behaviour("wrong arguments")
def wrong_arguments():
    return seen(app.send_task("shop.divide", (1, 2, 3)))


@behaviour("large arguments")
def large_arguments():
    return seen(identity.delay(["x" * 100_000]))


def observed(name):
    try:
        return json.loads(json.dumps(BEHAVIOURS[name](), default=repr))
    except Exception as error:  # noqa: BLE001 - what a client raises is what it sees
        return {"the client raised": value_of(error), "where": traceback.format_exc().splitlines()[-3].strip()}


def main(names):
    """Print what was seen of each behaviour, one a line."""
    chosen = names or sorted(BEHAVIOURS)
    with ThreadPoolExecutor(6) as pool:
        running = {pool.submit(observed, name): name for name in chosen}
        for ended in as_completed(running):
            print(json.dumps({running[ended]: ended.result()}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
