// Lists in every format come in through the wizard; each reject stands in a file with line, column and reason; what is
// filtered leaves as CSV and JSON lines; weights are previewed, saved, restored.
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before } from 'node:test';
import { Agency } from '../lib/agency.mjs';
import { launch, page } from '../lib/browser.mjs';
import { chapters } from '../lib/chapters.mjs';
import { fine } from '../lib/looks.mjs';
import { field, importLeads, onboard, open, press, signUp, text, until } from '../lib/steps.mjs';

let agency, browser, tab, done;
const test = chapters(() => ({ agency, tab }));
const file = async (name, content) => {
  const at = join(tmpdir(), `${process.pid}-${name}`);
  await writeFile(at, content);
  return at;
};
const download = async (link) => {
  const [got] = await Promise.all([tab.waitForEvent('download'), link.click()]);
  return readFile(await got.path(), 'utf8');
};

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

test('a JSON list comes in with its deeper values; a broken object is the only reject', async () => {
  const list = `[{"firstName":"Priya","lastName":"Nair","jobTitle":"Owner","company":{"name":"Harbour Dental"},"emails":[{"value":"priya@harbour.example"}],"country":"Australia"},
{"firstName":"Broken, "email":"x@y.example"},
{"firstName":"Sam","lastName":"Lee","email":"sam@lee.example","jobTitle":"Clerk","country":"Australia"}]`;
  done = await importLeads(tab, await file('list.json', list));
  assert.match(done.looked, /JSON, UTF-8/);
  assert.match(done.looked, /first name/);
  assert.deepEqual([done.accepted, done.rejected, done.duplicates], [2, 1, 0]);
  await open(tab, `${done.href}/rejects`);
  assert.match(await text(tab), /malformed/);
  const rejects = await download(tab.locator('main').getByRole('link', { name: 'Download as CSV' }));
  const [header, row] = rejects.trim().split('\n');
  assert.match(header, /^Line,Column at fault,Value at fault,Reason,What to do/);
  assert.match(row, /^2,.*malformed/);
});

test('vCards come in, and somebody who is there already is merged', async () => {
  const cards = ['BEGIN:VCARD', 'VERSION:3.0', 'N:Nair;Priya;;;', 'EMAIL;TYPE=WORK:PRIYA@harbour.example', 'TEL;TYPE=CELL:0412 345 678', 'END:VCARD',
    'BEGIN:VCARD', 'VERSION:4.0', 'FN:Mara Stone', 'ORG:Stone Law', 'TITLE:Managing Director', 'EMAIL:mara@stone.example', 'END:VCARD', ''].join('\r\n');
  const came = await importLeads(tab, await file('cards.vcf', cards));
  assert.match(came.looked, /vCard, UTF-8/);
  assert.deepEqual([came.accepted, came.rejected, came.merged], [1, 0, 1]);
  await open(tab, '/leads?q=priya');
  await tab.locator('main table tbody tr').first().getByRole('link').first().click();
  await tab.waitForLoadState();
  assert.match(await text(tab), /\+61412345678|0412 345 678|\+61 412 345 678/);
});

test('JSON lines of what is filtered hold exactly those, and come back as nobody new', async () => {
  await open(tab, '/leads?q=stone');
  const lines = (await download(tab.locator('main').getByRole('link', { name: 'JSON lines' }))).trim().split('\n').map((line) => JSON.parse(line));
  assert.deepEqual(lines.map((line) => line.email), ['mara@stone.example']);
  await open(tab, '/leads');
  const all = await download(tab.locator('main').getByRole('link', { name: 'JSON lines' }));
  assert.equal(all.trim().split('\n').length, 3);
  const again = await importLeads(tab, await file('again.jsonl', all));
  assert.match(again.looked, /JSON lines/);
  assert.deepEqual([again.accepted, again.merged, again.rejected], [0, 3, 0]);
});

test('other weights are previewed with who moves, saved, and taken back', async () => {
  await until('all leads are scored', async () => {
    await open(tab, '/leads');
    return !/Not scored yet/.test(await text(tab));
  }, 60);
  await open(tab, '/settings/scoring');
  assert.match(await tab.locator('#in-force').innerText(), /The usual ones/);
  const set = async (values) => {
    for (const [label, value] of Object.entries(values)) await field(tab, `${label} (%)`).fill(String(value));
  };
  await set({ 'Data quality': 0, Authority: 100, 'Company fit': 0, Timing: 0, Risk: 1 });
  await tab.locator('main').getByRole('button', { name: 'Save' }).click();
  await until('the reason', async () => /must sum to 1/.test(await text(tab)));
  await set({ Risk: 0 });
  await press(tab, 'Preview');
  const moving = await tab.locator('#movers tbody tr').allInnerTexts();
  assert.ok(moving.some((row) => /Priya Nair/.test(row) && /100 · High priority/.test(row)), moving.join('\n'));
  await field(tab, 'Why').fill('owners decide');
  await press(tab, 'Save');
  await until('everyone is scored again', async () => {
    await open(tab, '/settings/scoring');
    return /3 of 3/.test(await tab.locator('#runs').innerText()) && !/running/.test(await tab.locator('#runs').innerText());
  }, 60);
  await open(tab, '/leads?q=priya');
  assert.match(await text(tab), /100/);
  await open(tab, '/settings/scoring');
  await press(tab, 'Go without');
  assert.match(await tab.locator('#in-force').innerText(), /The usual ones/);
  assert.match(await tab.locator('#history').innerText(), /owners decide/);
  await press(tab, 'Restore');
  assert.match(await tab.locator('#in-force').innerText(), /Your own/);
});

test('a lead says what would make it hot', async () => {
  await open(tab, '/leads?q=sam');
  await tab.locator('main table tbody tr').first().getByRole('link').first().click();
  await tab.waitForLoadState();
  assert.match(await tab.locator('#score').innerText(), /What would make it hot|smallest step into the next tier/i);
});

test('every page: nothing that axe finds in both themes, and it fits a phone of 360 px', async () => {
  const pages = ['/leads/import', '/leads/imports', done.href, `${done.href}/rejects`, '/settings/scoring', '/settings/icp'];
  await fine(tab, pages);
});
