import { describe, expect, it } from 'vitest';
import { ciEnvironment, webAddress } from '../../../src/cli/ci-environment.ts';

describe('ciEnvironment', () => {
  it.each([
    [{}, {}],
    [{ JOB_NAME: 'nightly' }, {}],
    [
      {
        GITHUB_ACTIONS: 'true',
        GITHUB_WORKFLOW: 'Nightly scale',
        GITHUB_RUN_NUMBER: '42',
        GITHUB_RUN_ID: '99',
        GITHUB_SERVER_URL: 'https://git.example',
        GITHUB_REPOSITORY: 'a/b',
      },
      {
        job: 'Nightly scale',
        build: '42',
        artifactsUrl: 'https://git.example/a/b/actions/runs/99#artifacts',
      },
    ],
    [
      {
        GITLAB_CI: 'true',
        CI_JOB_NAME: 'nightly',
        CI_JOB_ID: '7',
        CI_JOB_URL: 'https://git.example/a/b/-/jobs/7',
      },
      { job: 'nightly', build: '7', artifactsUrl: 'https://git.example/a/b/-/jobs/7/artifacts/browse' },
    ],
    [
      {
        JOB_NAME: 'folder/nightly',
        BUILD_ID: '8',
        BUILD_NUMBER: '8',
        BUILD_URL: 'https://ci.example/job/nightly/8/',
      },
      { job: 'folder/nightly', build: '8', artifactsUrl: 'https://ci.example/job/nightly/8/artifact' },
    ],
    [
      { JOB_NAME: 'periodic', BUILD_ID: '1790000000000000000' },
      { job: 'periodic', build: '1790000000000000000' },
    ],
    [
      { JOB_NAME: 'nightly', BUILD_NUMBER: '3', BUILD_URL: 'javascript:alert(1)//' },
      { job: 'nightly', build: '3' },
    ],
  ])('of %j', (env, expected) => {
    // Fields that are undefined count as absent.
    expect(ciEnvironment(env)).toEqual(expected);
  });
});

describe('webAddress', () => {
  it.each(['javascript:0', 'file:///etc/passwd', 'ci.example', '', '//x'])('refuses %j', (text) => {
    expect(webAddress(text)).toBeUndefined();
  });
});
