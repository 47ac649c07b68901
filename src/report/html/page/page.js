// The page's own behaviour. All of its scripts stand in one function, this one last: what they import is above them
// then, and the words of importing are taken out.
import { themes } from '../../charts/themes.js';
import { drawCharts, fitCharts, setUpChart, specs } from './charts.js';
import { setUpExplorer } from './explorer.js';
import { setUpInventory } from './inventory.js';
import { setUpTables } from './tables.js';

const root = document.documentElement;
const systemDark = matchMedia('(prefers-color-scheme: dark)');

function isDark() {
  return root.dataset.theme ? root.dataset.theme === 'dark' : systemDark.matches;
}

function showTheme() {
  const dark = isDark();
  document.getElementById('theme').setAttribute('aria-pressed', String(dark));
  drawCharts(dark ? themes.dark : themes.light, { onPaper: false });
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

// Paper is white and narrow, whatever the screen is, and nothing can be opened on it.
let openedForPaper = [];
addEventListener('beforeprint', () => {
  openedForPaper = [...document.querySelectorAll('details:not(.data):not([open])')];
  for (const details of openedForPaper) details.open = true;
  root.classList.add('paper');
  drawCharts(themes.light, { onPaper: true });
});
addEventListener('resize', fitCharts);
addEventListener('afterprint', () => {
  for (const details of openedForPaper) details.open = false;
  root.classList.remove('paper');
  showTheme();
});

for (const element of document.querySelectorAll('time')) {
  const date = new Date(element.dateTime);
  if (Number.isNaN(date.getTime())) continue;
  element.title = `${date.toISOString().replace('T', ' ').replace('.000Z', '')} UTC`.replace('Z UTC', ' UTC');
  element.textContent = date.toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' });
}

// The section that is being read is marked in the bar at the top, and brought into its view; above the first there is none.
const bar = document.querySelector('nav ul');
const links = new Map([...bar.querySelectorAll('a')].map((link) => [link.hash.slice(1), link]));
const inView = new Set();
const watcher = new IntersectionObserver(
  (entries) => {
    for (const { isIntersecting, target } of entries) {
      if (isIntersecting) inView.add(target.id);
      else inView.delete(target.id);
    }
    for (const link of links.values()) link.removeAttribute('aria-current');
    const current = links.get([...inView].at(-1));
    if (!current) return;
    current.setAttribute('aria-current', 'true');
    const middle = current.offsetLeft + current.offsetWidth / 2 - bar.offsetLeft;
    bar.scrollLeft = middle - bar.clientWidth / 2;
  },
  { rootMargin: '-10% 0px -80% 0px' },
);
for (const part of document.querySelectorAll('main section[id]')) watcher.observe(part);

root.classList.add('scripted');
setUpTables();
setUpInventory();
showTheme();
for (const spec of specs) setUpChart(spec);
setUpExplorer();
// Canvas text does not wait for a font: draw again when it is there.
void document.fonts?.ready.then(showTheme);
