//! Request packets: which lossless packets have not come.
//!
//! The body is `[1 id]`, then for each missing packet its distance to the one before; the first is
//! measured from the number before the packet's ack. A distance over 255 is written as a zero for
//! each whole 255 and the remainder. What lies between listed numbers has arrived. Nothing is said
//! about what lies beyond the last byte, so a list may be cut at its end, but no hole before that
//! may be left out.

use super::id;
use crate::limits;
use crate::wire::{ParseError, Reader, within};

/// How far a zero goes.
const FAR: u32 = 255;

/// Writes a body, its id included. `missing` are numbers in ascending order, the first at or after
/// `ack`, counted round the end of 32 bits. The list is cut where it is full, or where the order is
/// broken.
#[must_use]
pub fn write(ack: u32, missing: impl IntoIterator<Item = u32>) -> Vec<u8> {
    let mut body = vec![id::REQUEST];
    let mut before = ack.wrapping_sub(1);
    for number in missing {
        let distance = number.wrapping_sub(before);
        let (far, near) = (distance.saturating_sub(1) / FAR, distance.saturating_sub(1) % FAR + 1);
        let zeros = usize::try_from(far).unwrap_or(usize::MAX);
        let room = limits::DATA_BYTES - body.len();
        let Ok(near) = u8::try_from(near) else { break };
        if distance == 0 || room <= zeros {
            break;
        }
        body.resize(body.len() + zeros, 0);
        body.push(near);
        before = number;
    }
    body
}

/// A body as it came, still in bytes: nothing is allocated for what a peer claims.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request<'a> {
    before: u32,
    distances: &'a [u8],
}

impl<'a> Request<'a> {
    /// Reads the data of a request packet, its id included. `ack` is the packet's.
    ///
    /// # Errors
    /// It has another id or is too long.
    pub fn parse(ack: u32, data: &'a [u8]) -> Result<Self, ParseError> {
        within("the data", data.len(), &(1..=limits::DATA_BYTES))?;
        let mut reader = Reader::new(data);
        reader.expect("the id", id::REQUEST)?;
        Ok(Self { before: ack.wrapping_sub(1), distances: reader.rest() })
    }

    /// The missing numbers, ascending round the end of 32 bits. A peer may claim numbers that were
    /// never sent.
    pub fn missing(self) -> impl Iterator<Item = u32> + use<'a> {
        let mut before = self.before;
        self.distances.iter().filter_map(move |distance| {
            let far = if *distance == 0 { FAR } else { u32::from(*distance) };
            before = before.wrapping_add(far);
            (*distance != 0).then_some(before)
        })
    }

    /// The last number that the list says anything about: all from the ack to here that are not
    /// missing have arrived. Without any bytes it is the number before the ack.
    #[must_use]
    pub fn covered(self) -> u32 {
        let far = |distance: &u8| if *distance == 0 { FAR } else { u32::from(*distance) };
        self.distances.iter().map(far).fold(self.before, u32::wrapping_add)
    }

    /// Whether nothing is missing.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.distances.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(ack: u32, body: &[u8]) -> Vec<u32> {
        Request::parse(ack, body).unwrap().missing().collect()
    }

    #[test]
    fn distances_are_written_as_c_does() {
        assert_eq!(write(10, [10, 11, 20]), [1, 1, 1, 9]);
        assert_eq!(write(0, [254, 509]), [1, 255, 255]);
        assert_eq!(write(0, [255, 766]), [1, 0, 1, 0, 0, 1]);
        assert_eq!(write(5, []), [1]);
        assert_eq!(read(0, &[1, 0, 1, 0, 0, 1]), [255, 766]);
        assert_eq!(read(u32::MAX, &[1, 1, 1]), [u32::MAX, 0]);
    }

    #[test]
    fn what_is_covered_ends_with_the_bytes() {
        let covered = |body: &[u8]| Request::parse(10, body).unwrap().covered();
        assert_eq!([covered(&[1]), covered(&[1, 1]), covered(&[1, 1, 0])], [9, 10, 265]);
    }

    #[test]
    fn a_long_list_is_cut_at_its_end() {
        let body = write(0, (0..5000).map(|number| number * 2));
        assert_eq!(body.len(), limits::DATA_BYTES);
        let listed: Vec<u32> = (0..1372).map(|number| number * 2).collect();
        assert_eq!(read(0, &body), listed);
    }

    #[test]
    fn a_broken_order_ends_the_list() {
        assert_eq!(read(3, &write(3, [4, 4, 5])), [4]);
        assert_eq!(read(3, &write(3, [5, 4])), [5]);
    }

    proptest! {
        #[test]
        fn numbers_come_back(ack: u32, gaps in proptest::collection::vec(0_u32..1000, 0..200)) {
            let mut next = ack;
            let missing: Vec<u32> = gaps
                .iter()
                .map(|gap| {
                    let number = next.wrapping_add(*gap);
                    next = number.wrapping_add(1);
                    number
                })
                .collect();
            let body = write(ack, missing.iter().copied());
            let listed = read(ack, &body);
            prop_assert!(missing.starts_with(&listed));
            prop_assert!(listed.len() == missing.len() || body.len() > limits::DATA_BYTES - 5);
        }

        #[test]
        fn any_body_is_read_and_written_the_same(ack: u32, bytes in proptest::collection::vec(any::<u8>(), 0..1372)) {
            let body = [&[id::REQUEST], &bytes[..]].concat();
            let listed = read(ack, &body);
            // Zeros at the end say only that more has arrived.
            let ends = body.iter().rposition(|byte| *byte != 0).unwrap();
            prop_assert_eq!(write(ack, listed), &body[..=ends]);
        }
    }
}
