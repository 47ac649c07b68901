import { createHash } from 'node:crypto';
import { copyFile, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommand } from '../../control-plane/sources/run-command.ts';
import { thisPlatform } from '../../control-plane/sources/platform.ts';

/** The image of pods that a real node runs: busybox with all its commands in PATH. Only on that node, never pulled. */
export const workImage = 'localhost/hollowmark/busybox:1';

/** The image of sandboxes, under a name as containerd's own default is. */
export const pauseImage = 'registry.k8s.io/pause:3.6';

export type ImageOptions = {
  env: NodeJS.ProcessEnv;
  signal: AbortSignal;
};

/** Writes {@link pauseImage} to `<dir>/pause.tar`. @returns its path. @throws Error of the file system or of tar. */
export async function writePauseImage(dir: string, pause: string, options: ImageOptions): Promise<string> {
  const root = join(dir, 'pause');
  await mkdir(root, { recursive: true });
  await copyFile(pause, join(root, 'pause'));
  return writeImage(root, pauseImage, { Entrypoint: ['/pause'] }, options);
}

/** Writes {@link workImage} to `<dir>/busybox.tar`. @returns its path. @throws Error of the file system or of tar. */
export async function writeWorkImage(dir: string, busybox: string, options: ImageOptions): Promise<string> {
  const root = join(dir, 'busybox');
  await mkdir(join(root, 'bin'), { recursive: true });
  await mkdir(join(root, 'tmp'), { mode: 0o1777 });
  await copyFile(busybox, join(root, 'bin', 'busybox'));
  const list = await runCommand({ program: busybox, args: ['--list'], cwd: dir, ...options });
  for (const name of list.trim().split('\n')) {
    if (name !== 'busybox') await symlink('busybox', join(root, 'bin', name));
  }
  return writeImage(root, workImage, { Cmd: ['sh'], Env: ['PATH=/bin'] }, options);
}

/**
 * Makes of a folder an image of one layer, as `docker save` writes it: the layer, the image's configuration, which names
 * the layer by its digest, and a manifest. The folder goes away.
 */
async function writeImage(
  root: string,
  name: string,
  config: Readonly<Record<string, readonly string[]>>,
  options: ImageOptions,
): Promise<string> {
  const parts = `${root}.parts`;
  await mkdir(parts);
  const layer = join(parts, 'layer.tar');
  await tar(layer, root, ['.'], options);
  const digest = createHash('sha256')
    .update(await readFile(layer))
    .digest('hex');
  const image = {
    architecture: thisPlatform.arch,
    os: 'linux',
    config,
    rootfs: { type: 'layers', diff_ids: [`sha256:${digest}`] },
  };
  const manifest = [{ Config: 'config.json', RepoTags: [name], Layers: ['layer.tar'] }];
  await writeFile(join(parts, 'config.json'), JSON.stringify(image));
  await writeFile(join(parts, 'manifest.json'), JSON.stringify(manifest));
  await tar(`${root}.tar`, parts, ['manifest.json', 'config.json', 'layer.tar'], options);
  for (const dir of [root, parts]) await rm(dir, { recursive: true });
  return `${root}.tar`;
}

/** The same bytes whenever and by whomever it is made. */
async function tar(
  path: string,
  dir: string,
  names: readonly string[],
  options: ImageOptions,
): Promise<void> {
  const reproducible = ['--sort=name', '--owner=0', '--group=0', '--numeric-owner', '--mtime=@0'];
  await runCommand({
    program: 'tar',
    args: [...reproducible, '-C', dir, '-cf', path, ...names],
    cwd: dir,
    ...options,
  });
}
