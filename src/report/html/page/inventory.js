// Nodes, workloads and pods: tables of them, and a dialog that leads from a node to its pods, from a pod to its
// workload, and back.
import { formatCount, formatDurationUs, formatElapsedMs } from '../../charts/format.js';
import { make, makeDataTable } from './tables.js';

export const inventory = JSON.parse(document.getElementById('inventory').textContent);

/** Where each node's pods begin in `inventory.pods`. */
const podsBegin = [];
inventory.nodes.kept.reduce((at, count) => {
  podsBegin.push(at);
  return at + count;
}, 0);

/** Rows of a dialog that a reader can take in. */
const podRowsMax = 500;

function stateOf(index) {
  return inventory.states[index];
}

function podName(pod) {
  const name = inventory.pods.name[pod];
  return name.startsWith('=') ? name.slice(1) : inventory.workloads.name[inventory.pods.workload[pod]] + name;
}

/** The node of a pod: the last one whose pods begin at it or before; nodes without pods begin where the next does. */
function nodeOfPod(pod) {
  let low = 0;
  let high = podsBegin.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (podsBegin[middle] <= pod) low = middle;
    else high = middle - 1;
  }
  return low;
}

function workloadName(index) {
  const { name, kind } = inventory.workloads;
  return name[index] === undefined ? 'unknown' : name[index] === '' ? `(${kind[index]})` : name[index];
}

function durationText(us) {
  return us === null ? '–' : formatDurationUs(us);
}

function countOf(count, one) {
  return `${formatCount(count)} ${one}${count === 1 ? '' : 's'}`;
}

const signs = {
  ready: '✓',
  started: '✓',
  'not-ready': '✕',
  failed: '✕',
  gone: '■',
  deleted: '■',
  pending: '…',
};

function stateBadge(index) {
  const state = stateOf(index);
  return make(
    'span',
    { className: `badge ${state}` },
    make('span', { ariaHidden: 'true' }, signs[state] ?? '•'),
    ` ${state}`,
  );
}

/** What a cell of a map of nodes says. */
export function describeNode(node) {
  const { name, state, lapses, total, failed, startupMaxUs } = inventory.nodes;
  return [
    name[node] ?? '',
    `${stateOf(state[node])}, ${countOf(lapses[node], 'lapse')}`,
    `${countOf(total[node], 'pod')}, ${formatCount(failed[node])} failed`,
    `slowest startup ${durationText(startupMaxUs[node])}`,
  ];
}

function link(text, action) {
  const button = make('button', { type: 'button', className: 'link' }, text);
  button.addEventListener('click', action);
  return button;
}

function tallyColumns(of) {
  const count = (list) => ({ key: (index) => list[index], cell: (index) => formatCount(list[index]) });
  const duration = (list) => ({
    key: (index) => list[index] ?? -1,
    cell: (index) => durationText(list[index]),
  });
  return [
    ...[of.total, of.started, of.failed, of.deleted].map(count),
    ...[of.startupMeanUs, of.startupMaxUs].map(duration),
  ];
}

/** All indexes, ordered by several figures of each, the largest first. */
function worstFirst(count, ...figures) {
  return Array.from({ length: count }, (_, index) => index).sort((a, b) => {
    for (const figure of figures) {
      const difference = figure(b) - figure(a);
      if (difference !== 0) return difference;
    }
    return 0;
  });
}

function setUpNodes(table) {
  const { nodes } = inventory;
  const rank = { 'not-ready': 2, gone: 1, ready: 0 };
  const columns = [
    {
      key: (node) => nodes.name[node].toLowerCase(),
      cell: (node) => link(nodes.name[node], () => openNode(node)),
    },
    { key: (node) => stateOf(nodes.state[node]), cell: (node) => stateBadge(nodes.state[node]) },
    { key: (node) => nodes.lapses[node], cell: (node) => formatCount(nodes.lapses[node]) },
    {
      key: (node) => nodes.readyAtMs[node] ?? Number.MAX_VALUE,
      cell: (node) => (nodes.readyAtMs[node] === null ? 'never' : formatElapsedMs(nodes.readyAtMs[node])),
    },
    ...tallyColumns(nodes),
  ];
  const order = worstFirst(
    nodes.name.length,
    (node) => rank[stateOf(nodes.state[node])],
    (node) => nodes.lapses[node],
    (node) => nodes.failed[node],
    (node) => nodes.startupMaxUs[node] ?? 0,
  );
  makeDataTable(table, columns, order, (node) =>
    `${nodes.name[node]} ${stateOf(nodes.state[node])}`.toLowerCase(),
  );
}

function setUpWorkloads(table) {
  const { workloads } = inventory;
  const columns = [
    {
      key: (index) => workloads.name[index].toLowerCase(),
      cell: (index) => link(workloadName(index), () => openWorkload(index)),
    },
    ...[workloads.kind, workloads.namespace].map((list) => ({
      key: (index) => list[index].toLowerCase(),
      cell: (index) => list[index],
    })),
    ...tallyColumns(workloads),
  ];
  const order = worstFirst(
    workloads.name.length,
    (index) => workloads.failed[index],
    (index) => workloads.startupMaxUs[index] ?? 0,
  );
  const text = (index) => `${workloads.name[index]} ${workloads.kind[index]} ${workloads.namespace[index]}`;
  makeDataTable(table, columns, order, (index) => text(index).toLowerCase());
}

// The dialog. What was open before is remembered, for the way back.
const dialog = document.getElementById('detail');
const trail = [];

export function openNode(node) {
  const { nodes } = inventory;
  const pods = Array.from({ length: nodes.kept[node] }, (_, at) => podsBegin[node] + at);
  open({
    title: nodes.name[node],
    kind: 'Node',
    rows: [
      ['At the end', stateBadge(nodes.state[node])],
      ['First Ready', nodes.readyAtMs[node] === null ? 'never' : formatElapsedMs(nodes.readyAtMs[node])],
      ['Ceased to be Ready', `${formatCount(nodes.lapses[node])} ×`],
      ...tallyRows(nodes, node),
    ],
    content: podTable(pods, nodes.total[node], 'Workload', (pod) => {
      const workload = inventory.pods.workload[pod];
      return link(workloadName(workload), () => openWorkload(workload));
    }),
  });
}

function openWorkload(workload) {
  const { workloads, pods } = inventory;
  const own = worstFirst(pods.workload.length, (pod) => pods.startupUs[pod] ?? 0).filter(
    (pod) => pods.workload[pod] === workload,
  );
  open({
    title: workloadName(workload),
    kind: 'Workload',
    rows: [
      ['Kind', workloads.kind[workload] ?? ''],
      ['Namespace', workloads.namespace[workload] ?? ''],
      ...tallyRows(workloads, workload),
    ],
    content: podTable(own, workloads.total[workload], 'Node', (pod) => {
      const node = nodeOfPod(pod);
      return link(inventory.nodes.name[node], () => openNode(node));
    }),
  });
}

function tallyRows(of, index) {
  const count = (list) => formatCount(list[index]);
  return [
    [
      'Pods',
      `${count(of.total)}: ${count(of.started)} started, ${count(of.failed)} failed, ${count(of.deleted)} deleted`,
    ],
    [
      'Startup',
      `${durationText(of.startupMeanUs[index])} on average, ${durationText(of.startupMaxUs[index])} the longest`,
    ],
  ];
}

/** Pods with a bar for their startup; `leadsTo` is the cell that leads on. */
function podTable(pods, total, heading, leadsTo) {
  if (pods.length === 0) return make('p', { className: 'empty' }, 'No pod of it was kept.');
  const { startupUs, state } = inventory.pods;
  const longest = pods.reduce((most, pod) => Math.max(most, startupUs[pod] ?? 0), 1);
  const rows = pods.slice(0, podRowsMax).map((pod) => {
    const bar = make('span', {});
    bar.style.width = `${(((startupUs[pod] ?? 0) / longest) * 100).toFixed(1)}%`;
    const share = make('span', { className: 'share', ariaHidden: 'true' }, bar);
    return make(
      'tr',
      {},
      make('th', { scope: 'row', className: 'name' }, podName(pod)),
      make('td', {}, leadsTo(pod)),
      make('td', {}, stateBadge(state[pod])),
      make('td', { className: 'number' }, share, durationText(startupUs[pod])),
    );
  });
  const head = ['Pod', heading, 'State', 'Startup'].map((text, at) =>
    make('th', { scope: 'col', className: at === 3 ? 'number' : '' }, text),
  );
  const table = make('table', {}, make('thead', {}, make('tr', {}, ...head)), make('tbody', {}, ...rows));
  const shown = Math.min(pods.length, podRowsMax);
  const kept =
    shown < total
      ? `The ${formatCount(shown)} slowest that were kept of ${formatCount(total)} pods.`
      : `All ${formatCount(total)}, slowest first.`;
  return make('div', {}, make('p', { className: 'lead' }, kept), make('div', { className: 'scroll' }, table));
}

function open(view) {
  trail.push(view);
  showView(view);
  if (!dialog.open) dialog.showModal();
}

function showView({ title, kind, rows, content }) {
  dialog.querySelector('h2').replaceChildren(make('span', { className: 'muted' }, `${kind} `), title);
  dialog.querySelector('.back').hidden = trail.length < 2;
  const facts = rows.map(([name, value]) => make('div', {}, make('dt', {}, name), make('dd', {}, value)));
  dialog.querySelector('.content').replaceChildren(make('dl', { className: 'facts' }, ...facts), content);
  dialog.querySelector('.content').scrollTop = 0;
  dialog.querySelector('h2').focus();
}

export function setUpInventory() {
  for (const [kind, setUp] of Object.entries({ nodes: setUpNodes, workloads: setUpWorkloads })) {
    const table = document.querySelector(`table[data-rows="${kind}"]`);
    if (table) setUp(table);
  }
  // Nodes that are named elsewhere in the page lead to their pods too.
  const indexes = new Map(inventory.nodes.name.map((name, node) => [name, node]));
  for (const element of document.querySelectorAll('[data-node]')) {
    const node = indexes.get(element.dataset.node);
    if (node !== undefined) element.replaceChildren(link(element.textContent, () => openNode(node)));
  }
  dialog.querySelector('.close').addEventListener('click', () => dialog.close());
  dialog.querySelector('.back').addEventListener('click', () => {
    trail.pop();
    showView(trail.at(-1));
  });
  dialog.addEventListener('close', () => (trail.length = 0));
  // A click beside the dialog is one on its backdrop, which belongs to it.
  dialog.addEventListener('click', (event) => {
    if (event.target === dialog) dialog.close();
  });
}
