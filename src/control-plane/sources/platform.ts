/** Operating system and architecture in Go's words, as release sites spell them. */
export type Platform = { os: string; arch: string };

const archNames: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386', ppc64: 'ppc64le' };

/** The machine that this runs on. */
export const thisPlatform: Platform = {
  os: process.platform === 'win32' ? 'windows' : process.platform,
  arch: archNames[process.arch] ?? process.arch,
};
