//! What comes: cookie requests and responses, handshakes, data.

use std::net::SocketAddr;
use std::time::Duration;

use rand_core::CryptoRngCore;

use super::channel::Channel;
use super::connection::{Beginning, Connection, Effect};
use super::dial::{Dialled, Greeting};
use super::event::{Ended, Event};
use super::{Friend, Sessions};
use crate::cookie::{Cookie, CookieContent};
use crate::key::PublicKey;
use crate::limits;
use crate::nonce::FreshNonce;
use crate::packet::Kind;
use crate::packet::dht::{CookieRequest, Sealed};
use crate::packet::handshake::{CookieResponse, Handshake, SealedHandshake};

/// A handshake that opened, with what our cookie in it says of its sender.
struct Greeted {
    handshake: Handshake,
    from: SocketAddr,
    content: CookieContent,
}

impl<R: CryptoRngCore> Sessions<R> {
    /// Takes a datagram of any sender. What is not of a session, or not as it should be, is dropped. The buffer is
    /// overwritten.
    pub fn datagram(&mut self, now: Duration, from: SocketAddr, packet: &mut [u8]) {
        let from = SocketAddr::new(from.ip().to_canonical(), from.port());
        match Kind::of(packet) {
            Ok(Kind::Data) => self.data(now, from, packet),
            Ok(Kind::Handshake) => {
                self.handshake(now, from, packet);
            }
            Ok(Kind::CookieResponse) => {
                self.cookie_response(now, from, packet);
            }
            Ok(Kind::CookieRequest) => {
                self.cookie_request(now, from, packet);
            }
            _ => {}
        }
    }

    fn data(&mut self, now: Duration, from: SocketAddr, packet: &mut [u8]) {
        let Some(peer) = self.addresses.get(&from).copied() else { return };
        let Some(friend) = self.friends.get_mut(&peer) else { return };
        let effect = friend.open.as_mut().and_then(|open| open.datagram(now, packet));
        match effect {
            Some(effect) => self.take_effect(now, peer, effect),
            None => {
                if let Some(farewell) = &mut friend.farewell {
                    farewell.datagram(now, packet);
                }
            }
        }
        self.wake(peer);
    }

    fn take_effect(&mut self, now: Duration, peer: PublicKey, effect: Effect) {
        if effect.confirmed {
            self.events.push_back(Event::Established { peer });
        }
        if effect.killed {
            self.end(now, peer, Ended::ByPeer);
            self.tidy(peer);
            return;
        }
        let Some(friend) = self.friends.get_mut(&peer) else { return };
        let ready = friend.open.as_ref().is_some_and(Connection::has_ready);
        if ready && !std::mem::replace(&mut friend.readable, true) {
            self.readable.push_back(peer);
        }
    }

    /// A cookie is given to whoever asks, as far as the budget for strangers goes. Nothing is remembered of it.
    fn cookie_request(&mut self, now: Duration, from: SocketAddr, packet: &mut [u8]) -> Option<()> {
        let sealed = Sealed::parse(packet).ok()?;
        let sender = sealed.sender();
        if self.replies.len() >= limits::REPLIES
            || !(self.dht.knows(&sender) || self.budget.spend(now, from.ip()))
        {
            return None;
        }
        let key = self.dht.get(&sender).ok()?;
        let request: CookieRequest = sealed.open(&key).ok()?;
        let cookie = self.cookie(now, request.real, sender);
        let response = CookieResponse { cookie, echo: request.echo };
        let packet = response.seal(&key, FreshNonce::random(&mut self.random));
        self.replies.push_back((from, packet));
        Some(())
    }

    fn cookie(&mut self, now: Duration, real: PublicKey, dht: PublicKey) -> Cookie {
        let content = CookieContent { made: now.as_secs(), real, dht };
        Cookie::seal(&content, &self.cookies, FreshNonce::random(&mut self.random))
    }

    fn cookie_response(&mut self, now: Duration, from: SocketAddr, packet: &mut [u8]) -> Option<()> {
        let peer = *self.addresses.get(&from)?;
        let dht = self.friends.get(&peer)?.dial.as_ref().filter(|dial| dial.at == from)?.dht;
        let ours = self.cookie(now, peer, dht);
        let friend = self.friends.get_mut(&peer)?;
        friend.dial.as_mut()?.cookie(now, packet, &friend.shared, &mut self.random, ours)?;
        self.wake(peer);
        Some(())
    }

    fn handshake(&mut self, now: Duration, from: SocketAddr, packet: &mut [u8]) -> Option<()> {
        let sealed = SealedHandshake::parse(packet).ok()?;
        let content = sealed.cookie().open(&self.cookies).ok()?;
        if !content.is_fresh(now.as_secs()) {
            return None;
        }
        let peer = content.real;
        let friend = self.friends.get_mut(&peer).filter(|friend| !friend.forgotten)?;
        let handshake = sealed.open(&friend.shared).ok()?;
        let greeted = Greeted { handshake, from, content };
        let is_over = match greeted.against(now, friend) {
            Against::Take => false,
            Against::Replace => true,
            Against::Ignore => {
                self.wake(peer);
                return None;
            }
        };
        if self.address_is_taken(&peer, &from) {
            return None;
        }
        if is_over {
            self.end(now, peer, Ended::Replaced);
        }
        self.begin(now, &greeted)
    }

    fn address_is_taken(&self, peer: &PublicKey, at: &SocketAddr) -> bool {
        let owner = self.addresses.get(at).filter(|owner| *owner != peer);
        owner.and_then(|owner| self.friends.get(owner)).is_some_and(|other| other.open.is_some())
    }

    fn begin(&mut self, now: Duration, greeted: &Greeted) -> Option<()> {
        let Greeted { handshake, from, content } = greeted;
        let peer = content.real;
        let ours = self.cookie(now, peer, content.dht);
        let friend = self.friends.get_mut(&peer)?;
        // An attempt of ours goes on with what it told the peer, unless the peer has another DHT key meanwhile.
        let dialled = friend.dial.take().filter(|dial| dial.dht == content.dht).map_or_else(
            || Dialled { greeting: Greeting::new(&mut self.random), handshake: None, round_trip: None },
            super::dial::Dial::finish,
        );
        let greeted = dialled.handshake.is_some();
        let packet = dialled.handshake.unwrap_or_else(|| {
            dialled.greeting.seal(&handshake.cookie, ours, &friend.shared, &mut self.random)
        });
        let Greeting { session, nonces } = dialled.greeting;
        let channel =
            Channel::new(session.secret(), nonces, &handshake.session, handshake.base_nonce).ok()?;
        let begin = Beginning {
            channel,
            at: *from,
            dht: content.dht,
            session: handshake.session,
            cookie_made: content.made,
            handshake: packet,
            round_trip: dialled.round_trip,
            remembered: friend.remembered(now),
            offset: self.random.next_u32(),
            first: self.first_number,
            greeted,
        };
        friend.open = Some(Connection::new(now, begin));
        self.addresses.retain(|_, owner| *owner != peer);
        self.addresses.insert(*from, peer);
        self.wake(peer);
        Some(())
    }
}

/// What a handshake means for a session that stands.
enum Against {
    /// There is none.
    Take,
    /// It ends, and the handshake begins another.
    Replace,
    /// The handshake is dropped.
    Ignore,
}

impl Greeted {
    fn against(&self, now: Duration, friend: &mut Friend) -> Against {
        let Some(open) = &mut friend.open else { return Against::Take };
        if open.session == self.handshake.session {
            open.repeat_handshake(now);
            return Against::Ignore;
        }
        // An older cookie is a handshake recorded before this session began.
        if self.content.made < open.cookie_made {
            return Against::Ignore;
        }
        let is_alive = open.is_confirmed() && now.saturating_sub(open.heard()) < limits::SILENCE_DOUBT;
        if open.dht == self.content.dht && is_alive { Against::Ignore } else { Against::Replace }
    }
}
