// Conversations, documents, keys and usage that look like those of an office, for screenshots and tests.
import { addConversation } from './conversations.mjs';
import { addDocument } from './documents.mjs';

const kDay = 86_400;

const kHandbook = {
  'travel-policy.md': '# Travel policy\n\nTrips inside the country are booked by the traveller, trips abroad by the office.\n\n## How expenses are paid back\n\nExpenses are paid back within 14 days after the receipts are handed in.\nReceipts are needed for everything above 10 euros.\n',
  'backups.md': '# Backups\n\nThe backups are made every night at 02:00 and kept for 90 days.\nJisoo Han is responsible for the backups and tests them on the first Monday of each month.\n',
  '휴가-규정.md': '# 휴가 규정\n\n모든 직원은 한 해에 유급 휴가 25일을 받습니다.\n쓰지 않은 휴가는 다음 해 3월까지 쓸 수 있습니다.\n',
};

const kKeys = ['alice', 'build-server', 'phone-app'];
const kNone = { requests_per_minute: 0, tokens_per_minute: 0, requests_per_day: 0, tokens_per_day: 0, concurrent: 0, budget_month: 0 };

export function fill(state) {
  const now = state.now();
  for (const [name, text] of Object.entries(kHandbook)) addDocument(state, name, text);
  const titles = [
    ['When are expenses paid back?', 0, true, ''],
    ['Summary of the travel policy', 0, false, ''],
    ['휴가는 며칠입니까?', 0, false, ''],
    ['Notes for the release', 0, false, 'Release'],
    ['Wording of the announcement', 2, false, 'Release'],
    ['Who tests the backups?', 3, false, ''],
    ['Ideas for the team day', 12, false, ''],
  ];
  titles.forEach(([title, daysAgo, pinned, folder], i) => {
    const at = now - daysAgo * kDay - i * 60;
    const messages = [
      { id: `q${i}`, parent: null, role: 'user', content: title, created: at, data: {} },
      { id: `a${i}`, parent: `q${i}`, role: 'assistant', content: `An answer to: ${title}`, created: at, data: { source: 'model', model: 'bantam-1' } },
    ];
    addConversation(state, '', { id: `c${i}`, title, folder, pinned, created: at, updated: at, head: `a${i}`, messages });
  });
  state.keyList = kKeys.map((name, i) => ({
    id: `k${i + 1}`, name, created: now - (30 - i) * kDay, revoked: false,
    scopes: i === 0 ? [] : ['chat', 'documents', 'models'],
    limits: i === 2 ? { ...kNone, requests_per_minute: 60, tokens_per_day: 200_000 } : kNone,
  }));
  for (let day = 0; day < 14; day++) {
    kKeys.forEach((key, i) => {
      const tokens = Math.round((900 + 7919 * ((day * 13 + i * 7) % 17)) * (1.4 - i * 0.35));
      if ((day * 5 + i) % 6 === 0) return;
      state.usage.push({
        day: new Date((now - day * kDay) * 1000).toISOString().slice(0, 10), key, model: i === 1 ? 'smollm2' : 'bantam-1',
        requests: Math.ceil(tokens / 900), prompt_tokens: Math.round(tokens * 0.7), completion_tokens: Math.round(tokens * 0.3), cost: 0,
      });
    });
  }
}
