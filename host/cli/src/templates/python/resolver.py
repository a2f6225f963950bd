"""A resolver that knows contacts by their alias, and the accounts of this gateway."""
from componentize_py_types import Err
from wit_world.exports import ResolverDecisions as Interface
from wit_world.exports import resolver_decisions as wit
from wit_world.imports import contacts


class ResolverDecisions(Interface):
    def resolve(self, context, address):
        account = contacts.account_of(address)
        if account is not None:
            return found(wit.Target_Account(account), wit.Source_Account())
        alias = address.rpartition("@")[0]
        contact = contacts.by_alias(alias)
        if contact is not None:
            return found(wit.Target_Key(contact.key), wit.Source_Contact())
        raise Err(wit.ResolveError_NotFound(f"no contact is called {alias}"))


def found(target, source):
    return wit.Resolution(target, source, wit.Trust.VERIFIED, [])
