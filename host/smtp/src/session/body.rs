//! The text of a mail on its way in: counted, cut into chunks, and dropped when it is not acceptable.

use bytes::{Buf, Bytes, BytesMut};
use mail::limits::BODY_CHUNK_BYTES;

use crate::limits::PROGRESS_BYTES;
use crate::reply::Reply;
use crate::unstuff::{Stop, Unstuffer};

#[derive(Debug)]
pub(super) struct Body {
    unstuffer: Unstuffer,
    /// Text not yet handed out; never over [`BODY_CHUNK_BYTES`].
    chunk: BytesMut,
    bytes: u64,
    limit: u64,
    utf8: bool,
    /// The end has been read; the chunk may still hold the last bytes.
    ended: bool,
    /// Why the mail is refused: what is still to come is dropped, then this is the reply.
    spoilt: Option<Reply>,
    /// The last two bytes of a mail that was refused for an LF alone.
    bare: Option<[u8; 2]>,
}

/// How far [`Body::skip`] came.
enum Skipped {
    More,
    End,
    BareEnd,
}

/// What [`Body::receive`] came upon.
pub(super) enum Received {
    /// The input is used up.
    Nothing,
    /// The next bytes of the mail.
    Chunk(Bytes),
    /// All bytes have been handed out.
    End,
    /// The mail is refused from here on; comes once, and not if the refusal came from outside.
    Spoilt,
    /// The end of a mail that was refused before.
    EndOfSpoilt(Reply),
    /// A line with a dot alone, in a mail that was refused because its lines end in LF alone: the client waits for the reply. That
    /// this is the end is a guess, so nothing behind it may be read as commands.
    BareEndOfSpoilt(Reply),
}

impl Body {
    pub(super) fn new(limit: u64, utf8: bool) -> Self {
        Self {
            unstuffer: Unstuffer::default(),
            chunk: BytesMut::new(),
            bytes: 0,
            limit,
            utf8,
            ended: false,
            spoilt: None,
            bare: None,
        }
    }

    pub(super) fn is_utf8(&self) -> bool {
        self.utf8
    }

    pub(super) fn progress(&self) -> u64 {
        self.bytes / PROGRESS_BYTES
    }

    /// Refuses the mail; the rest of it will be dropped.
    pub(super) fn refuse(&mut self, reply: Reply) {
        self.chunk = BytesMut::new();
        self.spoilt = Some(reply);
    }

    pub(super) fn receive(&mut self, input: &mut BytesMut) -> Received {
        loop {
            if let Some(reply) = &self.spoilt {
                let reply = reply.clone();
                let skipped = if self.ended { Skipped::End } else { self.skip(input) };
                return match skipped {
                    Skipped::More => Received::Nothing,
                    Skipped::End => Received::EndOfSpoilt(reply),
                    Skipped::BareEnd => Received::BareEndOfSpoilt(reply),
                };
            }
            if self.ended && self.chunk.is_empty() {
                return Received::End;
            }
            if self.ended || self.chunk.len() >= BODY_CHUNK_BYTES {
                return Received::Chunk(self.chunk.split().freeze());
            }
            if input.is_empty() {
                return Received::Nothing;
            }
            if let Some(reply) = self.take(input) {
                self.refuse(reply);
                return Received::Spoilt;
            }
        }
    }

    /// Moves text from the input to the chunk; the reply if the mail turns out to be unacceptable.
    fn take(&mut self, input: &mut BytesMut) -> Option<Reply> {
        let room = BODY_CHUNK_BYTES.saturating_sub(self.chunk.len()).min(input.len());
        let before = self.chunk.len();
        self.chunk.reserve(room);
        let piece = input.get(..room).unwrap_or_default();
        let chunk = &mut self.chunk;
        let (consumed, stop) = self.unstuffer.unstuff(piece, |bytes| chunk.extend_from_slice(bytes));
        let ends_in_lf = piece.get(..consumed).is_some_and(|read| read.ends_with(b"\n"));
        input.advance(consumed);
        self.ended = stop == Stop::End;
        self.bytes += (self.chunk.len() - before) as u64;
        if self.bytes > self.limit {
            // RFC 1870 section 6.2; said at the end of the text, where the client listens.
            return Some(Reply::too_large(self.limit));
        }
        if stop != Stop::Bare {
            return None;
        }
        self.bare = ends_in_lf.then_some([0, b'\n']);
        Some(Reply::BARE_IN_DATA)
    }

    /// Drops text up to the end.
    fn skip(&mut self, input: &mut BytesMut) -> Skipped {
        while !input.is_empty() {
            let (consumed, stop) = self.unstuffer.unstuff(input, |_| {});
            let text = input.split_to(consumed);
            if let Some(last) = &mut self.bare
                && has_bare_end(last, &text)
            {
                return Skipped::BareEnd;
            }
            if stop == Stop::End {
                return Skipped::End;
            }
        }
        Skipped::More
    }
}

/// Whether a line with a dot alone, after an LF and ended by one, is in `text`, which follows the two bytes `last`.
fn has_bare_end(last: &mut [u8; 2], text: &[u8]) -> bool {
    text.iter().any(|&byte| {
        let is_end = byte == b'\n' && *last == *b"\n.";
        *last = [last[1], byte];
        is_end
    })
}
