import { execFileSync } from 'node:child_process';
import { rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { tempFolder } from './temp-folder.ts';

/** A disk of its own, so small that a test can fill it. */
export interface SmallDisk extends AsyncDisposable {
  readonly path: string;
  /** Fills it to the last byte. */
  fill(): Promise<void>;
  /** Of so many megabytes, or of all that was filled. */
  makeRoom(megabytes?: number): Promise<void>;
}

/** Mounts a disk; needs root on Linux. */
export async function smallDisk(megabytes: number): Promise<SmallDisk> {
  await using opening = new AsyncDisposableStack();
  const folder = opening.use(await tempFolder('cbt-disk'));
  opening.defer(mount(folder.path, megabytes));
  const opened = opening.move();
  const filler = join(folder.path, 'filler');
  return {
    path: folder.path,
    async fill() {
      for (let chunk = 1 << 20; chunk > 0; chunk >>= 1) {
        const bytes = new Uint8Array(chunk);
        while (await append(filler, bytes));
      }
    },
    async makeRoom(ofMegabytes) {
      if (ofMegabytes === undefined) return rm(filler);
      const { size } = await stat(filler);
      await truncate(filler, size - (ofMegabytes << 20));
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

/** @returns how to unmount it. */
function mount(path: string, megabytes: number): () => void {
  if (process.platform === 'darwin') {
    const image = `${path}.dmg`;
    execFileSync('hdiutil', ['create', '-size', `${megabytes}m`, '-fs', 'HFS+', '-volname', 'cbt', image]);
    execFileSync('hdiutil', ['attach', image, '-mountpoint', path, '-nobrowse']);
    return () => {
      execFileSync('hdiutil', ['detach', path, '-force']);
      execFileSync('rm', [image]);
    };
  }
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', path]);
  return () => void execFileSync('umount', ['--lazy', path]);
}

async function append(file: string, bytes: Uint8Array<ArrayBuffer>): Promise<boolean> {
  try {
    await writeFile(file, bytes, { flag: 'a' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOSPC') return false;
    throw error;
  }
}
