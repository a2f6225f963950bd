"""A relay selector: two relays that the recipient reads, the emptiest first."""
from wit_world.exports import RelaySelectorDecisions as Interface
from wit_world.exports import relay_selector_decisions as wit


class RelaySelectorDecisions(Interface):
    def select(self, context, mail, relays):
        usable = sorted((relay for relay in relays if relay.read_by_recipient), key=lambda relay: relay.fill)[:2]
        choices = [wit.Choice(relay.key, wit.Identity.THROWAWAY, 300) for relay in usable]
        return wit.Plan(choices, min(len(choices), 1), 7)
