#!/usr/bin/python3
"""Test vectors of the Tox protocol, made with PyNaCl (libsodium) and nothing of this crate.

    apt-get install python3-nacl
    host/toxnet/tests/vectors/make.py

writes the text files beside this script anew; they are kept in the tree, and made of fixed keys and nonces, so they
change only when this script does. Each vector has a name in brackets, then fields in hex. `packet` is the packet
byte for byte, `mac` (decimal) is where its outermost MAC begins.
"""

import hashlib
import struct
from pathlib import Path

from nacl.bindings import crypto_box_afternm, crypto_box_beforenm, crypto_scalarmult_base, crypto_secretbox

HERE = Path(__file__).parent


def fixed(name, length=32):
    """Bytes that follow from a name."""
    return hashlib.shake_256(name.encode()).digest(length)


class Pair:
    def __init__(self, name):
        self.secret = fixed(name + " secret")
        self.public = crypto_scalarmult_base(self.secret)


def nonce(name):
    return fixed(name + " nonce", 24)


def shared(own, other):
    return crypto_box_beforenm(other.public, own.secret)


def box(key, its_nonce, content):
    """The MAC, then the ciphertext."""
    return crypto_box_afternm(content, its_nonce, key)


def secret_box(key, its_nonce, content):
    return crypto_secretbox(content, its_nonce, key)


class Page:
    def __init__(self, name, about):
        self.path = HERE / f"{name}.txt"
        self.lines = [f"# {about}", "# Made by make.py; do not edit."]

    def add(self, name, **fields):
        self.lines += ["", f"[{name}]"]
        for field, value in fields.items():
            self.lines.append(f"{field} = {value if isinstance(value, int) else value.hex()}")

    def write(self):
        self.path.write_text("\n".join(self.lines) + "\n")


ANNA, BEN, CARL = Pair("Anna DHT"), Pair("Ben DHT"), Pair("Carl DHT")
ANNA_REAL, BEN_REAL = Pair("Anna real"), Pair("Ben real")
NODES = {name: Pair("node " + name) for name in "ABCD"}

IPV4 = bytes([192, 0, 2, 33]), 33445
IPV6 = bytes.fromhex("20010db8000000000000000000000042"), 443


def packed_node(address, key, tcp=False):
    ip, port = address
    family = (2 if len(ip) == 4 else 10) + (128 if tcp else 0)
    return bytes([family]) + ip + struct.pack(">H", port) + key


def onion_address(address):
    ip, port = address
    return bytes([2 if len(ip) == 4 else 10]) + ip.ljust(16, b"\0") + struct.pack(">H", port)


def dht_packets():
    page = Page("dht", "Packets between DHT nodes, DHT requests, bootstrap info")
    key = shared(ANNA, BEN)
    base = dict(sender_secret=ANNA.secret, sender_public=ANNA.public, receiver_secret=BEN.secret,
                receiver_public=BEN.public)

    def dht(name, kind, content, **fields):
        n = nonce(name)
        packet = bytes([kind]) + ANNA.public + n + box(key, n, content)
        page.add(name, **base, nonce=n, **fields, mac=57, packet=packet)

    ping = fixed("ping id", 8)
    dht("ping_request", 0x00, b"\x00" + ping, id=ping)
    dht("ping_response", 0x01, b"\x01" + ping, id=ping)
    wanted = CARL.public
    dht("nodes_request", 0x02, wanted + ping, wanted=wanted, id=ping)
    four = packed_node(IPV4, NODES["A"].public)
    six = packed_node(IPV6, NODES["B"].public)
    for count, nodes in enumerate([b"", four, four + six, six * 3, six * 4]):
        dht(f"nodes_response_{count}", 0x04, bytes([count]) + nodes + ping, nodes=nodes, id=ping)
    echo = fixed("echo", 8)
    dht("cookie_request", 0x18, ANNA_REAL.public + bytes(32) + echo, real=ANNA_REAL.public, echo=echo)

    def request(name, plain, **fields):
        n = nonce(name)
        packet = b"\x20" + BEN.public + ANNA.public + n + box(key, n, plain)
        page.add(name, **base, nonce=n, **fields, mac=89, packet=packet)

    request("nat_ping_request", bytes([254, 0]) + ping, id=ping)
    request("nat_ping_response", bytes([254, 1]) + ping, id=ping)
    inner = nonce("inner DHT key")
    relay = packed_node(IPV4, NODES["C"].public, tcp=True)
    dht_key = bytes([156]) + struct.pack(">Q", 1_790_000_000) + ANNA.public + relay + six
    sealed = box(shared(ANNA_REAL, BEN_REAL), inner, dht_key)
    request("dht_key", bytes([156]) + ANNA_REAL.public + inner + sealed, sender_real_secret=ANNA_REAL.secret,
            receiver_real_secret=BEN_REAL.secret, inner_nonce=inner, content=dht_key)
    page.add("info_request", packet=b"\xf0" + bytes(77))
    page.add("info", version=struct.pack(">I", 2_026_113_000), text=b"a node of ours",
             packet=b"\xf0" + struct.pack(">I", 2_026_113_000) + b"a node of ours")
    page.write()


def session_packets():
    page = Page("session", "Cookies, handshakes, data packets, request bodies")
    cookie_key, n = fixed("cookie key"), nonce("cookie")
    made = 1_790_000_000
    content = struct.pack(">Q", made) + ANNA_REAL.public + ANNA.public
    cookie = n + secret_box(cookie_key, n, content)
    assert len(cookie) == 112
    page.add("cookie", key=cookie_key, nonce=n, made=struct.pack(">Q", made), real=ANNA_REAL.public, dht=ANNA.public,
             mac=24, packet=cookie)
    n, echo = nonce("cookie response"), fixed("echo", 8)
    packet = b"\x19" + n + box(shared(BEN, ANNA), n, cookie + echo)
    page.add("cookie_response", sender_secret=BEN.secret, receiver_public=ANNA.public, nonce=n, cookie=cookie, echo=echo,
             mac=25, packet=packet)
    n, base, session = nonce("handshake"), fixed("base nonce", 24), Pair("session")
    own_cookie = fixed("own cookie", 112)
    content = base + session.public + hashlib.sha512(cookie).digest() + own_cookie
    packet = b"\x1a" + cookie + n + box(shared(ANNA_REAL, BEN_REAL), n, content)
    assert len(packet) == 385
    page.add("handshake", sender_secret=ANNA_REAL.secret, receiver_public=BEN_REAL.public, nonce=n,
             receiver_cookie=cookie, base_nonce=base, session=session.public, cookie=own_cookie, mac=137, packet=packet)
    key = shared(session, Pair("other session"))
    for length in (1, 2, 8, 100, 1366, 1373):
        n = nonce(f"data {length}")
        data = b"\xa0" + fixed("data", length - 1)
        content = struct.pack(">II", 7, 4_294_967_295) + bytes((1373 - length) % 8) + data
        page.add(f"data_{length}", session_secret=session.secret, other_public=Pair("other session").public, nonce=n,
                 data=data, mac=3, packet=b"\x1b" + n[22:] + box(key, n, content))
    for name, ack, missing in [
        ("nothing", 5, []),
        ("one", 5, [5]),
        ("near", 5, [5, 6, 9, 200]),
        ("edge", 0, [254, 509, 765]),
        ("far", 4_294_967_290, [4_294_967_295, 0, 700, 2000]),
    ]:
        page.add(f"request_{name}", ack=struct.pack(">I", ack), missing=b"".join(struct.pack(">I", m) for m in missing),
                 packet=request_body(ack, missing))
    page.write()


def request_body(ack, missing):
    """By walking over all numbers, as the specification describes it."""
    body, count, number, left = b"\x01", 1, ack, set(missing)
    while left:
        if number in left:
            body += bytes([count])
            count = 0
            left.remove(number)
        elif count == 255:
            body += b"\0"
            count = 0
        count += 1
        number = (number + 1) % 2**32
    return body


def onion_packets():
    page = Page("onion", "A path there and back, announcements, data")
    one, two = Pair("first layer"), Pair("second layer")
    a, b, c, d = (NODES[name] for name in "ABCD")
    addresses = {"A": IPV4, "B": IPV6, "C": (bytes([198, 51, 100, 7]), 33446), "D": (bytes([203, 0, 113, 9]), 33447)}
    n = nonce("onion")
    ping_id, data_key, sendback = fixed("ping id"), Pair("Anna data"), fixed("sendback", 8)
    content = ping_id + BEN_REAL.public + data_key.public + sendback
    request_nonce = nonce("announce request")
    request = b"\x83" + request_nonce + ANNA_REAL.public + box(shared(ANNA_REAL, d), request_nonce, content)
    assert len(request) == 177
    page.add("announce_request", sender_secret=ANNA_REAL.secret, sender_public=ANNA_REAL.public, receiver_secret=d.secret,
             receiver_public=d.public, nonce=request_nonce, ping_id=ping_id, searched=BEN_REAL.public,
             data_key=data_key.public, sendback=sendback, mac=57, packet=request)

    layer_3 = box(shared(two, c), n, onion_address(addresses["D"]) + request)
    layer_2 = box(shared(one, b), n, onion_address(addresses["C"]) + two.public + layer_3)
    outer = onion_address(addresses["B"]) + one.public + layer_2
    initial = b"\x80" + n + ANNA.public + box(shared(ANNA, a), n, outer)
    own = {name: fixed("return key " + name) for name in "ABC"}
    client = bytes([203, 0, 113, 200]), 40000
    back, returns = b"", {}
    for name, previous in [("A", client), ("B", addresses["A"]), ("C", addresses["B"])]:
        rn = nonce("return " + name)
        back = rn + secret_box(own[name], rn, onion_address(previous) + back)
        returns[name] = back
    assert [len(returns[name]) for name in "ABC"] == [59, 118, 177]
    page.add("path", sender_secret=ANNA.secret, random=one.secret + two.secret, nonce=n, data=request,
             **{f"secret_{name.lower()}": NODES[name].secret for name in "ABC"},
             **{f"public_{name.lower()}": NODES[name].public for name in "ABC"},
             **{f"address_{name.lower()}": onion_address(addresses[name]) for name in "ABCD"},
             **{f"return_key_{name.lower()}": own[name] for name in "ABC"},
             **{f"return_nonce_{name.lower()}": nonce("return " + name) for name in "ABC"},
             client=onion_address(client), relay=n + outer,
             initial=initial,
             second=b"\x81" + n + one.public + layer_2 + returns["A"],
             third=b"\x82" + n + two.public + layer_3 + returns["B"],
             leaving=request + returns["C"])

    for name, stored in [("no", b"\0" + ping_id), ("other", b"\x01" + data_key.public), ("own", b"\x02" + ping_id)]:
        rn = nonce("announce response " + name)
        nodes = b"" if name == "own" else packed_node(IPV4, a.public) + packed_node(IPV6, b.public)
        response = b"\x84" + sendback + rn + box(shared(d, ANNA_REAL), rn, stored + nodes)
        page.add(f"announce_response_{name}", sender_secret=d.secret, receiver_public=ANNA_REAL.public, nonce=rn,
                 sendback=sendback, stored=stored, nodes=nodes, mac=33, packet=response)
    page.add("back", returned=returns["C"], response=response,
             **{f"return_key_{name.lower()}": own[name] for name in "ABC"},
             third=b"\x8c" + returns["C"] + response,
             second=b"\x8d" + returns["B"] + response,
             first=b"\x8e" + returns["A"] + response,
             **{f"address_{name.lower()}": onion_address(addresses[name]) for name in "AB"},
             client=onion_address(client))

    temporary, n = Pair("temporary"), nonce("data")
    for name, payload in [
        ("friend_request", b"\x20" + bytes([1, 2, 3, 4]) + "Grüße von Anna".encode()),
        ("friend_request_longest", b"\x20" + bytes([1, 2, 3, 4]) + b"x" * 943),
        ("dht_key", b"\x9c" + struct.pack(">Q", 1_790_000_001) + ANNA.public),
        ("dht_key_nodes", b"\x9c" + struct.pack(">Q", 1_790_000_002) + ANNA.public
         + packed_node(IPV6, c.public, tcp=True) + packed_node(IPV4, d.public)),
    ]:
        inner = ANNA_REAL.public + box(shared(ANNA_REAL, BEN_REAL), n, payload)
        outer = n + temporary.public + box(shared(temporary, data_key), n, inner)
        page.add(f"data_{name}", temporary_secret=temporary.secret, temporary_public=temporary.public,
                 data_secret=data_key.secret, data_public=data_key.public, sender_secret=ANNA_REAL.secret,
                 sender_public=ANNA_REAL.public, receiver_secret=BEN_REAL.secret, receiver_public=BEN_REAL.public,
                 nonce=n, payload=payload, mac=57, request=b"\x85" + BEN_REAL.public + outer,
                 packet=b"\x86" + outer)
    page.write()


def relay_packets():
    page = Page("relay", "Hellos, frames and packets of TCP relays")
    client, server = ANNA, NODES["A"]
    key = shared(client, server)
    temporary, other = Pair("client connection"), Pair("server connection")
    base, other_base = fixed("client base nonce", 24), fixed("server base nonce", 23) + b"\xff"
    n = nonce("client hello")
    hello = client.public + n + box(key, n, temporary.public + base)
    assert len(hello) == 128
    page.add("client_hello", client_secret=client.secret, client_public=client.public, server_public=server.public,
             nonce=n, temporary=temporary.public, base_nonce=base, mac=56, packet=hello)
    n = nonce("server hello")
    hello = n + box(key, n, other.public + other_base)
    assert len(hello) == 96
    page.add("server_hello", client_secret=client.secret, server_public=server.public, nonce=n,
             temporary=other.public, base_nonce=other_base, mac=24, packet=hello)
    frame_key = shared(temporary, other)
    ping = b"\x04" + fixed("relay ping", 8)
    number = int.from_bytes(other_base, "big")
    for index, content in enumerate([ping, b"\x10" + fixed("relay data", 100), b"\xff" + fixed("longest", 2031)]):
        n = ((number + index) % 2**192).to_bytes(24, "big")
        sealed = secret_box(frame_key, n, content)
        page.add(f"frame_{index}", own_secret=temporary.secret, other_public=other.public, nonce=n, content=content,
                 mac=2, packet=struct.pack(">H", len(sealed)) + sealed)
    for name, content in [
        ("route_request", b"\x00" + BEN.public),
        ("route_response", b"\x01\x10" + BEN.public),
        ("route_refused", b"\x01\x00" + BEN.public),
        ("connected", b"\x02\x10"),
        ("disconnected", b"\x03\xff"),
        ("ping", ping),
        ("pong", b"\x05" + ping[1:]),
        ("send_blind", b"\x06" + BEN.public + fixed("blind", 1024)),
        ("came_blind", b"\x07" + ANNA.public + b"x"),
        ("onion", b"\x08" + fixed("onion", 300)),
        ("onion_answer", b"\x09" + fixed("answer", 82)),
        ("data", b"\x10" + fixed("relay data", 100)),
    ]:
        page.add(name, packet=content)
    page.write()


def friend_packets():
    page = Page("friend", "What friends send each other in a session, and Tox IDs")
    relays = packed_node(IPV4, NODES["A"].public, tcp=True) + packed_node(IPV6, NODES["B"].public, tcp=True)
    file_id = fixed("file id")
    for name, data in [
        ("alive", b"\x10"),
        ("share_relays", b"\x11" + relays),
        ("request", b"\x12" + bytes([1, 2, 3, 4]) + b"Hello"),
        ("online", b"\x18"),
        ("offline", b"\x19"),
        ("name", b"\x30" + "Zoë".encode()),
        ("no_name", b"\x30"),
        ("status_message", b"\x31" + b"s" * 1007),
        ("status", b"\x32\x02"),
        ("typing", b"\x33\x01"),
        ("message", b"\x40" + b"m" * 1372),
        ("action", b"\x41waves"),
        ("file_offer", b"\x50\x07" + struct.pack(">IQ", 1, 2**40) + file_id + b"photo.png"),
        ("file_accept", b"\x51\x01\x07\x00"),
        ("file_pause", b"\x51\x00\x07\x01"),
        ("file_kill", b"\x51\x01\x07\x02"),
        ("file_seek", b"\x51\x01\x07\x03" + struct.pack(">Q", 4096)),
        ("file_piece", b"\x52\x07" + b"p" * 1371),
        ("custom", b"\xa0" + b"c" * 1372),
    ]:
        page.add(name, packet=data)
    nospam = fixed("nospam", 4)
    checksum = bytes(2)
    for i in range(0, 36, 2):
        pair = (ANNA_REAL.public + nospam)[i:i + 2]
        checksum = bytes(x ^ y for x, y in zip(checksum, pair))
    page.add("tox_id", key=ANNA_REAL.public, nospam=nospam, packet=ANNA_REAL.public + nospam + checksum)
    page.write()


def section(kind, content, magic=0x01CE):
    return struct.pack("<IHH", len(content), kind, magic) + content


def text(content, room, gap):
    return content.ljust(room, b"\0") + bytes(gap) + struct.pack(">H", len(content))


def saved_data():
    page = Page("state", "Saved data, plain and encrypted")
    nospam = fixed("nospam", 4)
    nodes = packed_node(IPV4, NODES["A"].public) + packed_node(IPV6, NODES["B"].public)
    confirmed = (b"\x03" + BEN_REAL.public + text(b"", 1024, 1) + text(b"Ben", 128, 0) + text(b"at home", 1007, 1)
                 + b"\x01" + bytes(3) + bytes(4) + struct.pack(">Q", 1_790_000_000))
    requested = (b"\x02" + CARL.public + text(b"It is Anna", 1024, 1) + text(b"", 128, 0) + text(b"", 1007, 1)
                 + b"\0" + bytes(3) + bytes([9, 8, 7, 6]) + bytes(8))
    assert len(confirmed) == len(requested) == 2216
    relay = packed_node(IPV4, NODES["C"].public, tcp=True)
    path_node = packed_node(IPV6, NODES["D"].public)
    state = bytes(4) + struct.pack("<I", 0x15ED1B1F) + b"".join([
        section(1, nospam + ANNA_REAL.public + ANNA_REAL.secret),
        section(2, struct.pack("<I", 0x0159000D) + section(4, nodes, 0x11CE)),
        section(3, confirmed + requested),
        section(4, b"Anna"),
        section(5, b"writing"),
        section(6, b"\x02"),
        section(10, relay),
        section(11, path_node),
        section(20, b"conferences"),
        section(255, b""),
    ])
    page.add("state", nospam=nospam, secret=ANNA_REAL.secret, nodes=nodes, friend=BEN_REAL.public, asked=CARL.public,
             relay=relay, path_node=path_node, packet=state)
    salt, n, password = fixed("salt"), nonce("toxEsave"), "Geheimnis für Anna".encode()
    key = hashlib.scrypt(hashlib.sha256(password).digest(), salt=salt, n=2**14, r=8, p=2, dklen=32, maxmem=2**26)
    content = b"anything at all"
    page.add("encrypted", password=password, salt=salt, nonce=n, content=content, mac=64,
             packet=b"toxEsave" + salt + n + secret_box(key, n, content))
    page.write()


for make in (dht_packets, session_packets, onion_packets, relay_packets, friend_packets, saved_data):
    make()
