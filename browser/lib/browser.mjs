// A real Chromium, quiet on a closed network.
import { chromium } from 'playwright-core';

export async function launch() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync'],
  });
}

// A page that fails the test on script errors and refused content.
export async function page(browser, options = {}) {
  const context = await browser.newContext({ locale: 'en-AU', timezoneId: 'Australia/Sydney', viewport: { width: 1280, height: 900 }, ...options });
  const tab = await context.newPage();
  tab.problems = [];
  tab.on('pageerror', (error) => tab.problems.push(String(error)));
  tab.on('console', (message) => {
    if (message.type() === 'error' && /Content Security Policy|SyntaxError|TypeError/.test(message.text())) tab.problems.push(message.text());
  });
  return tab;
}
