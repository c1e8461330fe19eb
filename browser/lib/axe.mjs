// WCAG 2.2 AA by axe, run inside the page.
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';

const source = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

const every = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

// `rules`: only these, such as the one about contrast, where only colours differ from what was seen before.
export async function violations(page, rules) {
  await page.evaluate(source);
  const result = await page.evaluate((only) => globalThis.axe.run(document, { runOnly: only }),
    rules ? { type: 'rule', values: rules } : every);
  return result.violations.map((v) => `${v.id}: ${v.help} — ${v.nodes.slice(0, 3).map((n) => n.target.join(' ')).join(' | ')}`);
}
