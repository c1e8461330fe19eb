// An owner has the agency's own website read: sees each step, every value with its page and words, changes and
// confirms, and finds the ideal customer, the portfolio and draft campaigns; a thin site stays empty.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { after, before } from 'node:test';
import { Agency } from '../lib/agency.mjs';
import { launch, page } from '../lib/browser.mjs';
import { chapters } from '../lib/chapters.mjs';
import { fine } from '../lib/looks.mjs';
import { field, fixtures, onboard, open, press, signUp, text, until } from '../lib/steps.mjs';

let agency, browser, tab, rich, poem, reading;
const test = chapters(() => ({ agency, tab }));

// A fixture as a website on this machine.
async function site(name) {
  const asked = [];
  const server = createServer(async (request, response) => {
    asked.push(request.url);
    if (request.url === '/robots.txt') return response.writeHead(404).end();
    const path = request.url === '/' ? '/index.html' : request.url;
    const file = join(fixtures, 'sites', name, path.endsWith('.html') ? path : `${path}.html`);
    try {
      const html = await readFile(file);
      response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(html);
    } catch {
      response.writeHead(404, { 'content-type': 'text/html' }).end('<h1>Not here</h1>');
    }
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  return { server, asked, url: `http://127.0.0.1:${server.address().port}/` };
}

before(async () => {
  [agency, browser, rich, poem] = await Promise.all([
    Agency.start({ AGENCY__OUTSIDE__ALLOW_LOOPBACK: 'true' }), launch(), site('rich-dental'), site('poem'),
  ]);
  tab = await page(browser);
  await signUp(tab, agency.url);
  await onboard(tab);
});

after(async () => {
  for (const one of [rich, poem]) {
    one?.server.close();
    one?.server.closeAllConnections();
  }
  await browser?.close();
  await agency?.stop();
});

test('the way in is on the page after sign-up', async () => {
  await press(tab, 'Read your website');
  assert.equal(new URL(tab.url()).pathname, '/onboarding');
  assert.match(await text(tab), /Nothing read yet/);
});

test('the website is read step by step without a reload, politely', async () => {
  await field(tab, 'Your website').fill(rich.url);
  await press(tab, 'Read it');
  reading = new URL(tab.url()).pathname;
  await until('it is read', async () => {
    await open(tab, reading);
    return /For you to confirm/.test(await text(tab));
  }, 60);
  assert.equal(rich.asked[0], '/robots.txt');
  assert.ok(rich.asked.length <= 14, rich.asked.join(' '));
  const steps = await tab.getByRole('table', { name: 'Steps' }).innerText();
  for (const step of ['Read the pages', 'Services', 'Portfolio', 'Ideal customer', 'Weights']) assert.match(steps, new RegExp(`${step}\\s+Done`));
});

test('every value shows how sure it is, its page and words that stand there', async () => {
  const findings = tab.locator('.finding');
  const count = await findings.count();
  assert.ok(count > 5, `${count} values`);
  for (let n = 0; n < count; n += 1) {
    const finding = findings.nth(n);
    assert.match(await finding.innerText(), /% sure/);
    const quote = (await finding.locator('blockquote').first().innerText()).replace(/\s+/g, ' ');
    const [, words, where] = /^“(.*)” (http\S+)$/.exec(quote) ?? [];
    assert.ok(words, quote);
    const answer = await (await fetch(where)).text();
    const seen = answer.replace(/<(script|style)[\s\S]*?<\/\1>/g, ' ').replace(/<[^>]+alt="([^"]*)"[^>]*>/g, ' $1 ').replace(/<[^>]+>/g, ' ').replace(/&amp;/g, '&').replace(/\s+/g, ' ');
    const short = words.split(' ').slice(0, 3).join(' ');
    assert.ok(answer.includes(words) || seen.includes(short), `${short} stands on ${where}`);
  }
});

test('nothing holds before it is confirmed', async () => {
  await open(tab, '/campaigns');
  assert.doesNotMatch(await text(tab), /Dent/);
  await open(tab, '/settings/icp');
  assert.equal(await field(tab, 'Industries').inputValue(), '');
});

test('an edit stays beside what was read, and what is confirmed becomes profile, portfolio and drafts', async () => {
  await open(tab, reading);
  const industries = tab.locator('#field-icp_industries');
  const read = await industries.locator('input[name^="value."]').first().inputValue();
  await industries.locator('input[name^="value."]').first().fill('Dental practices of families');
  await tab.locator('#field-icp_titles textarea').fill('Principal Dentist');
  const dropped = tab.locator('#field-portfolio .finding').first();
  const gone = await dropped.locator('input[name^="value."]').inputValue();
  await dropped.locator('input[type=checkbox]').uncheck();
  for (const box of await tab.locator('#suggestions input[type=checkbox]').all()) await box.check();
  await press(tab, 'Keep my changes');
  assert.match(await text(tab), new RegExp(`Read as “${read}”`));
  for (const box of await tab.locator('#suggestions input[type=checkbox]').all()) await box.check();
  await press(tab, 'Confirm');
  assert.match(await text(tab), /What holds/);
  assert.match(await text(tab), /a draft campaign/);
  await open(tab, '/settings/icp');
  assert.match(await field(tab, 'Industries').inputValue(), /Dental practices of families/);
  assert.match(await field(tab, 'Job titles that decide').inputValue(), /Principal Dentist/);
  await open(tab, '/onboarding');
  const portfolio = await tab.getByRole('table', { name: 'Companies that you have served' }).innerText();
  assert.ok(!portfolio.includes(gone), `${gone} was dropped`);
  assert.match(portfolio, /“/);
  await open(tab, '/campaigns');
  assert.match(await text(tab), /Draft/);
  assert.doesNotMatch(await text(tab), /\bActive\b.*Dent/);
});

test('a company is named by hand and taken out again', async () => {
  await open(tab, '/onboarding');
  await field(tab, 'Company').fill('Corner Bakery');
  await press(tab, 'Add');
  assert.match(await text(tab), /Corner Bakery/);
  await press(tab, /^Remove.*Corner Bakery/);
  assert.doesNotMatch(await tab.getByRole('table', { name: 'Companies that you have served' }).innerText(), /Corner Bakery/);
});

test('a site that says nothing of a business stays empty', async () => {
  await open(tab, '/onboarding');
  await field(tab, 'Your website').fill(poem.url);
  await press(tab, 'Read it');
  const here = new URL(tab.url()).pathname;
  await until('it is read', async () => {
    await open(tab, here);
    return /For you to confirm/.test(await text(tab));
  }, 60);
  assert.match(await text(tab), /Your website does not say/);
  assert.equal(await tab.locator('#field-icp_industries .finding').count(), 0);
});

test('every page of onboarding: nothing that axe finds in both themes, and it fits a phone of 360 px', async () => {
  const latest = await tab.evaluate(() => location.pathname);
  const pages = ['/onboarding', reading, latest];
  await fine(tab, pages);
});
