// Chosen theme, before anything is drawn. From disk some browsers forbid storage: then the system's choice holds.
(() => {
  try {
    const chosen = localStorage.getItem('hollowmark-theme');
    if (chosen === 'dark' || chosen === 'light') document.documentElement.dataset.theme = chosen;
  } catch {
    // No storage, no memory of the choice.
  }
})();
