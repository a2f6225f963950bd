//! Beside c-toxcore's own DHT: `tox-bootstrapd` (Debian: `toxcore-utils`), unmodified, on loopback.

use std::io::ErrorKind;
use std::net::{SocketAddr, UdpSocket};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;
use toxnet::dht::{Dht, Event};
use toxnet::packet::info::{self, Info};
use toxnet::wire::Codec as _;
use toxnet::{KeyPair, PublicKey, UdpNode};

/// C takes one step of a search a second; a machine under load takes longer.
const DEADLINE: Duration = Duration::from_secs(90);

/// A process of C, ended when dropped.
struct Daemon {
    process: Child,
    folder: PathBuf,
    node: UdpNode,
}

impl Daemon {
    /// Starts one that knows only `first`.
    fn start(number: u16, first: Option<UdpNode>, random: &mut ChaCha20Rng) -> Self {
        let keys = KeyPair::generate(random);
        let port = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let folder = std::env::temp_dir().join(format!("toxnet-dht-{}-{number}-{port}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let key_file = folder.join("keys");
        std::fs::write(&key_file, [keys.public().0, *keys.secret().as_bytes()].concat()).unwrap();
        let first = first.map_or_else(String::new, |node| {
            let address = SocketAddr::from(node.address);
            format!("{{ address = \"127.0.0.1\" port = {} public_key = \"{}\" }}", address.port(), node.key)
        });
        let config = format!(
            "port = {port}\nkeys_file_path = \"{}\"\npid_file_path = \"{}\"\nenable_ipv6 = false\n\
             enable_ipv4_fallback = false\nenable_lan_discovery = false\nenable_tcp_relay = false\n\
             enable_motd = true\nmotd = \"node {number}\"\nbootstrap_nodes = ( {first} )\n",
            key_file.display(),
            folder.join("pid").display(),
        );
        let config_file = folder.join("config");
        std::fs::write(&config_file, config).unwrap();
        let process = Command::new("tox-bootstrapd")
            .args(["--foreground", "--log-backend", "stdout", "--config"])
            .arg(&config_file)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("tox-bootstrapd, from the package toxcore-utils");
        let address = SocketAddr::from(([127, 0, 0, 1], port)).into();
        Self { process, folder, node: UdpNode { address, key: keys.public() } }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// One of our nodes with its socket.
struct Node {
    dht: Dht<ChaCha20Rng>,
    socket: UdpSocket,
    found: Vec<(PublicKey, SocketAddr)>,
}

impl Node {
    fn new(random: &mut ChaCha20Rng) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_nonblocking(true).unwrap();
        let keys = KeyPair::generate(random);
        let own_random = ChaCha20Rng::from_rng(random).unwrap();
        Self { dht: Dht::new(keys, own_random), socket, found: Vec::new() }
    }

    fn contact(&self) -> UdpNode {
        UdpNode { address: self.socket.local_addr().unwrap().into(), key: self.dht.key() }
    }

    /// Whether `node` was found where it is.
    fn found(&self, node: &UdpNode) -> bool {
        self.found.contains(&(node.key, node.address.into()))
    }

    /// Takes what came, does what is due, sends what is to be sent. Gives what is not of the DHT.
    fn turn(&mut self, now: Duration) -> Vec<Vec<u8>> {
        let (mut buffer, mut others) = ([0; 2048], Vec::new());
        loop {
            match self.socket.recv_from(&mut buffer) {
                Ok((length, from)) => {
                    let packet = &mut buffer[..length];
                    if packet.first() == Some(&0xf0) {
                        others.push(packet.to_vec());
                    }
                    self.dht.datagram(now, from, packet);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                // The other end is not there yet.
                Err(error) if error.kind() == ErrorKind::ConnectionRefused => {}
                Err(error) => panic!("{error}"),
            }
        }
        self.dht.timeout(now);
        while let Some((to, packet)) = self.dht.poll_transmit() {
            let _ = self.socket.send_to(&packet, to);
        }
        while let Some(event) = self.dht.poll_event() {
            if let Event::Found { key, at } = event {
                self.found.push((key, at));
            }
        }
        others
    }
}

/// Lets the nodes run until `done`.
#[allow(clippy::disallowed_methods)] // Sockets and processes have the real clock.
fn until(what: &str, nodes: &mut [Node], mut done: impl FnMut(&mut [Node], Duration) -> bool) {
    let start = Instant::now();
    loop {
        let now = start.elapsed() + Duration::from_secs(1000);
        if done(nodes, now) {
            return;
        }
        assert!(start.elapsed() < DEADLINE, "this did not happen: {what}");
        std::thread::park_timeout(Duration::from_millis(2));
    }
}

#[test]
fn our_node_joins_c_and_is_told_about_it() {
    let mut random = ChaCha20Rng::seed_from_u64(1);
    let daemon = Daemon::start(1, None, &mut random);
    let mut nodes = [Node::new(&mut random)];
    nodes[0].dht.bootstrap(Duration::from_secs(1000), daemon.node);
    until("our node is connected", &mut nodes, |nodes, now| {
        nodes[0].turn(now);
        nodes[0].dht.is_connected(now)
    });
    let at = SocketAddr::from(daemon.node.address);
    nodes[0].socket.send_to(&info::request(), at).unwrap();
    until("C tells about itself", &mut nodes, |nodes, now| {
        let answers = nodes[0].turn(now);
        // C ends the text with a zero.
        answers.iter().any(|answer| Info::parse(answer).is_ok_and(|info| &info.text[..] == b"node 1\0"))
    });
}

/// Two nodes of C know nobody but ours. A second one of ours asks one of them for the other.
#[test]
fn c_joins_through_our_node_alone() {
    let mut random = ChaCha20Rng::seed_from_u64(2);
    let mut nodes = [Node::new(&mut random), Node::new(&mut random)];
    let ours = nodes[0].contact();
    let (one, other) = (Daemon::start(2, Some(ours), &mut random), Daemon::start(3, Some(ours), &mut random));
    let now = Duration::from_secs(1000);
    nodes[1].dht.bootstrap(now, one.node);
    nodes[1].dht.search(now, other.node.key);
    until("C is found through C", &mut nodes, |nodes, now| {
        nodes.iter_mut().for_each(|node| drop(node.turn(now)));
        nodes[1].found(&other.node)
    });
}

/// Those of C know nobody but the first of ours, each of ours but the first knows nobody but one of
/// C. Each of ours searches for one of C and for one of ours.
#[test]
fn twenty_of_c_and_twenty_of_ours_find_each_other() {
    let mut random = ChaCha20Rng::seed_from_u64(3);
    let mut nodes: Vec<Node> = (0..20).map(|_| Node::new(&mut random)).collect();
    let ours: Vec<UdpNode> = nodes.iter().map(Node::contact).collect();
    let daemons: Vec<Daemon> =
        (10..30).map(|number| Daemon::start(number, Some(ours[0]), &mut random)).collect();
    let now = Duration::from_secs(1000);
    let next = |number: usize| (number + 1) % 20;
    for (number, node) in nodes.iter_mut().enumerate() {
        if number > 0 {
            node.dht.bootstrap(now, daemons[number].node);
        }
        node.dht.search(now, ours[next(number)].key);
        node.dht.search(now, daemons[next(number)].node.key);
    }
    until("everybody finds everybody", &mut nodes, |nodes, now| {
        nodes.iter_mut().for_each(|node| drop(node.turn(now)));
        let found = |(number, node): (usize, &Node)| {
            node.found(&ours[next(number)]) && node.found(&daemons[next(number)].node)
        };
        nodes.iter().enumerate().all(found)
    });
}
