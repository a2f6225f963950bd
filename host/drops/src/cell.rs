//! Cells: what boards hold, how one is sealed, and how its recipient opens it.
//!
//! A cell is `E | view | ciphertext`, always [`CELL_BYTES`] long. `E` is a point used once; the shared secret of
//! `E` and the recipient's mailbox key `M` gives, with a label, the view tag and the key of the ciphertext. Both also
//! depend on the board's key `R`, so a cell carried to another board opens for nobody. Inside is a `crypto_box` from
//! the sender's Tox key to `M` over everything the recipient can check.

use std::fmt;

use bytes::Bytes;
use crypto_box::SalsaBox;
use crypto_secretbox::XSalsa20Poly1305;
use crypto_secretbox::aead::{Aead, AeadInPlace, KeyInit};
use frame::{ReadError, Reader};
use mail::{MailId, PublicKey};
use rand_core::{CryptoRng, RngCore};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::hash::{hash, keyed};
use crate::limits::{
    BOXED_BYTES, BOXED_HEAD_BYTES, CELL_BYTES, CHUNK_BYTES, MAIL_CELLS, PLAINTEXT_BYTES, SEALED_BYTES,
    TAG_BYTES, VERSION,
};
use crate::point::{BadPoint, Lifted, Point, Secret, Shared};

const DROP_LABEL: &[u8] = b"toxmail drop 1";
const BOX_LABEL: &[u8; 13] = b"toxmail box 1";

/// A board's Tox public key `R`.
pub type BoardKey = PublicKey;

/// The name of a cell on its board: BLAKE2b-256 of `E`. Cells of a segment are ordered by it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name(pub [u8; 32]);

impl fmt::Debug for Name {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().take(6).try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

/// A sealed cell, [`CELL_BYTES`] long: cheap to clone.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Cell(Bytes);

/// Bytes whose length is not that of a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a cell has 16240 bytes, not {0}")]
pub struct NoCell(pub usize);

impl fmt::Debug for Cell {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Cell({:?})", self.name())
    }
}

impl TryFrom<Bytes> for Cell {
    type Error = NoCell;

    fn try_from(bytes: Bytes) -> Result<Self, NoCell> {
        if bytes.len() == CELL_BYTES { Ok(Self(bytes)) } else { Err(NoCell(bytes.len())) }
    }
}

impl Cell {
    /// `E`.
    #[must_use]
    pub fn point(&self) -> Point {
        Point(self.piece(0))
    }

    /// The view tag.
    #[must_use]
    pub fn view(&self) -> [u8; 8] {
        self.piece(32)
    }

    /// The ciphertext, tag included.
    #[must_use]
    pub fn sealed(&self) -> &[u8] {
        self.0.get(40..).unwrap_or_default()
    }

    /// BLAKE2b-256 of `E`.
    #[must_use]
    pub fn name(&self) -> Name {
        Name(hash(&[&self.point().0]))
    }

    /// BLAKE2b-256 of the whole cell.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        hash(&[&self.0])
    }

    /// All bytes of the cell.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        &self.0
    }

    fn piece<const N: usize>(&self, at: usize) -> [u8; N] {
        let mut piece = [0; N];
        if let Some(bytes) = self.0.get(at..at + N) {
            piece.copy_from_slice(bytes);
        }
        piece
    }
}

/// `k(label)` of the shared secret: BLAKE2b-256 keyed with it over the label of drops, the label, R, E and M.
fn derive(
    shared: &Shared,
    label: &[u8; 4],
    board: &BoardKey,
    point: &Point,
    mailbox: &Point,
) -> Zeroizing<[u8; 32]> {
    Zeroizing::new(keyed(shared.as_bytes(), &[DROP_LABEL, label, &board.0, &point.0, &mailbox.0]))
}

/// The view tag: the first 8 bytes of `k("view")`.
#[must_use]
pub(crate) fn view_tag(shared: &Shared, board: &BoardKey, point: &Point, mailbox: &Point) -> [u8; 8] {
    let mut tag = [0; 8];
    tag.copy_from_slice(&derive(shared, b"view", board, point, mailbox)[..8]);
    tag
}

/// The mail and the part of it that a cell carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// The mail.
    pub mail: MailId,
    /// The part, from 0. Parts from `count` on are padding: cells like all others, with nothing in them.
    pub index: u8,
    /// Parts of the mail, 1 to [`MAIL_CELLS`].
    pub count: u8,
    /// BLAKE2b-256 of the whole parcel.
    pub digest: [u8; 32],
}

/// A part of a mail, as its recipient finds it.
#[derive(Clone, PartialEq, Eq)]
pub struct Opened {
    /// Who wrote it: a Tox public key, proven (deniably) by the box.
    pub sender: PublicKey,
    /// The mail and the part it belongs to.
    pub place: Place,
    /// The bytes of this part, at most [`CHUNK_BYTES`].
    pub chunk: Vec<u8>,
}

impl fmt::Debug for Opened {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Opened({:?}, {} bytes)", self.place, self.chunk.len())
    }
}

/// Why a cell cannot be sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The recipient's key is of no use.
    #[error("the recipient's mailbox key is not valid; ask them for a new address: {0}")]
    Recipient(#[from] BadPoint),
    /// The part is longer than a cell holds.
    #[error("a part of {0} bytes does not fit a cell")]
    TooLong(usize),
    /// Index or count out of bounds.
    #[error("a mail has 1 to 64 parts, numbered from 0")]
    Place,
    /// A primitive refused; with parts of the right length none does.
    #[error("sealing failed")]
    Cipher,
}

/// Why a cell whose view tag fits cannot be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// `E` is of low order or off the curve.
    #[error("the cell's point is not valid")]
    Point(#[from] BadPoint),
    /// The view tag is another: the cell is for somebody else.
    #[error("the cell is for somebody else")]
    NotMine,
    /// The ciphertext was changed.
    #[error("the cell was changed or damaged")]
    Sealed,
    /// Made by a later version.
    #[error("the cell has version {0}, which this gateway does not know; a newer one will")]
    Version(u8),
    /// The sender's key is of low order: anybody could have written it.
    #[error("the sender named in the cell cannot be anybody")]
    Sender,
    /// The box does not open: the sender named did not write it.
    #[error("the sender named in the cell did not write it")]
    Box,
    /// The box is from another place: label, S, M, E or R differ.
    #[error("what is in the cell was made for another cell ({0})")]
    Moved(&'static str),
    /// Numbers out of bounds.
    #[error("the cell's numbers are out of bounds")]
    Place,
    /// Padding that is not zero, or a length that does not fit.
    #[error("the cell is not padded as it should be")]
    Padding,
    /// It ends too early.
    #[error("the cell's inside is damaged: {0}")]
    Read(#[from] ReadError),
}

/// What a cell is sealed from and for.
#[derive(Debug)]
pub struct Sealer<'a> {
    /// The sender's Tox secret key.
    pub sender: &'a Secret,
    /// The recipient's mailbox key `M`, or Tox public key at first contact.
    pub mailbox: &'a Point,
    /// The board's key `R`.
    pub board: &'a BoardKey,
}

impl Sealer<'_> {
    /// Seals `chunk` with a fresh `e`, used once.
    ///
    /// # Errors
    /// [`SealError`].
    pub fn seal<R: RngCore + CryptoRng>(
        &self,
        rng: &mut R,
        place: &Place,
        chunk: &[u8],
    ) -> Result<Cell, SealError> {
        let once = Secret::random(rng);
        let mut nonce = [0; 24];
        rng.fill_bytes(&mut nonce);
        self.seal_with(&once, &nonce, place, chunk)
    }

    /// Seals with a given scalar and nonce: for test vectors. Never use either twice.
    ///
    /// # Errors
    /// [`SealError`].
    pub fn seal_with(
        &self,
        once: &Secret,
        nonce: &[u8; 24],
        place: &Place,
        chunk: &[u8],
    ) -> Result<Cell, SealError> {
        let point = once.point();
        let shared = once.agree(self.mailbox)?;
        let plaintext = self.plaintext(&point, nonce, place, chunk)?;
        let key = derive(&shared, b"cell", self.board, &point, self.mailbox);
        let sealed = XSalsa20Poly1305::new(key.as_slice().into())
            .encrypt(&[0; 24].into(), plaintext.as_slice())
            .map_err(|_| SealError::Cipher)?;
        let mut cell = Vec::with_capacity(CELL_BYTES);
        cell.extend_from_slice(&point.0);
        cell.extend_from_slice(&view_tag(&shared, self.board, &point, self.mailbox));
        cell.extend_from_slice(&sealed);
        Cell::try_from(Bytes::from(cell)).map_err(|_| SealError::Cipher)
    }

    /// `version, S, nonce, box`.
    fn plaintext(
        &self,
        point: &Point,
        nonce: &[u8; 24],
        place: &Place,
        chunk: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let boxed = self.boxed(point, place, chunk)?;
        let secret = crypto_box::SecretKey::from(*self.sender.as_bytes());
        let sealed = SalsaBox::new(&crypto_box::PublicKey::from(self.mailbox.0), &secret)
            .encrypt(nonce.into(), boxed.as_slice())
            .map_err(|_| SealError::Cipher)?;
        let mut plaintext = Zeroizing::new(Vec::with_capacity(PLAINTEXT_BYTES));
        plaintext.push(VERSION);
        plaintext.extend_from_slice(&self.sender.point().0);
        plaintext.extend_from_slice(nonce);
        plaintext.extend_from_slice(&sealed);
        Ok(plaintext)
    }

    /// What the box holds: everything the recipient checks, then the chunk, then zeros.
    fn boxed(&self, point: &Point, place: &Place, chunk: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
        check_place(place).ok_or(SealError::Place)?;
        let length = u16::try_from(chunk.len()).map_err(|_| SealError::TooLong(chunk.len()))?;
        if chunk.len() > CHUNK_BYTES {
            return Err(SealError::TooLong(chunk.len()));
        }
        let mut boxed = Zeroizing::new(Vec::with_capacity(BOXED_BYTES));
        boxed.extend_from_slice(BOX_LABEL);
        for key in [&self.sender.point().0, &self.mailbox.0, &point.0, &self.board.0] {
            boxed.extend_from_slice(key);
        }
        boxed.extend_from_slice(&place.mail.0);
        boxed.extend_from_slice(&[place.index, place.count]);
        boxed.extend_from_slice(&place.digest);
        boxed.extend_from_slice(&length.to_le_bytes());
        boxed.extend_from_slice(chunk);
        boxed.resize(BOXED_BYTES, 0);
        Ok(boxed)
    }
}

/// Bounds of index and count.
fn check_place(place: &Place) -> Option<()> {
    let most = usize::from(place.count).checked_next_power_of_two()?;
    let valid = (1..=MAIL_CELLS).contains(&usize::from(place.count)) && usize::from(place.index) < most;
    valid.then_some(())
}

/// Opens `cell`, found on `board`, with one of the recipient's keys.
///
/// # Errors
/// [`OpenError::NotMine`] for everybody else's cells; the other errors mean that a cell for this
/// key cannot be used.
pub fn open(cell: &Cell, board: &BoardKey, secret: &Secret, mailbox: &Point) -> Result<Opened, OpenError> {
    let shared = secret.agree_lifted(&Lifted::new(&cell.point())?)?;
    if !bool::from(view_tag(&shared, board, &cell.point(), mailbox).ct_eq(&cell.view())) {
        return Err(OpenError::NotMine);
    }
    open_shared(cell, board, secret, mailbox, &shared)
}

/// Opens a cell whose view tag was found to fit.
pub(crate) fn open_shared(
    cell: &Cell,
    board: &BoardKey,
    secret: &Secret,
    mailbox: &Point,
    shared: &Shared,
) -> Result<Opened, OpenError> {
    let point = cell.point();
    let key = derive(shared, b"cell", board, &point, mailbox);
    let mut plaintext = Zeroizing::new(cell.sealed().to_vec());
    XSalsa20Poly1305::new(key.as_slice().into())
        .decrypt_in_place(&[0; 24].into(), b"", &mut *plaintext)
        .map_err(|_| OpenError::Sealed)?;
    let mut reader = Reader::new(&plaintext);
    let version = reader.u8("version")?;
    if version != VERSION {
        return Err(OpenError::Version(version));
    }
    let sender = Point(reader.array("sender")?);
    let nonce: [u8; 24] = reader.array("nonce")?;
    secret.agree(&sender).map_err(|_| OpenError::Sender)?;
    let boxed = Zeroizing::new(
        SalsaBox::new(
            &crypto_box::PublicKey::from(sender.0),
            &crypto_box::SecretKey::from(*secret.as_bytes()),
        )
        .decrypt((&nonce).into(), reader.rest())
        .map_err(|_| OpenError::Box)?,
    );
    read_boxed(&boxed, &sender, mailbox, &point, board)
}

/// Reads the content of the box and checks every part of it against what is known.
fn read_boxed(
    boxed: &[u8],
    sender: &Point,
    mailbox: &Point,
    point: &Point,
    board: &BoardKey,
) -> Result<Opened, OpenError> {
    let mut reader = Reader::new(boxed);
    if reader.take("label", BOX_LABEL.len())? != BOX_LABEL {
        return Err(OpenError::Moved("label"));
    }
    for (what, key) in
        [("sender", &sender.0), ("recipient", &mailbox.0), ("point", &point.0), ("board", &board.0)]
    {
        if reader.take(what, 32)? != key {
            return Err(OpenError::Moved(what));
        }
    }
    let place = Place {
        mail: MailId(reader.array("mail id")?),
        index: reader.u8("index")?,
        count: reader.u8("count")?,
        digest: reader.array("digest")?,
    };
    check_place(&place).ok_or(OpenError::Place)?;
    let length = usize::from(reader.u16("length")?);
    if length > reader.remaining() {
        return Err(OpenError::Padding);
    }
    let chunk = reader.take("chunk", length)?.to_vec();
    if reader.rest().iter().any(|byte| *byte != 0) {
        return Err(OpenError::Padding);
    }
    Ok(Opened { sender: PublicKey(sender.0), place, chunk })
}

const _: () = assert!(SEALED_BYTES == PLAINTEXT_BYTES + TAG_BYTES);
const _: () = assert!(BOXED_BYTES == BOXED_HEAD_BYTES + CHUNK_BYTES);

#[cfg(test)]
mod tests;
