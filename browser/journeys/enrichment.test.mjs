// An owner looks a lead up: adds the accounts, starts a batch, reads what each step brought, from where and at which
// cost, decides about what contradicts; every page in both themes and on a phone.
import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { Agency, freePort } from '../lib/agency.mjs';
import { launch, page } from '../lib/browser.mjs';
import { chapters } from '../lib/chapters.mjs';
import { fine } from '../lib/looks.mjs';
import { field, onboard, open, press, signUp, text, until } from '../lib/steps.mjs';

let agency, browser, tab, twin, lead, run;
const test = chapters(() => ({ agency, tab }));

const tell = async (what, body) => {
  const answer = await fetch(`${twin}/_twin/${what}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
  assert.equal(answer.status, 204);
};

before(async () => {
  const port = await freePort();
  twin = `http://127.0.0.1:${port}`;
  [agency, browser] = await Promise.all([
    Agency.start({ AGENCY__DATA__TWINS: 'true', AGENCY__DATA__LISTEN: `127.0.0.1:${port}` }), launch(),
  ]);
  tab = await page(browser);
  await signUp(tab, agency.url);
  await onboard(tab);
  await until('the twins', async () => (await fetch(`${twin}/_twin`)).ok);
  await tell('companies', { name: 'Harbour Dental', domain: 'harbourdental.com.au', abn: '51824753556', region: 'NSW', city: 'Sydney', phone: '+61 2 9374 4000', industry: 'Dentist', employees: 12 });
  await tell('people', { first_name: 'Priya', last_name: 'Nair', domain: 'harbourdental.com.au', email: 'priya@harbourdental.com.au', email_status: 'valid', title: 'Owner', linkedin_url: 'https://www.linkedin.com/in/priya-nair', mobile: '+61491570156' });
});

after(async () => {
  await browser?.close();
  await agency?.stop();
});

test('the accounts are added and their keys never shown', async () => {
  for (const [provider, path, key] of [['abn', '/abn', 'GUID'], ['places', '/places', 'API key'], ['hunter', '/hunter/v2', 'API key']]) {
    await open(tab, `/enrichment/providers/${provider}`);
    await field(tab, key).fill('a-secret-key');
    await field(tab, 'Other address').fill(`${twin}${path}`);
    await press(tab, 'Save');
    assert.doesNotMatch(await tab.content(), /a-secret-key/);
  }
  await open(tab, '/enrichment');
  assert.match(await text(tab), /Nothing was looked up yet/);
});

test('a lead is looked up and the page says what each step brought', async () => {
  await open(tab, '/leads/new');
  for (const [label, value] of [['First name', 'Priya'], ['Last name', 'Nair'], ['Company', 'Harbour Dental'], ['Website', 'harbourdental.com.au'], ['Phone', '02 9374 4000']]) {
    await field(tab, label).fill(value);
  }
  await tab.locator('main form button[type=submit]').last().click();
  await tab.waitForURL(/\/leads\/[0-9a-f-]{36}/);
  lead = new URL(tab.url()).pathname;
  await press(tab, 'Look up at services');
  run = new URL(tab.url()).pathname;
  await until('it has come through', async () => {
    await open(tab, run);
    return /Done/.test(await text(tab));
  }, 60);
  assert.match(await text(tab), /Priya Nair/);
  await press(tab, 'Priya Nair');
  const said = await text(tab);
  assert.match(said, /Hunter: find the address/);
  assert.match(said, /priya@harbourdental\.com\.au/);
  assert.match(said, /51824753556/);
});

test('the lead and its lineage carry the same rows', async () => {
  await open(tab, lead);
  const said = await text(tab);
  assert.match(said, /priya@harbourdental\.com\.au/);
  assert.match(said, /Look-ups/);
  assert.match(said, /Spent on this lead: A\$0\.018/);
  const charged = await (await fetch(`${twin}/_twin`)).json();
  assert.equal(charged.charged_most, 1);
  await open(tab, '/enrichment');
  assert.match(await text(tab), /A\$0\.018/);
});

test('a second look-up asks nothing again', async () => {
  const before = (await (await fetch(`${twin}/_twin`)).json()).charged;
  await open(tab, lead);
  await press(tab, 'Look up at services');
  const again = new URL(tab.url()).pathname;
  await until('it has come through', async () => {
    await open(tab, again);
    return /Done/.test(await text(tab));
  }, 60);
  assert.deepEqual((await (await fetch(`${twin}/_twin`)).json()).charged, before);
});

test('a search makes leads of what it finds', async () => {
  await tell('companies', { name: 'Bay Dental', domain: 'baydental.com.au', region: 'NSW', city: 'Sydney', phone: '+61 2 9374 4111', industry: 'Dentist', employees: 8 });
  await open(tab, '/enrichment');
  await field(tab, 'Service').selectOption('places');
  await field(tab, 'Place').fill('Sydney');
  await field(tab, 'Trades').fill('Dentist');
  await press(tab, 'Search');
  await until('the lead', async () => {
    await open(tab, '/leads?q=Bay');
    return /Bay Dental/.test(await text(tab));
  }, 60);
});

test('numbers are washed before anybody is called', async () => {
  await open(tab, '/compliance/dnc');
  await press(tab, 'Prepare a wash');
  assert.match(await text(tab), /Waiting/);
  const file = { name: 'result.csv', mimeType: 'text/csv', buffer: Buffer.from('Number,Status\n0293744000,N\n0293744111,Y\n') };
  await tab.locator('main input[type=file]').setInputFiles(file);
  await press(tab, 'Take the result');
  const said = await text(tab);
  assert.match(said, /Not on the register/);
  assert.match(said, /On the register/);
});

test('every page stands in both themes and on a phone', async () => {
  const paths = ['/enrichment', '/enrichment/quarantine', '/enrichment/steps/hunter/find_email', '/enrichment/providers/hunter', '/enrichment/providers/clay', run, '/compliance/dnc', lead];
  await fine(tab, paths);
});
