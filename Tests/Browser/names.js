// Runs in the page: controls without names, ids that are not one, headings out of order. Returns a list of problems.
const nameOf = (element) => {
  const by = element.getAttribute('aria-labelledby');
  if (by) return by.split(' ').map((id) => document.getElementById(id)?.textContent ?? '').join(' ').trim();
  if (element.getAttribute('aria-label')) return element.getAttribute('aria-label').trim();
  if (element.labels && element.labels.length > 0) return element.labels[0].textContent.trim();
  return ['INPUT', 'TEXTAREA', 'SELECT'].includes(element.tagName) ? '' : element.textContent.trim();
};
const ids = [...document.querySelectorAll('[id]')].map((element) => element.id);
const problems = ids.filter((id, place) => ids.indexOf(id) !== place).map((id) => 'twice: ' + id);
for (const element of document.querySelectorAll('button, a, input, select, textarea, summary, [role=region], section, [tabindex="0"]')) {
  if (nameOf(element) === '') problems.push('no name: ' + element.outerHTML.slice(0, 120));
}
for (const name of ['aria-labelledby', 'aria-describedby', 'for']) {
  for (const element of document.querySelectorAll(`[${name}]`)) {
    for (const id of element.getAttribute(name).split(' ')) {
      if (!document.getElementById(id)) problems.push(`${name} names nothing: ${id}`);
    }
  }
}
if (document.querySelectorAll('main').length !== 1 || document.querySelectorAll('h1').length !== 1) problems.push('landmarks');
if (!document.documentElement.lang) problems.push('no language');
let level = 0;
for (const heading of document.querySelectorAll('h1, h2, h3, h4')) {
  const own = Number(heading.tagName[1]);
  if (own > level + 1 && heading.checkVisibility()) problems.push('heading skips a level: ' + heading.textContent);
  if (heading.checkVisibility()) level = own;
}
return problems;
