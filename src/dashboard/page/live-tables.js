// Tables of the live page. They are filled again and again, while somebody reads them, points at them, or goes through them
// by keys: what is as it was stays in its place.
import { formatCount } from '../../report/charts/format.js';

const rowsPerPage = 200;

export const byId = (id) => document.getElementById(id);

export function badge(text, kind) {
  const span = document.createElement('span');
  span.className = `badge ${kind}`;
  span.textContent = text;
  return span;
}

function cell(content, isNumber) {
  const td = document.createElement('td');
  if (isNumber) td.className = 'number';
  td.append(content);
  return td;
}

/** Fills a table's body. A row is a list of texts or elements; which columns are figures says its head. */
export function fill(id, rows) {
  const table = byId(id);
  const [body] = table.tBodies;
  const heads = [...table.tHead.rows[0].cells];
  const focused = body.contains(document.activeElement) ? document.activeElement.textContent : undefined;
  for (const [nth, row] of rows.entries()) {
    const tr = body.rows[nth] ?? body.insertRow();
    for (const [index, content] of row.entries()) {
      const old = tr.cells[index];
      if (old?.textContent === (content.textContent ?? content)) continue;
      const td = cell(content, heads[index].classList.contains('number'));
      if (old === undefined) tr.append(td);
      else old.replaceWith(td);
    }
  }
  while (body.rows.length > rows.length) body.deleteRow(-1);
  if (focused === undefined || body.contains(document.activeElement)) return;
  // What had the focus is in another row now, or gone.
  const again = [...body.querySelectorAll('button')].find(({ textContent }) => textContent === focused);
  (again ?? table.parentElement).focus({ preventScroll: true });
}

/**
 * Pages through an answer's rows.
 * @param load takes an offset; gives how many rows there are in all and those from there, or nothing just now
 * @param showRows shows them
 */
export function setUpPager(id, load, showRows) {
  const pager = byId(id);
  const [before, next] = pager.querySelectorAll('button');
  const output = pager.querySelector('output');
  let offset = 0;
  let asked = 0;
  let answered = 0;
  const say = (text) => {
    // It is read out when it changes.
    if (output.textContent !== text) output.textContent = text;
  };
  const show = async (to, isAgain = false) => {
    const nth = ++asked;
    const answer = await load(to);
    // Something else of it has been asked for meanwhile.
    if (nth !== asked) return;
    answered = nth;
    if (!answer) {
      // What is shown stays when nobody has asked for it.
      if (!isAgain) say('no answer just now');
      return;
    }
    const { total, rows } = answer;
    if (to > 0 && to >= total) {
      await show(Math.max(0, Math.ceil(total / rowsPerPage) - 1) * rowsPerPage);
      return;
    }
    offset = to;
    showRows(rows);
    const last = Math.min(total, offset + rowsPerPage);
    say(total === 0 ? 'none' : `${formatCount(offset + 1)} to ${formatCount(last)} of ${formatCount(total)}`);
    before.disabled = offset === 0;
    next.disabled = last >= total;
  };
  for (const button of [before, next]) {
    button.addEventListener('click', () => {
      void show(Math.max(0, offset + Number(button.dataset.step) * rowsPerPage));
    });
  }
  return {
    show,
    /** The same rows as they are now; what somebody has asked for comes first. */
    refresh: () => {
      if (asked === answered) void show(offset, true);
    },
  };
}
