// A relay selector: two relays that the recipient reads, the emptiest first.

export const relaySelectorDecisions = {
  select(context, mail, relays) {
    const usable = relays.filter((relay) => relay.readByRecipient).sort((a, b) => a.fill - b.fill).slice(0, 2);
    const choices = usable.map((relay) => ({ key: relay.key, identity: 'throwaway', within: 300 }));
    return { choices, enough: Math.min(choices.length, 1), ttlDays: 7 };
  },
};
