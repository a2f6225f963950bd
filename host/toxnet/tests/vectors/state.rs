//! Saved data, plain and encrypted.

use toxnet::encrypted::{self, PasswordKey};
use toxnet::packet::messenger::Status;
use toxnet::state::{Friend, FriendState, State};
use toxnet::wire::Text;
use toxnet::{Nospam, ToxId};

use crate::page::{Fixed, Page};

fn page() -> Page {
    Page::read(include_str!("state.txt"))
}

#[test]
fn saved_data() {
    let page = page();
    let vector = page.vector("state");
    let read = State::parse(&vector.bytes("packet")).expect("saved data");
    let mut state = State::new(vector.pair("secret"), vector.value("nospam"));
    state.nodes = vector.value("nodes");
    state.name = Text::new("Anna").unwrap();
    state.status_message = Text::new("writing").unwrap();
    state.status = Status::Busy;
    state.relays = vector.value("relay");
    state.path_nodes = vector.value("path_node");
    state.friends = vec![
        Friend {
            key: vector.public("friend"),
            state: FriendState::Confirmed {
                name: Text::new("Ben").unwrap(),
                status_message: Text::new("at home").unwrap(),
                status: Status::Away,
                last_seen: 1_790_000_000,
            },
        },
        Friend {
            key: vector.public("asked"),
            state: FriendState::Requested {
                sent: true,
                nospam: Nospam([9, 8, 7, 6]),
                text: Text::new("It is Anna").unwrap(),
            },
        },
    ];
    // Conferences are kept, but cannot be made here.
    state.others.clone_from(&read.others);
    assert_eq!((state.others.len(), &state), (1, &read));
    assert_eq!(state.to_bytes().as_slice(), vector.bytes("packet"));
}

#[test]
fn encrypted_files() {
    let page = page();
    let vector = page.vector("encrypted");
    let (password, content) = (vector.bytes("password"), vector.bytes("content"));
    let mut random = Fixed([vector.bytes("salt"), vector.bytes("nonce")].concat());
    let key = PasswordKey::new(&password, &mut random).unwrap();
    assert_eq!(key.encrypt(&content, &mut random), vector.bytes("packet"));
    assert_eq!(encrypted::decrypt(&vector.bytes("packet"), &password).unwrap().as_slice(), content);
    vector.is_refused_when_broken(|packet| key.decrypt(packet).is_ok());
}

/// Written by c-toxcore 0.2.18 for an identity made for this, and encrypted by it with the password
/// below.
#[test]
fn a_profile_of_c_toxcore() {
    let plain = encrypted::decrypt(include_bytes!("c-toxcore.tox"), b"open sesame").expect("the password");
    let state = State::parse(&plain).expect("saved data");
    let id = "F3C446DA3BEEDFAC3D80639DC65E22E9729BE8FCDBA346BD9904BECC11AF504BCAB93CC27CD8";
    assert_eq!(state.tox_id().to_string(), id);
    assert_eq!((&state.name[..], &state.status_message[..]), (&b"Clara"[..], &b"from c-toxcore"[..]));
    assert_eq!(state.status, Status::Away);
    let [friend, asked] = &state.friends[..] else { panic!("two friends") };
    let friend_key = "84B9389CB451883BEF2FE3A607D31377BC20FE7E968B2398724388799A314B26";
    assert_eq!(friend.key.to_string(), friend_key);
    assert!(matches!(friend.state, FriendState::Confirmed { last_seen: 0, .. }));
    let FriendState::Requested { nospam, text, .. } = &asked.state else { panic!("not answered") };
    let asked_id = ToxId { key: asked.key, nospam: *nospam };
    let id = "1CB7A8335C1B805F67B0A96442E0A90FF087A039893C83BABAFA054D7A573E1E6DAA54ACD53B";
    assert_eq!(asked_id.to_string(), id);
    assert_eq!(&text[..], b"Hello from C");
    // C leaves unused room behind the last section.
    let written = state.to_bytes();
    assert!(plain.starts_with(&written) && plain[written.len()..].iter().all(|byte| *byte == 0));
}
