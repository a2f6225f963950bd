//! What friends send each other in a session, and Tox IDs.

use toxnet::packet::messenger::{
    CustomId, FileAction, FileControl, FileOffer, FilePiece, FileSide, FriendPacket, Status,
};
use toxnet::wire::{List, Piece};
use toxnet::{Node, Nospam, ToxId};

use crate::page::Page;

fn page() -> Page {
    Page::read(include_str!("friend.txt"))
}

#[test]
fn packets() {
    let page = page();
    let data = |name: &str| page.vector(name).bytes("packet");
    let relays: List<Node, 3> = toxnet::wire::Codec::parse(&data("share_relays")[1..]).unwrap();
    assert_eq!(relays.len(), 2);
    let (status_message, message, custom) = (data("status_message"), data("message"), data("custom"));
    let (offer, piece) = (data("file_offer"), data("file_piece"));
    let control = |side, action| FriendPacket::FileControl(FileControl { side, number: 7, action });
    let cases = [
        ("alive", FriendPacket::Alive),
        ("share_relays", FriendPacket::ShareRelays(relays)),
        (
            "request",
            FriendPacket::Request { nospam: Nospam([1, 2, 3, 4]), text: Piece::new(b"Hello").unwrap() },
        ),
        ("online", FriendPacket::Online),
        ("offline", FriendPacket::Offline),
        ("name", FriendPacket::Name(Piece::new("Zoë".as_bytes()).unwrap())),
        ("no_name", FriendPacket::Name(Piece::new(b"").unwrap())),
        ("status_message", FriendPacket::StatusMessage(Piece::new(&status_message[1..]).unwrap())),
        ("status", FriendPacket::Status(Status::Busy)),
        ("typing", FriendPacket::Typing(true)),
        ("message", FriendPacket::Message(Piece::new(&message[1..]).unwrap())),
        ("action", FriendPacket::Action(Piece::new(b"waves").unwrap())),
        (
            "file_offer",
            FriendPacket::FileOffer(FileOffer {
                number: 7,
                kind: 1,
                size: 1 << 40,
                id: offer[14..46].try_into().unwrap(),
                name: Piece::new(b"photo.png").unwrap(),
            }),
        ),
        ("file_accept", control(FileSide::Receiving, FileAction::Accept)),
        ("file_pause", control(FileSide::Sending, FileAction::Pause)),
        ("file_kill", control(FileSide::Receiving, FileAction::Kill)),
        ("file_seek", control(FileSide::Receiving, FileAction::Seek(4096))),
        (
            "file_piece",
            FriendPacket::FilePiece(FilePiece { number: 7, bytes: Piece::new(&piece[2..]).unwrap() }),
        ),
        (
            "custom",
            FriendPacket::Custom {
                id: CustomId::new(160).unwrap(),
                content: Piece::new(&custom[1..]).unwrap(),
            },
        ),
    ];
    for (name, packet) in cases {
        assert_eq!(packet.to_vec(), data(name), "{name}");
        assert_eq!(FriendPacket::parse(&data(name)), Ok(packet), "{name}");
    }
    for name in ["alive", "online", "offline", "status", "typing", "file_accept", "file_seek"] {
        let packet = data(name);
        assert!(FriendPacket::parse(&packet[..packet.len() - 1]).is_err(), "{name}");
        assert!(FriendPacket::parse(&[&packet[..], &[0]].concat()).is_err(), "{name}");
    }
    for name in ["status_message", "message", "file_piece", "custom"] {
        assert!(FriendPacket::parse(&[&data(name)[..], &[0]].concat()).is_err(), "{name}");
    }
    for id in [0, 1, 2, 15, 19, 52, 79, 83, 159, 192, 255] {
        assert!(FriendPacket::parse(&[id, 1, 2]).is_err(), "{id}");
    }
}

#[test]
fn tox_ids() {
    let page = page();
    let vector = page.vector("tox_id");
    let id = ToxId { key: vector.public("key"), nospam: vector.value("nospam") };
    assert_eq!(id.to_bytes().to_vec(), vector.bytes("packet"));
    assert_eq!(hex::encode_upper(vector.bytes("packet")).parse(), Ok(id));
}
