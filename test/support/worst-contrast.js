/** Runs in a page. Value: the lowest contrast of any text with the nearest painted background. */
(() => {
  const luminance = (color) => {
    const channels = color
      .match(/[\d.]+/g)
      .slice(0, 3)
      .map((value) => {
        const share = Number(value) / 255;
        return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
      });
    return 0.2126 * channels[0] + 0.7152 * channels[1] + 0.0722 * channels[2];
  };
  let worst = { ratio: 21, text: '' };
  for (const element of document.querySelectorAll('body *')) {
    const text = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim() !== '');
    if (!text || element.closest('script, style, [hidden]')) continue;
    let behind = element;
    while (behind && /rgba\(0, 0, 0, 0\)/.test(getComputedStyle(behind).backgroundColor)) behind = behind.parentElement;
    const a = luminance(getComputedStyle(element).color);
    const b = luminance(behind ? getComputedStyle(behind).backgroundColor : 'rgb(255, 255, 255)');
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < worst.ratio) worst = { ratio, text: element.textContent.trim().slice(0, 40) };
  }
  return worst;
})();
