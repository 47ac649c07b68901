// Tables that sort and filter, and the making of elements. Text always becomes text, never markup.
import { formatCount } from '../../charts/format.js';

/** An element with properties and children; children that are text become text. */
export function make(tag, properties, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  if (properties.role) element.setAttribute('role', properties.role);
  element.append(...children);
  return element;
}

function sortKey(cell) {
  const given = cell.dataset.sort;
  return given === undefined ? cell.textContent.trim().toLowerCase() : Number(given);
}

/** Numbers as numbers, text as people sort it: node-9 before node-10. */
function compareKeys(a, b) {
  return typeof a === 'number' && typeof b === 'number'
    ? a - b
    : String(a).localeCompare(String(b), undefined, { numeric: true });
}

function sortTable(table, column, descending) {
  const body = table.tBodies[0];
  const keyed = [...body.rows].map((row) => ({ row, key: sortKey(row.cells[column]) }));
  keyed.sort((a, b) => (descending ? compareKeys(b.key, a.key) : compareKeys(a.key, b.key)));
  body.append(...keyed.map((each) => each.row));
}

/** Makes a button of each heading; `sort` is told the column and the direction. */
function makeSortable(table, sort) {
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    const button = make('button', { type: 'button', className: 'sort' }, ...head.childNodes);
    head.append(button);
    button.addEventListener('click', () => {
      const before = head.getAttribute('aria-sort');
      // Figures are looked at from the largest down, names from A.
      const descending = before ? before === 'ascending' : head.classList.contains('number');
      for (const other of table.tHead.rows[0].cells) other.removeAttribute('aria-sort');
      head.setAttribute('aria-sort', descending ? 'descending' : 'ascending');
      sort(column, descending);
    });
  });
}

/** Whether a text has all words of a query. */
function matcher(query) {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  return words.length === 0 ? undefined : (text) => words.every((word) => text.includes(word));
}

function makeSearchable(input, table) {
  const rows = [...table.tBodies[0].rows];
  // A line a cell, so that no word is found that begins in one and ends in the next.
  const texts = rows.map((row) => [...row.cells].map((cell) => cell.textContent.toLowerCase()).join('\n'));
  const output = input.parentElement.querySelector('output');
  input.addEventListener('input', () => {
    const matches = matcher(input.value);
    let shown = 0;
    rows.forEach((row, index) => {
      row.hidden = matches !== undefined && !matches(texts[index]);
      if (!row.hidden) shown++;
    });
    output.textContent = matches === undefined ? '' : `${shown} of ${rows.length}`;
  });
}

/** Rows that are made at once; more come when they are asked for. */
const rowsAtFirst = 50;
const rowsAtOnce = 500;

/**
 * A table whose rows are made from data: thousands of them cost nothing before they are seen.
 *
 * @param columns `{ key(index), cell(index) }` for each: what it sorts by, and the content of the cell
 * @param order all indexes in the order in which they are shown at first
 * @param searched the text of an index that a query must be found in, in lower case
 */
export function makeDataTable(table, columns, order, searched) {
  const body = table.tBodies[0];
  const input = document.querySelector(`input[data-search="${table.id}"]`);
  const output = input.parentElement.querySelector('output');
  const heads = [...table.tHead.rows[0].cells];
  const more = make('button', { type: 'button', className: 'plain more' });
  table.parentElement.after(more);
  let sorted = order;
  let limit = rowsAtFirst;
  const show = () => {
    const matches = matcher(input.value);
    const found = matches === undefined ? sorted : sorted.filter((index) => matches(searched(index)));
    body.replaceChildren(...found.slice(0, limit).map(row));
    output.textContent =
      matches === undefined ? '' : `${formatCount(found.length)} of ${formatCount(order.length)}`;
    more.hidden = found.length <= limit;
    more.textContent = `Show ${formatCount(Math.min(rowsAtOnce, found.length - limit))} more of ${formatCount(found.length)}`;
  };
  const row = (index) =>
    make(
      'tr',
      {},
      ...columns.map(({ cell }, at) =>
        at === 0
          ? make('th', { scope: 'row' }, cell(index))
          : make('td', { className: heads[at].className }, cell(index)),
      ),
    );
  more.addEventListener('click', () => {
    const from = limit;
    limit += rowsAtOnce;
    show();
    body.rows[from]?.querySelector('button')?.focus();
  });
  input.addEventListener('input', () => {
    limit = rowsAtFirst;
    show();
  });
  makeSortable(table, (column, descending) => {
    const { key } = columns[column];
    const keyed = order.map((index) => ({ index, key: key(index) }));
    keyed.sort((a, b) => (descending ? compareKeys(b.key, a.key) : compareKeys(a.key, b.key)));
    sorted = keyed.map((each) => each.index);
    limit = rowsAtFirst;
    show();
  });
  show();
}

export function setUpTables() {
  for (const table of document.querySelectorAll('table[data-sortable]:not([data-rows])')) {
    makeSortable(table, (column, descending) => sortTable(table, column, descending));
  }
  for (const input of document.querySelectorAll('input[data-search]')) {
    const table = document.getElementById(input.dataset.search);
    if (!table.dataset.rows) makeSearchable(input, table);
  }
}
