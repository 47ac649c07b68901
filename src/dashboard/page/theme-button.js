// Light or dark, on every page: the choice is the report's own.
const root = document.documentElement;
const systemDark = matchMedia('(prefers-color-scheme: dark)');

export function isDark() {
  return root.dataset.theme ? root.dataset.theme === 'dark' : systemDark.matches;
}

/** Calls `show` now and whenever the theme changes. */
export function setUpTheme(show) {
  const button = document.getElementById('theme');
  const changed = () => {
    button.setAttribute('aria-pressed', String(isDark()));
    show(isDark());
  };
  button.addEventListener('click', () => {
    root.dataset.theme = isDark() ? 'light' : 'dark';
    try {
      localStorage.setItem('hollowmark-theme', root.dataset.theme);
    } catch {
      // Where storage is forbidden the choice holds for this page.
    }
    changed();
  });
  systemDark.addEventListener('change', changed);
  changed();
}
