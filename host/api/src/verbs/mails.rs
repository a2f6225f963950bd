//! Mails that wait, mails in the mailbox, and mails that were set aside.

use mail::MailId;

use crate::dto;
use crate::{
    Accepted, AccountQuery, Download, Empty, Imported, List, MailFile, MailText, OfAccount, One,
    OutcomesQuery, PageQuery, Paged,
};

endpoints! {
    /// Mails that wait, oldest first.
    ListOutbox: GET "/outbox" as outbox for OfAccount { query: PageQuery, answer: Paged<dto::OutboxEntry> }

    /// One mail that waits.
    ShowOutboxEntry: GET "/outbox/{id}" as outbox_entry for OfAccount {
        path: MailId, query: AccountQuery, answer: One<dto::OutboxEntry>
    }

    /// Tries a mail now.
    Retry: POST "/outbox/{id}/retry" as retry for OfAccount { path: MailId, query: AccountQuery, answer: Accepted }

    /// Takes a mail back.
    Cancel: POST "/outbox/{id}/cancel" as cancel for OfAccount { path: MailId, query: AccountQuery, answer: Empty }

    /// What became of the mails that left the outbox last, newest first.
    ListOutcomes: GET "/outcomes" as outcomes for OfAccount { query: OutcomesQuery, answer: List<dto::Outcome> }

    /// Mails that wait for the mail program, newest first: who, when, how large; never their text.
    ListArrivals: GET "/arrivals" as arrivals for OfAccount { query: PageQuery, answer: Paged<dto::Arrival> }

    /// Mails of the mailbox in the order of arrival.
    ListMailbox: GET "/mailbox" as mailbox for OfAccount { query: PageQuery, answer: Paged<dto::MailboxMail> }

    /// One mail as POP3 would give it, with CRLF line ends.
    ReadMail: GET "/mailbox/{number}" as read_mail for OfAccount {
        path: u64, query: AccountQuery, answer: Download<MailText>
    }

    /// Puts a mail into the mailbox, unless the mailbox has the very same mail already. Line ends
    /// become CRLF.
    ImportMail: POST "/mailbox" as import_mail for OfAccount {
        query: AccountQuery, body: MailFile, answer: Imported
    }

    /// Mails that a filter set aside, oldest first.
    ListQuarantine: GET "/quarantine" as quarantine for OfAccount {
        query: PageQuery, answer: Paged<dto::QuarantineEntry>
    }

    /// Releases a quarantined mail: it goes on to where it was going.
    Release: POST "/quarantine/{id}/release" as release for OfAccount {
        path: MailId, query: AccountQuery, answer: Empty
    }

    /// Deletes a quarantined mail.
    DeleteQuarantined: DELETE "/quarantine/{id}" as delete_quarantined for OfAccount {
        path: MailId, query: AccountQuery, answer: Empty
    }

    /// Says that a mail in the mailbox or in quarantine is spam. Filters that learn are told.
    MarkSpam: POST "/mails/{id}/spam" as mark_spam for OfAccount { path: MailId, query: AccountQuery, answer: Empty }

    /// Says that a mail in the mailbox or in quarantine is not spam. Filters that learn are told.
    MarkHam: POST "/mails/{id}/ham" as mark_ham for OfAccount { path: MailId, query: AccountQuery, answer: Empty }
}
