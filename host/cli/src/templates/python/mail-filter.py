"""A mail filter: marks mail from somebody who is not a contact."""
from wit_world.exports import MailFilterDecisions as Interface
from wit_world.exports import mail_filter_decisions as wit
from wit_world.imports.types import Direction


class MailFilterDecisions(Interface):
    def filter(self, context, facts, mail):
        if facts.is_contact or facts.direction == Direction.OUTGOING:
            return wit.Verdict_Accept([])
        subject = (mail.header("Subject") or [""])[0]
        return wit.Verdict_Accept([wit.Header("X-Stranger", f"{len(subject)} characters of subject")])
