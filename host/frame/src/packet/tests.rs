use proptest::prelude::*;

use super::*;

const ID: PacketId = match PacketId::new(170) {
    Ok(id) => id,
    Err(_) => panic!("170 is in the range"),
};

fn assemble(assembler: &mut Assembler, packets: impl IntoIterator<Item = Vec<u8>>) -> Vec<Bytes> {
    packets.into_iter().filter_map(|packet| assembler.push(packet.into()).unwrap()).collect()
}

proptest! {
    #[test]
    fn messages_survive(lengths in proptest::collection::vec(1_usize..6000, 1..5), seed: u8) {
        let messages: Vec<Vec<u8>> =
            lengths.iter().map(|length| (0..*length).map(|at| (at as u8) ^ seed).collect()).collect();
        let mut assembler = Assembler::new(ID, 6000);
        for message in &messages {
            let packets: Vec<_> = split(ID, message).collect();
            prop_assert_eq!(packets.len(), message.len().div_ceil(PAYLOAD_BYTES));
            prop_assert!(packets.iter().all(|packet| packet.len() <= PACKET_BYTES));
            prop_assert_eq!(assemble(&mut assembler, packets), vec![Bytes::from(message.clone())]);
            prop_assert_eq!(assembler.held(), 0);
        }
    }

    #[test]
    fn any_bytes_are_taken_or_refused_in_bounds(
        packets in proptest::collection::vec(
            (any::<bool>(), proptest::collection::vec(any::<u8>(), 0..1400)), 0..20),
        max in 1_usize..5000,
    ) {
        let mut assembler = Assembler::new(ID, max);
        for (ours, mut packet) in packets {
            if ours && packet.len() > 1 {
                (packet[0], packet[1]) = (170, packet[1] & 3);
            }
            if let Ok(Some(message)) = assembler.push(packet.into()) {
                prop_assert!(!message.is_empty() && message.len() <= max);
            }
            prop_assert!(assembler.held() <= max);
        }
    }

    #[test]
    fn a_first_packet_lost_or_repeated_is_noticed(length in 2743_usize..6000, repeat: bool) {
        let mut packets: Vec<_> = split(ID, &vec![7; length]).collect();
        if repeat {
            packets.insert(0, packets[0].clone());
        } else {
            packets.remove(0);
        }
        let mut assembler = Assembler::new(ID, 6000);
        let noticed = packets.into_iter().any(|packet| assembler.push(packet.into()).is_err());
        prop_assert!(noticed);
    }
}

fn refusal(packets: &[&[u8]]) -> FrameError {
    let mut assembler = Assembler::new(ID, 3000);
    for packet in packets {
        if let Err(error) = assembler.push(Bytes::copy_from_slice(packet)) {
            assert_eq!(assembler.held(), 0, "an error leaves nothing behind");
            return error;
        }
    }
    panic!("nothing was refused");
}

#[test]
fn each_broken_packet_has_its_error() {
    let mut first = vec![170, FIRST];
    first.resize(PACKET_BYTES, 0);
    let middle: Vec<u8> = [&[170, 0], &first[2..]].concat();
    assert_eq!(refusal(&[&[]]), FrameError::Empty);
    assert_eq!(refusal(&[&[170, 3]]), FrameError::Empty);
    assert_eq!(refusal(&[&[171, 3, 1]]), FrameError::OtherId(171));
    assert_eq!(refusal(&[&[170, 7, 1]]), FrameError::Flags(7));
    assert_eq!(refusal(&[&[170, 0, 1]]), FrameError::NotBegun);
    assert_eq!(refusal(&[&[170, LAST, 1]]), FrameError::NotBegun);
    assert_eq!(refusal(&[&[170, FIRST, 1]]), FrameError::NotFull);
    assert_eq!(refusal(&[&first, &[170, FIRST | LAST, 1]]), FrameError::NotEnded);
    assert_eq!(refusal(&[&first, &middle, &middle]), FrameError::MessageTooLong(3000));
    assert_eq!(refusal(&[&[170; 1374]]), FrameError::PacketTooLong(1374));
}

#[test]
fn a_single_packet_is_what_split_makes() {
    let message = [1, 2, 3, 4, 5];
    let made = single(ID, &[&message[..2], &message[2..]]).unwrap();
    assert_eq!(split(ID, &message).collect::<Vec<_>>(), vec![made.clone()]);
    assert_eq!(first_byte(&made), Some(1));
    assert!(single(ID, &[&[0; PAYLOAD_BYTES], &[0]]).is_err());
    assert_eq!(split(ID, &[]).count(), 0);
}

#[test]
fn a_new_beginning_is_seen_and_taken_after_a_reset() {
    let long: Vec<_> = split(ID, &[9; 2000]).collect();
    let mut assembler = Assembler::new(ID, 3000);
    assert_eq!(assembler.push(long[0].clone().into()), Ok(None));
    assert_eq!((first_byte(&long[0]), first_byte(&long[1]), first_byte(&[])), (Some(9), None, None));
    assembler.reset();
    assert_eq!(assemble(&mut assembler, long), vec![Bytes::from(vec![9; 2000])]);
}

#[test]
fn only_lossless_ids_are_ids() {
    for id in 0..=255 {
        assert_eq!(PacketId::new(id).map(PacketId::get).is_ok(), (160..192).contains(&id));
    }
}
