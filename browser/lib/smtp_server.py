"""A third-party SMTP server on loopback: keeps each mail as a JSON file in the folder given."""

import asyncio
import itertools
import json
import pathlib
import sys

from aiosmtpd.smtp import SMTP, AuthResult


class Keep:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.count = itertools.count()

    async def handle_DATA(self, server, session, envelope):
        mail = {
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "user": session.auth_data and session.auth_data.login.decode(),
            "raw": envelope.content.decode("utf-8", "replace"),
        }
        whole = self.folder / f"{next(self.count):04}.json"
        part = whole.with_suffix(".part")
        part.write_text(json.dumps(mail))
        part.rename(whole)
        return "250 2.0.0 kept"


def check(server, session, envelope, mechanism, data):
    good = data.login == b"alex@studio.example" and data.password == b"app-password-1"
    return AuthResult(success=good, handled=True, auth_data=data)


async def main(folder):
    loop = asyncio.get_running_loop()
    # One for all connections: it numbers the mails.
    keep = Keep(folder)
    make = lambda: SMTP(keep, authenticator=check, auth_required=True, auth_require_tls=False)
    server = await loop.create_server(make, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main(sys.argv[1]))
