"""Misbehaves in three slots; the filter is another component (filter.py)."""
import mischief
from wit_world import exports
from wit_world.exports import policy_decisions, relay_selector_decisions, resolver_decisions
from wit_world.imports.types import Refusal


def refuse(status, text):
    return policy_decisions.SubmissionAnswer_Refuse(Refusal(status, text))


class PolicyDecisions(exports.PolicyDecisions):
    def allow_submission(self, context, submission):
        return mischief.decide(context, policy_decisions.SubmissionAnswer_Allow(), {
            "huge": lambda: refuse("5.7.1", mischief.huge()),
            "nonsense": lambda: refuse("goodbye", "text"),
        })

    def accept_friend(self, context, request):
        return policy_decisions.FriendRequestAnswer.IGNORE

    def next_attempt(self, context, retry):
        return policy_decisions.RetryAnswer_After(60)

    def allow_deposit(self, context, deposit):
        return policy_decisions.DepositAnswer_Allow()


def found(target):
    source = resolver_decisions.Source_Other("mischief")
    return resolver_decisions.Resolution(target, source, resolver_decisions.Trust.VERIFIED, [])


class ResolverDecisions(exports.ResolverDecisions):
    def resolve(self, context, address):
        return mischief.decide(context, found(resolver_decisions.Target_Account(context.account)), {
            "huge": lambda: found(resolver_decisions.Target_ToxId(mischief.huge())),
            "nonsense": lambda: found(resolver_decisions.Target_ToxId("not hexadecimal")),
        })


def plan(choices=(), ttl_days=7):
    return relay_selector_decisions.Plan(list(choices), 0, ttl_days)


class RelaySelectorDecisions(exports.RelaySelectorDecisions):
    def select(self, context, mail, relays):
        throwaway = relay_selector_decisions.Identity.THROWAWAY
        return mischief.decide(context, plan(), {
            "huge": lambda: plan([relay_selector_decisions.Choice(mischief.huge(), throwaway, 0)]),
            "nonsense": lambda: plan(ttl_days=1000),
        })
