// The server as the page sees it: there or not, the key taken or refused, its models and documents.
import { ApiFailure, apiKey, json } from '../lib/api/http';
import type { ModelInfo, ServerInfo } from '../lib/api/types';
import { outbox } from '../lib/outbox';

const kRetryMs = 3000;

class Server {
  info = $state.raw<ServerInfo | null>(null);
  failure = $state.raw<unknown>(null);
  unsaved = $state.raw<unknown>(null); // why messages wait in the outbox
  private timer = 0;

  get gone(): boolean {
    return this.failure instanceof ApiFailure && this.failure.status === 0;
  }

  get keyNeeded(): boolean {
    return this.failure instanceof ApiFailure && this.failure.status === 401;
  }

  get models(): ModelInfo[] {
    return this.info?.models ?? [];
  }

  get defaultModel(): string {
    return (this.models.find((model) => model.default) ?? this.models[0])?.name ?? '';
  }

  async refresh() {
    clearTimeout(this.timer);
    try {
      this.info = await json<ServerInfo>('GET', '/bantam/info');
      this.failure = null;
      await this.save();
    } catch (error) {
      this.lost(error);
    }
  }

  // After a request that failed: shows that the server is gone, and waits for it to come back.
  lost(error: unknown) {
    if (!(error instanceof ApiFailure) || (error.status !== 0 && error.status !== 401)) return;
    this.failure = error;
    clearTimeout(this.timer);
    if (error.status === 0) this.timer = window.setTimeout(() => this.refresh(), kRetryMs);
  }

  // Sends what waits in the outbox.
  async save() {
    try {
      await outbox.flush();
      this.unsaved = null;
    } catch (error) {
      this.unsaved = error;
      this.lost(error);
    }
  }

  // What was written before there were keys, or with one that is refused, is the new key's.
  async useKey(key: string) {
    const before = apiKey.get();
    const tag = apiKey.tag();
    apiKey.set(key.trim());
    if (!before || this.keyNeeded) outbox.take(tag);
    await this.refresh();
  }
}

export const server = new Server();
