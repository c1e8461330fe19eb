// Every page of the menu and the settings: no script errors, nothing wider than a phone, no violation that
// axe finds, light and dark; the keyboard; two tenants side by side.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before } from 'node:test';
import { Agency } from '../lib/agency.mjs';
import { launch, page } from '../lib/browser.mjs';
import { chapters } from '../lib/chapters.mjs';
import { theme, unclean, wide } from '../lib/looks.mjs';
import { every } from '../lib/tour.mjs';
import { addLeads, addSink, anyHour, bookingPage, campaign, fixtures, importLeads, onboard, open, press, signUp, text, until } from '../lib/steps.mjs';

let agency, browser, tab, pages;
const test = chapters(() => ({ agency, tab }));

before(async () => {
  [agency, browser] = await Promise.all([Agency.start(), launch()]);
  tab = await page(browser);
  await signUp(tab, agency.url);
  await onboard(tab);
  await addSink(tab);
  await bookingPage(tab);
  await anyHour(tab);
  await importLeads(tab, join(fixtures, 'leads/messy-500.csv'));
  await until('all leads are scored', async () => {
    await open(tab, '/leads');
    return !/Not scored yet/.test(await text(tab));
  }, 60);
  const href = await campaign(tab);
  await addLeads(tab, href, 6);
  await open(tab, href);
  await press(tab, 'Activate');
  await until('drafts', async () => {
    await open(tab, '/approvals');
    return (await tab.locator('article.approval').count()) === 6;
  }, 40);
  pages = await every(tab);
});

after(async () => {
  await browser?.close();
  await agency?.stop();
});

test('the tour holds every place of the menu and of the settings, and the pages behind them', async () => {
  assert.ok(pages.length >= 35, pages.join(' '));
});

test('every page of the tour is linked from another, and no link is dead', async () => {
  const shape = (path) => path.replace(/[?#].*$/, '').replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, 'one');
  const linked = new Map();
  for (const path of pages) {
    const html = await (await tab.request.get(agency.url + path)).text();
    // A form that asks leads to a page as a link does.
    const asked = [...html.matchAll(/<form [^>]*>/g)].map(([form]) => form).filter((form) => !/method="post"/.test(form));
    for (const [, href] of [...html.matchAll(/<a [^>]*href="([^"]+)"/g), ...asked.flatMap((form) => [...form.matchAll(/action="([^"]+)"/g)])]) {
      const to = href.replaceAll('&amp;', '&');
      if (!to.startsWith('/') || to.startsWith('/sign-out')) continue;
      if (shape(to) !== shape(path) && !linked.has(shape(to))) linked.set(shape(to), { to, from: path });
    }
  }
  assert.deepEqual(pages.filter((path) => !linked.has(shape(path))), [], 'pages that nothing leads to');
  const dead = [];
  for (const { to, from } of linked.values()) {
    const answer = await tab.request.get(agency.url + to);
    if (answer.status() >= 400) dead.push(`${to} on ${from} answered ${answer.status()}`);
  }
  assert.deepEqual(dead, []);
});

test('every page, light and dark: nothing that axe finds', async () => {
  assert.deepEqual(await unclean(tab, pages), []);
  assert.deepEqual(tab.problems, []);
});

test('every page fits a phone of 360 px without scrolling sideways, with all that is folded shown', async () => {
  assert.deepEqual(await wide(tab, pages), []);
});

test('the palette opens with Ctrl+K and finds a lead; g and a letter go to a page', async () => {
  await open(tab, '/leads?email=yes');
  const name = (await tab.locator('table tbody tr a').first().innerText()).trim();
  await open(tab, '/');
  await tab.keyboard.press('Control+k');
  await tab.locator('dialog.palette input').fill(name);
  const hit = tab.locator('dialog.palette [role=option]', { hasText: name }).first();
  await hit.waitFor({ timeout: 5_000 });
  await Promise.all([tab.waitForURL(/\/leads\/[0-9a-f-]{36}/), hit.click()]);
  assert.ok((await tab.locator('h1').innerText()).includes(name));
  const keys = await tab.locator('nav.side a[data-key]').evaluateAll((all) => all.map((a) => a.dataset.key));
  assert.deepEqual(keys, [...new Set(keys)], 'each letter leads to one page');
  for (const [key, path] of [['a', '/approvals'], ['c', '/campaigns'], ['t', '/']]) {
    await tab.keyboard.press('g');
    await Promise.all([tab.waitForURL((url) => url.pathname === path), tab.keyboard.press(key)]);
  }
});

test('the theme switches without a reload and stays', async () => {
  await open(tab, '/');
  await tab.locator('header details.menu summary').last().click();
  await tab.locator('header [data-theme-form] button[value=dark]').click();
  assert.equal(await tab.locator('html').getAttribute('data-theme'), 'dark');
  await open(tab, '/leads');
  assert.equal(await tab.locator('html').getAttribute('data-theme'), 'dark');
  await theme(tab, 'light');
});

test('j marks a draft and a approves it', async () => {
  await open(tab, '/approvals');
  const waiting = await tab.locator('article.approval').count();
  await tab.keyboard.press('j');
  const title = await tab.locator('article.approval.at h3').innerText();
  await Promise.all([tab.waitForNavigation(), tab.keyboard.press('a')]);
  assert.ok((await text(tab)).includes(`Approved: ${title.trim()}`));
  assert.equal(await tab.locator('article.approval').count(), waiting - 1);
});

test('a second tenant sees nothing of the first', async () => {
  const other = await page(browser);
  await signUp(other, agency.url, { name: 'Robin Other', email: 'robin@other.example', company: 'Other House' });
  await onboard(other, { legal: 'Other House Pty Ltd' });
  const words = ['Bright Agency', 'bright.example', 'First meetings', 'Harbour Dental', 'messy-500'];
  const seen = [];
  for (const path of pages.filter((path) => !path.startsWith('/book/'))) {
    const answer = await other.goto(agency.url + path);
    const shown = await other.locator('body').innerText();
    const own = /[0-9a-f]{8}-[0-9a-f]{4}/.test(path);
    if (own && answer.status() !== 404 && !path.includes('?')) seen.push(`${path} answered ${answer.status()}`);
    for (const word of words) if (shown.includes(word)) seen.push(`${path} shows “${word}”`);
  }
  assert.deepEqual(seen, []);
  await other.context().close();
});
