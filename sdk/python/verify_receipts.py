#!/usr/bin/env python3
"""Checks a chain of receipts without trusting whoever keeps it.

verify_receipts.py receipts.json checkpoint.json jwks.json: the receipts from the first one on, a
signed checkpoint (keep old ones: only they show that an end was cut off), the keys that you trust."""
import base64, hashlib, json, sys
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def once(pairs):
    if len(dict(pairs)) != len(pairs):
        raise ValueError("a name stands twice")
    return dict(pairs)


def canonical(flat):  # RFC 8785 for objects of texts and whole numbers
    for name, value in flat.items():
        if type(value) not in (str, int) or (type(value) is int and abs(value) >= 2**53):
            raise ValueError(f"{name} is neither a text nor a whole number below 2^53")
    ordered = dict(sorted(flat.items(), key=lambda member: member[0].encode("utf-16-be")))
    return json.dumps(ordered, ensure_ascii=False, separators=(",", ":")).encode()


def bytes_of(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def signed(keys, kid, purpose, digest, signature):
    try:
        keys[kid].verify(bytes_of(signature), purpose + b"\0" + digest)
    except (KeyError, ValueError, InvalidSignature):
        raise ValueError("it was not signed by a known key") from None


def check(receipts, point, jwks):
    ed25519 = [key for key in jwks["keys"] if key["crv"] == "Ed25519"]
    keys = {key["kid"]: Ed25519PublicKey.from_public_bytes(bytes_of(key["x"])) for key in ed25519}
    position, heads = len(receipts), [bytes(32)]
    try:
        stated = canonical({name: point[name] for name in ("tenant", "size", "head", "at")})
        signed(keys, point["kid"], b"agency checkpoint", hashlib.sha256(stated).digest(), point["signature"])
        for position, entry in enumerate(receipts):
            receipt = entry["receipt"]
            if (receipt.get("tenant"), receipt.get("seq")) != (point["tenant"], position + 1):
                raise ValueError("it belongs to another tenant, or is not the next one")
            heads.append(hashlib.sha256(heads[-1] + canonical(receipt)).digest())
            if [entry["prev_hash"], entry["curr_hash"]] != [head.hex() for head in heads[-2:]]:
                raise ValueError("it is not what was hashed behind the one before")
            signed(keys, entry["kid"], b"agency receipt", heads[-1], entry["signature"])
        position = min(point["size"] - 1, len(receipts)) if point["size"] else 0
        if len(receipts) < point["size"] or heads[point["size"]].hex() != point["head"]:
            raise ValueError(f"the chain is not the one of {point['size']} receipts that was there at {point['at']}")
    except (ValueError, KeyError, TypeError, AttributeError) as why:
        return f"receipt at position {position}: {why}"


if __name__ == "__main__":
    files = (json.load(open(path, encoding="utf-8"), object_pairs_hook=once) for path in sys.argv[1:4])
    sys.exit(check(*files) or print("every receipt is sound"))
