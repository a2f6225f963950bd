//! What is in a frame.

use crate::key::PublicKey;
use crate::limits;
use crate::wire::{Codec, ParseError, Piece, Reader, Writer, within};

/// Data beside one byte of type.
pub type Data<'a> = Piece<'a, 1, { limits::RELAY_DATA_BYTES }>;
/// Blind data.
pub type BlindData<'a> = Piece<'a, 1, { limits::BLIND_BYTES }>;
/// What goes through the onion.
pub type OnionContent<'a> = Piece<'a, 1, { limits::PACKET_BYTES }>;

/// The lowest number of a connection; types below it are those of the enum.
const FIRST_CONNECTION: u8 = 16;

/// The number of a connection to another client of the relay: 16 to 255, chosen by the relay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Connection(u8);

impl Connection {
    /// The connection with this number.
    ///
    /// # Errors
    /// It is below 16.
    pub fn new(number: u8) -> Result<Self, ParseError> {
        if number < FIRST_CONNECTION {
            return Err(ParseError::Value { what: "the connection", value: number.into() });
        }
        Ok(Self(number))
    }

    /// Its number.
    #[must_use]
    pub fn number(self) -> u8 {
        self.0
    }
}

impl Codec for Connection {
    fn read(reader: &mut Reader<'_>) -> Result<Self, ParseError> {
        Self::new(reader.u8("the connection")?)
    }

    fn write(&self, writer: &mut Writer) {
        writer.u8(self.0);
    }
}

/// A packet between a client and a TCP relay: `[1 type][content]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RelayPacket<'a> {
    /// 0, from the client, `[32 DHT key]`: asks for a connection to whoever has this key.
    RouteRequest(PublicKey),
    /// 1, from the relay, `[1 number, 0 = refused][32 DHT key]`.
    RouteResponse {
        /// The number for it; none if the relay refuses.
        connection: Option<Connection>,
        /// As it stood in the request.
        key: PublicKey,
    },
    /// 2, from the relay, `[1 number]`: the other end is there and has asked for us too.
    Connected(Connection),
    /// 3, `[1 number]`: from the relay, the other end is gone; from the client, it is no longer
    /// wanted. C ends the whole connection if a client sends it for a number that is not in use.
    Disconnected(Connection),
    /// 4, `[8 id]`; the id is not zero.
    Ping([u8; 8]),
    /// 5, `[8 id]`
    Pong([u8; 8]),
    /// 6, from the client, `[32 DHT key][data]`: to somebody who has not asked for us.
    SendBlind {
        /// Whom to.
        to: PublicKey,
        /// What.
        data: BlindData<'a>,
    },
    /// 7, from the relay, `[32 DHT key][data]`.
    CameBlind {
        /// Whom from: the relay has checked that they have the key.
        from: PublicKey,
        /// What.
        data: BlindData<'a>,
    },
    /// 8, from the client: see [`crate::packet::onion::path::RelayPath`].
    Onion(OnionContent<'a>),
    /// 9, from the relay: an announce or data response.
    OnionAnswer(OnionContent<'a>),
    /// 16 to 255, `[data]`: over a connection.
    Data {
        /// Over which.
        connection: Connection,
        /// What.
        data: Data<'a>,
    },
}

impl<'a> RelayPacket<'a> {
    /// Reads the content of a frame.
    ///
    /// # Errors
    /// It is empty, of an unknown type, or in another form than its type's.
    pub fn parse(packet: &'a [u8]) -> Result<Self, ParseError> {
        within("the packet", packet.len(), &(1..=1 + limits::RELAY_DATA_BYTES))?;
        let mut reader = Reader::new(packet);
        let value = Self::read(&mut reader)?;
        reader.finish()?;
        Ok(value)
    }

    fn read(reader: &mut Reader<'a>) -> Result<Self, ParseError> {
        Ok(match reader.u8("the type")? {
            0 => Self::RouteRequest(PublicKey::read(reader)?),
            1 => {
                let connection = match reader.u8("the connection")? {
                    0 => None,
                    number => Some(Connection::new(number)?),
                };
                Self::RouteResponse { connection, key: PublicKey::read(reader)? }
            }
            2 => Self::Connected(Connection::read(reader)?),
            3 => Self::Disconnected(Connection::read(reader)?),
            4 => Self::Ping(reader.array("the ping id")?),
            5 => Self::Pong(reader.array("the ping id")?),
            6 => Self::SendBlind { to: PublicKey::read(reader)?, data: Piece::new(reader.rest())? },
            7 => Self::CameBlind { from: PublicKey::read(reader)?, data: Piece::new(reader.rest())? },
            8 => Self::Onion(Piece::new(reader.rest())?),
            9 => Self::OnionAnswer(Piece::new(reader.rest())?),
            number if number < FIRST_CONNECTION => {
                return Err(ParseError::Value { what: "the type", value: number.into() });
            }
            number => Self::Data { connection: Connection::new(number)?, data: Piece::new(reader.rest())? },
        })
    }

    /// Appends it.
    pub fn write(&self, writer: &mut Writer) {
        match self {
            Self::RouteRequest(key) => writer.u8(0).value(key),
            Self::RouteResponse { connection, key } => {
                writer.u8(1).u8(connection.map_or(0, Connection::number)).value(key)
            }
            Self::Connected(connection) => writer.u8(2).value(connection),
            Self::Disconnected(connection) => writer.u8(3).value(connection),
            Self::Ping(id) => writer.u8(4).raw(id),
            Self::Pong(id) => writer.u8(5).raw(id),
            Self::SendBlind { to, data } => writer.u8(6).value(to).raw(data),
            Self::CameBlind { from, data } => writer.u8(7).value(from).raw(data),
            Self::Onion(content) => writer.u8(8).raw(content),
            Self::OnionAnswer(content) => writer.u8(9).raw(content),
            Self::Data { connection, data } => writer.value(connection).raw(data),
        };
    }

    /// Its bytes.
    #[must_use]
    pub fn to_vec(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        self.write(&mut writer);
        writer.into_bytes()
    }
}
