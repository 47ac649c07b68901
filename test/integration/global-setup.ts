import type { Reporter } from '../../src/base/reporter.ts';
import { defaultVersion, officialReleaseUrl } from '../../src/control-plane/control-plane.ts';
import { installControlPlane } from '../../src/control-plane/install.ts';

/** Once for all integration tests: fetches or builds the control plane when this machine has none yet. */
export default async function setup(): Promise<void> {
  const say = (text: string): void => {
    process.stderr.write(`${text}\n`);
  };
  let lastText = '';
  const reporter: Reporter = {
    step: say,
    // One line for each tenth: logs of CI have no cursor to move.
    progress: (text, fraction) => {
      const tenth = fraction === undefined ? '' : `${Math.floor(fraction * 10)}0 %`;
      const summary = `${text.split(/[:,]/)[0]} ${tenth}`;
      if (summary === lastText) return;
      lastText = summary;
      say(`  ${text}`);
    },
    info: say,
    warn: say,
  };
  const { dir, source, version } = await installControlPlane({
    version: defaultVersion,
    binariesDir: undefined,
    releaseUrl: officialReleaseUrl,
    reporter,
    signal: new AbortController().signal,
  });
  say(`Control plane ${version}: ${dir} (${source})`);
}
