"""PyPI x402 buys from our resource server: argv[1] is the resource, argv[2] the wallet's key. Prints what came
of it as JSON."""

import asyncio
import json
import sys

import httpx
from eth_account import Account
from x402 import x402Client
from x402.http import x402HTTPClient
from x402.http.clients.httpx import x402HttpxClient
from x402.mechanisms.evm import EthAccountSigner
from x402.mechanisms.evm.exact import register_exact_evm_client


async def main():
    url, key = sys.argv[1], sys.argv[2]
    client = x402Client()
    register_exact_evm_client(client, EthAccountSigner(Account.from_key(key)))
    async with x402HttpxClient(client) as http:
        bought = await http.get(url)
        await bought.aread()
    settled = x402HTTPClient(client).get_payment_settle_response(lambda name: bought.headers.get(name))
    first = {"status": bought.status_code, "body": bought.text, "settled": settled.success}

    async def replays(named):
        """One payment, sent five times at once."""
        protocol = x402HTTPClient(client)
        async with httpx.AsyncClient() as http:
            asked = await http.get(url)
            required = protocol.get_payment_required_response(lambda name: asked.headers.get(name), asked.json())
            payment = await client.create_payment_payload(required)
            if named:
                info = {"required": False, "id": "payment-of-pypi-0001"}
                payment.extensions = {"payment-identifier": {"info": info}}
            headers = protocol.encode_payment_signature_header(payment)
            answers = await asyncio.gather(*(http.get(url, headers=headers) for _ in range(5)))
        return [{"status": answer.status_code, "body": answer.text} for answer in answers]

    print(json.dumps({"first": first, "named": await replays(True), "nameless": await replays(False)}))


asyncio.run(main())
