//! Starting, and every way it fails.

use std::net::{TcpListener, UdpSocket};

use tox::{InvalidSavedData, Node, NodeError, Options, PortRange, Proxy, SavedData, StartError, Tox};

use crate::support::{free_udp_port, private};

/// The error, and that its text says what to do.
async fn fails(options: Options, advice: &str) -> StartError {
    let error = Tox::start(options).await.map(|_| ()).unwrap_err();
    assert!(error.to_string().contains(advice), "{error}");
    error
}

#[tokio::test]
async fn an_exact_port_is_used_or_refused() {
    let port = free_udp_port();
    let exact = || Options { ports: PortRange::one(port), ..private() };
    let (tox, _events) = Tox::start(exact()).await.unwrap();
    assert_eq!(tox.udp_port(), Some(port));
    let error = fails(exact(), &format!("UDP port {port} ")).await;
    assert!(matches!(error, StartError::PortTaken(range) if range == PortRange::one(port)));
    tox.shutdown().await;

    let foreign = UdpSocket::bind(("0.0.0.0", port)).unwrap();
    fails(exact(), "choose another port").await;
    drop(foreign);
}

#[tokio::test]
async fn a_taken_relay_port_is_told_from_the_other() {
    let listener = TcpListener::bind("0.0.0.0:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let error = fails(Options { tcp_relay_port: Some(port), ..private() }, "choose another port").await;
    assert!(matches!(error, StartError::RelayPortTaken(taken) if taken == port));
}

#[tokio::test]
async fn two_instances_without_a_port_get_two() {
    let ((a, _a_events), (b, _b_events)) =
        (Tox::start(private()).await.unwrap(), Tox::start(private()).await.unwrap());
    assert_ne!(a.udp_port().unwrap(), b.udp_port().unwrap());
    assert_ne!(a.public_key(), b.public_key());
    assert_eq!(a.tcp_port(), None);
}

#[tokio::test]
async fn damaged_saved_data_never_becomes_another_identity() {
    let (tox, _events) = Tox::start(private()).await.unwrap();
    let bytes = tox.saved().await.unwrap().as_bytes().to_vec();
    tox.shutdown().await;

    // c-toxcore keeps room behind the last section; a cut anywhere before that is noticed.
    let end = bytes.windows(4).position(|window| window == [0xff, 0x00, 0xce, 0x01]).unwrap() + 4;
    for cut in 0..end {
        assert_eq!(SavedData::new(bytes[..cut].to_vec()).unwrap_err(), InvalidSavedData::Damaged, "{cut}");
    }

    // The header takes 8 bytes, that of the first section 8, nospam 4, the public key 32; the secret key follows.
    let mut damaged = bytes.clone();
    damaged[8 + 8 + 4 + 32 + 7] ^= 0x10;
    let saved = SavedData::new(damaged).unwrap();
    let error = fails(Options { saved: Some(saved), ..private() }, "restore it from a backup").await;
    assert!(matches!(error, StartError::SavedData(InvalidSavedData::Refused)));

    // Whatever single byte is damaged: the same identity, or an error, never a crash.
    for at in (0..end).step_by(3) {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0xff;
        if let Ok(saved) = SavedData::new(damaged) {
            let key = saved.public_key();
            if let Ok((tox, _events)) = Tox::start(Options { saved: Some(saved), ..private() }).await {
                assert_eq!(tox.public_key(), key);
                tox.shutdown().await;
            }
        }
    }
}

#[tokio::test]
async fn a_proxy_that_cannot_be_is_refused() {
    for (proxy, advice) in [
        (Proxy::Socks5("127.0.0.1".to_owned(), 0), "from 1 to 65535"),
        (Proxy::Socks5(String::new(), 9050), "check its spelling"),
        (Proxy::Http("a\0b".to_owned(), 8080), "check its spelling"),
        (Proxy::Http("h".repeat(300), 8080), "check its spelling"),
        (Proxy::Socks5("proxy.invalid".to_owned(), 9050), "check its spelling"),
    ] {
        fails(Options { proxy, ..private() }, advice).await;
    }
}

#[tokio::test]
async fn behind_a_proxy_there_is_no_udp_and_no_name_is_looked_up() {
    let proxy = Proxy::Socks5("127.0.0.1".to_owned(), 9);
    let (tox, _events) = Tox::start(Options { proxy, ..private() }).await.unwrap();
    assert_eq!(tox.udp_port(), None);
    let node: Node = format!("node.invalid:33445:{}", tox.public_key()).parse().unwrap();
    assert_eq!(tox.add_node(&node).await, Err(NodeError::NameBehindProxy("node.invalid".to_owned())));
}

#[tokio::test]
async fn a_node_that_cannot_be_used_is_refused() {
    let (tox, _events) = Tox::start(private()).await.unwrap();
    let node: Node = format!("node.invalid:33445:{}", tox.public_key()).parse().unwrap();
    assert_eq!(tox.add_node(&node).await, Err(NodeError::NotFound("node.invalid".to_owned())));
    let node: Node = format!("[::1]:33445:{}", tox.public_key()).parse().unwrap();
    assert_eq!(tox.add_node(&node).await, Err(NodeError::Unusable("::1".to_owned())));
}

#[tokio::test]
async fn a_name_that_is_too_long_stops_the_start() {
    fails(Options { name: Some("n".repeat(129)), ..private() }, "shorten it").await;
}
