"""Checks and makes signed requests with PyPI's http-message-signatures.

request.py verify FILE   verifies the request of the file, prints its parameters
request.py sign FILE     signs the request of the file, prints the headers
"""

import base64
import datetime
import json
import sys

from http_message_signatures import HTTPMessageSigner, HTTPMessageVerifier, HTTPSignatureKeyResolver, algorithms


class Message:
    def __init__(self, given):
        self.method, self.url, self.headers = given["method"], given["url"], given["headers"]


class Keys(HTTPSignatureKeyResolver):
    def __init__(self, given):
        self.given = given

    def resolve_public_key(self, key_id):
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        return Ed25519PublicKey.from_public_bytes(base64.b64decode(self.given["public"]))

    def resolve_private_key(self, key_id):
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        return Ed25519PrivateKey.from_private_bytes(base64.b64decode(self.given["seed"]))


given = json.load(open(sys.argv[2], encoding="utf-8"))
message, keys = Message(given), Keys(given)
if sys.argv[1] == "verify":
    verifier = HTTPMessageVerifier(signature_algorithm=algorithms.ED25519, key_resolver=keys)
    results = verifier.verify(message, max_age=None, body=given["body"].encode())
    print(json.dumps([result.parameters["nonce"] for result in results]))
else:
    at = datetime.datetime.fromtimestamp(given["created"], datetime.timezone.utc)
    HTTPMessageSigner(signature_algorithm=algorithms.ED25519, key_resolver=keys).sign(
        message,
        key_id=given["key_id"],
        created=at,
        expires=at + datetime.timedelta(seconds=120),
        nonce="from-python",
        tag="agency-pay",
        covered_component_ids=("@method", "@authority", "@path", "@query", "content-digest"),
        body=given["body"].encode(),
        use_existing_digest=True,
    )
    print(json.dumps(dict(message.headers)))
