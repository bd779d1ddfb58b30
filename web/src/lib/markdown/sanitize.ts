// The last gate before the page: only these elements and attributes, whatever the parser made of a hostile text.
import DOMPurify from 'dompurify';

const kMath = (
  'math mi mn mo ms mtext mspace mrow mfrac msqrt mroot mstyle merror mpadded mphantom menclose ' +
  'msub msup msubsup munder mover munderover mmultiscripts mtable mtr mtd'
).split(' ');
const kHtml = (
  'p br hr h3 h4 h5 h6 strong em s code pre blockquote ul ol li table thead tbody tr th td a span div button'
).split(' ');
const kAttributes = (
  'class href rel target start type tabindex aria-label data-cite data-copy ' +
  'display mathvariant stretchy fence separator lspace rspace columnalign columnspacing rowspacing columnlines rowlines ' +
  'scriptlevel displaystyle accent accentunder mathcolor mathbackground width height depth voffset minsize maxsize ' +
  'linethickness symmetric movablelimits notation'
).split(' ');

export function sanitize(html: string): string {
  return DOMPurify.sanitize(html, {
    ALLOWED_TAGS: [...kHtml, ...kMath],
    ALLOWED_ATTR: kAttributes,
    ALLOWED_URI_REGEXP: /^(?:https?:\/\/|mailto:)/i,
    ADD_URI_SAFE_ATTR: kAttributes.filter((name) => name !== 'href'), // the others hold no addresses
    ALLOW_DATA_ATTR: false,
    ALLOW_ARIA_ATTR: false,
  });
}
