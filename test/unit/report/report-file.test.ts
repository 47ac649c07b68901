import { array, assert, constantFrom, property, string } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { distinct, fileWord } from '../../../src/report/report-file.ts';
import { hostileName } from './sample-result.ts';

describe('fileWord', () => {
  it('reads as the text did', () => {
    expect(fileWord('api-call: PATCH pods/status (resource, source=load)')).toBe(
      'api-call-PATCH-pods-status-resource-source-load',
    );
    expect(fileWord('pod-startup: kind=latency, class=stateless')).toBe(
      'pod-startup-kind-latency-class-stateless',
    );
  });

  it('is a name that is no path, is not hidden and is no flag, whatever the text', () => {
    const texts = [
      hostileName,
      '..',
      '.',
      '/',
      '',
      '-rf',
      '../../etc/passwd',
      'C:\\x',
      '~',
      'a'.repeat(5000),
    ];
    const check = (text: string): void => {
      const word = fileWord(text);
      expect(word).toMatch(/^[A-Za-z0-9_]([A-Za-z0-9._-]{0,98}[A-Za-z0-9_])?$/);
      expect(fileWord(word)).toBe(word);
    };
    for (const text of texts) check(text);
    assert(property(string({ unit: 'binary', maxLength: 200 }), check));
  });
});

describe('distinct', () => {
  it('leaves no two equal, also for file systems without case', () => {
    expect(distinct(['a', 'A', 'b', 'a-2', 'a'])).toEqual(['a', 'A-2', 'b', 'a-2-2', 'a-3']);
    assert(
      property(array(constantFrom('a', 'A', 'a-2', 'a-3', 'A-2', 'b')), (words) => {
        const names = distinct(words);
        expect(names).toHaveLength(words.length);
        expect(new Set(names.map((name) => name.toLowerCase())).size).toBe(words.length);
      }),
    );
  });
});
