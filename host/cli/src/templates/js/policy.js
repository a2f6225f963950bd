// A policy. Everything but `nextAttempt` is left to the user or to the gateway's own rules.
// Variants are { tag, val }, enums are texts.

export const policyDecisions = {
  allowSubmission(context, submission) {
    return { tag: 'allow' };
  },

  acceptFriend(context, request) {
    return 'ask-user';
  },

  // Twice as long after each failure: one minute, two, four, at most a day.
  nextAttempt(context, retry) {
    const doublings = Math.min(Math.max(retry.attempts, 1) - 1, 10);
    return { tag: 'after', val: 60 * 2 ** doublings };
  },

  allowDeposit(context, deposit) {
    if (deposit.cells < deposit.capacity) return { tag: 'allow' };
    return { tag: 'refuse', val: 'this relay is full' };
  },
};
