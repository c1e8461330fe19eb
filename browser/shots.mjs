// Screenshots of every page, light, dark and at 360 px, into out/.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Agency } from './lib/agency.mjs';
import { launch, page } from './lib/browser.mjs';
import { theme } from './lib/looks.mjs';
import { addLeads, addSink, answer, anyHour, bookingPage, campaign, fixtures, importLeads, onboard, open, press, signUp, sink, text, until } from './lib/steps.mjs';
import { every } from './lib/tour.mjs';

const out = new URL('./out/', import.meta.url).pathname;
await mkdir(out, { recursive: true });
const [agency, browser] = await Promise.all([Agency.start(), launch()]);
try {
  const tab = await page(browser);
  await signUp(tab, agency.url);
  await onboard(tab);
  await addSink(tab);
  await bookingPage(tab);
  await anyHour(tab);
  await importLeads(tab, join(fixtures, 'leads/messy-500.csv'));
  await until('scores', async () => {
    await open(tab, '/leads');
    return !/Not scored yet/.test(await text(tab));
  }, 60);
  const href = await campaign(tab);
  await addLeads(tab, href, 8);
  await open(tab, href);
  await press(tab, 'Activate');
  await until('drafts', async () => {
    await open(tab, '/approvals');
    return (await tab.locator('article.approval').count()) === 8;
  }, 40);
  for (let sent = 0; sent < 3; sent += 1) {
    await open(tab, '/approvals');
    await tab.locator('article.approval').first().getByRole('button', { name: /^Approve/ }).click();
    await tab.waitForLoadState();
  }
  const mails = await until('mails', async () => {
    const all = await sink(tab);
    return all.length >= 3 && all;
  }, 60);
  await answer(tab, mails[0].href, 'interested');
  await answer(tab, mails[1].href, 'not_interested');
  await until('answers', async () => {
    await open(tab, '/inbox');
    return (await tab.locator('a[href^="/inbox/"]').count()) >= 2;
  }, 40);
  const pages = ['/login', '/sign-up', ...(await every(tab))];
  const name = (path) => path.replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, 'one').replace(/[^a-z0-9]+/gi, '-').replace(/^-|-$/g, '') || 'today';
  for (const [look, size] of [['light', { width: 1280, height: 900 }], ['dark', { width: 1280, height: 900 }], ['phone', { width: 360, height: 740 }]]) {
    await tab.setViewportSize(size);
    await theme(tab, look === 'dark' ? 'dark' : 'light');
    const stranger = await page(browser, { viewport: size, colorScheme: look === 'dark' ? 'dark' : 'light' });
    stranger.home = agency.url;
    for (const path of pages) {
      const shown = /^\/(login|sign-up)/.test(path) ? stranger : tab;
      await open(shown, path);
      await shown.screenshot({ path: `${out}${name(path)}.${look}.png`, fullPage: look !== 'phone' || !/^\/leads$/.test(path) });
    }
    await stranger.context().close();
  }
  console.log(`${pages.length} pages, three looks each, in ${out}`);
} finally {
  await browser.close();
  await agency.stop();
}
