"""Verifies a root token with PyPI's sd-jwt and prints its claims: root.py TOKEN_FILE JWK_FILE."""

import json
import sys

from jwcrypto.jwk import JWK
from sd_jwt.verifier import SDJWTVerifier

token, key = (open(path, encoding="utf-8").read() for path in sys.argv[1:3])
verifier = SDJWTVerifier(token, lambda issuer, header: JWK.from_json(key))
print(json.dumps(verifier.get_verified_payload()))
