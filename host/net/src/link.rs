//! The way to one friend, as `peer` wants it.

use async_trait::async_trait;
use mail::PublicKey;
use peer::{Link, LinkClosed};
use tox::Tox;

/// Sends packets to one friend.
pub struct FriendLink {
    /// The instance that carries the packets.
    pub tox: Tox,
    /// The friend at the other end.
    pub friend: PublicKey,
}

#[async_trait]
impl Link for FriendLink {
    async fn send(&self, packets: Vec<Vec<u8>>) -> Result<(), LinkClosed> {
        for packet in packets {
            self.tox.send_packet(&self.friend, packet).await.map_err(|_| LinkClosed)?;
        }
        Ok(())
    }
}
