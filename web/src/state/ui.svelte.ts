// What is open on the page: drawers, dialogs, the message to the person.
import type { Key } from '../lib/i18n/index.svelte';

class Ui {
  sidebar = $state(false); // on narrow screens; wide ones always show it unless it was put away
  sidebarAway = $state(localStorage.getItem('bantam.sidebar') === 'away');
  panel = $state(false);
  dialog = $state<'settings' | 'shortcuts' | null>(null);
  announcement = $state(''); // read by screen readers
  toast = $state.raw<{ text: string; failed: boolean } | null>(null);
  confirmation = $state.raw<{ title: string; text: string; action: Key; run: () => void } | null>(null);
  link = $state<string | null>(null); // an outside address that was clicked
  private timer = 0;

  say(text: string, failed = false) {
    this.toast = { text, failed };
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => (this.toast = null), failed ? 8000 : 3000);
  }

  toggleSidebar() {
    if (matchMedia('(max-width: 800px)').matches) this.sidebar = !this.sidebar;
    else {
      this.sidebarAway = !this.sidebarAway;
      localStorage.setItem('bantam.sidebar', this.sidebarAway ? 'away' : '');
    }
  }
}

export const ui = new Ui();
