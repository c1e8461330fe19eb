// An owner connects CRMs: contacts come in as customers whom nobody contacts and as leads to work, a deal that is won
// here is won there, once; every number is read back, and every page stands in both themes and on a phone.
import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { Agency, freePort } from '../lib/agency.mjs';
import { launch, page } from '../lib/browser.mjs';
import { chapters } from '../lib/chapters.mjs';
import { fine } from '../lib/looks.mjs';
import { bookingPage, field, onboard, open, press, refused, signUp, text, until } from '../lib/steps.mjs';

let agency, browser, tab, twin, hubspot, close, run, push;
const test = chapters(() => ({ agency, tab }));

const know = async (service, people) => {
  for (const person of people) {
    const answer = await fetch(`${twin}/_twin/contacts`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ service, ...person }) });
    assert.equal(answer.status, 204);
  }
};
const there = async (what = '') => (await fetch(`${twin}/_twin${what}`)).json();

// The number of a figure at the head of a page.
const figure = async (label) => Number(new RegExp(`^${label}\\s+([\\d,]+)`, 'm').exec(await text(tab))?.[1].replace(/,/g, ''));

const connect = async (label, path, key) => {
  await open(tab, '/crm');
  await press(tab, `Connect ${label}`);
  await field(tab, key).fill('a-secret-key');
  await field(tab, 'Other address').fill(`${twin}${path}`);
  await press(tab, 'Connect');
  const at = new URL(tab.url()).pathname;
  await until(`${label} works`, async () => {
    await open(tab, at);
    return /State\s+Active/.test(await text(tab));
  });
  assert.doesNotMatch(await tab.content(), /a-secret-key/);
  return at;
};

const done = async () => until('the run is done', async () => {
  await open(tab, run);
  return (await tab.locator('main h1').innerText()).includes('Done') || /^Done$/m.test(await text(tab));
}, 60);

before(async () => {
  const port = await freePort();
  twin = `http://127.0.0.1:${port}`;
  [agency, browser] = await Promise.all([
    Agency.start({ AGENCY__CRM__TWINS: 'true', AGENCY__CRM__LISTEN: `127.0.0.1:${port}` }), launch(),
  ]);
  tab = await page(browser);
  await signUp(tab, agency.url);
  await onboard(tab);
  await until('the twins', async () => (await fetch(`${twin}/_twin`)).ok);
});

after(async () => {
  await browser?.close();
  await agency?.stop();
});

test('a CRM is connected from the menu and a key that is not good says so', async () => {
  await open(tab, '/');
  await press(tab, 'CRM', tab.locator('nav.side'));
  assert.match(await text(tab), /No CRM is connected yet/);
  await press(tab, 'Connect HubSpot');
  await field(tab, 'Access token').fill('wrong');
  await field(tab, 'Other address').fill('nonsense');
  assert.match(await refused(tab, 'Connect'), /is not an address/);
  hubspot = await connect('HubSpot', '/hubspot', 'Access token');
  const said = await text(tab);
  assert.match(said, /Account 4021 at app\.hubspot\.com/);
  assert.match(said, /Pipeline\s+Sales pipeline/);
  assert.equal(await field(tab, 'Won, 100 %').inputValue(), 'closedwon');
  assert.equal(await field(tab, 'Qualification, 20 %').inputValue(), 'qualifiedtobuy');
});

test('its contacts are customers: nobody contacts them on any channel', async () => {
  await know('hubspot', [
    { email: 'bo@buyer.example', first_name: 'Bo', last_name: 'Buyer', phone: '+61 2 9374 4000', company: 'Buyer' },
    { email: 'cy@client.example', first_name: 'Cy', company: 'Client' },
    { first_name: 'Nobody' },
  ]);
  await open(tab, hubspot);
  await tab.getByRole('radio', { name: /^Customers to suppress/ }).check();
  await press(tab, 'Save contacts');
  await press(tab, 'Take contacts in now');
  run = new URL(tab.url()).pathname;
  await done();
  assert.deepEqual([await figure('Contacts'), await figure('Suppressed'), await figure('Rejected'), await figure('Made')], [3, 2, 1, 0]);
  await press(tab, 'Rejected', tab.locator('main nav.tabs'));
  assert.match(await text(tab), /Neither an e-mail address, a LinkedIn profile nor a phone number/);
  await open(tab, '/compliance/suppression');
  const list = await text(tab);
  for (const entry of ['bo@buyer.example', 'cy@client.example', '+61293744000']) assert.ok(list.includes(entry), entry);
  assert.match(list, /existing customer/);
});

test('another CRM brings leads to work, without the customers', async () => {
  close = await connect('Close', '/close/api/v1', 'API key');
  await know('close', [
    { email: 'bo@buyer.example', first_name: 'Bo', company: 'Buyer' },
    { email: 'priya@harbour.example', first_name: 'Priya', last_name: 'Nair', company: 'Harbour Dental' },
    { email: 'max@bay.example', first_name: 'Max', last_name: 'Bay', company: 'Bay Dental' },
  ]);
  await tab.getByRole('radio', { name: /^Leads to work/ }).check();
  await field(tab, 'Why they may be written to').selectOption('inferred_relationship');
  await field(tab, 'Where that stands').fill('They asked for an offer.');
  await press(tab, 'Save contacts');
  await press(tab, 'Take contacts in now');
  run = new URL(tab.url()).pathname;
  await done();
  assert.deepEqual([await figure('Contacts'), await figure('Made'), await figure('Suppressed')], [3, 2, 1]);
  // The same again changes nothing.
  await open(tab, close);
  await press(tab, 'Take contacts in now');
  run = new URL(tab.url()).pathname;
  await done();
  assert.deepEqual([await figure('Contacts'), await figure('Made'), await figure('Merged')], [3, 0, 0]);
  await open(tab, '/leads?q=Priya');
  await press(tab, 'Priya Nair');
  assert.match(await text(tab), /crm:close:/);
});

test('a meeting makes the contact and the deal there, and a won deal is won there, each once', async () => {
  await bookingPage(tab);
  const guest = await page(browser);
  guest.home = agency.url;
  await open(guest, '/book/bright-intro');
  await guest.locator('a.btn[href*="at="]').first().click();
  await guest.waitForLoadState();
  await field(guest, 'Your name').fill('Priya Nair');
  await field(guest, 'Your e-mail').fill('priya@harbour.example');
  await press(guest, 'Book this time');
  await guest.context().close();
  await until('the deal is at HubSpot', async () => (await there()).deals.hubspot === 1, 90);
  await open(tab, '/pipeline');
  const deal = await tab.locator('a[href^="/deals/"]').first().getAttribute('href');
  await open(tab, deal);
  await field(tab, 'Value in AUD').fill('12000.50');
  await press(tab, 'Save');
  await field(tab, 'Stage').selectOption('won');
  await press(tab, 'Move');
  const won = async () => (await there('/deals')).find((one) => one.service === 'hubspot' && one.stage === 'closedwon');
  const one = await until('it is won at HubSpot', won, 90);
  assert.equal(one.value, '12000.50');
  const held = await there();
  assert.deepEqual([held.deals.hubspot, held.deals.close, held.most_of_one_address.hubspot, held.most_of_one_address.close], [1, 1, 1, 1]);
  const contacts = (await there('/contacts')).filter((contact) => contact.email === 'priya@harbour.example');
  assert.equal(contacts.length, 2, 'one at each CRM');
});

test('the log says what went where, and anything is tried again by a button', async () => {
  await until('all four are there', async () => {
    await open(tab, '/crm');
    return (await figure('There')) === 4;
  }, 60);
  await press(tab, 'All pushes');
  assert.match(await text(tab), /a deal that moved/);
  push = await tab.locator('main a[href^="/crm/pushes/"]').first().getAttribute('href');
  await open(tab, push);
  assert.match(await text(tab), /made|found/);
  await press(tab, 'Try again');
  await until('it is there again', async () => {
    await open(tab, push);
    return /State\s+There/.test(await text(tab));
  });
  assert.equal((await there()).deals.hubspot, 1);
  await open(tab, hubspot);
  await press(tab, 'Pause');
  assert.match(await text(tab), /State\s+Paused/);
  await press(tab, 'Go on');
});

test('every page stands in both themes and on a phone', async () => {
  const paths = ['/crm', '/crm/connect', hubspot, close, run, '/crm/pushes', push];
  await fine(tab, paths);
});
