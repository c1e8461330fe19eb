// An owner lets a server of their own be told: adds an endpoint, tries it, sees a real event arrive signed,
// sees a failure with its answer, delivers it again; every page in both themes and on a phone.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { createServer } from 'node:http';
import { after, before } from 'node:test';
import { Agency } from '../lib/agency.mjs';
import { launch, page } from '../lib/browser.mjs';
import { chapters } from '../lib/chapters.mjs';
import { fine } from '../lib/looks.mjs';
import { field, onboard, open, press, signUp, text, until } from '../lib/steps.mjs';

let agency, browser, tab, receiver, secret, endpoint, delivery;
const came = [];
let answer = [204, ''];
const log = () => tab.getByRole('table', { name: 'Deliveries' });
const test = chapters(() => ({ agency, tab }));

before(async () => {
  receiver = createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks).toString();
    came.push({ headers: request.headers, body, event: JSON.parse(body) });
    response.writeHead(answer[0]).end(answer[1]);
  });
  await new Promise((done) => receiver.listen(0, '127.0.0.1', done));
  [agency, browser] = await Promise.all([Agency.start({ AGENCY__OUTSIDE__ALLOW_LOOPBACK: 'true' }), launch()]);
  tab = await page(browser);
  await signUp(tab, agency.url);
  await onboard(tab);
});

after(async () => {
  receiver?.close();
  receiver?.closeAllConnections();
  await browser?.close();
  await agency?.stop();
});

// As Standard Webhooks says, with nothing but Node.
function isOurs({ headers, body }) {
  const key = Buffer.from(secret.replace('whsec_', ''), 'base64');
  const signed = createHmac('sha256', key).update(`${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`).digest('base64');
  const plain = Buffer.from(signed, 'base64').toString('hex');
  return headers['webhook-signature'].split(' ').includes(`v1,${signed}`)
    && headers['x-agency-os-signature'].split(' ').includes(plain);
}

test('a private address is refused with the reason, and what was typed stays', async () => {
  await open(tab, '/settings');
  await press(tab, 'Webhooks');
  assert.match(await text(tab), /No endpoints/);
  await tab.locator('main').getByRole('link', { name: 'Add an endpoint' }).first().click();
  await tab.waitForURL(/\/settings\/webhooks\/new/);
  await field(tab, 'Address').fill('https://10.0.0.8/hook');
  await field(tab, 'Events').fill('lead.*');
  await tab.locator('main').getByRole('button', { name: 'Add endpoint' }).click();
  await until('the reason', async () => /leads to this machine or a private network/.test(await text(tab)));
  assert.equal(await field(tab, 'Address').inputValue(), 'https://10.0.0.8/hook');
});

test('an endpoint is added and its secret shown once', async () => {
  await field(tab, 'Address').fill(`http://127.0.0.1:${receiver.address().port}/hook`);
  await field(tab, 'What it is for').fill('Our books');
  await press(tab, 'Add endpoint');
  secret = /whsec_[A-Za-z0-9+/=]+/.exec(await text(tab))?.[0];
  assert.ok(secret, 'the secret is on the page');
  await open(tab, '/settings/webhooks');
  const link = tab.locator('main table a').first();
  assert.match(await text(tab), /Our books/);
  endpoint = await link.getAttribute('href');
  await open(tab, endpoint);
  assert.doesNotMatch(await text(tab), /whsec_/);
});

test('a test event arrives, signed, and the log shows it without a reload', async () => {
  await press(tab, 'Send a test event');
  await until('the call', () => came.length === 1);
  assert.equal(came[0].event.type, 'webhook.test');
  assert.ok(isOurs(came[0]));
  await until('the log', async () => /Delivered/.test(await log().innerText()), 15);
  assert.match(await log().innerText(), /204/);
});

test('what really happens arrives by itself', async () => {
  await open(tab, '/leads/new');
  await field(tab, 'E-mail').fill('mara@harbour.example');
  await tab.locator('main form button[type=submit]').last().click();
  await until('the event', () => came.some((one) => one.event.type === 'lead.created'), 20);
  const one = came.find((call) => call.event.type === 'lead.created');
  assert.ok(isOurs(one));
  assert.equal(one.headers['webhook-id'], one.event.id);
  assert.deepEqual(Object.keys(one.event.data).sort(), ['domain', 'source']);
  assert.doesNotMatch(one.body, /mara/);
});

test('a failure is shown with its answer, and delivered again under the same id', async () => {
  answer = [503, 'the <b>disk</b> is full'];
  await open(tab, endpoint);
  const before = came.length;
  await press(tab, 'Send a test event');
  await until('the call', () => came.length > before);
  await until('the failure', async () => /It answered 503/.test(await text(tab)), 15);
  answer = [204, ''];
  delivery = await log().locator('a').first().getAttribute('href');
  await open(tab, delivery);
  assert.match(await text(tab), /the <b>disk<\/b> is full/);
  const failed = came[before].headers['webhook-id'];
  assert.match(await text(tab), /Next try/);
  await press(tab, /^Try now/);
  await until('it is tried again', () => came.length > before + 1);
  assert.equal(came[before + 1].headers['webhook-id'], failed);
  await until('delivered', async () => {
    await open(tab, delivery);
    return /Delivered/.test(await text(tab));
  });
  const times = came.length;
  await press(tab, /^Deliver again/);
  await until('once more', () => came.length > times);
  assert.equal(came.at(-1).headers['webhook-id'], failed);
  assert.equal(came.at(-1).body, came[before].body);
});

test('after a rotation both secrets sign', async () => {
  await open(tab, endpoint);
  const old = secret;
  await tab.locator('main').getByRole('button', { name: 'Rotate the secret' }).click();
  await tab.locator('dialog[open]').getByRole('button', { name: 'Rotate the secret' }).click();
  secret = await until('the fresh secret', async () => /whsec_[A-Za-z0-9+/=]+/.exec(await text(tab))?.[0]);
  assert.notEqual(secret, old);
  const times = came.length;
  await open(tab, endpoint);
  await press(tab, 'Send a test event');
  await until('the call', () => came.length > times);
  assert.ok(isOurs(came.at(-1)));
  secret = old;
  assert.ok(isOurs(came.at(-1)));
});

test('after ten failures in a row it is disabled, and the bell says so', async () => {
  answer = [500, ''];
  for (let n = 0; n < 10; n += 1) {
    const times = came.length;
    await open(tab, endpoint);
    await press(tab, 'Send a test event');
    await until('the call', () => came.length > times);
  }
  await until('it is disabled', async () => {
    await open(tab, endpoint);
    return /ten attempts in a row failed/.test(await text(tab));
  });
  await open(tab, '/notifications');
  assert.match(await text(tab), /A webhook endpoint was disabled/);
  answer = [204, ''];
  const times = came.length;
  await open(tab, endpoint);
  await press(tab, 'Enable');
  await until('what waited', () => came.length >= times + 10, 20);
});

test('every page of webhooks: nothing that axe finds in both themes, and it fits a phone of 360 px', async () => {
  const pages = ['/settings/webhooks', '/settings/webhooks/new', endpoint, `${endpoint}?state=dead`, delivery];
  await fine(tab, pages);
});
