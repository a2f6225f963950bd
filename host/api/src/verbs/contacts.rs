//! Contacts, those who want to be one, and pinned names.

use mail::{AccountName, Address, PublicKey};

use crate::dto;
use crate::{
    AccountQuery, Created, Empty, Json, List, OfAccount, One, OptionalJson, PageQuery, Paged,
    RemoveContactQuery,
};

endpoints! {
    /// Contacts in the order of their alias.
    ListContacts: GET "/contacts" as list_contacts for OfAccount { query: PageQuery, answer: Paged<dto::Contact> }

    /// Adds a contact and sends a friend request.
    AddContact: POST "/contacts" as add_contact for OfAccount {
        query: AccountQuery, body: Json<dto::NewContact>, answer: Created<dto::Contact>
    }

    /// Gives a contact another alias.
    RenameContact: PUT "/contacts/{alias}/alias" as rename_contact for OfAccount {
        path: AccountName, query: AccountQuery, body: Json<dto::NewAlias>, answer: One<dto::Contact>
    }

    /// Removes a contact. Later friend requests of one that is blocked are ignored.
    RemoveContact: DELETE "/contacts/{alias}" as remove_contact for OfAccount {
        path: AccountName, query: RemoveContactQuery, answer: Empty
    }

    /// Names that a contact's gateway claims.
    ListToldNames: GET "/contacts/{alias}/names" as told_names for OfAccount {
        path: AccountName, query: AccountQuery, answer: List<dto::ToldName>
    }

    /// Confirms that a name which a contact claims is theirs.
    ConfirmName: POST "/contacts/{alias}/names" as confirm_name for OfAccount {
        path: AccountName, query: AccountQuery, body: Json<dto::ConfirmName>, answer: One<dto::ToldName>
    }

    /// Friend requests that wait for an answer.
    ListContactRequests: GET "/contact-requests" as contact_requests for OfAccount {
        query: AccountQuery, answer: List<dto::ContactRequest>
    }

    /// Accepts a friend request.
    AcceptContact: POST "/contact-requests/{key}/accept" as accept_contact for OfAccount {
        path: PublicKey, query: AccountQuery, body: OptionalJson<dto::AcceptRequest>, answer: One<dto::Contact>
    }

    /// Declines a friend request, and ignores later ones of that key.
    DeclineContact: DELETE "/contact-requests/{key}" as decline_contact for OfAccount {
        path: PublicKey, query: AccountQuery, answer: Empty
    }

    /// Names whose key has changed or cannot be read.
    ListChangedPins: GET "/pins" as changed_pins for OfAccount { query: AccountQuery, answer: List<dto::Pin> }

    /// Accepts the new key of a name.
    AcceptPin: POST "/pins/{address}/accept" as accept_pin for OfAccount {
        path: Address, query: AccountQuery, answer: One<dto::Pin>
    }
}
