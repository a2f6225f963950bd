// Misbehaves in every slot as the setting `do` says; see ../cases.
import { write } from 'toxmail:gateway/log@0.1.0';
import { set } from 'toxmail:gateway/state@0.1.0';

// What fits every slot.
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
  'log-flood'() {
    for (let line = 0; line < 5000; line++) write('info', `line ${line}`);
  },
  'call-loop'() {
    for (;;) write('debug', 'again');
  },
  'state-flood'() {
    const value = new Uint8Array(10_000);
    try {
      for (let key = 0; ; key++) set(`key-${key}`, value);
    } catch {
      write('info', 'the state is full');
    }
  },
};

const huge = () => 'x'.repeat(40 << 20);

// Does what is asked; `answers` is mischief in what is answered, `duty` the answer where there is none.
function decide(context, duty, answers) {
  const [, wanted] = context.settings.find(([name]) => name === 'do') ?? [];
  return (answers[wanted] ?? MISCHIEF[wanted])?.() ?? duty;
}

const refuse = (status, text) => ({ tag: 'refuse', val: { status, text } });

export const policyDecisions = {
  allowSubmission: (context, submission) =>
    decide(context, { tag: 'allow' }, {
      huge: () => refuse('5.7.1', huge()),
      nonsense: () => refuse('goodbye', 'text'),
    }),
  acceptFriend: () => 'ignore',
  nextAttempt: () => ({ tag: 'after', val: 60 }),
  allowDeposit: () => ({ tag: 'allow' }),
};

const found = (target) => ({ target, source: { tag: 'other', val: 'mischief' }, trust: 'verified', attributes: [] });

export const resolverDecisions = {
  resolve: (context, address) =>
    decide(context, found({ tag: 'account', val: context.account }), {
      huge: () => found({ tag: 'tox-id', val: huge() }),
      nonsense: () => found({ tag: 'tox-id', val: 'not hexadecimal' }),
    }),
};

const nowhere = { choices: [], enough: 0, ttlDays: 7 };

export const relaySelectorDecisions = {
  select: (context, mail, relays) =>
    decide(context, nowhere, {
      huge: () => ({ ...nowhere, choices: [{ key: huge(), identity: 'throwaway', within: 0 }] }),
      nonsense: () => ({ ...nowhere, ttlDays: 1000 }),
    }),
};

export const mailFilterDecisions = {
  filter: (context, facts, mail) =>
    decide(context, { tag: 'accept', val: [] }, {
      huge: () => ({ tag: 'quarantine', val: huge() }),
      nonsense: () => ({ tag: 'quarantine', val: '  ' }),
    }),
};
