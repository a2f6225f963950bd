"""Misbehaves in the slot of filters."""
import mischief
from wit_world import exports
from wit_world.exports import mail_filter_decisions as wit


class MailFilterDecisions(exports.MailFilterDecisions):
    def filter(self, context, facts, mail):
        return mischief.decide(context, wit.Verdict_Accept([]), {
            "huge": lambda: wit.Verdict_Quarantine(mischief.huge()),
            "nonsense": lambda: wit.Verdict_Quarantine("  "),
        })
