// Mail servers of other makers on loopback: aiosmtpd (Python) and Debian's dovecot.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { chmod, chown, mkdir, mkdtemp, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from './agency.mjs';
import { until } from './steps.mjs';

export const user = 'alex@studio.example';
export const password = 'app-password-1';
const python = process.env.AGENCY_TEST_PYTHON ?? 'python3';

// Why these servers cannot run here; nothing when they can.
export function missing() {
  if (process.getuid() !== 0) return 'dovecot must be started by root';
  if (spawnSync('dovecot', ['--version']).status !== 0) return 'dovecot is not installed (Debian: dovecot-imapd)';
  if (spawnSync(python, ['-c', 'import aiosmtpd']).status !== 0) return `${python} has no aiosmtpd`;
  return null;
}

export async function smtp() {
  const folder = await mkdtemp(join(tmpdir(), 'aos-smtp-'));
  const child = spawn(python, [fileURLToPath(new URL('smtp_server.py', import.meta.url)), folder], { stdio: ['ignore', 'pipe', 'inherit'] });
  const port = await new Promise((resolve, reject) => {
    child.stdout.once('data', (line) => resolve(Number(line)));
    child.once('exit', (code) => reject(new Error(`the SMTP server ended with ${code}`)));
  });
  return {
    port,
    async mails() {
      const names = (await readdir(folder)).filter((name) => name.endsWith('.json')).sort();
      return Promise.all(names.map(async (name) => JSON.parse(await readFile(join(folder, name), 'utf8'))));
    },
    async stop() {
      child.kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

const nobody = { id: 65534, name: 'nobody' };

export async function imap() {
  const folder = await mkdtemp(join(tmpdir(), 'aos-imap-'));
  await chmod(folder, 0o755);
  const mailbox = join(folder, 'mail');
  for (const part of ['', 'cur', 'new', 'tmp']) {
    await mkdir(join(mailbox, part), { recursive: true });
    await chown(join(mailbox, part), nobody.id, nobody.id);
  }
  const port = await freePort();
  const config = join(folder, 'dovecot.conf');
  await writeFile(config, `
base_dir = ${folder}/run
state_dir = ${folder}/run
log_path = ${folder}/log
protocols = imap
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
first_valid_uid = 1
mail_location = maildir:${mailbox}
passdb {
  driver = static
  args = password=${password}
}
userdb {
  driver = static
  args = uid=${nobody.id} gid=${nobody.id} home=${folder}
}
service imap-login {
  inet_listener imap {
    port = ${port}
  }
  inet_listener imaps {
    port = 0
  }
}
`);
  const child = spawn('dovecot', ['-F', '-c', config], { stdio: 'inherit' });
  await until('dovecot listens', () => {
    try {
      execFileSync('bash', ['-c', `exec 3<>/dev/tcp/127.0.0.1/${port} && head -1 <&3 | grep -q OK`], { stdio: 'ignore' });
      return true;
    } catch {
      if (child.exitCode !== null) throw new Error('dovecot ended');
      return false;
    }
  }, 15);
  let count = 0;
  return {
    port,
    // As a delivery agent does: written beside, then moved in.
    async deliver(raw) {
      count += 1;
      const name = `${Date.now()}.${count}.here`;
      await writeFile(join(mailbox, 'tmp', name), raw.replace(/\r?\n/g, '\r\n'));
      await chown(join(mailbox, 'tmp', name), nobody.id, nobody.id);
      await rename(join(mailbox, 'tmp', name), join(mailbox, 'new', name));
    },
    log: () => readFile(join(folder, 'log'), 'utf8').catch(() => ''),
    async stop() {
      child.kill();
      await new Promise((resolve) => (child.exitCode === null ? child.once('exit', resolve) : resolve()));
      await rm(folder, { recursive: true, force: true });
    },
  };
}
