import { expect, test } from 'vitest';
import { createRuntimeClasses } from '../../../src/load/runtime-class.ts';
import { FakeClock } from './fake-clock.ts';
import { type Answer, FakeServer } from './fake-server.ts';

const classes = [{ name: 'hyper', handler: 'hyper', overhead: { cpu: '250m', memory: '160Mi' } }];
const context = { runId: 'run-3f9c', confined: true };
const name = 'hyper-3f9c';

const create = (answers: Record<string, Answer>): { done: Promise<void>; server: FakeServer } => {
  const clock = new FakeClock();
  const server = new FakeServer(clock);
  server.answer = ({ method }) => answers[method] ?? { status: 500 };
  return { done: clock.finish(createRuntimeClasses(server, classes, context)), server };
};
const labelled = (labels: object): Answer => ({ status: 200, object: { metadata: { name, labels } } });

test('a RuntimeClass is made by the name that is the run’s own', async () => {
  const { done, server } = create({ POST: { status: 201 } });
  await done;
  expect(server.seen).toMatchObject([{ method: 'POST', body: { metadata: { name } } }]);
});

test('one that this run has made already will do', async () => {
  const { done, server } = create({
    POST: { status: 409 },
    GET: labelled({ 'hollowmark.dev/run': 'run-3f9c' }),
  });
  await done;
  expect(server.seen.map(({ path }) => path.split('/').at(-1))).toEqual(['runtimeclasses', name]);
});

test.each<[Answer, string]>([
  [labelled({ 'hollowmark.dev/run': 'other-3f9c' }), 'there is one of that name, which is not of this run'],
  [labelled({}), 'there is one of that name, which is not of this run'],
  [{ status: 403 }, 'it is there, but: HTTP 403'],
])('one of others will not: %j', async (found, why) => {
  const { done } = create({ POST: { status: 409 }, GET: found });
  await expect(done).rejects.toMatchObject({
    code: 'cluster-unavailable',
    message: expect.stringContaining(`cannot create the RuntimeClass ${name}: ${why}`),
  });
});
