// Nodes and the pods of one, asked for by their names.
import { formatCount } from '../../report/charts/format.js';
import { badge, byId, fill, setUpPager } from './live-tables.js';

/**
 * @param ask takes an address; gives its answer, or nothing just now
 * @returns what asks again for that which is shown
 */
export function setUpNodes(ask) {
  let nodeName = '';
  const pods = setUpPager(
    'pod-pages',
    (offset) => ask(`/api/node?${new URLSearchParams({ name: nodeName, offset: String(offset) })}`),
    (rows) =>
      fill(
        'pod-table',
        rows.map(({ namespace, name, kind, workload, state }) => [
          `${namespace}/${name}`,
          `${kind} ${workload}`,
          state,
        ]),
      ),
  );

  async function openNode(name) {
    nodeName = name;
    byId('node-detail').hidden = false;
    byId('node-name').textContent = name;
    await pods.show(0);
    byId('node-name').focus();
  }

  function opener(name) {
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'plain';
    button.textContent = name;
    button.addEventListener('click', () => void openNode(name));
    return button;
  }

  const filter = byId('node-filter');
  const wanted = () => Object.fromEntries(new FormData(filter));
  /** What somebody is still typing is not asked for yet. */
  let { q, state } = wanted();
  const nodes = setUpPager(
    'node-pages',
    (offset) => ask(`/api/nodes?${new URLSearchParams({ q, state, offset: String(offset) })}`),
    (rows) =>
      fill(
        'node-table',
        rows.map(({ name, ready, lapses, pods: podCount }) => [
          opener(name),
          badge(ready ? 'Ready' : 'not Ready', ready ? 'pass' : 'fail'),
          formatCount(podCount),
          formatCount(lapses),
        ]),
      ),
  );
  filter.addEventListener('submit', (event) => {
    event.preventDefault();
    ({ q, state } = wanted());
    void nodes.show(0);
  });

  return () => {
    nodes.refresh();
    if (nodeName !== '') pods.refresh();
  };
}
