#!/usr/bin/env python3
"""Checks vectors.json against libsodium (PyNaCl), hashlib, and a ristretto255 of its own.

Independent of the Rust code: everything is computed here from the inputs in the file and the text of
../PROTOCOL.md. Run: python3 vectors.py vectors.json (needs PyNaCl: python3-nacl on Debian, or pip install pynacl).
Prints one line per value and exits 1 at the first that differs.
"""

import hashlib
import json
import struct
import sys

from nacl import bindings


def blake2b(*parts, key=b""):
    return hashlib.blake2b(b"".join(parts), digest_size=32, key=key).digest()


def public(secret):
    return bindings.crypto_scalarmult_base(secret)


# Ristretto255 (RFC 9496) with RFC 9497's VOPRF on top.

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
I = pow(2, (P - 1) // 4, P)


def is_negative(x):
    return x % P & 1


def absolute(x):
    return -x % P if is_negative(x) else x % P


def sqrt_ratio(u, v):
    r = u * pow(v, 3, P) * pow(u * pow(v, 7, P), (P - 5) // 8, P) % P
    check = v * r * r % P
    if check == -u % P or check == -u * I % P:
        r = r * I % P
    return check in (u % P, -u % P), absolute(r)


# RFC 9496 section 4.1 fixes the sign of this root.
SQRT_AD_MINUS_ONE = 25063068953384623474111414158702152701244531502492656460079210482610430750235
INVSQRT_A_MINUS_D = 54469307008909316920995813868745141605393597292927456921205312896311721017578


def add(p, q):
    x1, y1, z1, t1 = p
    x2, y2, z2, t2 = q
    a, b = (y1 - x1) * (y2 - x2), (y1 + x1) * (y2 + x2)
    c, d = 2 * t1 * t2 * D, 2 * z1 * z2
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def multiply(n, p):
    result = (0, 1, 1, 0)
    while n:
        if n & 1:
            result = add(result, p)
        p = add(p, p)
        n >>= 1
    return result


def encode(p):
    x0, y0, z0, t0 = p
    u1, u2 = (z0 + y0) * (z0 - y0) % P, x0 * y0 % P
    _, inverse = sqrt_ratio(1, u1 * u2 * u2 % P)
    den1, den2 = inverse * u1 % P, inverse * u2 % P
    z = den1 * den2 * t0 % P
    if is_negative(t0 * z):
        x, y, den = y0 * I % P, x0 * I % P, den1 * INVSQRT_A_MINUS_D % P
    else:
        x, y, den = x0, y0, den2
    if is_negative(x * z):
        y = -y % P
    return absolute(den * (z0 - y)).to_bytes(32, "little")


def elligator(t):
    r = I * t * t % P
    u = (r + 1) * (1 - D * D) % P
    v = (-1 - r * D) * (r + D) % P
    square, s = sqrt_ratio(u, v)
    c = P - 1
    if not square:
        s, c = -absolute(s * t) % P, r
    n = (c * (r - 1) * (D - 1) ** 2 - v) % P
    w0, w1, w2, w3 = 2 * s * v % P, n * SQRT_AD_MINUS_ONE % P, (1 - s * s) % P, (1 + s * s) % P
    return w0 * w3 % P, w2 * w1 % P, w1 * w3 % P, w0 * w2 % P


def from_uniform(data):
    half = lambda part: elligator(int.from_bytes(part, "little") & (2**255 - 1))
    return add(half(data[:32]), half(data[32:]))


def expand(message, dst, length=64):
    dst += bytes([len(dst)])
    b0 = hashlib.sha512(bytes(128) + message + struct.pack(">H", length) + b"\0" + dst).digest()
    return hashlib.sha512(b0 + b"\1" + dst).digest()[:length]


CONTEXT = b"OPRFV1-\x01-ristretto255-SHA512"
BASE_Y = 4 * pow(5, P - 2, P) % P
BASE_X = sqrt_ratio(BASE_Y * BASE_Y - 1, D * BASE_Y * BASE_Y + 1)[1]
BASE = (BASE_X, BASE_Y, 1, BASE_X * BASE_Y % P)


def derive_key(seed, info):
    prefix = seed + struct.pack(">H", len(info)) + info
    for counter in range(256):
        scalar = expand(prefix + bytes([counter]), b"DeriveKeyPair" + CONTEXT)
        key = int.from_bytes(scalar, "little") % L
        if key:
            return key
    raise ValueError("no key")


def evaluate(key, data):
    element = from_uniform(expand(data, b"HashToGroup-" + CONTEXT))
    issued = encode(multiply(key, element))
    prefixed = lambda part: struct.pack(">H", len(part)) + part
    return hashlib.sha512(prefixed(data) + prefixed(issued) + b"Finalize").digest()


# The values of the protocol.


def tox_id(key, nospam):
    data = key + nospam
    checksum = bytearray(2)
    for position, byte in enumerate(data):
        checksum[position % 2] ^= byte
    return data + bytes(checksum)


def cell(v):
    e, recipient, sender = v["e"], v["m"], v["sender_secret"]
    board, point, mailbox, s = v["board"], public(v["e"]), public(v["m"]), public(v["sender_secret"])
    shared = bindings.crypto_scalarmult(e, mailbox)
    assert shared == bindings.crypto_scalarmult(recipient, point)
    derived = lambda label: blake2b(b"toxmail drop 1", label, board, point, mailbox, key=shared)
    inside = b"toxmail box 1" + s + mailbox + point + board + v["mail_id"]
    inside += bytes([v["index"], v["count"]]) + v["digest"]
    inside += struct.pack("<H", len(v["chunk"])) + v["chunk"]
    inside = inside.ljust(16111, b"\0")
    boxed = bindings.crypto_box(inside, v["nonce"], mailbox, sender)
    plain = b"\1" + s + v["nonce"] + boxed
    sealed = bindings.crypto_secretbox(plain, bytes(24), derived(b"cell"))
    view = derived(b"view")[:8]
    whole = point + view + sealed
    assert len(whole) == 16240
    return {
        "E": point,
        "M": mailbox,
        "S": s,
        "shared": shared,
        "k_view": derived(b"view"),
        "k_cell": derived(b"cell"),
        "view": view,
        "cell": whole,
        "name": blake2b(point),
        "cell_digest": blake2b(whole),
    }


def parcel(v):
    encoded = bytes([1]) + struct.pack("<H", len(v["record"])) + v["record"] + v["content"]
    return {"parcel": encoded, "parcel_digest": blake2b(encoded)}


def record(v):
    data = b"\1" + struct.pack("<Q", v["made"]) + tox_id(v["owner"], v["nospam"]) + b"\2"
    for period, key in ((v["period"], v["key"]), (v["period"] + 1, v["next_key"])):
        data += struct.pack("<I", period) + key
    data += b"\1" + v["board"] + b"\1\0" + struct.pack("<I", v["period"]) + v["random"] + v["output"]
    return {"record": data, "record_with_owner": b"\2" + data[1:] + b"\1\0" + v["mark"]}


def stamp(v):
    challenge = b"toxmail stamp 1" + v["board"] + v["E"] + bytes([v["ttl_class"]])
    challenge += struct.pack("<I", v["day"]) + v["segment_hash"]
    for nonce in range(1 << 24):
        found = blake2b(challenge, struct.pack("<Q", nonce))
        if int.from_bytes(found, "big") >> (256 - v["bits"]) == 0:
            return {"stamp_nonce": nonce, "stamp_hash": found}
    raise ValueError("no stamp")


def segment(v):
    entries = sorted(zip(v["names"], v["ttl_classes"], v["digests"]))
    result = {}
    for edition in range(4):
        left = [entry for entry in entries if entry[1] >= edition]
        data = b"toxmail segment 1" + v["board"] + struct.pack("<IBH", v["number"], edition, len(left))
        for name, ttl, digest in left:
            data += name + bytes([ttl]) + digest
        result[f"edition_{edition}"] = blake2b(data)
    return result


def token(v):
    key = derive_key(v["seed"], b"")
    data = blake2b(b"toxmail token 1", v["board"], struct.pack("<I", v["period"]), v["random"])
    return {
        "issuing_secret": key.to_bytes(32, "little"),
        "issuing_key": encode(multiply(key, BASE)),
        "token_input": data,
        "token_output": evaluate(key, data),
    }


def board(v):
    nospam = blake2b(b"toxmail board", v["board"])[:4]
    return {"nospam": nospam, "tox_id": tox_id(v["board"], nospam)}


CHECKS = {"cell": cell, "parcel": parcel, "record": record, "stamp": stamp, "segment": segment,
          "token": token, "board": board}


def from_json(value):
    if isinstance(value, str):
        return bytes.fromhex(value)
    if isinstance(value, list):
        return [from_json(item) for item in value]
    return value


def main(path):
    # RFC 9497 appendix A.1.2: the key of all its VOPRF vectors, so that this file checks itself too.
    known = derive_key(bytes.fromhex("a3" * 32), b"test key").to_bytes(32, "little").hex()
    assert known == "e6f73f344b79b379f1a0dd37e07ff62e38d9f71345ce62ae3a9bc60b04ccd909", known
    with open(path, encoding="utf-8") as file:
        vectors = json.load(file)
    if set(vectors) != set(CHECKS):
        sys.exit(f"vectors for {sorted(vectors)}, checks for {sorted(CHECKS)}")
    count = 0
    for name, check in CHECKS.items():
        inputs = {key: from_json(value) for key, value in vectors[name]["in"].items()}
        expected = {key: from_json(value) for key, value in vectors[name]["out"].items()}
        found = check(inputs)
        if set(found) != set(expected):
            sys.exit(f"{name}: has {sorted(expected)}, checked are {sorted(found)}")
        for key, value in found.items():
            if value != expected[key]:
                sys.exit(f"{name}.{key} differs")
            count += 1
            print(f"{name}.{key} agrees")
    print(f"{count} values agree")


if __name__ == "__main__":
    main(sys.argv[1])
