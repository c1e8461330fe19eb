// What was learnt, what follows from it, and reports: rows that the test wrote are read back from the pages;
// a suggestion is approved, a pattern rolled back; every page in both themes and on a phone.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { after, before } from 'node:test';
import { promisify } from 'node:util';
import { Agency } from '../lib/agency.mjs';
import { launch, page } from '../lib/browser.mjs';
import { chapters } from '../lib/chapters.mjs';
import { fine } from '../lib/looks.mjs';
import { field, onboard, open, press, signUp, text, until } from '../lib/steps.mjs';

const run = promisify(execFile);
let agency, browser, tab, database;
const test = chapters(() => ({ agency, tab }));

// One value out of the database, past row security.
async function sql(statement) {
  const { stdout } = await run('psql', [database, '-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1', '-c', statement]);
  return stdout.trim();
}

// Presses a button that asks first, and says yes.
async function sure(within, name) {
  await within.getByRole('button', { name }).first().click();
  const asked = tab.locator('dialog[open]').getByRole('button', { name });
  await Promise.all([tab.waitForNavigation(), asked.click()]);
}

before(async () => {
  // A database of its own on the server of DATABASE_URL.
  const server = new URL(process.env.DATABASE_URL);
  const name = `learning_${process.pid}`;
  const other = (path) => Object.assign(new URL(server), { pathname: `/${path}` }).href;
  await run('psql', [other('postgres'), '-X', '-q', '-c', `create database ${name} template template0`]);
  database = other(name);
  [agency, browser] = await Promise.all([Agency.start({ DATABASE_URL: database }), launch()]);
  tab = await page(browser);
  await signUp(tab, agency.url);
  await onboard(tab);
  const tenant = await sql('select id from accounts.tenant order by created_at limit 1');
  const values = { tenant: `'${tenant}'::uuid`, people: '4000', seed: '0.3', days_ago: '28', effects: '1.0', now: 'now()' };
  const script = await readFile(new URL('../../crates/insight/src/generate.sql', import.meta.url), 'utf8');
  // A name in the script begins with a single colon; a cast has two.
  const filled = script.replace(/(?<!:):(tenant|people|seed|days_ago|effects|now)\b/g, (_, word) => values[word]);
  const child = run('psql', [database, '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', '-']);
  child.child.stdin.end(filled);
  await child;
});

after(async () => {
  await browser?.close();
  await agency?.stop();
  if (database) {
    const name = new URL(database).pathname.slice(1);
    await run('psql', [Object.assign(new URL(database), { pathname: '/postgres' }).href, '-X', '-q', '-c', `drop database if exists ${name} with (force)`]);
  }
});

test('before anything is learnt the page says so, and a run is asked for', async () => {
  await open(tab, '/learning');
  assert.match(await text(tab), /No patterns count now/);
  await press(tab, 'Learn now');
  await until('the patterns are there', async () => {
    await open(tab, '/learning');
    return /Who answers/.test(await text(tab)) && /What becomes of meetings/.test(await text(tab));
  }, 120);
});

test('planted effects are on the page, with the numbers of the rows', async () => {
  const seen = await text(tab);
  assert.match(seen, /Seniority: owner, founder or CEO/);
  const trials = await sql(`select count(*) from leads.lead where title in ('Owner', 'CEO')`);
  const row = tab.getByRole('row', { name: /Seniority: owner, founder or CEO/ });
  assert.match(await row.first().innerText(), new RegExp(Number(trials).toLocaleString('en-US')));
  const activities = Number(await sql('select activities from insight.run order by at desc limit 1'));
  assert.ok(seen.includes(`${activities.toLocaleString('en-US')} activities`), seen.slice(0, 600));
  await tab.locator('#who').getByRole('link', { name: 'Everything' }).click();
  await tab.waitForURL(/\/learning\/patterns\//);
  assert.match(await text(tab), /Weights of the score[\s\S]*95 % interval/);
});

test('a suggestion waits under approvals, is approved as it is shown and can be taken back', async () => {
  await open(tab, '/learning');
  const row = tab.locator('#suggestions tr').filter({ hasText: 'Look for more like' });
  await row.getByRole('link', { name: 'Decide' }).click();
  await tab.waitForURL(/\/approvals\//);
  assert.match(await text(tab), /would be added to whom you look for[\s\S]*dental/);
  await press(tab, /^Approve/);
  await until('it is applied', async () => {
    await open(tab, '/learning');
    return /applied/.test(await row.innerText());
  }, 30);
  assert.match(await sql('select industries::text from leads.icp'), /dental/);
  await sure(row, 'Take back');
  assert.match(await row.innerText(), /taken back/);
  assert.doesNotMatch(await sql('select industries::text from leads.icp'), /dental/);
});

test('a pattern is rolled back with one click, and the history keeps it', async () => {
  await sure(tab.locator('#when'), 'Roll back');
  assert.equal(await tab.locator('#when').count(), 0);
  assert.match(await tab.locator('#history').innerText(), /When it works[\s\S]*rolled back/);
});

test('outcomes against the plan are those of the rows, and leave as CSV and PDF', async () => {
  await open(tab, '/reports/outcomes');
  await field(tab, 'Meetings a month').fill('12');
  await field(tab, 'Positive replies a month').fill('40');
  await field(tab, 'Show rate in percent').fill('80');
  await press(tab, /^Plan from/);
  const zone = `'Australia/Sydney'`;
  const booked = await sql(`select count(*) from outreach.activity where action = 'meeting_booked'
    and date_trunc('month', at at time zone ${zone}) = date_trunc('month', now() at time zone ${zone})`);
  assert.match(await text(tab), new RegExp(`Meetings booked\\s+${booked}\\s+12`));
  for (const [path, type] of [['/reports/outcomes.csv', 'text/csv'], ['/reports/outcomes.pdf', 'application/pdf'], ['/reports/attribution.csv', 'text/csv']]) {
    const answer = await tab.request.get(new URL(path, tab.home).href);
    assert.equal(answer.status(), 200, path);
    assert.ok(answer.headers()['content-type'].startsWith(type));
  }
});

test('every column of attribution adds up to 100 %', async () => {
  await open(tab, '/reports/attribution?days=365');
  const rows = await tab.getByRole('table', { name: 'By channel' }).locator('tbody tr').allInnerTexts();
  assert.ok(rows.length > 0);
  for (let column = 1; column <= 4; column += 1) {
    const sum = rows.map((row) => Number.parseFloat(row.split('\t')[column])).reduce((a, b) => a + b, 0);
    assert.ok(Math.abs(sum - 100) < 0.5, `${column}: ${sum}`);
  }
});

test('every page: nothing that axe finds in both themes, nothing wider than a phone, no script error', async () => {
  await open(tab, '/learning');
  const pattern = await tab.locator('#who').getByRole('link', { name: 'Everything' }).getAttribute('href');
  await fine(tab, ['/learning', pattern, '/reports/outcomes', '/reports/attribution', '/reports/leads', '/reports/digest']);
});
