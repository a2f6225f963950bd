// A policy with quiet hours: retries that would fall into them wait until they end.
//
// Settings: `quiet-from` and `quiet-until` as HH:MM (default 22:00 and 07:00), `utc-offset-minutes` (default 0).
import { write } from 'toxmail:gateway/log@0.1.0';

const DAY = 24 * 60 * 60;

export const policyDecisions = {
  allowSubmission(context, submission) {
    return { tag: 'allow' };
  },

  acceptFriend(context, request) {
    return 'ask-user';
  },

  nextAttempt(context, retry) {
    // Twice as long after each failure: five minutes, ten, twenty, at most six hours.
    const wait = Math.min(300 * 2 ** (Math.max(retry.attempts, 1) - 1), 6 * 60 * 60);
    return { tag: 'after', val: wait + untilQuietEnds(context, wait) };
  },

  allowDeposit(context, deposit) {
    if (deposit.cells < deposit.capacity) return { tag: 'allow' };
    return { tag: 'refuse', val: 'this relay is full' };
  },
};

// Seconds from `wait` seconds after now to the end of the quiet hours; 0 outside of them.
function untilQuietEnds(context, wait) {
  const settings = Object.fromEntries(context.settings);
  const from = timeOfDay(settings['quiet-from'], 22 * 3600);
  const until = timeOfDay(settings['quiet-until'], 7 * 3600);
  const offset = Number(settings['utc-offset-minutes'] ?? 0) * 60 || 0;
  const then = modulo(Math.floor(Number(context.now) / 1000) + wait + offset, DAY);
  // From midnight on, counted from the beginning of the quiet hours: they may go over midnight.
  const isQuiet = modulo(then - from, DAY) < modulo(until - from, DAY);
  return isQuiet ? modulo(until - then, DAY) : 0;
}

function timeOfDay(text, otherwise) {
  if (text === undefined) return otherwise;
  const [, hours, minutes] = /^([01]\d|2[0-3]):([0-5]\d)$/.exec(text) ?? [];
  if (hours === undefined) {
    write('warn', `"${text}" is no time of the day: write it as 22:00`);
    return otherwise;
  }
  return hours * 3600 + minutes * 60;
}

function modulo(number, by) {
  return ((number % by) + by) % by;
}
