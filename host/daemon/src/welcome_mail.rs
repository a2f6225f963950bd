//! The mail that a new account finds in its mailbox.

use std::net::SocketAddr;

use bytes::Bytes;
use mail::header::{FieldName, Fields, authserv_id, date_time};
use mail::record::{Account, MailboxEntry, StagedBody};
use mail::storage::{Bodies as _, StorageError};
use mail::{Envelope, MailId, ReversePath, ToxId};
use store::{NewMail, Store};

/// Writes and stages the welcome mail of an account that is about to be made.
///
/// # Errors
/// As the store says.
pub async fn stage(
    store: &Store,
    account: &Account,
    id: ToxId,
    web: SocketAddr,
) -> Result<(NewMail, StagedBody), StorageError> {
    let mut writer = store.new_body();
    writer.write(Bytes::from(write(account, id, web))).await?;
    let body = writer.finish().await?;
    let entry = MailboxEntry {
        number: 0,
        uidl: MailId([0; 16]),
        received: account.created,
        prefix: Vec::new(),
        body: body.id,
        size: body.size,
        sender: None,
        envelope: Envelope::new(ReversePath::Null, id.address()),
    };
    Ok((NewMail { account: account.name.clone(), entry, quarantine: None }, body))
}

fn write(account: &Account, id: ToxId, web: SocketAddr) -> Vec<u8> {
    let address = id.address();
    let message_id = format!("<welcome-{}@{}>", account.created.0, authserv_id(id.key));
    let to = format!("<{address}>");
    let mut fields = Fields::new();
    fields
        .words(FieldName::RETURN_PATH, ["<>"])
        .words(FieldName::DATE, [date_time(account.created).as_str()])
        .words(FieldName::FROM, ["Toxmail", "<mailer-daemon@tox>"])
        .words(FieldName::TO, [to.as_str()])
        .words(FieldName::SUBJECT, ["Welcome", "to", "Toxmail"])
        .words(FieldName::MESSAGE_ID, [message_id.as_str()])
        .words(FieldName::AUTO_SUBMITTED, ["auto-generated"])
        .words(FieldName::MIME_VERSION, ["1.0"])
        .words(FieldName::CONTENT_TYPE, ["text/plain;", "charset=us-ascii"]);
    let mut mail = fields.into_bytes();
    mail.extend_from_slice(b"\r\n");
    mail.extend_from_slice(text(account, id, web).replace('\n', "\r\n").as_bytes());
    mail
}

fn text(account: &Account, id: ToxId, web: SocketAddr) -> String {
    let name = &account.name;
    let option = if account.owner { String::new() } else { format!(" --account {name}") };
    format!(
        "Hello,\n\
         \n\
         this is the mailbox of the account \"{name}\" of your mail gateway.\n\
         \n\
         Your mail address, to give to others who use Toxmail:\n\
         \n\
         {address}\n\
         \n\
         Give it as a link that Tox programs open (toxmail id --link{option}), as a\n\
         vCard (toxmail id --vcard{option}), or show the QR code on the web page.\n\
         \n\
         When you have somebody else's address, add them under a name of your choice:\n\
         \n\
         toxmail contact add NAME ADDRESS{option}\n\
         \n\
         They are asked. Once they accept, write to NAME@tox. To see who asks you:\n\
         toxmail contact requests{option}\n\
         \n\
         Mail to somebody who is offline waits here and goes out by itself; you are\n\
         told when it takes long. Everything that leaves this machine is end-to-end\n\
         encrypted. Mail on this machine is not: use disk encryption.\n\
         \n\
         The web page shows all of this and more: {scheme}://{web}/\n\
         Log in as \"{name}\" with the password of your mail program.\n",
        address = id.address(),
        scheme = if web.ip().is_loopback() { "http" } else { "https" },
    )
}

#[cfg(test)]
mod tests {
    use mail::{Nospam, PublicKey, Wall};

    use super::*;

    fn account(owner: bool) -> Account {
        Account {
            id: 0,
            name: "anna".parse().unwrap(),
            owner,
            addresses: Vec::new(),
            created: Wall(1_795_349_568_000),
        }
    }

    #[test]
    fn it_is_a_mail_that_tells_address_contacts_and_web_page() {
        let id = ToxId { key: PublicKey([7; 32]), nospam: Nospam([1, 2, 3, 4]) };
        let mail = write(&account(true), id, "127.0.0.1:8080".parse().unwrap());
        let text = String::from_utf8(mail).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.contains("\r\nSubject: Welcome to Toxmail\r\n"), "{head}");
        assert!(text.is_ascii() && body.lines().all(|line| line.len() <= 81), "{text}");
        assert_eq!(text.matches('\n').count(), text.matches("\r\n").count());
        for words in
            [id.address().to_string().as_str(), "contact add NAME ADDRESS\r\n", "http://127.0.0.1:8080/"]
        {
            assert!(body.contains(words), "{words} is missing in {body}");
        }
        let other = write(&account(false), id, "127.0.0.1:8080".parse().unwrap());
        assert!(String::from_utf8(other).unwrap().contains("NAME ADDRESS --account anna"));
    }
}
