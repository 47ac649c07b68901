import { describe, expect, it } from 'vitest';
import { renderChecks } from '../../../src/cli/doctor-table.ts';
import { judgeAll } from '../../../src/preflight/preflight.ts';
import { laptop, mac, offline, server, size, smallContainer, tools } from '../preflight/machines.ts';

const plain = { color: false, columns: 100 };

describe('the table of doctor', () => {
  it('shows a machine that is fit', () => {
    expect(
      `\n${renderChecks(judgeAll(laptop(), tools(), size(100)), size(100), plain).join('\n')}\n`,
    ).toMatchInlineSnapshot(`
      "
      For 100 nodes with 1,000 pods:

      ✓ Node.js        v22.11.0
      ✓ CPU            2 cores, 3 % busy; nodes Ready in about 4 s, up to 58 pods/s            2,300 nodes
      ✓ Memory         6 GB available of 8 GB; about 1.41 GB needed                              980 nodes
      ✓ Open files     1,048,576 a process; 100 nodes need 300                               520,000 nodes
      ✓ Ports          28,232 source ports; 100 nodes need 200                                14,000 nodes
      ✓ Threads        31,000 for this user; about 56 are needed
      ✓ Disk: state    100 GB free in /state; about 279 MB needed                            190,000 nodes
      ✓ Disk: reports  100 GB free in /reports
      ✓ Clock          tsc, synchronised
      ✓ Processes      CPU and memory can be read, priorities set
      ✓ Disk: cache    100 GB free in /cache
      ✓ Control plane  v1.36.3 (cache (a test))
      ✓ Go             1.26.8
      ✓ Browser        /usr/bin/firefox

      enough for about 980 nodes (limited by memory)
      "
    `);
  });

  it('shows what is wrong, what is not known, and what mends it', () => {
    const checks = judgeAll(smallContainer(), offline({ browser: undefined }), size(500));
    expect(`\n${renderChecks(checks, size(500), plain).join('\n')}\n`).toMatchInlineSnapshot(`
      "
      For 500 nodes with 5,000 pods:

      ✓ Node.js        v22.11.0
      ! CPU            0.5 of 8 cores (cgroup quota), 2 % busy; 500 idle nodes alone take 54     450 nodes
                       %: figures will be those of a full machine
          → fewer nodes (--nodes), or a machine with more cores
      ! Memory         450 MB available of 512 MB (cgroup limit); about 3.85 GB needed,            0 nodes
                       /state included, which lies in memory: the kernel would kill
                       processes
          → fewer nodes or pods (--nodes), or a higher memory limit of the container
      ✕ Open files     1,024 a process; 500 nodes need 1,100                                     460 nodes
          → sudo prlimit --pid $$ --nofile=65536:65536
      ✓ Ports          28,232 source ports; 500 nodes need 1,000                              14,000 nodes
      ✕ Threads        44 left in the cgroup (pids.max); about 104 are needed
          → docker run --pids-limit=-1 …   # or TasksMax=infinity of the systemd unit
      ✕ Disk: state    64 MB free in /state, and at least 250 MB are needed
          → export TMPDIR=/var/tmp
      ✓ Disk: reports  100 GB free in /reports
      ✓ Clock          tsc, synchronised
      ✓ Processes      CPU and memory can be read, priorities set
      ✓ Disk: cache    100 GB free in /cache
      ! Control plane  no binaries of v1.36.3 on this machine: the first run builds them,
                       about 5 minutes on two cores
          → npx hollowmark control-plane install --kubernetes-version v1.36.3
      ! Release site   https://dl.k8s.io: no connection
          → npx hollowmark control-plane install --release-url <a mirror>
      ! Go             1.26.8; the build needs 2.3 GB of memory, and 450 MB are available
          → build elsewhere and copy the cache folder here
      ! Browser        none in PATH: reports can be made here, and looked at elsewhere
          → sudo apt-get install -y chromium

      3 checks failed; not enough for one node (limited by memory)
      "
    `);
  });

  it.each([smallContainer, mac, laptop, server])('fits its columns: %o', (machine) => {
    const checks = judgeAll(machine(), offline({ browser: undefined }), size(40_000));
    for (const columns of [100, 80]) {
      const lines = renderChecks(checks, size(40_000), { color: false, columns });
      const long = lines.filter((line) => line.length > columns && !line.includes('→'));
      expect(long).toEqual([]);
      if (columns === 100) expect(lines.filter((line) => line.length > columns)).toEqual([]);
    }
  });

  it('has colours only where they are asked for, and then changes nothing else', () => {
    const checks = judgeAll(smallContainer(), tools(), size(500));
    const colourless = renderChecks(checks, size(500), plain);
    const coloured = renderChecks(checks, size(500), { ...plain, color: true });
    expect(colourless.join('')).not.toContain('\u001b');
    expect(coloured.join('')).toContain('\u001b[31m✕');
    // oxlint-disable-next-line no-control-regex -- colours are control characters
    expect(coloured.map((line) => line.replace(/\u001b\[\d+m/g, ''))).toEqual(colourless);
  });

  it('lets no name from the machine move the cursor', () => {
    const facts = laptop({ reniceFault: 'no\u001b[2J\nway' });
    expect(renderChecks(judgeAll(facts, tools(), size(1)), size(1), plain).join('')).not.toContain('\u001b');
  });
});
