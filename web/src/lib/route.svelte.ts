// Where the page is, in the address after '#': a link opens the same view, and the browser's Back works.

export type Route =
  | { view: 'chat'; id: string | null }
  | { view: 'documents' }
  | { view: 'owner' };

function parse(hash: string): Route {
  const [view, id] = hash.replace(/^#\/?/, '').split('/');
  if (view === 'documents') return { view };
  if (view === 'owner') return { view };
  return { view: 'chat', id: view === 'c' && id ? decodeURIComponent(id) : null };
}

let route = $state.raw<Route>(parse(location.hash));
addEventListener('hashchange', () => (route = parse(location.hash)));

export const current = (): Route => route;

export function go(hash: string, replace = false) {
  if (replace) {
    history.replaceState(null, '', hash);
    route = parse(hash);
  } else {
    location.hash = hash;
  }
}
