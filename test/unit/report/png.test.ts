import { afterEach, describe, expect, it, vi } from 'vitest';
import { chartsOf } from '../../../src/report/charts/charts.ts';
import { renderPngs } from '../../../src/report/png/render-png.ts';
import { hostileName, sampleResult } from './sample-result.ts';

afterEach(() => {
  vi.doUnmock('chartjs-node-canvas');
  vi.resetModules();
});

function size(png: Uint8Array): [width: number, height: number] {
  const view = new DataView(png.buffer, png.byteOffset);
  return [view.getUint32(16), view.getUint32(20)];
}

describe('renderPngs', () => {
  it('draws every chart at full size', async () => {
    const specs = chartsOf(sampleResult({ hostileName }));
    const { files, warning } = await renderPngs(specs);
    expect(warning).toBeUndefined();
    expect(files.map((file) => file.name)).toEqual(specs.map((spec) => `${spec.id}.png`));
    for (const { bytes } of files) {
      expect([...bytes.subarray(0, 4)]).toEqual([0x89, 0x50, 0x4e, 0x47]);
      const [width, height] = size(bytes);
      expect(width).toBe(1400);
      expect(height).toBeGreaterThan(300);
      // A blank sheet of this size compresses to less.
      expect(bytes.length).toBeGreaterThan(15_000);
    }
  });

  it('draws nothing for no charts', async () => {
    expect(await renderPngs([])).toEqual({ files: [] });
  });

  it('goes without, and says what to do, where the library does not load', async () => {
    vi.resetModules();
    vi.doMock('chartjs-node-canvas', () => {
      throw new Error("Cannot find module 'canvas'\nRequire stack: …");
    });
    const again = await import('../../../src/report/png/render-png.ts');
    const { files, warning } = await again.renderPngs(chartsOf(sampleResult()));
    expect(files).toEqual([]);
    expect(warning).toContain('npm install');
    expect(warning).not.toContain('\n');
  });
});
