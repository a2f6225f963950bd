// A policy that misbehaves as the setting `do` says; see ../cases.
import { write } from 'toxmail:gateway/log@0.1.0';
import { set } from 'toxmail:gateway/state@0.1.0';

const MISCHIEF = {
  spin() {
    for (;;);
  },
  allocate() {
    const pieces = [];
    for (;;) pieces.push(new Uint8Array(1 << 20).fill(1));
  },
  recurse() {
    const deeper = (depth) => 1 + deeper(depth + 1);
    deeper(0);
  },
  throw() {
    throw new Error('as asked');
  },
  huge() {
    return refuse('5.7.1', 'x'.repeat(40 << 20));
  },
  nonsense() {
    return refuse('goodbye', 'text');
  },
  'log-flood'() {
    for (let line = 0; line < 5000; line++) write('info', `line ${line}`);
  },
  'call-loop'() {
    for (;;) write('debug', 'again');
  },
  'state-flood'() {
    const value = new Uint8Array(10_000);
    for (let key = 0; ; key++) {
      try {
        set(`key-${key}`, value);
      } catch {
        return refuse('5.7.1', 'the state is full');
      }
    }
  },
};

function refuse(status, text) {
  return { tag: 'refuse', val: { status, text } };
}

export const policyDecisions = {
  allowSubmission(context, submission) {
    const wanted = context.settings.find(([name]) => name === 'do');
    return (wanted && MISCHIEF[wanted[1]]()) || { tag: 'allow' };
  },

  acceptFriend: () => 'ignore',
  nextAttempt: () => ({ tag: 'after', val: 60 }),
  allowDeposit: () => ({ tag: 'allow' }),
};
