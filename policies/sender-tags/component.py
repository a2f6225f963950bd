"""A mail filter that tags incoming mail by its sender, and sets mail with programs in it aside.

Settings: each one whose name holds an "@" is a rule, "boss@example.org" or "@example.org" for a whole domain; its value is the tag.
"""
from componentize_py_types import Err
from wit_world.exports import MailFilterDecisions as Interface
from wit_world.exports import mail_filter_decisions as wit
from wit_world.imports import message
from wit_world.imports.types import Direction

PROGRAMS = (".exe", ".com", ".bat", ".cmd", ".scr", ".pif", ".js", ".vbs", ".ps1", ".msi", ".jar", ".lnk", ".sh")


class MailFilterDecisions(Interface):
    def filter(self, context, facts, mail):
        if facts.direction == Direction.OUTGOING:
            return wit.Verdict_Accept([])
        try:
            names = [part.file_name for part in mail.parts() if part.file_name]
        except Err as error:
            if isinstance(error.value, message.MessageError_NotParsed):
                return wit.Verdict_Quarantine("it is too large to look for programs in it")
            raise
        for name in names:
            # Windows ignores dots and blanks at the end of a name.
            if name.lower().rstrip(". ").endswith(PROGRAMS):
                return wit.Verdict_Quarantine(f"the attachment {name} is a program")
        return wit.Verdict_Accept([wit.Header("X-Tag", tag) for tag in tags(context.settings, mail)])


def tags(settings, mail):
    """The tags of all rules that fit a sender, each once."""
    senders = [address_in(value) for value in mail.header("From")]
    fits = lambda rule: any(sender.endswith(rule) if rule.startswith("@") else sender == rule for sender in senders)
    found = [tag for rule, tag in settings if "@" in rule and fits(rule.lower())]
    return list(dict.fromkeys(found))[:8]


def address_in(field):
    """The address in "Name <address>"."""
    return field.rpartition("<")[2].partition(">")[0].strip().lower()
