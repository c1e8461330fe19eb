"""PyPI x402 buys from the twin's shop: argv[1] is the twin's address, argv[2] the wallet's key."""

import asyncio
import sys

from eth_account import Account
from x402 import x402Client
from x402.http.clients.httpx import x402HttpxClient
from x402.mechanisms.evm import EthAccountSigner
from x402.mechanisms.evm.exact import register_exact_evm_client


async def main():
    client = x402Client()
    register_exact_evm_client(client, EthAccountSigner(Account.from_key(sys.argv[2])))
    async with x402HttpxClient(client) as http:
        response = await http.get(sys.argv[1] + "/shop/report")
        await response.aread()
        print(response.status_code, response.text, response.headers.get("payment-response", "-"))


asyncio.run(main())
