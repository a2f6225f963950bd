use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use super::*;

const BOARD: BoardKey = PublicKey([9; 32]);

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(1)
}

fn place(index: u8, count: u8) -> Place {
    Place { mail: MailId([4; 16]), index, count, digest: [5; 32] }
}

/// Sender, recipient, and a cell between them.
fn example(chunk: &[u8]) -> (Secret, Secret, Cell) {
    let mut rng = rng();
    let (sender, recipient) = (Secret::random(&mut rng), Secret::random(&mut rng));
    let sealer = Sealer { sender: &sender, mailbox: &recipient.point(), board: &BOARD };
    let cell = sealer.seal(&mut rng, &place(0, 1), chunk).unwrap();
    (sender, recipient, cell)
}

fn open_for(cell: &Cell, secret: &Secret) -> Result<Opened, OpenError> {
    open(cell, &BOARD, secret, &secret.point())
}

fn changed(cell: &Cell, at: usize, with: impl Fn(u8) -> u8) -> Cell {
    let mut bytes = cell.bytes().to_vec();
    bytes[at] = with(bytes[at]);
    Cell::try_from(Bytes::from(bytes)).unwrap()
}

/// Seals a plaintext of our own making into the outer layer: what a hostile sender can do.
fn seal_plaintext(recipient: &Point, plaintext: &[u8]) -> Cell {
    let once = Secret::random(&mut rng());
    let (point, shared) = (once.point(), once.agree(recipient).unwrap());
    let key = derive(&shared, b"cell", &BOARD, &point, recipient);
    let sealed = XSalsa20Poly1305::new(key.as_slice().into()).encrypt(&[0; 24].into(), plaintext).unwrap();
    let view = view_tag(&shared, &BOARD, &point, recipient);
    let bytes = [&point.0[..], &view, &sealed].concat();
    Cell::try_from(Bytes::from(bytes)).unwrap()
}

/// Boxes an inside of our own making: what a known but hostile sender can do.
fn seal_boxed(sender: &Secret, recipient: &Point, boxed: &[u8]) -> Cell {
    let secret = crypto_box::SecretKey::from(*sender.as_bytes());
    let sealed = SalsaBox::new(&crypto_box::PublicKey::from(recipient.0), &secret)
        .encrypt(&[3; 24].into(), boxed)
        .unwrap();
    let plaintext = [&[VERSION][..], &sender.point().0, &[3; 24], &sealed].concat();
    seal_plaintext(recipient, &plaintext)
}

/// The inside of the cell that [`seal_boxed`] makes, honest so far.
fn honest_boxed(sender: &Secret, recipient: &Point) -> Vec<u8> {
    let sealer = Sealer { sender, mailbox: recipient, board: &BOARD };
    let point = Secret::random(&mut rng()).point();
    sealer.boxed(&point, &place(0, 1), b"chunk").unwrap().to_vec()
}

#[test]
fn the_recipient_opens_what_the_sender_sealed() {
    let (sender, recipient, cell) = example(b"a part of a mail");
    let opened = open_for(&cell, &recipient).unwrap();
    assert_eq!(opened.sender.0, sender.point().0);
    assert_eq!(opened.place, place(0, 1));
    assert_eq!(opened.chunk, b"a part of a mail");
}

#[test]
fn a_cell_has_one_size_whatever_is_in_it() {
    for chunk in [&b""[..], &[7; CHUNK_BYTES]] {
        let (_, recipient, cell) = example(chunk);
        assert_eq!(cell.bytes().len(), CELL_BYTES);
        assert_eq!(open_for(&cell, &recipient).unwrap().chunk, chunk);
    }
}

#[test]
fn a_part_that_does_not_fit_is_refused() {
    let (sender, recipient, _) = example(b"");
    let sealer = Sealer { sender: &sender, mailbox: &recipient.point(), board: &BOARD };
    let seal = |place: Place, length: usize| sealer.seal(&mut rng(), &place, &vec![0; length]);
    assert_eq!(seal(place(0, 1), CHUNK_BYTES + 1), Err(SealError::TooLong(CHUNK_BYTES + 1)));
    assert_eq!(seal(place(0, 1), 70_000), Err(SealError::TooLong(70_000)));
    assert_eq!(seal(place(0, 0), 1), Err(SealError::Place));
    assert_eq!(seal(place(0, 65), 1), Err(SealError::Place));
    assert_eq!(seal(place(4, 3), 1), Err(SealError::Place));
    assert!(seal(place(3, 3), 0).is_ok());
}

#[test]
fn nobody_else_opens_it() {
    let (sender, _, cell) = example(b"x");
    assert_eq!(open_for(&cell, &Secret::from_bytes([1; 32])), Err(OpenError::NotMine));
    assert_eq!(open_for(&cell, &sender), Err(OpenError::NotMine));
}

#[test]
fn moved_to_another_board_it_is_nobodys() {
    let (_, recipient, cell) = example(b"x");
    let other = PublicKey([8; 32]);
    assert_eq!(open(&cell, &other, &recipient, &recipient.point()), Err(OpenError::NotMine));
}

#[test]
fn a_flipped_bit_anywhere_is_refused() {
    let (_, recipient, cell) = example(b"x");
    for at in [0, 31, 32, 39, 40, 60, 8_000, CELL_BYTES - 1] {
        let error = open_for(&changed(&cell, at, |byte| byte ^ 1), &recipient).unwrap_err();
        let expected: &[OpenError] = match at {
            0..32 => &[OpenError::NotMine, OpenError::Point(BadPoint)],
            32..40 => &[OpenError::NotMine],
            _ => &[OpenError::Sealed],
        };
        assert!(expected.contains(&error), "{at}: {error:?}");
    }
}

#[test]
fn truncated_or_longer_it_is_no_cell() {
    let (_, _, cell) = example(b"x");
    assert_eq!(Cell::try_from(cell.bytes().slice(1..)), Err(NoCell(CELL_BYTES - 1)));
    let longer = [&cell.bytes()[..], &[0]].concat();
    assert_eq!(Cell::try_from(Bytes::from(longer)), Err(NoCell(CELL_BYTES + 1)));
}

#[test]
fn all_zero_points_are_refused_on_both_sides() {
    let (sender, recipient, cell) = example(b"x");
    let nobody = Sealer { sender: &sender, mailbox: &Point([0; 32]), board: &BOARD };
    assert_eq!(nobody.seal(&mut rng(), &place(0, 1), b""), Err(SealError::Recipient(BadPoint)));
    let mut bytes = cell.bytes().to_vec();
    bytes[..32].fill(0);
    let zero = Cell::try_from(Bytes::from(bytes)).unwrap();
    assert_eq!(open_for(&zero, &recipient), Err(OpenError::Point(BadPoint)));
}

#[test]
fn a_later_version_is_named() {
    let (_, recipient, _) = example(b"");
    let plaintext = [&[2][..], &[0; PLAINTEXT_BYTES - 1]].concat();
    assert_eq!(
        open_for(&seal_plaintext(&recipient.point(), &plaintext), &recipient),
        Err(OpenError::Version(2))
    );
}

#[test]
fn a_sender_of_low_order_is_refused() {
    let (_, recipient, _) = example(b"");
    let plaintext = [&[VERSION][..], &[0; PLAINTEXT_BYTES - 1]].concat();
    let cell = seal_plaintext(&recipient.point(), &plaintext);
    assert_eq!(open_for(&cell, &recipient), Err(OpenError::Sender));
}

#[test]
fn a_sender_cannot_name_somebody_else() {
    let (sender, recipient, _) = example(b"");
    let boxed = honest_boxed(&sender, &recipient.point());
    let cell = seal_boxed(&sender, &recipient.point(), &boxed);
    // Re-sealed with another sender's key in front: the box no longer opens.
    let shared_cell = open_for(&cell, &recipient);
    assert!(shared_cell.is_ok());
    let other = Secret::from_bytes([6; 32]);
    let secret = crypto_box::SecretKey::from(*sender.as_bytes());
    let sealed = SalsaBox::new(&crypto_box::PublicKey::from(recipient.point().0), &secret)
        .encrypt(&[3; 24].into(), boxed.as_slice())
        .unwrap();
    let plaintext = [&[VERSION][..], &other.point().0, &[3; 24], &sealed].concat();
    assert_eq!(open_for(&seal_plaintext(&recipient.point(), &plaintext), &recipient), Err(OpenError::Box));
}

#[test]
fn every_part_of_the_inside_is_checked() {
    let (sender, recipient, _) = example(b"");
    let honest = honest_boxed(&sender, &recipient.point());
    let cases: [(usize, OpenError); 8] = [
        (0, OpenError::Moved("label")),
        (13, OpenError::Moved("sender")),
        (13 + 32, OpenError::Moved("recipient")),
        (13 + 64, OpenError::Moved("point")),
        (13 + 96, OpenError::Moved("board")),
        // index 1 of 1, count 2^n beyond, and padding.
        (13 + 128 + 16, OpenError::Place),
        (13 + 128 + 17 + 1 + 32 + 1, OpenError::Padding),
        (BOXED_BYTES - 1, OpenError::Padding),
    ];
    for (at, expected) in cases {
        let mut boxed = honest.clone();
        boxed[at] ^= 0x41;
        let cell = seal_boxed(&sender, &recipient.point(), &boxed);
        assert_eq!(open_for(&cell, &recipient), Err(expected), "{at}");
    }
}

proptest! {
    #[test]
    fn opening_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..300), at in 0_usize..CELL_BYTES) {
        let mut cell = vec![0_u8; CELL_BYTES];
        for (offset, byte) in bytes.iter().enumerate() {
            cell[(at + offset) % CELL_BYTES] = *byte;
        }
        let cell = Cell::try_from(Bytes::from(cell)).unwrap();
        prop_assert!(open_for(&cell, &Secret::from_bytes([1; 32])).is_err());
    }

    #[test]
    fn a_hostile_inside_is_refused_or_read(inside in proptest::collection::vec(any::<u8>(), 0..400)) {
        let (sender, recipient) = (Secret::from_bytes([1; 32]), Secret::from_bytes([2; 32]));
        let result = read_boxed(
            &inside, &sender.point(), &recipient.point(), &Point([3; 32]), &BOARD,
        );
        prop_assert!(result.is_err());
    }
}
