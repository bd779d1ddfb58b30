// node mock/serve.mjs [PORT]: the mock server with a few conversations and documents, to look at the page by hand.
import { fill } from './sample.mjs';
import { startMock } from './server.mjs';

const mock = await startMock(Number(process.argv[2] ?? 8090));
fill(mock.state);
console.log(mock.url);
