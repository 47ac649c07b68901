// The page's own behaviour. It stands after format.js and hydrate.js in one function, with Chart.js before it.
const root = document.documentElement;
const systemDark = matchMedia('(prefers-color-scheme: dark)');
const specs = JSON.parse(document.getElementById('charts').textContent);
const drawn = new Map();

function isDark() {
  return root.dataset.theme ? root.dataset.theme === 'dark' : systemDark.matches;
}

function draw(theme) {
  const family = getComputedStyle(document.body).fontFamily;
  for (const spec of specs) {
    const canvas = document.querySelector(`canvas[data-chart="${spec.id}"]`);
    if (!canvas) continue;
    drawn.get(spec.id)?.destroy();
    const config = hydrate(spec, theme, { family, tick: 12, title: 16, heading: false });
    drawn.set(spec.id, new Chart(canvas, config));
  }
}

function showTheme() {
  const dark = isDark();
  const button = document.getElementById('theme');
  button.setAttribute('aria-pressed', String(dark));
  draw(dark ? themes.dark : themes.light);
}

document.getElementById('theme').addEventListener('click', () => {
  root.dataset.theme = isDark() ? 'light' : 'dark';
  try {
    localStorage.setItem('hollowmark-theme', root.dataset.theme);
  } catch {
    // From disk some browsers forbid storage: the choice then holds for this view.
  }
  showTheme();
});
systemDark.addEventListener('change', showTheme);

// Paper is white, whatever the screen is.
addEventListener('beforeprint', () => {
  for (const details of document.querySelectorAll('details')) details.open = true;
  draw(themes.light);
});
addEventListener('afterprint', showTheme);

for (const element of document.querySelectorAll('[data-height]')) {
  element.style.height = `${element.dataset.height}px`;
}

for (const element of document.querySelectorAll('time')) {
  const date = new Date(element.dateTime);
  if (Number.isNaN(date.getTime())) continue;
  element.title = `${date.toISOString().replace('T', ' ').replace('.000Z', '')} UTC`.replace('Z UTC', ' UTC');
  element.textContent = date.toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' });
}

function sortKey(cell) {
  const given = cell.dataset.sort;
  return given === undefined ? cell.textContent.trim().toLowerCase() : Number(given);
}

function sortTable(table, column, descending) {
  const body = table.tBodies[0];
  const keyed = [...body.rows].map((row) => ({ row, key: sortKey(row.cells[column]) }));
  const compare = (a, b) =>
    typeof a.key === 'number' && typeof b.key === 'number'
      ? a.key - b.key
      : String(a.key).localeCompare(String(b.key), undefined, { numeric: true });
  keyed.sort((a, b) => (descending ? compare(b, a) : compare(a, b)));
  body.append(...keyed.map((each) => each.row));
}

for (const table of document.querySelectorAll('table[data-sortable]')) {
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'sort';
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener('click', () => {
      const before = head.getAttribute('aria-sort');
      // Figures are looked at from the largest down, names from A.
      const descending = before ? before === 'ascending' : head.classList.contains('number');
      for (const other of table.tHead.rows[0].cells) other.removeAttribute('aria-sort');
      head.setAttribute('aria-sort', descending ? 'descending' : 'ascending');
      sortTable(table, column, descending);
    });
  });
}

for (const input of document.querySelectorAll('input[data-search]')) {
  const rows = [...document.getElementById(input.dataset.search).tBodies[0].rows];
  const texts = rows.map((row) => row.cells[0].textContent.toLowerCase());
  const output = input.parentElement.querySelector('output');
  input.addEventListener('input', () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    rows.forEach((row, index) => {
      row.hidden = !words.every((word) => texts[index].includes(word));
      if (!row.hidden) shown++;
    });
    output.textContent = words.length === 0 ? '' : `${shown} of ${rows.length}`;
  });
}

// The section that is being read is marked in the bar at the top.
const links = new Map([...document.querySelectorAll('nav a')].map((link) => [link.hash.slice(1), link]));
const watcher = new IntersectionObserver(
  (entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      for (const link of links.values()) link.removeAttribute('aria-current');
      links.get(entry.target.id)?.setAttribute('aria-current', 'true');
    }
  },
  { rootMargin: '-10% 0px -80% 0px' },
);
for (const part of document.querySelectorAll('main section[id]')) watcher.observe(part);

showTheme();
// Canvas text does not wait for a font: draw again when it is there.
void document.fonts?.ready.then(showTheme);
