import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, cp, mkdir, readdir, stat, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Exit, ROOT, runScript } from '../harness/child.ts';
import { startServer } from '../harness/server.ts';
import { tempFolder } from '../harness/temp-folder.ts';

const run = (args: string[], env: Record<string, string>): Promise<Exit> =>
  runScript('server/main.ts', args, { env });

describe('a start that fails says why in one line and exits 1', () => {
  test('two servers, one folder', async () => {
    await using server = await startServer();
    const { code, stderr, stdout } = await run(['start'], { DATA_DIR: server.dataDir, PORT: '0' });
    expect(code).toBe(1);
    expect(stderr).toBe(`cbt-server: DATA_DIR ${server.dataDir} is in use by another process\n`);
    expect(stdout).toBe('');
    expect((await fetch(`${server.url}/health/ready`)).status).toBe(200);
  });

  test('port taken', async () => {
    const other = createServer();
    await once(other.listen(0, '127.0.0.1'), 'listening');
    const { port } = other.address() as AddressInfo;
    await using folder = await tempFolder();
    const { code, stderr } = await run([], { DATA_DIR: folder.path, PORT: String(port), HOST: '127.0.0.1' });
    expect(code).toBe(1);
    expect(stderr).toBe(`cbt-server: port ${port} is taken by another process\n`);
    expect(await readdir(folder.path)).not.toContain('running.json');
    other.close();
  });

  test('a bad configuration lists all that is wrong', async () => {
    const { code, stderr } = await run([], {
      PORT: '70000',
      ADMIN_TOKEN: 'short',
      HUB_URL: 'cbt',
      LOG_LEVEL: 'loud',
    });
    expect(code).toBe(1);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    for (const name of ['PORT', 'ADMIN_TOKEN', 'HUB_URL', 'LOG_LEVEL']) expect(stderr).toContain(name);
    expect(stderr).not.toContain('short ');
  });

  test('DATA_DIR is a file', async () => {
    await using folder = await tempFolder();
    const file = join(folder.path, 'file');
    await writeFile(file, '');
    const { code, stderr } = await run([], { DATA_DIR: file, PORT: '0' });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^cbt-server: DATA_DIR .*file cannot be opened: EEXIST.*\n$/);
  });

  test('DATA_DIR holds something else by the name of its database', async () => {
    await using folder = await tempFolder();
    await writeFile(join(folder.path, 'control'), '');
    const { code, stderr } = await run([], { DATA_DIR: folder.path, PORT: '0' });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^cbt-server: DATA_DIR .* cannot be opened: (?!Database failed).*\n$/);
  });

  test('a hub that does not answer', async () => {
    await using folder = await tempFolder();
    const env = { DATA_DIR: folder.path, PORT: '0', HUB_URL: 'http://admin:hidden@127.0.0.1:1/cbt' };
    const { code, stderr } = await run([], env);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^cbt-server: .*\n$/);
    expect(stderr).not.toContain('hidden');
  });

  test('a hub that refuses', async () => {
    await using server = await startServer();
    await using folder = await tempFolder();
    const env = { DATA_DIR: folder.path, PORT: '0', HUB_URL: `${server.url}/couch/cbt` };
    const { code, stderr } = await run([], env);
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^cbt-server: the CouchDB database at HUB_URL cannot be used: .*administrators\n$/,
    );
  });
});

describe('exit codes and help', () => {
  test.each([
    [['--help'], 0],
    [['help', 'center'], 0],
    [['center', 'add', '--help'], 0],
    [['import', '--help'], 0],
    [['nothing'], 2],
    [['center'], 2],
    [['center', 'nothing'], 2],
    [['center', 'add'], 2],
    [['center', 'add', 'LAG-1', '--seats', 'many'], 2],
    [['center', 'list', '--nothing'], 2],
  ])('%j exits %i', async (args, expected) => {
    const { code, stdout, stderr } = await run(args, { DATA_DIR: '/nonexistent' });
    expect(code).toBe(expected);
    expect(expected === 0 ? stdout : stderr).not.toBe('');
  });
});

test('a name that is no command is called so', async () => {
  const { stderr } = await run(['centre', 'list'], { DATA_DIR: '/nonexistent' });
  expect(stderr).toBe("error: unknown command 'centre'\n");
});

describe('the command cbt-server', () => {
  const call = async (file: string, args: string[]) => {
    const child = spawn(file, args, { cwd: '/' });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (text) => {
        output += text;
      });
    const [code] = await once(child, 'close');
    return { code, output };
  };

  test('finds its files through links, from anywhere', async () => {
    await using folder = await tempFolder();
    await mkdir(join(folder.path, 'a b'));
    await symlink(join(ROOT, 'server/cbt-server'), join(folder.path, 'a b/first'));
    await symlink('a b/first', join(folder.path, 'second'));
    const { code, output } = await call(join(folder.path, 'second'), ['--help']);
    expect(output).toContain('Usage: cbt-server');
    expect(code).toBe(0);
  });

  test('says what to do when the packages are missing', async () => {
    await using folder = await tempFolder();
    await mkdir(join(folder.path, 'server'));
    const file = join(folder.path, 'server/cbt-server');
    await cp(join(ROOT, 'server/cbt-server'), file);
    await chmod(file, 0o755);
    const { code, output } = await call(file, []);
    expect(code).toBe(1);
    expect(output).toMatch(/^cbt-server: .*node_modules\/.bin\/node is missing: run 'npm ci' in .*\n$/);
    expect((await stat(file)).mode & 0o111).not.toBe(0);
  });
});
