import type { Check, Size } from '../check.ts';
import { connectionsPerNode, nodesWithOpenFiles, openFilesNeeded } from '../costs.ts';
import type { MachineFacts } from '../facts/facts.ts';
import { countOf, countText } from '../words.ts';
import { asRoot } from './commands.ts';

/** Where a limit is raised anyway it is raised to this. */
const openFilesUsual = 65_536;

/** The last port that there is. */
const portLast = 65_535;

export function checkOpenFiles(facts: MachineFacts, size: Size): Check {
  const { openFilesMax, platform, isRoot } = facts;
  const check = { id: 'open-files', title: 'Open files' };
  if (openFilesMax === undefined) {
    return {
      ...check,
      verdict: 'unknown',
      finding: 'this machine does not tell how many a process may have',
    };
  }
  if (openFilesMax === Number.POSITIVE_INFINITY) return { ...check, verdict: 'ok', finding: 'no limit' };
  const needed = openFilesNeeded(size);
  const nodesMax = nodesWithOpenFiles(openFilesMax, size);
  const finding = `${countText(openFilesMax)} a process; ${countOf(size.nodes, 'node')} need ${countText(needed)}`;
  if (size.nodes <= nodesMax) return { ...check, verdict: 'ok', finding, nodesMax };
  const wanted = Math.max(openFilesUsual, 2 ** Math.ceil(Math.log2(needed)));
  // Who is not root may lower the hard limit and never raise it; prlimit does it for the shell it is called from.
  const fix =
    isRoot || platform !== 'linux'
      ? `ulimit -n ${wanted}`
      : `sudo prlimit --pid $$ --nofile=${wanted}:${wanted}`;
  return { ...check, verdict: 'fail', finding, nodesMax, fix };
}

export function checkPorts(facts: MachineFacts, size: Size): Check {
  const { ephemeral, timeWait, controlPlaneFault, controlPlaneEnd } = facts.ports;
  const check = { id: 'ports', title: 'Ports' };
  if (size.ownControlPlane && controlPlaneFault !== undefined) {
    return {
      ...check,
      verdict: 'fail',
      finding: `the control plane finds none: ${controlPlaneFault}`,
      fix:
        facts.platform === 'linux'
          ? 'ss -ltnp   # shows who listens'
          : 'lsof -nP -iTCP -sTCP:LISTEN   # shows who listens',
    };
  }
  if (ephemeral === undefined) {
    return {
      ...check,
      verdict: 'unknown',
      finding: 'this machine does not tell its source ports',
    };
  }
  // To another machine all connections leave from one address.
  const sourceAddresses = size.ownControlPlane ? facts.ports.sourceAddresses : 1;
  const perAddress = Math.max(0, ephemeral.last - ephemeral.first + 1 - (timeWait ?? 0));
  const nodesMax = sourceAddresses * Math.floor(perAddress / connectionsPerNode(size));
  const addresses = sourceAddresses === 1 ? '' : ` on each of ${sourceAddresses} addresses`;
  const waiting = timeWait === undefined || timeWait === 0 ? '' : `, ${countText(timeWait)} in TIME_WAIT`;
  const finding = `${countText(perAddress)} source ports${addresses}${waiting}; ${countOf(size.nodes, 'node')} need ${countText(size.nodes * connectionsPerNode(size))}`;
  const widen = asRoot(facts, `sysctl -w net.ipv4.ip_local_port_range="${controlPlaneEnd} ${portLast}"`);
  if (size.nodes > nodesMax) {
    const nodesWidened =
      sourceAddresses * Math.floor((portLast - controlPlaneEnd + 1) / connectionsPerNode(size));
    const fix =
      size.nodes <= nodesWidened
        ? widen
        : 'fewer nodes (--nodes), or more cores: each but one brings an address';
    return { ...check, verdict: 'fail', finding, nodesMax, fix };
  }
  if (size.ownControlPlane && ephemeral.first < controlPlaneEnd) {
    return {
      ...check,
      verdict: 'warn',
      finding: `source ports begin at ${countText(ephemeral.first)}, and the control plane listens below ${countText(controlPlaneEnd)}: a client may take the port of a component that restarts`,
      nodesMax,
      fix: widen,
    };
  }
  return { ...check, verdict: 'ok', finding, nodesMax };
}
