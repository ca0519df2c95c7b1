"""Runs nested groups in a chain, RUNS times concurrently; prints the number of runs per result as JSON."""

import collections
import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor

from celery import chain, group
from observing import SENDERS, at_rest, plain
from shop.celery import add
from shop.odd import identity

RUNS = int(os.environ["RUNS"])


def nested(_number):
    pairs = group(group(add.s(1), add.s(2)), group(add.s(3), group(add.s(4), add.s(5))))
    return chain(identity.s(1), pairs, identity.s()).apply_async()


def main():
    with ThreadPoolExecutor(SENDERS) as senders:
        begun = list(senders.map(nested, range(RUNS)))
    at_rest()
    ended = collections.Counter(f"{result.state} {plain(result.result)}" for result in begun)
    sys.stdout.write(json.dumps(ended))


if __name__ == "__main__":
    main()
