//! The bounds of this crate, with their reasons. Sizes are bytes unless the name says otherwise.
//! Those marked "Tox" are fixed by the network: a peer drops what is beyond them.

use std::time::Duration;

/// Longest packet of a session, and of everything that passes through the onion (Tox).
pub const PACKET_BYTES: usize = 1400;

/// Longest data of one session packet, its id included (Tox): what is left of a packet beside its
/// headers.
pub const DATA_BYTES: usize = 1373;

/// The length of data is padded so that it falls short of the longest by a multiple of this (Tox):
/// lengths tell an observer less.
pub const PADDING_BYTES: usize = 8;

/// Longest DHT request (Tox).
pub const DHT_REQUEST_BYTES: usize = 1024;

/// Nodes in an answer about nodes (Tox): C takes no more.
pub const ANSWERED_NODES: usize = 4;

/// How long a cookie is good after it was made (Tox): a handshake follows its cookie within a round
/// trip or two.
pub const COOKIE_TIME: Duration = Duration::from_secs(15);

/// Shared keys remembered of one key pair: a DHT node talks to at most 1 024 in its close list, and
/// that many are 100 KB.
pub const SHARED_KEYS: usize = 1024;

/// Longest packet in the innermost layer of the onion (Tox): what is left of a packet beside the
/// layers.
pub const ONION_DATA_BYTES: usize = 1174;

/// Longest onion data response. C drops longer ones, though it sends them (`onion_client.c:
/// MAX_DATA_REQUEST_SIZE`).
pub const DATA_RESPONSE_BYTES: usize = 1069;

/// Longest text of a bootstrap node about itself (Tox).
pub const INFO_TEXT_BYTES: usize = 256;

/// Longest text of a friend request that we send through the onion. C takes at most 943 bytes in
/// 0.2.18 and 921 from 0.2.21 on; a little less leaves room for what later versions may take away.
pub const FRIEND_REQUEST_BYTES: usize = 900;

/// Longest text of a friend request that we take from the onion: with boxes and headers it just
/// fills a data response.
pub const FRIEND_REQUEST_TAKEN_BYTES: usize = 943;

/// Longest text of a friend request within a session (Tox: `TOX_MAX_FRIEND_REQUEST_LENGTH`).
pub const SESSION_REQUEST_BYTES: usize = 1016;

/// Longest box in a frame of a TCP relay, its MAC included (Tox): C ends the connection at a longer
/// one.
pub const FRAME_BYTES: usize = 2048;

/// Longest data of a connection over a TCP relay: what a frame holds beside MAC and type (Tox).
pub const RELAY_DATA_BYTES: usize = 2031;

/// Longest data that a TCP relay passes to somebody who has not asked for us (Tox).
pub const BLIND_BYTES: usize = 1024;

/// Longest name (Tox: `TOX_MAX_NAME_LENGTH`).
pub const NAME_BYTES: usize = 128;

/// Longest status message (Tox: `TOX_MAX_STATUS_MESSAGE_LENGTH`).
pub const STATUS_MESSAGE_BYTES: usize = 1007;

/// Longest message or action (Tox: `TOX_MAX_MESSAGE_LENGTH`): data of a session packet beside its
/// id.
pub const MESSAGE_BYTES: usize = 1372;

/// Relays named in one packet to a friend (Tox): C takes no more.
pub const SHARED_RELAYS: usize = 3;

/// Longest name of a file (Tox: `TOX_MAX_FILENAME_LENGTH`).
pub const FILE_NAME_BYTES: usize = 255;

/// Longest piece of a file: data of a session packet beside id and number (Tox).
pub const FILE_PIECE_BYTES: usize = 1371;

/// Largest saved data: a few thousand friends take 10 MB, more is damage.
pub const STATE_BYTES: usize = 64 * 1024 * 1024;

/// DHT nodes read from saved data: C writes at most twice its close list and two searches.
pub const SAVED_NODES: usize = 2080;

/// TCP relays in saved data (Tox): C reads no more.
pub const SAVED_RELAYS: usize = 8;

/// Nodes for onion paths in saved data (Tox): C reads no more.
pub const SAVED_PATH_NODES: usize = 8;

/// Room for the text of an unanswered friend request in saved data (Tox).
pub const SAVED_REQUEST_BYTES: usize = 1024;

// The DHT.

/// Buckets of the close list (Tox): keys that have more leading bits in common with ours share the
/// last one.
pub const BUCKETS: usize = 128;

/// Nodes of a bucket (Tox).
pub const BUCKET_NODES: usize = 8;

/// Nodes near a key that is searched for (Tox).
pub const SEARCH_NODES: usize = 8;

/// Searches for random keys: they find nodes for the paths of the onion (Tox).
pub const RANDOM_SEARCHES: usize = 2;

/// Each node is asked so often (Tox): whoever is not asked for 122 s forgets us.
pub const NODE_ASKED: Duration = Duration::from_secs(60);

/// A node that has not answered for so long is not told to others (Tox): twice it was asked, twice
/// an answer was lost.
pub const NODE_BAD: Duration = Duration::from_secs(122);

/// A node that has not answered for so long is forgotten (Tox).
pub const NODE_FORGOTTEN: Duration = Duration::from_secs(182);

/// How long a node may take to answer (Tox).
pub const NODE_ANSWER_TIME: Duration = Duration::from_secs(5);

/// For so long a node is not asked the same again: the answer may be under way.
pub const NODE_ASK_AGAIN: Duration = Duration::from_millis(400);

/// Requests to nodes without an answer; the oldest is forgotten (Tox).
pub const NODE_REQUESTS: usize = 512;

/// Wait between a search's first questions to nodes chosen at random: the answer to one has come
/// before the next.
pub const FIRST_ASKS: Duration = Duration::from_millis(500);

/// How many such questions there are before they become seldom (Tox).
pub const FIRST_RANDOM_ASKS: u32 = 5;

/// Wait between later ones (Tox).
pub const RANDOM_ASKS: Duration = Duration::from_secs(20);

/// Newcomers pinged in one span (Tox).
pub const NEWCOMERS: usize = 32;

/// The span for newcomers (Tox).
pub const NEWCOMER_SPAN: Duration = Duration::from_secs(2);

/// Nodes to start from that are remembered.
pub const BOOTSTRAP_NODES: usize = 64;

/// First wait before the nodes to start from are asked again: a packet was lost.
pub const BOOTSTRAP_FIRST_WAIT: Duration = Duration::from_millis(500);

/// Longest wait before the nodes to start from are asked again: the network was away and may be
/// back.
pub const BOOTSTRAP_LONGEST_WAIT: Duration = Duration::from_secs(10);

/// Nodes over which a DHT request is sent: half of those near its receiver, one of which will know
/// it.
pub const ROUTES: usize = 4;

/// Packets of a DHT node that wait to be sent: what a full close list needs at once.
pub const NODE_TRANSMITS: usize = 2048;

/// Events of a DHT node that wait to be taken; further ones are lost, as packets are.
pub const NODE_EVENTS: usize = 1024;

// The onion.

/// How long a key seals where packets of others came from (Tox): whoever gets hold of it can follow
/// the paths of that time. The one before still opens.
pub const RETURN_KEY_TIME: Duration = Duration::from_secs(2 * 60 * 60);

/// Announcements that a node keeps for others (Tox).
pub const ANNOUNCEMENTS: usize = 160;

/// How long an announcement is kept (Tox).
pub const ANNOUNCEMENT_TIME: Duration = Duration::from_secs(300);

/// The windows that ping ids are counted in (Tox).
pub const PING_ID_TIME: Duration = Duration::from_secs(300);

/// Keys shared with senders of onion packets that are remembered: paths last for minutes.
pub const ONION_KEYS: usize = 1024;

/// Nodes where we are announced (Tox).
pub const ANNOUNCED_AT: usize = 12;

/// Nodes asked about a friend (Tox).
pub const SEARCHED_AT: usize = 8;

/// Nodes that an answer named and that wait to be asked: two answers of every node in the list.
pub const LOOKUP_CANDIDATES: usize = 32;

/// Paths for the own announcement, and as many for all searches (Tox). Never one for both.
pub const ONION_PATHS: usize = 6;

/// A path is not used for longer (Tox).
pub const PATH_TIME: Duration = Duration::from_secs(1200);

/// Packets without an answer after which a new path is given up (Tox).
pub const NEW_PATH_TRIES: u32 = 2;

/// But not before this time has passed: half of what C waits.
pub const NEW_PATH_WAIT: Duration = Duration::from_secs(2);

/// Packets without an answer after which a path is given up that answered before (Tox).
pub const PATH_TRIES: u32 = 4;

/// But not before this time has passed (Tox).
pub const PATH_WAIT: Duration = Duration::from_secs(10);

/// How long only paths are made that keep all rules, after the first node answered: others are about
/// to answer.
pub const PATH_PATIENCE: Duration = Duration::from_secs(5);

/// The same where all nodes are local, and answer at once.
pub const PATH_PATIENCE_LOCAL: Duration = Duration::from_millis(300);

/// Wait before a path is tried again for which there were too few nodes.
pub const PATH_AGAIN: Duration = Duration::from_millis(50);

/// Onion requests without an answer; the oldest is forgotten (Tox).
pub const ONION_REQUESTS: usize = 256;

/// How long an answer may take (Tox): eight steps, at each of which C waits.
pub const ONION_ANSWER_TIME: Duration = Duration::from_secs(10);

/// When a node that has not answered is asked again: three times a slow answer.
pub const ONION_ASK_AGAIN: Duration = Duration::from_millis(1500);

/// Requests without an answer after which a node is given up (Tox).
pub const ONION_NODE_TRIES: u32 = 3;

/// Nodes for paths that are remembered while there is no DHT (Tox).
pub const PATH_NODES: usize = 32;

/// Relays that onion packets go over.
pub const RELAYS: usize = 8;

/// Relays that a friend is told of with our DHT key (Tox).
pub const TOLD_RELAYS: usize = 2;

/// Onion packets are sent at this interval in the long run, for an identity: 20 a second.
pub const ONION_INTERVAL: Duration = Duration::from_millis(50);

/// Onion packets at once: what being announced and finding a friend takes.
pub const ONION_BURST: u32 = 60;

/// Nodes a lookup begins with.
pub const LOOKUP_START: usize = 4;

/// Wait before a lookup without nodes begins again.
pub const LOOKUP_EMPTY: Duration = Duration::from_secs(1);

/// The same when it has less than half of its nodes.
pub const LOOKUP_POOR: Duration = Duration::from_secs(10);

/// The same otherwise (Tox).
pub const LOOKUP_RICH: Duration = Duration::from_secs(600);

/// How long a node is not announced at while nearer ones are being asked.
pub const ANNOUNCE_SETTLE: Duration = Duration::from_millis(400);

/// Wait before a node is asked again that did not take the announcement (Tox).
pub const ANNOUNCE_REFUSED: Duration = Duration::from_secs(3);

/// An announcement is renewed after this time (Tox).
pub const ANNOUNCE_INTERVAL: Duration = Duration::from_secs(15);

/// The same once node and path have lasted for [`ANNOUNCE_STABLE`] (Tox): two may be lost.
pub const ANNOUNCE_STABLE_INTERVAL: Duration = Duration::from_secs(120);

/// See above (Tox).
pub const ANNOUNCE_STABLE: Duration = Duration::from_secs(90);

/// Nodes that have our announcement before we count as online, if so many are known.
pub const ANNOUNCED_LEAST: usize = 2;

/// The shortest wait before a node is asked about a friend again: a third of C's, as friends are
/// often started together.
pub const SEARCH_LEAST: Duration = Duration::from_secs(1);

/// The longest (Tox). Between them it is a quarter of the time that the search has taken, as the
/// specification has it.
pub const SEARCH_MOST: Duration = Duration::from_secs(3600);

/// When a friend is sent our DHT key, from the moment the friend was found. Packets get lost, and C
/// may have been about to restart its search.
pub const DHT_KEY_TIMES: [Duration; 6] = [
    Duration::ZERO,
    Duration::from_millis(300),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
];

/// Wait between later ones, through the onion (Tox).
pub const DHT_KEY_ONION: Duration = Duration::from_secs(30);

/// Wait between later ones, over DHT nodes (Tox).
pub const DHT_KEY_DHT: Duration = Duration::from_secs(20);

/// Nodes over which one DHT key goes through the onion.
pub const DHT_KEY_COPIES: usize = 4;

/// Nodes over which one friend request goes: each of them sees that there is one.
pub const REQUEST_COPIES: usize = 2;

/// When a friend request is sent, from the moment the friend was found (Tox: 5 s, doubling).
pub const REQUEST_TIMES: [Duration; 9] = [
    Duration::ZERO,
    Duration::from_secs(5),
    Duration::from_secs(15),
    Duration::from_secs(35),
    Duration::from_secs(75),
    Duration::from_secs(155),
    Duration::from_secs(315),
    Duration::from_secs(635),
    Duration::from_secs(1275),
];

/// Wait between later ones.
pub const REQUEST_AGAIN: Duration = Duration::from_secs(1800);

/// DHT keys of strangers that are kept: a friend who was accepted connects without another round.
pub const STRANGERS: usize = 64;

/// How long they are kept.
pub const STRANGER_TIME: Duration = Duration::from_secs(10);

/// How long it is remembered which of a friend's DHT keys was the last: older ones are replays.
pub const REPLAY_MEMORY: Duration = Duration::from_secs(600);

/// How long a relay may take to answer a client's hello (Tox).
pub const RELAY_CONNECT_TIME: Duration = Duration::from_secs(10);

/// How long a client of a relay may take from the connection to its first frame: two round trips
/// over Tor. C waits without bound and lets half-open connections push each other out.
pub const RELAY_HELLO_TIME: Duration = Duration::from_secs(4);

/// Wait between two pings on a connection to a relay (Tox).
pub const RELAY_PING: Duration = Duration::from_secs(30);

/// How long a ping may stay without an answer (Tox).
pub const RELAY_PING_ANSWER: Duration = Duration::from_secs(10);

/// Routes of one client (Tox): the numbers from 16 to 255.
pub const RELAY_ROUTES: usize = 240;

/// Packets other than data that wait for one connection: an answer for each route, and a notice.
pub const RELAY_CONTROL_PACKETS: usize = 1024;

/// Bytes of data that wait for one connection: 50 ms at 20 Mbit/s. More would only be late.
pub const RELAY_DATA_WAITING_BYTES: usize = 128 * 1024;

/// Bytes of data that wait for all connections of a relay together.
pub const RELAY_WAITING_BYTES: usize = 32 * 1024 * 1024;

/// Events of a client or relay that wait to be taken; further data is lost.
pub const RELAY_EVENTS: usize = 1024;

/// Connections of a relay: with full buffers of their own they take 40 MB.
pub const RELAY_CLIENTS: usize = 4096;

/// Connections from one network, a /24 or a /56, if it is no local one: half a thousand need 8.
pub const RELAY_CLIENTS_PER_NETWORK: usize = 64;

/// Connections without a first frame.
pub const RELAY_HALF_OPEN: usize = 512;

/// The same from one network.
pub const RELAY_HALF_OPEN_PER_NETWORK: usize = 16;

/// Relays of its own that a node is connected to (Tox).
pub const OWN_RELAYS: usize = 3;

/// Relays that a pool knows to choose its own from.
pub const POOL_RELAYS: usize = 64;

/// Connections of a pool: its own, and three for each of twenty friends who are nowhere else.
pub const POOL_CONNECTIONS: usize = 64;

/// Shortest wait before a relay is dialled again that could not be reached.
pub const RELAY_AGAIN_LEAST: Duration = Duration::from_secs(1);

/// The longest; it doubles.
pub const RELAY_AGAIN_MOST: Duration = Duration::from_secs(60);

/// Answers to onion packets of relay clients that wait to be taken.
pub const RELAY_ANSWERS: usize = 1024;

/// Friends of one identity that are searched for: more than anybody has, 4 KB each.
pub const FRIENDS: usize = 8192;

// Sessions.

/// How far a data packet may be ahead of the nonce it is counted from before that moves (Tox): two thirds of the 65 536
/// that two bytes can tell apart.
pub const NONCE_WINDOW: u16 = 43_690;

/// How far it moves then (Tox): packets overtaken by up to a third of all still open.
pub const NONCE_STEP: u16 = 21_845;

/// Cookie requests, and handshakes, sent before a peer counts as not there (Tox).
pub const HANDSHAKE_TRIES: u32 = 8;

/// Time between two of them (Tox).
pub const HANDSHAKE_INTERVAL: Duration = Duration::from_secs(1);

/// When a cookie request is sent the second time: a lost packet should cost little.
pub const COOKIE_FIRST_AGAIN: Duration = Duration::from_millis(300);

/// From the second to the third: together one second, as C's limit for all senders together bears.
pub const COOKIE_SECOND_AGAIN: Duration = Duration::from_millis(700);

/// How long after our handshake a repetition of the peer's brings another one of ours.
pub const HANDSHAKE_AGAIN_LEAST: Duration = Duration::from_millis(200);

/// Cookie responses that wait to be sent: the owner sends them after each datagram.
pub const REPLIES: usize = 64;

/// Packets of unknown keys opened in a second: a fifth of a core.
pub const STRANGERS_PER_SECOND: usize = 2000;

/// Packets of unknown keys opened in a second for one network, a /24 or a /56: nobody can spend the share of others.
pub const STRANGERS_PER_NETWORK: usize = 50;

/// Numbers that can be ahead of the next in order (Tox): the size of C's ring.
pub const WINDOW_PACKETS: usize = 32_768;

/// Numbers we have in use at once: 5.6 MB, what a way of 50 ms carries at 100 MB/s, and below what a peer keeps of us
/// ([`UNDELIVERED_BYTES`]).
pub const SENT_PACKETS: usize = 4096;

/// Bytes of one peer that are out of order or not taken. Further packets are dropped and come again later.
pub const UNDELIVERED_BYTES: usize = 8 * 1024 * 1024;

/// Bytes in order that are not taken before the ack stays behind and the sender slows down.
pub const READY_BYTES: usize = 1024 * 1024;

/// Urgent bytes that wait: control and small messages, never much.
pub const URGENT_BYTES: usize = 256 * 1024;

/// Bulk that waits, as time at the present rate: enough for the owner's next turn, little enough that what is decided
/// later is not late.
pub const BULK_MILLIS: u64 = 10;

/// Bulk that waits at least: the packets a session starts with.
pub const BULK_BYTES_LEAST: usize = 64 * DATA_BYTES;

/// Bulk that waits at most, at any rate.
pub const BULK_BYTES_MOST: usize = 1024 * 1024;

/// Bytes of a session packet beside its data: kind, nonce, MAC, two numbers, on average half the padding, headers
/// of UDP and IP.
pub const PACKET_OVERHEAD_BYTES: usize = 59;

/// How long a new ack may wait for others. A lone packet is acknowledged at once.
pub const ACK_INTERVAL: Duration = Duration::from_millis(5);

/// For how many packets it may wait.
pub const ACK_PACKETS: u32 = 32;

/// The same while data flows both ways: C drops packets with an older ack than one it has seen, so reordering would
/// be loss.
pub const ACK_INTERVAL_BOTH_WAYS: Duration = Duration::from_millis(20);

/// The same in packets.
pub const ACK_PACKETS_BOTH_WAYS: u32 = 64;

/// How long after a packet of ours data counts as flowing both ways.
pub const BOTH_WAYS: Duration = Duration::from_millis(100);

/// Time between two request packets, also on an idle session (Tox).
pub const REQUEST_INTERVAL: Duration = Duration::from_secs(1);

/// Time between two request packets while something is missing.
pub const HOLES_INTERVAL: Duration = Duration::from_millis(10);

/// The same while nothing comes, if a round trip is not longer.
pub const HOLES_AGAIN: Duration = Duration::from_millis(50);

/// Missing packets that one request packet lists beyond those listed before: C answers many at once by slowing down.
pub const HOLES_AT_ONCE: usize = 16;

/// Unlisted holes above which all are listed at once.
pub const HOLES_MANY: usize = 64;

/// Later packets that must have come before an earlier one counts as missing: the network changes the order of
/// neighbours.
pub const REORDERED_PACKETS: u64 = 3;

/// Time between two signs of life (Tox): a friend connection of C ends 32 s after the last.
pub const ALIVE_INTERVAL: Duration = Duration::from_secs(8);

/// Silence after which a new handshake of the same peer is believed: three times what an idle C lets pass.
pub const SILENCE_DOUBT: Duration = Duration::from_secs(3);

/// Silence after which a session is over: six times what an idle peer lets pass.
pub const SILENCE: Duration = Duration::from_secs(6);

/// How long the keys of an ended session are kept, to tell a peer that still sends: C believes in it for 32 s.
pub const FAREWELL: Duration = Duration::from_secs(60);

/// How often a peer is told that a session is over: packets get lost.
pub const KILLS: u32 = 3;

/// Time between two of them.
pub const KILL_INTERVAL: Duration = Duration::from_millis(100);

/// Packets a session begins with, and may always have on the way: what the network knows from C.
pub const START_PACKETS: u64 = 64;

/// They are spread over the round trip, but at least over this: a local peer needs a moment too.
pub const START_SPREAD_LEAST: Duration = Duration::from_millis(10);

/// And at most over this.
pub const START_SPREAD_MOST: Duration = Duration::from_millis(100);

/// A round trip before any was measured.
pub const ROUND_TRIP_GUESS: Duration = Duration::from_millis(100);

/// Packets that may leave at once: a sixth of the 184 that fit into a default socket buffer.
pub const BURST_PACKETS: u64 = 32;

/// Rounds whose largest rate counts as the bandwidth.
pub const BANDWIDTH_ROUNDS: usize = 10;

/// Bytes per second that are always tried: 4 packets, as C.
pub const LEAST_RATE: u64 = 4 * PACKET_BYTES as u64;

/// How long the least round trip is kept: longer than queues of our own making last.
pub const ROUND_TRIP_WINDOW: Duration = Duration::from_secs(10);

/// Bounds of the peer's wait between two acks: a local peer answers every few packets, ...
pub const FEEDBACK_LEAST: Duration = Duration::from_micros(500);

/// ... C at speed every 50 to 100 ms.
pub const FEEDBACK_MOST: Duration = Duration::from_millis(100);

/// The shortest round: what arrives in less is chance.
pub const ROUND_LEAST: Duration = Duration::from_millis(5);

/// Rounds that brought less than a quarter more, after which the start is over.
pub const POOR_ROUNDS: u32 = 3;

/// Rounds from one probe for more bandwidth to the next.
pub const PROBE_ROUNDS: u32 = 8;

/// Loss in a round above which the way is taken as full; below it is noise.
pub const LOSS_PERCENT: u64 = 2;

/// Lost packets in a round without which its share says nothing.
pub const LOSS_PACKETS_LEAST: usize = 12;

/// Added to every measured time before a packet counts as lost.
pub const JITTER: Duration = Duration::from_millis(1);

/// Silence before the last packet is sent again, at least.
pub const TAIL_LEAST: Duration = Duration::from_millis(20);

/// The same at most, as it doubles.
pub const TAIL_MOST: Duration = Duration::from_secs(1);

/// Packets after quiet that are sent once more without waiting for news: a small message should not wait a second for
/// a lost packet.
pub const SHORT_BURST: usize = 4;

/// How long that waits, if half a round trip is not longer.
pub const BURST_WAIT_LEAST: Duration = Duration::from_millis(10);

/// How long the rate of a session is remembered for the next with the same peer.
pub const RATE_MEMORY: Duration = Duration::from_secs(600);
