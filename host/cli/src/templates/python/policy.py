"""A policy. Everything but `next_attempt` is left to the user or to the gateway's own rules."""
from wit_world.exports import PolicyDecisions as Interface
from wit_world.exports import policy_decisions as wit


class PolicyDecisions(Interface):
    def allow_submission(self, context, submission):
        return wit.SubmissionAnswer_Allow()

    def accept_friend(self, context, request):
        return wit.FriendRequestAnswer.ASK_USER

    def next_attempt(self, context, retry):
        """Twice as long after each failure: one minute, two, four, at most a day."""
        return wit.RetryAnswer_After(60 << min(max(retry.attempts, 1) - 1, 10))

    def allow_deposit(self, context, deposit):
        if deposit.cells < deposit.capacity:
            return wit.DepositAnswer_Allow()
        return wit.DepositAnswer_Refuse("this relay is full")
