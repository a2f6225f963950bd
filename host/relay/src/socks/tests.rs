use proptest::prelude::*;

use super::*;

fn target() -> SocketAddr {
    "192.0.2.7:443".parse().unwrap()
}

/// Feeds all bytes and gathers what is done, without the waiting.
fn serve(bytes: &[u8]) -> (Vec<Step>, Vec<u8>) {
    let mut server = Serve::default();
    let mut steps = vec![];
    for byte in bytes {
        server.push(&[*byte]);
        loop {
            match server.step() {
                Step::More => break,
                step => steps.push(step),
            }
        }
    }
    (steps, server.into_rest())
}

#[test]
fn a_request_for_an_address_is_understood_byte_by_byte() {
    let mut bytes = vec![5, 2, 0, 2, 5, 1, 0, 1, 192, 0, 2, 7, 1, 187];
    bytes.extend(b"early");
    let (steps, rest) = serve(&bytes);
    assert_eq!(steps, [Step::Send(vec![5, 0]), Step::Connect(target())]);
    assert_eq!(rest, b"early");
    let six: SocketAddr = "[2001:db8::1]:33445".parse().unwrap();
    let mut bytes = vec![5, 1, 0, 5, 1, 0];
    encode_address(six, &mut bytes);
    assert_eq!(serve(&bytes).0.last(), Some(&Step::Connect(six)));
}

#[test]
fn names_other_commands_and_other_protocols_are_refused() {
    let anywhere = "0.0.0.0:0".parse().unwrap();
    let refused = |request: &[u8]| serve(&[&[5, 1, 0], request].concat()).0.pop().unwrap();
    assert_eq!(refused(b"\x05\x01\x00\x03\x09localhost"), Step::Close(Reply::AddressType.encode(anywhere)));
    assert_eq!(refused(&[5, 2, 0, 1]), Step::Close(Reply::Command.encode(anywhere)));
    assert_eq!(refused(&[4, 1, 0, 1]), Step::Close(Reply::Failure.encode(anywhere)));
    assert_eq!(serve(&[5, 1, 2]).0, [Step::Close(vec![5, 255])], "only with a password");
    assert_eq!(serve(b"GET / HTTP/1.1\r\n").0, [Step::Close(vec![])]);
}

fn dial(answers: &[&[u8]]) -> Result<(Vec<Vec<u8>>, Vec<u8>), DialError> {
    let mut dial = Dial::new(target(), [0xab; 16]);
    let mut sent = vec![];
    let mut answers = answers.iter();
    loop {
        match dial.step()? {
            DialStep::Send(bytes) => sent.push(bytes),
            DialStep::More => match answers.next() {
                Some(bytes) => dial.push(bytes),
                None => return Ok((sent, vec![])),
            },
            DialStep::Done => return Ok((sent, dial.into_rest())),
        }
    }
}

#[test]
fn tor_is_given_a_name_of_its_own_and_asked_for_the_address() {
    let answers: [&[u8]; 4] = [&[5, 2], &[1, 0], &[5, 0, 0, 3, 2, b'h', b'i'], &[0, 0, b'!']];
    let (sent, rest) = dial(&answers).unwrap();
    assert_eq!(sent[0], [5, 2, 0, 2]);
    assert_eq!(sent[1].len(), 1 + 2 * 33);
    assert!(sent[1][2..34].iter().all(|byte| b"ab".contains(byte)));
    assert_eq!(sent[2], [5, 1, 0, 1, 192, 0, 2, 7, 1, 187]);
    assert_eq!(rest, b"!");
    let without: [&[u8]; 2] = [&[5, 0], &[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]];
    assert_eq!(dial(&without).unwrap().0.len(), 2);
}

#[test]
fn a_proxy_that_refuses_or_speaks_otherwise_is_left() {
    assert_eq!(dial(&[&[5, 255]]), Err(DialError::Authentication));
    assert_eq!(dial(&[&[5, 2], &[1, 1]]), Err(DialError::Authentication));
    assert_eq!(dial(&[b"HTTP/1.1 400 Bad Request\r\n"]), Err(DialError::Protocol));
    assert_eq!(dial(&[&[5, 0], &[5, 4, 0, 1]]), Err(DialError::Refused(4)));
    assert_eq!(dial(&[&[5, 0], &[5, 0, 0, 9]]), Err(DialError::Protocol));
}

#[test]
fn http_connect_wants_a_2xx() {
    let ask = |answer: &[u8]| {
        let mut dial = HttpDial::new(target());
        let DialStep::Send(request) = dial.step().unwrap() else { panic!("it asks first") };
        assert!(request.starts_with(b"CONNECT 192.0.2.7:443 HTTP/1.1\r\n"));
        dial.push(answer);
        dial.step().map(|step| (step, dial.into_rest()))
    };
    let done = ask(b"HTTP/1.1 200 Connection established\r\nA: b\r\n\r\nrest");
    assert_eq!(done, Ok((DialStep::Done, b"rest".to_vec())));
    assert_eq!(ask(b"HTTP/1.0 403 No\r\n\r\n"), Err(DialError::Refused(403)));
    assert_eq!(ask(b"HTTP/1.1 2000 Huh\r\n\r\n"), Err(DialError::Protocol));
    assert_eq!(ask(&[b'x'; 5000]), Err(DialError::Protocol));
    assert_eq!(ask(b"HTTP/1.1 200").unwrap().0, DialStep::More);
}

proptest! {
    #[test]
    fn whatever_comes_ends_or_waits_within_bounds(bytes in proptest::collection::vec(any::<u8>(), 0..700)) {
        let (steps, _) = serve(&bytes);
        prop_assert!(steps.len() <= 2);
        let mut server = Serve::default();
        server.push(&bytes);
        let first = server.step();
        if bytes.len() >= crate::limits::SOCKS_BYTES {
            prop_assert_ne!(first, Step::More);
        }
        let _ = dial(&[&bytes]);
    }
}
