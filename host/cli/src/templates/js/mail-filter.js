// A mail filter: marks mail from somebody who is not a contact.
// Variants are { tag, val }, enums are texts; `mail` is read with mail.header(name), mail.parts() and so on (wit/capabilities.wit).

export const mailFilterDecisions = {
  filter(context, facts, mail) {
    if (facts.isContact || facts.direction === 'outgoing') return { tag: 'accept', val: [] };
    const subject = mail.header('Subject')[0] ?? '';
    const value = `${[...subject].length} characters of subject`;
    return { tag: 'accept', val: [{ name: 'X-Stranger', value }] };
  },
};
