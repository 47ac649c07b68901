import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The folder that holds package.json: the parent of `src/` in tests and of `dist/` when built. */
export const packageRoot: string = fileURLToPath(new URL('../../', import.meta.url));

/** The tool's own name and version, as in package.json. */
export const tool: { name: string; version: string } = (() => {
  const parsed = JSON.parse(readFileSync(`${packageRoot}package.json`, 'utf8')) as {
    name: string;
    version: string;
  };
  return { name: parsed.name, version: parsed.version };
})();
