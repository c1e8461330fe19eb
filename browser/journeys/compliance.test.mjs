// The rules in force, what is held on a person, its export and its erasure, through the real program.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before } from 'node:test';
import { Agency } from '../lib/agency.mjs';
import { launch, page } from '../lib/browser.mjs';
import { chapters } from '../lib/chapters.mjs';
import { fine } from '../lib/looks.mjs';
import { field, limit, onboard, open, press, signUp, text, until } from '../lib/steps.mjs';

let agency, browser, tab;
const test = chapters(() => ({ agency, tab }));

before(async () => {
  [agency, browser] = await Promise.all([Agency.start(), launch()]);
  tab = await page(browser);
  await signUp(tab, agency.url);
  await onboard(tab);
});

after(async () => {
  await browser?.close();
  await agency?.stop();
});

async function add(values) {
  await open(tab, '/leads/new');
  for (const [label, value] of Object.entries(values)) await field(tab, label).fill(value);
  await tab.locator('main form button[type=submit]').last().click();
  await tab.waitForLoadState();
}

test('a rule that is changed is shown with its source from then on', async () => {
  await open(tab, '/');
  await press(tab, 'Compliance', tab.locator('nav.side'));
  assert.match(await text(tab), /consent\.bases/);
  assert.match(await text(tab), /retention\.lead_idle_days[\s\S]*730/);
  await limit(tab, 'retention.lead_idle_days', 365, 'Our privacy policy says a year.');
  await open(tab, '/compliance');
  assert.match(await text(tab), /retention\.lead_idle_days[\s\S]*365[\s\S]*Our privacy policy says a year/);
});

test('consent is counted from the leads, and no basis means that nothing is sent', async () => {
  await add({ 'E-mail': 'zebedee@quill.example', 'First name': 'Zebedee', 'Last name': 'Quillfeather' });
  await open(tab, '/compliance');
  assert.match(await tab.locator('#consent').innerText(), /No basis recorded: nothing is sent\s+1/);
});

test('what is held on a person is found, given out, and erased; a second writing down is refused', async () => {
  await open(tab, '/compliance');
  await field(tab, 'A person').fill('zebedee@quill.example');
  await tab.keyboard.press('Enter');
  await tab.waitForURL(/\/compliance\/person/);
  assert.match(await tab.locator('#held').innerText(), /leads\.lead\s+1/);
  const [got] = await Promise.all([tab.waitForEvent('download'), tab.locator('main').getByRole('button', { name: 'Download everything as JSON' }).click()]);
  const all = JSON.parse(await readFile(await got.path(), 'utf8'));
  assert.equal(all.data['leads.lead'][0].last_name, 'Quillfeather');
  await open(tab, '/compliance/person?q=zebedee%40quill.example');
  await field(tab, 'Why').fill('asked by letter');
  await press(tab, 'Erase for good');
  assert.match(await text(tab), /Suppressed at once/);
  await until('it is done', async () => {
    await open(tab, '/compliance');
    return /Erasure\s+done/.test(await text(tab));
  });
  await open(tab, '/leads');
  assert.doesNotMatch(await text(tab), /Quillfeather/);
  await open(tab, '/compliance/suppression');
  assert.match(await text(tab), /an erased person/);
  await add({ 'E-mail': 'zebedee@quill.example', 'First name': 'Z', 'Last name': 'Q' });
  assert.match(await text(tab), /an erased person/);
  await open(tab, '/audit');
  assert.doesNotMatch(await text(tab), /Quillfeather/);
  await press(tab, 'Verify the chain');
  assert.match(await text(tab), /The chain is whole/);
});

test('every page: nothing that axe finds in both themes, and it fits a phone of 360 px', async () => {
  const pages = ['/compliance', '/compliance/person?q=nobody%40here.example', '/compliance/suppression'];
  await fine(tab, pages);
});
