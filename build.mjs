// Compiles src/ to dist/ and copies the data files that code reads at run time (JSON, HTML parts, CSS).
// dist/ is replaced in one step so that a run in progress elsewhere never sees half a build.
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, renameSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('.', import.meta.url));
const staging = `${root}dist.${process.pid}`;
const previous = `${root}dist.old.${process.pid}`;
const tsc = fileURLToPath(new URL('node_modules/typescript/bin/tsc', import.meta.url));
const compiled = spawnSync(process.execPath, [tsc, '-p', 'tsconfig.build.json', '--outDir', staging], {
  cwd: root,
  stdio: 'inherit',
});
if (compiled.status !== 0) {
  rmSync(staging, { recursive: true, force: true });
  process.exit(compiled.status ?? 1);
}
cpSync(`${root}src`, staging, {
  recursive: true,
  // Go modules are built from src/, where the package has them.
  filter: (path) => !path.endsWith('.ts') && !/control-plane\/binary|fidelity\/peers\/go/.test(path),
});
for (const name of ['hollowmark', 'main.js']) chmodSync(`${staging}/cli/${name}`, 0o755);
try {
  renameSync(`${root}dist`, previous);
} catch (error) {
  if (error.code !== 'ENOENT') throw error;
}
renameSync(staging, `${root}dist`);
rmSync(previous, { recursive: true, force: true });
