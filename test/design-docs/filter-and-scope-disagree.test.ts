import { describe, expect, test } from 'vitest';
import { designFunction } from './design-function.ts';

const byCenter = await designFunction('center', ['filters', 'by_center']);
const passes = (id: string, query: object) => byCenter({ _id: id }, { query });

describe('filter center/by_center', () => {
  test.each([
    ['common:subject:SCI', { center: 'LAG-1' }, true],
    ['common:subject:SCI', {}, true],
    ['center-LAG-1:session:S1', { center: 'LAG-1' }, true],
    ['center-LAG-10:session:S1', { center: 'LAG-1' }, false],
    ['center-LAG-1:session:S1', { center: 'LAG-10' }, false],
    ['center-LAG-1:session:S1', {}, false],
    ['center-undefined:session:S1', {}, false],
    ['test-T1:question:Q1', { center: 'LAG-1', tests: 'T1' }, true],
    ['test-T10:question:Q1', { center: 'LAG-1', tests: 'T1' }, false],
    ['test-T1:question:Q1', { center: 'LAG-1', tests: 'T10,T2' }, false],
    ['test-T2:question:Q1', { center: 'LAG-1', tests: 'T10,T2' }, true],
    ['test-T1:question:Q1', { center: 'LAG-1' }, false],
    ['test-:question:Q1', { center: 'LAG-1', tests: '' }, false],
    ['test-T2:question:Q1', { center: 'LAG-1', tests: ['T10', 'T2'] }, true],
    ['center-42:session:S1', { center: 42 }, true],
    ['test-12:question:Q1', { center: 42, tests: 12 }, true],
    ['test-1:question:Q1', { center: 42, tests: 12 }, false],
    ['_design/center', { center: 'LAG-1' }, false],
    ['center-LAG-1', { center: 'LAG-1' }, false],
    ['center-LAG-1:session', { center: 'LAG-1' }, false],
    ['common', { center: 'LAG-1' }, false],
    ['other:thing:1', { center: 'LAG-1', tests: 'T1' }, false],
  ])('%s with %j: %s', (id, query, expected) => {
    expect(passes(id, query)).toBe(expected);
  });

  test('a tombstone, which has only its id, passes like the document', () => {
    expect(byCenter({ _id: 'test-T1:question:Q1', _deleted: true }, { query: { tests: 'T1' } })).toBe(true);
  });
});
