// What a checker of accessibility looks for first; gives what is wrong, in words.
() => {
  const wrong = [];
  const name = e => (e.getAttribute('aria-label') || (e.labels && [...e.labels].map(l => l.textContent).join(' '))
    || e.getAttribute('title') || e.textContent || '').trim();
  if (document.querySelectorAll('main').length !== 1) wrong.push('one main landmark');
  if (document.querySelectorAll('h1').length !== 1) wrong.push('one h1');
  if (!document.documentElement.lang) wrong.push('a language');
  const levels = [...document.querySelectorAll('h1,h2,h3,h4')].map(h => +h.tagName[1]);
  levels.forEach((l, i) => { if (i && l > levels[i - 1] + 1) wrong.push('headings skip to h' + l); });
  const ids = [...document.querySelectorAll('[id]')].map(e => e.id);
  ids.filter((id, i) => ids.indexOf(id) !== i).forEach(id => wrong.push('id twice: ' + id));
  document.querySelectorAll('input:not([type=hidden]),select,textarea,button,a[href]').forEach(e => {
    if (!name(e)) wrong.push('no name: ' + e.outerHTML.slice(0, 120));
  });
  document.querySelectorAll('svg').forEach(e => {
    const named = e.getAttribute('aria-labelledby');
    if (e.getAttribute('aria-hidden') !== 'true' && !named) wrong.push('svg without words');
    (named || '').split(' ').filter(Boolean).forEach(id => {
      if (!document.getElementById(id)?.textContent.trim()) wrong.push('svg named by nothing: ' + id);
    });
  });
  document.querySelectorAll('[aria-labelledby]').forEach(e => e.getAttribute('aria-labelledby').split(' ')
    .forEach(id => { if (!document.getElementById(id)) wrong.push('labelled by nothing: ' + id); }));
  document.querySelectorAll('th').forEach(e => { if (!e.scope) wrong.push('th without scope'); });
  return wrong;
}
