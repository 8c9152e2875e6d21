// Runs in the page: text, and edges of controls, with too little contrast to what is behind (WCAG 2.2, AA). Returns a list of problems.
const parse = (text) => { const [r, g, b, a = 1] = text.match(/[\d.]+/g).map(Number); return { r, g, b, a }; };
const luminance = ({ r, g, b }) => {
  const [x, y, z] = [r, g, b].map((value) => value / 255).map((value) => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
  return 0.2126 * x + 0.7152 * y + 0.0722 * z;
};
const contrast = (one, other) => {
  const [high, low] = [luminance(one), luminance(other)].sort((left, right) => right - left);
  return (high + 0.05) / (low + 0.05);
};
const behind = (element) => {
  for (let place = element; place; place = place.parentElement) {
    const color = parse(getComputedStyle(place).backgroundColor);
    if (color.a === 1) return color;
  }
  return { r: 255, g: 255, b: 255, a: 1 };
};
const problems = [];
for (const element of document.querySelectorAll('body *')) {
  if (!element.checkVisibility() || element.closest('.visually-hidden')) continue;
  const style = getComputedStyle(element);
  const hasText = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim() !== '') || 'value' in element;
  if (hasText && element.tagName !== 'OPTION' && element.tagName !== 'LI') {
    const found = contrast(parse(style.color), behind(element));
    if (found < 4.5) problems.push(`${element.tagName} ${element.id || element.className} text ${found.toFixed(2)}`);
  }
  if (['INPUT', 'TEXTAREA', 'SELECT'].includes(element.tagName) && element.type !== 'checkbox') {
    const found = contrast(parse(style.borderTopColor), behind(element.parentElement));
    if (found < 3) problems.push(`${element.tagName} ${element.id} edge ${found.toFixed(2)}`);
  }
}
return problems;
