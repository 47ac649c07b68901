/** What CI systems say about themselves in their variables. */
export type CiEnvironment = {
  job?: string | undefined;
  build?: string | undefined;
  /** The page of this build's artefacts. */
  artifactsUrl?: string | undefined;
};

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * GitHub Actions, GitLab, and those that have JOB_NAME with BUILD_ID or BUILD_NUMBER: Prow and Jenkins. Empty elsewhere.
 * Numbers are those that rise by time within a job, because dashboards sort by them.
 */
export function ciEnvironment(env: Environment): CiEnvironment {
  if (env['GITHUB_ACTIONS'] === 'true') {
    const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: repository, GITHUB_RUN_ID: run } = env;
    const known = server !== undefined && repository !== undefined && run !== undefined;
    return {
      job: env['GITHUB_WORKFLOW'],
      build: env['GITHUB_RUN_NUMBER'],
      artifactsUrl: known ? webAddress(`${server}/${repository}/actions/runs/${run}#artifacts`) : undefined,
    };
  }
  if (env['GITLAB_CI'] === 'true') {
    const { CI_JOB_URL: url } = env;
    return {
      job: env['CI_JOB_NAME'],
      build: env['CI_JOB_ID'],
      artifactsUrl: url === undefined ? undefined : webAddress(`${url}/artifacts/browse`),
    };
  }
  const { JOB_NAME: job, BUILD_ID: id, BUILD_NUMBER: number, BUILD_URL: url } = env;
  if (job === undefined || (id ?? number) === undefined) return {};
  return {
    job,
    build: id ?? number,
    artifactsUrl: url === undefined ? undefined : webAddress(`${url}artifact`),
  };
}

/** An address that a browser opens, or undefined. */
export function webAddress(text: string): string | undefined {
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  return url.protocol === 'https:' || url.protocol === 'http:' ? url.href : undefined;
}
