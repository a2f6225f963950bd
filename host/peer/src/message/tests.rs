use frame::ReadError;
use mail::{Address, BodyDigest, Envelope, MailId, Nospam, Notify, PublicKey, Return, ReversePath, ToxId};
use proptest::prelude::*;

use super::*;
use crate::attributes::Attributes;
use crate::hello::{Capabilities, Nonce};
use crate::limits::{MESSAGE_BYTES, WINDOW_LEAST};

fn address() -> impl Strategy<Value = Address> {
    let local =
        prop_oneof!["[a-z]{1,20}(\\.[a-z0-9]{1,9}){0,2}", "\"[a-z \\\\.@]{1,9}[a-z]\"", "[0-9A-F]{76}"];
    (local, "[a-z]{1,10}(\\.[a-zé]{1,10}){0,3}")
        .prop_filter_map("an address", |(local, domain)| format!("{local}@{domain}").parse().ok())
}

fn attributes() -> impl Strategy<Value = Attributes> {
    proptest::collection::vec(("\\PC{0,16}", "\\PC{0,200}"), 0..5)
}

fn hello() -> impl Strategy<Value = Hello> {
    let numbers = (0..=1_u16, 1..9_u16, any::<u64>(), any::<u64>(), WINDOW_LEAST.., 4_u16..);
    let ids = (any::<[u8; 16]>(), any::<[u8; 16]>(), any::<[u8; 32]>(), any::<[u8; 4]>());
    let lists = (
        proptest::collection::vec(address(), 0..4),
        proptest::option::of(proptest::collection::vec(any::<u8>(), 1..3000)),
        attributes(),
    );
    (numbers, ids, lists).prop_map(
        |(
            (lowest, highest, bits, max_mail, window, max_transfers),
            (mut nonce, seen, key, nospam),
            lists,
        )| {
            nonce[0] |= 1;
            Hello {
                lowest_version: lowest,
                highest_version: highest,
                nonce: Nonce(nonce),
                seen: Nonce(seen),
                capabilities: Capabilities(bits),
                max_mail,
                window,
                max_transfers,
                tox_id: ToxId { key: PublicKey(key), nospam: Nospam(nospam) },
                addresses: lists.0,
                mailbox_record: lists.1,
                attributes: lists.2,
            }
        },
    )
}

fn envelope() -> impl Strategy<Value = Envelope> {
    let text = || proptest::option::of("[!-~é]{1,50}");
    let notify = (any::<bool>(), any::<bool>(), any::<bool>());
    (proptest::option::of(address()), address(), notify, any::<bool>(), text(), text()).prop_map(
        |(reverse_path, forward_path, (success, failure, delay), full, envelope_id, original_recipient)| {
            Envelope {
                reverse_path: reverse_path.map_or(ReversePath::Null, ReversePath::Mailbox),
                forward_path,
                notify: Notify { success, failure, delay },
                ret: if full { Return::Full } else { Return::Headers },
                envelope_id,
                original_recipient,
            }
        },
    )
}

fn offer() -> impl Strategy<Value = Offer> {
    (any::<[u8; 16]>(), envelope(), any::<u64>(), any::<[u8; 32]>(), attributes()).prop_map(
        |(mail, envelope, size, digest, attributes)| Offer {
            mail: MailId(mail),
            envelope,
            size,
            digest: BodyDigest(digest),
            attributes,
        },
    )
}

fn acknowledgement() -> impl Strategy<Value = Acknowledgement> {
    let refusal = || {
        (prop_oneof![Just(4_u8), Just(5)], 0_u16..1000, 0_u16..1000, "\\PC{0,500}").prop_map(
            |(class, subject, detail, text)| {
                Refusal::new(EnhancedStatus::new(class, subject, detail).unwrap(), &text)
            },
        )
    };
    let after = (0..=TRY_LATER_LONGEST.as_secs()).prop_map(Duration::from_secs);
    prop_oneof![
        Just(Acknowledgement::Delivered),
        refusal().prop_map(Acknowledgement::Refused),
        (refusal(), after).prop_map(|(reason, after)| Acknowledgement::TryLater { reason, after }),
    ]
}

fn message() -> impl Strategy<Value = Message> {
    let transfer = || any::<u32>().prop_map(Transfer);
    prop_oneof![
        hello().prop_map(|hello| Message::Hello(Box::new(hello))),
        any::<u64>().prop_map(Message::Ping),
        any::<u64>().prop_map(Message::Pong),
        (any::<u16>(), "[ -~é]{0,199}").prop_map(|(code, text)| Message::Error { code, text }),
        (transfer(), offer())
            .prop_map(|(transfer, offer)| Message::Offer { transfer, offer: Box::new(offer) }),
        (transfer(), any::<u64>(), proptest::collection::vec(any::<u8>(), 1..1400))
            .prop_map(|(transfer, offset, bytes)| Message::Data { transfer, offset, bytes: bytes.into() }),
        transfer().prop_map(Message::Cancel),
        (transfer(), any::<u64>()).prop_map(|(transfer, offset)| Message::Accept { transfer, offset }),
        (transfer(), any::<u64>()).prop_map(|(transfer, offset)| Message::Progress { transfer, offset }),
        (transfer(), acknowledgement())
            .prop_map(|(transfer, acknowledgement)| Message::Acknowledge { transfer, acknowledgement }),
        transfer().prop_map(Message::Cancelled),
    ]
}

fn has_fixed_end(message: &Message) -> bool {
    !matches!(message, Message::Data { .. })
}

proptest! {
    #[test]
    fn a_message_survives_its_bytes(message in message()) {
        let bytes = message.encode().unwrap();
        prop_assert!(bytes.len() <= MESSAGE_BYTES);
        prop_assert_eq!(Message::decode(&bytes.into()), Ok(message));
    }

    #[test]
    fn a_message_cut_or_extended_is_refused(message in message(), cut in any::<prop::sample::Index>(), more: u8) {
        let bytes = message.encode().unwrap();
        let cut = Bytes::from(bytes[..cut.index(bytes.len())].to_vec());
        let extended = Bytes::from([&bytes[..], &[more]].concat());
        if has_fixed_end(&message) {
            prop_assert!(Message::decode(&cut).is_err());
            prop_assert!(Message::decode(&extended).is_err());
        } else {
            prop_assert_eq!(Message::decode(&cut).is_ok(), cut.len() > 13);
        }
    }

    #[test]
    fn a_flipped_bit_is_never_overlooked(message in message(), at in any::<prop::sample::Index>(), bit in 0..8_u32) {
        let mut bytes = message.encode().unwrap();
        let at = at.index(bytes.len());
        bytes[at] ^= 1_u8 << bit;
        let decoded = Message::decode(&bytes.into());
        if let Ok(other) = &decoded {
            prop_assert_eq!(Message::decode(&other.encode().unwrap().into()), Ok(other.clone()));
        }
        // Text is cleaned and domains are in lower case: only there do different bytes mean the same.
        let has_text = matches!(message, Message::Hello(_) | Message::Offer { .. } | Message::Error { .. } | Message::Acknowledge { .. });
        prop_assert!(has_text || decoded != Ok(message));
    }

    #[test]
    fn any_bytes_are_a_message_or_an_error(kind in 0_u8..0x30, bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        let bytes = Bytes::from([&[kind], &bytes[..]].concat());
        if let Ok(message) = Message::decode(&bytes) {
            let again = message.encode().unwrap();
            prop_assert_eq!(Message::decode(&again.into()), Ok(message));
        }
    }
}

fn error_of(bytes: &[u8]) -> DecodeError {
    Message::decode(&Bytes::copy_from_slice(bytes)).unwrap_err()
}

#[test]
fn layouts_are_those_of_the_documentation() {
    let transfer = Transfer(0x0403_0201);
    let bytes = |message: Message| message.encode().unwrap();
    assert_eq!(bytes(Message::Ping(5)), [2, 5, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(bytes(Message::Pong(5)), [3, 5, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(bytes(Message::Error { code: 2, text: "no".into() }), [15, 2, 0, 2, 0, b'n', b'o']);
    assert_eq!(bytes(Message::Cancel(transfer)), [0x12, 1, 2, 3, 4]);
    assert_eq!(bytes(Message::Accept { transfer, offset: 9 }), [0x20, 1, 2, 3, 4, 9, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(bytes(Message::Progress { transfer, offset: 9 }), [0x21, 1, 2, 3, 4, 9, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(bytes(Message::Cancelled(transfer)), [0x23, 1, 2, 3, 4]);
    let later = Acknowledgement::TryLater {
        reason: Refusal::transient(2, 2, "full"),
        after: Duration::from_secs(60),
    };
    assert_eq!(
        bytes(Message::Acknowledge { transfer, acknowledgement: later }),
        [&[0x22, 1, 2, 3, 4, 2, 60, 0, 0, 0, 5, 0], &b"4.2.2"[..], &[4, 0], b"full"].concat()
    );
    let data = Message::Data { transfer, offset: 7, bytes: Bytes::from_static(b"x") };
    assert_eq!(bytes(data), [&data_header(transfer, 7)[..], b"x"].concat());
    assert_eq!(data_header(transfer, 7), [0x11, 1, 2, 3, 4, 7, 0, 0, 0, 0, 0, 0, 0]);
}

#[test]
fn wrong_values_have_their_errors() {
    assert_eq!(error_of(&[]), DecodeError::Read(ReadError::Truncated("message type")));
    assert_eq!(error_of(&[0x77]), DecodeError::Type(0x77));
    assert_eq!(error_of(&[1, 2, 0, 9, 0]), DecodeError::NoCommonVersion { lowest: 2, highest: 9 });
    assert_eq!(error_of(&[1, 0, 0, 0, 0]), DecodeError::NoCommonVersion { lowest: 0, highest: 0 });
    assert_eq!(error_of(&data_header(Transfer(1), 0)), DecodeError::Value("data"));
    assert_eq!(error_of(&[0x22, 0, 0, 0, 0, 3]), DecodeError::Value("acknowledgement"));
    let success = [&[0x22, 0, 0, 0, 0, 1, 5, 0], &b"2.0.0"[..], &[0, 0]].concat();
    assert_eq!(error_of(&success), DecodeError::Value("status"));
    let long = [&[15, 0, 0, 0xff, 0xff], &[b'a'; 65_535][..]].concat();
    assert!(matches!(error_of(&long), DecodeError::Read(ReadError::TooLong { .. })));
}

#[test]
fn control_characters_of_a_peer_do_not_get_through() {
    let error = [&[15, 0, 0, 3, 0], &b"a\r\n"[..]].concat();
    let message = Message::decode(&error.into());
    assert_eq!(message, Ok(Message::Error { code: 0, text: "a  ".into() }));
    let mut offer = Offer::new(
        MailId([1; 16]),
        Envelope::new(ReversePath::Null, "a@b".parse().unwrap()),
        1,
        BodyDigest([0; 32]),
    );
    offer.envelope.envelope_id = Some("a\r\nb".into());
    let bytes = Message::Offer { transfer: Transfer(1), offer: Box::new(offer) }.encode().unwrap();
    assert_eq!(error_of(&bytes), DecodeError::Value("envelope id"));
}

#[test]
fn a_slip_of_the_owner_does_not_end_the_session() {
    let success = Refusal::new(EnhancedStatus::new(2, 0, 0).unwrap(), "odd");
    let message =
        Message::Acknowledge { transfer: Transfer(1), acknowledgement: Acknowledgement::Refused(success) };
    let Ok(Message::Acknowledge { acknowledgement: Acknowledgement::Refused(refusal), .. }) =
        Message::decode(&message.encode().unwrap().into())
    else {
        panic!("it is not taken");
    };
    assert_eq!(refusal, Refusal::permanent(0, 0, "odd"));
}
