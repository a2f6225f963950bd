// A resolver that knows contacts by their alias, and the accounts of this gateway.
// An error of a `result` is thrown: `throw` what WIT calls the error.
import { accountOf, byAlias } from 'toxmail:gateway/contacts@0.1.0';

export const resolverDecisions = {
  resolve(context, address) {
    const found = (target, source) => ({ target, source, trust: 'verified', attributes: [] });
    const account = accountOf(address);
    if (account) return found({ tag: 'account', val: account }, { tag: 'account' });
    const alias = address.slice(0, address.lastIndexOf('@'));
    const contact = byAlias(alias);
    if (contact) return found({ tag: 'key', val: contact.key }, { tag: 'contact' });
    throw { tag: 'not-found', val: `no contact is called ${alias}` };
  },
};
