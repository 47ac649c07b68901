import { bytesText } from '../../base/bytes.ts';
import type { Check } from '../check.ts';
import { buildMemoryBytes } from '../costs.ts';
import type { MachineFacts, ToolFacts } from '../facts/facts.ts';
import { asRoot } from './commands.ts';

/** Where the control plane's binaries would come from. */
export function checkBinaries(tools: ToolFacts): Check {
  const { binaries, kubernetesVersion, release } = tools;
  const check = { id: 'binaries', title: 'Control plane' };
  if ('found' in binaries) {
    const { version, source } = binaries.found;
    return { ...check, verdict: 'ok', finding: `${version} (${source})` };
  }
  if ('fault' in binaries) {
    return {
      ...check,
      verdict: 'fail',
      finding: binaries.fault,
      ...(binaries.hint === undefined ? {} : { fix: binaries.hint }),
    };
  }
  const install = `npx hollowmark control-plane install --kubernetes-version ${kubernetesVersion}`;
  const missing = `no binaries of ${kubernetesVersion} on this machine`;
  if (release !== undefined && release.fault === undefined) {
    return {
      ...check,
      verdict: 'warn',
      finding: `${missing}: the first run downloads them from ${release.url}`,
      fix: install,
    };
  }
  if (canBuild(tools)) {
    return {
      ...check,
      verdict: 'warn',
      finding: `${missing}: the first run builds them, about 5 minutes on two cores`,
      fix: install,
    };
  }
  return {
    ...check,
    verdict: 'fail',
    finding: `${missing}, and no way to get them (${[...binaries.passedOver, ...(release?.fault === undefined ? [] : [`download: ${release.fault}`])].join('; ')})`,
    fix: `install Go ${tools.go.wanted} or newer (https://go.dev/dl), or name a folder with --binaries`,
  };
}

/** Go builds what cannot be downloaded, and is of no interest where the binaries are there. */
export function checkGo(tools: ToolFacts, facts: MachineFacts): Check {
  const { go } = tools;
  const check = { id: 'go', title: 'Go' };
  const needed =
    !('found' in tools.binaries) && !('fault' in tools.binaries) && tools.release?.fault !== undefined;
  const finding =
    go.version === undefined
      ? 'not in PATH'
      : go.tooOld
        ? `${go.version}, and ${go.wanted} or newer is needed to build a control plane`
        : go.version;
  const fix = `install Go ${go.wanted} or newer (https://go.dev/dl)`;
  if (go.version === undefined || go.tooOld) {
    if (!needed) return { ...check, verdict: 'ok', finding: `${finding}; nothing has to be built` };
    return { ...check, verdict: 'warn', finding, fix };
  }
  const { availableBytes, cgroupAvailableBytes } = facts.memory;
  const available = Math.min(
    availableBytes ?? Number.POSITIVE_INFINITY,
    cgroupAvailableBytes ?? Number.POSITIVE_INFINITY,
  );
  if (needed && available < buildMemoryBytes) {
    return {
      ...check,
      verdict: 'warn',
      finding: `${finding}; the build needs ${bytesText(buildMemoryBytes)} of memory, and ${bytesText(available)} are available`,
      fix: 'build elsewhere and copy the cache folder here',
    };
  }
  return { ...check, verdict: 'ok', finding };
}

/** The release site, where it was asked. */
export function checkRelease(tools: ToolFacts): Check | undefined {
  const { release } = tools;
  if (release === undefined) return undefined;
  const check = { id: 'release-site', title: 'Release site' };
  if (release.fault === undefined) return { ...check, verdict: 'ok', finding: `${release.url} answers` };
  return {
    ...check,
    verdict: 'warn',
    finding: `${release.url}: ${release.fault}`,
    fix: 'npx hollowmark control-plane install --release-url <a mirror>',
  };
}

/** Only for people who want to look at reports on this machine. */
export function checkBrowser({ browser, browserInstall }: ToolFacts, facts: MachineFacts): Check {
  const check = { id: 'browser', title: 'Browser' };
  if (browser !== undefined) return { ...check, verdict: 'ok', finding: browser };
  return {
    ...check,
    verdict: 'warn',
    finding: 'none in PATH: reports can be made here, and looked at elsewhere',
    ...(browserInstall === undefined
      ? {}
      : { fix: browserInstall.startsWith('brew') ? browserInstall : asRoot(facts, browserInstall) }),
  };
}

/** An older Go than wanted fetches the wanted one itself, where it may; that needs the network, so it does not count. */
function canBuild({ go }: ToolFacts): boolean {
  return go.version !== undefined && !go.tooOld;
}
