import { expect, test } from 'vitest';
import { createProgress } from '../../replication/progress.ts';

function record(isTTY: boolean) {
  const written: string[] = [];
  let time = 0;
  const stream = { isTTY, columns: 60, write: (text: string) => written.push(text) };
  return {
    written,
    progress: createProgress(stream, 'rows', () => time),
    wait: (ms: number) => (time += ms),
  };
}

test('a pipe gets plain lines, at most one a second', () => {
  const { written, progress, wait } = record(false);
  for (let done = 0; done <= 30; done += 1) {
    progress.update(done * 100, 3000);
    wait(100);
  }
  progress.end('done');
  expect(written).toEqual([
    'rows: 1,000 of 3,000 (33 %)\n',
    'rows: 2,000 of 3,000 (66 %)\n',
    'rows: 3,000 of 3,000 (100 %)\n',
    'done\n',
  ]);
});

test('a terminal gets one bar that is drawn anew, and lines above it', () => {
  const { written, progress, wait } = record(true);
  wait(100);
  progress.update(1500, 3000);
  progress.print('a bad row');
  progress.end();
  const bar = `rows ${'█'.repeat(12)}${'░'.repeat(12)} 50 %  1,500 of 3,000`;
  const clear = '\r\u001B[2K';
  expect(written).toEqual([clear + bar, `${clear}a bad row\n${bar}`, clear]);
});

test('a bar is never wider than the terminal', () => {
  const { written, progress, wait } = record(true);
  wait(100);
  progress.update(1_000_000_000, 3_000_000_000);
  expect(written[0]?.replace('\r\u001B[2K', '').length).toBeLessThan(60);
});

test('an unknown total is left out', () => {
  const { written, progress, wait } = record(false);
  wait(1000);
  progress.update(7);
  expect(written).toEqual(['rows: 7\n']);
});
