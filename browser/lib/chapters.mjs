// Tests that tell one story: each goes on where the one before ended, so behind one that failed the rest
// is skipped. What the browser and the program said is printed with the failure.
import { test } from 'node:test';

export function chapters(scene) {
  let broken;
  return (name, body) => test(name, async (t) => {
    if (broken) return t.skip(`behind “${broken}”`);
    try {
      return await body(t);
    } catch (error) {
      broken = name;
      const { agency, tab } = scene();
      t.diagnostic(`at ${tab?.url()}\n${(await tab?.locator('main').innerText().catch(() => ''))?.slice(0, 1500)}`);
      t.diagnostic(`the program said:\n${agency?.log.slice(-3000)}`);
      throw error;
    }
  });
}
