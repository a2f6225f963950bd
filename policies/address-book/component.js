// A resolver with a static address book: each setting whose name is an address says which Tox ID or key it means.
// Beside it, accounts of this gateway and contacts are known.
import { accountOf, byAddress, byAlias } from 'toxmail:gateway/contacts@0.1.0';

export const resolverDecisions = {
  resolve(context, address) {
    const wanted = address.toLowerCase();
    const entry = context.settings.find(([name]) => name.toLowerCase() === wanted);
    if (entry) return fromBook(entry[1].trim().toUpperCase());

    const account = accountOf(address);
    if (account) return found({ tag: 'account', val: account }, { tag: 'account' });
    const contact = byAddress(address) ?? atTox(wanted);
    if (contact) return found(whom(contact), { tag: 'contact' });
    throw { tag: 'not-found', val: `${address} is not in the address book` };
  },
};

// Only names at tox are names of contacts: ben@example.org is somebody else than the contact ben.
function atTox(address) {
  const [, alias] = /^([^+]+)(?:\+.*)?@tox(?:\.internal)?$/.exec(address) ?? [];
  return alias ? byAlias(alias) : undefined;
}

function fromBook(text) {
  const source = { tag: 'other', val: 'address book' };
  if (/^[0-9A-F]{76}$/.test(text)) return found({ tag: 'tox-id', val: text }, source);
  if (/^[0-9A-F]{64}$/.test(text)) return found({ tag: 'key', val: text }, source);
  throw { tag: 'try-later', val: 'the address book is wrong: an entry is a Tox ID (76 hex digits) or a key (64)' };
}

function whom(contact) {
  if (contact.toxId) return { tag: 'tox-id', val: contact.toxId };
  return { tag: 'key', val: contact.key };
}

function found(target, source) {
  return { target, source, trust: 'verified', attributes: [] };
}
