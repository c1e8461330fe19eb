// Lighthouse on the sign-in page, Today and the leads; every category at 95 or more.
import { join } from 'node:path';
import * as chromeLauncher from 'chrome-launcher';
import lighthouse from 'lighthouse';
import { Agency } from './lib/agency.mjs';
import { launch, page } from './lib/browser.mjs';
import { addSink, fixtures, importLeads, onboard, open, signUp, text, until } from './lib/steps.mjs';

const bar = 95;
const agency = await Agency.start();
let low = 0;
try {
  const browser = await launch();
  const tab = await page(browser);
  await signUp(tab, agency.url);
  await onboard(tab);
  await addSink(tab);
  await importLeads(tab, join(fixtures, 'leads/messy-500.csv'));
  await until('scores', async () => {
    await open(tab, '/leads');
    return !/Not scored yet/.test(await text(tab));
  }, 60);
  const cookie = (await tab.context().cookies()).map((one) => `${one.name}=${one.value}`).join('; ');
  await browser.close();
  const chrome = await chromeLauncher.launch({
    chromePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    chromeFlags: ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-quic'],
  });
  try {
    for (const [path, headers] of [['/login', {}], ['/', { Cookie: cookie }], ['/leads', { Cookie: cookie }]]) {
      const { lhr } = await lighthouse(agency.url + path, {
        port: chrome.port, output: 'json', logLevel: 'error', extraHeaders: headers,
        onlyCategories: ['performance', 'accessibility', 'best-practices', 'seo'],
      });
      const scores = Object.values(lhr.categories).map((one) => [one.id, Math.round(one.score * 100)]);
      console.log(`${path.padEnd(8)} ${scores.map(([id, score]) => `${id} ${score}`).join(', ')}`);
      for (const category of Object.values(lhr.categories).filter((one) => one.score * 100 < bar)) {
        low += 1;
        for (const { id, weight } of category.auditRefs) {
          const audit = lhr.audits[id];
          if (weight > 0 && audit.score !== null && audit.score < 0.9) console.log(`  ${category.id}: ${audit.title} ${audit.displayValue ?? ''} ${JSON.stringify(audit.details?.items?.slice(0, 3) ?? '').slice(0, 500)}`);
        }
      }
    }
  } finally {
    chrome.kill();
  }
} finally {
  await agency.stop();
}
if (low > 0) {
  console.error(`${low} categories are under ${bar}.`);
  process.exitCode = 1;
}
