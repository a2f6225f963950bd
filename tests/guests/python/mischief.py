"""Mischief that fits every slot, as the setting `do` says; see ../cases."""
from componentize_py_types import Err
from wit_world.imports import log, state


def spin():
    while True:
        pass


def allocate():
    pieces = []
    while True:
        pieces.append(bytearray(b"x" * (1 << 20)))


def recurse(depth=0):
    return 1 + recurse(depth + 1)


def throw():
    raise RuntimeError("as asked")


def log_flood():
    for line in range(5000):
        log.write(log.Level.INFO, f"line {line}")


def call_loop():
    while True:
        log.write(log.Level.DEBUG, "again")


def state_flood():
    key = 0
    try:
        while True:
            state.set(f"key-{key}", bytes(10_000))
            key += 1
    except Err:
        log.write(log.Level.INFO, "the state is full")


MISCHIEF = {
    "spin": spin,
    "allocate": allocate,
    "recurse": recurse,
    "throw": throw,
    "log-flood": log_flood,
    "call-loop": call_loop,
    "state-flood": state_flood,
}


def huge():
    return "x" * (40 << 20)


def decide(context, duty, answers):
    """Does what is asked; `answers` is mischief in what is answered, `duty` the answer where there is none."""
    wanted = dict(context.settings).get("do")
    if wanted in answers:
        return answers[wanted]()
    if wanted in MISCHIEF:
        MISCHIEF[wanted]()
    return duty
