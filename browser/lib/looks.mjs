// How every page looks to everybody: light, dark, on a phone.
import assert from 'node:assert/strict';
import { violations } from './axe.mjs';
import { open } from './steps.mjs';

// As the person's own choice would: the cookie that the switch writes.
export async function theme(tab, look) {
  await tab.context().addCookies([{ name: 'theme', value: look, url: tab.home }]);
}

// What axe finds on these pages in light, and about colours in dark, where nothing else differs.
export async function unclean(tab, paths) {
  const found = [];
  for (const look of ['light', 'dark']) {
    await theme(tab, look);
    for (const path of paths) {
      await open(tab, path);
      const rules = look === 'dark' ? ['color-contrast'] : undefined;
      found.push(...(await violations(tab, rules)).map((one) => `${look} ${path} ${one}`));
    }
  }
  await theme(tab, 'light');
  return found;
}

// Which of these pages scroll sideways on a phone of 360 px, with all that is folded shown, and by what.
export async function wide(tab, paths) {
  const size = tab.viewportSize();
  await tab.setViewportSize({ width: 360, height: 740 });
  const found = [];
  for (const path of paths) {
    await open(tab, path);
    await tab.evaluate(() => document.querySelectorAll('main details').forEach((el) => { el.open = true; }));
    const width = await tab.evaluate(() => document.documentElement.scrollWidth);
    if (width > 360) {
      const by = await tab.evaluate(() => [...document.querySelectorAll('main *')].filter((el) => el.getBoundingClientRect().right > 361).slice(0, 3).map((el) => `${el.tagName}.${el.className}`));
      found.push(`${path} is ${width} px wide: ${by.join(', ')}`);
    }
  }
  await tab.setViewportSize(size);
  return found;
}

// Nothing that axe finds in either theme, nothing wider than a phone, no script error.
export async function fine(tab, paths) {
  assert.deepEqual([...await unclean(tab, paths), ...await wide(tab, paths)], []);
  assert.deepEqual(tab.problems, []);
}
