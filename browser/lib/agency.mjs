// Starts a real `agency up` with a state folder of its own and stops it again.
import { spawn } from 'node:child_process';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export async function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

export class Agency {
  // The program: AGENCY_BIN, else the debug build.
  static async start(environment = {}) {
    const state = await mkdtemp(join(tmpdir(), 'aos-'));
    // Started by root, PostgreSQL runs as another user, who must reach its folder in here.
    await chmod(state, 0o711);
    const binary = process.env.AGENCY_BIN ?? new URL('../../target/debug/agency', import.meta.url).pathname;
    const env = {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      AGENCY_STATE: state,
      // Port 0 takes a free one; the program prints which.
      AGENCY__WEB__LISTEN: '127.0.0.1:0',
      AGENCY__SINK__SMTP: '127.0.0.1:0',
      AGENCY__SINK__LOOKUP: '127.0.0.1:0',
      ...environment,
    };
    const child = spawn(binary, ['up'], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    const agency = new Agency(child, state);
    await agency.ready();
    return agency;
  }

  constructor(child, state) {
    Object.assign(this, { child, state, url: null, log: '' });
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk) => {
        this.log = (this.log + chunk).slice(-20_000);
        this.url ??= /Agency OS is ready: (\S+)/.exec(this.log)?.[1] ?? null;
      });
    }
    this.ended = new Promise((resolve) => child.on('exit', (code, signal) => resolve({ code, signal })));
  }

  async ready() {
    const until = Date.now() + 90_000;
    while (Date.now() < until) {
      if (this.child.exitCode !== null) break;
      try {
        if (this.url && (await fetch(`${this.url}/health/ready`)).ok) return;
      } catch {
        // not listening yet
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error(`agency up did not get ready:\n${this.log}`);
  }

  async stop() {
    this.child.kill('SIGTERM');
    const timer = setTimeout(() => this.child.kill('SIGKILL'), 30_000);
    const ended = await this.ended;
    clearTimeout(timer);
    await rm(this.state, { recursive: true, force: true });
    return ended;
  }
}
