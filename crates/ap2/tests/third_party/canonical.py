"""Prints the SHA-256 of each object of a JSON list in RFC 8785's form, by PyPI's rfc8785."""

import hashlib
import json
import sys

import rfc8785

for value in json.load(open(sys.argv[1], encoding="utf-8")):
    print(hashlib.sha256(rfc8785.dumps(value)).hexdigest())
