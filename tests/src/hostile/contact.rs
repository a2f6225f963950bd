//! A contact that means harm: a Tox friend that speaks the peer protocol by hand, so that it can say what no gateway would.

use std::time::Duration;

use bytes::Bytes;
use frame::{Assembler, PacketId, Writer};
use mail::{Acknowledgement, BodyHasher, PublicKey, ToxId};
use peer::{Message, Transfer};
use tox::{Connection, Event, Events, Node, Options, SavedData, Tox};

/// Body bytes of one packet of data.
const PIECE: usize = peer::limits::DATA_BYTES;

/// The connection is gone, or the gateway does not listen any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gone;

/// What goes wrong in a session ends it, and the next begins.
pub type Attempt = Result<(), Gone>;

/// One contact.
pub struct HostileContact {
    nodes: Vec<Node>,
    tox: Tox,
    events: Events,
    victim: ToxId,
    incoming: Assembler,
    nonce: u64,
    seen: [u8; 16],
    transfer: u32,
    mails: u64,
}

fn packet_id() -> PacketId {
    peer::limits::PACKET_ID
}

fn options(saved: Option<SavedData>) -> Options {
    Options { saved, ipv6: false, hole_punching: false, ..Options::default() }
}

/// What is offered: the parts no gateway would write so.
#[derive(Clone, Copy, Debug)]
pub struct Offered<'a> {
    /// As text, whatever it is.
    pub reverse_path: &'a str,
    /// As text, whatever it is.
    pub forward_path: &'a str,
    /// ENVID.
    pub envelope_id: &'a str,
    /// What it says of its size.
    pub size: u64,
    /// What it says of its digest.
    pub digest: [u8; 32],
    /// NOTIFY and RET.
    pub flags: u8,
}

impl HostileContact {
    /// A new identity that asks to be a contact.
    ///
    /// # Panics
    /// If it cannot be started.
    pub async fn start(nodes: &[String], victim: ToxId) -> Self {
        let nodes: Vec<Node> = nodes.iter().map(|node| node.parse().expect("a node")).collect();
        let (tox, events) = Tox::start(options(None)).await.expect("it starts");
        join(&tox, &nodes).await;
        tox.add_friend(victim, "a friend").await.expect("a request");
        Self {
            nodes,
            tox,
            events,
            victim,
            incoming: Assembler::new(packet_id(), peer::limits::MESSAGE_BYTES),
            nonce: 0,
            seen: [0; 16],
            transfer: 0,
            mails: 0,
        }
    }

    /// Its key, in hex.
    #[must_use]
    pub fn key(&self) -> String {
        self.tox.public_key().to_string()
    }

    /// Its Tox ID.
    #[must_use]
    pub fn tox_id(&self) -> ToxId {
        self.tox.id()
    }

    /// Who is attacked, as an address of theirs.
    #[must_use]
    pub fn recipient(&self) -> String {
        self.victim.address().to_string()
    }

    /// Who is attacked.
    #[must_use]
    pub fn victim(&self) -> PublicKey {
        self.victim.key
    }

    /// Goes away in the middle of whatever it is, and comes back as the same.
    ///
    /// # Panics
    /// If it cannot be started again.
    pub async fn come_back(&mut self) {
        let saved = self.tox.saved().await.expect("it runs");
        self.tox.shutdown().await;
        let (tox, events) = Tox::start(options(Some(saved))).await.expect("it starts");
        join(&tox, &self.nodes).await;
        (self.tox, self.events) = (tox, events);
        self.incoming.reset();
    }

    /// Waits until the victim is there.
    ///
    /// # Errors
    /// [`Gone`]: not within a minute or two.
    pub async fn meet(&mut self) -> Attempt {
        if self.tox.friend_connection(&self.victim.key).is_some_and(|way| way != Connection::None) {
            return Ok(());
        }
        let met = async {
            loop {
                match self.events.next().await {
                    Some(Event::FriendConnection { connection, .. }) if connection != Connection::None => {
                        return Ok(());
                    }
                    Some(_) => {}
                    None => return Err(Gone),
                }
            }
        };
        tokio::time::timeout(crate::wait::DEADLINE, met).await.unwrap_or(Err(Gone))
    }

    /// The handle of its instance.
    #[must_use]
    pub fn tox(&self) -> &Tox {
        &self.tox
    }

    /// Sends bytes as packets of one message.
    ///
    /// # Errors
    /// [`Gone`]
    pub async fn say(&self, message: &[u8]) -> Attempt {
        for packet in frame::split(packet_id(), message) {
            self.send(packet).await?;
        }
        Ok(())
    }

    /// Sends one packet as it is.
    ///
    /// # Errors
    /// [`Gone`]
    pub async fn send(&self, packet: Vec<u8>) -> Attempt {
        let victim = self.victim();
        let sent = self.tox.send_packet(&victim, packet);
        match tokio::time::timeout(Duration::from_secs(30), sent).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(Gone),
        }
    }

    /// The next message of the victim's; none within this time.
    ///
    /// # Errors
    /// [`Gone`]
    pub async fn hear(&mut self, patience: Duration) -> Result<Option<Message>, Gone> {
        let heard = async {
            loop {
                match self.events.next().await {
                    None | Some(Event::FriendConnection { connection: Connection::None, .. }) => {
                        self.incoming.reset();
                        return Err(Gone);
                    }
                    Some(Event::Packet { bytes, .. }) => {
                        let whole = self.incoming.push(Bytes::from(bytes)).map_err(|_| Gone)?;
                        if let Some(message) = whole {
                            return Message::decode(&message).map_err(|_| Gone);
                        }
                    }
                    Some(_) => {}
                }
            }
        };
        tokio::time::timeout(patience, heard).await.map_or(Ok(None), |heard| heard.map(Some))
    }

    /// A hello with these addresses and this mailbox record.
    ///
    /// # Panics
    /// If one of them is too long for its length field.
    #[must_use]
    pub fn hello(&self, addresses: &[&str], record: &[u8]) -> Vec<u8> {
        let mut writer = Writer::new();
        let mut nonce = [7; 16];
        nonce[..8].copy_from_slice(&self.nonce.to_le_bytes());
        writer.u8(1).u16(1).u16(1).raw(&nonce).raw(&self.seen).u64(3).u64(50_000_000).u32(2 * 1024 * 1024);
        writer.u16(32).raw(&self.tox.id().to_bytes()).count(addresses.len());
        for address in addresses {
            writer.text16(address);
        }
        writer.bytes16(record).count(0);
        writer.finish().expect("short enough")
    }

    /// Opens a session anew, with a hello that says this. What is under way is void.
    ///
    /// # Errors
    /// [`Gone`]: it is not answered.
    pub async fn open(&mut self, addresses: &[&str], record: &[u8]) -> Attempt {
        self.meet().await?;
        (self.nonce, self.transfer) = (self.nonce + 1, 0);
        self.say(&self.hello(addresses, record)).await?;
        loop {
            match self.hear(Duration::from_secs(20)).await? {
                Some(Message::Hello(hello)) => {
                    if hello.nonce.0 != self.seen {
                        self.seen = hello.nonce.0;
                        self.say(&self.hello(addresses, record)).await?;
                    }
                    let mut own = [7; 16];
                    own[..8].copy_from_slice(&self.nonce.to_le_bytes());
                    if hello.seen.0 == own {
                        return Ok(());
                    }
                }
                Some(Message::Error { .. }) | None => return Err(Gone),
                Some(_) => {}
            }
        }
    }

    /// Offers a mail under a new id.
    ///
    /// # Errors
    /// [`Gone`]
    ///
    /// # Panics
    /// If something is too long for its length field.
    pub async fn offer(&mut self, offered: Offered<'_>) -> Result<Transfer, Gone> {
        self.mails += 1;
        let mut id = [9; 16];
        id[..8].copy_from_slice(&self.mails.to_le_bytes());
        self.offer_as(id, offered).await
    }

    /// Offers a mail under this id.
    ///
    /// # Errors
    /// [`Gone`]
    ///
    /// # Panics
    /// If something is too long for its length field.
    pub async fn offer_as(&mut self, id: [u8; 16], offered: Offered<'_>) -> Result<Transfer, Gone> {
        self.transfer += 1;
        let mut writer = Writer::new();
        writer.u8(0x10).u32(self.transfer).raw(&id).u64(offered.size).raw(&offered.digest).u8(offered.flags);
        writer.text16(offered.reverse_path).text16(offered.forward_path).text16(offered.envelope_id);
        writer.text16("").count(0);
        self.say(&writer.finish().expect("short enough")).await?;
        Ok(Transfer(self.transfer))
    }

    /// Offers a mail and sends all of it, or the first half. The last word about it, where there is one.
    ///
    /// # Errors
    /// [`Gone`]
    pub async fn mail(
        &mut self,
        reverse_path: &str,
        body: &[u8],
        is_whole: bool,
    ) -> Result<Option<Acknowledgement>, Gone> {
        let mut hasher = BodyHasher::new();
        hasher.update(body);
        let offered = Offered {
            reverse_path,
            forward_path: &self.recipient(),
            envelope_id: "",
            size: body.len() as u64,
            digest: hasher.finish().0,
            flags: 6,
        };
        let transfer = self.offer(offered).await?;
        // Less than a whole packet in the middle would break a rule.
        let end = if is_whole { body.len() } else { body.len() / 2 / PIECE * PIECE };
        let (mut sent, mut used, mut is_accepted) = (0, 0, false);
        loop {
            while is_accepted && sent < end && sent - used < PIECE * 64 {
                let piece = &body[sent..(sent + PIECE).min(end)];
                let mut writer = Writer::new();
                writer.u8(0x11).u32(transfer.0).u64(sent as u64).raw(piece);
                self.say(&writer.finish().expect("short enough")).await?;
                sent += piece.len();
            }
            if is_accepted && sent == end && !is_whole {
                return Ok(None);
            }
            match self.hear(Duration::from_secs(60)).await? {
                Some(Message::Accept { transfer: of, offset }) if of == transfer => {
                    is_accepted = true;
                    (sent, used) = (offset as usize, offset as usize);
                }
                Some(Message::Progress { transfer: of, offset }) if of == transfer => used = offset as usize,
                Some(Message::Acknowledge { transfer: of, acknowledgement }) if of == transfer => {
                    return Ok(Some(acknowledgement));
                }
                Some(Message::Error { .. }) | None => return Err(Gone),
                Some(_) => {}
            }
        }
    }
}

async fn join(tox: &Tox, nodes: &[Node]) {
    for node in nodes {
        tox.add_node(node).await.expect("a node on loopback");
    }
}
