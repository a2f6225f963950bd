"""A policy that misbehaves as the setting `do` says; see ../cases."""
from componentize_py_types import Err
from wit_world.exports import PolicyDecisions as Interface
from wit_world.exports import policy_decisions as wit
from wit_world.imports import log, state
from wit_world.imports.types import Refusal


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


def huge():
    return refuse("5.7.1", "x" * (40 << 20))


def nonsense():
    return refuse("goodbye", "text")


def log_flood():
    for line in range(5000):
        log.write(log.Level.INFO, f"line {line}")


def call_loop():
    while True:
        log.write(log.Level.DEBUG, "again")


def state_flood():
    key = 0
    while True:
        try:
            state.set(f"key-{key}", bytes(10_000))
        except Err:
            return refuse("5.7.1", "the state is full")
        key += 1


def refuse(status, text):
    return wit.SubmissionAnswer_Refuse(Refusal(status, text))


class PolicyDecisions(Interface):
    def allow_submission(self, context, submission):
        wanted = dict(context.settings).get("do")
        answer = globals()[wanted.replace("-", "_")]() if wanted else None
        return answer if isinstance(answer, wit.SubmissionAnswer_Refuse) else wit.SubmissionAnswer_Allow()

    def accept_friend(self, context, request):
        return wit.FriendRequestAnswer.IGNORE

    def next_attempt(self, context, retry):
        return wit.RetryAnswer_After(60)

    def allow_deposit(self, context, deposit):
        return wit.DepositAnswer_Allow()
