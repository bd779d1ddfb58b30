// The documents of this server, and the files on their way to it.
import * as api from '../lib/api/documents';
import type { Citation, DocumentList } from '../lib/api/types';
import { server } from './server.svelte';

const kPollMs = 700;
const kPageSize = 200;

export interface Upload {
  name: string;
  state: 'waiting' | 'sending' | 'done' | 'failed';
  failure?: unknown;
}

class Documents {
  list = $state.raw<DocumentList | null>(null);
  uploads = $state<Upload[]>([]);
  failure = $state.raw<unknown>(null);
  opened = $state.raw<Citation | null>(null); // shown in the passage viewer
  filter = $state('');
  private limit = kPageSize;
  private timer = 0;
  private sending: Promise<void> = Promise.resolve();

  get indexing(): boolean {
    return this.list?.indexing.running ?? false;
  }

  async refresh() {
    clearTimeout(this.timer);
    try {
      const { filter } = this;
      const list = await api.listDocuments(filter, this.limit);
      if (filter !== this.filter) return; // a newer question is on its way
      const before = this.list?.found;
      this.list = list;
      this.failure = null;
      if (this.indexing) this.timer = window.setTimeout(() => this.refresh(), kPollMs);
      if (before !== list.found) void server.refresh();
    } catch (error) {
      this.failure = error;
      server.lost(error);
    }
  }

  search(filter: string) {
    this.filter = filter;
    this.limit = kPageSize;
    void this.refresh();
  }

  showMore() {
    this.limit += kPageSize;
    void this.refresh();
  }

  // One after another: a hundred files at once would only wait for each other.
  add(files: Iterable<File>): Promise<void> {
    for (const file of files) {
      this.uploads.push({ name: file.name, state: 'waiting' });
      const upload = this.uploads[this.uploads.length - 1];
      this.sending = this.sending.then(() => this.send(file, upload));
    }
    return this.sending;
  }

  private async send(file: File, upload: Upload) {
    upload.state = 'sending';
    try {
      await api.uploadDocument(file);
      upload.state = 'done';
    } catch (error) {
      upload.state = 'failed';
      upload.failure = error;
      server.lost(error);
    }
    await this.refresh();
  }

  clearFinished() {
    this.uploads = this.uploads.filter(({ state }) => state !== 'done');
  }

  async addFolder(path: string) {
    await api.addFolder(path);
    await this.refresh();
  }

  async remove(id: string) {
    await api.deleteDocument(id);
    await this.refresh();
  }
}

export const documents = new Documents();
