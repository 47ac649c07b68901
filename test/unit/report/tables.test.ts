import { afterEach, describe, expect, it, vi } from 'vitest';

/** A script of the page: it has no types. */
const script = new URL('../../../src/report/html/page/tables.js', import.meta.url).href;

type FakeRow = { hidden: boolean; cells: { textContent: string }[] };

/** A table of the page and its filter, as far as the script asks. @returns what is shown for a query. */
async function filterOf(rows: readonly (readonly string[])[]): Promise<(query: string) => unknown[]> {
  const fakes = rows.map((row): FakeRow => {
    return { hidden: false, cells: row.map((textContent) => ({ textContent })) };
  });
  const table = { dataset: {}, tBodies: [{ rows: fakes }] };
  const output = { textContent: '' };
  let onInput = (): void => {};
  const input = {
    dataset: { search: 'outcomes' },
    value: '',
    parentElement: { querySelector: () => output },
    addEventListener: (_: string, listener: () => void) => (onInput = listener),
  };
  vi.stubGlobal('document', {
    querySelectorAll: (selector: string) => (selector === 'input[data-search]' ? [input] : []),
    getElementById: () => table,
  });
  const { setUpTables } = (await import(/* @vite-ignore */ script)) as { setUpTables: () => void };
  setUpTables();
  return (query) => {
    input.value = query;
    onInput();
    const shown = fakes.filter(({ hidden }) => !hidden).map(({ cells }) => cells[0]?.textContent);
    return [...shown, output.textContent];
  };
}

afterEach(() => vi.unstubAllGlobals());

describe('the filter of a table', () => {
  it('finds words of every column, in any order, and none that two columns make together', async () => {
    const shown = await filterOf([
      ['PATCH nodes', '1,204', '200 × 1,201 429 × 3'],
      ['PATCH pods', '42', '9 × 1'],
      ['LIST pods', '7', '429 × 7'],
    ]);
    expect(shown('429')).toEqual(['PATCH nodes', 'LIST pods', '2 of 3']);
    expect(shown('429 patch')).toEqual(['PATCH nodes', '1 of 3']);
    expect(shown('')).toEqual(['PATCH nodes', 'PATCH pods', 'LIST pods', '']);
  });
});
